"""Which rows and columns of a source count, by its entry in a recipe; an error says what there is instead."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from ..core.errors import DataError

if TYPE_CHECKING:
    from datasets import Dataset

# keys of an entry: what they hold (one of some words, where these stand there), and how that is written
FORMS: dict[str, tuple[Any, str]] = {
    "columns": (dict, "{THEIRS: OURS}"),
    "where": (dict, "{COLUMN: VALUE}"),
    "between": (dict, "{COLUMN: [FIRST, LAST]}"),
    "files": (list, "[NAME, NAME]"),
    "measures": (list, "[NAME, NAME]"),
    "contamination": (list, "[COLUMN, COLUMN]"),
    "prompt": (str, "TEXT"),
    "limit": (int, "NUMBER, at least 1"),
    "metric": (("correct", "score"), "correct, or score"),
    "axis": (("reasoning", "general"), "reasoning, or general"),
}


def check_forms(source: dict[str, Any]) -> None:
    """Raises `DataError` for the first key of an entry that holds something of another form."""
    for key, (kind, form) in FORMS.items():
        value = source.get(key)
        if value is None:
            continue
        fits = value in kind if isinstance(kind, tuple) else isinstance(value, kind) and value is not True
        if kind is list and fits:
            fits = all(isinstance(item, str) for item in value)
        if not fits or (key == "limit" and value < 1):
            raise DataError(f"datasets entry {source['path']}: `{key}: {value}`", f"write `{key}: {form}`")


def rename(dataset: "Dataset", columns: dict[str, str], path: str) -> "Dataset":
    """Renames columns, with an error that lists what there is."""
    for old in columns:
        if old not in dataset.column_names:
            raise DataError(
                f"dataset {path} has no column `{old}`; it has {', '.join(dataset.column_names)}", "correct `columns`"
            )
    replaced = [new for old, new in columns.items() if new in dataset.column_names and new != old]
    return dataset.remove_columns(replaced).rename_columns(columns)


def having(dataset: "Dataset", column: str, value: Any, path: str) -> "Dataset":
    """The rows whose column has a value, or one of a list; an error where there is no such row."""
    require_columns(dataset, [column], path)
    wanted = value if isinstance(value, list) else [value]
    found = dataset.filter(lambda own: own in wanted, input_columns=column)
    if len(dataset) and not len(found):
        seen = ", ".join(sorted({str(own) for own in dataset[:1000][column]})[:10])
        raise DataError(f"dataset {path} has no row with `{column}: {value}`; it has {seen}", "correct `where`")
    return found


def lying_between(dataset: "Dataset", column: str, ends: list[Any], path: str) -> "Dataset":
    """The rows whose text in a column, such as a date, lies between two, each compared with its beginning."""
    require_columns(dataset, [column], path)
    if not isinstance(ends, list) or len(ends) != 2:
        raise DataError(
            f"datasets entry {path}: `between: {{{column}: {ends}}}`", "write `between: {COLUMN: [FIRST, LAST]}`"
        )
    low, high = map(str, ends)
    found = dataset.filter(
        lambda own: own is not None and low <= str(own)[: len(low)] and str(own)[: len(high)] <= high,
        input_columns=column,
    )
    if len(dataset) and not len(found):
        seen = sorted(map(str, dataset[column]))
        raise DataError(
            f"dataset {path} has no row with `{column}` from {low} to {high}; it has {seen[0]} to {seen[-1]}",
            "correct `between`",
        )
    return found


def require_columns(dataset: "Dataset", columns: Iterable[str], where: str) -> None:
    """Raises `DataError` for the first column that a stage needs and the data lacks."""
    for column in columns:
        if column not in dataset.column_names:
            first = str(dataset[0])[:300] if len(dataset) else "none"
            names = ", ".join(dataset.column_names)
            raise DataError(
                f"dataset {where} has no column `{column}`; it has {names}; its first row is {first}",
                f"map one of them: `columns: {{SOURCE: {column}}}`",
            )
