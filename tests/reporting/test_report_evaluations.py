"""What a report reads: both layouts of a store, models that two evaluations measured, folders that were moved."""

import json
import shutil
from pathlib import Path

import pytest
from made_evaluation import BENCHMARKS, MODELS, SAMPLES, write_evaluation, write_folder, write_model

from open_r1.core.errors import ArtifactError
from open_r1.reporting.evaluations import (
    ALL,
    benchmarks,
    completions_of,
    find_evaluations,
    measured_models,
    read_evaluation,
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return write_folder(tmp_path_factory.mktemp("made") / "root")


def both(folder: Path) -> list[str]:
    return [str(path) for path in find_evaluations(folder)]


def test_the_evaluations_of_a_folder_are_found_and_nothing_else(folder):
    assert [Path(path).name for path in both(folder)] == ["evaluate", "evaluate_general"]
    assert find_evaluations(folder / "evaluate") == [folder / "evaluate"]


@pytest.mark.parametrize(
    ("store", "problems"), [("evaluate/teacher", 48), ("evaluate_general/teacher", 16), ("teacher", 0)]
)
def test_both_layouts_give_all_rows(folder, store, problems):
    assert len(list(completions_of(folder / store))) == SAMPLES * problems


def test_a_model_of_two_evaluations_has_one_row(folder):
    models = measured_models(both(folder), {}, folder)
    assert list(models) == list(MODELS)
    assert list(models["teacher"].row["by_dataset"]) == [*sorted(list(BENCHMARKS)[:3]), "instructions"]
    assert "instructions" not in models["student-small"].row["by_dataset"]
    parts = models["teacher"].row["by_dataset"].values()
    assert models["teacher"].row["pass@1"] == pytest.approx(sum(part["pass@1"] for part in parts) / 4)
    assert models["teacher"].row["problems"] == 64 and len(models["teacher"].stores) == 2


def test_names_of_a_recipe_come_first_and_name_models_by_their_place(folder):
    (folder / "raw").mkdir(exist_ok=True)
    stages = {"raw": str(folder / "raw"), "ours": str(folder / "student-large")}
    models = measured_models(both(folder), stages, folder)
    assert list(models) == ["raw", "ours", "teacher", "student-small"]
    assert not models["raw"].row and models["ours"].row["problems"] == 64


def test_a_benchmark_that_two_evaluations_measured_is_there_twice(tmp_path):
    for place in ("first", "second"):
        write_evaluation(tmp_path / place, ["teacher"], ["contest"], by_benchmark=True)
    row = measured_models(both(tmp_path), {}, tmp_path)["teacher"].row
    assert list(row["by_dataset"]) == ["contest", "contest (second)"]
    assert list(benchmarks(both(tmp_path), row["by_dataset"])) == ["contest", "contest (second)"]
    assert list(benchmarks(both(tmp_path), ["contest"])) == ["contest"]  # other models': one name for one benchmark


def test_two_models_of_one_name_stay_two(tmp_path):
    for place in ("one", "two"):
        write_model(tmp_path / place / "teacher", 1, 2)
        write_evaluation(tmp_path / place / "evaluate", ["teacher"], ["contest"], by_benchmark=False)
    models = measured_models([str(tmp_path / place / "evaluate") for place in ("one", "two")], {}, tmp_path)
    assert list(models) == ["teacher", "teacher (evaluate)"]
    assert models["teacher (evaluate)"].path == str(tmp_path / "two/teacher")


def test_a_folder_that_was_moved_is_read_where_it_is(folder, tmp_path):
    moved = shutil.copytree(folder, tmp_path / "there")
    for path in moved.glob("*/manifest.json"):
        path.write_text(path.read_text().replace(str(folder), "/gone/root"))
    assert measured_models(both(moved), {}, moved)["teacher"].path == str(moved / "teacher")


def test_what_is_said_of_a_benchmark(folder):
    about = benchmarks(both(folder), BENCHMARKS)
    assert {name: found["axis"] for name, found in about.items()} == {
        n: axis for n, (_, axis, _) in BENCHMARKS.items()
    }
    assert about["contest"]["num_samples"] == SAMPLES and about["contest"]["temperature"] == 0.6


@pytest.mark.parametrize(("metric", "counts"), [("score", "mean score"), ("correct", "pass@1"), (None, "pass@1")])
def test_what_a_benchmark_counts_is_named(tmp_path, metric, counts):
    recipe = {"models": ["x"], "datasets": [{"path": "a/b"} | ({"metric": metric} if metric else {})]}
    (tmp_path / "manifest.json").write_text(json.dumps({"recipe": recipe, "metrics": {"x": {"a": 1}}}))
    assert benchmarks([str(tmp_path)], [])["b"]["counts"] == counts


def test_how_samples_were_drawn_is_what_the_recipe_says_but_for_an_entry(tmp_path):
    datasets = [{"path": "a/b"}, {"path": "a/c", "temperature": 0, "max_new_tokens": 8}]
    recipe = {"models": ["x"], "datasets": datasets, "temperature": 0.6, "max_new_tokens": 96}
    manifest = {"command": "evaluate", "recipe": recipe, "metrics": {"x": {"a": 1}}}
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    found = benchmarks([str(tmp_path)], [])
    assert [(about["temperature"], about["max_new_tokens"]) for about in found.values()] == [(0.6, 96), (0, 8)]


@pytest.mark.parametrize(("recipe", "entry", "k"), [(8, 64, 8), (None, 64, 64), (None, None, None)])
def test_k_is_that_of_the_recipe_or_of_the_benchmark(tmp_path, recipe, entry, k):
    datasets = [{"path": "a/b"} | ({"num_samples": entry} if entry else {})]
    manifest = {"recipe": {"models": ["x"], "num_samples": recipe, "datasets": datasets}, "metrics": {"x": {"a": 1}}}
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    assert benchmarks([str(tmp_path)], [])["b"]["num_samples"] == k


@pytest.mark.parametrize(("entry", "axis"), [({"domain": "general"}, "general"), ({}, "reasoning")])
def test_a_data_set_that_states_no_axis_has_that_of_its_domain(tmp_path, entry, axis):
    recipe = {"models": ["x"], "datasets": [{"path": "a/b", **entry}]}
    (tmp_path / "manifest.json").write_text(json.dumps({"recipe": recipe, "metrics": {"x": {"pass@1": 1.0}}}))
    assert benchmarks([str(tmp_path)], ["b"])["b"]["axis"] == axis
    assert measured_models([str(tmp_path)], {}, tmp_path)["x"].row["by_dataset"] == {ALL: {"pass@1": 1.0}}


@pytest.mark.parametrize(
    ("manifest", "said"), [(None, "is not complete"), ({"recipe": {}, "metrics": {}}, "is no evaluation")]
)
def test_what_is_no_evaluation_is_named(tmp_path, manifest, said):
    if manifest:
        (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(ArtifactError, match=f"{tmp_path} {said}"):
        read_evaluation(str(tmp_path))
