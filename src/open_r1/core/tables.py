"""The tables of cards, reports and the terminal: results, one row per model; what a data stage holds and removed.

What a model wrote may hold anything: `quoted` makes it code, so that no tag, bar or backtick of it is read as
Markdown.
"""

import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any

CONTROLS = {code: 0x2400 + code for code in range(32) if code not in (9, 10)}  # shown as signs of their own
COLUMNS = {
    "pass@1": ("pass@1", "{:.3f}"),
    "95% interval": ("pass@1_ci", None),
    "cons@k": ("cons@", "{:.3f}"),
    "pass@k": ("pass@", "{:.3f}"),
    "format": ("format", "{:.2f}"),
    "tokens": ("mean_tokens", "{:.1f}"),
    "cut": ("truncated", "{:.3f}"),
    "no answer": ("no_answer", "{:.3f}"),
    "loops": ("repetition", "{:.3f}"),
    "language": ("language_consistency", "{:.2f}"),
    "mixed": ("mixed", "{:.3f}"),
    "reflect/1k": ("reflection_per_1k", "{:.1f}"),
    "helpful": ("helpful", "{:.2f}"),
    "refuses harm": ("refused_forbidden", "{:.2f}"),
    "over-refuses": ("refused_allowed", "{:.2f}"),
    "unjudged": ("unjudged", "{:.3f}"),
    "failed": ("failed", "{:.3f}"),
    "seconds": ("seconds", "{:.0f}"),
    "GPU hours": ("gpu_hours", "{:.1f}"),
    "contamination": ("contamination", "{}"),
}
RARE = ("unjudged", "failed")  # worth a column only where there are some


def table_rows(stages: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The rows of a table by their names: one for a model, or one for each of its data sets and then their mean."""
    found = {name: parts(whole) for name, whole in stages.items()}
    return {
        name if len(rows) == 1 else f"{name}: {part}": row
        for name, rows in found.items()
        for part, row in rows.items()
    }


def parts(whole: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """A model's rows by data set, and their mean; of a single one a row with what both say."""
    found = whole.get("by_dataset") or {"": whole}
    if len(found) > 1:
        return {**found, f"mean of {len(found)}": whole}
    return {name: {**whole, **row} for name, row in found.items()}


def cell(row: dict[str, Any], key: str, style: str | None) -> str:
    """One formatted value of the table."""
    if key.endswith("@"):
        key = f"{key}{row['samples']}"
    value = row.get(key)
    if value is None or value != value or (key in RARE and not value):  # such as the language of no words
        return "-"
    return "[{:.3f}, {:.3f}]".format(*value) if style is None else style.format(value)


def table_cells(stages: dict[str, dict[str, Any]]) -> list[list[str]]:
    """The lines of the result table, its head first, without the columns in which no row has anything."""
    rows = table_rows(stages)
    shown = {title: column for title, column in COLUMNS.items() if any(cell(r, *column) != "-" for r in rows.values())}
    return [
        ["model", *shown],
        *([name, *(cell(row, *column) for column in shown.values())] for name, row in rows.items()),
    ]


def further_lines(stages: dict[str, dict[str, Any]]) -> list[str]:
    """What the `measures` of benchmarks say, a line for each row of the table that has some."""
    found = {name: row["measures"] for name, row in table_rows(stages).items() if row.get("measures")}
    return [
        f"{name}: {', '.join(f'{key} {number(value)}' for key, value in numbers.items())}"
        for name, numbers in found.items()
    ]


def number(value: Any) -> str:
    """A number with the places that tell something; an interval in brackets; a dash for none."""
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(number, value))}]"
    if value is None or value != value:
        return "-"
    if not isinstance(value, float):
        return str(value)
    return f"{value:.3f}" if abs(value) < 10 else f"{value:.1f}" if abs(value) < 1000 else f"{value:.0f}"


def markdown_table(stages: dict[str, dict[str, Any]]) -> str:
    """The result table as Markdown."""
    head, *rows = table_cells(stages)
    return "\n\n".join([markdown(head, rows), *further_lines(stages)])


def text_table(stages: dict[str, dict[str, Any]]) -> str:
    """The result table as aligned text."""
    rows = table_cells(stages)
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]) for row in rows]
    return "\n".join([*lines, *further_lines(stages)])


# ------------------------------------------------------------------------------------------------------------ Markdown


def markdown(head: Collection[str], rows: Iterable[Iterable[Any]]) -> str:
    """A table; a bar within a cell stays a bar."""
    lines = [" | ".join(str(value).replace("|", "\\|") for value in row) for row in (head, *rows)]
    lines.insert(1, " | ".join("---" for _ in head))
    return "\n".join(f"| {line} |" for line in lines)


def quoted(text: str, length: int = 80) -> str:
    """The beginning of any text as code on one line; a dash for nothing."""
    line = " ".join(plain(text).split())[:length].strip()
    if not line:
        return "-"
    marks = "`" * (1 + longest(line))
    space = " " if line.startswith("`") or line.endswith("`") else ""
    return f"{marks}{space}{line}{space}{marks}"


def fenced(text: str, kind: str = "text") -> str:
    """Any text as a block of code."""
    text = plain(text)
    marks = "`" * max(3, 1 + longest(text))
    return f"{marks}{kind}\n{text.strip(chr(10))}\n{marks}"


def plain(text: str) -> str:
    """A text with one kind of line ends, and control characters as visible signs."""
    return text.replace("\r\n", "\n").translate(CONTROLS)


def longest(text: str) -> int:
    """Backticks of the longest run of them."""
    return max(map(len, re.findall("`+", text)), default=0)


# ----------------------------------------------------------------------------------------------------- data stages


def funnel_table(funnel: list[dict[str, Any]]) -> str:
    """What each step removed, with the beginning of one removed row."""
    rows = [
        (step["filter"], step["before"], step["removed"], quoted(step["examples"][0] if step["examples"] else ""))
        for step in funnel
    ]
    return markdown(("step", "rows before", "removed", "such as"), rows)


def figures_table(figures: Mapping[str, Any], kind: str = "figure") -> str:
    """Figures by name; a value may be such a mapping itself."""
    rows: list[tuple[str, Any]] = []
    for name, found in figures.items():
        rows += (
            [(f"{name}: {key}", value) for key, value in found.items()] if isinstance(found, dict) else [(name, found)]
        )
    return markdown((kind, "value"), rows)


def statistics_table(counts: Mapping[str, Mapping[str, int]]) -> str:
    """Rows, turns and tokens by domain, as in the paper's table of the 800k set (supplement B.3.3)."""
    names = ("samples", "turns", "tokens")
    total = {name: sum(found[name] for found in counts.values()) for name in names}
    rows = []
    for domain, found in [*sorted(counts.items()), ("all", total)]:
        count, turns, tokens = (found[name] for name in names)
        lengths = (f"{tokens / count:.1f}", f"{tokens / total['tokens']:.1%}") if total["tokens"] else ("-", "-")
        rows.append((domain, count, f"{turns / count:.1f}", lengths[0], f"{count / total['samples']:.1%}", lengths[1]))
    return markdown(("domain", *names, "share of samples", "share of tokens"), rows)


def contamination_text(report: Mapping[str, Any] | None) -> str:
    """What was checked against the benchmarks, and what was removed."""
    if report is None:
        return "Not checked against any benchmark."
    rule = f"{report['size']} consecutive words, or a whole short question" if report["size"] else "the whole question"
    rows = [
        (name, found["questions"], found["removed"], quoted(found["example"] or ""))
        for name, found in report["benchmarks"].items()
    ]
    table = markdown(("benchmark", "questions", "rows removed", "such as"), rows)
    return f"{report['checked']} rows checked, {report['removed']} removed ({rule}).\n\n{table}"
