"""What is said of a model's training data and a benchmark, through all stages below it."""

import json

import pytest

from open_r1.core.decontaminated import contamination_of


def artifact(folder, removed=None, **recipe):
    """An artifact of this recipe, whose check removed so many rows of each benchmark."""
    folder.mkdir()
    report = {"benchmarks": {name: {"removed": count} for name, count in (removed or {}).items()}}
    facts = {"recipe": recipe, "inputs": {}} | ({"contamination": report} if removed is not None else {})
    (folder / "manifest.json").write_text(json.dumps(facts))
    return str(folder)


@pytest.fixture
def stages(tmp_path):
    """A model below, whose data were checked, and one above it on data that were made from checked data."""
    first = artifact(tmp_path / "first", {"aime24": 3, "math_500": 0}, datasets=[{"path": "org/raw"}])
    below = artifact(tmp_path / "below", model_name_or_path="org/base", datasets=[{"path": first}])
    clean = artifact(tmp_path / "clean", {"aime24": 4}, datasets=[{"path": "org/raw"}])
    store = artifact(tmp_path / "store", model=below, datasets=[{"path": clean}])
    second = artifact(tmp_path / "second", samples=store)
    artifact(tmp_path / "above", model_name_or_path=below, datasets=[{"path": second}])
    return tmp_path


@pytest.mark.parametrize(
    ("model", "benchmark", "said"),
    [
        ("below", "aime24", "checked, 3 removed"),
        ("below", "math_500", "checked, 0 removed"),
        ("below", "gpqa_diamond", "not checked"),
        ("above", "aime24", "checked, 7 removed"),
        ("above", "math_500", "not checked"),
        ("nowhere", "aime24", "unknown"),
    ],
)
def test_checks_of_all_stages_count(stages, model, benchmark, said):
    assert contamination_of(stages / model, benchmark) == said


def test_one_unchecked_part_is_enough(tmp_path):
    clean = artifact(tmp_path / "clean", {"aime24": 1}, datasets=[{"path": "org/raw"}])
    artifact(tmp_path / "model", model_name_or_path="org/b", datasets=[{"path": clean}, {"path": "org/other"}])
    assert contamination_of(tmp_path / "model", "aime24") == "not checked"
    artifact(tmp_path / "off", {}, datasets=[{"path": "org/raw"}])
    artifact(tmp_path / "generated", datasets=[{"path": "mini:chain"}, {"path": str(tmp_path / "off")}])
    assert contamination_of(tmp_path / "generated", "aime24") == "not checked"


def test_a_model_of_the_pipeline(smoke_root):
    assert contamination_of(smoke_root / "zero", "aime24") == "not checked"
