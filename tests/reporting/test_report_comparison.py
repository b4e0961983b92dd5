"""Models are compared on what they share, and only on that."""

import pytest

from open_r1.reporting.comparison import axes, compared, mean_row, over, score, students


def part(value: float | None, half: float = 0.1) -> dict:
    return {"pass@1": value, "pass@1_ci": [value - half, value + half], "problems": 10, "samples": 4}


def stage(**scores: float) -> dict:
    parts = {name: part(value) for name, value in scores.items()}
    return {**mean_row(list(parts.values())), "by_dataset": parts}


@pytest.mark.parametrize(("value", "found"), [(0.5, 0.5), (0.0, 0.0), (None, None), (float("nan"), None)])
def test_a_score_that_is_none(value, found):
    assert score({"pass@1": value}) == found and score({}) is None


def test_the_mean_has_an_interval_by_squares():
    row = mean_row([part(0.2, 0.06), part(0.6, 0.08)])
    assert row["pass@1"] == pytest.approx(0.4) and row["pass@1_ci"] == pytest.approx([0.35, 0.45])
    assert (row["problems"], row["samples"]) == (20, 4)
    assert mean_row([part(0.2), part(0.4) | {"samples": 16}])["samples"] is None
    assert "helpful" not in mean_row([part(1.0) | {"helpful": 0.5}, part(0.0)])


def test_rows_are_over_the_benchmarks_that_all_have():
    stages = {"one": stage(a=0.2, b=0.4), "two": stage(a=0.8), "none": {"by_dataset": {}}}
    rows, names = compared(stages)
    assert names == ["a"] and {name: row["pass@1"] for name, row in rows.items()} == {"one": 0.2, "two": 0.8}
    assert compared({"one": stage(a=0.2), "two": stage(b=0.4)}) == ({}, [])
    assert over(stages["one"], ["a", "b"])["pass@1"] == pytest.approx(0.3)


def test_students_stand_by_size_with_the_best_of_the_largest():
    stages = {"old": stage(a=0.5), "best": stage(a=0.9), "small": stage(a=0.3), "tiny": stage(a=0.4)}
    sizes = {"old": 100, "best": 98, "small": 50, "tiny": 20, "elsewhere": 500}
    assert list(students(stages, sizes)) == ["tiny", "small", "best"]
    assert students(stages, {"old": 100, "best": 100}) == {} == students({}, {})


ABOUT = {"g": {"axis": "general"}, "h": {"axis": "general"}, "a": {"axis": "reasoning"}}


@pytest.mark.parametrize(
    ("stages", "benchmarks", "models"),
    [
        pytest.param(
            {"x": stage(a=0.2, g=0.6, h=0.8), "y": stage(a=0.4, g=0.2), "z": stage(a=1.0)},
            {"reasoning": ["a"], "general": ["g"]},
            {"x": (0.2, 0.6), "y": (0.4, 0.2)},
            id="shared benchmarks, and models that have both axes",
        ),
        pytest.param(
            {"x": stage(a=0.2) | {"helpful": 0.7}, "y": stage(a=0.3)},
            {"reasoning": ["a"], "general": ["helpful"]},
            {"x": (0.2, 0.7)},
            id="general requests where no benchmark is general",
        ),
        pytest.param(
            {"x": stage(a=0.2, g=0.1) | {"helpful": 0.7}},
            {"reasoning": ["a"], "general": ["g"]},
            {"x": (0.2, 0.1)},
            id="a general benchmark says more than they do",
        ),
        pytest.param({"x": stage(a=0.2), "y": stage(g=0.2)}, None, {}, id="nobody has both"),
        pytest.param({"x": stage(a=0.2, g=0.2), "y": stage(a=0.2, h=0.2)}, None, {}, id="nothing is shared"),
        pytest.param({}, None, {}, id="nothing"),
    ],
)
def test_two_axes(stages, benchmarks, models):
    found = axes(stages, ABOUT)
    assert found.get("benchmarks") == benchmarks
    means = {name: (row["reasoning"], row["general"]) for name, row in found.get("models", {}).items()}
    assert means == models
