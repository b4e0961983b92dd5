"""Artifacts: complete or visibly not, and never mistaken for another recipe's."""

import json

import pytest

from open_r1.core import artifacts, inputs, notes
from open_r1.core.artifacts import Artifact
from open_r1.core.errors import ArtifactError
from open_r1.core.keys import BATCH, COSMETIC, DATA, FILE, LAST, MODEL, PARTS, RUN, Key


@pytest.fixture
def recipe(tmp_path):
    return {"root": str(tmp_path), "output_dir": str(tmp_path / "out"), "steps": 3}


KEYS = {
    "run_name": Key(COSMETIC),
    "save_steps": Key(RUN),
    "decisions": Key(LAST, loads=FILE),
    "per_device_train_batch_size": Key(BATCH, default=8),
    "gradient_accumulation_steps": Key(BATCH, default=1),
    "template": Key(loads=FILE),
    "model": Key(loads=MODEL),
    "models": Key(loads=MODEL, inside={"path": Key(loads=MODEL)}),
    "datasets": Key(inside={"path": Key(loads=DATA)}),
    "rewards": Key(inside={"*": Key(inside={"url": Key(RUN)})}),
}


def make(recipe, **facts):
    artifact = Artifact(recipe, KEYS)
    assert artifact.claim()
    artifact.finish(**facts)
    artifact._lock.release()
    return artifact


def test_directory_is_complete_only_after_finish(recipe):
    artifact = Artifact(recipe)
    assert artifact.claim() and not artifact.complete and (artifact.path / "recipe.yaml").exists()
    artifact.progress(1, 2, loss=0.5)
    note = notes.read_progress(artifact.path)
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
    first._lock.release()
    second = Artifact(recipe | {"run_name": "cosmetic keys do not count"}, KEYS)
    assert second.claim() and (second.path / "checkpoint").read_text() == "kept"


def test_seconds_are_those_of_all_processes_that_worked_on_it(recipe):
    for life in range(3):
        artifact = Artifact(recipe)
        artifact.started -= 100  # as if it had worked so long
        assert artifact.claim()
        note = notes.read_progress(artifact.path)
        assert "stopped" not in note and (life == 0 or note["done"] == life)
        artifact.progress(life + 1, 3, stopped=True)
        artifact._lock.release()
    artifact.finish()
    assert artifacts.read_manifest(artifact.path)["seconds"] >= 300
    artifact._lock.release()
    forced = Artifact(recipe)
    assert forced.claim(force=True) and forced.earlier == 0


@pytest.mark.parametrize("finished", [True, False])
def test_result_of_another_recipe_is_refused_unless_forced(recipe, finished):
    first = Artifact(recipe)
    first.claim()
    (first.path / "part-00000.jsonl").write_text("{}\n")
    if finished:
        first.finish()
    first._lock.release()
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
    assert Artifact(recipe, KEYS).complete
    replaced = Artifact(source | {"seed": 2}, KEYS)
    replaced.claim(force=True)
    replaced.finish()
    with pytest.raises(ArtifactError, match="content of .*/in: "):
        Artifact(recipe, KEYS).claim()


@pytest.mark.parametrize(("exists", "message"), [(True, "is not complete"), (False, "does not exist")])
def test_input_must_be_complete(recipe, tmp_path, exists, message):
    if exists:
        (tmp_path / "in").mkdir()
    with pytest.raises(ArtifactError, match=f"in {message}"):
        Artifact(recipe | {"models": [{"path": str(tmp_path / "in")}]}, KEYS)


def test_recipe_needs_an_output_dir():
    with pytest.raises(ArtifactError, match="output_dir"):
        Artifact({"root": "d"})


def test_atomic_write_replaces_and_leaves_nothing_else(tmp_path):
    path = tmp_path / "f"
    artifacts.write_atomically(path, "old")
    artifacts.write_atomically(path, "新")
    assert path.read_text(encoding="utf-8") == "新" and list(tmp_path.iterdir()) == [path]


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
        inputs.require_model(str(path))


def test_usable_local_model_and_hub_id_are_accepted(tmp_path):
    for file in ("config.json", "tokenizer_config.json"):
        (tmp_path / file).write_text("{}")
    inputs.require_model(str(tmp_path))
    inputs.require_model("namespace/model")


def test_a_run_that_failed_at_once_leaves_nothing_that_its_correction_must_force(recipe):
    first = Artifact(recipe)
    assert first.claim()
    first._lock.release()
    corrected = Artifact(recipe | {"steps": 4})
    assert corrected.claim()
    (corrected.path / "part-00000.jsonl").write_text("{}\n")
    corrected._lock.release()
    with pytest.raises(ArtifactError, match="unfinished run of another recipe"):
        Artifact(recipe | {"steps": 5}).claim()


# --------------------------------------------------------------------------------------- what may change, and what not


def begin(recipe, finished):
    """A run that has begun, and ended or not; its process is gone."""
    artifact = Artifact(recipe, KEYS)
    artifact.claim()
    (artifact.path / "checkpoint-2").mkdir()
    if finished:
        artifact.finish()
    artifact._lock.release()


@pytest.mark.parametrize("finished", [True, False])
@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ({"save_steps": 2}, {"save_steps": 3}, "save_steps: 2 -> 3"),
        ({}, {"save_steps": 3}, "save_steps: None -> 3"),
        ({"run_name": "a"}, {"run_name": "b"}, ""),
        (
            {"per_device_train_batch_size": 4},
            {"per_device_train_batch_size": 2, "gradient_accumulation_steps": 2},
            "per_device_train_batch_size: 4 -> 2",
        ),
        (
            {"rewards": {"judge": {"url": "a"}}},
            {"rewards": {"judge": {"url": "b"}}},
            "'a'}} -> {'judge': {'url': 'b'}}",
        ),
    ],
)
def test_how_a_run_goes_may_change_with_a_notice(recipe, capsys, finished, before, after, told):
    begin(recipe | before, finished)
    again = Artifact(recipe | after, KEYS)
    assert again.claim() is not finished and (again.path / "checkpoint-2").exists()
    printed = capsys.readouterr().out
    assert (told in printed and printed.count("\n") == 1) if told else not printed


@pytest.mark.parametrize("finished", [True, False])
@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ({"save_steps": 2}, {"save_steps": 3, "steps": 4}, r"\(steps: 3 -> 4\)"),
        ({"per_device_train_batch_size": 4}, {"per_device_train_batch_size": 2}, r"\(global batch: 4 -> 2\)"),
        ({}, {"gradient_accumulation_steps": 2}, r"\(global batch: 8 -> 16\)"),
        ({"rewards": {"judge": {}}}, {"rewards": {"judge": {"budget": 1}}}, "budget"),
        ({"rewards": {"judge": {}}}, {"rewards": {"judge": {}, "format": {}}}, "format"),
    ],
)
def test_what_decides_the_result_is_refused_with_the_difference(recipe, finished, before, after, told):
    begin(recipe | before, finished)
    with pytest.raises(ArtifactError, match=told) as refused:
        Artifact(recipe | after, KEYS).claim()
    assert "--force" in refused.value.hint


@pytest.mark.parametrize(("devices", "rows", "same"), [(2, 4, True), (4, 2, True), (2, 8, False), (1, 4, False)])
def test_another_number_of_devices_may_continue_if_the_global_batch_stays(recipe, monkeypatch, devices, rows, same):
    monkeypatch.setenv("WORLD_SIZE", "1")
    begin(recipe | {"per_device_train_batch_size": 8}, finished=False)
    monkeypatch.setenv("WORLD_SIZE", str(devices))
    again = Artifact(recipe | {"per_device_train_batch_size": rows}, KEYS)
    if same:
        assert again.claim()
    else:
        with pytest.raises(ArtifactError, match=f"global batch: 8 -> {devices * rows}"):
            again.claim()


def test_a_finished_run_of_many_devices_is_complete_to_a_pipeline_that_has_none(recipe, monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "4")
    begin(recipe, finished=True)
    monkeypatch.delenv("WORLD_SIZE")
    assert Artifact(recipe, KEYS).complete
    with pytest.raises(ArtifactError, match="global batch: 32 -> 64"):
        Artifact(recipe | {"gradient_accumulation_steps": 2}, KEYS).claim()


@pytest.mark.parametrize("finished", [True, False])
@pytest.mark.parametrize(
    "names",
    [
        lambda file: {"template": file},
        lambda file: {"datasets": [{"path": "mini:chain"}, {"path": file}]},
        lambda file: {"datasets": [{"path": str(file.parent)}]},
    ],
    ids=["file", "dataset", "directory"],
)
def test_an_edited_file_makes_what_was_made_from_it_stale(recipe, tmp_path_factory, finished, names):
    file = tmp_path_factory.mktemp("outside the root") / "data.jsonl"
    file.write_text("one")
    recipe |= json.loads(json.dumps(names(file), default=str))
    begin(recipe, finished)
    file.touch()
    assert Artifact(recipe, KEYS).claim() is not finished
    file.write_text("two")
    with pytest.raises(ArtifactError, match="content of .*outside the root"):
        Artifact(recipe, KEYS).claim()


def test_decisions_join_an_unfinished_run_and_count_in_a_finished_one(recipe, tmp_path_factory):
    file = tmp_path_factory.mktemp("review") / "decisions.json"
    file.write_text("drop one")
    begin(recipe, finished=False)
    reviewed = Artifact(recipe | {"decisions": str(file)}, KEYS)
    assert reviewed.claim()
    reviewed.finish()
    reviewed._lock.release()
    assert Artifact(recipe | {"decisions": str(file)}, KEYS).complete
    file.write_text("drop two")
    for other in ({"decisions": str(file)}, {}):
        with pytest.raises(ArtifactError, match="decisions"):
            Artifact(recipe | other, KEYS).claim()


def test_a_file_that_was_not_there_was_not_read(recipe, tmp_path_factory):
    file = tmp_path_factory.mktemp("later") / "template.jinja"
    begin(recipe | {"template": str(file)}, finished=False)
    file.write_text("one")
    assert Artifact(recipe | {"template": str(file)}, KEYS).claim()


@pytest.mark.parametrize("text", ["", '{"hash": "a", "re', "[]", "\x00"])
def test_a_file_that_is_cut_off_is_one_line(recipe, text):
    made = make(recipe)
    (made.path / "manifest.json").write_text(text)
    with pytest.raises(ArtifactError, match="manifest.json is broken") as error:
        Artifact(recipe, KEYS)
    assert "delete it, and run the command again" in error.value.hint
    (made.path / "manifest.json").unlink()
    (made.path / "progress.json").write_text(text)
    with pytest.raises(ArtifactError, match="progress.json is broken"):
        Artifact(recipe, KEYS).claim()


def test_a_run_that_begins_later_leaves_what_is_there_until_then(recipe):
    keys = KEYS | {"datasets": Key(PARTS)}
    first = Artifact(recipe | {"datasets": ["a"]}, keys)
    first.claim()
    first.finish()
    first.release()
    second = Artifact(recipe | {"datasets": ["a", "b"]}, keys)
    assert second.claim(later=True)
    assert artifacts.read_manifest(second.path)["recipe"]["datasets"] == ["a"]
    assert "- b" not in (second.path / "recipe.yaml").read_text()
    second.begin()
    assert artifacts.read_manifest(second.path) is None and "- b" in (second.path / "recipe.yaml").read_text()


def test_a_manifest_of_somebody_else_is_no_matter(recipe, tmp_path):
    data = tmp_path.parent / f"{tmp_path.name}-data"
    data.mkdir()
    (data / "manifest.json").write_text('{"audio": 1}\n{"audio": 2}\n')  # lines of JSON
    (data / "rows.jsonl").write_text("{}")
    assert Artifact(recipe | {"datasets": [{"path": str(data / "rows.jsonl")}]}, KEYS).inputs
