"""
Every recipe of the repository is run: what `recipe_list.py` finds is run here, or by the test of the mini pipeline,
and nothing else decides what is run.
"""

import gc
import json
import math
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest
from conftest import HUB_CACHE, REPOSITORY
from hub import Hub
from knowing import know
from recipe_list import laid, launches, recipes
from recipe_runs import COMMANDS, GPU, Runs, as_shown, keys
from servers import running

from open_r1.core.artifacts import read_manifest
from open_r1.core.formats import read_template
from open_r1.core.pipelines import read_pipeline
from open_r1.training.models import check_context, stored_config

MINI = "recipes/mini/pipeline.yaml"  # test_mini_pipeline.py runs it
COVERED = {
    f"recipes/mini/{stage['name']}.yaml" for stage in next(r for r in recipes() if r.path == MINI).content["stages"]
}
STAGES = [recipe for recipe in recipes("stage") if recipe.path not in COVERED]
STAGES += [recipe for overlay in recipes("overlay") for recipe in laid(overlay)]
TRAINING = [recipe for recipe in STAGES if COMMANDS[recipe.launch.command].trains]
DATA = [recipe for recipe in STAGES if recipe not in TRAINING]
# for each command and each key of it that needs a GPU somewhere, one recipe that says so
NEEDY = {(r.launch.command, key): (r, key) for r in STAGES for key in GPU if as_shown(r).get(key) == GPU[key]}.values()
# what a command's rows have beside prompt, problem_id and domain
COLUMNS = {"curate": {"response"}, "mix": {"response"}, "prefer": {"chosen", "rejected", "score"}}


def each(found: list) -> list:
    return [pytest.param(recipe, id=recipe.name) for recipe in found]


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """All runs, with the Hub and the servers that they ask."""
    import torch

    from open_r1 import evaluate
    from open_r1.training import preload  # noqa: F401

    before = torch.get_num_threads()
    with pytest.MonkeyPatch.context() as patch, running() as server:
        server.otherwise = know
        patch.chdir(REPOSITORY)
        patch.setenv("NO_PROXY", "127.0.0.1")
        patch.setattr(evaluate, "ProcessPoolExecutor", lambda *_: ThreadPoolExecutor(1))  # no seconds of imports
        torch.set_num_threads(1)
        gc.collect()
        gc.freeze()  # trainers collect garbage, and need not look through all that was imported
        yield Runs(tmp_path_factory.mktemp("recipes"), Hub(HUB_CACHE, tmp_path_factory.mktemp("models")), server.url)
    gc.unfreeze()
    torch.set_num_threads(before)


def test_every_recipe_has_a_run():
    run = {recipe.path for recipe in (*TRAINING, *DATA)} | COVERED
    assert not {recipe.path for recipe in recipes("stage", "overlay")} - run


@pytest.mark.parametrize("recipe", each(TRAINING))
def test_training_recipe_takes_two_steps(runs, recipe):
    from open_r1.data.models import load_model
    from open_r1.data.tokenizer import load_tokenizer

    result = runs.result(recipe)
    manifest = read_manifest(result.output)
    assert manifest["steps"] == 2
    history = json.loads((result.output / "trainer_state.json").read_text())["log_history"]
    losses = [entry["loss"] for entry in history if "loss" in entry]
    assert losses and all(map(math.isfinite, losses))
    for name in result.recipe.get("rewards") or {}:
        assert any(f"rewards/{name}/mean" in entry for entry in history)
    tokenizer = load_tokenizer(str(result.output))
    if result.recipe.get("chat_template"):
        assert tokenizer.chat_template == read_template(result.recipe["chat_template"])
    if result.recipe.get("eos_token"):
        assert tokenizer.eos_token == result.recipe["eos_token"]
    assert tokenizer.pad_token_id not in (None, tokenizer.eos_token_id)
    writes(result.output, tokenizer, load_model)


def writes(directory, tokenizer, load) -> None:
    """Asserts that a model does what it is for: it writes, or it scores."""
    import torch
    from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification

    config = json.loads((directory / "config.json").read_text()) if (directory / "config.json").exists() else {}
    scores = "SequenceClassification" in "".join(config.get("architectures") or [])
    model = load(str(directory), AutoModelForSequenceClassification if scores else AutoModelForCausalLM)
    inputs = tokenizer.apply_chat_template(
        [{"role": "user", "content": "What is 1 + 2?"}],
        add_generation_prompt=True,
        return_tensors="pt",
        return_dict=True,
    )
    if scores:
        assert torch.isfinite(model(**inputs).logits).all()
        return
    assert tokenizer.eos_token_id in model.generation_config.eos_token_id
    found = model.generate(**inputs, max_new_tokens=3, min_new_tokens=3, pad_token_id=tokenizer.pad_token_id)
    assert found.shape[1] == inputs["input_ids"].shape[1] + 3


@pytest.mark.parametrize("recipe", each(TRAINING))
def test_texts_fit_the_start_model(runs, recipe):
    """As long as they are without `--smoke`, and where vLLM makes room for them."""
    full, start = as_shown(recipe), runs.result(recipe).recipe.get("model_name_or_path")
    if start is None:
        return
    config = SimpleNamespace(model_init_kwargs=full.get("model_init_kwargs"), trust_remote_code=False)
    model = SimpleNamespace(model_name_or_path=start, model_revision=full.get("model_revision", "main"))
    run = SimpleNamespace(recipe=full, source=start, config=config, model_args=model)
    check_context(run)
    given = (config.model_init_kwargs or {}).get(
        "max_position_embeddings", stored_config(run).get_text_config().max_position_embeddings
    )
    assert (full.get("vllm_max_model_length") or 0) <= given


@pytest.mark.parametrize(("recipe", "key"), [pytest.param(*one, id="-".join((one[0].name, one[1]))) for one in NEEDY])
def test_what_needs_a_gpu_is_refused_by_name(runs, recipe, key):
    message, fix, *rest = runs.refusal(recipe, key).splitlines()
    assert message.startswith("error: ") and f"`{key}" in message and fix.startswith("  fix: ") and not rest


@pytest.mark.parametrize("pipeline", each([recipe for recipe in recipes("pipeline") if recipe.path != MINI]))
def test_pipeline_runs_to_its_end(runs, pipeline):
    """In its order: a stage reads what a stage before it made, or what a header says how to make."""
    shown = {"root": str(runs.folder / pipeline.content["root"]), "with": pipeline.launch.values("with")}
    stages, *_ = read_pipeline(REPOSITORY / pipeline.path, shown)
    before = {path for launch in launches(pipeline.path) for path in launch.values("config")}
    there = {place for place, recipe in runs.makers.items() if recipe.path in before}
    for stage in stages:
        recipe = runs.makers[stage.output]
        assert recipe.launch.command == stage.command
        missing = [p for p in runs.inputs(stage.command, stage.recipe) if p not in there and not imported(runs, p)]
        assert not missing, f"{stage.name} reads {missing}, which no earlier stage makes"
        assert read_manifest(runs.result(recipe).output)
        there.add(stage.output)


def imported(runs, path) -> bool:
    """Whether an artifact is made by no recipe, and a header says by what."""
    return path not in runs.makers and runs.told(path)


@pytest.mark.parametrize("recipe", each(DATA))
def test_data_recipe_leaves_what_it_is_for(runs, recipe):
    check_data(recipe, runs.result(recipe))


SMOKE = [recipe for recipe in STAGES if recipe.kind == "stage" and "smoke" in recipe.content]


@pytest.mark.parametrize("recipe", each(SMOKE))
def test_smoke_section_runs_as_it_stands(runs, recipe):
    result = runs.result(recipe, smoke=True)
    if recipe in TRAINING:
        assert read_manifest(result.output)["steps"] == 2
    else:
        check_data(recipe, result)


def check_data(recipe, result):
    import datasets

    manifest = read_manifest(result.output)
    if recipe.launch.command == "evaluate":
        assert set(manifest["metrics"]) and all(0 <= row["pass@1"] <= 1 for row in manifest["metrics"].values())
        return
    if recipe.launch.command == "generate":
        assert manifest["samples"] > 0 and manifest["failed"] == 0
        return
    if not (result.output / "data.parquet").exists():
        assert manifest
        return
    rows = datasets.Dataset.from_parquet(str(result.output / "data.parquet"))
    assert len(rows) == manifest["rows"] > 0 and sum(manifest.get("domains", {"all": len(rows)}).values()) == len(rows)
    wanted = COLUMNS.get(recipe.launch.command, set())
    wanted = {"pass_rate", "answer"} if result.recipe.get("output") == "problems" else wanted
    assert {"prompt", "problem_id", "domain"} | wanted <= set(rows.column_names)
    assert all(row["prompt"][-1]["role"] == "user" for row in rows)
    if "decontaminate" in keys(recipe.launch.command):
        assert (manifest["contamination"] is None) == (result.recipe.get("decontaminate") is False)
