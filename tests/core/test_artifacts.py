"""Artifacts: complete or visibly not, and never mistaken for another recipe's."""

import pytest

from open_r1.core import artifacts
from open_r1.core.artifacts import Artifact
from open_r1.core.errors import ArtifactError


@pytest.fixture
def recipe(tmp_path):
    return {"root": str(tmp_path), "output_dir": str(tmp_path / "out"), "steps": 3}


def make(recipe, **facts):
    artifact = Artifact(recipe)
    assert artifact.claim()
    artifact.finish(**facts)
    artifact._lock_file.close()
    return artifact


def test_directory_is_complete_only_after_finish(recipe):
    artifact = Artifact(recipe)
    assert artifact.claim() and not artifact.complete and (artifact.path / "recipe.yaml").exists()
    artifact.progress(1, 2, loss=0.5)
    note = artifacts.read_progress(artifact.path)
    assert note == {"done": 1, "total": 2, "loss": 0.5, "seconds": note["seconds"]}
    artifact.finish(rows=7)
    assert artifact.complete and not Artifact(recipe).claim()
    manifest = artifacts.read_manifest(artifact.path)
    assert manifest["rows"] == 7 and manifest["recipe"] == recipe and manifest["hash"] == artifact.hash
    assert not (artifact.path / "progress.json").exists()


def test_unfinished_run_of_the_same_recipe_continues(recipe):
    first = Artifact(recipe)
    first.claim()
    (first.path / "checkpoint").write_text("kept")
    first._lock_file.close()
    second = Artifact(recipe | {"run_name": "cosmetic keys do not count"})
    assert second.claim() and (second.path / "checkpoint").read_text() == "kept"


def test_seconds_are_those_of_all_processes_that_worked_on_it(recipe):
    for life in range(3):
        artifact = Artifact(recipe)
        artifact.started -= 100  # as if it had worked so long
        assert artifact.claim()
        note = artifacts.read_progress(artifact.path)
        assert "stopped" not in note and (life == 0 or note["done"] == life)
        artifact.progress(life + 1, 3, stopped=True)
        artifact._lock_file.close()
    artifact.finish()
    assert artifacts.read_manifest(artifact.path)["seconds"] >= 300
    artifact._lock_file.close()
    forced = Artifact(recipe)
    assert forced.claim(force=True) and forced.earlier == 0


@pytest.mark.parametrize("finished", [True, False])
def test_result_of_another_recipe_is_refused_unless_forced(recipe, finished):
    first = Artifact(recipe)
    first.claim()
    (first.path / "part-00000.jsonl").write_text("{}\n")
    if finished:
        first.finish()
    first._lock_file.close()
    other = Artifact(recipe | {"steps": 4})
    with pytest.raises(ArtifactError, match="steps: 3 -> 4") as caught:
        other.claim()
    assert "--force" in caught.value.hint
    again = Artifact(recipe | {"steps": 4})
    again.path.joinpath("old").write_text("x")
    assert again.claim(force=True) and not (again.path / "old").exists()


@pytest.mark.parametrize("force", [False, True])
def test_second_process_cannot_claim_a_directory_in_use(recipe, force):
    first = Artifact(recipe)
    first.claim()
    with pytest.raises(ArtifactError, match="another process"):
        Artifact(recipe).claim(force)
    assert (first.path / "recipe.yaml").exists()


def test_input_made_again_makes_the_output_stale(recipe, tmp_path):
    source = {"root": str(tmp_path), "output_dir": str(tmp_path / "in"), "seed": 1}
    make(source)
    recipe["model"] = str(tmp_path / "in")
    make(recipe)
    assert Artifact(recipe).complete
    replaced = Artifact(source | {"seed": 2})
    replaced.claim(force=True)
    replaced.finish()
    with pytest.raises(ArtifactError, match="made again"):
        Artifact(recipe).claim()


@pytest.mark.parametrize(("exists", "message"), [(True, "is not complete"), (False, "does not exist")])
def test_input_must_be_complete(recipe, tmp_path, exists, message):
    if exists:
        (tmp_path / "in").mkdir()
    with pytest.raises(ArtifactError, match=f"in {message}"):
        Artifact(recipe | {"models": [{"path": str(tmp_path / "in")}]})


@pytest.mark.parametrize(
    ("recipe", "found"),
    [
        (
            {"root": "d", "output_dir": "d/o", "a": "d/x", "b": ["d/y", {"c": "d/x"}], "e": "dd/z", "f": "d"},
            ["d/x", "d/y"],
        ),
        ({"root": "d/", "output_dir": "d/o", "a": "d/x", "logging_dir": "d/logs"}, ["d/x"]),
        ({"output_dir": "o", "file": "/models/x.gguf"}, []),
    ],
)
def test_inputs_are_the_paths_below_the_root(recipe, found):
    assert artifacts.input_paths(recipe) == found


def test_recipe_needs_an_output_dir():
    with pytest.raises(ArtifactError, match="output_dir"):
        Artifact({"root": "d"})


def test_atomic_write_replaces_and_leaves_nothing_else(tmp_path):
    path = tmp_path / "f"
    artifacts.write_atomically(path, "old")
    artifacts.write_atomically(path, "新")
    assert path.read_text(encoding="utf-8") == "新" and list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("name", ["./x", "/x/y", "~/x", "data/mini/zero", "x", "namespace/there"])
def test_local_names_are_told_from_hub_ids(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "namespace" / "there").mkdir(parents=True)
    assert (
        artifacts.looks_local(name)
        and artifacts.looks_local("namespace/not_yet")
        and not artifacts.looks_local("elsewhere/model")
    )


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (None, "does not exist"),
        ([], "model configuration"),
        (["config.json"], "tokenizer"),
        (["tokenizer_config.json"], "configuration"),
    ],
)
def test_unusable_local_model_is_refused(tmp_path, files, message):
    path = tmp_path / "model"
    if files is not None:
        path.mkdir()
        for file in files:
            (path / file).write_text("{}")
    with pytest.raises(ArtifactError, match=message):
        artifacts.require_model(str(path))


def test_usable_local_model_and_hub_id_are_accepted(tmp_path):
    for file in ("config.json", "tokenizer_config.json"):
        (tmp_path / file).write_text("{}")
    artifacts.require_model(str(tmp_path))
    artifacts.require_model("namespace/model")


@pytest.mark.parametrize(
    ("recipe", "needed"),
    [
        ({"model_name_or_path": "./zero", "datasets": [{"path": "mini:chain"}]}, False),
        ({"model_name_or_path": "elsewhere/model"}, True),
        ({"models": ["./base", "elsewhere/model"]}, True),  # the first model alone would not need it
        ({"models": [{"path": "elsewhere/model"}]}, True),
        ({"datasets": [{"path": "gym:chain_sum"}], "add": [{"path": "elsewhere/set"}]}, True),
        ({"rewards": {"accuracy": None, "helpful": {"model": "elsewhere/model"}}}, True),
        ({"push_to_hub": True}, True),
    ],
)
def test_hub_is_needed_for_any_name_that_is_not_on_this_disk(recipe, needed):
    assert artifacts.needs_hub(recipe) == needed


def test_a_run_that_failed_at_once_leaves_nothing_that_its_correction_must_force(recipe):
    first = Artifact(recipe)
    assert first.claim()
    first._lock_file.close()
    corrected = Artifact(recipe | {"steps": 4})
    assert corrected.claim()
    (corrected.path / "part-00000.jsonl").write_text("{}\n")
    corrected._lock_file.close()
    with pytest.raises(ArtifactError, match="unfinished run of another recipe"):
        Artifact(recipe | {"steps": 5}).claim()
