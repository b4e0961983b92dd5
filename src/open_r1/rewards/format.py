"""
Format: 1 if the response has exactly the shape of its format, else 0 (paper section 2.2.2; the value is our reading).
"""

from ..core.formats import TAGS, Response
from .base import Reward, Row


class FormatReward(Reward):
    """Pays the tags, each once and in order, with reasoning and an answer that are not empty."""

    pays_less_for = ("malformed",)

    def score(self, response: Response, row: Row) -> float:
        return float(response.valid)


class TagCountReward(Reward):
    """
    Pays the share of the format's tags that occur exactly once: a softer start for models that hardly write them.
    """

    pays_less_for = ("malformed",)

    def score(self, response: Response, row: Row) -> float:
        tags = TAGS[self.response_format.name]
        return sum(response.text.count(tag) == 1 for tag in tags) / len(tags)
