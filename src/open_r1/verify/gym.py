"""Verdicts by reasoning-gym's own scorers: each of its tasks knows when an answer is right. Runs in a worker.

Task, its settings ("dials") and entry travel in the row's `metadata` column as JSON. A scorer is believed only where
it pays the entry's own answer; what it raises at an answer makes that answer wrong, what it raises at its own answer
is an error.
"""

import functools
import importlib
import json
import re
from collections.abc import Callable
from typing import Any

PAID = 0.999
UNSOUND = {  # tasks whose scorers pay wrong answers (reasoning-gym 0.1.25)
    "coin_flip": "its scorer pays every beginning of the answer, such as 0",
    "game_of_life_halting": "its scorer pays any text",
    "puzzle24": "its scorer pays any four numbers that make 24",
}
# within any tolerance of everything, to some
UNDEFINED = re.compile(r"(?<![a-z])(?:nan|inf(?:inity)?)[ij]?(?![a-z])", re.IGNORECASE)
# Scorers that look for their answer anywhere in a text, or read its beginning, pay "7 or 8" and "not 7".
HEDGES = frozenset(("or", "not", "either", "neither", "nor", "never"))
EXAMPLES = ("example_correct_answer", "example_answer", "possible_answer")  # where tasks with several answers keep one


@functools.cache
def scorer(task: str, dials: str) -> Callable[..., float]:
    """Scoring function of a reasoning-gym task with its settings, made once."""
    import reasoning_gym

    return reasoning_gym.create_dataset(task, **json.loads(dials)).score_answer


def preload() -> None:
    importlib.import_module("reasoning_gym")


def gold_of(entry: dict[str, Any]) -> str:
    """The answer of an entry as text; of tasks with several, the example they give, or that there are several."""
    answer, metadata = entry["answer"], entry.get("metadata") or {}
    if answer is None:
        answer = next((metadata[name] for name in EXAMPLES if metadata.get(name)), "several answers are right")
    return answer if isinstance(answer, str) else json.dumps(answer)


@functools.lru_cache(maxsize=64)
def load(metadata: str) -> tuple[Callable[..., float], dict[str, Any], str]:
    """
    Scorer and entry of a row, and why they are of no use, if so. JSON made lists of tuples, which some scorers tell
    from tuples.
    """
    saved = json.loads(metadata)
    if saved["task"] in UNSOUND:
        return float, {}, f"{saved['task']}: {UNSOUND[saved['task']]}"
    score, entry = scorer(saved["task"], json.dumps(saved.get("dials") or {})), saved["entry"]
    for form in (entry, tupled(entry)):
        if entry["answer"] is None or score(answer=entry["answer"], entry=form) >= PAID:
            return score, form, ""
    return score, entry, "the task's scorer does not pay the entry's own answer"


def tupled(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: tupled(item) for key, item in value.items()}
    return tuple(map(tupled, value)) if isinstance(value, list) else value


def words(text: str) -> set[str]:
    return set(re.findall(r"[a-z]+", text.casefold()))


def decide(gold: str, answer: str, metadata: str) -> list[Any]:
    """Outcome, note and score by the task's scorer."""
    score, entry, reason = load(metadata)
    if reason:
        return ["bad_gold", reason]
    if UNDEFINED.search(answer) and not UNDEFINED.search(gold):
        return ["wrong", "undefined", 0.0]
    if entry["answer"] is not None and HEDGES & words(answer) - words(gold):
        return ["wrong", "it denies, or names alternatives", 0.0]
    try:
        value = float(score(answer=answer, entry=entry))
    # a scorer may raise anything at an answer that it cannot read; `load` has seen that it can read others
    except Exception as error:
        return ["wrong", f"{type(error).__name__}: {error}"[:200], 0.0]
    return ["correct" if value >= PAID else "wrong", "", value]
