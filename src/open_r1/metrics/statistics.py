"""pass@k and cons@k, and how sure a mean over problems is. A problem has k samples, each with a score from 0 to 1.

The intervals are by problem: the samples of one problem are no independent ones, so its mean score is one value
(clustered standard errors; Miller, "Adding Error Bars to Evals", arXiv 2411.00640). What the plain way gets wrong for
30 problems is mended as statistics of surveys do it:

- a mean in [0, 1]: Wilson's interval for the effective number of problems (recommended by Franco, Little, Louis and
  Slud, J. Survey Statistics and Methodology 7 (2019), 334-364), with Student's quantile (Korn and Graubard 1998);
- the difference of two models on the same problems: Student's t of the differences, the end on the side of their
  longer tail further out (Johnson's correction, J. American Statistical Association 73 (1978), 536-544);
- a mean of several data sets: the distances to the ends of theirs, squared and added (Zou and Donner, Statistics in
  Medicine 27 (2008), 1693-1702).

Ours is one guard: a spread that few problems carry may miss those that are different, and one of none (all right, or
all wrong) says nothing. A constant over a power of their number is added to the variance; two models that agree on all
get +-3.4 / problems. How often the intervals hold the truth: docs/intervals.md, `benchmarks/intervals.py`.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

GUARD, PAIRED_GUARD = 0.01, 3.0  # of scores; of their differences, over the number of problems
Z = 1.959963984540054  # the normal distribution's quantile of 0.975


def mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else float("nan")


def pass_at_1(scores: Sequence[Sequence[float]]) -> float:
    """Mean over problems of the mean score of their samples (paper section 3: pass@1 = 1/k sum p_i)."""
    return mean([mean(samples) for samples in scores])


def pass_at_k(scores: Sequence[Sequence[float]], k: int) -> float:
    """
    The best score that k samples are expected to hold. Of right and wrong samples it is the chance that one of k is
    right, 1 - C(n-c, k) / C(n, k) (Chen et al. 2021, equation 1).

    Raises:
        `ValueError`: a problem has fewer than k samples.
    """
    fewest = min(len(samples) for samples in scores)
    if fewest < k:
        raise ValueError(f"pass@{k} needs {k} samples per problem, but a problem has only {fewest}")
    return mean([best_of(samples, k) for samples in scores])


def best_of(samples: Sequence[float], k: int) -> float:
    """Mean of the highest score over all choices of k samples: the i-th lowest is it in C(i - 1, k - 1) of them."""
    ordered, choices = sorted(samples), math.comb(len(samples), k)
    return sum(score * (math.comb(below, k - 1) / choices) for below, score in enumerate(ordered) if score)


def vote(answers: Sequence[str | None], scores: Sequence[float], same: Callable[[str, str], bool | None]) -> float:
    """
    Score of a majority vote over one problem's samples (cons@k).

    Args:
        answers (`Sequence[str | None]`):
            The extracted answers; `None` does not vote.
        scores (`Sequence[float]`):
            The score of each of them. Right ones, with 1, are one class: each says what the reference says.
        same (`Callable`):
            Equivalence of two other answers: `1/2` and `0.5` vote together.

    Returns:
        `float`: the score of the biggest class of equivalent answers, the mean of those where classes tie; 0 where
        nobody votes.
    """
    found: dict[str | None, list[float]] = {}  # by the first answer of a class; the right ones by `None`
    known: dict[str, str] = {}
    for answer, score in zip(answers, scores, strict=True):
        if answer is None:
            continue
        if score != 1 and answer not in known:
            known[answer] = next((other for other in found if other is not None and same(other, answer)), answer)
        found.setdefault(None if score == 1 else known[answer], []).append(score)
    top = max(map(len, found.values()), default=0)
    return mean([members[0] for members in found.values() if len(members) == top]) if found else 0.0


# ---------------------------------------------------------------------------------------------------------- intervals


def interval(scores: Any) -> tuple[Any, Any]:
    """
    95% interval of a mean over problems.

    Args:
        scores (`Sequence[float]`):
            The score of each problem, from 0 to 1, such as its share of right samples. The last axis of an array is
            that of the problems.

    Returns:
        `tuple`: its ends, in [0, 1]; both 0 and 1 for a single problem.
    """
    import numpy as np

    center, spread, _, carry, problems = moments(scores)
    guard = GUARD / carry**2
    if problems < 2:
        return center * 0.0, center * 0.0 + 1.0
    room = center * (1 - center)
    share = student(problems - 1) ** 2 / problems * (spread + guard) / (room + guard)  # t^2 / effective problems
    middle, half = (center + share / 2) / (1 + share), (share * (room + share / 4)) ** 0.5 / (1 + share)
    return np.minimum(middle - half, center).clip(0), np.maximum(middle + half, center).clip(None, 1)


def paired_interval(one: Any, other: Any) -> tuple[Any, Any]:
    """95% interval of the difference of two means over the same problems, `one` less `other`, in the same order."""
    import numpy as np

    center, spread, skew, carry, problems = moments(np.asarray(one, dtype=float) - np.asarray(other, dtype=float))
    if problems < 2:
        return center * 0.0 - 1.0, center * 0.0 + 1.0
    t = student(problems - 1)
    half = t * ((spread + PAIRED_GUARD / problems / carry**4) / problems) ** 0.5
    tail = skew * (1 + 2 * t**2) / 6 / problems  # the other end stays: moved inwards, it would miss too often
    return (center - half + tail.clip(None, 0)).clip(-1, 1), (center + half + tail.clip(0)).clip(-1, 1)


def drawing_error(scores: Sequence[Sequence[float]]) -> float | None:
    """
    Standard error of pass@1 by the samples alone, with these very problems: what a second evaluation would vary by.
    `None` where a problem has one sample.
    """
    if any(len(samples) < 2 for samples in scores):
        return None
    return math.sqrt(sum(error_of(samples) ** 2 for samples in scores)) / len(scores)


def error_of(samples: Sequence[float]) -> float:
    """Standard error of the mean of independent samples."""
    center, count = mean(samples), len(samples)
    return math.sqrt(sum((value - center) ** 2 for value in samples) / (count - 1) / count)


def interval_of_mean(parts: Sequence[tuple[float, tuple[float, float]]]) -> tuple[float, float]:
    """95% interval of the mean of several data sets, each with its mean and the interval of that."""
    center = mean([value for value, _ in parts])
    below = math.hypot(*(value - low for value, (low, _) in parts)) / len(parts)
    above = math.hypot(*(high - value for value, (_, high) in parts)) / len(parts)
    return max(0.0, center - below), min(1.0, center + above)


def moments(values: Any) -> tuple[Any, Any, Any, Any, int]:
    """
    Of some problems' values the mean, the variance, the third moment over that, how many carry it, and how many there
    are. They are as many as would have its fourth moment if the others had the mean: of a bell curve a third of all.
    """
    import numpy as np

    values = np.asarray(values, dtype=float)
    center, problems = values.mean(axis=-1), values.shape[-1]
    away = values - center[..., None]
    away = np.where(abs(away) > 1e-9, away, 0.0)  # less is rounding: equal values have no spread at all
    total, third, fourth = ((away**2 * power).sum(axis=-1) for power in (1.0, away, away**2))
    carry = np.where(fourth > 0, total**2 / np.where(fourth > 0, fourth, 1.0), 1.0)
    return center, total / max(problems - 1, 1), third / np.where(fourth > 0, total, 1.0), carry, problems


def student(freedom: int) -> float:
    """Student's quantile of 0.975 (Abramowitz and Stegun 26.7.5; the first two exactly)."""
    if freedom < 3:
        return math.tan(0.475 * math.pi) if freedom == 1 else 0.95 * math.sqrt(2 / (1 - 0.95**2))
    terms = (
        (Z**3 + Z) / 4,
        (5 * Z**5 + 16 * Z**3 + 3 * Z) / 96,
        (3 * Z**7 + 19 * Z**5 + 17 * Z**3 - 15 * Z) / 384,
        (79 * Z**9 + 776 * Z**7 + 1482 * Z**5 - 1920 * Z**3 - 945 * Z) / 92160,
    )
    return Z + sum(term / freedom**power for power, term in enumerate(terms, 1))
