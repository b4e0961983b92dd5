"""`open-r1 serve` starts the server that a recipe describes."""

import json
import os
import subprocess
import sys

import pytest
from conftest import REPOSITORY
from tiny_models import save_tiny_base
from waiting import PATIENCE

from open_r1 import serve

TEMPLATE = str(REPOSITORY / "recipes/templates/chatml/r1.jinja")


@pytest.fixture
def recipe(tmp_path):
    """Keys of a recipe whose longest prompt has 60 words."""
    rows = tmp_path / "rows.jsonl"
    rows.write_text("".join(json.dumps({"prompt": "x " * n, "answer": "1"}) + "\n" for n in (1, 30, 60)))
    model = save_tiny_base(tmp_path / "base", "chatml")
    values = {"use_vllm": True, "vllm_mode": "server", "model_name_or_path": model, "max_completion_length": 100}
    return values | {"datasets": [{"path": str(rows)}], "chat_template": TEMPLATE, "output_dir": str(tmp_path / "out")}


def words(values: dict, *more: str) -> list[str]:
    return [*(word for key, value in values.items() for word in (f"--{key}", json.dumps(value))), *more]


def shown(capsys, values: dict) -> str:
    serve.main(words(values, "--dry-run"))
    return capsys.readouterr().out


def test_an_overlay_of_the_trainer_is_one_of_its_server(recipe, capsys, tmp_path):
    (tmp_path / "nodes.yaml").write_text("grpo: {vllm_tensor_parallel_size: 8}\nsft: {}\n")
    serve.main(words(recipe, "--dry-run", "--with", str(tmp_path / "nodes.yaml")))
    assert "--tensor-parallel-size 8 " in capsys.readouterr().out


def test_the_command_follows_from_the_recipe(recipe, capsys):
    from open_r1.core.formats import render_prompt
    from open_r1.data.tokenizer import load_tokenizer

    model = recipe["model_name_or_path"]
    tokenizer = load_tokenizer(model, TEMPLATE)
    prompt = render_prompt(tokenizer, [{"role": "user", "content": "x " * 60}])
    length = len(tokenizer(prompt)["input_ids"]) + 100
    expected = f"VLLM_SERVER_DEV_MODE=1 vllm serve {model} --served-model-name {model} --host 127.0.0.1 --port 8000 "
    expected += f"--max-model-len {length} --tensor-parallel-size 1 --dtype bfloat16 --model-impl vllm "
    expected += '--generation-config vllm --weight-transfer-config \'{"backend": "nccl"}\' '
    expected += "--logprobs-mode processed_logprobs --max-logprobs -1\n"
    assert shown(capsys, recipe) == expected


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        ({"vllm_max_model_length": 4096}, "--max-model-len 4096 "),
        ({"vllm_server_base_url": "http://node2:8123"}, "--host 0.0.0.0 --port 8123 "),
        ({"vllm_server_host": "10.0.0.7", "vllm_server_port": 81}, "--host 0.0.0.0 --port 81 "),
        ({"vllm_server_base_url": "http://localhost:8123"}, "--host 127.0.0.1 --port 8123 "),
        ({"vllm_tensor_parallel_size": 4}, "--tensor-parallel-size 4 "),
        ({"bf16": False, "dtype": "float32"}, "--dtype float32 "),
        ({"fp16": True}, "--dtype float16 "),
        ({"vllm_model_impl": "transformers"}, "--model-impl transformers "),
    ],
)
def test_each_key_finds_its_option(recipe, capsys, changes, part):
    assert part in shown(capsys, {"vllm_max_model_length": 512} | recipe | changes)


def test_a_recipe_under_the_overlay_of_several_machines(monkeypatch, capsys):
    monkeypatch.chdir(REPOSITORY)
    files = ["--config", "recipes/Qwen2.5-32B/zero.yaml", "--with", "recipes/hardware/multi_node.yaml"]
    keys = {
        "vllm_server_base_url": "http://node2:8000",
        "vllm_max_model_length": 34816,
        "vllm_tensor_parallel_size": 8,
    }
    serve.main([*files, *words(keys, "--dry-run")])
    line = capsys.readouterr().out
    assert "vllm serve Qwen/Qwen2.5-32B --served-model-name Qwen/Qwen2.5-32B --host 0.0.0.0 --port 8000 " in line
    assert "--max-model-len 34816 --tensor-parallel-size 8 --dtype bfloat16 " in line


def test_a_revision_is_passed_on(recipe, capsys):
    changes = {"model_name_or_path": "org/model", "model_revision": "v2", "vllm_max_model_length": 512}
    assert "serve org/model --served-model-name org/model " in (line := shown(capsys, recipe | changes))
    assert "--revision v2 " in line


def test_under_an_adapter_its_base_is_loaded_and_the_adapter_is_named(recipe, tmp_path, capsys):
    adapter = tmp_path / "adapter"
    adapter.mkdir()
    settings = {"base_model_name_or_path": recipe["model_name_or_path"], "peft_type": "LORA"}
    (adapter / "adapter_config.json").write_text(json.dumps(settings))
    line = shown(capsys, recipe | {"model_name_or_path": str(adapter), "vllm_max_model_length": 512})
    assert f"serve {recipe['model_name_or_path']} --served-model-name {adapter} " in line


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"use_vllm": False}, "its completions come from no server\n  fix: add `use_vllm: true` and `vllm_mode"),
        ({"vllm_mode": "colocate"}, "its completions come from no server"),
        ({"vllm_servr_port": 1}, "unknown key `vllm_servr_port`\n  fix: did you mean `vllm_server_port`?"),
        ({"vllm_server_base_url": "http://node2:8000/v1"}, "fix: write `vllm_server_base_url: http://node2:8000`"),
        ({"model_name_or_path": None}, "names no model"),
    ],
)
def test_a_recipe_that_describes_no_server(recipe, capsys, changes, message):
    with pytest.raises(SystemExit) as ended:
        serve.main(words(recipe | changes, "--dry-run"))
    assert ended.value.code == 2 and message in capsys.readouterr().err


def test_it_becomes_the_server(recipe, tmp_path):
    """A program named `vllm` on the path is executed in its place, in development mode."""
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin/vllm"
    program.write_text('#!/bin/sh\necho "pid $$ mode $VLLM_SERVER_DEV_MODE: $@"\nexit 3\n')
    program.chmod(0o755)
    command = [sys.executable, "-m", "open_r1.cli", "serve", *words(recipe | {"vllm_max_model_length": 512})]
    environment = os.environ | {"PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}"}
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True, cwd=REPOSITORY)
    output, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 3
    assert f"pid {process.pid} mode 1: serve {recipe['model_name_or_path']} --served-model-name" in output


def test_without_vllm_it_says_how_to_install_it(recipe, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    with pytest.raises(SystemExit):
        serve.main(words(recipe | {"vllm_max_model_length": 512}))
    assert "`vllm` is not installed here\n  fix: pip install -e '.[vllm]'" in capsys.readouterr().err
