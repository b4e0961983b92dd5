"""Numbers of the benchmarks that a judge decides (paper section 3; supplement D.1), from rows that it has judged.

A row without a verdict (`score` is `None`) counts in none of them; how many there were is always said. Intervals are
95%, by resampling problems; win rates, like all shares here, go from 0 to 1.

- `simpleqa`: shares of correct, incorrect and not attempted answers, of correct ones among those attempted, and the
  F-score, the harmonic mean of the first and the last (https://arxiv.org/abs/2411.04368)
- `arena`: the win rate against the baseline (https://arxiv.org/abs/2406.11939). A question is judged in both orders,
  and a strong verdict counts three times. Between two models a Bradley-Terry fit gives their share of the weighted
  points, so it is no more than that share. The authors resample single verdicts, 100 times (2.5% and 97.5% for v0.1);
  the two of a question belong together, so here questions are resampled
- `length_controlled`: the win rate of AlpacaEval 2, and what it would be at equal lengths
  (https://arxiv.org/abs/2404.04475); see `controlled.py`
"""

import random
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from ..core.rows import Row
from . import controlled

DRAWS = 1000  # resamples of an interval
STRONG = 3  # how often a strong verdict of ArenaHard counts


def simpleqa(groups: Iterable[list[Row]]) -> dict[str, Any]:
    """
    Shares of three grades.

    Args:
        groups (`Iterable[list[dict]]`):
            The judged samples of each problem.

    Returns:
        `dict`: `correct`, `incorrect`, `not_attempted`, `correct_given_attempted`, `f_score` and `no_verdict` (a
        number of rows).
    """
    counts: Counter[str] = Counter()
    for row in (row for group in groups for row in group):
        counts[row["outcome"] if row["score"] is not None else "no verdict"] += 1
    right, attempted = counts["correct"], counts["correct"] + counts["wrong"]
    graded = attempted + counts["no_answer"]
    share, given = ratio(right, graded), ratio(right, attempted)
    return {
        "correct": share,
        "incorrect": ratio(counts["wrong"], graded),
        "not_attempted": ratio(counts["no_answer"], graded),
        "correct_given_attempted": given,
        "f_score": ratio(2 * share * given, share + given) if right else 0.0,
        "no_verdict": counts["no verdict"],
    }


def arena(groups: Iterable[list[Row]]) -> dict[str, Any]:
    """
    The weighted win rate over verdicts from 2 (much better) to -2.

    Args:
        groups (`Iterable[list[dict]]`):
            The judged samples of each problem; `judge` holds their `grades`.

    Returns:
        `dict`: `win_rate`, `win_rate_ci`, `characters` (mean, of response and baseline) and `no_verdict`.
    """
    tallies, lengths, missing = [], Lengths(), 0
    for group in groups:
        judged = [row for row in group if row["score"] is not None]
        missing += len(group) - len(judged)
        lengths.add(judged)
        battles = [battle(grade) for row in judged for grade in row["judge"]["grades"]]
        tallies.append((sum(point * weight for point, weight in battles), sum(weight for _, weight in battles)))
    rate = ratio(*map(sum, zip(*tallies, strict=True))) if tallies else float("nan")
    return {"win_rate": rate, "win_rate_ci": interval(tallies), **lengths.means(), "no_verdict": missing}


def battle(grade: int) -> tuple[float, int]:
    """The points of a verdict, 1 for the response, and how often it counts."""
    return ((grade > 0) - (grade < 0) + 1) / 2, STRONG if abs(grade) == 2 else 1


def length_controlled(groups: Iterable[list[Row]]) -> dict[str, Any]:
    """
    The win rate, and the one at equal lengths.

    Args:
        groups (`Iterable[list[dict]]`):
            The judged samples of each problem; `answer` is the reference output.

    Returns:
        `dict`: `win_rate`, `win_rate_ci`, `length_controlled`, `length_controlled_ci`, `terms` (what the regression
        knew), `characters` and `no_verdict`.
    """
    problems, tallies, lengths, missing = [], [], Lengths(), 0
    for group in groups:
        judged = [row for row in group if row["score"] is not None]
        missing += len(group) - len(judged)
        lengths.add(judged)
        if judged:
            problems.append(controlled.points(judged))
            tallies.append((sum(row["score"] for row in judged), float(len(judged))))
    rate = ratio(*map(sum, zip(*tallies, strict=True))) if tallies else float("nan")
    return {
        "win_rate": rate,
        "win_rate_ci": interval(tallies),
        **controlled.win_rate(problems),
        **lengths.means(),
        "no_verdict": missing,
    }


class Lengths:
    """Mean characters of summaries and references."""

    def __init__(self) -> None:
        self.ours = self.theirs = self.rows = 0

    def add(self, rows: list[Row]) -> None:
        self.rows += len(rows)
        self.ours += sum(len(row["final"] or "") for row in rows)
        self.theirs += sum(len(row["answer"]) for row in rows)

    def means(self) -> dict[str, Any]:
        return {"characters": [ratio(self.ours, self.rows), ratio(self.theirs, self.rows)]}


def interval(tallies: Sequence[tuple[float, float]]) -> list[float]:
    """95% interval of a ratio of sums, by resampling problems, each with its part of either sum."""
    if not any(below for _, below in tallies):
        return [float("nan")] * 2
    rng = random.Random(0)
    found: list[float] = []
    while len(found) < DRAWS:
        above, below = map(sum, zip(*rng.choices(tallies, k=len(tallies)), strict=True))
        if below:
            found.append(above / below)
    return [sorted(found)[int(0.025 * DRAWS)], sorted(found)[int(0.975 * DRAWS) - 1]]


def ratio(above: float, below: float) -> float:
    return above / below if below else float("nan")
