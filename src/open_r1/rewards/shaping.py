"""Rewards that shape length and repetition: TRL's own, under our names and with our verdicts. Not in the paper.

- cosine (arXiv 2502.03373, C.1): a right answer pays more when short, a wrong one costs less when long
- repetition (same, C.2): a penalty for the share of repeated n-grams of tokens
- soft_overlong (DAPO, arXiv 2503.14476, equation 13): a penalty in the last tokens before the limit
"""

from typing import Any

from ..core.formats import Response, ResponseFormat
from .accuracy import VerdictReward
from .base import Reward, Row

BOXED = {True: r"\boxed{1}", False: r"\boxed{0}"}  # how a verdict is told to TRL, which wants to verify by itself


class RepetitionReward(Reward):
    """`get_repetition_penalty_reward` of TRL: 0 without repetition, down to `max_penalty`."""

    def __init__(
        self, response_format: ResponseFormat, ngram_size: int = 3, max_penalty: float = -1.0, **options: Any
    ):
        from trl.rewards import get_repetition_penalty_reward

        super().__init__(response_format, **options)
        self.function = get_repetition_penalty_reward(ngram_size, max_penalty)

    def score_batch(self, responses: list[Response], rows: list[Row]) -> list[float]:
        return self.function(completion_ids=[row["completion_ids"] for row in rows])


class SoftOverlongReward(Reward):
    """`get_soft_overlong_punishment` of TRL: 0 up to `max_length - cache` tokens, then down to -1."""

    def __init__(self, response_format: ResponseFormat, max_length: int, cache: int, **options: Any):
        from trl.rewards import get_soft_overlong_punishment

        super().__init__(response_format, **options)
        self.function = get_soft_overlong_punishment(max_length, cache)

    def score_batch(self, responses: list[Response], rows: list[Row]) -> list[float]:
        return self.function(completion_ids=[row["completion_ids"] for row in rows])


class CosineReward(VerdictReward):
    """`get_cosine_scaled_reward` of TRL on our verdicts; `values` are its bounds, such as `min_value_wrong`."""

    def __init__(
        self, response_format: ResponseFormat, max_length: int, values: dict[str, float] | None = None, **options: Any
    ):
        from trl.rewards import get_cosine_scaled_reward

        super().__init__(response_format, **options)
        self.function = get_cosine_scaled_reward(max_length, **(values or {}))

    def score_batch(self, responses: list[Response], rows: list[Row]) -> list[float | None]:
        right = super().score_batch(responses, rows)
        completions = [[{"content": BOXED[bool(pay)]}] for pay in right]
        scores = self.function(completions, [BOXED[True]] * len(rows), [row["completion_ids"] for row in rows])
        return [None if pay is None else score for pay, score in zip(right, scores, strict=True)]
