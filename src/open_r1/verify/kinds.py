"""The kinds of answers that there are, and how each is judged: one line of `KINDS` per kind."""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from ..core.answers import in_prose
from ..core.formats import Response
from . import choice, code, constraints, drop, math, numeric, text
from .pool import shared_pool

CORRECT, WRONG, NO_ANSWER, BAD_GOLD = "correct", "wrong", "no_answer", "bad_gold"
TIMEOUT, ERROR = "timeout", "error"
OUTCOMES = (CORRECT, WRONG, NO_ANSWER, BAD_GOLD, TIMEOUT, ERROR)
LIMIT = 2.0  # seconds for one answer; ordinary ones need 2 ms, the slowest honest ones some 200 ms


@dataclass(frozen=True)
class Verdict:
    """
    What a verifier found.

    Attributes:
        outcome (`str`): `correct`, `wrong`, `no_answer`, `bad_gold`, `timeout` or `error`.
        answer (`str` or `None`): The answer that was judged.
        score (`float`): Between 0 and 1: 1 if correct; a share of 1 for kinds that know partial success.
        note (`str`): Why, where that is worth a word.
    """

    outcome: str
    answer: str | None
    score: float = 0.0
    note: str = ""

    @property
    def correct(self) -> bool:
        return self.outcome == CORRECT


class Case(NamedTuple):
    """
    One answer to be judged.

    Attributes:
        kind (`str`): A key of `KINDS`.
        gold (`Any`): The reference answer.
        response (`Response` or `str`): The response, in its parts or as text.
        extra (`dict`): Further columns of the row.
    """

    kind: str
    gold: Any
    response: Response | str | None
    extra: dict[str, Any] = {}


class Kind(NamedTuple):
    """
    How answers of one kind are judged: the part of the response, a quick judge, and one for many that runs in other
    processes.
    """

    part: Callable[[Response], str | None]
    # gold, answer, columns -> true, false or a share; None: bad gold, or unknown if `many`
    quick: Callable[..., Any] | None = None
    many: Callable[[list[tuple], float], list[Verdict]] | None = None  # (gold, answer, columns), limit -> verdicts
    columns: tuple[str, ...] = ()  # further columns of the row that the judge needs


def in_workers(function: str, items: list[tuple], limit: float) -> list[Verdict]:
    """
    Verdicts from a function that says `[outcome, note]` or `[outcome, note, score]`, in processes that can be killed.
    """
    verdicts = []
    for (_, answer, *_), result in zip(
        items, shared_pool(function).run([list(item) for item in items], limit), strict=True
    ):
        if result.state == "done":
            outcome, note, *score = result.value
            verdicts.append(Verdict(outcome, answer, score[0] if score else float(outcome == CORRECT), note))
        else:
            verdicts.append(Verdict(result.state, answer, note=str(result.value)))
    return verdicts


def in_sandbox(items: list[tuple], limit: float) -> list[Verdict]:
    """Verdicts on programs; their limits are the sandbox's."""
    found = code.decide_many([(gold, answer) for gold, answer in items])
    return [
        Verdict(outcome, answer, score, note) for (_, answer), (outcome, note, score) in zip(items, found, strict=True)
    ]


def judge_math(gold: str, answer: str) -> bool | None:
    return math.compare(gold, answer, numeric.judge)


def answer_of(response: Response) -> str | None:
    return response.answer


def value_of(response: Response) -> str | None:
    """The answer as mathematics: tags may hold a sentence around it."""
    return in_prose(response.answer) if response.answer and response.answer == response.final else response.answer


def final_of(response: Response) -> str | None:
    return response.final


KINDS = {
    "math": Kind(value_of, judge_math, functools.partial(in_workers, "open_r1.verify.algebra:decide")),
    "choice": Kind(choice.part, choice.judge, columns=("options",)),
    "exact": Kind(text.part, text.exact),
    "f1": Kind(text.part, text.f1),
    "drop": Kind(drop.part, drop.judge),
    "refusal": Kind(lambda response: response.text, text.refuses_as_expected),
    "constraints": Kind(final_of, constraints.judge),
    "json_schema": Kind(final_of, None, functools.partial(in_workers, "open_r1.verify.structured:decide")),
    "gym": Kind(answer_of, None, functools.partial(in_workers, "open_r1.verify.gym:decide"), ("metadata",)),
    "code": Kind(final_of, None, in_sandbox),
}
