"""Panels and figures: each is drawn once, and written as PNG for cards and as SVG for the page.

A panel draws into the axes that it is given. In the SVG, colours are names that the page's style defines for light and
for dark, and letters are letters, in the font of the page.
"""

import html
import io
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from ..core.tables import number

# `--c0` and so on in the style of the page
COLOURS = ["#2f6fde", "#d9541e", "#15946b", "#a63fc4", "#b8860b"]
COLOURS += ["#0f93a8", "#d12d6f", "#6b7f1f", "#7a5cff", "#8c5a3c", "#56657a", "#3f9a2f"]  # page.css has them too
INK = "#1b1f24"
Curve = tuple[list[Any], list[Any]]  # steps and values
PLAIN = {"text.parse_math": False}  # a name with two dollars is no formula
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


# ----------------------------------------------------------------------------------------------------------- lines


def gaps(values: Iterable[float | None]) -> list[float]:
    return [float("nan") if value is None else value for value in values]


def few(rows: list[list[Any]], most: int = 13) -> list[list[Any]]:
    """Rows of a long table at even distances, the first and the last among them."""
    if len(rows) <= most:
        return rows
    return [rows[round(place * (len(rows) - 1) / (most - 1))] for place in range(most)]


def lines(title: str, label: str, curves: Mapping[str, Curve], places: Mapping[str, int]) -> Panel:
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
            style = LINES[place // len(COLOURS) % len(LINES)] + ("o" if len(steps) == 1 else "")  # a point is no line
            axis.plot(steps, gaps(values), style, color=COLOURS[place % len(COLOURS)], label=name, linewidth=1.6)
        axis.set_xlabel("training step")
        axis.set_ylabel(label)
        if curves:
            axis.legend(frameon=False, fontsize=8, ncols=2, loc="lower left", bbox_to_anchor=(0, 1))

    steps = sorted({step for found, _ in curves.values() for step in found})
    known = {name: dict(zip(*curve, strict=True)) for name, curve in curves.items()}
    rows = few([[step, *(number(known[name].get(step)) for name in curves)] for step in steps])
    return Panel(title, draw, ["step", *curves], rows)


# ---------------------------------------------------------------------------------------------------------- writing


def styled(axis: Any) -> None:
    axis.grid(alpha=0.15, linewidth=0.7)
    axis.spines[["top", "right"]].set_visible(False)


def save_png(figure: Figure, path: Path) -> None:
    """All panels of a figure in one picture."""
    from matplotlib import pyplot, rc_context

    rows = -(-len(figure.panels) // figure.columns)
    size = (figure.size[0] * figure.columns, figure.size[1] * rows)
    with rc_context(PLAIN):
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

    words = PLAIN | {"svg.fonttype": "none", "svg.hashsalt": panel.title, "text.color": INK, "axes.labelcolor": INK}
    words |= {"axes.edgecolor": INK, "xtick.color": INK, "ytick.color": INK, "grid.color": INK}
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
