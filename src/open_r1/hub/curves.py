"""The training curves of a card: loss where a model learns from texts; reward, length and each reward where it learns
from its own.
"""

import json
import math
from pathlib import Path
from typing import Any

from ..core.card_facts import CURVES

POINTS = 2  # of a curve, at least
WIDTH, HEIGHT, COLUMNS = 4.2, 2.8, 3  # inches of a panel, and panels in a row
LABELS = {
    "loss": "loss",
    "reward": "reward",
    "completions/mean_length": "mean length (tokens)",
    "completions/clipped_ratio": "share cut",
    "kl": "KL to the reference",
    "entropy": "entropy",
    "accuracy": "accuracy on pairs",
    "margin": "margin",
    "eval_loss": "loss on held-out rows",
}
WANTED = {  # by a key that only such a run logs
    "reward": ("reward", "completions/mean_length", "completions/clipped_ratio", "kl", "entropy"),
    "margin": ("loss", "accuracy", "margin", "eval_loss"),
    "loss": ("loss", "eval_loss"),
}


def read_curves(history: list[dict[str, Any]]) -> dict[str, list[tuple[int, float]]]:
    """
    The curves of a run by their labels.

    Args:
        history (`list[dict]`):
            `log_history` of its trainer.

    Returns:
        `dict`: steps and values, of what was logged more than once.
    """
    kind = next((kind for kind in WANTED if any(kind in row for row in history)), "loss")
    rewards = sorted({key for row in history for key in row if key.startswith("rewards/") and key.endswith("/mean")})
    found = {}
    for key in (WANTED[kind][0], *rewards, *WANTED[kind][1:]):
        points = [(row["step"], float(row[key])) for row in history if is_number(row.get(key))]
        if len(points) >= POINTS:
            found[LABELS.get(key, key.removesuffix("/mean").replace("rewards/", "reward: "))] = points
    return found


def is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and math.isfinite(value)


def draw_curves(source: Path, directory: Path) -> None:
    """Draws `curves.png` from a trainer's state; nothing where there is none, or too little in it."""
    state = source / "trainer_state.json"
    if not state.is_file():
        return
    curves = read_curves(json.loads(state.read_text(encoding="utf-8"))["log_history"])
    if not curves:
        return
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    columns = min(COLUMNS, len(curves))
    rows = math.ceil(len(curves) / columns)
    figure, axes = pyplot.subplots(rows, columns, figsize=(WIDTH * columns, HEIGHT * rows), squeeze=False)
    for axis, (label, points) in zip(axes.flat, curves.items(), strict=False):
        axis.plot(*zip(*points, strict=True), color="tab:blue", marker="." if len(points) < 30 else "")
        axis.set_title(label, fontsize=10)
        axis.set_xlabel("step", fontsize=9)
        axis.grid(alpha=0.3)
    for axis in axes.flat[len(curves) :]:
        axis.remove()
    figure.tight_layout()
    scratch = directory / f".{CURVES}"
    figure.savefig(scratch, dpi=110, format="png")
    pyplot.close(figure)
    scratch.replace(directory / CURVES)
