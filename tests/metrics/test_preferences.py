"""Numbers of judged benchmarks against values worked out by hand, and the length control against judges of our own."""

import json
import math
import random

import numpy as np
import pytest

from open_r1.metrics import controlled
from open_r1.metrics.measures import MEASURES
from open_r1.metrics.preferences import arena, length_controlled, simpleqa


def fact(outcome):
    return {"outcome": outcome, "score": None if outcome == "unjudged" else float(outcome == "correct")}


def pair(score, final="x" * 10, answer="y" * 10, grades=(), metadata=""):
    return {"score": score, "final": final, "answer": answer, "judge": {"grades": list(grades)}, "metadata": metadata}


def apart(rows):
    return [[row] for row in rows]


def test_the_names_that_benchmark_files_give():
    assert {"simpleqa", "length_controlled", "arena"} <= set(MEASURES)


# ----------------------------------------------------------------------------------------------------------- grades


def test_three_grades():
    found = simpleqa([[fact("correct"), fact("wrong")], [fact("no_answer"), fact("correct")], [fact("unjudged")] * 2])
    assert found["correct"] == 0.5 and found["incorrect"] == found["not_attempted"] == 0.25
    assert found["correct_given_attempted"] == pytest.approx(2 / 3) and found["no_verdict"] == 2
    assert found["f_score"] == pytest.approx(2 / (1 / 0.5 + 1 / (2 / 3)))


@pytest.mark.parametrize(
    ("outcome", "given", "f_score"), [("correct", 1.0, 1.0), ("wrong", 0.0, 0.0), ("no_answer", math.nan, 0.0)]
)
def test_grades_of_one_kind(outcome, given, f_score):
    found = simpleqa(apart([fact(outcome)] * 3))
    assert found["correct_given_attempted"] == pytest.approx(given, nan_ok=True) and found["f_score"] == f_score


# ------------------------------------------------------------------------------------------------------------ arena


@pytest.mark.parametrize(
    ("grades", "rate"),
    [
        ([(1, 1)], 1.0),
        ([(2, -1)], 3 / 4),
        ([(1, -2)], 1 / 4),
        ([(2, -2)], 1 / 2),
        ([(0, 0)], 1 / 2),
        ([(2, 1), (-1, -1)], 4 / 6),
        ([(2, 2), (0, -1)], 6.5 / 8),
    ],
)
def test_a_strong_verdict_counts_three_times(grades, rate):
    assert arena(apart([pair(0.5, grades=each) for each in grades]))["win_rate"] == pytest.approx(rate)


def test_a_bradley_terry_fit_of_two_models_is_their_share():
    rng = random.Random(0)
    grades = [(rng.choice([-2, -1, 0, 1, 2]), rng.choice([-1, 0, 1, 2, 2])) for _ in range(300)]
    rate = arena(apart([pair(0.5, grades=each) for each in grades]))["win_rate"]
    times = {2: 3, 1: 1, 0: 0.5, -1: 0, -2: 0}
    flat = [grade for each in grades for grade in each]
    wins, losses = sum(times[grade] for grade in flat), sum(times[-grade] for grade in flat)

    def likelihood(strength):
        return wins * math.log(1 / (1 + math.exp(-strength))) + losses * math.log(1 / (1 + math.exp(strength)))

    best = max((n / 1000 for n in range(-3000, 3001)), key=likelihood)
    assert 1 / (1 + math.exp(-best)) == pytest.approx(rate, abs=3e-4)


def test_what_has_no_verdict_is_counted_and_counts_nothing():
    found = arena(apart([pair(1.0, grades=(1, 1)), pair(None)]))
    assert (found["win_rate"], found["no_verdict"]) == (1.0, 1)
    nothing = [arena(apart([pair(None)])), length_controlled(apart([pair(None)]))]
    assert all(math.isnan(each["win_rate"]) and each["no_verdict"] == 1 for each in nothing)


def test_the_interval_resamples_questions():
    rng = random.Random(1)
    verdicts = [rng.choice([-1, 1]) for _ in range(400)]
    low, high = arena(apart([pair(0.5, grades=(verdict, verdict)) for verdict in verdicts]))["win_rate_ci"]
    assert high - low == pytest.approx(2 * 1.96 * 0.5 / math.sqrt(400), rel=0.15)  # as of 400, not of 800


# ---------------------------------------------------------------------------------------------------------- lengths


def instruction(rng, longer, likes_length, better=0.0, gamed=False):
    """One comparison by a judge that likes length, of an output that is `longer` times as long as the reference."""
    theirs = rng.randint(200, 1200)
    ours = round(theirs * longer * rng.uniform(0.6, 1.7))
    difficulty = rng.gauss(0, 1)

    def likes(shorter, better=0.0):
        return 1 / (1 + math.exp(-(better + 0.5 * difficulty - likes_length * math.tanh(shorter / 700))))

    styles = [[likes(700 * side), side] for side in (-1.0, 1.0)]  # of the reference model: no better than itself
    metadata = json.dumps({"difficulty": difficulty, "gamed": styles}) if gamed else ""
    won = float(rng.random() < likes(theirs - ours, better))
    return pair(won, "x" * ours, "y" * theirs, metadata=metadata)


@pytest.mark.parametrize("seed", range(3))
def test_an_equal_model_gains_nothing_by_writing_more(seed):
    rng = random.Random(seed)
    found = length_controlled(apart([instruction(rng, 1.6, 2.0) for _ in range(805)]))
    low, high = found["length_controlled_ci"]
    assert found["win_rate"] > 0.58 and low < 0.5 < high and abs(found["length_controlled"] - 0.5) < 0.07
    assert found["terms"] == ["length"] and found["characters"][0] > found["characters"][1]


def test_a_better_model_stays_better():
    rng = random.Random(3)
    found = length_controlled(apart([instruction(rng, 0.7, 2.0, better=1.0) for _ in range(805)]))
    assert found["win_rate"] < found["length_controlled"] - 0.03
    assert found["length_controlled"] == pytest.approx(0.72, abs=0.06)  # what a judge gives that is blind to length


def test_equal_outputs_are_worth_exactly_a_half():
    found = length_controlled(apart([pair(0.5)] * 20))
    assert found["win_rate"] == found["length_controlled"] == 0.5
    assert found["win_rate_ci"] == found["length_controlled_ci"] == [0.5, 0.5]


@pytest.mark.parametrize("score", [0.0, 1.0])
def test_a_model_that_wins_or_loses_all_has_a_rate_at_the_end(score):
    rng = random.Random(0)
    rows = [pair(score, "x" * rng.randint(1, 99)) for _ in range(50)]
    assert length_controlled(apart(rows))["length_controlled"] == pytest.approx(score, abs=0.01)


def test_the_fit_is_the_maximum_of_the_weighted_likelihood():
    """Where the authors' data stand beside: difficulty, and verdicts on the reference model in other styles."""
    rng = random.Random(5)
    rows = [instruction(rng, 1.5, 2.0, better=0.4, gamed=True) for _ in range(400)]
    found = length_controlled(apart(rows))
    assert found["terms"] == ["length", "difficulty", "gamed"]
    data = np.concatenate([controlled.table(controlled.points([row]), True) for row in rows])
    own = data[:, 2] == 1
    scaled = np.where(own, data[:, 3] / data[own, 3].std(ddof=1), data[:, 3])
    design = np.stack([data[:, 2], np.tanh(scaled), data[:, 4]], axis=1)

    def loss(coefficients):
        score = design @ coefficients
        return (data[:, 1] * (np.logaddexp(0, score) - data[:, 0] * score)).sum()

    best = controlled.fit(design, data[:, 0], data[:, 1])
    steps = [np.eye(3)[n] * side * 1e-3 for n in range(3) for side in (1, -1)]
    assert all(loss(best) < loss(best + step) for step in steps)
    wanted = 1 / (1 + np.exp(-(best[0] + best[2] * data[own, 4])))
    assert found["length_controlled"] == pytest.approx(wanted.mean()) and set(data[~own, 1]) == {0.1}


def test_other_verdicts_hold_the_weight_of_length():
    """A short model that loses for what it says: without them, its shortness takes the blame."""
    rng = random.Random(7)
    rows = [instruction(rng, 0.2, 0.5, better=-3.0, gamed=True) for _ in range(400)]
    free = [row | {"metadata": ""} for row in rows]
    held, let = (length_controlled(apart(each))["length_controlled"] for each in (rows, free))
    assert abs(held - 1 / (1 + math.exp(3))) < 0.05 and held < let
