"""One verdict for rewards, rejection sampling, filtering and evaluation: `verify(kind, gold, response)`.

A verdict is an explicit outcome, never a bare 0: a wrong answer, a missing answer and a gold that cannot be read are three
different things. Nothing here imports torch.
"""

from dataclasses import dataclass
from typing import Any

from ..errors import DataError
from ..formats import Response
from . import gym, math, text

CORRECT, WRONG, NO_ANSWER, BAD_GOLD = "correct", "wrong", "no_answer", "bad_gold"


@dataclass(frozen=True)
class Verdict:
    """
    What a verifier found.

    Attributes:
        outcome (`str`): `correct`, `wrong`, `no_answer` or `bad_gold`.
        answer (`str` or `None`): The answer that was judged.
    """

    outcome: str
    answer: str | None

    @property
    def correct(self) -> bool:
        return self.outcome == CORRECT


# kind -> (which part of the response it judges, the judge: gold, answer, extra columns -> right or not)
KINDS = {
    "math": ("answer", math.equal),
    "exact": ("final", text.exact),
    "refusal": ("text", text.refuses_as_expected),
    "gym": ("answer", gym.score),
}


def verify(kind: str, gold: str, response: Response, **extra: Any) -> Verdict:
    """
    Decides whether a response is right.

    Args:
        kind (`str`):
            `math` (equivalent mathematics), `exact` (same words), `refusal` (gold `refuse` or `comply`) or `gym` (the
            scorer of a reasoning-gym task).
        gold (`str`):
            The reference answer.
        response (`Response`):
            The response in its parts, from `ResponseFormat.read`.
        extra (`dict`):
            Further columns of the row, for the kinds that need them (`gym` reads `metadata`).

    Returns:
        `Verdict`: outcome and the answer that was judged.
    """
    check_kind(kind)
    part, judge = KINDS[kind]
    answer = getattr(response, part)
    if answer is None:
        return Verdict(NO_ANSWER, None)
    right = judge(str(gold), answer, extra)
    return Verdict(BAD_GOLD if right is None else CORRECT if right else WRONG, answer)


def check_kind(kind: str) -> None:
    """Raises `DataError` for a kind that no verifier knows."""
    if kind not in KINDS:
        raise DataError(f"column `verifier`: unknown kind {kind!r}", f"use one of {', '.join(KINDS)}")


def check_gold(kind: str, gold: Any, where: str) -> None:
    """Raises `DataError` for an unknown kind, or a reference answer that nothing could ever match."""
    check_kind(kind)
    if gold is None or not str(gold).strip() or (kind == "math" and not math.parses(str(gold))):
        raise DataError(f"{where}: the gold answer {gold!r} cannot be read as `{kind}`", "correct or drop that row")
