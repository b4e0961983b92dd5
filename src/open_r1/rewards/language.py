"""
Language consistency: share of the reasoning's words that belong to the question's language (paper section 2.3.2).
"""

from ..core.formats import Response
from ..core.languages import WRITTEN_IN, consistency
from .base import Reward, Row


class LanguageReward(Reward):
    """
    Pays reasoning in the language of the question. Reasoning without words, such as bare formulas, loses nothing;
    where the question's language cannot be told, the reward does not apply.
    """

    columns, pays_less_for = ("language",), ()  # text without words is in no wrong language

    def score(self, response: Response, row: Row) -> float | None:
        if row["language"] not in WRITTEN_IN:
            return None
        share = consistency(response.reasoning, row["language"])
        return float(bool(response.reasoning)) if share is None else share
