"""Format: 1 if the response has exactly the shape of its format, else 0 (paper section 2.2.2; the value is our reading)."""

from ..formats import Response
from .base import Reward, Row


class FormatReward(Reward):
    """Pays the tags, each once and in order, with reasoning and an answer that are not empty."""

    def score(self, response: Response, row: Row) -> float:
        return float(response.valid)
