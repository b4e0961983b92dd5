"""Sizes that should not depend on the hardware: gradient accumulation follows from what one optimiser step sees."""

import json

import pytest
from conftest import REPOSITORY
from tiny_models import run, save_rows, save_tiny_base

from open_r1 import sft
from open_r1.core.artifacts import Artifact, read_manifest
from open_r1.core.errors import ArtifactError, RecipeError
from open_r1.core.keys import FINISHED, keys_of, restrict
from open_r1.training.arguments import GRPOArguments, SFTArguments, grpo_sizes, row_sizes

GRPO = {"prompts_per_step": 32, "num_generations": 16, "generation_batch_size": 8192, "save_steps": 80}


@pytest.mark.parametrize("adjust", [grpo_sizes, row_sizes])
@pytest.mark.parametrize("world", [1, 2, 3, 4, 6, 8, 16, 24, 32, 64])
@pytest.mark.parametrize("per_device", [1, 2, 4, 6, 8])
def test_accumulation_makes_every_world_see_the_same_step(monkeypatch, adjust, world, per_device):
    monkeypatch.setenv("WORLD_SIZE", str(world))
    rows = 512 if adjust is grpo_sizes else 128
    recipe = {"per_device_train_batch_size": per_device} | (GRPO if adjust is grpo_sizes else {"rows_per_step": 128})
    if rows % (world * per_device):
        with pytest.raises(
            RecipeError, match=f"r.yaml: .* {world} device.s. x .* {per_device} = {world * per_device}"
        ):
            adjust(recipe, "r.yaml")
    else:
        assert adjust(recipe, "r.yaml")["gradient_accumulation_steps"] * world * per_device == rows


@pytest.mark.parametrize(
    ("recipe", "message", "hint"),
    [
        ({"rows_per_step": 128, "per_device_train_batch_size": 3}, "3 = 3 does not divide", "divides 128"),
        ({"rows_per_step": 4}, "1 device(s) x per_device_train_batch_size 8 = 8 does not divide", "divides 4"),
        ({"rows_per_step": 16, "gradient_accumulation_steps": 3}, "rows_per_step 16 / (1 device(s)", "leave"),
        ({"rows_per_step": 0}, "`rows_per_step: 0`", "positive"),
        ({"rows_per_step": "many"}, "`rows_per_step: many`", "positive"),
        ({"rows_per_step": True}, "`rows_per_step: True`", "positive"),
    ],
)
def test_rows_that_do_not_divide_show_the_arithmetic(recipe, message, hint):
    with pytest.raises(RecipeError) as caught:
        row_sizes(recipe, "r.yaml")
    assert message in str(caught.value) and hint in caught.value.hint


ROWS = ["rows_per_step", "per_device_train_batch_size"]
PROMPTS = ["num_generations", "prompts_per_step", "generation_batch_size", "num_iterations", "save_steps", ROWS[1]]


@pytest.mark.parametrize(
    ("adjust", "name"), [(row_sizes, name) for name in ROWS] + [(grpo_sizes, name) for name in PROMPTS]
)
@pytest.mark.parametrize("value", [0, -1, "8", 0.5, True])
def test_a_size_that_is_no_number_is_one_line(adjust, name, value):
    with pytest.raises(RecipeError, match=f"r.yaml: `{name}: {value}`"):
        adjust({"rows_per_step": 8, name: value}, "r.yaml")


@pytest.mark.parametrize("recipe", [{}, {"rows_per_step": None}, {"gradient_accumulation_steps": 3}])
def test_without_rows_per_step_the_old_keys_hold(recipe):
    assert row_sizes(recipe, "r.yaml") == recipe


@pytest.mark.parametrize(
    ("reward", "decides"),
    [("soft_overlong", {"weight": 1, "cache": 9}), ("judge", {"weight": 1}), ("accuracy", {"weight": 1})],
)
def test_the_cache_of_a_judge_is_a_file_and_that_of_overlong_texts_decides(reward, decides):
    recipe = {"rewards": {reward: {"weight": 1, "cache": 9}}}
    assert restrict(recipe, keys_of(GRPOArguments), FINISHED) == {"rewards": {reward: decides}}


@pytest.fixture
def recipe(tmp_path):
    """SFT of a tiny model, of four rows a step."""
    rows = save_rows(tmp_path / "rows.jsonl", 8)
    found = {"model_name_or_path": save_tiny_base(tmp_path / "base", "chatml"), "datasets": [{"path": rows}]}
    found |= {"chat_template": str(REPOSITORY / "recipes/templates/chatml/r1.jinja"), "eos_token": "<|im_end|>"}
    return found | {"rows_per_step": 4, "max_length": 128, "max_steps": 3, "logging_steps": 1, "learning_rate": 0.01}


def test_a_step_is_the_same_however_it_is_divided(recipe, tmp_path):
    losses = []
    for per_device in (4, 2, 1):
        output = tmp_path / str(per_device)
        run(sft.main, **recipe, output_dir=str(output), per_device_train_batch_size=per_device)
        history = json.loads((output / "trainer_state.json").read_text())["log_history"]
        losses.append([row["loss"] for row in history if "loss" in row])
    assert len(losses[0]) == 3 and losses[0][0] > losses[0][2]
    assert losses[1] == pytest.approx(losses[0], rel=1e-4) and losses[2] == pytest.approx(losses[0], rel=1e-4)


@pytest.mark.parametrize("finished", [True, False])
def test_a_run_goes_on_with_another_division_and_not_with_another_batch(recipe, tmp_path, finished, capsys):
    recipe |= {"output_dir": str(tmp_path / "out"), "per_device_train_batch_size": 1}
    keys = keys_of(SFTArguments)
    artifact = Artifact(recipe, keys)
    artifact.claim()
    (artifact.path / "checkpoint-2").mkdir()
    if finished:
        artifact.finish()
    artifact._lock.release()
    same = Artifact(recipe | {"per_device_train_batch_size": 4}, keys)
    assert same.claim() is not finished and "per_device_train_batch_size: 1 -> 4" in capsys.readouterr().out
    if not finished:
        same._lock.release()
    assert read_manifest(artifact.path) is None or same.complete
    with pytest.raises(ArtifactError, match="global batch: 4 -> 8"):
        Artifact(recipe | {"rows_per_step": 8}, keys).claim()
    spelled = {"per_device_train_batch_size": 2, "gradient_accumulation_steps": 2, "rows_per_step": None}
    assert Artifact(recipe | spelled, keys).hash == artifact.hash
