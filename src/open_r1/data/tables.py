"""
Writes the rows of a data stage: streamed to disk, shuffled by a seed. Memory holds a thousand rows at a
time.
"""

import itertools
import random
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..core.artifacts import Artifact
from ..core.errors import DataError
from ..core.rows import Row
from .contamination import Decontaminator

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

CHUNK = 1000  # rows


def tables(rows: Iterable[Row]) -> Iterator[Any]:
    """
    Rows as Arrow tables of one schema, which the first of them decides; columns without any value there are texts.
    """
    import pyarrow as pa

    rows, schema = iter(rows), None
    while chunk := list(itertools.islice(rows, CHUNK)):
        try:
            if schema is None:
                schema = pa.schema(
                    [field.with_type(without_nulls(field.type)) for field in pa.Table.from_pylist(chunk).schema]
                )
            table = pa.Table.from_pylist(chunk, schema=schema)
        except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
            raise DataError(
                f"a column holds values of different types: {error}", "make them one type in the sources"
            ) from None
        yield table


def without_nulls(kind: Any) -> Any:
    """An Arrow type with texts in place of what had no value yet, at any depth."""
    import pyarrow as pa

    if pa.types.is_null(kind):
        return pa.string()
    if pa.types.is_list(kind):
        return pa.list_(without_nulls(kind.value_type))
    if pa.types.is_struct(kind):
        return pa.struct([field.with_type(without_nulls(field.type)) for field in kind])
    return kind


def write_table(rows: Iterable[Row], path: Path) -> int:
    """Writes rows to a parquet file, in order; returns how many there were. Nothing is written for none."""
    import pyarrow.parquet as pq

    scratch, writer, count = path.with_suffix(".part"), None, 0
    for table in tables(rows):
        writer = writer or pq.ParquetWriter(scratch, table.schema)
        writer.write_table(table)
        count += table.num_rows
    if writer:
        writer.close()
        scratch.replace(path)
    return count


def write_shuffled(rows: Iterable[Row], path: Path, seed: int) -> int:
    """
    `write_table` in an order that the seed decides: through a file that is mapped, not read, so that any number of
    rows will do.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    scratch, writer = path.with_suffix(".arrow"), None
    for table in tables(rows):
        writer = writer or pa.ipc.new_file(str(scratch), table.schema)
        writer.write_table(table)
    if not writer:
        return 0
    writer.close()
    with pa.memory_map(str(scratch)) as mapped:
        reader = pa.ipc.open_file(mapped)
        pieces = [reader.get_batch(n) for n in range(reader.num_record_batches)]  # of CHUNK rows each, but the last
        order = list(range(sum(piece.num_rows for piece in pieces)))
        random.Random(seed).shuffle(order)
        with pq.ParquetWriter(path.with_suffix(".part"), reader.schema) as out:
            for start in range(0, len(order), CHUNK):
                picked = [pieces[n // CHUNK].slice(n % CHUNK, 1) for n in order[start : start + CHUNK]]
                out.write_table(pa.Table.from_batches(picked).combine_chunks())
        del pieces, picked
    path.with_suffix(".part").replace(path)
    scratch.unlink()
    return len(order)


def write_result(
    rows: Iterable[Row],
    artifact: Artifact,
    recipe: dict[str, Any],
    funnel: list[dict[str, Any]],
    cleaner: Decontaminator | None = None,
    tokenizer: "PreTrainedTokenizerBase | None" = None,
    figures: dict[str, Any] | None = None,
) -> None:
    """
    Checks the rows against the benchmarks, writes them shuffled, and marks the artifact complete.

    Args:
        rows (`Iterable[dict]`):
            The result, with `prompt` and `domain`.
        artifact (`Artifact`):
            The stage's output.
        recipe (`dict`):
            The resolved recipe; its `seed` decides the order.
        funnel (`list[dict]`):
            Steps that removed rows, complete once the rows were taken.
        cleaner (`Decontaminator`, *optional*):
            The benchmarks to check against.
        tokenizer (`PreTrainedTokenizer`, *optional*):
            For the lengths in the statistics.
        figures (`dict`, *optional*):
            What else the card and the manifest tell, by name; a value may be such a mapping itself.
    """
    statistics = Statistics(tokenizer)
    clean = cleaner.rows(rows, artifact.path / "contaminated.jsonl") if cleaner else rows
    count = write_shuffled(map(statistics.seen, clean), artifact.path / "data.parquet", recipe.get("seed", 0))
    report = cleaner.report() if cleaner else None
    if not count:
        raise DataError(
            f"no row is left, of {report['checked'] if report else 0} before decontamination",
            "look at contaminated.jsonl",
        )
    told = {"figures": figures} if figures else {}
    artifact.finish(
        rows=count,
        domains=dict(statistics.rows),
        statistics=statistics.counts(),
        funnel=funnel,
        contamination=report,
        **told,
    )


class Statistics:
    """
    Counts rows, turns and tokens by domain, as in the paper's table of the 800k set (supplement B.3.3).

    Args:
        tokenizer (`PreTrainedTokenizer`, *optional*):
            Without it tokens are not counted.
    """

    def __init__(self, tokenizer: "PreTrainedTokenizerBase | None" = None):
        self.tokenizer = tokenizer
        self.rows: Counter[str] = Counter()
        self.turns: Counter[str] = Counter()
        self.tokens: Counter[str] = Counter()

    def seen(self, row: Row) -> Row:
        """Counts a row and gives it back."""
        domain = row["domain"]
        self.rows[domain] += 1
        self.turns[domain] += sum(message["role"] == "user" for message in row["prompt"])
        if self.tokenizer:
            text = " ".join([*(message["content"] for message in row["prompt"]), row.get("response") or ""])
            self.tokens[domain] += len(self.tokenizer(text, add_special_tokens=False)["input_ids"])
        return row

    def counts(self) -> dict[str, dict[str, int]]:
        """What was counted, by domain."""
        return {
            name: {"samples": count, "turns": self.turns[name], "tokens": self.tokens[name]}
            for name, count in self.rows.items()
        }
