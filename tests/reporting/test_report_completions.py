"""Which completions are shown: the same problems for every model, every verdict, and not too many."""

import json
from pathlib import Path

import pytest
from made_evaluation import BENCHMARKS, MODELS, write_folder

from open_r1.reporting.completions import BEGINNING, EACH, END, FAIR, choose, shortened, tags_of
from open_r1.reporting.evaluations import Measured, measured_models


@pytest.mark.parametrize(
    ("row", "tags"),
    [
        ({"outcome": "correct"}, ["right"]),
        ({"outcome": "wrong", "finish_reason": "stop"}, ["wrong"]),
        ({"outcome": "no_answer", "finish_reason": "length"}, ["no answer", "cut"]),
        ({"outcome": "correct", "finish_reason": "length"}, ["right", "cut"]),
        ({"outcome": "timeout"}, ["wrong"]),
        ({"outcome": "unjudged"}, ["not judged"]),
        ({"outcome": "failed", "reasoning": None}, ["not drawn"]),
        ({}, ["not judged"]),
        ({"outcome": "correct", "reasoning": "So we add. " * 9 + "所以 我们 加 它们 。" * 9}, ["right", "mixed"]),
    ],
)  # fmt: skip
def test_verdicts_in_words(row, tags):
    assert tags_of(row) == tags


def store(folder: Path, outcomes: dict[int, str], samples: int = 3) -> Measured:
    """A model's completions of 100 problems, all right but sample 2 of some problems."""
    rows = [
        {"problem_id": f"p{n}", "sample": sample, "text": "t", "dataset": "d", "question": "q", "answer": folder.name}
        | {"outcome": outcomes.get(n, "correct") if sample == 2 else "correct", "tokens": 3}
        for n in range(100)
        for sample in range(samples)
    ]
    folder.mkdir()
    (folder / "part-00000.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return Measured(folder.name, "", stores=[folder])


def test_every_model_has_the_same_problems_and_every_verdict_is_there(tmp_path):
    models = {
        "a": store(tmp_path / "a", {5: "no_answer", **dict.fromkeys(range(10, 40), "wrong")}),
        "b": store(tmp_path / "b", {}),
    }
    found = choose(models, 1)
    fair = {name: [one.row["problem_id"] for one in found if one.model == name and one.fair] for name in models}
    assert fair["a"] == fair["b"] and len(set(fair["a"])) == FAIR
    assert all(one.row["sample"] == 0 for one in found if one.fair)
    added = [one.tags[0] for one in found if one.model == "a" and not one.fair]
    assert sorted(added) == ["no answer", *["wrong"] * EACH] and not [
        one for one in found if one.model == "b" and not one.fair
    ]
    assert found == choose(models, 1)


def test_many_benchmarks_have_fewer_of_each(tmp_path):
    models = {name: store(tmp_path / name, {}) for name in ("a", "b")}
    assert len(choose(models, 60)) == 2 * 6 and len(choose(models, 100_000)) == 2 * 4


def test_problem_stands_by_problem(tmp_path):
    folder = write_folder(tmp_path / "made")
    models = measured_models([str(folder / "evaluate"), str(folder / "evaluate_general")], {}, folder)
    found = choose(models, len(BENCHMARKS))
    places = [(one.benchmark, one.row["problem_id"]) for one in found]
    assert len(list(dict.fromkeys(places))) == len([1 for n, place in enumerate(places) if place != places[n - 1]])
    for name in MODELS:
        tags = {tag for one in found if one.model == name for tag in one.tags}
        assert tags >= {"right", "wrong", "no answer", "cut", "mixed"}


def test_a_store_that_is_gone_has_nothing_to_show(tmp_path):
    assert choose({"x": Measured("x", "", stores=[tmp_path / "gone"])}, 1) == []


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, ""), (7, "7"), (["a"], "['a']"), ("x" * 4000, "x" * 4000), ("a\x00b\r\nc", "a␀b\nc")],
)
def test_any_value_is_a_text(value, text):
    assert shortened(value) == text


def test_a_long_text_keeps_both_ends():
    text = shortened("a" * 5000 + "b" * 90_000 + "c" * 5000)
    assert text.startswith("a" * BEGINNING + "\n[… 96,000 characters left out …]\n") and text.endswith("c" * END)
