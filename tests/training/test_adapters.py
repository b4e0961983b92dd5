"""LoRA: trained, saved, merged, and the start of every other stage, as a whole model or as an adapter alone."""

import gc
import json
import shutil
from pathlib import Path

import pytest
from conftest import REPOSITORY
from tiny_models import BASE_END, TURN_END, greedy, run, save_rows, save_tiny_base

from open_r1 import grpo, reward_model, sft
from open_r1.core.artifacts import read_manifest
from open_r1.core.errors import ArtifactError
from open_r1.core.inputs import require_model

TEMPLATE = str(REPOSITORY / "recipes/templates/chatml/r1.jinja")
TEXTS = [{"prompt": f"{n} + 1", "good": "So it is.", "bad": "No answer"} for n in range(4)]
LORA = {"use_peft": True, "lora_r": 8, "lora_dropout": 0.0, "learning_rate": 0.02, "save_strategy": "no"}


def sft_recipe(place: Path, out: Path, **more) -> dict:
    found = {"model_name_or_path": str(place / "base"), "output_dir": str(out), "max_length": 128}
    found |= {
        "datasets": [{"path": str(place / "rows.jsonl")}],
        "chat_template": TEMPLATE,
        "eos_token": TURN_END["chatml"],
    }
    return found | LORA | {"max_steps": 8, "per_device_train_batch_size": 8} | more


def grpo_recipe(place: Path, model: object, out: Path, **more) -> dict:
    found = {"model_name_or_path": str(model), "output_dir": str(out), "rewards": {"random": {}}, "beta": 0.1}
    found |= {"datasets": [{"path": str(place / "rows.jsonl")}], "num_generations": 2, "prompts_per_step": 2}
    found |= {"per_device_train_batch_size": 4, "max_completion_length": 8, "max_steps": 2, "logging_steps": 1}
    return found | LORA | more


def rewards_recipe(place: Path, model: object, out: Path, objective: str, **more) -> dict:
    found = {"model_name_or_path": str(model), "output_dir": str(out), "objective": objective, "max_length": 64}
    found |= {"datasets": [{"path": str(place / f"{objective}.jsonl")}], "max_steps": 4}
    return found | LORA | {"per_device_train_batch_size": 4} | more


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    """A base model and data for every stage."""
    place = tmp_path_factory.mktemp("adapters")
    save_tiny_base(place / "base", "chatml")
    save_rows(place / "rows.jsonl", 8)
    pairs = [{"prompt": row["prompt"], "chosen": row["good"], "rejected": row["bad"]} for row in TEXTS]
    labels = [{"prompt": row["prompt"], "completion": row[side], "label": int(side == "good")}
              for row in TEXTS for side in ("good", "bad")]  # fmt: skip
    for name, rows in (("pairwise", pairs), ("pointwise", labels)):
        (place / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return place


@pytest.fixture(scope="module")
def merged(place) -> Path:
    run(sft.main, **sft_recipe(place, place / "merged"))
    return place / "merged"


@pytest.fixture(scope="module")
def alone(place) -> Path:
    run(sft.main, **sft_recipe(place, place / "alone", merge=False))
    return place / "alone"


def files(directory: Path) -> set[str]:
    return {path.name for path in directory.iterdir()}


def test_result_is_a_whole_model_with_its_adapter_beside_it(place, merged):
    from transformers import AutoConfig, AutoTokenizer, GenerationConfig

    assert {"model.safetensors", "config.json", "generation_config.json", "adapter", "manifest.json"} <= files(merged)
    assert not {"adapter_config.json", "adapter_model.safetensors", "start"} & files(merged)
    beside = {"adapter_config.json", "adapter_model.safetensors", "tokenizer_config.json", "generation_config.json"}
    assert beside <= files(merged / "adapter")
    tokenizer = AutoTokenizer.from_pretrained(merged)
    ends = [tokenizer.convert_tokens_to_ids(token) for token in (TURN_END["chatml"], BASE_END["chatml"])]
    assert AutoConfig.from_pretrained(merged).eos_token_id == ends[0] == tokenizer.eos_token_id
    for model in (merged, merged / "adapter"):
        assert GenerationConfig.from_pretrained(model).eos_token_id == ends
    settings = json.loads((merged / "adapter/adapter_config.json").read_text())
    assert settings["base_model_name_or_path"] == str(place / "base")
    adapted = {name.rpartition(".")[2] for name in settings["target_modules"]}
    assert adapted == {"q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"}
    assert read_manifest(merged)["steps"] == 8


def test_merged_and_unmerged_write_the_same_tokens(place, merged, alone, tmp_path):
    assert "model.safetensors" not in files(alone) and "adapter_model.safetensors" in files(alone)
    bare = shutil.copytree(place / "base", tmp_path / "base")
    (bare / "chat_template.jinja").write_text(Path(TEMPLATE).read_text())
    texts = greedy(merged)
    assert texts == greedy(merged / "adapter") == greedy(alone)
    assert texts != greedy(bare)


def test_merged_into_the_precision_of_the_base(place, tmp_path):
    from transformers import AutoConfig, AutoModelForCausalLM

    AutoModelForCausalLM.from_pretrained(place / "base", dtype="bfloat16").save_pretrained(tmp_path / "base")
    for file in ("tokenizer.json", "tokenizer_config.json"):
        (tmp_path / "base" / file).write_bytes((place / "base" / file).read_bytes())
    recipe = sft_recipe(place, tmp_path / "out", model_name_or_path=str(tmp_path / "base"), max_steps=1)
    run(sft.main, **recipe)
    assert str(AutoConfig.from_pretrained(tmp_path / "out").dtype).endswith("bfloat16")
    assert greedy(tmp_path / "out") == greedy(tmp_path / "out/adapter")


@pytest.mark.parametrize("start", ["merged", "alone"])
def test_grpo_starts_from_either_and_is_evaluated_as_either(place, start, request, tmp_path, capsys):
    model, out = request.getfixturevalue(start), tmp_path / "out"
    run(grpo.main, **grpo_recipe(place, model, out, sync_ref_model=True, ref_model_sync_steps=1))
    assert "the reference stays the start model: `sync_ref_model` is off" in capsys.readouterr().out
    assert greedy(out) == greedy(out / "adapter")
    assert json.loads((out / "adapter/adapter_config.json").read_text())["base_model_name_or_path"] == str(model)
    assert "start" not in files(out)


def test_all_weights_are_trained_from_an_adapter_against_the_right_reference(place, alone, tmp_path):
    """Policy and reference are the same at first: their distance is 0 only if both have the adapter."""
    run(grpo.main, **grpo_recipe(place, alone, tmp_path / "out", use_peft=False, learning_rate=0.001))
    history = json.loads((tmp_path / "out/trainer_state.json").read_text())["log_history"]
    first = next(row for row in history if "kl" in row)
    assert first["step"] == 1 and float(first["kl"]) < 1e-6
    assert "model.safetensors" in files(tmp_path / "out") and "start" not in files(tmp_path / "out")


@pytest.mark.parametrize("objective", ["pairwise", "pointwise"])
def test_reward_models_learn_as_adapters_and_pay_alike(place, merged, alone, tmp_path, objective):
    from open_r1.core.formats import ResponseFormat
    from open_r1.rewards.preference import SafetyReward

    def scores(model: Path) -> list[float]:
        reward = SafetyReward(ResponseFormat("r1"), str(model))
        responses = [ResponseFormat("r1").read(row[side]) for row in TEXTS for side in ("good", "bad")]
        prompts = [[{"role": "user", "content": row["prompt"]}] for row in TEXTS for _ in range(2)]
        return reward.score_batch(responses, [{"prompt": prompt} for prompt in prompts])

    run(reward_model.main, **rewards_recipe(place, merged, tmp_path / "whole", objective, max_steps=12))
    run(reward_model.main, **rewards_recipe(place, alone, tmp_path / "alone", objective, merge=False, max_steps=12))
    whole = scores(tmp_path / "whole")
    assert all(good > bad for good, bad in zip(whole[::2], whole[1::2], strict=True))
    assert scores(tmp_path / "whole/adapter") == pytest.approx(whole, abs=1e-6)
    assert scores(tmp_path / "alone") == pytest.approx(whole, abs=1e-4)
    run(reward_model.main, **rewards_recipe(place, tmp_path / "alone", tmp_path / "again", objective))
    assert read_manifest(tmp_path / "again")["steps"] == 4


@pytest.mark.parametrize("objective", ["pairwise", "pointwise"])
def test_reward_models_are_evaluated_during_training(place, tmp_path, objective):
    recipe = rewards_recipe(place, place / "base", tmp_path / "out", objective, use_peft=False, max_steps=1)
    recipe |= {"eval_datasets": recipe["datasets"], "eval_strategy": "steps", "eval_steps": 1}
    run(reward_model.main, **recipe, chat_template=TEMPLATE)
    history = json.loads((tmp_path / "out/trainer_state.json").read_text())["log_history"]
    assert any("eval_loss" in row for row in history)


def test_grpo_is_evaluated_during_training(place, merged, tmp_path):
    recipe = grpo_recipe(place, merged, tmp_path / "out", max_steps=1, eval_strategy="steps", eval_steps=1)
    run(grpo.main, **recipe, eval_datasets=[{"path": str(place / "rows.jsonl"), "limit": 2}])
    history = json.loads((tmp_path / "out/trainer_state.json").read_text())["log_history"]
    assert any("eval_reward" in row for row in history)


def test_run_that_died_while_merging_is_finished_by_the_next(place, merged, tmp_path, monkeypatch, capsys):
    recipe = sft_recipe(place, tmp_path / "out") | {"save_strategy": "steps", "save_steps": 4}

    def die(*args):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt) as died:
        patch.setattr("open_r1.training.adapters.merge", die)
        run(sft.main, **recipe)
    del died  # with its frames, which hold the lock of the output
    gc.collect()
    assert read_manifest(tmp_path / "out") is None
    run(sft.main, **recipe)
    assert "resuming" in capsys.readouterr().out and greedy(tmp_path / "out") == greedy(merged)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"model_name_or_path": None, "model_config": {"model_type": "llama"}}, "`use_peft` with `model_config`"),
        ({"optimizer": "muon"}, "`use_peft` with `optimizer: muon`"),
        ({"lora_r": 0}, "`lora_r: 0`"),
        ({"lora_target_modules": ["nowhere"]}, "`lora_target_modules`: Target modules"),
        ({"load_in_4bit": True}, "`load_in_4bit` needs a GPU"),
        ({"load_in_8bit": True}, "`load_in_8bit` needs a GPU"),
        ({"load_in_4bit": True, "use_peft": False}, "`load_in_4bit` without `use_peft`"),
        ({"load_in_4bit": True, "load_in_8bit": True}, "8 bit and 4 bit precision at the same time"),
        ({"merge": "maybe"}, "`merge: maybe` is neither true nor false"),
    ],
)
def test_refused_in_one_line(place, tmp_path, capsys, change, expected):
    with pytest.raises(SystemExit):
        run(sft.main, **sft_recipe(place, tmp_path / "out") | change)
    error = capsys.readouterr().err.strip().splitlines()
    assert error[-2].startswith("error: ") and expected in error[-2] and error[-1].startswith("  fix: "), error


RECIPES = [(sft.main, "distill_lora"), (grpo.main, "reasoning_rl_lora"), (sft.main, "distill_qlora")]


@pytest.mark.parametrize(("main", "name"), RECIPES, ids=[name for _, name in RECIPES])
def test_recipe_runs_two_steps_with_a_tiny_model_of_its_family(
    place, alone, tmp_path, monkeypatch, capsys, main, name
):
    """The smoke values leave quantising out, which is refused on a machine without a GPU."""
    monkeypatch.chdir(REPOSITORY)
    start = str(alone if name == "reasoning_rl_lora" else place / "base")
    recipe = {"config": f"recipes/Qwen2.5-1.5B/{name}.yaml", "smoke": True, "output_dir": str(tmp_path / "out")}
    if main is sft.main:
        recipe["datasets"] = [{"path": str(place / "rows.jsonl")}]
    if name == "distill_qlora":
        with pytest.raises(SystemExit):
            run(main, **recipe, model_name_or_path=start, load_in_4bit=True)
        assert "`load_in_4bit` needs a GPU, and torch has none to use here" in capsys.readouterr().err
    run(main, **recipe, model_name_or_path=start)
    assert read_manifest(tmp_path / "out")["steps"] == 2 and "adapter" in files(tmp_path / "out")


def test_whole_model_and_adapter_are_evaluated_alike(place, merged, tmp_path):
    from open_r1 import evaluate

    models = [str(merged), {"path": str(merged / "adapter")}]
    recipe = {"models": models, "datasets": [{"path": str(place / "rows.jsonl"), "verifier": "math"}]}
    recipe |= {"output_dir": str(tmp_path / "out"), "num_samples": 1, "temperature": 0.0, "max_new_tokens": 24}
    evaluate.main([word for key, value in recipe.items() for word in (f"--{key}", json.dumps(value))])
    one, other = read_manifest(tmp_path / "out")["metrics"].values()
    for metrics in (one, other, one["by_dataset"]["rows.jsonl"], other["by_dataset"]["rows.jsonl"]):
        assert metrics.pop("seconds") >= 0  # of drawing: how busy the machine was
    assert str(one) == str(other)  # as text, in which no value (nan) equals itself


def test_quantised_weights_and_vllm_are_refused_together(place, tmp_path, capsys):
    with pytest.raises(SystemExit):
        run(grpo.main, **grpo_recipe(place, place / "base", tmp_path / "out", load_in_4bit=True, use_vllm=True))
    assert "`load_in_4bit` with `use_vllm`" in capsys.readouterr().err


def test_adapter_without_its_base_or_tokenizer_is_refused(place, alone, tmp_path):
    shutil.copytree(alone, tmp_path / "adapter")
    settings = json.loads((alone / "adapter_config.json").read_text()) | {"base_model_name_or_path": "data/none/base"}
    (tmp_path / "adapter/adapter_config.json").write_text(json.dumps(settings))
    with pytest.raises(ArtifactError, match="stands on data/none/base, which does not exist"):
        require_model(str(tmp_path / "adapter"))
    (tmp_path / "adapter/tokenizer_config.json").unlink()
    with pytest.raises(ArtifactError, match="has no tokenizer"):
        require_model(str(tmp_path / "adapter"))


@pytest.mark.parametrize("world", [1, 2])
def test_model_is_loaded_on_one_device_by_each_of_several_processes(world, monkeypatch):
    """Without a device map TRL spreads a model over all GPUs, which accelerate refuses in several processes."""
    from trl import GRPOConfig, ModelConfig

    from open_r1.training.run import Run

    config = GRPOConfig(
        "out", use_cpu=True, bf16=False, trust_remote_code=True, model_init_kwargs={"dtype": "float16"}
    )
    monkeypatch.setenv("WORLD_SIZE", str(world))
    options = Run({}, None, None, config, ModelConfig(dtype="float32"), None).model_init_kwargs
    assert ("device_map" in options) == (world > 1) and options.get("device_map") is None
    assert options["dtype"] == "float16" and options["trust_remote_code"] is True


def test_accumulation_that_contradicts_the_step_shows_the_arithmetic(place, tmp_path, capsys):
    recipe = grpo_recipe(place, place / "base", tmp_path / "out", gradient_accumulation_steps=4)
    with pytest.raises(SystemExit):
        run(grpo.main, **recipe)
    message = capsys.readouterr().err
    assert (
        "gradient_accumulation_steps 4 contradicts prompts_per_step 2 x num_generations 2 / (1 device(s) x" in message
    )
    assert "per_device_train_batch_size 4) = 1" in message
