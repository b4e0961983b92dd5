"""Rows of benchmarks that renaming alone cannot read, and the prompt that is made of a row.

A reader, named by the `reader` of an entry, makes `question`, `options`, `answer` or `metadata` from a row as its
data set has it; `None` leaves the row out. Then the entry's `prompt` becomes the user's turn: `{column}` is replaced
by that column of the row, `{options}` by a list with letters; braces of anything else, such as `\\boxed{}`, stay.
"""

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..core.errors import DataError
from ..core.rows import Row
from . import readers_choice as choice

if TYPE_CHECKING:
    from datasets import Dataset

READERS: dict[str, Callable[[Row, dict[str, Any]], Row | None]] = {
    "gpqa": choice.gpqa,
    "mmlu_redux": choice.mmlu_redux,
    "ceval": choice.ceval,
    "cluewsc": choice.cluewsc,
    "drop": choice.drop,
    "ifeval": choice.ifeval,
}
PLACE = re.compile(r"\{(\w+)\}")


def asked(dataset: "Dataset", entry: dict[str, Any]) -> "Dataset":
    """The rows of an entry with its reader and its prompt, where it has them."""
    import datasets

    reader, prompt = entry.get("reader"), entry.get("prompt")
    if reader is None and prompt is None:
        return dataset
    if reader is not None and reader not in READERS:
        known = ", ".join(sorted(READERS))
        raise DataError(f"datasets entry {entry['path']}: unknown `reader: {reader}`", f"use one of {known}")
    rows = [row if reader is None else read(row, entry) for row in dataset]
    kept = [row for row in rows if row is not None]
    return datasets.Dataset.from_list([with_prompt(row, prompt, entry["path"]) for row in kept])


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
        return lettered(value) if isinstance(value, list) else str(value)

    return row | {"prompt": PLACE.sub(fill, prompt).strip()}


def lettered(options: list[str]) -> str:
    """Options, one on a line, each with its letter."""
    return "\n".join(f"{chr(ord('A') + number)}. {option}" for number, option in enumerate(options))
