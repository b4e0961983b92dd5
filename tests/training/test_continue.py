"""An unfinished training goes on after a change of how it runs, to the same result; sources join when they should."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import REPOSITORY
from waiting import PATIENCE, wait_for

from open_r1.core.artifacts import Artifact
from open_r1.core.errors import ArtifactError
from open_r1.core.inputs import read_manifest
from open_r1.core.keys import keys_of
from open_r1.core.outbox import waiting
from open_r1.core.pushing import RUNNER
from open_r1.training.arguments import SFTArguments

SHORT = {"max_steps": 8, "save_steps": 2, "logging_steps": 1, "per_device_train_batch_size": 8}
SFT = ["sft", "--config", "recipes/mini/base.yaml", "--datasets", "[{path: 'mini:corpus', limit: 100, raw: true}]"]
SFT += ["--rows_per_step", "null"]  # the batch is what the two keys of TRL say
GRPO = ["grpo", "--config", "recipes/mini/zero.yaml", "--num_generations", "4", "--prompts_per_step", "2"]
GRPO += ["--generation_batch_size", "16", "--max_completion_length", "12"]
HALF = {"per_device_train_batch_size": 4, "gradient_accumulation_steps": 2, "save_steps": 4, "save_total_limit": 3}


def start(arguments: list[str], output: Path, **more: object) -> subprocess.Popen:
    options = [f"--{key}={value}" for key, value in {"output_dir": output, **SHORT, **more}.items()]
    return subprocess.Popen(
        [sys.executable, "-m", "open_r1.cli", *arguments, *options],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def finished(arguments: list[str], output: Path, **more: object) -> str:
    printed, _ = start(arguments, output, **more).communicate(timeout=PATIENCE)
    assert (output / "manifest.json").exists(), printed
    return printed


def killed_after(checkpoint: Path, process: subprocess.Popen) -> None:
    """SIGKILL as soon as a checkpoint is complete, somewhere in the steps after it."""
    file = checkpoint / "complete"
    wait_for(lambda: file.exists() or process.poll() is not None, file)
    process.kill()
    process.communicate()


def losses(output: Path) -> dict[int, float]:
    history = json.loads((output / "trainer_state.json").read_text())["log_history"]
    return {row["step"]: row["loss"] for row in history if "loss" in row}


def test_half_a_batch_twice_continues_to_the_same_losses(tmp_path):
    whole, output = tmp_path / "whole", tmp_path / "killed"
    finished(SFT, whole)
    killed_after(output / "checkpoint-2", start(SFT, output))
    assert not (output / "manifest.json").exists()
    printed = finished(SFT, output, **HALF)
    assert "resuming" in printed and printed.count("notice: ") == 1
    assert "per_device_train_batch_size: 8 -> 4" in printed and "save_steps: 2 -> 4" in printed
    assert list(losses(output)) == list(range(1, 9)) and losses(output) == pytest.approx(losses(whole), rel=1e-3)
    quarter = read_manifest(output)["recipe"] | {"gradient_accumulation_steps": 1}
    with pytest.raises(ArtifactError, match="global batch: 8 -> 4"):
        Artifact(quarter, keys_of(SFTArguments)).claim()


def test_the_step_from_which_a_run_goes_on_is_published_too(tmp_path, monkeypatch):
    """As after a kill between a checkpoint and its place in the queue."""
    monkeypatch.setenv(RUNNER, "1")
    killed_after(tmp_path / "checkpoint-2", start(SFT, tmp_path))
    printed = finished(SFT, tmp_path, push_to_hub=True, hub_namespace="lab")
    begun = int(printed.partition("resuming ")[2].split()[0].rpartition("-")[2])
    expected = [f"step-{step:06d}" for step in range(begun, 9, 2)] + ["final"]
    assert [note["name"] for note in waiting(tmp_path)] == expected


def test_a_source_joins_at_its_optimiser_step_where_a_rollout_is_used_twice(smoke_root, tmp_path):
    sources = "[{path: 'mini:chain', limit: 40, weight: 1}, {path: 'mini:general', weight: 9, from_step: 4}]"
    options = {"num_iterations": 2, "save_steps": 4, "datasets": sources}
    rewards = "{accuracy: {domains: [reasoning]}, format: {domains: [general]}}"
    finished(GRPO, tmp_path / "out", model_name_or_path=smoke_root / "base", rewards=rewards, **options)
    history = json.loads((tmp_path / "out/trainer_state.json").read_text())["log_history"]
    means = {row["step"]: row.get("rewards/format/mean") for row in history if "reward" in row}
    # a rollout of two steps, each taken twice: the second one begins when four steps are done
    assert {step: mean is not None and mean == mean for step, mean in means.items()} == {1: False, 5: True}
