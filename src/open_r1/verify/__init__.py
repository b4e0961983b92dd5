"""One verdict for rewards, rejection sampling, filtering and evaluation: `verify(kind, gold, text)`.

A verdict is an explicit outcome, never a bare 0: a wrong answer, a missing answer, a gold that cannot be read and a
failure of ours are different things. What cannot be decided by cheap exact means runs in worker processes that can be
killed (`pool.py`). Nothing here imports torch.
"""

import json
from collections.abc import Sequence
from typing import Any

from ..core.errors import DataError
from ..core.formats import Response, completion_text, read_response
from ..core.rows import OPEN
from . import audit, choice, code_tests, math, text
from .kinds import (
    BAD_GOLD,
    CORRECT,
    ERROR,
    KINDS,
    LIMIT,
    NO_ANSWER,
    OUTCOMES,
    TIMEOUT,
    WRONG,
    Case,
    Verdict,
)
from .pool import shared_pool

__all__ = [
    "BAD_GOLD", "CORRECT", "ERROR", "KINDS", "LIMIT", "NO_ANSWER", "OUTCOMES", "TIMEOUT", "WRONG", "Case", "Verdict",
    "bad_golds", "equivalent", "verify", "verify_many",
]  # fmt: skip


def verify(kind: str, gold: Any, response: Response | str | None, **extra: Any) -> Verdict:
    r"""
    Decides whether a response is right.

    Args:
        kind (`str`):
            `math` (equivalent mathematics), `choice` (a letter A to J; column `options`), `exact` (same words), `f1`
            (shared words), `drop` (shared words of several spans), `refusal` (gold `refuse` or `comply`),
            `constraints` (see `constraints.py`), `json_schema`, `code` (tests) or `gym` (column `metadata`).
        gold (`Any`):
            The reference answer. A list of strings, for `math`, is a set of answers that must all be given; for
            `exact` and `f1`, several references of which the best counts. An integer, for `choice`, is the index of an
            option.
        response (`Response` or `str`):
            The response in its parts, from `ResponseFormat.read`, or its text: answers are read after the reasoning
            only, from the last `\boxed{}`, from `<answer>`, or after "the answer is".
        extra (`dict`):
            Further columns of the row, for the kinds that need them.

    Returns:
        `Verdict`: outcome, answer, score and note.
    """
    return verify_many([Case(kind, gold, response, extra)])[0]


def verify_many(cases: Sequence[Case], limit: float = LIMIT) -> list[Verdict]:
    """
    Decides many cases: equal pairs of gold and answer once, quick ones here, the others in worker processes.

    Args:
        cases (`Sequence[Case]`):
            What to judge.
        limit (`float`, *optional*, defaults to `2.0`):
            Seconds for one case in a worker.

    Returns:
        `list[Verdict]`: one per case, in order.
    """
    keys = [case_key(case) for case in cases]
    found = decide(keys, limit)
    return [found[key] for key in keys]


def equivalent(kind: str, one: str, other: str) -> bool:
    """Whether two answers of a kind say the same, so that they vote together."""
    key = (kind, one, other)
    return one == other or decide([key], LIMIT)[key].correct


def decide(keys: Sequence[tuple], limit: float) -> dict[tuple, Verdict]:
    """Verdicts of different cases."""
    found: dict[tuple, Verdict] = {}
    waiting: dict[str, list[tuple]] = {}
    for key in dict.fromkeys(keys):
        verdict = decide_here(*key)
        if verdict is None:
            waiting.setdefault(key[0], []).append(key)
        else:
            found[key] = verdict
    for kind, slow in waiting.items():
        found |= dict(zip(slow, KINDS[kind].many([key[1:] for key in slow], limit), strict=True))
    return found


def case_key(case: Case) -> tuple:
    """A case as kind, gold, answer and further columns: equal keys have equal verdicts."""
    check_kind(case.kind)
    kind = KINDS[case.kind]
    response = case.response if isinstance(case.response, Response) else read_response(case.response)
    gold, answer = gold_text(case.kind, case.gold), kind.part(response)
    prompt = case.extra.get("prompt")
    if case.kind == "math" and answer and prompt and math.copied(answer, gold, completion_text(prompt)):
        answer = None  # "What is 12 x 12?" - "12 x 12": equal, and no answer
    more = [case.extra.get(name) for name in kind.columns]
    return (case.kind, gold, answer, *(tuple(m) if isinstance(m, list) else m for m in more))


def gold_text(kind: str, gold: Any) -> str:
    """
    A gold as text; lists become one list of mathematics or several references, indices letters, other structures JSON.
    """
    if isinstance(gold, (list, tuple)) and kind in ("math", "exact", "f1"):
        return ("; " if kind == "math" else text.BETWEEN).join(map(str, gold))
    if kind == "choice" and type(gold) is int and 0 <= gold < len(choice.LETTERS):
        return choice.LETTERS[gold]
    return gold if isinstance(gold, str) else "" if gold is None else json.dumps(gold, default=str)


def decide_here(name: str, gold: str, answer: str | None, *columns: Any) -> Verdict | None:
    """The verdict of a case that needs no other process, else `None`."""
    kind = KINDS[name]
    if not gold.strip():
        return Verdict(BAD_GOLD, answer, note="the gold is empty")
    if answer is None or not answer.strip():
        return Verdict(NO_ANSWER, None)
    try:
        result = kind.quick(gold, answer, *columns) if kind.quick else None
    except Exception as error:  # a fault of ours must not end a training: a worker decides, or the verdict says so
        if not kind.many:
            return Verdict(ERROR, answer, note=f"{type(error).__name__}: {error}"[:300])
        result = None
    if result is None:
        return None if kind.many else Verdict(BAD_GOLD, answer, note=f"cannot be read as `{name}`")
    return Verdict(CORRECT if result == 1 else WRONG, answer, float(result))


def check_kind(kind: str) -> None:
    """Raises `DataError` for a kind that no verifier knows."""
    if kind not in KINDS:
        raise DataError(f"column `verifier`: unknown kind {kind!r}", f"use one of {', '.join(KINDS)}")


def bad_golds(
    cases: Sequence[tuple[str, Any]], rows: Sequence[dict[str, Any]] | None = None, limit: float = 10.0
) -> dict[int, str]:
    """
    Golds that nothing could ever match: empty, of a form that their kind cannot read, or different from themselves.

    Args:
        cases (`Sequence[tuple[str, Any]]`):
            Kind and gold of each row.
        rows (`Sequence[dict]`, *optional*):
            The rows, for kinds that need further columns, such as `options` of `choice`.
        limit (`float`, *optional*, defaults to `10.0`):
            Seconds for one gold in a worker.

    Returns:
        `dict[int, str]`: what is wrong, by the index of the row.
    """
    found: dict[int, str] = {}
    slow: dict[tuple[str, str], list[int]] = {}
    for index, (kind, gold) in enumerate(cases):
        if kind == OPEN:
            continue
        check_kind(kind)
        text = gold_text(kind, gold)
        if not text.strip():
            found[index] = "empty"
        elif kind == "math" and not audit.all_exact(text) or kind == "json_schema":
            slow.setdefault((kind, text), []).append(index)
        elif kind == "code":
            found |= {index: reason} if (reason := code_tests.unreadable(text)) else {}
        elif kind in ("choice", "constraints", "drop", "f1", "refusal"):
            columns = [(rows[index] if rows else {}).get(name) for name in KINDS[kind].columns]
            if KINDS[kind].quick(text, "x", *columns) is None:
                found[index] = f"cannot be read as `{kind}`"
    for kind in {kind for kind, _ in slow}:
        golds = [gold for name, gold in slow if name == kind]
        for gold, result in zip(golds, shared_pool(AUDITS[kind]).run([[gold] for gold in golds], limit), strict=True):
            reason = result.value if result.state == "done" else f"{result.state}: {result.value}"
            found |= dict.fromkeys(slow[kind, gold], reason) if reason else {}
    return found


# Functions that say what is wrong with a gold, in a worker.
AUDITS = {"math": "open_r1.verify.audit:audit", "json_schema": "open_r1.verify.structured:audit"}
