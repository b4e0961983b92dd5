"""A run that was killed with SIGKILL and repeated equals one that never stopped."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from conftest import REPOSITORY

GRPO = [
    "grpo",
    "--config",
    "recipes/mini/zero.yaml",
    "--num_generations",
    4,
    "--prompts_per_step",
    2,
    "--per_device_train_batch_size",
    8,
]
GRPO += [
    "--generation_batch_size",
    16,
    "--max_completion_length",
    12,
    "--max_steps",
    8,
    "--save_steps",
    2,
    "--logging_steps",
    1,
]
# syncs between checkpoints, and steps that move the loss
GRPO += ["--ref_model_sync_steps", 3, "--learning_rate", 0.01]
SFT = ["sft", "--config", "recipes/mini/base.yaml", "--max_steps", 8, "--save_steps", 2, "--logging_steps", 1]
SFT += ["--per_device_train_batch_size", 8, "--datasets", "[{path: 'mini:corpus', limit: 100, raw: true}]"]


def start(arguments: list, output: Path, **more: object) -> subprocess.Popen:
    options = [word for key, value in more.items() for word in (f"--{key}", str(value))]
    command = [sys.executable, "-m", "open_r1.cli", *map(str, arguments), "--output_dir", str(output), *options]
    environment = os.environ | {"HF_HUB_OFFLINE": "1"}
    return subprocess.Popen(
        command, cwd=REPOSITORY, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def losses(output: Path) -> list[tuple]:
    history = json.loads((output / "trainer_state.json").read_text())["log_history"]
    return [
        (row["step"], row["loss"], row["grad_norm"], row.get("kl"), row.get("reward"))
        for row in history
        if "loss" in row
    ]


def kill_after(process: subprocess.Popen, checkpoint: Path) -> None:
    """SIGKILL as soon as a checkpoint is complete, somewhere in the steps after it."""
    deadline = time.time() + 120
    while not (checkpoint / "trainer_state.json").exists() and time.time() < deadline and process.poll() is None:
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.communicate()


@pytest.mark.parametrize("arguments", [GRPO, SFT], ids=["grpo", "sft"])
def test_killed_and_resumed_equals_uninterrupted(smoke_root, tmp_path, arguments):
    model = {"model_name_or_path": smoke_root / "base"} if arguments is GRPO else {}
    whole, output = tmp_path / "whole", tmp_path / "killed"
    printed, _ = start(arguments, whole, **model).communicate(timeout=300)
    assert (whole / "manifest.json").exists(), printed
    kill_after(start(arguments, output, **model), output / "checkpoint-2")
    assert not (output / "manifest.json").exists()
    kill_after(start(arguments, output, **model), output / "checkpoint-6")
    printed, _ = start(arguments, output, **model).communicate(timeout=300)
    assert "resuming" in printed and (output / "manifest.json").exists(), printed
    assert losses(output) == losses(whole)
    assert (output / "model.safetensors").read_bytes() == (whole / "model.safetensors").read_bytes()


def test_half_written_checkpoint_is_not_resumed(tmp_path):
    from open_r1.training.run import newest_checkpoint

    for step, state in ((2, '{"global_step": 2}'), (4, '{"global_st'), (6, None)):
        (tmp_path / f"checkpoint-{step}").mkdir()
        if state:
            (tmp_path / f"checkpoint-{step}/trainer_state.json").write_text(state)
    assert newest_checkpoint(tmp_path) == str(tmp_path / "checkpoint-2")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["checkpoint-2"]
