"""One file of a sample store in either of its forms: lines of JSON as it is drawn, a table as it is published.

Both hold the same rows. A column of a table has the type of its values. Where no type of parquet holds them all - a
number here and a text there, mappings of different keys - it holds JSON, and its field says so (`FORM`), as it says of
a column that some rows do not have.

What all samples of a problem share may be large: the tests of a program are megabytes, articles fill a book. Such
values stand once in a file beside the part (`large-*`), and a row holds the place there (`LARGE`); who reads rows
gets them whole.
"""

import itertools
import json
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..core.errors import ArtifactError
from ..core.rows import Row

if TYPE_CHECKING:
    import pyarrow as pa

TABLE = ".parquet"
# in a field's metadata: what its column holds, and that a null stands for a key that the row does not have
FORM, JSON, OPTIONAL = b"open_r1", b"json", b"optional"
LARGE = "large"
SHARED = ("answer", "metadata", "options", "question", "messages", "prompt")  # the same for all samples of a problem
MOST = 4096  # characters of such a value that stay in the row


# ------------------------------------------------------------------------------------------------ the types of columns


class NoType(Exception):
    """No type of parquet gives back what was put in."""


def type_of(value: Any) -> "pa.DataType":
    """The Arrow type that gives a value back as it was; raises [`NoType`] where none does."""
    import pyarrow as pa

    if value is None:
        return pa.null()
    if isinstance(value, bool):
        return pa.bool_()
    if isinstance(value, int) and -(2**63) <= value < 2**63:
        return pa.int64()
    if isinstance(value, float):
        return pa.float64()
    if isinstance(value, str) and is_unicode(value):
        return pa.string()
    if isinstance(value, list):
        found = pa.null()
        for item in value:
            found = common(found, type_of(item))
        return pa.list_(found)
    if isinstance(value, dict) and value and all(map(is_unicode, value)):
        return pa.struct([(name, type_of(value[name])) for name in sorted(value)])
    raise NoType


def is_unicode(text: str) -> bool:
    """Whether a text is one; half a surrogate pair, which a tokenizer can leave, is none."""
    try:
        return text.isascii() or bool(text.encode())
    except UnicodeEncodeError:
        return False


def common(one: "pa.DataType", other: "pa.DataType") -> "pa.DataType":
    """The type of values of both; raises [`NoType`] where there is none, also for an integer and a float."""
    import pyarrow as pa

    if one == other or pa.types.is_null(other):
        return one
    if pa.types.is_null(one):
        return other
    if pa.types.is_list(one) and pa.types.is_list(other):
        return pa.list_(common(one.value_type, other.value_type))
    if pa.types.is_struct(one) and pa.types.is_struct(other) and names(one) == names(other):
        return pa.struct([(name, common(one[name].type, other[name].type)) for name in names(one)])
    raise NoType


def names(struct: "pa.DataType") -> list[str]:
    return [field.name for field in struct]


class Columns:
    """What the rows of a store have under each key, row by row."""

    def __init__(self) -> None:
        self.types: dict[str, pa.DataType | None] = {}  # `None` where none holds them
        self.present: dict[str, int] = {}
        self.empty: set[str] = set()  # keys with a `None`
        self.rows = 0

    def see(self, row: Row) -> None:
        import pyarrow as pa

        self.rows += 1
        for name, value in row.items():
            self.present[name] = self.present.get(name, 0) + 1
            known = self.types.get(name, pa.null())
            if value is None:
                self.empty.add(name)
            if known is not None:
                try:
                    self.types[name] = common(known, type_of(value))
                except NoType:
                    self.types[name] = None

    def schema(self) -> "pa.Schema":
        """The table's. A null says one thing: that a row has no such key, or that it has nothing there."""
        import pyarrow as pa

        from ..data.tables import without_nulls

        fields = []
        for name, kind in self.types.items():
            optional = self.present[name] < self.rows
            if kind is None or (optional and name in self.empty):
                fields.append(pa.field(name, pa.string(), metadata={FORM: JSON}))
            else:
                fields.append(pa.field(name, without_nulls(kind), metadata={FORM: OPTIONAL} if optional else None))
        return pa.schema(fields)


# ------------------------------------------------------------------------------------------- rows into tables and back


def form(field: "pa.Field") -> bytes | None:
    return (field.metadata or {}).get(FORM)


def as_table(rows: list[Row], schema: "pa.Schema") -> "pa.Table":
    """Rows as a table of a schema that [`Columns`] made of them and others."""
    import pyarrow as pa

    texts = [field.name for field in schema if form(field) == JSON]
    written = [row | {name: json.dumps(row[name]) for name in texts if name in row} for row in rows]
    return pa.Table.from_pylist(written, schema=schema)


def as_rows(table: "pa.Table") -> list[Row]:
    """The rows of which a table was made."""
    forms = {field.name: form(field) for field in table.schema}
    return [
        {
            name: json.loads(value) if forms[name] == JSON else value
            for name, value in row.items()
            if value is not None or not forms[name]
        }
        for row in table.to_pylist()
    ]


# ------------------------------------------------------------------------------------------------------- the two forms


class Beside:
    """What is large in the rows of a part: its file is opened where a row first needs it, and one entry is kept."""

    def __init__(self, path: Path):
        self.path, self.place, self.values = path, -1, Row()
        self.part: Lines | Table | None = None

    def whole(self, row: Row) -> Row:
        """A row with what stands beside it."""
        if LARGE not in row:
            return row
        place = row.pop(LARGE)
        self.part = self.part or open_part(self.path)
        if place != self.place:
            self.place, self.values = place, self.part.row(place)
        return row | self.values

    def close(self) -> None:
        if self.part:
            self.part.close()


def beside(part: Path) -> Path:
    """The file with what is large in the rows of a part; the tables of a store share one."""
    number = "" if part.suffix == TABLE else part.name.removeprefix("part").partition(".")[0]
    return part.with_name(f"{LARGE}{number}{part.suffix}")


def apart(row: Row) -> tuple[Row, Row]:
    """A row without what is large in it, and that."""
    large = {name: row[name] for name in SHARED if size_of(row.get(name)) > MOST}
    return {name: value for name, value in row.items() if name not in large}, large


def size_of(value: Any) -> int:
    return len(value) if isinstance(value, str) else len(json.dumps(value)) if value else 0


class Lines:
    """A part as it is drawn; a row's place is its offset."""

    def __init__(self, path: Path):
        self.path, self.file, self.large = path, path.open("rb"), Beside(beside(path))

    def __iter__(self) -> Iterator[tuple[int, Row]]:
        offset = 0
        for line in self.file:
            yield offset, self.read(line)
            offset += len(line)

    def row(self, place: int) -> Row:
        self.file.seek(place)
        return self.read(self.file.readline())

    def read(self, line: bytes) -> Row:
        try:
            row = json.loads(line)
        except ValueError:
            hint = "delete it and the `manifest.json` above it, and run again: what it held is drawn again"
            raise ArtifactError(f"{self.path}: a line that is no row: {line[:60]!r}", hint) from None
        return self.large.whole(row)

    def close(self) -> None:
        self.file.close()
        self.large.close()


class Table:
    """A part as it is published; a row's place is its number. Memory holds one row group."""

    def __init__(self, path: Path):
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            self.file = pq.ParquetFile(path)
        except pa.ArrowInvalid as error:
            raise ArtifactError(
                f"{path} is no table: {str(error).splitlines()[0]}", "fetch it again: it may be half a file"
            ) from None
        about = self.file.metadata
        sizes = (about.row_group(n).num_rows for n in range(about.num_row_groups))
        self.starts = list(itertools.accumulate(sizes, initial=0))
        self.group, self.rows, self.large = -1, list[Row](), Beside(beside(path))

    def __iter__(self) -> Iterator[tuple[int, Row]]:
        return ((place, self.row(place)) for place in range(self.starts[-1]))

    def row(self, place: int) -> Row:
        group = bisect_right(self.starts, place) - 1
        if group != self.group:
            self.group, self.rows = group, as_rows(self.file.read_row_group(group))
        return self.large.whole(dict(self.rows[place - self.starts[group]]))

    def close(self) -> None:
        self.file.close()
        self.large.close()


def open_part(path: Path) -> Lines | Table:
    return Table(path) if path.suffix == TABLE else Lines(path)


def placed(path: Path) -> Iterator[tuple[int, Row]]:
    """The rows of a part, each with its place."""
    with closing(open_part(path)) as part:
        yield from part


def rows_at(places: Iterable[tuple[Path, int]]) -> Iterator[Row]:
    """The rows at some places of some parts, in the order of the places."""
    for path, group in itertools.groupby(places, key=lambda place: place[0]):
        with closing(open_part(path)) as part:
            for _, place in group:
                yield part.row(place)
