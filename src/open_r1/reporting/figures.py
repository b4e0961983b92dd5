"""The figures of a report: each is drawn once, and written as PNG for cards and as SVG for the page.

A panel draws into the axes that it is given. In the SVG, colours are names that the page's style defines for light and
for dark, and letters are letters, in the font of the page.
"""

import html
import io
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

COLOURS = ("#2f6fde", "#d9541e", "#15946b", "#a63fc4", "#b8860b", "#0f93a8", "#d12d6f", "#6b7f1f", "#7a5cff", "#8c5a3c")
INK = "#1b1f24"
LABELS = {
    "accuracy": "accuracy reward",
    "reward": "reward",
    "mean_tokens": "mean response length (tokens)",
    "language_consistency": "language consistency",
}
LINES = ("-", "--", "-.", ":")  # beside colours, for those who see few of them


class Panel(NamedTuple):
    """
    One picture.

    Attributes:
        title (`str`): What it shows.
        draw (`Callable`): Draws it into matplotlib's axes.
        head (`list[str]`): Columns of the table that holds the same.
        rows (`list`): Its rows.
    """

    title: str
    draw: Callable[[Any], None]
    head: list[str]
    rows: list[list[Any]]


class Figure(NamedTuple):
    """
    Panels that belong together.

    Attributes:
        file (`str`): Name of its PNG.
        title (`str`): Its heading.
        panels (`list[Panel]`): What it consists of.
        columns (`int`): How many stand side by side in the PNG.
        size (`tuple`): Inches of a panel.
    """

    file: str
    title: str
    panels: list[Panel]
    columns: int = 2
    size: tuple[float, float] = (5.5, 3.8)


# ---------------------------------------------------------------------------------------------------------- curves


def gaps(values: Iterable[float | None]) -> list[float]:
    return [float("nan") if value is None else value for value in values]


def few(rows: list[list[Any]], most: int = 13) -> list[list[Any]]:
    """Rows of a long table at even distances, the first and the last among them."""
    if len(rows) <= most:
        return rows
    return [rows[round(place * (len(rows) - 1) / (most - 1))] for place in range(most)]


def lines(title: str, label: str, curves: Mapping[str, tuple[list[Any], list[Any]]], places: Mapping[str, int]) -> Panel:
    """
    A panel of lines over training steps.

    Args:
        title (`str`):
            What it shows.
        label (`str`):
            Of the vertical axis.
        curves (`dict`):
            Steps and values of each line, by its name; `None` for no value.
        places (`dict[str, int]`):
            The colour of each.
    """

    def draw(axis: Any) -> None:
        for name, (steps, values) in curves.items():
            place = places[name]
            style = LINES[place // len(COLOURS) % len(LINES)]
            axis.plot(steps, gaps(values), style, color=COLOURS[place % len(COLOURS)], label=name, linewidth=1.6)
        axis.set_xlabel("training step")
        axis.set_ylabel(label)
        if curves:
            axis.legend(frameon=False, fontsize=8)

    steps = sorted({step for found, _ in curves.values() for step in found})
    known = {name: dict(zip(*curve, strict=True)) for name, curve in curves.items()}
    rows = few([[step, *(number(known[name].get(step)) for name in curves)] for step in steps])
    return Panel(title, draw, ["step", *curves], rows)


def number(value: float | None) -> str:
    return "-" if value is None or value != value else f"{value:.3f}" if abs(value) < 10 else f"{value:.1f}"


def curve_figure(figure: Mapping[str, Any], curves: Mapping[str, Any], places: Mapping[str, int]) -> Figure:
    """One panel per metric, one line per run, over training steps."""
    panels = []
    for metric in figure["metrics"]:
        found = {
            run: (curves[run]["step"], curves[run][metric]) for run in figure["runs"] if metric in curves.get(run, {})
        }
        label = LABELS.get(metric, metric)
        panels.append(lines(label, label, found, places))
    return Figure(figure["file"], figure["title"], panels, len(panels))


def rollout_figure(runs: Mapping[str, list[dict[str, Any]]]) -> Figure:
    """Length of right and wrong completions, and words of reflection, over training: two panels for each run."""
    tops = [top(runs, ("tokens_right", "tokens_wrong")), top(runs, ("reflection_per_1k",))]
    panels = []
    for name, measured in runs.items():
        steps = [row["step"] for row in measured]
        curves = {word: (steps, [row[f"tokens_{word}"] for row in measured]) for word in ("right", "wrong")}
        words = {name: (steps, [row["reflection_per_1k"] for row in measured])}
        pair = (
            lines(f"{name}: length", "mean length (tokens)", curves, {"right": 2, "wrong": 1}),
            lines(f"{name}: words of reflection", "reflection / 1,000 tokens", words, {name: 0}),
        )
        panels += [bounded(panel, limit) for panel, limit in zip(pair, tops, strict=True)]
    return Figure("rollouts", "Completions in training: length, and words of reflection", panels, 2, (5.5, 3.0))


def top(runs: Mapping[str, list[dict[str, Any]]], keys: tuple[str, ...]) -> float:
    """The highest value of all runs, so that their panels compare."""
    return max((row[key] or 0.0 for measured in runs.values() for row in measured for key in keys), default=0.0) or 1.0


def bounded(panel: Panel, limit: float) -> Panel:
    def draw(axis: Any) -> None:
        panel.draw(axis)
        axis.set_ylim(0, 1.05 * limit)
        axis.set_title(panel.title, fontsize=10)

    return panel._replace(draw=draw)


# ---------------------------------------------------------------------------------------------------- bars and points


def bar_figure(file: str, title: str, rows: Mapping[str, dict[str, Any]], places: Mapping[str, int]) -> Figure:
    """pass@1 of some models with 95% intervals; `rows` by what they are called in the figure."""

    def draw(axis: Any) -> None:
        for place, (label, row) in enumerate(rows.items()):
            low, high = row["pass@1_ci"]
            value = row["pass@1"]
            axis.barh(place, value, color=COLOURS[places[label] % len(COLOURS)], alpha=0.85)
            axis.errorbar(value, place, xerr=[[value - low], [high - value]], color=INK, capsize=3)
            axis.text(high + 0.01, place, f"{value:.3f}", va="center", fontsize=9)
        axis.set_yticks(range(len(rows)), list(rows))
        axis.invert_yaxis()
        axis.set_xlim(0, 1.08)
        axis.set_xlabel("pass@1 with 95% bootstrap interval")

    size = (8, 0.42 * len(rows) + 1.4)
    return Figure(file, title, [Panel(title, draw, [], [])], 1, size)


def axes_figure(found: Mapping[str, Any], places: Mapping[str, int]) -> Figure:
    """Stage against stage: reasoning across, general upwards; names stand beside, each with a line to its point."""
    points = {name: (means["reasoning"], means["general"]) for name, means in found["models"].items()}

    def draw(axis: Any) -> None:
        low, high = limits([y for _, y in points.values()])
        left, right = limits([x for x, _ in points.values()])
        axis.set_xlim(left, right)
        axis.set_ylim(low, high)
        axis.set_xlabel(f"reasoning: mean of {len(found['benchmarks']['reasoning'])}")
        axis.set_ylabel(f"general: mean of {len(found['benchmarks']['general'])}")
        heights = apart([y for _, y in points.values()], low, high)
        for (name, (x, y)), height in zip(points.items(), heights, strict=True):
            colour = COLOURS[places[name] % len(COLOURS)]
            axis.plot([x, right + 0.03 * (right - left)], [y, height], color=colour, alpha=0.45, lw=0.8, clip_on=False)
            axis.plot([x], [y], "o", color=colour, markersize=7)
            axis.text(right + 0.04 * (right - left), height, name, va="center", fontsize=9, color=INK)

    head = ["model", "reasoning", "general"]
    rows = [[name, number(x), number(y)] for name, (x, y) in points.items()]
    return Figure("axes", "Stage against stage", [Panel("Reasoning and general", draw, head, rows)], 1, (6.6, 4.4))


def limits(values: list[float]) -> tuple[float, float]:
    """The ends of an axis: a little around the values, within 0 and 1."""
    room = max(0.05, 0.15 * (max(values) - min(values)))
    return max(-0.02, min(values) - room), min(1.02, max(values) + room)


def apart(heights: list[float], low: float, high: float) -> list[float]:
    """Heights of labels in the order of their points, at least a line apart."""
    step = (high - low) / max(len(heights), 18)
    order = sorted(range(len(heights)), key=lambda n: heights[n])
    found, floor, ceiling = dict[int, float](), low, high
    for n in order:
        found[n] = max(heights[n], floor)
        floor = found[n] + step
    for n in reversed(order):
        found[n] = min(found[n], ceiling)
        ceiling = found[n] - step
    return [found[n] for n in range(len(heights))]


# ---------------------------------------------------------------------------------------------------------- writing


def styled(axis: Any) -> None:
    axis.grid(alpha=0.3)
    axis.spines[["top", "right"]].set_visible(False)


def save_png(figure: Figure, path: Path) -> None:
    """All panels of a figure in one picture."""
    from matplotlib import pyplot

    rows = -(-len(figure.panels) // figure.columns)
    size = (figure.size[0] * figure.columns, figure.size[1] * rows)
    picture, grid = pyplot.subplots(rows, figure.columns, figsize=size, squeeze=False)
    for axis, panel in zip(grid.flat, figure.panels, strict=False):
        styled(axis)
        panel.draw(axis)
    picture.suptitle(figure.title)
    picture.tight_layout()
    picture.savefig(path, dpi=110)
    pyplot.close(picture)


def svg(panel: Panel, size: tuple[float, float]) -> str:
    """One panel as an element of a page."""
    from matplotlib import pyplot, rc_context

    words = {"svg.fonttype": "none", "svg.hashsalt": panel.title, "text.color": INK, "axes.labelcolor": INK}
    words |= {"axes.edgecolor": INK, "xtick.color": INK, "ytick.color": INK, "grid.color": INK, "grid.alpha": 0.15}
    nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
    content = io.StringIO()
    with rc_context(words):
        picture, axis = pyplot.subplots(figsize=size)
        styled(axis)
        panel.draw(axis)
        axis.set_title("")
        picture.savefig(content, format="svg", transparent=True, bbox_inches="tight", metadata=nothing)
        pyplot.close(picture)
    return for_page(content.getvalue(), panel.title)


def for_page(text: str, title: str) -> str:
    """An SVG without what only a file of its own needs, in the colours of the page."""
    text = re.sub(r"<metadata>.*?</metadata>", "", text[text.index("<svg") :], flags=re.DOTALL)
    text = re.sub(r'<g id="[^"]*"', "<g", text)
    for place, colour in enumerate(COLOURS):
        text = text.replace(colour, f"var(--c{place})")
    text = text.replace(INK, "currentColor")
    name = html.escape(title, quote=True)
    return re.sub(r"<svg ", f'<svg role="img" aria-label="{name}" ', text, count=1)
