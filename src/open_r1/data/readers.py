"""Rows of benchmarks that renaming alone cannot read, and the prompt that is made of a row.

A reader, named by the `reader` of an entry, makes `question`, `options`, `answer` or `metadata` from a row as its
data set has it; `None` leaves the row out. Then the entry's `prompt` becomes the user's turn: `{column}` is replaced
by that column of the row, `{options}` by a list with letters; braces of anything else, such as `\\boxed{}`, stay.
"""

import inspect
import re
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..core.errors import DataError
from ..core.rows import Row
from . import readers_choice as choice
from . import readers_code as code
from . import readers_judged as judged

if TYPE_CHECKING:
    from datasets import Dataset

READERS: dict[str, Callable[[Row, dict[str, Any]], Row | None]] = {
    "gpqa": choice.gpqa,
    "mmlu_redux": choice.mmlu_redux,
    "ceval": choice.ceval,
    "cluewsc": choice.cluewsc,
    "drop": choice.drop,
    "ifeval": choice.ifeval,
    "codeforces": code.codeforces,
    "livecodebench": code.livecodebench,
    "alpaca_eval": judged.alpaca_eval,
    "arena_hard": judged.arena_hard,
    "frames": judged.frames,
}
BYTES = 64 << 20  # of rows that are rebuilt in memory, and take eight times as much there; more go through the disk
PLACE = re.compile(r"\{(\w+)\}")


def asked(dataset: "Dataset", entry: dict[str, Any]) -> "Dataset":
    """The rows of an entry with its reader and its prompt, where it has them."""
    import datasets

    reader, prompt = entry.get("reader"), entry.get("prompt")
    if reader is None and prompt is None:
        return dataset
    if reader is not None and reader not in READERS:
        names = ", ".join(sorted(READERS))
        raise DataError(f"datasets entry {entry['path']}: unknown `reader: {reader}`", f"use one of {names}")
    mixed = [name for name, feature in dataset.features.items() if "Json(" in repr(feature)]  # or a list of such

    def made(row: Row) -> list[Row]:
        row = row | {name: as_text(row[name]) for name in mixed}
        found = row if reader is None else read(row, entry)
        return [] if found is None else [with_prompt(found, prompt, entry["path"])]

    if dataset.data.nbytes <= BYTES:
        return datasets.Dataset.from_list([found for row in dataset for found in made(row)])
    return asked_on_disk(dataset, entry, made)


def as_text(value: Any) -> Any:
    """A value of a column that holds numbers and texts, which no table can, as text."""
    if isinstance(value, list):
        return [as_text(one) for one in value]
    return value if value is None or isinstance(value, dict) else str(value)


def asked_on_disk(dataset: "Dataset", entry: dict[str, Any], made: Callable[[Row], list[Row]]) -> "Dataset":
    """The same for rows that do not fit into memory together."""
    import datasets

    few = at_once(dataset)
    first = datasets.Dataset.from_list(list(islice((found for row in dataset for found in made(row)), few)))
    if not len(first):
        return first
    features = datasets.Features({name: known(feature) for name, feature in first.features.items()})

    def column_wise(batch: dict[str, list]) -> dict[str, list]:
        found = made({name: values[0] for name, values in batch.items()})
        return {name: [row.get(name) for row in found] for name in features}

    return dataset.map(
        column_wise,
        batched=True,
        batch_size=1,
        remove_columns=dataset.column_names,
        features=features,
        writer_batch_size=few,
        new_fingerprint=fingerprint(dataset, entry, asked, READERS.get(entry.get("reader", ""), asked)),
        desc=f"reading {entry['path']}",
    )


def fingerprint(dataset: "Dataset", entry: dict[str, Any], *functions: Callable) -> str:
    """
    By which `datasets` finds what it made of rows before: it changes with the code of the functions' modules, of which
    `datasets` itself takes the names alone.
    """
    from datasets.fingerprint import Hasher

    code = [Path(inspect.getfile(function)).read_bytes() for function in functions]
    return Hasher.hash([dataset._fingerprint, entry, code])


def known(feature: Any) -> Any:
    """A column's type; text where the first rows had no value."""
    import datasets

    return datasets.Value("string") if isinstance(feature, datasets.Value) and feature.dtype == "null" else feature


def at_once(dataset: "Dataset") -> int:
    """How many rows may be in memory together: 1,000, or fewer where they are large."""
    return max(1, min(1000, len(dataset), len(dataset) * BYTES // max(1, dataset.data.nbytes)))


def read(row: Row, entry: dict[str, Any]) -> Row | None:
    """What the reader of an entry makes of a row; raises `DataError` for a row that is not as it expects."""
    name, path = entry["reader"], entry["path"]
    try:
        return READERS[name](row, entry)
    except KeyError as error:
        raise DataError(
            f"dataset {path} has no column {error}, which `reader: {name}` needs; it has {', '.join(row)}",
            "check `path`, `name` and `revision`, or name another `reader`",
        ) from None
    except (AttributeError, IndexError, TypeError, ValueError) as error:
        raise DataError(
            f"dataset {path}: a row that `reader: {name}` cannot read ({error}): {str(row)[:200]}",
            "check `path`, `name` and `revision`, or name another `reader`",
        ) from None


def with_prompt(row: Row, prompt: str | None, path: str) -> Row:
    """A row with the user's turn; raises `DataError` for a place that names no column."""
    if prompt is None:
        return row

    def fill(match: re.Match) -> str:
        value = row.get(match[1])
        if value is None:
            raise DataError(
                f"dataset {path} has no column `{match[1]}`, which its `prompt` names, or a row without it; it has "
                f"{', '.join(row)}",
                "correct `prompt`, `columns` or `reader`",
            )
        if isinstance(value, list) and match[1] == "options":
            return lettered(value)
        if isinstance(value, (list, dict)):
            kind = type(value).__name__
            raise DataError(
                f"dataset {path}: column `{match[1]}`, which its `prompt` names, holds a {kind}: {str(value)[:80]}",
                "name a column of texts; options of a multiple choice are in the column `options`",
            )
        return str(value)

    return row | {"prompt": PLACE.sub(fill, prompt).strip()}


def lettered(options: list[str]) -> str:
    """Options, one on a line, each with its letter."""
    return "\n".join(f"{chr(ord('A') + number)}. {option}" for number, option in enumerate(options))
