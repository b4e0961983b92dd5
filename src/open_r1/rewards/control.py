"""A reward without information, for the control run: what improves under it is not learned from the reward.

Some bases gain from random rewards (arXiv 2506.10947), so a result without this control cannot be trusted.
"""

import hashlib

from ..core.formats import Response
from .base import Reward, Row


class RandomReward(Reward):
    """Pays 1 or 0 by a coin that depends on the text alone, so that a resumed run pays the same."""

    def score(self, response: Response, row: Row) -> float:
        return float(hashlib.sha256(f"{row['prompt']}{response.text}".encode(errors="surrogatepass")).digest()[0] % 2)
