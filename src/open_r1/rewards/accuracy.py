"""Rewards that a verdict decides (`verify/`): right answers, passed tests, followed instructions, valid JSON (paper
section 2.2.2).

`None` where the gold cannot be read: a problem without a usable answer teaches nothing, and must not look like a wrong
one.
"""

from collections import Counter
from typing import Any, Literal

from ..core.formats import Response, ResponseFormat
from ..core.rows import OPEN
from ..sandbox import Limits, make_sandbox
from ..verify import BAD_GOLD, LIMIT, Case, Verdict, code, verify_many
from .base import AsyncReward, Row


class VerdictReward(AsyncReward):
    """
    Pays by the row's `verifier` and `answer`.

    Args:
        response_format (`ResponseFormat`):
            How the policy writes.
        kinds (`list[str]`, *optional*):
            Values of `verifier` it applies to; all by default.
        scoring (`str`, *optional*, defaults to `"all"`):
            `all`: 1 for a correct response, else 0. `fraction`: the verdict's score, such as the share of passed
            tests.
        limit (`float`, *optional*, defaults to `2.0`):
            Seconds for one verdict.
        options (`dict`):
            Settings of [`Reward`].
    """

    columns = ("verifier", "answer")

    def __init__(
        self,
        response_format: ResponseFormat,
        kinds: list[str] | None = None,
        scoring: Literal["all", "fraction"] = "all",
        limit: float = LIMIT,
        **options: Any,
    ):
        super().__init__(response_format, **options)
        if scoring not in ("all", "fraction"):
            raise ValueError(f"scoring {scoring!r} is neither `all` nor `fraction`")
        self.kinds, self.scoring, self.limit = kinds, scoring, limit

    def applies(self, row: Row) -> bool:
        kind = row.get("verifier")
        return super().applies(row) and (kind in self.kinds if self.kinds else kind != OPEN)

    def verdicts(self, responses: list[Response], rows: list[Row]) -> list[Verdict]:
        cases = [
            Case(row["verifier"], row["answer"], response, row) for response, row in zip(responses, rows, strict=True)
        ]
        return verify_many(cases, self.limit)

    def score_batch(self, responses: list[Response], rows: list[Row]) -> list[float | None]:
        verdicts = self.verdicts(responses, rows)
        outcomes = Counter(verdict.outcome for verdict in verdicts)
        self.counts = {f"{name}s": outcomes[name] for name in ("timeout", "error", BAD_GOLD)}
        paid = [float(verdict.correct) if self.scoring == "all" else verdict.score for verdict in verdicts]
        return [
            None if verdict.outcome in (BAD_GOLD, "error") else pay
            for verdict, pay in zip(verdicts, paid, strict=True)
        ]


class AccuracyReward(VerdictReward):
    """Right answers, whatever their kind."""

    pays_less_for = ("wrong", "malformed")


class ConstraintsReward(VerdictReward):
    """Followed instructions (rows with `verifier: constraints`), by default their share."""

    def __init__(
        self, response_format: ResponseFormat, scoring: Literal["all", "fraction"] = "fraction", **options: Any
    ):
        super().__init__(response_format, kinds=["constraints"], scoring=scoring, **options)


class JsonReward(VerdictReward):
    """JSON that matches the schema in `answer` (rows with `verifier: json_schema`)."""

    def __init__(self, response_format: ResponseFormat, **options: Any):
        super().__init__(response_format, kinds=["json_schema"], **options)


class CodeReward(VerdictReward):
    """
    Programs that pass their tests (rows with `verifier: code`).

    Args:
        response_format (`ResponseFormat`):
            How the policy writes.
        sandbox (`dict`, *optional*):
            Settings of `open_r1.sandbox.make_sandbox`: `provider`, `warm`, `concurrency`, ...
        seconds (`float`, *optional*, defaults to `4.0`):
            Wall-clock time of one run.
        memory_mb (`int`, *optional*, defaults to `512`):
            Memory of one run.
        options (`dict`):
            Settings of [`VerdictReward`].
    """

    def __init__(
        self,
        response_format: ResponseFormat,
        sandbox: dict[str, Any] | None = None,
        seconds: float = 4.0,
        memory_mb: int = 512,
        **options: Any,
    ):
        super().__init__(response_format, kinds=["code"], **options)
        self.settings, self.limits = sandbox or {}, Limits(seconds=seconds, memory=memory_mb << 20)
        self._sandbox = make_sandbox(**self.settings)  # now: a missing sandbox must stop the run at its start

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_sandbox": None}

    def verdicts(self, responses: list[Response], rows: list[Row]) -> list[Verdict]:
        self._sandbox = self._sandbox or make_sandbox(**self.settings)
        items = [(row["answer"], response.final) for row, response in zip(rows, responses, strict=True)]
        found = code.decide_many(items, self._sandbox, self.limits, stop=self.scoring == "all")
        return [Verdict(outcome, None, score, note) for outcome, note, score in found]
