"""Runs the stages of a pipeline in order, each as a process of its own.

A `pipeline.yaml` is a list of stages: a name, the command that runs it, and a recipe (by default `NAME.yaml` beside
it). What is complete is skipped, what was killed continues, what fails stops the run. Stages know nothing of
pipelines.

`launch: fork` starts stages from a server process that has imported the training stack once, which saves every stage
some seconds; `launch: [accelerate, launch, --config_file, FILE]` starts them as one would by hand, on several devices.
"""

import importlib
import multiprocessing
import os
import shlex
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass, field
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from open_r1.core.artifacts import Artifact, input_paths, needs_hub, read_manifest, read_progress
from open_r1.core.commands import COMMANDS
from open_r1.core.errors import ArtifactError, RecipeError, Stopped, report_errors
from open_r1.core.live import LiveTable
from open_r1.core.processes import die_with_parent
from open_r1.core.recipes import Recipe, check_keys, load_recipe, parse_overrides, read_yaml

USAGE = (
    "PIPELINE.yaml [--root DIR] [--seed N] [--smoke] [--from S] [--to S] [--only S] [--force S] [--dry-run] [--debug]"
)


@dataclass
class Stage:
    """
    One stage of a pipeline.

    Attributes:
        name (`str`): Name of the stage and of its output directory.
        command (`str`): The `open-r1` command that runs it.
        arguments (`list[str]`): Its command line.
        recipe (`dict`): The resolved recipe.
        log (`Path`): Where its output goes.
    """

    name: str
    command: str
    arguments: list[str]
    recipe: Recipe = field(repr=False)
    log: Path

    @property
    def output(self) -> Path:
        return Path(self.recipe["output_dir"])

    def complete(self) -> bool:
        """Whether its artifact is there and is what the recipe makes."""
        return read_manifest(self.output) is not None and Artifact(self.recipe).complete


def read_pipeline(path: Path, options: Recipe) -> tuple[list[Stage], Any]:
    """The stages of a pipeline file, resolved for the root and seed of this run, and how to launch them."""
    pipeline = read_yaml(path)
    check_keys(pipeline, ("root", "seed", "launch", "stages"), str(path))
    if not isinstance(pipeline.get("stages"), list) or not pipeline["stages"]:
        raise RecipeError(f"{path}: lists no `stages`", "add `stages:` with entries like `{name: base, run: sft}`")
    shared = shared_values(pipeline, options)
    return [make_stage(entry, path, shared, bool(options.get("smoke"))) for entry in pipeline["stages"]], pipeline.get(
        "launch", "fork"
    )


def shared_values(pipeline: Recipe, options: Recipe) -> Recipe:
    """Root and seed that every stage gets; another seed, and a smoke run, have a root of their own."""
    seed = options.get("seed", pipeline.get("seed", 0))
    root = options.get("root")
    if root is None:
        root = str(pipeline.get("root", "data"))
        root += "" if seed == pipeline.get("seed", 0) else f"-seed{seed}"
        root += "-smoke" if options.get("smoke") else ""
    return {"root": str(root), "seed": seed}


def make_stage(entry: Any, path: Path, shared: Recipe, smoke: bool) -> Stage:
    """One entry of `stages` with its resolved recipe."""
    if not isinstance(entry, dict) or not entry.get("name") or entry.get("run") not in COMMANDS:
        raise RecipeError(f"{path}: stage {entry!r} needs `name` and `run`", f"`run` is one of {', '.join(COMMANDS)}")
    check_keys(entry, ("name", "run", "recipe"), f"{path}, stage {entry['name']}")
    recipe_file = path.parent / entry.get("recipe", f"{entry['name']}.yaml")
    recipe = load_recipe(recipe_file, shared, smoke)
    arguments = ["--config", str(recipe_file), *(["--smoke"] if smoke else [])]
    arguments += [word for key, value in shared.items() for word in (f"--{key}", str(value))]
    return Stage(
        entry["name"], entry["run"], arguments, recipe, Path(shared["root"]) / "logs" / f"{entry['name']}.log"
    )


def select(stages: list[Stage], options: Recipe) -> list[Stage]:
    """The stages that `--from`, `--to` and `--only` leave."""
    names = [stage.name for stage in stages]
    for key in ("from", "to", "only", "force"):
        if key in options and options[key] not in names:
            raise RecipeError(f"--{key} {options[key]}: no such stage", f"use one of {', '.join(names)}")
    if "only" in options:
        return [stages[names.index(options["only"])]]
    first, last = options.get("from", names[0]), options.get("to", names[-1])
    if names.index(first) > names.index(last):
        raise RecipeError(f"--from {first} comes after --to {last}", f"the order is {', '.join(names)}")
    return stages[names.index(first) : names.index(last) + 1]


def downstream(stages: list[Stage], name: str) -> list[Stage]:
    """A stage and all that read its artifact, directly or not."""
    found = [stage for stage in stages if stage.name == name]
    for stage in stages:
        inputs = {place for path in input_paths(stage.recipe) for place in (Path(path), *Path(path).parents)}
        if stage not in found and any(other.output in inputs for other in found):
            found.append(stage)
    return found


# ------------------------------------------------------------------------------------------------ processes


def run_in_fork(module: str, arguments: list[str], log: str) -> None:
    """Body of a forked stage process: everything it prints goes to the log."""
    die_with_parent()
    file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(file, 1)
    os.dup2(file, 2)
    importlib.import_module(module).main(arguments)


def stage_command(stage: Stage, launch: Any) -> list[str]:
    """The command line of a stage, as a user would type it."""
    module = ["-m", COMMANDS[stage.command].module, *stage.arguments]
    prefix = list(launch) if isinstance(launch, list) and COMMANDS[stage.command].trains else [sys.executable]
    return prefix + module


def start_process(stage: Stage, launch: Any) -> "BaseProcess | Started":
    """Starts a stage; the result has `exitcode` (`None` while it runs) and `kill`."""
    stage.log.parent.mkdir(parents=True, exist_ok=True)
    if launch == "fork":
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(["open_r1.training.preload"])
        process = context.Process(
            target=run_in_fork, args=(COMMANDS[stage.command].module, stage.arguments, str(stage.log))
        )
        process.start()
        return process
    with stage.log.open("ab") as log:
        command = stage_command(stage, launch)
        return Started(subprocess.Popen(command, stdout=log, stderr=log, preexec_fn=die_with_parent))


class Started:
    """A `subprocess.Popen` with the surface of `multiprocessing.Process` that the runner uses."""

    def __init__(self, process: subprocess.Popen):
        self.process = process

    @property
    def exitcode(self) -> int | None:
        return self.process.poll()

    def kill(self) -> None:
        self.process.kill()


def run_stage(stage: Stage, launch: Any, table: LiveTable) -> None:
    """Runs one stage to its end, keeping the table up to date; raises `ArtifactError` if it fails."""
    before = read_progress(stage.output)
    process = start_process(stage, launch)
    began = time.time()
    try:
        while process.exitcode is None:
            table.update(stage.name, stage.output, time.time() - began)
            time.sleep(0.1)
    except BaseException:
        process.kill()
        raise
    # jobs are with Slurm, or a page waits to be looked at
    if process.exitcode == 0 and read_manifest(stage.output) is None:
        table.finish(stage.name, "waiting", time.time() - began)
        raise ArtifactError(
            f"stage {stage.name} is not complete yet: {last_words(stage.log)}", "run the pipeline again when it is"
        )
    note = read_progress(stage.output)
    # by the note, since `accelerate launch` has an exit code of its own; not by one from an earlier life
    if process.exitcode and note.get("stopped") and note != before:
        table.finish(stage.name, "stopped", time.time() - began)
        raise Stopped(
            f"stage {stage.name} by a signal at step {note['done']} of {note['total']}", "run it again to continue"
        )
    if process.exitcode:
        table.finish(stage.name, "failed", time.time() - began)
        raise ArtifactError(
            f"stage {stage.name} failed with exit code {process.exitcode}: {last_words(stage.log)}",
            f"read {stage.log}; repeat it alone with: {shlex.join(stage_command(stage, launch))}",
        )
    table.finish(stage.name, "done", time.time() - began)


def last_words(log: Path) -> str:
    """The error line of a log, else its last line."""
    lines = [line.strip() for line in log.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
    errors = [line for line in lines[-20:] if line.startswith("error:")]
    return (errors or lines or ["no output"])[-1]


@report_errors
def main(arguments: list[str]) -> None:
    """Runs a pipeline from the command line."""
    files = [word for word in arguments if word.endswith((".yaml", ".yml"))]
    if len(files) != 1:
        raise RecipeError("no pipeline given", f"open-r1 run {USAGE}")
    options = parse_overrides([word for word in arguments if word not in files])
    check_keys(options, ("root", "seed", "smoke", "from", "to", "only", "force", "dry-run", "debug"), "command line")
    stages, launch = read_pipeline(Path(files[0]), options)
    chosen = select(stages, options)
    if options.get("dry-run"):
        for stage in chosen:
            state = "complete" if read_manifest(stage.output) else "started" if stage.output.exists() else "to do"
            print(f"{stage.name:<22}{state:<10}{shlex.join(stage_command(stage, launch))}")
        return
    if "force" in options:
        for stage in downstream(stages, options["force"]):
            shutil.rmtree(stage.output, ignore_errors=True)
    if not any(needs_hub(stage.recipe) for stage in stages):
        os.environ.setdefault("HF_HUB_OFFLINE", "1")  # before the stages import huggingface_hub
    # seconds a launcher leaves its ranks to save after SIGTERM; torch's default is 30
    os.environ.setdefault("TORCH_ELASTIC_SHUTDOWN_TIMEOUT", "600")
    with LiveTable([stage.name for stage in chosen]) as table:
        for stage in chosen:
            if stage.complete():
                table.finish(stage.name, "skipped", 0)
            else:
                run_stage(stage, launch, table)
    final = chosen[-1].output / "summary.txt"
    if final.exists():
        print(final.read_text(encoding="utf-8"))
