"""Reads a sample store several times without holding it in memory, and chooses the best samples of each problem."""

import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from ..core.rows import FAILED, Row
from ..data.filters import correct
from . import parts
from .store import store_parts

PICKS = ("shortest", "random", "diverse")
Verdicts = dict[tuple[str, int], float | None]  # of a judge, by problem and sample


class Place(NamedTuple):
    """Where a row stands in the store, and what choosing needs to know of it."""

    problem: str
    sample: int
    tokens: int
    part: Path
    inside: int


def placed_rows(store: Path) -> Iterator[tuple[Place, Row]]:
    """Rows of a store and where they stand, without those that failed."""
    for part in store_parts(store):
        for place, row in parts.placed(part):
            if row["outcome"] != FAILED:
                yield Place(row["problem_id"], row["sample"], row["tokens"], part, place), row


def rows_at(places: Iterable[Place]) -> Iterator[Row]:
    """The rows at some places."""
    return parts.rows_at((place.part, place.inside) for place in places)


def pass_rates(store: Path, verdicts: Verdicts | None = None) -> dict[str, float]:
    """Share of right samples, by problem; where no rule decides the judge does."""
    right: Counter[str] = Counter()
    drawn: Counter[str] = Counter()
    for place, row in placed_rows(store):
        drawn[place.problem] += 1
        right[place.problem] += correct(row | {"judged": judged(verdicts or {}, place)})
    return {problem: right[problem] / number for problem, number in drawn.items()}


def choose(places: list[Place], pick: str, seed: int, number: int) -> list[Place]:
    """
    The best places of each problem, problem by problem.

    Args:
        places (`list[Place]`):
            All that may be chosen.
        pick (`str`):
            One of [`PICKS`].
        seed (`int`):
            Decides what `random` picks.
        number (`int`):
            How many of each problem.

    Returns:
        `list[Place]`: those chosen.
    """
    groups: dict[str, list[Place]] = defaultdict(list)
    for place in places:
        groups[place.problem].append(place)
    return [place for problem, group in groups.items() for place in best(group, pick, f"{seed}/{problem}", number)]


def best(group: list[Place], pick: str, seed: str, number: int) -> list[Place]:
    """The best places of one problem."""
    if pick == "random":
        group = random.Random(seed).sample(sorted(group, key=lambda place: place.sample), len(group))
    else:
        group = sorted(group, key=lambda place: (place.tokens, place.sample))
    return diverse(group, number) if pick == "diverse" and number < len(group) else group[:number]


def diverse(group: list[Place], number: int) -> list[Place]:
    """
    The first, and then always the one whose words are least like those of any chosen before (Jaccard similarity).
    """
    words = [set(row["text"].split()) for row in rows_at(group)]
    chosen = [0]
    while len(chosen) < number:
        rest = (n for n in range(len(group)) if n not in chosen)
        chosen.append(min(rest, key=lambda n: max(jaccard(words[n], words[m]) for m in chosen)))
    return [group[n] for n in chosen]


def jaccard(one: set[str], other: set[str]) -> float:
    """Shared elements over all elements."""
    return len(one & other) / max(1, len(one | other))


def judged(verdicts: Verdicts, place: Place) -> bool | None:
    """What the judge said of a row; `None` where it was not asked, or gave no verdict."""
    score = verdicts.get((place.problem, place.sample))
    return None if score is None else score == 1.0
