"""Which checkpoint a run continues from, also after a disk that was full."""

import errno
import gc
import json

import pytest
import torch
from conftest import REPOSITORY
from tiny_models import TURN_END, run, save_rows, save_tiny_base

from open_r1 import sft
from open_r1.core.artifacts import read_manifest
from open_r1.training.checkpoints import COMPLETE, newest_checkpoint


def test_newest_checkpoint_that_was_written_to_its_end(tmp_path):
    for step, complete in ((2, True), (10, True), (12, False)):
        (tmp_path / f"checkpoint-{step}").mkdir()
        (tmp_path / f"checkpoint-{step}/trainer_state.json").write_text("{}")
        if complete:
            (tmp_path / f"checkpoint-{step}" / COMPLETE).touch()
    (tmp_path / "checkpoint-notes").mkdir()
    assert newest_checkpoint(tmp_path) == tmp_path / "checkpoint-10"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["checkpoint-10", "checkpoint-2", "checkpoint-notes"]


def test_no_checkpoint(tmp_path):
    assert newest_checkpoint(tmp_path) is None


def full(name: str, at: str, monkeypatch, module, function: str, error: Exception) -> None:
    """A disk that is full as soon as one file of a checkpoint is half written."""
    write = getattr(module, function)

    def fails(*args, **options):
        path = str(args[1])
        if path.endswith(name) and at in path:
            with open(path, "wb") as file:
                file.write(b"half of it")
            raise error
        return write(*args, **options)

    monkeypatch.setattr(module, function, fails)


NO_SPACE = OSError(errno.ENOSPC, "No space left on device")
ZIP = RuntimeError("PytorchStreamWriter failed writing file data/0: file write failed")


@pytest.mark.slow
@pytest.mark.parametrize(("name", "error"), [("optimizer.pt", ZIP), ("scheduler.pt", NO_SPACE)])
def test_full_disk_in_a_save_is_one_line_and_the_checkpoint_before_stays(tmp_path, capsys, monkeypatch, name, error):
    save_tiny_base(tmp_path / "base", "chatml")
    rows = save_rows(tmp_path / "rows.jsonl", 8)
    recipe = {"model_name_or_path": str(tmp_path / "base"), "datasets": [{"path": rows}], "max_length": 128}
    recipe |= {"chat_template": f"{REPOSITORY}/recipes/templates/chatml/r1.jinja", "eos_token": TURN_END["chatml"]}
    recipe |= {"max_steps": 6, "save_steps": 2, "save_total_limit": 1, "logging_steps": 1, "learning_rate": 1e-3}
    recipe |= {"per_device_train_batch_size": 4}
    out = tmp_path / "out"
    with monkeypatch.context() as patched, pytest.raises(SystemExit) as caught:
        full(name, "checkpoint-4", patched, torch, "save", error)
        run(sft.main, **recipe, output_dir=str(out))
    assert caught.value.code == 2
    del caught
    error.__traceback__ = None
    gc.collect()  # with what they hold goes the lock on the output
    lines = capsys.readouterr().err.strip().splitlines()
    assert lines[-2] == f"error: {error.strerror if error is NO_SPACE else error}" and "free space" in lines[-1], lines
    assert (out / "checkpoint-2" / COMPLETE).exists() and not (out / "checkpoint-4" / COMPLETE).exists()
    run(sft.main, **recipe, output_dir=str(out))
    assert f"resuming {out}/checkpoint-2\n" in capsys.readouterr().out and read_manifest(out)["steps"] == 6
    run(sft.main, **recipe, output_dir=str(tmp_path / "whole"))
    losses = [
        [row["loss"] for row in json.loads((path / "trainer_state.json").read_text())["log_history"] if "loss" in row]
        for path in (out, tmp_path / "whole")
    ]
    assert losses[0] == losses[1] and len(set(losses[0])) == 6
