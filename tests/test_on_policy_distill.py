"""On-policy distillation: a teacher that cannot teach is refused, and rows that no token has change nothing."""

import json

import pytest
import torch
from test_bad_input import fails
from tiny_models import save_tiny_base

from open_r1 import on_policy_distill
from open_r1.core.artifacts import read_manifest


@pytest.fixture
def pair(tmp_path):
    """Arguments of a run of two steps, with a student and a teacher of one tokenizer; what a test appends wins."""
    student = save_tiny_base(tmp_path / "student", "chatml")
    teacher = save_tiny_base(tmp_path / "teacher", "chatml", hidden_size=32)
    recipe = {
        "model_name_or_path": student, "teacher_model_name_or_path": teacher, "output_dir": str(tmp_path / "out"),
        "datasets": [{"path": "mini:chain", "limit": 8}], "chat_template": "recipes/templates/chatml/r1.jinja",
        "eos_token": "<|im_end|>", "rows_per_step": 4, "per_device_train_batch_size": 2, "max_completion_length": 8,
        "max_steps": 2, "learning_rate": 0.01, "logging_steps": 1, "use_cpu": True, "bf16": False,
        "dtype": "float32", "report_to": "none",
    }  # fmt: skip
    return [word for key, value in recipe.items() for word in (f"--{key}", json.dumps(value))]


def losses(output) -> list[float]:
    rows = json.loads((output / "trainer_state.json").read_text())["log_history"]
    return [row["loss"] for row in rows if "loss" in row]


def test_rows_without_a_token_are_left_out_of_the_teacher(pair, tmp_path):
    """As between Qwen2.5-Math-1.5B and -7B, whose embeddings are rounded up to other sizes."""
    from transformers import AutoModelForCausalLM

    on_policy_distill.main(pair)
    wide = AutoModelForCausalLM.from_pretrained(tmp_path / "teacher")
    rows = wide.get_input_embeddings().num_embeddings
    wide.resize_token_embeddings(rows + 24)
    with torch.no_grad():
        wide.get_output_embeddings().weight[rows:] = 9.0  # as likely as any other
    save_tiny_base(tmp_path / "wide", "chatml")  # the tokenizer
    wide.save_pretrained(tmp_path / "wide")
    on_policy_distill.main([*pair, "--teacher_model_name_or_path", str(tmp_path / "wide"), "--output_dir",
                            str(tmp_path / "again")])  # fmt: skip
    assert read_manifest(tmp_path / "again")["steps"] == 2 and losses(tmp_path / "out")[0] > 0
    assert losses(tmp_path / "again") == pytest.approx(losses(tmp_path / "out"), rel=1e-4)


def test_held_out_prompts_are_evaluated(pair, tmp_path):
    extra = ["--eval_datasets", "[{path: 'mini:chain', split: test, limit: 4}]", "--eval_strategy", "steps"]
    on_policy_distill.main([*pair, *extra, "--eval_steps", "1", "--per_device_eval_batch_size", "4"])
    rows = json.loads((tmp_path / "out/trainer_state.json").read_text())["log_history"]
    found = [row["eval_loss"] for row in rows if "eval_loss" in row]
    assert len(found) == 2 and all(loss > 0 for loss in found)


@pytest.mark.parametrize(
    ("extra", "expected"),
    [
        (["--teacher_model_name_or_path", "null"], ["no `teacher_model_name_or_path`", "name the model"]),
        (["--teacher_model_name_or_path", "data/mini/nowhere"], ["data/mini/nowhere does not exist"]),
        (["--datasets", "[{path: 'mini:chain', limit: 3}]"], ["3 prompts, fewer than the 4 of one step"]),
        (["--datasets", "[]"], ["datasets"]),
        (["--per_device_train_batch_size", "3"], ["3 does not divide"]),
        (["--eos_token", "null"], ["the chat template ends responses with <|im_end|>", "set `eos_token: <|im_end|>`"]),
        (["--max_completion_length", "600"], ["`max_completion_length: 600`", "512 positions"]),
        (["--use_vllm", "true"], ["`use_vllm: true`"]),
    ],
    ids=lambda value: value[1][:12] if isinstance(value, list) and len(value) == 2 else "",
)
def test_bad_recipe_is_one_line(capsys, pair, tmp_path, extra, expected):
    message = fails(capsys, on_policy_distill.main, *pair, *extra)
    assert all(part in message for part in expected) and not read_manifest(tmp_path / "out")


def test_teacher_of_another_tokenizer_or_of_fewer_rows_is_refused(capsys, pair, tmp_path):
    other, small = save_tiny_base(tmp_path / "other", "llama3"), tmp_path / "small"
    message = fails(capsys, on_policy_distill.main, *pair, "--teacher_model_name_or_path", other)
    assert "has another tokenizer" in message and "open-r1 sft" in message
    rows = json.loads((tmp_path / "teacher/config.json").read_text())["vocab_size"]
    save_tiny_base(small, "chatml", vocab_size=rows - 1)
    second = ["--teacher_model_name_or_path", str(small), "--output_dir", str(tmp_path / "second")]
    message = fails(capsys, on_policy_distill.main, *pair, *second)
    assert f"has {rows - 1} rows" in message and f"fewer than the student's {rows}" in message
