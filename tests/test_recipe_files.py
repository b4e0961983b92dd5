"""
Every file below `recipes/` is a recipe, or reached by one; every recipe is read by the code that will run it, says
what it costs, and states what TRL's defaults hide. `test_recipe_runs.py` runs them.
"""

import importlib
import re

import pytest
import recipe_list
from conftest import REPOSITORY
from recipe_list import header, launches, recipes, unreached

from open_r1.core.commands import COMMANDS
from open_r1.core.fields import fill_all
from open_r1.core.recipes import load_recipe

STATED = """loss_type beta epsilon scale_rewards generation_batch_size temperature max_completion_length
mask_truncated_completions use_bias_correction_kl sync_ref_model ref_model_mixup_alpha ref_model_sync_steps
dtype"""
WHOLE = recipes("stage", "pipeline", "overlay")


def each(*commands: str) -> list:
    """The stages of some commands, or all."""
    found = [recipe for recipe in recipes("stage") if not commands or recipe.launch.command in commands]
    return [pytest.param(recipe, id=recipe.name) for recipe in found]


def test_every_file_is_a_recipe_or_reached_by_one():
    assert not unreached(), "their headers show no command with their path, and no recipe inherits or names them"


def test_file_without_a_command_is_found(tmp_path, monkeypatch):
    files = {
        "stage": "# Trains.\n#   accelerate launch --config_file x \\\n#     src/open_r1/sft.py \\\n"
        "#     --config recipes/a/stage.yaml\ninherit: parent.yaml\nexamples: recipes/a/named.yaml",
        "parent": "# A parent.\nseed: 0",
        "named": "# Named.\n- {question: x}",
        "other": "# Shows another's command.\n#   open-r1 sft --config recipes/a/stage.yaml\nseed: 1",
        "mention": "# Runs by `open-r1 sft --config recipes/a/mention.yaml`.\nseed: 2",
    }
    (tmp_path / "recipes/a").mkdir(parents=True)
    for name, text in files.items():
        (tmp_path / f"recipes/a/{name}.yaml").write_text(text)
    monkeypatch.setattr(recipe_list, "REPOSITORY", tmp_path)
    recipes.cache_clear()
    try:
        assert [recipe.path for recipe in recipes("stage")] == ["recipes/a/stage.yaml"]
        assert unreached() == ["recipes/a/mention.yaml", "recipes/a/other.yaml"]
    finally:
        recipes.cache_clear()


def test_kinds_are_told_apart():
    kinds = {recipe.path: recipe.kind for recipe in recipes()}
    assert kinds["recipes/mini/pipeline.yaml"] == kinds["recipes/SmolLM2-135M/short.yaml"] == "pipeline"
    assert kinds["recipes/mini/defaults.yaml"] == kinds["recipes/Qwen2.5-7B/rewrite_examples.yaml"] == "part"
    commands = {recipe.path: recipe.launch.command for recipe in recipes("stage")}
    assert commands["recipes/mini/helpful_rm.yaml"] == "reward-model"
    assert commands["recipes/Qwen2.5-1.5B/distill_lora.yaml"] == "sft"


def test_no_two_recipes_write_to_one_place():
    places = [load_recipe(recipe.path)["output_dir"] for recipe in recipes("stage")]
    assert len(places) == len(set(places))


@pytest.mark.parametrize("recipe", each())
@pytest.mark.parametrize("smoke", [False, True])
def test_recipe_is_parsed_by_its_command(recipe, smoke):
    import trl

    module = importlib.import_module(COMMANDS[recipe.launch.command].module)
    trains = COMMANDS[recipe.launch.command].trains
    here = {"use_cpu": True, "bf16": False} if trains else {}
    values = load_recipe(recipe.path, here, smoke, recipe.launch.values("with"), recipe.launch.command)
    adjust = getattr(module, "grpo_sizes", None) or getattr(module, "row_sizes", lambda found, _: found)
    kinds = (module.ARGUMENTS, *((getattr(trl, module.TRL), trl.ModelConfig) if trains else ()))
    args, *theirs = fill_all(kinds, adjust(values, recipe.path), recipe.path)
    place = theirs[0].output_dir if trains else args.output_dir
    assert place.startswith(args.root)
    if trains:
        assert args.datasets and (theirs[1].model_name_or_path or args.model_config)


@pytest.mark.parametrize("recipe", [pytest.param(recipe, id=recipe.name) for recipe in WHOLE])
def test_recipe_opens_with_what_it_needs(recipe):
    text = header(recipe.path)
    assert text.startswith(" ") and len(text.splitlines()[0]) > 20
    if recipe.kind == "stage":
        assert "Hardware:" in text and ("Time" in text or "seconds" in text)
    named = re.findall(r"\brecipes/[\w./-]+\.(?:yaml|jinja)", text)
    assert all((REPOSITORY / path).exists() for path in named)
    assert all(launch.command in COMMANDS for launch in launches(recipe.path))


@pytest.mark.parametrize("recipe", each("grpo"))
def test_grpo_recipe_states_what_trl_would_decide_otherwise(recipe):
    assert not set(STATED.split()) - set(load_recipe(recipe.path))


@pytest.mark.parametrize("recipe", each("sft"))
def test_sft_recipe_states_length_packing_and_mask(recipe):
    assert not {"max_length", "packing", "completion_only_loss", "dtype"} - set(load_recipe(recipe.path))


def test_the_general_set_names_its_domains_and_says_who_the_model_is():
    from open_r1.data.sources import check_source, load_source

    sources = load_recipe(REPOSITORY / "recipes/Qwen2.5-7B/rejection_sampling.yaml")["add"]
    for source in sources:
        check_source(source)
    domains = [source["domain"] for source in sources]
    assert domains == ["general", "writing", "role_play", "translation", "factual", "about_itself"]
    rows = load_source(sources[-1] | {"path": str(REPOSITORY / sources[-1]["path"])})
    assert set(rows["language"]) == {"en", "zh"} and set(rows["domain"]) == {"about_itself"} and all(rows["response"])


def test_examples_of_the_rewriter_are_read_and_right():
    from open_r1.data.rewriting import read_examples
    from open_r1.verify import verify

    for example in read_examples(str(REPOSITORY / "recipes/Qwen2.5-7B/rewrite_examples.yaml")):
        answer = verify("math", "0", f"<think> {example['rewritten']} </think> {example['summary']}").answer
        assert answer and answer in example["reasoning"] and answer in example["rewritten"]
