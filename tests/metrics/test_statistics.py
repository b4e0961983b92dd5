"""pass@k, cons@k and intervals, against hand and brute force, and what holds of them for any scores."""

import itertools
import math
import random
from functools import partial

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from open_r1.metrics.statistics import (
    interval,
    interval_of_mean,
    mean,
    paired_interval,
    pass_at_1,
    pass_at_k,
    student,
    vote,
)
from open_r1.verify import equivalent

T, F = True, False
SCORES = st.lists(st.integers(0, 64).map(lambda right: right / 64), min_size=2, max_size=60)
SCORES |= st.lists(st.floats(0, 1), min_size=2, max_size=60)
FLAGS = st.lists(st.booleans(), min_size=1, max_size=8)

# ------------------------------------------------------------------------------------------------------------- pass@k


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
        ([[0.2, 0.8, 0.5]], 2, (0.8 + 0.5 + 0.8) / 3),
    ],
)
def test_pass_at_k_by_hand(right, k, value):
    assert pass_at_k(right, k) == pytest.approx(value)


@given(st.lists(FLAGS, min_size=1, max_size=4), st.data())
def test_pass_at_k_is_the_published_formula_and_the_share_of_subsets_with_a_right_sample(right, data):
    k = data.draw(st.integers(1, min(map(len, right))))
    formula = [1 - math.comb(len(s) - sum(s), k) / math.comb(len(s), k) for s in right]
    subsets = [[any(subset) for subset in itertools.combinations(s, k)] for s in right]
    assert pass_at_k(right, k) == pytest.approx(mean(formula)) == pytest.approx(mean([mean(s) for s in subsets]))


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8), st.data())
def test_pass_at_k_of_scores_is_the_mean_maximum_of_all_subsets(scores, data):
    k = data.draw(st.integers(1, len(scores)))
    assert pass_at_k([scores], k) == pytest.approx(mean([max(s) for s in itertools.combinations(scores, k)]))


def test_pass_at_k_stays_exact_for_many_samples():
    samples = [T] * 3 + [F] * 997
    assert pass_at_k([samples], 64) == pytest.approx(1 - (936 * 935 * 934) / (1000 * 999 * 998))


@pytest.mark.parametrize(("right", "k"), [([[T]], 2), ([[T, F, F], [T]], 2), ([[]], 1)])
def test_pass_at_k_refuses_fewer_than_k_samples(right, k):
    with pytest.raises(ValueError, match=f"pass@{k}"):
        pass_at_k(right, k)


def test_pass_at_1_weighs_problems_and_not_samples():
    right = [[T, T, T, T], [F]]
    assert pass_at_1(right) == 0.5 == pass_at_k(right, 1)


def test_mean_of_nothing_is_nan():
    assert math.isnan(mean([])) and mean([1, 2]) == 1.5


# ------------------------------------------------------------------------------------------------------------- cons@k


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
        (["1/2", "0.5", "2", "3", "2.0"], [F, F, T, F, T], 0.5),
        (["1/2", "2", "2", "0.5"], [T, F, F, T], 0.5),
        (["3", "1/2", "0.5", "50\\%"], [T, F, F, F], 0.0),
        ([None, None, "7"], [F, F, T], 1.0),
        ([None, "8", None, "7"], [F, F, F, T], 0.5),
        ([None, None], [F, F], 0.0),
        ([], [], 0.0),
        (["a", "b", "b"], [0.2, 0.6, 0.6], 0.6),
    ],
)
def test_vote_goes_to_the_biggest_class_of_equivalent_answers_and_ties_split(answers, golds, value):
    assert vote(answers, golds, partial(equivalent, "math")) == pytest.approx(value)


def test_vote_uses_the_given_equivalence_among_wrong_answers():
    answers = ["1", "2", "2", "A", "a", "a"]
    assert vote(answers, [F, T, T, F, F, F], lambda one, other: False) == pytest.approx(0.5)
    assert vote(answers, [F, T, T, F, F, F], lambda one, other: one.lower() == other.lower()) == 0


@given(st.lists(st.one_of(st.none(), st.integers(0, 4)), max_size=12))
def test_vote_is_what_counting_gives(values):
    answers = [None if value is None else f"{value}.0" if n % 2 else str(value) for n, value in enumerate(values)]
    counts = [values.count(value) for value in range(5)]
    winners = [value for value in range(5) if counts[value] == max(counts) > 0]
    expected = (0 in winners) / len(winners) if winners else 0.0
    assert vote(answers, [value == 0 for value in values], partial(equivalent, "math")) == pytest.approx(expected)


def test_vote_of_fewer_samples_is_the_mean_over_their_choices():
    """cons@3 of five samples, by Monte Carlo and over all ten choices."""
    rng, answers, right = random.Random(0), ["1", "1", "2", "2", "3"], [T, T, F, F, F]
    same = partial(equivalent, "math")
    every = [vote([answers[i] for i in s], [right[i] for i in s], same) for s in itertools.combinations(range(5), 3)]
    drawn = [rng.sample(range(5), 3) for _ in range(4000)]
    some = [vote([answers[i] for i in s], [right[i] for i in s], same) for s in drawn]
    assert mean(every) == pytest.approx((3 + 4 / 3) / 10) and mean(some) == pytest.approx(mean(every), abs=0.03)


# ---------------------------------------------------------------------------------------------------------- intervals


@pytest.mark.parametrize(
    ("freedom", "value"),
    [(1, 12.706), (2, 4.303), (3, 3.182), (4, 2.776), (9, 2.262), (29, 2.045), (99, 1.984), (499, 1.965)],
)
def test_student_is_that_of_the_tables(freedom, value):
    assert student(freedom) == pytest.approx(value, abs=0.004)


def test_interval_of_right_and_wrong_problems_is_wilson_s():
    """One sample each, 400 problems: by the textbook's formula, with Student's quantile and a variance of n - 1."""
    low, high = interval([0.0] * 300 + [1.0] * 100)
    z, n, p = student(399), 399, 0.25
    center, half = p + z * z / (2 * n), z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    assert (low, high) == pytest.approx(
        ((center - half) / (1 + z * z / n), (center + half) / (1 + z * z / n)), abs=1e-4
    )


def test_interval_of_all_right_and_of_all_wrong_is_that_of_so_many_problems():
    low, high = interval([1.0] * 30)
    assert high == 1 and 0.86 < low < 0.89
    assert interval([0.0] * 30) == pytest.approx((0, 1 - low))
    assert interval([1.0] * 500)[0] > 0.99


def test_a_single_problem_says_nothing():
    assert interval([1.0]) == (0, 1) and paired_interval([1.0], [0.0]) == (-1, 1)


def test_samples_of_one_problem_are_no_independent_ones():
    """30 problems, half of them always right: as wide as for one sample of each. Even ones have a narrow interval."""
    low, high = interval([1.0, 0.0] * 15)
    assert high - low > 0.33
    rng = random.Random(0)
    even = interval([sum(rng.random() < 0.5 for _ in range(64)) / 64 for _ in range(30)])
    assert even[1] - even[0] < 0.07


def test_interval_of_several_sets_is_narrower_than_theirs_and_holds_their_mean():
    parts = [(0.5, (0.4, 0.6)), (0.9, (0.8, 0.93)), (1.0, (0.88, 1.0))]
    low, high = interval_of_mean(parts)
    assert low == pytest.approx(0.8 - math.hypot(0.1, 0.1, 0.12) / 3) and high == pytest.approx(
        0.8 + math.hypot(0.1, 0.03, 0) / 3
    )
    assert interval_of_mean(parts[:1]) == pytest.approx((0.4, 0.6))


@given(SCORES)
def test_interval_is_inside_0_and_1_and_holds_the_estimate(scores):
    low, high = interval(scores)
    assert 0 <= low <= mean(scores) * (1 + 1e-12) and mean(scores) * (1 - 1e-12) <= high <= 1 and low < high


@given(SCORES)
def test_interval_is_the_same_seen_from_the_other_end_and_in_any_order(scores):
    low, high = interval(scores)
    assert interval([1 - score for score in reversed(scores)]) == pytest.approx((1 - high, 1 - low), abs=1e-9)


@given(SCORES, st.integers(2, 5))
def test_interval_shrinks_with_more_problems_of_the_kind(scores, times):
    assume(len(scores) > 4)
    (low, high), (left, right) = interval(scores), interval(scores * times)
    assert right - left < high - low


@given(SCORES, st.data())
def test_paired_interval_holds_the_difference_and_changes_its_sign(one, data):
    other = data.draw(st.lists(st.floats(0, 1), min_size=len(one), max_size=len(one)))
    low, high = paired_interval(one, other)
    assert -1 <= low <= mean(one) - mean(other) + 1e-9 and mean(one) - mean(other) - 1e-9 <= high <= 1
    assert paired_interval(other, one) == pytest.approx((-high, -low), abs=1e-12)


def test_paired_interval_of_equal_models_is_narrower_than_that_of_each():
    """What both find hard is no difference; two that agree on each of 30 problems may still differ on others."""
    scores = [n % 4 / 3 for n in range(30)]
    low, high = paired_interval(scores, scores)
    assert low == -high and 0.1 < high < 0.12
    alone = interval(scores)
    assert high - low < alone[1] - alone[0]
    assert paired_interval(scores * 20, scores * 20)[1] == pytest.approx(3.40 / 600, abs=1e-4)


def test_paired_interval_reaches_further_to_the_side_of_the_few_that_differ():
    """5 of 200 problems won and none lost: more may be won by others, and fewer only as Student's interval says."""
    low, high = paired_interval([1.0] * 5 + [0.0] * 195, [0.0] * 200)
    half = student(199) * math.sqrt(5 / 200 * 195 / 199 / 200)
    assert 0.025 - low == pytest.approx(half, rel=0.01) and 1.25 * half < high - 0.025 < 1.4 * half
