"""A rating from solved problems: at which a contestant would be expected to solve as many of them.

A contestant of rating R solves a problem of rating D with the chance 1 / (1 + 10^((D - R) / 400)): so the rating of a
problem is defined. The estimate is the most likely R, at which the expected number of solved problems is the one that
was seen; each problem counts by the share of its samples that are right. Its interval holds every R at which that
difference is within 1.96 of its errors, as the problems themselves show them: samples of one problem go together.

The paper's 2029 (section 3) is another number: the rating after ten contests with their penalties, tries and
standings, as CodeElo computes it, and its percentile needs the ratings of all contestants. No data set has these.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from ..core.rows import Row
from .statistics import mean

SCALE, FAR = 400.0, 4000.0  # FAR: points beyond which no end of an interval is looked for
INSIDE, RARE = 1.96**2, 0.025
Solved = list[tuple[float, float]]  # rating of a problem, and the share of its samples that are right


def rating(groups: Iterable[list[Row]]) -> dict[str, Any]:
    """
    The rating that a model's samples show.

    Args:
        groups (`Iterable[list[dict]]`):
            The samples of each problem, whose `difficulty` is its rating.

    Returns:
        `dict`: `rating`, `rating_ci` (an end that the data do not bound is `None`), `rated_problems` (others have no
        rating) and `rating_bound`: `at least` where everything was solved, `at most` where nothing was. The rating is
        then the one at which half a problem more or less would be expected.
    """
    found: Solved = []
    for group in groups:
        level = number(group[0]["difficulty"])
        if level is not None:
            found.append((level, mean([row["outcome"] == "correct" for row in group])))
    if not found:
        return {"rating": None, "rating_ci": [None, None], "rating_bound": None, "rated_problems": 0}
    total = sum(share for _, share in found)
    bound = "at most" if total == 0 else "at least" if total == len(found) else None
    reached = min(max(total, 0.5), len(found) - 0.5) if bound else total
    levels = [level for level, _ in found]
    low, high = min(levels) - FAR, max(levels) + FAR
    estimate = crossing(lambda value: sum(chances(value, levels)) - reached, low, high)
    return {
        "rating": estimate,
        "rating_ci": one_sided(levels, bound, low, high) if bound else interval(found, estimate, low, high),
        "rating_bound": bound,
        "rated_problems": len(found),
    }


def number(value: Any) -> float | None:
    """A rating, which may be text where data sets were joined."""
    try:
        found = float(value)
    except (TypeError, ValueError):
        return None
    return found if math.isfinite(found) else None


def chances(value: float, levels: Sequence[float]) -> list[float]:
    return [1 / (1 + 10 ** ((level - value) / SCALE)) for level in levels]


def crossing(function: Callable[[float], float], low: float, high: float) -> float:
    """Where a rising function passes 0, to a hundredth."""
    while high - low > 0.01:
        middle = (low + high) / 2
        low, high = (middle, high) if function(middle) < 0 else (low, middle)
    return (low + high) / 2


def interval(found: Solved, estimate: float, low: float, high: float) -> list[float | None]:
    """The ratings that what was solved does not contradict."""
    levels, shares = zip(*found, strict=True)

    def against(value: float) -> float:
        gaps = [share - chance for share, chance in zip(shares, chances(value, levels), strict=True)]
        return sum(gaps) ** 2 / max(sum(gap * gap for gap in gaps), 1e-300) - INSIDE

    below = crossing(lambda value: -against(value), low, estimate) if against(low) > 0 else None
    above = crossing(against, estimate, high) if against(high) > 0 else None
    return [below, above]


def one_sided(levels: list[float], bound: str, low: float, high: float) -> list[float | None]:
    """The same where all or nothing was solved: up to the rating for which that is as rare as 2.5%."""
    if bound == "at least":
        return [crossing(lambda value: sum(map(math.log, chances(value, levels))) - math.log(RARE), low, high), None]
    missed = [-level for level in levels]  # to solve none is what a contestant of the opposite rating does to all
    return [None, -crossing(lambda value: sum(map(math.log, chances(value, missed))) - math.log(RARE), -high, -low)]
