"""Accuracy: 1 if the verdict is `correct`, else 0 (paper section 2.2.2). `None` where the gold cannot be read."""

from ..formats import Response
from ..verify import BAD_GOLD, verify
from .base import Reward, Row


class AccuracyReward(Reward):
    """Pays right answers, by the row's `verifier` and `answer`."""

    def score(self, response: Response, row: Row) -> float | None:
        verdict = verify(row["verifier"], row["answer"], response, metadata=row.get("metadata"))
        return None if verdict.outcome == BAD_GOLD else float(verdict.correct)
