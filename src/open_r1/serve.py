"""Starts the vLLM server of a GRPO recipe (`use_vllm: true`, `vllm_mode: server`), from the same recipe.

    open-r1 serve --config RECIPE --dry-run      # prints the command
    open-r1 serve --config RECIPE                # becomes the server

Model and revision, port, context, tensor parallelism and precision follow from the recipe; what TRL needs besides is
added. The server gets its weights from the trainer at the first step, so that it may load the start model's base. It
takes the GPUs of CUDA_VISIBLE_DEVICES: give it others than the trainer's.

In a Slurm step of several nodes, one task on each, all of them are one server, which the first node's address reaches.
"""

import dataclasses
import os
import shlex
import shutil
import sys
from pathlib import Path
from typing import Any

from open_r1.cluster.steps import ports
from open_r1.core.errors import ArtifactError, RecipeError, report_errors
from open_r1.core.fields import check_keys
from open_r1.core.hub import at, split_id
from open_r1.core.inputs import go_offline
from open_r1.core.keys import Keys, keys_of
from open_r1.core.notes import recorded
from open_r1.core.pinned import placed_recipe
from open_r1.core.recipes import Recipe, read_command_line
from open_r1.training.arguments import GRPOArguments
from open_r1.training.network import host_of
from open_r1.training.vllm_server import longest_prompt, serve_command, server_url

USAGE = "--config RECIPE.yaml [--with FILE] [--dry-run] [--smoke] [--key value ...]"
ENVIRONMENT = {"VLLM_SERVER_DEV_MODE": "1"}


def with_defaults(recipe: Recipe, where: str) -> dict[str, Any]:
    """The recipe's values, with TRL's defaults; raises `RecipeError` for unknown keys."""
    from trl import GRPOConfig, ModelConfig

    fields = [field for kind in (GRPOArguments, GRPOConfig, ModelConfig) for field in dataclasses.fields(kind)]
    check_keys(recipe, {field.name for field in fields}, where)
    return {field.name: field.default for field in fields if field.default is not dataclasses.MISSING} | recipe


def context(values: dict[str, Any]) -> int:
    """Tokens that the server must hold: what the recipe says, else the longest prompt and a whole completion."""
    from open_r1.data.sources import load_sources, without_amounts
    from open_r1.data.tokenizer import load_tokenizer

    if values["vllm_max_model_length"]:
        return values["vllm_max_model_length"]
    trusted = {"trust_remote_code": values["trust_remote_code"]}
    name, template, revision = (values[key] for key in ("model_name_or_path", "chat_template", "model_revision"))
    tokenizer = load_tokenizer(name, template, revision, **trusted)
    rows = load_sources([without_amounts(source, ("weight", "from_step")) for source in values.get("datasets") or []])
    return longest_prompt(tokenizer, rows) + values["max_completion_length"]


def program() -> str:
    """The `vllm` of this environment. Raises `ArtifactError` where there is none."""
    beside = Path(sys.executable).with_name("vllm")
    found = str(beside) if beside.exists() else shutil.which("vllm")
    if not found:
        raise ArtifactError("`vllm` is not installed here", "pip install -e '.[vllm]' -c constraints-gpu.txt")
    return found


def node_words(url: str) -> list[str]:
    """What vLLM must know where the tasks of a Slurm step are one server."""
    nodes, rank = os.environ.get("SLURM_STEP_NUM_NODES", "1"), os.environ.get("SLURM_PROCID", "0")
    if nodes == "1":
        return []
    port = ports(int(os.environ["SLURM_JOB_ID"]))[3]
    words = ["--nnodes", nodes, "--node-rank", rank, "--master-addr", host_of(url), "--master-port", str(port)]
    return words if rank == "0" else [*words, "--headless"]


def placed(recipe: Recipe, keys: Keys) -> Recipe:
    """The recipe with the folder of its model, at the commit with which its training has begun, if it has."""
    loaded = {name: keys[name] for name in ("model_name_or_path", "datasets")}
    return placed_recipe(recipe, loaded, recorded(Path(recipe.get("output_dir") or "")))


def named(recipe: Recipe) -> Recipe:
    """The recipe with its model's name and revision apart, as vLLM takes them: nothing is fetched to be shown."""
    name, revision = split_id(at(recipe["model_name_or_path"], recipe.get("model_revision")))
    return {**recipe, "model_name_or_path": name, **({"model_revision": revision} if revision else {})}


@report_errors
def main(arguments: list[str] | None = None) -> None:
    """Prints or executes the command that serves a recipe's model."""
    words = sys.argv[1:] if arguments is None else arguments
    recipe, where, _ = read_command_line([word for word in words if word != "--dry-run"], "grpo")
    if not recipe.get("use_vllm") or recipe.get("vllm_mode") != "server":
        raise RecipeError(
            f"{where}: its completions come from no server", "add `use_vllm: true` and `vllm_mode: server`"
        )
    if not recipe.get("model_name_or_path"):
        raise RecipeError(f"{where} names no model", "add `model_name_or_path`")
    name, keys = recipe["model_name_or_path"], keys_of(GRPOArguments)
    go_offline(recipe, keys)
    values = with_defaults(named(recipe) if "--dry-run" in words else placed(recipe, keys), where)
    command = serve_command(values, context(values), name) + node_words(server_url(values))
    shown = [*(f"{name}={value}" for name, value in ENVIRONMENT.items()), shlex.join(command)]
    print(" ".join(shown), flush=True)
    if "--dry-run" not in words:
        os.execvpe(program(), command, os.environ | ENVIRONMENT)


if __name__ == "__main__":
    main()
