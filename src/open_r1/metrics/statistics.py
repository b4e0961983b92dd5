"""pass@k, cons@k and their uncertainty. Every function takes plain lists: one list of samples per problem.

A problem has k samples; `right[i][j]` says whether sample j of problem i is correct.
"""

import math
import random
from collections.abc import Callable, Sequence


def mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else float("nan")


def pass_at_1(right: Sequence[Sequence[bool]]) -> float:
    """Mean over problems of the share of correct samples (paper section 3: pass@1 = 1/k sum p_i)."""
    return mean([mean(samples) for samples in right])


def pass_at_k(right: Sequence[Sequence[bool]], k: int) -> float:
    """
    Chance that at least one of k samples is correct, unbiased: 1 - C(n-c, k) / C(n, k) (Chen et al. 2021, equation 1).

    Raises:
        `ValueError`: a problem has fewer than k samples.
    """
    fewest = min(len(samples) for samples in right)
    if fewest < k:
        raise ValueError(f"pass@{k} needs {k} samples per problem, but a problem has only {fewest}")
    return mean([1 - math.comb(len(s) - sum(s), k) / math.comb(len(s), k) for s in right])


def vote(answers: Sequence[str | None], gold_equals: Sequence[bool], same: Callable[[str, str], bool | None]) -> float:
    """
    Score of a majority vote over one problem's samples (cons@k).

    Args:
        answers (`Sequence[str | None]`):
            The extracted answers; `None` does not vote.
        gold_equals (`Sequence[bool]`):
            Whether each of them is correct.
        same (`Callable`):
            Equivalence of two answers: `1/2` and `0.5` vote together.

    Returns:
        `float`: 1.0 if the biggest class of equivalent answers is correct, a share of it where classes tie, else 0.0.
    """
    classes: list[list[int]] = []
    for index, answer in enumerate(answers):
        if answer is None:
            continue
        for members in classes:
            other = answers[members[0]]
            if other is not None and (other == answer or same(other, answer)):
                members.append(index)
                break
        else:
            classes.append([index])
    top = max(map(len, classes), default=0)
    winners = [gold_equals[members[0]] for members in classes if len(members) == top]
    return mean(winners) if winners else 0.0


def bootstrap_interval(*values: Sequence[float], draws: int = 2000, seed: int = 0) -> tuple[float, float]:
    """
    95% interval of a mean, by resampling problems (not samples: the samples of one problem are not independent).

    Args:
        values (`Sequence[float]`):
            One value per problem, for example its share of correct samples. Of several data sets the mean of their
            means is measured, each resampled by itself.
        draws (`int`, *optional*, defaults to `2000`):
            Number of resamples.
        seed (`int`, *optional*, defaults to `0`):
            Seed of the resampling.

    Returns:
        `tuple[float, float]`: the 2.5% and the 97.5% quantile.
    """
    rng = random.Random(seed)
    means = sorted(mean([mean(rng.choices(part, k=len(part))) for part in values]) for _ in range(draws))
    return means[int(0.025 * draws)], means[int(0.975 * draws) - 1]
