"""An unfinished training goes on after a change of how it runs, to the same result; sources join when they should."""

import json

import pytest
from test_resume import GRPO, SFT, kill_after, losses, start

from open_r1.core.artifacts import Artifact
from open_r1.core.errors import ArtifactError
from open_r1.core.inputs import read_manifest
from open_r1.core.keys import keys_of
from open_r1.training.arguments import SFTArguments

HALF = {"per_device_train_batch_size": 4, "gradient_accumulation_steps": 2, "save_steps": 4, "save_total_limit": 3}


def finished(arguments, output, **more) -> str:
    printed, _ = start(arguments, output, **more).communicate(timeout=300)
    assert (output / "manifest.json").exists(), printed
    return printed


def test_half_a_batch_twice_continues_to_the_same_losses(tmp_path):
    whole, output = tmp_path / "whole", tmp_path / "killed"
    finished(SFT, whole)
    kill_after(start(SFT, output), output / "checkpoint-2")
    printed = finished(SFT, output, **HALF)
    assert "resuming" in printed and printed.count("notice: ") == 1
    assert "per_device_train_batch_size: 8 -> 4" in printed and "save_steps: 2 -> 4" in printed
    one, other = losses(whole), losses(output)
    assert [row[0] for row in one] == [row[0] for row in other] == list(range(1, 9))
    assert [row[1] for row in other] == pytest.approx([row[1] for row in one], rel=1e-3)
    quarter = read_manifest(output)["recipe"] | {"gradient_accumulation_steps": 1}
    with pytest.raises(ArtifactError, match="global batch: 8 -> 4"):
        Artifact(quarter, keys_of(SFTArguments)).claim()


def test_a_source_joins_at_its_optimiser_step_where_a_rollout_is_used_twice(smoke_root, tmp_path):
    sources = "[{path: 'mini:chain', limit: 40, weight: 1}, {path: 'mini:general', weight: 9, from_step: 4}]"
    options = {"num_iterations": 2, "save_steps": 4, "datasets": sources}
    rewards = "{accuracy: {domains: [reasoning]}, format: {domains: [general]}}"
    finished(GRPO, tmp_path / "out", model_name_or_path=smoke_root / "base", rewards=rewards, **options)
    history = json.loads((tmp_path / "out/trainer_state.json").read_text())["log_history"]
    means = {row["step"]: row.get("rewards/format/mean") for row in history if "reward" in row}
    # a rollout of two steps, each taken twice: the second one begins when four steps are done
    assert {step: mean is not None and mean == mean for step, mean in means.items()} == {1: False, 5: True}
