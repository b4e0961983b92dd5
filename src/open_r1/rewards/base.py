"""
What all rewards share: where they apply. A subclass scores one response (`score`), or a batch of them (`score_batch`).
"""

import asyncio
import time
from collections.abc import Callable
from typing import Any

from ..core.formats import Response, ResponseFormat, completion_text

Row = dict[str, Any]


class Reward:
    """
    Base of the rewards, callable as TRL calls a reward function; picklable.

    Args:
        response_format (`ResponseFormat`):
            How the policy writes.
        name (`str`):
            Name in logs and curves.
        domains (`list[str]`, *optional*):
            Domains it applies to; all by default.
        from_step (`int`, *optional*, defaults to `0`):
            Training step from which it applies (paper section 2.3.4: preference rewards only in the last steps).
    """

    columns: tuple[str, ...] = ()  # columns of the dataset without which it cannot score
    pays_less_for: tuple[str, ...] | None = None  # see `probe.py`: it pays 1 for a right response, and less for these

    def __init__(
        self, response_format: ResponseFormat, name: str = "", domains: list[str] | None = None, from_step: int = 0
    ):
        self.response_format, self.domains, self.from_step = response_format, domains, from_step
        self.__name__ = name or type(self).__name__
        self.counts: dict[str, int] = {}  # what went wrong in the last batch, for the log

    def __call__(
        self,
        prompts: list,
        completions: list,
        trainer_state: Any = None,
        log_metric: Callable | None = None,
        **columns: list,
    ) -> list[float | None]:
        """One score per completion; `None` where the reward does not apply."""
        began, self.counts = time.perf_counter(), {}
        step = trainer_state.global_step if trainer_state is not None else self.from_step
        columns = {key: values for key, values in columns.items() if isinstance(values, list)}
        rows = [
            {key: values[i] for key, values in columns.items()} | {"prompt": prompts[i]} for i in range(len(prompts))
        ]
        chosen = [i for i, row in enumerate(rows) if step >= self.from_step and self.applies(row)]
        responses = [self.response_format.read(completion_text(completions[i])) for i in chosen]
        scores = self.score_batch(responses, [rows[i] for i in chosen]) if chosen else []
        if log_metric is not None:
            for key, value in {"seconds": time.perf_counter() - began, **self.counts}.items():
                log_metric(f"rewards/{self.__name__}/{key}", value)
        found = dict(zip(chosen, scores, strict=True))
        return [found.get(i) for i in range(len(prompts))]

    def applies(self, row: Row) -> bool:
        """Whether the row's domain is one of ours."""
        return not self.domains or row.get("domain") in self.domains

    def score_batch(self, responses: list[Response], rows: list[Row]) -> list[float | None]:
        return [self.score(response, row) for response, row in zip(responses, rows, strict=True)]

    def score(self, response: Response, row: Row) -> float | None:
        raise NotImplementedError


class AsyncReward(Reward):
    """A reward that waits for other processes or machines: TRL runs such rewards at the same time."""

    async def __call__(self, *args: Any, **columns: Any) -> list[float | None]:
        return await asyncio.to_thread(super().__call__, *args, **columns)
