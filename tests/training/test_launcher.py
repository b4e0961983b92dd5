"""A signal to `accelerate launch` itself, below the runner of a pipeline: the ranks save, and the runner says so."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from conftest import REPOSITORY
from launched import environment, launcher
from waiting import PATIENCE, wait_for

from open_r1.core.artifacts import read_manifest
from open_r1.core.errors import Stopped
from open_r1.core.notes import read_progress
from open_r1.core.processes import die_with_parent

MODEL = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 1, "num_attention_heads": 2}


@pytest.fixture
def pipeline(tmp_path) -> Path:
    """A pipeline of one stage on two ranks, which would train for a long time."""
    recipe = {"inherit": str(REPOSITORY / "recipes/mini/base.yaml"), "output_dir": "${root}/base"}
    recipe |= {"model_config": MODEL | {"num_key_value_heads": 2}, "max_steps": 10**6, "save_steps": 10**5}
    recipe |= {"datasets": [{"path": "mini:corpus", "limit": 64, "raw": True}], "per_device_train_batch_size": 4}
    recipe |= {"tokenizer": {"vocab_size": 512, "corpus": {"path": "mini:corpus", "limit": 64}}}
    (tmp_path / "base.yaml").write_text(yaml.safe_dump(recipe))
    content = {"root": str(tmp_path / "root"), "launch": launcher("ddp"), "stages": [{"name": "base", "run": "sft"}]}
    (tmp_path / "pipeline.yaml").write_text(yaml.safe_dump(content))
    return tmp_path / "pipeline.yaml"


def run(pipeline: Path) -> subprocess.Popen:
    command = [sys.executable, "-m", "open_r1.cli", "run", str(pipeline)]
    options = {"cwd": REPOSITORY, "env": environment(), "text": True, "preexec_fn": die_with_parent}
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **options)


def wait_for_step(runner: subprocess.Popen, stage: Path, step: int) -> None:
    wait_for(lambda: runner.poll() is not None or read_progress(stage).get("done", 0) >= step, f"step {step}")


def launchers(root: Path) -> list[int]:
    """Process ids of `accelerate launch` for this root."""
    found = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = file.read_bytes().decode(errors="replace").split("\0")
        except OSError:  # it has just ended
            continue
        if "accelerate.commands.launch" in words and str(root) in words:
            found.append(int(file.parent.name))
    return found


@pytest.mark.slow
def test_signal_to_the_launcher_lets_all_ranks_save_and_the_pipeline_continues(pipeline):
    root, reached = pipeline.parent / "root", 0
    for life in range(2):
        runner = run(pipeline)
        wait_for_step(runner, root / "base", reached + 1)
        (launcher_id,) = launchers(root)
        os.kill(launcher_id, signal.SIGTERM)
        printed, _ = runner.communicate(timeout=PATIENCE)
        note = read_progress(root / "base")
        assert runner.returncode == Stopped.exit_code, printed
        assert f"stopped: stage base by a signal at step {note['done']} of {10**6}\n" in printed
        assert (root / f"base/checkpoint-{note['done']}/complete").exists() and read_manifest(root / "base") is None
        log = (root / "logs/base.log").read_text()
        assert (f"resuming {root}/base/checkpoint-{reached}" in log) == (life == 1) and note["done"] > reached
        reached = note["done"]
    state = json.loads((root / f"base/checkpoint-{reached}/trainer_state.json").read_text())
    assert state["global_step"] == reached


@pytest.mark.parametrize(
    ("name", "kind", "processes"),
    [("cpu", "NO", 1), ("gpu", "NO", 1), ("ddp", "MULTI_GPU", 8), ("fsdp", "FSDP", 8), ("fsdp_offload", "FSDP", 8)],
)
def test_accelerate_reads_our_configurations(name, kind, processes):
    """The two that no test launches among them; accelerate refuses keys that it does not know."""
    from accelerate.commands.config.config_args import load_config_from_file

    config = load_config_from_file(str(REPOSITORY / f"recipes/accelerate_configs/{name}.yaml"))
    assert config.distributed_type == kind and config.num_processes == processes
    settings = config.fsdp_config or {}
    assert settings.get("fsdp_version") == (2 if kind == "FSDP" else None)
    assert settings.get("fsdp_offload_params", False) == (name == "fsdp_offload")
