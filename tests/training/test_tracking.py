"""
Trackers: the stages of a pipeline share a name, a run that continues is the same run, some completions of each rollout
are shown, and a tracker that is missing or fails is one line. Tests of trackio and TensorBoard skip without them.
"""

import gc
import importlib.util
import json
import os
import sqlite3
from pathlib import Path
from types import SimpleNamespace

import pyarrow.parquet as pq
import pytest
from conftest import HUB_CACHE, REPOSITORY
from tiny_models import TURN_END, run, save_rows, save_tiny_base

from open_r1 import grpo, sft
from open_r1.core.artifacts import Artifact
from open_r1.core.errors import RecipeError
from open_r1.core.notes import RECIPE
from open_r1.metrics.kept_rollouts import read_rollout, rollout_files
from open_r1.training import tracking
from open_r1.training.callbacks import Progress
from open_r1.training.completions import few
from open_r1.training.tracking import TRACKERS, check_trackers, drop_missing, name_run

TRACKIO = HUB_CACHE / "trackio"


def needs(name):
    return pytest.mark.skipif(not importlib.util.find_spec(name), reason=f"{name} is not installed")


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    place = tmp_path_factory.mktemp("tracking")
    save_tiny_base(place / "base", "chatml")
    save_rows(place / "rows.jsonl", 16)
    return place


@pytest.fixture(autouse=True)
def variables(monkeypatch):
    for key in ("PROJECT", "RUN_GROUP", "RUN_ID", "RESUME"):
        monkeypatch.setenv(f"WANDB_{key}", "")  # so that what is set is taken back
        monkeypatch.delenv(f"WANDB_{key}")


def train(place: Path, output: Path, main=sft.main, **more) -> list[dict]:
    """Trains a tiny model for four steps; what it logged."""
    recipe = {"model_name_or_path": str(place / "base"), "output_dir": str(output), "eos_token": TURN_END["chatml"]}
    recipe |= {"chat_template": f"{REPOSITORY}/recipes/templates/chatml/r1.jinja", "logging_steps": 1, "max_steps": 4}
    recipe |= {"datasets": [{"path": str(place / "rows.jsonl")}], "per_device_train_batch_size": 4, "save_steps": 2}
    run(main, **recipe | more)
    return json.loads((output / "trainer_state.json").read_text())["log_history"]


GRPO = {"num_generations": 8, "prompts_per_step": 6, "generation_batch_size": 96, "per_device_train_batch_size": 48}
GRPO |= {"rewards": {"random": {}}, "max_completion_length": 4, "eval_strategy": "no", "log_completions": True}
GRPO |= {"num_completions_to_print": 0}


# ------------------------------------------------------------------------------------------------------------- names


def named(output: Path, recipe: dict, continues: bool) -> tuple[str, str]:
    config = SimpleNamespace()
    output.mkdir(parents=True, exist_ok=True)
    name_run(config, recipe, output, continues)
    return config.project, config.run_name


def test_a_run_that_continues_keeps_its_name_and_one_that_begins_anew_has_another(tmp_path, monkeypatch):
    times = iter(["1", "2", "3"])
    monkeypatch.setattr(tracking.time, "strftime", lambda _: next(times))
    output = tmp_path / "lab" / "zero"
    assert named(output, {}, False) == ("lab", "zero-1")
    assert named(output, {}, True) == named(output, {}, True) == ("lab", "zero-1")
    assert named(output, {}, False) == ("lab", "zero-2")
    (output / "tracking.json").unlink()  # a checkpoint of a run that nothing followed
    assert named(output, {}, True) == ("lab", "zero-3")


def test_names_of_the_recipe_and_of_the_site_win(tmp_path, monkeypatch):
    monkeypatch.setattr(tracking, "GIVEN", frozenset({"WANDB_PROJECT"}))
    monkeypatch.setenv("WANDB_PROJECT", "ours")
    assert named(tmp_path / "lab/zero", {"project": "p", "run_name": "r"}, False) == ("p", "r")
    found = {key: os.environ[f"WANDB_{key}"] for key in ("PROJECT", "RUN_GROUP", "RESUME")}
    assert found == {"PROJECT": "ours", "RUN_GROUP": "lab", "RESUME": "allow"}
    assert os.environ["WANDB_RUN_ID"].startswith("zero-")


def test_what_a_run_tells_is_no_work_that_another_recipe_would_destroy(tmp_path):
    recipe = {"output_dir": str(tmp_path / "out"), "steps": 3}
    first = Artifact(recipe)
    first.claim()
    for name in ("tracking.json", "runs", "completions"):  # it failed in its first step
        (first.path / name).write_text("")
    first._lock.release()
    second = Artifact(recipe | {"steps": 4})
    assert second.claim() and "steps: 4" in (second.path / RECIPE).read_text()


# -------------------------------------------------------------------------------------------------- missing, failing


def missing(*_):
    raise RuntimeError("TrackioCallback requires trackio to be installed")


def test_a_missing_tracker_is_a_line_before_the_run_and_the_run_goes_on(place, tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(TRACKERS, "trackio", missing)
    assert train(place, tmp_path / "out", report_to="trackio") and (tmp_path / "out/manifest.json").exists()
    lines = [line for line in capsys.readouterr().out.splitlines() if "trackio" in line]
    assert lines == [
        "notice: `report_to: trackio` is not installed, so nothing is sent there; pip install 'open_r1[tracking]'"
    ]
    assert not (tmp_path / "out/tracking.json").exists()


def test_the_others_stay_where_one_is_missing(monkeypatch):
    monkeypatch.setitem(TRACKERS, "wandb", missing)
    monkeypatch.setitem(TRACKERS, "trackio", lambda: None)
    config = SimpleNamespace(report_to=["wandb", "trackio"])
    assert "pip install wandb" in drop_missing(config)[0] and config.report_to == ["trackio"]


def test_an_unknown_tracker_is_refused():
    with pytest.raises(RecipeError, match="r.yaml: `report_to: tracio` is unknown"):
        check_trackers("r.yaml", SimpleNamespace(report_to=["trackio", "tracio"]))


def broken(event: str) -> type:
    """A tracker that fails at an event."""
    from transformers import TrainerCallback

    def fail(self, *_, **more):
        raise ConnectionError("no route to host\n  and much more")

    return type("Broken", (TrainerCallback,), {event: fail})


@pytest.mark.parametrize("event", ["on_train_begin", "on_log", "on_train_end"])
def test_a_tracker_that_fails_is_a_line_and_never_fails_the_training(place, tmp_path, monkeypatch, capsys, event):
    monkeypatch.setitem(TRACKERS, "wandb", broken(event))
    history = train(place, tmp_path / "out", report_to=["wandb"], save_strategy="no")
    assert [row["step"] for row in history if "loss" in row] == [1, 2, 3, 4]
    assert (tmp_path / "out/manifest.json").exists()
    said = [line for line in capsys.readouterr().out.splitlines() if "wandb" in line]
    assert said == ["notice: wandb is off for the rest of this run: no route to host"]


# ------------------------------------------------------------------------------------------------------- completions


def test_a_table_has_some_samples_of_some_prompts_as_text():
    prompts = [[{"role": "system", "content": "s"}, {"role": "user", "content": f"{n // 8}"}] for n in range(48)]
    answers = [[{"role": "assistant", "content": f"a{n}"}] for n in range(48)]
    logs = {"prompt": prompts, "completion": answers, "rewards": {"r": list(range(48))}, "images": [], "extra": {}}
    found = few(logs, 8)
    kept = [n for n in range(32) if n % 8 < 4]
    assert found["rewards"] == {"r": kept} and found["completion"] == [f"a{n}" for n in kept]
    assert found["prompt"][4] == "s\n\n1" and found["images"] == [] and found["extra"] == {}


def test_every_rollout_leaves_one_small_table_and_the_rest_is_as_before(place, tmp_path):
    train(place, tmp_path / "out", grpo.main, **GRPO, keep_rollouts=True)
    tables = sorted((tmp_path / "out/completions").iterdir())
    assert [path.name for path in tables] == ["completions_00001.parquet", "completions_00003.parquet"]
    shown = [pq.read_table(path).to_pylist() for path in tables]
    whole = [list(read_rollout(path)) for path in rollout_files(tmp_path / "out")]
    assert [len(rows) for rows in shown] == [16, 16] and [len(rows) for rows in whole] == [96, 96]
    for table, rows in zip(shown, whole, strict=True):
        kept = [row for n, row in enumerate(rows) if n // 8 < 4 and n % 8 < 4]
        assert [row["completion"] for row in table] == [row["completion"] for row in kept]
        assert [row["random"] for row in table] == [row["rewards"]["random"] for row in kept]


# ------------------------------------------------------------------------------------------------------ real trackers


def interrupted(monkeypatch, step: int):
    """Ends a training at a step as a kill would."""
    told = Progress.on_step_end

    def kill(self, args, state, control, **kwargs):
        told(self, args, state, control, **kwargs)
        if state.global_step == step:
            raise KeyboardInterrupt

    monkeypatch.setattr(Progress, "on_step_end", kill)


def train_in_two_lives(place: Path, output: Path, monkeypatch, main=sft.main, **more) -> None:
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        interrupted(patch, 3)
        train(place, output, main, **more)
    gc.collect()  # the frames of the first, which hold the lock of the output
    assert (output / "checkpoint-2").exists()
    train(place, output, main, **more)


def logged(project: str) -> list[tuple[str, dict]]:
    """What trackio holds of a project: run, metrics."""
    rows = sqlite3.connect(TRACKIO / f"{project}.db").execute("select run_name, metrics from metrics order by id")
    return [(name, json.loads(metrics)) for name, metrics in rows]


@needs("trackio")
def test_trackio_has_the_stages_of_a_pipeline_in_one_project_and_a_resumed_one_as_one_run(
    place, tmp_path, monkeypatch
):
    train_in_two_lives(place, tmp_path / "sft", monkeypatch, report_to="trackio", hub_token="hf_notforanyone")
    train_in_two_lives(place, tmp_path / "zero", monkeypatch, grpo.main, report_to="trackio", **GRPO)
    rows = logged(tmp_path.name)
    names = list(dict.fromkeys(name for name, _ in rows))
    assert [name.split("-")[0] for name in names] == ["sft", "zero"]
    for name in names:
        steps = {row["train/global_step"] for run, row in rows if run == name and "train/global_step" in row}
        assert steps >= {1, 2, 3, 4}
    tables = [row["completions"]["_value"] for _, row in rows if "completions" in row]
    assert {table[0]["step"] for table in tables} == {1, 3} and {len(table) for table in tables} == {16}
    assert set(tables[0][0]) == {"step", "prompt", "completion", "random", "advantage"}
    written = b"".join(path.read_bytes() for path in TRACKIO.rglob("*") if path.is_file())
    assert b"train/loss" in written and b"hf_notforanyone" not in written


@needs("tensorboard")
def test_tensorboard_has_a_folder_for_a_run_in_however_many_lives(place, tmp_path, monkeypatch):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    train_in_two_lives(place, tmp_path / "lab/sft", monkeypatch, report_to="tensorboard")
    events = EventAccumulator(str(tmp_path / "lab/sft/runs"))
    events.Reload()
    assert {event.step for event in events.Scalars("train/loss")} == {1, 2, 3, 4}
    assert all(path.is_file() for path in (tmp_path / "lab/sft/runs").iterdir())
