"""What was published of known models, and whether a measured number is it."""

import pytest

from open_r1.core.benchmarks import benchmark_names
from open_r1.core.errors import RecipeError
from open_r1.metrics.published import check, published, read_file

QWEN = "deepseek-ai/DeepSeek-R1-Distill-Qwen-7B"


def measured(value, low, high, error=0.01, **values):
    row = {"pass@1": value, "pass@1_ci": [low, high], "drawing_error": error, "samples": 64, "problems": 30}
    return {"by_dataset": {"aime24": row | values}}


def test_every_entry_names_its_source_its_samples_and_shares():
    assert len(read_file()) >= 8
    for model in read_file():
        assert model.count("/") == 1
        for benchmark, found in published(model).items():
            assert found.source and found.samples >= 1 and "pass@1" in found.numbers
            assert all(0 < value < 1 for value in found.numbers.values()), benchmark


def test_the_benchmarks_here_are_among_those_of_the_file():
    named = {benchmark for model in read_file() for benchmark in published(model)}
    assert {"aime24", "math_500"} <= named & set(benchmark_names())


def test_a_number_of_the_paper_is_read_as_a_share_with_its_samples():
    found = published(f"{QWEN}@main")["aime24"]
    assert (found.numbers, found.samples) == ({"pass@1": 0.555, "cons@64": 0.833}, 64)
    assert published("open-r1/OpenR1-Distill-7B")["math_500"].samples == 4
    assert published("nobody/nothing") == {}


@pytest.mark.parametrize(
    ("metrics", "said"),
    [
        (measured(0.54, 0.4, 0.7), "inside the interval [0.400, 0.700], no further than drawing explains (+-0.028)"),
        (measured(0.48, 0.34, 0.64), "inside the interval [0.340, 0.640], further than drawing explains (+-0.028)"),
        (measured(0.3, 0.2, 0.45), "outside the interval [0.200, 0.450], further than drawing explains"),
        (measured(0.5, 0.3, 0.7, None, samples=1), "measured 0.500 (1 samples of 30 problems): inside the interval"),
        (measured(0.5, 0.3, 0.7, **{"cons@64": 0.8}), "cons@64 0.833 and 0.800"),
    ],
)
def test_a_measured_number_is_inside_or_outside(metrics, said):
    head, line = check(QWEN, metrics).splitlines()
    assert head.startswith(f"{QWEN}, published in: README of deepseek-ai/DeepSeek-R1")
    assert line.startswith("aime24: pass@1 published 0.555 (64 samples), measured 0.") and said in line


def test_what_cannot_be_compared_is_one_line():
    with pytest.raises(RecipeError, match="no published numbers of nobody/nothing"):
        check("nobody/nothing", measured(0.5, 0.4, 0.6))
    with pytest.raises(RecipeError, match="nothing was published on own_sums"):
        check(QWEN, {"by_dataset": {"own_sums": {}}})
