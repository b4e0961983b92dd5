"""Which of two replies helps more: a language model as judge of pairs, for the helpful reward model (paper section
2.3.4).

The judge first answers the user itself, then holds both replies against its own and against each other, and ends with
one of five verdicts. A judge likes what it reads first: every pair is shown in both orders equally often, and the
votes are averaged. What stands in a conversation or a reply is data between marks that it cannot know.
"""

import asyncio
from collections import Counter
from dataclasses import dataclass
from typing import Any, NamedTuple

from ..core.endpoints import Endpoint, RequestError, together
from ..core.journal import Journal
from ..core.judges import Judge, read_verdict


class Ballot(NamedTuple):
    """
    One vote that is asked for.

    Attributes:
        question (`str`): What the judge reads.
        swapped (`bool`): Whether the pair's second reply is shown first, as A.
        seed (`int`): Of the judge's sampling.
    """

    question: str
    swapped: bool
    seed: int


class Vote(NamedTuple):
    """
    What came of a ballot.

    Attributes:
        score (`int` or `None`): From 2 (A much better) to -2; `None` where no verdict could be read.
        unreadable (`int`): Replies without a verdict: 1 if asking again helped, 2 if not.
    """

    score: int | None
    unreadable: int = 0


@dataclass
class PairJudge(Judge):
    """
    The judge of a recipe.

    Args:
        temperature (`float`, *optional*, defaults to `0.7`):
            Sampling temperature; above 0, so that two votes in one order are two opinions.
    """

    temperature: float = 0.7

    async def votes_on(self, papers: list[list[Ballot]], journal: Journal) -> list[list[Vote] | None]:
        """
        The votes on some pairs.

        Args:
            papers (`list[list[Ballot]]`):
                The ballots of each pair.
            journal (`Journal`):
                Keeps every verdict; what it knows is not asked for.

        Returns:
            `list[list[Vote]]`: for each pair; `None` where no server replied to one of its ballots.
        """

        async def of_pair(paper: list[Ballot]) -> list[Vote] | None:
            wanted = (self.vote(endpoint, ballot, journal) for ballot in paper)
            found = await asyncio.gather(*wanted, return_exceptions=True)
            for error in found:
                if isinstance(error, BaseException) and not isinstance(error, RequestError):
                    raise error
            votes = [vote for vote in found if isinstance(vote, Vote)]
            return votes if len(votes) == len(paper) else None

        async with self.endpoint() as endpoint:
            return await together(map(of_pair, papers))

    async def vote(self, endpoint: Endpoint, ballot: Ballot, journal: Journal) -> Vote:
        """A vote; a reply without a verdict is asked for once more. Raises `RequestError` where no server replies."""
        for unreadable in range(2):
            score = await self.ask(endpoint, ballot.question, ballot.seed ^ unreadable, journal, read_verdict)
            if score is not None:
                return Vote(score, unreadable)
        return Vote(None, 2)


# ---------------------------------------------------------------------------------------------- can it be trusted?


def scores(paper: list[Ballot], votes: list[Vote]) -> list[int]:
    """Scores of a pair's first response, whichever was shown first; without those that could not be read."""
    return [
        -vote.score if ballot.swapped else vote.score
        for ballot, vote in zip(paper, votes, strict=True)
        if vote.score is not None
    ]


def tally(counts: Counter[str], paper: list[Ballot], votes: list[Vote]) -> None:
    """Counts how the judge voted on a pair."""
    counts["unreadable"] += sum(vote.unreadable for vote in votes)
    counts["first"] += sum(vote.score is not None and vote.score > 0 for vote in votes)
    found = scores(paper, votes)
    counts["votes"] += len(found)
    counts["ties"] += found.count(0)
    counts["agreeing"] += sum(sign(score) == sign(sum(found)) for score in found)


def trust(counts: Counter[str]) -> dict[str, Any]:
    """What the counts say. A judge without a liking for what it reads first prefers it in half of its decisions."""
    return {
        "votes": counts["votes"],
        "unreadable replies": counts["unreadable"],
        "ties": share(counts["ties"], counts["votes"]),
        "first preferred": share(counts["first"], counts["votes"] - counts["ties"]),
        "votes that agree with their pair's average": share(counts["agreeing"], counts["votes"]),
    }


def share(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None


def sign(number: float) -> int:
    return (number > 0) - (number < 0)
