"""What a user of the repository might write."""

from open_r1.rewards.base import Reward


def short(completions, limit=10, **kwargs):
    return [float(len(completion) <= limit) for completion in completions]


def right(prompts, completions, answer):
    """As TRL calls it, without a catch-all for what it does not use."""
    return [float(gold in completion) for completion, gold in zip(completions, answer, strict=True)]


async def waits(completions, **kwargs):
    return [None for _ in completions]


class Sevens(Reward):
    def score(self, response, row):
        return float("7" in response.text)


NUMBER = 7
