"""
Every mistake a user can make ends in one line that names it and one that fixes it, and leaves nothing that looks
complete.
"""

import importlib.util

import pytest
import yaml
from conftest import REPOSITORY
from real_vllm import tiny_model

from open_r1 import curate, evaluate, generate, grpo, pipeline, reward_model, sft

MINI = str(REPOSITORY / "recipes/mini")


def fails(capsys, main, *arguments: object) -> str:
    """Runs a stage that must refuse; returns what it printed."""
    with pytest.raises(SystemExit) as ended:
        main([str(word) for word in arguments])
    error = capsys.readouterr().err
    lines = error.strip().splitlines()
    assert ended.value.code == 2 and lines[-2].startswith("error: ") and lines[-1].startswith("  fix: "), error
    assert "Traceback" not in error
    return lines[-2] + "\n" + lines[-1]


@pytest.fixture(autouse=True)
def in_repository(monkeypatch):
    monkeypatch.chdir(REPOSITORY)


@pytest.fixture
def chain(smoke_root, tmp_path):
    """Arguments of a small GRPO run; what a test appends wins."""
    model = ["--model_name_or_path", str(smoke_root / "base"), "--output_dir", str(tmp_path / "out")]
    return ["--config", f"{MINI}/zero.yaml", "--smoke", *model]


@pytest.mark.parametrize(
    ("extra", "expected"),
    [
        (["--learning_rat", 1], ["unknown key `learning_rat`", "did you mean `learning_rate`?"]),
        (["--torch_dtype", "float32"], ["unknown key `torch_dtype`", "it is now dtype"]),
        (["--learning_rate", "fast"], ["learning_rate"]),
        (["--num_generations", 3], ["prompts_per_step 2 x num_generations 3"]),
        (["--per_device_train_batch_size", 5], ["2 x num_generations 4 = 8", "5 does not divide"]),
        (["--generation_batch_size", 16, "--save_steps", 3], ["save_steps 3", "2 optimiser steps"]),
        (["--model_name_or_path", "data/nowhere/zero"], ["data/nowhere/zero does not exist"]),
        (["--datasets", "[{path: 'mini:nothing'}]"], ["mini:nothing", "mini:chain"]),
        (["--datasets", "[{path: missing.jsonl}]"], ["missing.jsonl does not exist"]),
        (["--datasets", "[]"], ["lists no `datasets`"]),
        (["--datasets", "[{path: 'mini:chain', weight: -1}]"], ["weight: -1"]),
        (["--datasets", "[{path: 'mini:chain', weight: 1}, {path: 'mini:chain'}]"], ["has no `weight`, others have"]),
        (["--datasets", "[{path: 'mini:chain', weight: 0}]"], ["no source is drawn at step 0"]),
        (["--datasets", "[{path: 'mini:chain', from_step: 2.5}]"], ["from_step: 2.5"]),
        (
            ["--datasets", "[{path: 'mini:chain', limit: 1}, {path: 'mini:chain', limit: 9, from_step: 1}]"],
            ["1 prompts are drawn from at step 0, fewer than the 2 of one rollout"],
        ),
        (["--datasets", "[{path: 'mini:chain', weight: 1}]", "--max_steps", -1], ["need `max_steps`"]),
        (["--datasets", "[{path: 'mini:chain', count: 5}]"], ["`count` means nothing here", "use `limit`"]),
        (["--rewards", "{acuracy: {}}"], ["acuracy", "accuracy"]),
        (["--rewards", "{accuracy: {wait: 1}}"], ["reward `accuracy`", "wait"]),
        (["--rewards.helpful.model", "data/nowhere/rm"], ["data/nowhere/rm does not exist"]),
        (["--chat_template", "none.jinja"], ["none.jinja does not exist"]),
        (["--output_dir", "/dev/null/out"], ["/dev/null"]),
        (["--enable_jit_checkpoint"], ["enable_jit_checkpoint", "a signal saves all ranks anyway"]),
        (["--save_only_model"], ["`save_only_model: true` leaves checkpoints that cannot continue"]),
    ],
)
def test_grpo_refuses(capsys, chain, extra, expected):
    message = fails(capsys, grpo.main, *chain, *extra)
    for part in expected:
        assert part in message


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ('{"puzzle": "1 + 1"}', "no column `prompt`; it has puzzle"),
        ('{"prompt": "1 + 1"}', "no column `answer`"),
        ('{"prompt": "1 + 1", "answer": ""}', "gold answer ''"),
        ('{"prompt": "1 + 1", "answer": null}', "gold answer None"),
        ('{"prompt": "1 + 1", "answer": "2", "verifier": "magic"}', "magic"),
    ],
)
def test_dataset_rows_are_checked(capsys, chain, tmp_path, row, expected):
    file = tmp_path / "rows.jsonl"
    file.write_text(row + "\n")
    assert expected in fails(capsys, grpo.main, *chain, "--datasets", f"[{{path: {file}}}]")


def test_model_without_tokenizer(capsys, chain, smoke_root, tmp_path):
    (tmp_path / "model").mkdir()
    (tmp_path / "model/config.json").write_text((smoke_root / "base/config.json").read_text())
    assert "has no tokenizer" in fails(capsys, grpo.main, *chain, "--model_name_or_path", tmp_path / "model")


def test_template_that_swallows_the_reasoning(capsys, smoke_root, tmp_path):
    template = tmp_path / "swallows.jinja"
    template.write_text(
        "{% for m in messages %}{{ m.role }}: {{ m.content.split('</think>')[-1] }}{{ eos_token }}{% endfor %}"
    )
    arguments = [
        "--config",
        f"{MINI}/sft.yaml",
        "--smoke",
        "--root",
        smoke_root,
        "--output_dir",
        tmp_path / "out",
        "--chat_template",
        template,
    ]
    assert "removes the reasoning" in fails(capsys, sft.main, *arguments)


@pytest.mark.parametrize(
    ("main", "recipe"),
    [
        (sft.main, "cold_start"),
        (reward_model.main, "helpful_rm"),
        (curate.main, "cold_start_data"),
        (evaluate.main, "evaluate"),
    ],
)
def test_missing_upstream_artifact(capsys, tmp_path, main, recipe):
    message = fails(capsys, main, "--config", f"{MINI}/{recipe}.yaml", "--smoke", "--root", tmp_path / "empty")
    assert "does not exist" in message and not (tmp_path / "empty").exists()


@pytest.mark.parametrize(
    ("text", "expected"),
    [("- a\n- b\n", "holds list, not a mapping"), ("a: [1\n", "not valid YAML"), (None, "no such recipe")],
)
def test_recipe_that_is_none(capsys, tmp_path, text, expected):
    file = tmp_path / "recipe.yaml"
    if text:
        file.write_text(text)
    assert expected in fails(capsys, grpo.main, "--config", file)
    assert expected in fails(capsys, pipeline.main, file)


def test_full_disk_is_one_line_and_leaves_nothing_complete(capsys, chain, monkeypatch, tmp_path):
    """The manifest is written last, so a stage that cannot write the model never looks complete."""
    import errno

    import safetensors.torch

    def full(*args, **kwargs):
        raise OSError(errno.ENOSPC, "No space left on device", "model.safetensors")

    monkeypatch.setattr(safetensors.torch, "save_file", full)
    monkeypatch.setattr("transformers.modeling_utils.safe_save_file", full)
    assert "No space left on device" in fails(capsys, grpo.main, *chain)
    assert not (tmp_path / "out/manifest.json").exists()


def test_filters_that_leave_nothing_show_the_funnel(capsys, smoke_root, tmp_path):
    store = smoke_root / "cold_start_data/samples"
    recipe = {
        "root": str(tmp_path),
        "output_dir": str(tmp_path / "out"),
        "samples": str(store),
        "filters": ["finished", "correct"],
        "decontaminate": False,
    }
    (tmp_path / "recipe.yaml").write_text(yaml.safe_dump(recipe))
    assert "is left (finished -" in fails(capsys, curate.main, "--config", tmp_path / "recipe.yaml")


def test_evaluation_refuses_more_k_than_samples():
    from open_r1.metrics.statistics import pass_at_k

    with pytest.raises(ValueError, match="pass@16 needs 16 samples"):
        pass_at_k([[True] * 8], 16)


@pytest.mark.skipif(importlib.util.find_spec("vllm") is not None, reason="vLLM is installed here")
def test_vllm_that_is_not_installed(capsys, tmp_path):
    model, output = tiny_model(tmp_path / "model"), tmp_path / "out"
    words = ["--config", f"{MINI}/zero.yaml", "--smoke", "--model_name_or_path", model, "--output_dir", output]
    assert "`use_vllm: true` needs vLLM" in fails(capsys, grpo.main, *words, "--use_vllm", "true")
    recipe = {"model": model, "engine": "vllm", "datasets": [{"path": "mini:chain", "limit": 1}]}
    (tmp_path / "recipe.yaml").write_text(yaml.safe_dump(recipe | {"output_dir": str(output) + "-samples"}))
    assert "`engine: vllm` needs vLLM" in fails(capsys, generate.main, "--config", tmp_path / "recipe.yaml")
