"""The result table: one row per model, for the terminal, cards and reports."""

from typing import Any

COLUMNS = {
    "pass@1": ("pass@1", "{:.3f}"),
    "95% interval": ("pass@1_ci", None),
    "cons@k": ("cons@", "{:.3f}"),
    "pass@k": ("pass@", "{:.3f}"),
    "format": ("format", "{:.2f}"),
    "tokens": ("mean_tokens", "{:.1f}"),
    "cut": ("truncated", "{:.3f}"),
    "language": ("language_consistency", "{:.2f}"),
    "mixed": ("mixed", "{:.3f}"),
    "reflect/1k": ("reflection_per_1k", "{:.1f}"),
    "helpful": ("helpful", "{:.2f}"),
    "refuses harm": ("refused_forbidden", "{:.2f}"),
    "over-refuses": ("refused_allowed", "{:.2f}"),
}


def table_rows(stages: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The rows of a table by their names: one for a model, or one for each of its data sets and then their mean."""
    rows: dict[str, dict[str, Any]] = {}
    for name, row in stages.items():
        parts = row.get("by_dataset", {})
        if len(parts) > 1:
            rows |= {f"{name}: {dataset}": part for dataset, part in parts.items()}
        rows[f"{name}: mean" if len(parts) > 1 else name] = row
    return rows


def cell(row: dict[str, Any], key: str, style: str | None) -> str:
    """One formatted value of the table."""
    if key.endswith("@"):
        key = f"{key}{row['samples']}"
    value = row.get(key)
    if value is None or value != value:  # such as the language of responses without words
        return "-"
    return "[{:.3f}, {:.3f}]".format(*value) if style is None else style.format(value)


def markdown_table(stages: dict[str, dict[str, Any]]) -> str:
    """The result table as Markdown."""
    lines = ["| model | " + " | ".join(COLUMNS) + " |", "|---" * (len(COLUMNS) + 1) + "|"]
    for name, row in table_rows(stages).items():
        lines.append(f"| {name} | " + " | ".join(cell(row, *column) for column in COLUMNS.values()) + " |")
    return "\n".join(lines)


def text_table(stages: dict[str, dict[str, Any]]) -> str:
    """The result table as aligned text."""
    rows = [["model", *COLUMNS]] + [
        [name, *(cell(row, *column) for column in COLUMNS.values())] for name, row in table_rows(stages).items()
    ]
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return "\n".join(
        "  ".join(
            text.ljust(width) if i == 0 else text.rjust(width)
            for i, (text, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    )
