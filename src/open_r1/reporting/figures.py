"""The figures of a report: curves of training, what kept rollouts show, bars of models, stage against stage."""

from collections.abc import Mapping
from typing import Any

from ..core.tables import number
from .drawing import COLOURS, INK, Curve, Figure, Panel, lines

LABELS = {
    "accuracy": "accuracy reward",
    "reward": "reward",
    "mean_tokens": "mean response length (tokens)",
    "language_consistency": "language consistency",
}


def curve_figure(figure: Mapping[str, Any], curves: Mapping[str, Any], places: Mapping[str, int]) -> Figure:
    """One panel per metric, one line per run, over training steps; a metric that no run has is said and left out."""
    panels = []
    for metric in figure["metrics"]:
        found = {
            run: (curves[run]["step"], curves[run][metric]) for run in figure["runs"] if metric in curves.get(run, {})
        }
        if not found:
            runs = ", ".join(figure["runs"])
            print(f"notice: figure `{figure['file']}`: `{metric}` is in no log of {runs}", flush=True)
            continue
        label = LABELS.get(metric, metric)
        panels.append(lines(label, label, found, places))
    return Figure(figure["file"], figure["title"], panels, max(1, len(panels)))


def rollout_figure(runs: Mapping[str, list[dict[str, Any]]], places: Mapping[str, int]) -> Figure:
    """Over training: length of right and wrong completions, a panel for each run, and words of reflection of all."""
    keys, words = {"right": "tokens_right", "wrong": "tokens_wrong"}, "reflection_per_1k"
    longest = top(runs, *keys.values())
    panels = []
    for name, measured in runs.items():
        lengths = {word: curve(measured, key) for word, key in keys.items()}
        panel = lines(f"{name}: length", f"{name}: tokens", lengths, {"right": 2, "wrong": 1})
        panels.append(bounded(panel, longest))
    reflection = {name: curve(measured, words) for name, measured in runs.items()}
    panel = lines("words of reflection", "reflection / 1,000 tokens", reflection, places)
    panels.append(bounded(panel, top(runs, words)))
    return Figure("rollouts", "Completions in training: length, and words of reflection", panels, 2, (5.5, 3.0))


def curve(measured: list[dict[str, Any]], key: str) -> Curve:
    return [row["step"] for row in measured], [row[key] for row in measured]


def top(runs: Mapping[str, list[dict[str, Any]]], *keys: str) -> float:
    """The highest value of all runs, so that their panels compare."""
    return max((row[key] or 0.0 for measured in runs.values() for row in measured for key in keys), default=0.0) or 1.0


def bounded(panel: Panel, limit: float) -> Panel:
    def draw(axis: Any) -> None:
        panel.draw(axis)
        axis.set_ylim(0, 1.05 * limit)

    return panel._replace(draw=draw)


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
        axis.set_xlabel("pass@1 with 95% interval")

    size = (8, 0.42 * len(rows) + 1.4)
    return Figure(file, title, [Panel(title, draw, [], [])], 1, size)


def axes_figure(found: Mapping[str, Any], places: Mapping[str, int]) -> Figure:
    """Models on two axes: reasoning across, general upwards; names stand beside, each with a line to its point."""
    points = {name: (means["reasoning"], means["general"]) for name, means in found["models"].items()}

    def draw(axis: Any) -> None:
        low, high = limits([y for _, y in points.values()])
        left, right = limits([x for x, _ in points.values()])
        axis.set_xlim(left, right)
        axis.set_ylim(low, high)
        axis.set_xlabel(axis_label("reasoning", found["benchmarks"]["reasoning"]))
        axis.set_ylabel(axis_label("general", found["benchmarks"]["general"]))
        heights = apart([y for _, y in points.values()], low, high)
        for (name, (x, y)), height in zip(points.items(), heights, strict=True):
            colour = COLOURS[places[name] % len(COLOURS)]
            axis.plot([x, right + 0.03 * (right - left)], [y, height], color=colour, alpha=0.45, lw=0.8, clip_on=False)
            axis.plot([x], [y], "o", color=colour, markersize=7)
            axis.text(right + 0.04 * (right - left), height, name, va="center", fontsize=9, color=INK)

    head = ["model", "reasoning", "general"]
    rows = [[name, number(x), number(y)] for name, (x, y) in points.items()]
    return Figure(
        "axes", "Reasoning against general ability", [Panel("Reasoning and general", draw, head, rows)], 1, (4.2, 4.0)
    )


def axis_label(name: str, benchmarks: list[str]) -> str:
    return f"{name}: {benchmarks[0]}" if len(benchmarks) == 1 else f"{name}: mean of {len(benchmarks)} benchmarks"


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
