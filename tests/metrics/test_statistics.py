"""pass@k, cons@k and their intervals, against hand and brute force."""

import itertools
import math
import random
from functools import partial

import pytest

from open_r1.metrics.statistics import bootstrap_interval, mean, pass_at_1, pass_at_k, vote
from open_r1.verify import equivalent

T, F = True, False


@pytest.mark.parametrize(
    ("right", "k", "value"),
    [
        ([[T, F]], 1, 0.5),
        ([[T, F]], 2, 1.0),
        ([[F, F]], 2, 0.0),
        ([[T, F, F, F]], 2, 0.5),
        ([[T, T, F, F]], 2, 5 / 6),
        ([[T, F], [F, F]], 1, 0.25),
        ([[T, T, F], [F, F, F, F]], 3, 0.5),
    ],
)
def test_pass_at_k_by_hand(right, k, value):
    assert pass_at_k(right, k) == pytest.approx(value)


@pytest.mark.parametrize(("n", "k"), [(n, k) for n in (1, 3, 6) for k in range(1, n + 1)])
def test_pass_at_k_is_the_share_of_subsets_with_a_right_sample(n, k):
    for correct in range(n + 1):
        samples = [T] * correct + [F] * (n - correct)
        subsets = list(itertools.combinations(samples, k))
        assert pass_at_k([samples], k) == pytest.approx(sum(map(any, subsets)) / len(subsets))


@pytest.mark.parametrize(("right", "k"), [([[T]], 2), ([[T, F, F], [T]], 2), ([[]], 1)])
def test_pass_at_k_refuses_fewer_than_k_samples(right, k):
    with pytest.raises(ValueError, match=f"pass@{k}"):
        pass_at_k(right, k)


def test_pass_at_1_weighs_problems_and_not_samples():
    right = [[T, T, T, T], [F]]
    assert pass_at_1(right) == 0.5 == pass_at_k(right, 1)


def test_mean_of_nothing_is_nan():
    assert math.isnan(mean([])) and mean([1, 2]) == 1.5


@pytest.mark.parametrize(
    ("answers", "golds", "value"),
    [
        (["7"], [T], 1.0),
        (["7", "8", "8"], [T, F, F], 0.0),
        (["7", "7", "8"], [T, T, F], 1.0),
        (["7", "8"], [T, F], 0.5),
        (["7", "8", "9"], [T, F, F], 1 / 3),
        (["7", "7", "8", "8", "9"], [T, T, F, F, F], 0.5),
        (["1/2", "0.5", "2", "2", r"\frac{1}{2}"], [T, T, F, F, T], 1.0),
        (["1/2", "2", "2", "0.5"], [T, F, F, T], 0.5),
        ([None, None, "7"], [F, F, T], 1.0),
        ([None, None], [F, F], 0.0),
        ([], [], 0.0),
    ],
)
def test_vote_goes_to_the_biggest_class_of_equivalent_answers_and_ties_split(answers, golds, value):
    assert vote(answers, golds, partial(equivalent, "math")) == pytest.approx(value)


def test_vote_uses_the_given_equivalence():
    assert vote(["1/2", "0.5", "2"], [T, T, F], lambda one, other: False) == pytest.approx(2 / 3)


def test_interval_is_deterministic_and_holds_the_mean():
    rng = random.Random(0)
    values = [rng.random() for _ in range(50)]
    low, high = bootstrap_interval(values)
    assert low < mean(values) < high and (low, high) == bootstrap_interval(values) != bootstrap_interval(
        values, seed=1
    )


def test_interval_of_several_sets_resamples_each_by_itself():
    rng = random.Random(0)
    wide = [rng.random() for _ in range(30)]
    low, high = bootstrap_interval(wide)
    assert bootstrap_interval([0.5] * 7, wide) == pytest.approx(((0.5 + low) / 2, (0.5 + high) / 2), abs=0.02)


def test_interval_of_a_constant_is_that_constant():
    assert bootstrap_interval([0.25] * 9) == (0.25, 0.25)


def test_interval_is_as_wide_as_theory_says():
    low, high = bootstrap_interval([0, 1] * 200)
    assert high - low == pytest.approx(2 * 1.96 * 0.5 / math.sqrt(400), rel=0.15)


def test_interval_covers_the_true_mean_about_95_times_in_100():
    rng = random.Random(7)
    draws = [[float(rng.random() < 0.3) for _ in range(60)] for _ in range(100)]
    covered = sum(
        low <= 0.3 <= high
        for low, high in (bootstrap_interval(values, draws=200, seed=i) for i, values in enumerate(draws))
    )
    assert 85 <= covered <= 99
