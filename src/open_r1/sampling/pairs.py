"""Pairs of responses to one prompt, from a sample store, and which of them to keep so that length teaches nothing."""

import random
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from ..core.rows import Row
from .selection import Place, rows_at


class Pair(NamedTuple):
    """Two responses to one prompt, in the order that the seed drew."""

    one: Place
    other: Place

    @property
    def name(self) -> str:
        return f"{self.one.problem}/{self.one.sample}/{self.other.sample}"


class Judged(NamedTuple):
    """
    A pair with all its verdicts.

    Attributes:
        pair (`Pair`): The pair.
        votes (`list[int]`): The verdicts, in the order asked for; above 0 the pair's first response is better.
        lengths (`tuple[int, int]`): Characters of the two summaries.
    """

    pair: Pair
    votes: list[int]
    lengths: tuple[int, int]

    @property
    def score(self) -> float:
        return sum(self.votes) / len(self.votes)

    @property
    def sides(self) -> tuple[int, int]:
        """Characters of the preferred summary and of the other."""
        return self.lengths if self.score > 0 else self.lengths[::-1]


def pair_up(places: Iterable[Place], seed: int) -> list[Pair]:
    """
    Pairs the responses to each prompt at random, each response in one pair at most: k of them make k // 2 pairs.

    Args:
        places (`Iterable[Place]`):
            The responses.
        seed (`int`):
            Decides who meets whom.

    Returns:
        `list[Pair]`: prompt by prompt.
    """
    groups: dict[str, list[Place]] = defaultdict(list)
    for place in places:
        groups[place.problem].append(place)
    pairs = []
    for problem, group in groups.items():
        group.sort(key=lambda place: place.sample)
        random.Random(f"{seed}/{problem}").shuffle(group)
        pairs += [Pair(*two) for two in zip(group[::2], group[1::2], strict=False)]
    return pairs


def pair_rows(pairs: Iterable[Pair]) -> Iterator[tuple[Row, Row]]:
    """The rows of each pair."""
    rows = rows_at(place for pair in pairs for place in pair)
    return zip(rows, rows, strict=True)


def length_gap(chosen: int, rejected: int) -> float:
    """Difference of the mean lengths of chosen and rejected over the mean length of all, from their sums."""
    return 2 * (chosen - rejected) / (chosen + rejected) if chosen + rejected else 0.0


def balanced(lengths: list[tuple[int, int]], most: float) -> list[int]:
    """
    Pairs to keep so that the preferred responses are, on average, about as long as the others (the paper balances the
    lengths over the set, and does not say how).

    From the side that is longer on average, pairs are dropped in the order of their own difference, the largest first,
    until the gap is within the limit; one that would open a gap on the other side is left in.

    Args:
        lengths (`list[tuple[int, int]]`):
            Characters of chosen and rejected of each pair.
        most (`float`):
            Largest difference of the mean lengths, as a share of the mean length.

    Returns:
        `list[int]`: indices of the pairs that stay, in order.
    """
    chosen, rejected = (sum(pair[side] for pair in lengths) for side in (0, 1))
    sign = 1 if chosen > rejected else -1
    kept = set(range(len(lengths)))
    for n in sorted(kept, key=lambda n: (sign * (lengths[n][1] - lengths[n][0]), n)):
        less = chosen - lengths[n][0], rejected - lengths[n][1]
        if abs(length_gap(chosen, rejected)) <= most or sign * (lengths[n][0] - lengths[n][1]) <= 0:
            break
        if sign * length_gap(*less) >= -most:
            chosen, rejected = less
            kept.remove(n)
    return sorted(kept)


def mean_lengths(pairs: list[Judged]) -> dict[str, float]:
    """Mean lengths of the two sides, their gap, and how often the longer response is the chosen one."""
    if not pairs:
        return {}
    chosen, rejected = (sum(one.sides[side] for one in pairs) for side in (0, 1))
    longer = sum(one.sides[0] > one.sides[1] for one in pairs) / len(pairs)
    means = {"chosen": chosen / len(pairs), "rejected": rejected / len(pairs)}
    return {name: round(value, 1) for name, value in means.items()} | {
        "gap": round(length_gap(chosen, rejected), 4),
        "longer chosen": round(longer, 4),
    }
