"""
Stages that start from what is on the Hub: they load it as a directory, and call it by its name wherever they write
one. The Hub is off, as in all tests; the cache holds what would have been pulled.
"""

import json
import os
import shutil

import pytest
from conftest import HUB_CACHE, REPOSITORY
from tiny_models import TURN_END, run, save_rows, save_tiny_base

from open_r1 import curate, evaluate, generate, grpo, plan, serve, sft, show_data
from open_r1.core.artifacts import read_manifest
from open_r1.data.models import load_model
from open_r1.sampling.store import read_store, read_stores

TEMPLATE = str(REPOSITORY / "recipes/templates/chatml/r1.jinja")
COMMIT = "c0ffee" * 6 + "cafe"
SHORT = {"max_steps": 1, "save_strategy": "no", "per_device_train_batch_size": 4, "max_length": 128}


def words(values):
    return [word for key, value in values.items() for word in (f"--{key}", json.dumps(value))]


def command(main, **recipe):
    """A command that trains nothing."""
    main(words(recipe))


def pull(directory, kind, name, revision="main"):
    """Puts a directory where a pull of it would have put it."""
    repository = HUB_CACHE / f"{kind}s--{name.replace('/', '--')}"
    shutil.copytree(directory, repository / "snapshots" / COMMIT, ignore=shutil.ignore_patterns(".*"))
    (repository / "refs").mkdir()
    (repository / "refs" / revision).write_text(COMMIT)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """`lab/base` and `lab/rows` are pulled, and `lab/adapter`, which an SFT from `lab/base@v1` makes."""
    place = tmp_path_factory.mktemp("from hub")
    save_tiny_base(place / "base", "chatml")
    pull(place / "base", "model", "lab/base", "v1")
    (place / "rows").mkdir()
    save_rows(place / "rows/rows.jsonl", 8)
    pull(place / "rows", "dataset", "lab/rows")
    lora = {"use_peft": True, "lora_r": 8, "merge": False, "response_format": "zero"}
    adapter = {"model_name_or_path": "lab/base@v1", "output_dir": str(place / "adapter"), **SHORT, **lora}
    adapter |= {"datasets": [{"path": "lab/rows"}], "chat_template": TEMPLATE, "eos_token": TURN_END["chatml"]}
    run(sft.main, **adapter)
    pull(place / "adapter", "model", "lab/adapter")
    yield place
    for directory in HUB_CACHE.glob("*--lab--*"):
        shutil.rmtree(directory)


def test_an_adapter_names_its_base_on_the_hub(place):
    settings = json.loads((place / "adapter/adapter_config.json").read_text())
    assert (settings["base_model_name_or_path"], settings["revision"]) == ("lab/base", COMMIT)
    manifest = read_manifest(place / "adapter")
    assert manifest["inputs"]["lab/base@v1"] == manifest["inputs"]["lab/rows"] == COMMIT
    assert manifest["recipe"]["model_name_or_path"] == "lab/base@v1"
    assert str(HUB_CACHE) not in json.dumps(manifest["recipe"]) + (place / "adapter/README.md").read_text()


def test_models_are_called_by_their_names(place):
    values = {"num_samples": 2, "max_new_tokens": 4, "output_dir": str(place / "evaluation")}
    sources = [{"path": "lab/rows", "limit": 2, "domain": "reasoning"}]
    models = ["lab/adapter", {"path": "lab/base@v1", "chat_template": TEMPLATE}]
    command(evaluate.main, models=models, datasets=sources, **values)
    assert set(read_manifest(place / "evaluation")["metrics"]) == {"adapter", "base"}
    (row, *_) = read_stores(place / "evaluation/adapter")
    assert row["model"] == "lab/adapter"
    from open_r1.sampling.models import read_models

    folder = HUB_CACHE / "models--lab--adapter/snapshots" / COMMIT
    assert [(model.name, model.writes) for model in read_models([str(folder)])] == [("adapter", "zero")]


def test_an_adapter_that_gives_no_commit_of_its_base_keeps_the_one_that_was_found_first(place, tmp_path, capsys):
    """As PEFT saves it: `revision: null`. By now the base's branch has moved, to a commit that is not here."""
    shutil.copytree(place / "adapter", tmp_path / "foreign", ignore=shutil.ignore_patterns("manifest.json"))
    file = tmp_path / "foreign/adapter_config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"revision": None}))
    pull(tmp_path / "foreign", "model", "lab/foreign")
    branch = HUB_CACHE / "models--lab--base/refs/main"
    branch.write_text(COMMIT)
    values = {"model": "lab/foreign", "datasets": [{"path": "lab/rows"}], "num_samples": 1, "max_new_tokens": 4}
    values |= {"response_format": "zero", "chat_template": TEMPLATE}
    command(generate.main, **values, output_dir=str(place / "of foreign"))
    assert read_manifest(place / "of foreign")["inputs"]["lab/foreign on lab/base"] == COMMIT
    (place / "of foreign/manifest.json").rename(place / "of foreign/started.json")
    next((place / "of foreign").glob("part-*.jsonl")).unlink()
    branch.write_text("0ff" * 13 + "0")
    command(generate.main, **values, output_dir=str(place / "of foreign"))
    assert read_manifest(place / "of foreign")["inputs"]["lab/foreign on lab/base"] == COMMIT
    with pytest.raises(SystemExit):
        command(generate.main, **values, output_dir=str(place / "of foreign"), force=True)
    assert "0ff0ff" in capsys.readouterr().err
    branch.unlink()


def test_rl_starts_from_an_adapter_on_the_hub(place):
    values = {"rewards": {"random": {}}, "num_generations": 2, "prompts_per_step": 2, "max_completion_length": 4}
    values |= {"datasets": [{"path": "lab/rows"}], "max_steps": 1, "save_strategy": "no"}
    values |= {"per_device_train_batch_size": 4, "use_peft": True, "merge": False, "output_dir": str(place / "rl")}
    run(grpo.main, model_name_or_path="lab/adapter", **values)
    settings = json.loads((place / "rl/adapter_config.json").read_text())
    assert (settings["base_model_name_or_path"], settings["revision"]) == ("lab/adapter", COMMIT)
    from transformers import AutoModelForCausalLM

    assert load_model(str(place / "rl"), AutoModelForCausalLM).can_generate()


def test_a_sample_store_on_the_hub_is_curated(place):
    values = {"num_samples": 2, "max_new_tokens": 4, "output_dir": str(place / "store"), "chat_template": TEMPLATE}
    command(generate.main, model="lab/base@v1", datasets=[{"path": "lab/rows"}], **values)
    assert {row["model"] for row in read_store(place / "store")} == {"lab/base"}
    pull(place / "store", "dataset", "lab/store")
    command(curate.main, samples="lab/store", per_problem=1, decontaminate=False, output_dir=str(place / "curated"))
    assert read_manifest(place / "curated")["rows"] == 8


def test_commands_that_are_no_stage_know_revisions_too(place, capsys, tmp_path, monkeypatch):
    values = {"model_name_or_path": "lab/base@v1", "use_vllm": True, "vllm_mode": "server", "chat_template": TEMPLATE}
    values |= {"datasets": [{"path": "lab/rows"}], "max_completion_length": 9, "rewards": {"random": {}}}
    values |= {"eos_token": TURN_END["chatml"]}
    serve.main([*words(values), "--dry-run"])
    line = capsys.readouterr().out
    assert "vllm serve lab/base --served-model-name lab/base@v1 " in line and "--revision v1 " in line
    executed = []
    monkeypatch.setattr(serve, "program", lambda: "vllm")
    monkeypatch.setattr(os, "execvpe", lambda _, command, environment: executed.extend(command))
    serve.main(words(values))
    folder = HUB_CACHE / "models--lab--base/snapshots" / COMMIT
    assert executed[:5] == ["vllm", "serve", str(folder), "--served-model-name", "lab/base@v1"]
    (tmp_path / "recipe.yaml").write_text(json.dumps(values))
    show_data.main([str(tmp_path / "recipe.yaml"), "-n", "1"])
    assert "tokens" in capsys.readouterr().out
    plan.main([str(tmp_path / "recipe.yaml"), "--model_name_or_path", "Qwen/Qwen2.5-1.5B@v1"])
    assert "Qwen/Qwen2.5-1.5B@v1, 1.54B parameters" in capsys.readouterr().out
