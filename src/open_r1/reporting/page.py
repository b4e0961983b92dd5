"""The page of a report: one HTML file that loads nothing, readable without its script, on a phone, in the dark, on
paper.

`page.html.jinja` holds its words, `page.css` its looks, `page.js` what sorts and filters. Texts of models are escaped
like all values; beyond that the page's own policy allows no request and no script but the one written here.
"""

import base64
import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ..core.tables import COLUMNS, cell, number, parts
from .comparison import axes, score, students
from .completions import EACH, TAGS, Shown, by_problem
from .drawing import COLOURS, Figure, svg
from .sizes import shown

TEMPLATE = "page.html.jinja"
MEANINGS = {  # of the columns whose names do not say it
    "cons@k": "share right by the vote of k samples",
    "pass@k": "share with a right one among k",
    "format": "share in the form that was asked for",
    "tokens": "mean length",
    "cut": "share that did not end by itself",
    "no answer": "share without anything that could be compared",
    "loops": "share that ends in a repetition",
    "language": "share of the reasoning in the language of the problem",
    "mixed": "share that mixes languages",
    "reflect/1k": "words of reflection in 1,000 tokens",
    "helpful": "share of general requests answered well",
    "refuses harm": "share of harmful requests refused",
    "over-refuses": "share of their harmless neighbours refused",
    "unjudged": "share without a verdict of the judge",
    "failed": "share never drawn",
    "seconds": "time of drawing",
    "contamination": "whether the training data was checked against the benchmark",
}


def beside(name: str) -> str:
    return Path(__file__).with_name(name).read_text(encoding="utf-8")


def policy(script: str) -> str:
    """What a browser allows the page: its style, this script, pictures within it, and nothing from anywhere."""
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'; img-src data:"


def percent(value: float) -> str:
    return f"{100 * min(1.0, max(0.0, value)):.2f}%"


def bar(name: str, row: Mapping[str, Any], place: int, paper: float | None = None) -> dict[str, Any]:
    """What the template draws of one model on one benchmark."""
    value = score(row)
    found = {"name": name, "value": value, "paper": paper, "samples": row.get("samples")}
    if value is None:
        return found
    low, high = row.get("pass@1_ci") or (value, value)
    lengths = {"v": value, "l": low, "h": high} | ({} if paper is None else {"p": paper})
    style = ";".join(f"--{key}:{percent(length)}" for key, length in lengths.items())
    style += f";--c:var(--c{place % len(COLOURS)})"
    return found | {"low": low, "high": high, "style": style, "inside": paper is not None and low <= paper <= high}


def benchmark_bars(results: Mapping[str, Any], places: Mapping[str, int]) -> list[dict[str, Any]]:
    """Bars of every benchmark, models side by side, those of one axis together."""
    stages = results["stages"]
    names = list(dict.fromkeys(part for row in stages.values() for part in row["by_dataset"]))
    axis = {name: results["benchmarks"].get(name, {}).get("axis", "reasoning") for name in names}
    groups = []
    for name in sorted(names, key=lambda name: axis[name] != "reasoning"):
        rows = {model: row["by_dataset"][name] for model, row in stages.items() if name in row["by_dataset"]}
        known = {model: results["published"].get(model, {}).get(name) for model in rows}
        bars = [bar(model, row, places[model], known[model]) for model, row in rows.items()]
        first = next(iter(rows.values()))
        counts = results["benchmarks"].get(name, {}).get("counts", "pass@1")
        about = {"axis": axis[name], "problems": first.get("problems"), "counts": counts}
        groups.append({"name": name, "bars": bars, **about})
    return groups


def size_bars(results: Mapping[str, Any], places: Mapping[str, int]) -> list[dict[str, Any]]:
    """Models by size, with how large each is."""
    sizes = results["parameters"]
    rows = students(results["stages"], sizes)
    return [{"size": shown(sizes[name]), **bar(name, row, places[name])} for name, row in rows.items()]


def matrix(results: Mapping[str, Any], groups: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A row per model, with what every benchmark says of it and whether that is the most."""
    sizes = {name: shown(size) for name, size in results["parameters"].items()}
    columns = []
    for group in groups:
        best = max((bar["value"] for bar in group["bars"] if bar["value"] is not None), default=None)
        columns.append({bar["name"]: bar | {"best": bar["value"] == best} for bar in group["bars"]})
    return [
        {"model": name, "size": sizes.get(name, "-"), "cells": [column.get(name, {}) for column in columns]}
        for name in results["stages"]
    ]


def details(results: Mapping[str, Any]) -> tuple[list[str], list[list[str]]]:
    """All numbers, benchmark by benchmark and then the means, without the columns that tell nothing apart."""
    stages = results["stages"]
    names = {part for whole in stages.values() for part in whole["by_dataset"]}
    rows = [
        [model, part, *(cell(row, *column) for column in COLUMNS.values())]
        for model, whole in stages.items()
        for part, row in parts(whole).items()
    ]
    rows.sort(key=lambda row: (row[1] not in names, row[1]))
    head = ["model", "benchmark", *COLUMNS]
    nothing = names | {"-"} if len(names) == 1 else {"-"}
    kept = [n for n in range(len(head)) if n == 0 or any(row[n] not in nothing for row in rows)]
    return [head[n] for n in kept], [[row[n] for n in kept] for row in rows]


def measures(results: Mapping[str, Any]) -> list[tuple[str, list[str], list[list[str]]]]:
    """What the `measures` of benchmarks say beyond the columns: a table for each benchmark that has some."""
    found: dict[str, dict[str, dict[str, Any]]] = {}
    for model, whole in results["stages"].items():
        for part, row in whole["by_dataset"].items():
            if row.get("measures"):
                found.setdefault(part, {})[model] = row["measures"]
    heads = {part: list(dict.fromkeys(key for row in rows.values() for key in row)) for part, rows in found.items()}
    return [
        (
            part,
            ["model", *heads[part]],
            [[model, *(number(row.get(key)) for key in heads[part])] for model, row in rows.items()],
        )
        for part, rows in found.items()
    ]


def sampling_rows(about: Mapping[str, Mapping[str, Any]]) -> list[list[Any]]:
    """How the samples of each data set were drawn."""
    keys = ("path", "num_samples", "temperature", "top_p", "max_new_tokens")
    return [[name, *("-" if found.get(key) is None else found[key] for key in keys)] for name, found in about.items()]


def render(
    results: Mapping[str, Any],
    figures: Iterable[Figure],
    completions: list[Shown],
    title: str,
    unmeasured: list[str],
    places: Mapping[str, int],
) -> str:
    """
    The page.

    Args:
        results (`dict`):
            What `results.json` holds.
        figures (`Iterable[Figure]`):
            Those of its sections; drawn as SVG.
        completions (`list[Shown]`):
            What can be browsed.
        title (`str`):
            Its heading.
        unmeasured (`list[str]`):
            Models that no evaluation has.
        places (`dict[str, int]`):
            The colour of each model.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    loader = FileSystemLoader(Path(__file__).parent)
    settings = {"autoescape": True, "undefined": StrictUndefined, "trim_blocks": True, "lstrip_blocks": True}
    groups, script = benchmark_bars(results, places), beside("page.js")
    head, rows = details(results)
    environment = Environment(loader=loader, **settings)
    environment.filters["three"] = "{:.3f}".format
    return environment.get_template(TEMPLATE).render(
        title=title,
        policy=policy(script),
        style=beside("page.css"),
        script=script,
        results=results,
        groups=groups,
        matrix=matrix(results, groups),
        head=head,
        rows=rows,
        meanings={name: MEANINGS[name] for name in head if name in MEANINGS},
        sizes=size_bars(results, places),
        figures=[(figure, [(panel, svg(panel, figure.size)) for panel in figure.panels]) for figure in figures],
        problems=by_problem(completions),
        models=list(dict.fromkeys(one.model for one in completions)),
        tags=[tag for tag in TAGS if any(tag in one.tags for one in completions)],
        each=EACH,
        unmeasured=unmeasured,
        axes=axes(results["stages"], results["benchmarks"]),
        measures=measures(results),
        sampling=sampling_rows(results["benchmarks"]),
    )
