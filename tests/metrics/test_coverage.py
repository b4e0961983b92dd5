"""How often the intervals hold the truth: 2,000 seeded evaluations, and exactly, by `benchmarks/intervals.py`."""

import runpy

import numpy as np
import pytest
from conftest import REPOSITORY

SIMULATED = runpy.run_path(str(REPOSITORY / "benchmarks/intervals.py"), run_name="simulated")
EVALUATIONS = 2_000
TRUTHS = (0.02, 0.1, 0.5, 0.9, 0.98)
PAIRS = ((0.1, 0.05), (0.5, 0.5), (0.95, 0.8))
# 2,000 evaluations tell a share of 0.95 to 0.005. With one sample of each problem the right ones are a whole number,
# and no interval holds every truth equally often (Brown, Cai and DasGupta 2001).
LEAST, MOST = 0.925, 0.98


def rng(*seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.mark.parametrize("kind", ["even", "bimodal"])
@pytest.mark.parametrize("problems", [30, 100, 198, 500])
def test_interval_of_one_model_holds_its_truth(problems, kind):
    for k in SIMULATED["SAMPLES"]:
        for truth in TRUTHS:
            found = SIMULATED["coverage"](rng(problems, k), kind, problems, k, truth, EVALUATIONS)
            corner = problems == 30 and truth in (0.02, 0.98)  # less than one problem is right, or wrong
            assert LEAST <= found <= (0.992 if corner else MOST), (k, truth)


@pytest.mark.parametrize("kind", ["even", "bimodal"])
@pytest.mark.parametrize("problems", [30, 100, 198, 500])
def test_interval_of_a_difference_holds_the_true_one(problems, kind):
    """Of models to which other problems are hard, and of models that find the same ones hard."""
    for k in SIMULATED["SAMPLES"]:
        for pair in PAIRS:
            near = problems <= 100 and max(pair) == 0.1  # the models differ on a handful of problems
            for same in (False, True)[: 1 if kind == "even" else 2]:
                found = SIMULATED["paired_coverage"](rng(problems, k), kind, problems, k, pair, EVALUATIONS, same)
                most = 1 if near or same else MOST  # alike in everything: no problem differs, and 0 is always held
                assert 0.93 <= found <= most, (k, pair, same)


@pytest.mark.parametrize(("problems", "least", "most"), [(30, 0.938, 0.984), (100, 0.92, 0.973), (198, 0.93, 0.97)])
def test_interval_of_single_samples_exactly(problems, least, most):
    """Every number of right problems, weighed by its chance, for the truths 0.01 to 0.99."""
    found = [SIMULATED["exact_coverage"](problems, truth / 100) for truth in range(1, 100)]
    assert least <= min(found) and max(found) <= most


@pytest.mark.parametrize("problems", [30, 100, 198])
def test_interval_of_a_difference_of_single_samples_exactly(problems):
    """Every number of problems that one model alone solves, up to 15 expected of each: too wide for a handful only."""
    found = SIMULATED["exact_paired"](problems, np.arange(0, 15.1, 0.5))
    assert min(found.values()) >= 0.93
    equal = [one + other for (one, other), value in found.items() if one == other and value > 0.97 and one < 13]
    assert max(equal) < 3
    assert np.mean([value <= 0.97 for (one, other), value in found.items() if one + other > 4]) > 0.93


def test_what_no_interval_of_single_samples_can_do():
    """With 30 problems and a truth of 0.02, two are right too often, and three too seldom, for 93 to 97%."""
    chances, attainable = SIMULATED["chances"](30, 0.02), SIMULATED["attainable"](30, 0.02)
    assert chances[2] > 0.07 and chances[3:].sum() < 0.03 and min(chances[:2]) > 0.07
    assert attainable == pytest.approx([0.879, 0.978, 0.997], abs=1e-3)


@pytest.mark.parametrize("problems", [30, 500])
def test_what_no_interval_of_a_difference_can_do(problems):
    """Two equal models of which one problem is expected to tell: any interval that never misses too often holds 0."""
    left_out = SIMULATED["left_out"](problems)
    assert list(left_out[:5]) == [0, 0, 0, 0.25, 0.125]  # of none, one or two nothing; of three that one won all
    assert SIMULATED["floor"](problems, 1.2) > 0.97 > SIMULATED["floor"](problems, 1.3)
