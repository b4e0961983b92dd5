"""Fetches from the Hub all that a pipeline or a recipe needs, or one published artifact.

    open-r1 pull recipes/mini/pipeline.yaml --namespace lab --root data/mini
    open-r1 pull recipes/Qwen2.5-7B/zero.yaml     # then HF_HUB_OFFLINE=1 works
    open-r1 pull lab/mini-sft --root data/mini    # into data/mini/mini-sft

What recipes name - models, tokenizers, reward models, data sets, benchmarks - goes into the Hub's cache
(HF_HUB_CACHE), of a data set the files of the split that is read. With `--namespace` the artifacts of a pipeline's
stages that are published there come into their places below `--root`, where they count as complete. `--dry-run` lists
names, commits and sizes.
"""

import sys
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

from open_r1.cluster.reading import read_values, trains
from open_r1.core.benchmarks import read_benchmark
from open_r1.core.commands import COMMANDS
from open_r1.core.errors import ArtifactError, NotOnHub, RecipeError, report_errors
from open_r1.core.fields import check_keys
from open_r1.core.hub import commit_of, is_hub_name, split_id
from open_r1.core.keys import Keys, keys_of
from open_r1.core.pipelines import is_pipeline, own_root, read_pipeline
from open_r1.core.recipes import Recipe, inherited, load_recipe, parse_overrides
from open_r1.hub.pulling import Item, artifact_item, fetch, joined, lines, loaded_items
from open_r1.hub.stages import published

KNOWN = ("namespace", "root", "seed", "with", "smoke", "dry-run", "debug")
VALUED = ("--namespace", "--root", "--seed", "--with")
USAGE = "PIPELINE.yaml|RECIPE.yaml|ORG/NAME[@REVISION] [--namespace ORG] [--root DIR] [--seed N] [--with FILE]"
USAGE += " [--smoke] [--dry-run] [--debug]"


def pipeline_items(file: Path, options: Recipe) -> Iterator[Item]:
    """What the stages of a pipeline load from the Hub, and what of them is published in a namespace."""
    stages, *_ = read_pipeline(file, {key: value for key, value in options.items() if key != "namespace"})
    for stage in stages:
        yield from recipe_items(stage.recipe, stage.keys)
    found = published(stages, options["namespace"], own_root(file, options)) if "namespace" in options else {}
    for name, (item, changes) in found.items():
        if changes:
            message = f"{item.name}@{item.commit[:8]} is of another version of the stage {name} ({changes})"
            raise ArtifactError(message, "correct the recipe, publish this version, or leave `--namespace` out")
        yield item
    for stage in stages if found else ():
        if stage.name not in found:
            print(f"not published: {stage.name}", flush=True)


def recipe_items(recipe: Recipe, keys: Keys) -> Iterator[Item]:
    """What a recipe loads from the Hub, and what the evaluation of a training's saved steps loads."""
    yield from loaded_items(recipe, keys)
    if names := recipe.get("benchmarks"):
        entries = [read_benchmark(name) for name in names]
        yield from loaded_items(
            {"datasets": entries, **recipe.get("evaluation", {})}, keys_of(COMMANDS["evaluate"].arguments)
        )


def file_items(file: str, options: Recipe) -> Iterator[Item]:
    """What the recipe of a file loads from the Hub."""
    overrides: Recipe = {key: options[key] for key in ("root", "seed") if key in options}
    smoke, overlays = bool(options.get("smoke")), options.get("with", [])
    command = command_of(load_recipe(file, overrides, smoke), file)
    recipe = load_recipe(file, overrides, smoke, overlays, command)
    yield from recipe_items(recipe, keys_of(COMMANDS[command].arguments))


def command_of(recipe: Recipe, file: str) -> str:
    """The command that a recipe is for: of those that know all of its keys the one that knows fewest others."""
    if trains(recipe):
        return read_values(recipe, file).stage
    known = {}
    for name, command in COMMANDS.items():
        if not command.trains and command.arguments:
            known[name] = {field.name for field in fields(command.arguments)}
    fitting = [name for name, keys in known.items() if set(recipe) <= keys]
    if not fitting:
        raise RecipeError(f"{file}: no command knows all of its keys", "pull the pipeline that it belongs to")
    return min(fitting, key=lambda name: len(known[name]))


def named_item(name: str, root: str) -> Item:
    """One artifact, or any other repository; a model where both kinds have the name."""
    base, revision = split_id(name)
    try:
        commit_of(base, None, kind := "model")
    except NotOnHub:
        kind = "dataset"
    return artifact_item(kind, base, commit_of(base, revision, kind), Path(root) / base.rpartition("/")[2])


def items_of(target: str, options: Recipe) -> Iterator[Item]:
    """What is asked for."""
    content = inherited(Path(target)) if is_pipeline(target) else {}
    if isinstance(content.get("stages"), list):
        yield from pipeline_items(Path(target), options)
    elif "namespace" in options:
        message = f"{target} is no pipeline, of which `--namespace` says where its stages are published"
        raise RecipeError(message, "give the pipeline, or leave `--namespace` out")
    elif content:
        yield from file_items(target, options)
    elif is_hub_name(target):
        yield named_item(target, str(options.get("root", "data")))
    else:
        raise RecipeError(f"{target} is no pipeline, recipe, or name on the Hub", f"open-r1 pull {USAGE}")


@report_errors
def main(arguments: list[str] | None = None) -> None:
    """Fetches, or lists, what a command line names."""
    words = sys.argv[1:] if arguments is None else arguments
    before = ["", *words]
    places = [n for n, word in enumerate(words) if not word.startswith("--") and before[n] not in VALUED]
    if len(places) != 1:
        raise RecipeError("nothing, or several things, to pull", f"open-r1 pull {USAGE}")
    options = parse_overrides([word for n, word in enumerate(words) if n != places[0]])
    check_keys(options, KNOWN, "command line")
    items = joined(items_of(words[places[0]], options))
    for line in lines(items):
        print(line, flush=True)
    if not options.get("dry-run"):
        fetch(items)


if __name__ == "__main__":
    main()
