"""TRL's table of completions (`log_completions`), small enough to be kept of every rollout.

TRL logs all completions of a rollout, at each of the steps that it feeds: with the paper's sizes 8,192 long texts,
sixteen times. Here the table has some samples of some prompts, as text, once for each rollout. It goes to trackio or
W&B, and to `OUTPUT/completions`.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from trl import GRPOTrainer

PROMPTS, SAMPLES = 4, 4  # of a rollout, and of each of these


class ShownTrainer(GRPOTrainer):
    """TRL's trainer, with a smaller table."""

    _logs: dict[str, Any]  # TRL's, as is the next
    log_completions: bool
    fresh = False  # whether a rollout was drawn since the last table

    def _generate_and_score_completions(self, inputs: list[dict[str, Any]]) -> dict[str, Any]:
        self.fresh = True
        return super()._generate_and_score_completions(inputs)

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        wanted, drawn = self.log_completions, self._logs
        self.log_completions = wanted and self.fresh
        if self.log_completions:
            self._logs, self.fresh = few(drawn, self.num_generations), False
        super().log(logs, start_time)
        self.log_completions, self._logs = wanted, drawn


def few(logs: Mapping[str, Any], group: int) -> dict[str, Any]:
    """
    The columns of a table, with a few of their rows.

    Args:
        logs (`Mapping`):
            TRL's: values for each completion by column, or such columns by name.
        group (`int`):
            Completions of one prompt, which stand together.

    Returns:
        `dict`: the same for the first samples of the first prompts, with conversations as text.
    """
    return {
        name: few(column, group) if isinstance(column, Mapping) else [text(column[row]) for row in rows(column, group)]
        for name, column in logs.items()
    }


def rows(column: Sequence[Any], group: int) -> list[int]:
    return [row for row in range(len(column)) if row // group < PROMPTS and row % group < SAMPLES]


def text(value: Any) -> Any:
    """A conversation as text; anything else as it is."""
    if isinstance(value, list) and value and all(isinstance(part, dict) for part in value):
        return "\n\n".join(str(part.get("content", "")) for part in value)
    return value
