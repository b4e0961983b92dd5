"""What a stage asks Slurm for, from `slurm:` of its pipeline and of the overlays on it.

    slurm:
      grpo: {nodes: 2, gpus: 8, time: "24:00:00"}  # every stage of this command
      zero_long: {nodes: 8}                        # this stage: says more, and wins
      report: {mem: 16G, cpus_per_task: 4}         # any other option of sbatch, by its long name

A stage that takes all GPUs of its nodes has their cores and memory too. One that does not train, and needs no GPU for
an engine of its own, takes one node without GPUs where nothing is said; for the others something must be.
"""

from typing import Any

from ..core.commands import COMMANDS
from ..core.errors import RecipeError
from ..core.pipeline_stage import Stage
from .site import Site

# what the chain gives itself
OURS = ("array", "dependency", "gpus_per_node", "job_name", "kill_on_invalid_dep", "open_mode", "output", "parsable")


def runs_model(stage: Stage) -> bool:
    """Whether a stage trains a model, or draws from one in its own job."""
    recipe = stage.recipe
    if COMMANDS[stage.command].trains:
        return True
    elsewhere = recipe.get("engine") == "server" or (recipe.get("executor") or {}).get("kind") == "slurm"
    return "engine" in stage.keys and not elsewhere and not recipe.get("samples")


def request(stage: Stage, site: Site, pipeline: str) -> list[str]:
    """
    The options of sbatch by which a stage gets its nodes.

    Args:
        stage (`Stage`):
            The stage.
        site (`Site`):
            The cluster.
        pipeline (`str`):
            The files that say what it asks for, for error messages.

    Returns:
        `list[str]`. Raises `RecipeError` for what no node has.
    """
    asked = {"nodes": 1, "gpus": 0} | stage.resources
    where = f"{pipeline}, stage {stage.name}, `slurm`"
    check_nodes(stage, asked, site, where)
    if asked["gpus"] == site.gpus > 0:  # all GPUs of a node, and so all of its cores and memory
        asked = {"exclusive": True, "mem": 0} | asked
    words = option("nodes", asked.pop("nodes")) + option("gpus_per_node", asked.pop("gpus") or None)
    for key, value in asked.items():
        check_option(key, value, where)
        words += option(key, value)
    return words


def check_nodes(stage: Stage, asked: dict[str, Any], site: Site, where: str) -> None:
    """Raises `RecipeError` unless the nodes and their GPUs are stated, and can be had."""
    trains = COMMANDS[stage.command].trains
    if "gpus" not in stage.resources and runs_model(stage):
        fix = f"add `slurm: {{{stage.command}: {{nodes: 1, gpus: {site.gpus}}}}}` to the pipeline or an overlay"
        raise RecipeError(f"{where}: on how many GPUs `{stage.command}` runs is not said", fix)
    for key, least in (("nodes", 1), ("gpus", 0)):
        if isinstance(asked[key], bool) or not isinstance(asked[key], int) or asked[key] < least:
            raise RecipeError(f"{where}: `{key}: {asked[key]}`", f"give a number, {least} or more")
    if asked["gpus"] > site.gpus:
        said = f"`gpus: {asked['gpus']}`, and a node has {site.gpus} (GPUS_PER_NODE in {site.file})"
        raise RecipeError(f"{where}: {said}", "`gpus` are those of one node: ask for more `nodes`")
    if asked["nodes"] > 1 and not trains:
        raise RecipeError(f"{where}: `nodes: {asked['nodes']}`, and `{stage.command}` runs on one", "write `nodes: 1`")


def check_option(key: str, value: Any, where: str) -> None:
    """Raises `RecipeError` for an option that is no matter of a recipe, or that YAML has read as something else."""
    if key in OURS:
        raise RecipeError(f"{where}: `{key}` is not for a recipe", "leave it out: the run gives it itself")
    if key == "time" and not isinstance(value, str):  # 24:00:00 is a number of seconds to YAML, of minutes to Slurm
        raise RecipeError(f"{where}: `time: {value}` is a number", 'quote it: time: "24:00:00"')
    if not isinstance(value, str | int | float | None):
        raise RecipeError(f"{where}: `{key}: {value}`", "give a text, a number, or true")


def option(key: str, value: Any) -> list[str]:
    """A long option of sbatch; none for `false` and `null`."""
    name = "--" + key.replace("_", "-")
    if value is None or value is False:
        return []
    return [name if value is True else f"{name}={value}"]
