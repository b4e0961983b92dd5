"""What the repository's overlays make of its recipes: the batch stays, and TRL takes every value."""

import pytest
from conftest import REPOSITORY

from open_r1.core.fields import fill_all
from open_r1.core.recipes import inherited, load_recipe
from open_r1.training.arguments import GRPOArguments, RewardModelArguments, SFTArguments, grpo_sizes, row_sizes

DEVICES = {"24gb": [1], "80gb": [1], "8x80gb": [8], "multi_node": [16, 32, 64]}
STAGES = {"zero": "grpo", "all_scenarios_rl": "grpo", "sft": "sft", "helpful_rm": "reward-model"}
FOLDERS = ("DeepSeek-V3-Base", "Qwen2.5-32B", "Qwen2.5-7B", "Qwen3-8B-Base")
OBJECTIVES = sorted(path.stem for path in (REPOSITORY / "recipes/objectives").glob("*.yaml"))


def read(command: str, path: str, overlay: str, devices: int, monkeypatch) -> tuple:
    """A recipe below an overlay: its keys with those that follow, and TRL's configuration on a machine like this."""
    import trl

    monkeypatch.setenv("WORLD_SIZE", str(devices))
    recipe = load_recipe(REPOSITORY / path, {}, False, [str(REPOSITORY / overlay)], command)
    full = (grpo_sizes if command == "grpo" else row_sizes)(recipe, path)
    monkeypatch.delenv("WORLD_SIZE")
    kinds = {"grpo": (GRPOArguments, trl.GRPOConfig), "sft": (SFTArguments, trl.SFTConfig)}
    kinds["reward-model"] = (RewardModelArguments, trl.RewardConfig)
    here = full | {"use_cpu": True, "bf16": False}
    _, config, model = fill_all((*kinds[command], trl.ModelConfig), here, path)
    return full, config, model


@pytest.mark.parametrize("hardware", DEVICES)
@pytest.mark.parametrize("folder", FOLDERS)
@pytest.mark.parametrize("stage", STAGES)
def test_hardware_leaves_the_batch_and_says_how_it_is_trained(hardware, folder, stage, monkeypatch):
    command, path = STAGES[stage], f"recipes/{folder}/{stage}.yaml"
    for devices in DEVICES[hardware]:
        full, config, model = read(command, path, f"recipes/hardware/{hardware}.yaml", devices, monkeypatch)
        rows = full["per_device_train_batch_size"] * full["gradient_accumulation_steps"] * devices
        assert rows == {"grpo": 512, "sft": 128, "reward-model": 256}[command]
        assert model.use_peft == (hardware in ("24gb", "80gb")) and model.load_in_4bit == (hardware == "24gb")
        if command == "grpo":
            assert config.use_vllm == (hardware != "24gb") and config.generation_batch_size == 8192
            assert config.vllm_mode == ("server" if hardware == "multi_node" else "colocate")
            assert config.sync_ref_model != model.use_peft
            assert config.vllm_importance_sampling_mode == "token_truncate"  # TRL's default masks long responses


@pytest.mark.parametrize("objective", OBJECTIVES)
@pytest.mark.parametrize("path", ["recipes/mini/zero.yaml", "recipes/DeepSeek-V3-Base/zero.yaml"])
def test_objective_changes_what_it_says_and_nothing_else(objective, path, monkeypatch):
    overlay = f"recipes/objectives/{objective}.yaml"
    full, config, _ = read("grpo", path, overlay, 1, monkeypatch)
    before = grpo_sizes(load_recipe(REPOSITORY / path), path)
    said = inherited(REPOSITORY / overlay)
    assert {key for key in full if full[key] != before.get(key)} <= set(said)
    assert all(getattr(config, key) == said[key] for key in said if key not in ("rewards", "dynamic_sampling"))
    if objective == "dapo":
        assert full["rewards"]["soft_overlong"]["max_length"] == full["max_completion_length"]
