"""What training runs left: the curves of their log, and what their kept rollouts show."""

import json
from pathlib import Path
from typing import Any

# key in the log of TRL's GRPOTrainer -> name in results.json; a reward, `rewards/NAME/mean`, is `NAME`
LOGGED = {
    "reward": "reward",
    "rewards/language/mean": "language_consistency",
    "completions/mean_length": "mean_tokens",
    "completions/clipped_ratio": "truncated",
    "kl": "kl",
    "entropy": "entropy",
}


def name_of(logged: str) -> str | None:
    """The name of a curve; `None` for what is none."""
    first, _, rest = logged.partition("/")
    reward = rest.removesuffix("/mean") if first == "rewards" and rest.endswith("/mean") else None
    return LOGGED.get(logged, reward)


def curves(directory: Path) -> dict[str, list[float | None]] | None:
    """Training curves of a GRPO run, `None` for any other artifact."""
    path = directory / "trainer_state.json"
    if not path.exists():
        return None
    history = [row for row in json.loads(path.read_text(encoding="utf-8"))["log_history"] if "reward" in row]
    if not history:
        return None
    found: dict[str, list[float | None]] = {"step": [row["step"] for row in history]}
    for logged in dict.fromkeys(key for row in history for key in row):
        values = [row.get(logged) for row in history]  # None while a reward does not apply yet
        if (name := name_of(logged)) and any(value is not None for value in values):
            found[name] = [None if value is None else round(float(value), 6) for value in values]
    return found


def default_figure(found: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """The figure of a report that names none: accuracy, or the whole reward, and length of all runs."""
    known = {name for curve in found.values() for name in curve}
    metrics = ["accuracy" if "accuracy" in known else "reward", "mean_tokens"]
    return {"file": "training", "title": "Reinforcement learning", "runs": list(found), "metrics": metrics}
