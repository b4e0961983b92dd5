"""Verdicts by reasoning-gym's own scorers: each of its tasks knows when an answer is right."""

import functools
import json
from typing import Any


@functools.cache
def scorer(task: str):
    """Scoring function of a reasoning-gym task, made once."""
    import reasoning_gym

    return reasoning_gym.get_score_answer_fn(task)


def score(gold: str, answer: str, extra: dict[str, Any]) -> bool:
    """Whether the task's scorer gives full marks; task and entry travel in the row's `metadata` column as JSON."""
    saved = json.loads(extra["metadata"])
    return scorer(saved["task"])(answer=answer, entry=saved["entry"]) >= 0.999
