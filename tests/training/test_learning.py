"""Something learns: SFT reaches an accuracy, and GRPO beats its start and a control, from a model with random weights.

A world of ten questions, each with one right answer and a wrong one that the start model gives half of the time. The
same runs with a fault must fail: a loss that never sees a response's last token, and rewards that are worth nothing.
"""

import importlib
import json
import random
from pathlib import Path

import pytest

from open_r1.core.artifacts import read_manifest

pytestmark = pytest.mark.slow
NUMBERS = list(range(10))
MARGIN = 0.25  # of pass@1; the interval of 80 samples is about 0.11 wide on each side
PARTNERS = dict(zip(NUMBERS, random.Random(0).sample(NUMBERS, len(NUMBERS)), strict=True))
MODEL = {
    "model_type": "llama", "hidden_size": 64, "intermediate_size": 256, "num_hidden_layers": 2,
    "num_attention_heads": 4, "num_key_value_heads": 4, "max_position_embeddings": 128, "tie_word_embeddings": True,
}  # fmt: skip
SHARED = {
    "seed": 0, "use_cpu": True, "bf16": False, "dtype": "float32", "report_to": "none", "disable_tqdm": True,
    "save_strategy": "no", "logging_steps": 10, "response_format": "zero",
}  # fmt: skip


def rows(shares: dict[int, float], count: int) -> list[dict]:
    """Questions with answers that are so far from the right one, in these shares."""
    rng, found = random.Random(1), []
    for _ in range(count):
        number = rng.choice(NUMBERS)
        (gap,) = rng.choices(list(shares), list(shares.values()))
        said = (PARTNERS[number] + gap) % 10
        response = f"<think> {number} goes with {said} </think> <answer> {said} </answer>"
        prompt = f"What goes with {number}?"
        found.append({"prompt": prompt, "response": response, "answer": str(PARTNERS[number]), "verifier": "math"})
    return found


def write(path: Path, found: list[dict]) -> str:
    path.write_text("".join(json.dumps(row) + "\n" for row in found))
    return str(path)


def options(recipe: dict) -> list[str]:
    return [word for key, value in recipe.items() for word in (f"--{key}", json.dumps(value))]


def train(module: str, output: Path, **recipe) -> None:
    """Runs a training stage in this process."""
    importlib.import_module(f"open_r1.{module}").main([*options(SHARED | recipe), "--output_dir", str(output)])
    assert read_manifest(output)


def supervised(output: Path, root: Path, shares: dict[int, float]) -> str:
    texts = [{"prompt": row["prompt"], "completion": row["response"]} for row in rows({0: 1}, 200)]
    corpus = write(root / "corpus.jsonl", texts)
    train(
        "sft", output, datasets=write(root / f"{output.name}.jsonl", rows(shares, 2000)), model_config=MODEL,
        tokenizer={"vocab_size": 400, "corpus": {"path": corpus}}, chat_template="recipes/mini/templates/zero.jinja",
        max_length=64, packing=False, completion_only_loss=True, max_steps=120, per_device_train_batch_size=32,
        optimizer="muon", optimizer_args={"muon_lr": 0.02}, learning_rate=3e-3,
        lr_scheduler_type="cosine", warmup_steps=10,
    )  # fmt: skip
    return str(output)


def reinforced(output: Path, root: Path, start: str, rewards: dict, guards: dict) -> str:
    train(
        "grpo", output, datasets=write(root / "problems.jsonl", rows({0: 1}, 400)), model_name_or_path=start,
        rewards=rewards, guards=guards, beta=0.0, loss_type="grpo", scale_rewards="group", num_generations=8,
        prompts_per_step=8, generation_batch_size=64, per_device_train_batch_size=64, max_completion_length=24,
        temperature=1.0, learning_rate=5e-4, lr_scheduler_type="constant", max_steps=40,
        mask_truncated_completions=False,
    )  # fmt: skip
    return str(output)


def measured(model: str, root: Path) -> dict:
    """Evaluation of a model on every question, eight samples each, at temperature 1."""
    from open_r1.evaluate import main

    output = root / f"evaluate_{Path(model).name}"
    problems = {row["prompt"]: row for row in rows({0: 1}, 400)}
    problems = write(root / "questions.jsonl", [problems[key] for key in sorted(problems)])
    recipe = {"models": [model], "datasets": problems, "num_samples": 8, "temperature": 1.0, "max_new_tokens": 32}
    main([*options(recipe | {"dtype": "float32"}), "--output_dir", str(output)])
    (metrics,) = read_manifest(output)["metrics"].values()
    return metrics


@pytest.fixture(scope="module")
def world(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("learning")


@pytest.fixture(scope="module")
def start(world) -> str:
    """A base model that answers right and wrong about equally often."""
    return supervised(world / "start", world, {0: 0.5, 1: 0.5})


def test_sft_learns_the_answers_and_to_stop(world):
    metrics = measured(supervised(world / "taught", world, {0: 1.0}), world)
    assert metrics["pass@1"] >= 0.9 and metrics["truncated"] == 0


def test_on_policy_distillation_learns_what_its_teacher_knows(world, start):
    teacher = str(world / "taught") if (world / "taught").exists() else supervised(world / "taught", world, {0: 1.0})
    train(
        "on_policy_distill", world / "student", datasets=write(world / "asked.jsonl", rows({0: 1}, 400)),
        model_name_or_path=start, teacher_model_name_or_path=teacher, beta=1.0, rows_per_step=64,
        per_device_train_batch_size=64, max_completion_length=24, learning_rate=2e-3,
        lr_scheduler_type="constant", max_steps=40,
    )  # fmt: skip
    before, after = measured(start, world)["pass@1"], measured(str(world / "student"), world)
    print(before, after)
    assert before < 0.6 and after["pass@1"] >= 0.9 and after["truncated"] == 0


def test_sft_without_the_last_token_of_each_response_does_not(world, monkeypatch):
    from trl.trainer import sft_trainer

    collator = sft_trainer.DataCollatorForLanguageModeling
    collate = collator.torch_call

    def shifted(self, examples):
        batch = collate(self, examples)
        batch["labels"][:, :-1] = batch["labels"][:, :-1].masked_fill(batch["labels"][:, 1:] == -100, -100)
        batch["labels"][:, -1] = -100
        return batch

    monkeypatch.setattr(collator, "torch_call", shifted)
    metrics = measured(supervised(world / "shifted", world, {0: 1.0}), world)
    assert metrics["truncated"] > 0.9


def test_grpo_learns_from_its_reward_and_from_nothing_else(world, start):
    scores = {"start": measured(start, world)["pass@1"]}
    for name, rewards, guards in [
        ("zero", {"accuracy": {"weight": 1.0}}, {}),
        ("random", {"random": {"weight": 1.0}}, {}),
        ("worthless", {"accuracy": {"weight": 0.0}}, {"no_spread": None}),  # which would end it, rightly
    ]:
        scores[name] = measured(reinforced(world / name, world, start, rewards, guards), world)["pass@1"]
    print(scores)
    assert 0.2 < scores["start"] < 0.6, scores
    assert scores["zero"] >= max(scores["start"], scores["random"]) + MARGIN, scores
    assert scores["worthless"] < scores["start"] + MARGIN, scores
