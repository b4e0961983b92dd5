"""Data that are generated and not stored: the generators behind `mini:KIND` and `gym:TASK` of `sources.py`."""

import inspect
import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from ..core.errors import DataError
from ..core.fields import check_keys
from ..core.rows import Row
from .splits import split_of


def mini_rows(kind: str, split: str, limit: int, dials: dict[str, Any]) -> Iterator[Row]:
    """Rows of the mini world."""
    from .mini import GENERATORS as KINDS
    from .mini import rows

    if kind not in KINDS:
        raise DataError(
            f"dataset mini:{kind} does not exist", f"use one of {', '.join(f'mini:{name}' for name in KINDS)}"
        )
    check_keys(dials, list(inspect.signature(KINDS[kind]).parameters)[1:], f"datasets entry mini:{kind}")
    return rows(kind, split, limit, **dials)


def gym_rows(task: str, split: str, limit: int, dials: dict[str, Any]) -> Iterator[Row]:
    """Rows of a reasoning-gym task. Splits are by hash of the question, as in the mini world."""
    try:
        import reasoning_gym
    except ImportError:
        raise DataError(f"dataset gym:{task} needs reasoning-gym", "pip install 'open_r1[gym]'") from None
    from ..verify.gym import UNSOUND, gold_of

    if task in UNSOUND:
        raise DataError(f"dataset gym:{task} cannot be verified: {UNSOUND[task]}", "use another task")
    try:
        entries = reasoning_gym.create_dataset(task, size=limit * 40, seed=0, **dials)
    except (ValueError, TypeError, AttributeError, AssertionError) as error:
        raise DataError(
            f"dataset gym:{task}: {error}", "see the tasks and settings that reasoning-gym documents"
        ) from None
    seen: set[str] = set()
    found = 0
    for entry in entries:
        question = entry["question"]
        if split_of(question) != split or (split != "train" and question in seen):
            continue
        seen.add(question)
        found += 1
        yield {
            "prompt": question, "answer": gold_of(entry), "verifier": "gym", "domain": "reasoning", "language": "en",
            "difficulty": 0, "metadata": json.dumps({"task": task, "dials": dials, "entry": entry}, default=str),
        }  # fmt: skip
        if found == limit:
            return
    raise DataError(
        f"gym:{task} has only {found} different {split} problems with these settings, not {limit}", "lower `limit`"
    )


GENERATORS: dict[str, Callable[..., Iterable[Row]]] = {"mini": mini_rows, "gym": gym_rows}
