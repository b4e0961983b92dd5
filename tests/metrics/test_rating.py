"""Ratings from solved problems, against contestants whose rating is known."""

import random

import pytest

from open_r1.metrics.measures import MEASURES
from open_r1.metrics.rating import rating


def group(level, right, samples=1):
    """A problem with so many right samples."""
    return [{"difficulty": level, "outcome": "correct" if n < right else "wrong"} for n in range(samples)]


def contest(rng, true, problems, samples, spread=0.0):
    """What a contestant of a known rating makes of problems; by `spread` some lie to them better than others."""
    for _ in range(problems):
        level = rng.randrange(800, 3001, 100)
        chance = 1 / (1 + 10 ** ((level - true - rng.gauss(0, spread)) / 400))
        yield group(level, sum(rng.random() < chance for _ in range(samples)), samples)


@pytest.mark.parametrize(("true", "samples", "spread"), [(1200, 1, 0), (1200, 16, 0), (2029, 1, 0), (2029, 16, 150)])
def test_recovers_contestants_of_known_rating(true, samples, spread):
    rng = random.Random(true + samples)
    found = [rating(contest(rng, true, 60, samples, spread)) for _ in range(200)]
    assert abs(sum(row["rating"] for row in found) / len(found) - true) < 20
    inside = sum((row["rating_ci"][0] or 0) <= true <= (row["rating_ci"][1] or 9999) for row in found)
    assert 180 <= inside <= 199  # of 200, where 95% are promised


@pytest.mark.parametrize(
    ("problems", "expected"),
    [
        ([(1500, 1, 2)], 1500),  # one of two: as likely as not
        ([(1500, 10, 11)], 1900),  # ten of eleven: 400 points above
        ([(1000, 1, 1), (2000, 0, 1)], 1500),
        ([("1500", 1, 2), (None, 1, 1), ("hard", 0, 1)], 1500),  # as text; without a rating
    ],
)
def test_equals_what_the_formula_says(problems, expected):
    found = MEASURES["rating"]([group(*problem) for problem in problems])
    assert found["rating"] == pytest.approx(expected, abs=0.1) and found["rating_bound"] is None
    assert found["rated_problems"] == sum(str(level).isdigit() for level, *_ in problems)


@pytest.mark.parametrize(("right", "bound"), [(4, "at least"), (0, "at most")])
def test_all_or_nothing_is_finite_and_flagged(right, bound):
    found = rating([group(level, right, 4) for level in (1000, 1400, 1800)])
    assert found["rating_bound"] == bound
    low, high = found["rating_ci"]
    assert (low, high).count(None) == 1
    if bound == "at least":
        assert low < found["rating"] < 3000 and found["rating"] > 1800
    else:
        assert high > found["rating"] > 0 and found["rating"] < 1000


def test_nothing_rated():
    assert rating([group(None, 1)]) == {
        "rating": None,
        "rating_ci": [None, None],
        "rating_bound": None,
        "rated_problems": 0,
    }


def test_the_interval_of_more_problems_is_narrower():
    rng = random.Random(0)
    few, many = (rating(contest(rng, 1600, problems, 4))["rating_ci"] for problems in (30, 300))
    assert many[1] - many[0] < few[1] - few[0]
