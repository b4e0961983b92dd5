"""Runs the stages of a pipeline in order, each as a process of its own.

A `pipeline.yaml` is a list of stages: a name, the command that runs it, and a recipe (by default `NAME.yaml` beside
it). What is complete is skipped, what was killed continues, what fails stops the run. Stages know nothing of
pipelines.

`launch: fork` starts stages from a process that has imported the training stack once, which saves every stage some
seconds; `launch: [accelerate, launch, --config_file, FILE]` starts them as one would by hand, on several devices. The
first SIGTERM (or Ctrl-C) lets the running stage save, the second ends it at once, and however the runner ends, nothing
below it stays (`core/keeper.py`).

`--with FILE` lays an overlay over the recipes of all stages that it has a section for, and its `launch`, if it has
one, over the pipeline's; a smoke run keeps the latter.
"""

import importlib
import os
import shlex
import shutil
import signal
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from open_r1.core.artifacts import Artifact, read_progress
from open_r1.core.commands import COMMANDS
from open_r1.core.errors import ArtifactError, RecipeError, Stopped, report_errors
from open_r1.core.inputs import local_inputs, needs_hub, read_manifest
from open_r1.core.keeper import Keeper
from open_r1.core.keys import Keys, keys_of
from open_r1.core.live import LiveTable
from open_r1.core.processes import Signals
from open_r1.core.recipes import (
    Recipe,
    check_keys,
    has_sections,
    inherited,
    load_recipe,
    parse_overrides,
    read_overlay,
)

PRELOAD = ["open_r1.training.preload"]  # what forked stages find imported
USAGE = (
    "PIPELINE.yaml [--root DIR] [--seed N] [--with FILE] [--smoke] [--from S] [--to S] [--only S] [--force S] "
    "[--dry-run] [--debug]"
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

    @property
    def keys(self) -> Keys:
        """The declared keys of its command."""
        return keys_of(getattr(importlib.import_module(COMMANDS[self.command].module), "ARGUMENTS", None))

    def complete(self) -> bool:
        """Whether its artifact is there and is what the recipe makes; says where it was made in another way."""
        if read_manifest(self.output) is None:
            return False
        artifact = Artifact(self.recipe, self.keys)
        complete = artifact.complete
        if notice := artifact.notice():
            print(f"notice: {notice}", flush=True)
        return complete


def read_pipeline(path: Path, options: Recipe) -> tuple[list[Stage], Any]:
    """The stages of a pipeline file, resolved for the root and seed of this run, and how to launch them."""
    pipeline = inherited(path)
    check_keys(pipeline, ("root", "seed", "launch", "stages"), str(path))
    if not isinstance(pipeline.get("stages"), list) or not pipeline["stages"]:
        raise RecipeError(f"{path}: lists no `stages`", "add `stages:` with entries like `{name: base, run: sft}`")
    shared, overlays = shared_values(pipeline, options), read_overlays(options.get("with", []))
    smoke = bool(options.get("smoke"))
    stages = [make_stage(entry, path, shared, smoke, overlays) for entry in pipeline["stages"]]
    over = [] if smoke else [overlay["launch"] for overlay in overlays.values() if overlay.get("launch")]
    return stages, [pipeline.get("launch", "fork"), *over][-1]


def read_overlays(files: list[str]) -> dict[str, Recipe]:
    """The overlays of a run by file; raises `RecipeError` for plain keys, which not all of its commands know."""
    overlays = {file: read_overlay(Path(file)) for file in files}
    for file, overlay in overlays.items():
        if not has_sections(overlay):
            raise RecipeError(
                f"{file}: keys without a command, and a pipeline has stages of several",
                f"put them below one (`grpo: ...`), or `inherit` {file} in the recipe of the stage",
            )
    return overlays


def shared_values(pipeline: Recipe, options: Recipe) -> Recipe:
    """Root and seed that every stage gets; another seed, and a smoke run, have a root of their own."""
    seed = options.get("seed", pipeline.get("seed", 0))
    root = options.get("root")
    if root is None:
        root = str(pipeline.get("root", "data"))
        root += "" if seed == pipeline.get("seed", 0) else f"-seed{seed}"
        root += "-smoke" if options.get("smoke") else ""
    return {"root": str(root), "seed": seed}


def make_stage(entry: Any, path: Path, shared: Recipe, smoke: bool, overlays: dict[str, Recipe]) -> Stage:
    """One entry of `stages` with its resolved recipe, under the overlays that speak to its command."""
    if not isinstance(entry, dict) or not entry.get("name") or entry.get("run") not in COMMANDS:
        raise RecipeError(f"{path}: stage {entry!r} needs `name` and `run`", f"`run` is one of {', '.join(COMMANDS)}")
    check_keys(entry, ("name", "run", "recipe"), f"{path}, stage {entry['name']}")
    recipe_file = path.parent / entry.get("recipe", f"{entry['name']}.yaml")
    files = [file for file, overlay in overlays.items() if entry["run"] in overlay]
    recipe = load_recipe(recipe_file, shared, smoke, files, entry["run"])
    arguments = ["--config", str(recipe_file), *(["--smoke"] if smoke else [])]
    arguments += [word for file in files for word in ("--with", file)]
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
        paths = map(Path, local_inputs(stage.recipe, stage.keys))
        inputs = {place for path in paths for place in (path, *path.parents)}
        if stage not in found and any(other.output in inputs for other in found):
            found.append(stage)
    return found


# ------------------------------------------------------------------------------------------------ processes


def stage_command(stage: Stage, launch: Any) -> list[str]:
    """The command line of a stage, as a user would type it."""
    module = ["-m", COMMANDS[stage.command].module, *stage.arguments]
    prefix = list(launch) if isinstance(launch, list) and COMMANDS[stage.command].trains else [sys.executable]
    return prefix + module


def start_stage(stage: Stage, launch: Any, keeper: Keeper) -> None:
    """Starts a stage below the keeper, with its output in its log."""
    stage.log.parent.mkdir(parents=True, exist_ok=True)
    command = [] if launch == "fork" else stage_command(stage, launch)
    module = COMMANDS[stage.command].module
    keeper.ask(do="start", module=module, arguments=stage.arguments, command=command, log=str(stage.log))


def watch(stage: Stage, keeper: Keeper, table: LiveTable, signals: Signals) -> int:
    """Waits for a stage, keeping the table up to date and passing requests to stop on; returns its exit code."""
    began, passed = time.time(), 0
    while (code := keeper.exitcode) is None:
        if signals.count > passed:
            passed = signals.count
            keeper.ask(do="stop" if passed == 1 else "kill")
        table.update(stage.name, stage.output, time.time() - began)
        time.sleep(0.1)
    return code


def run_stage(stage: Stage, launch: Any, table: LiveTable, keeper: Keeper, signals: Signals) -> None:
    """Runs one stage to its end; raises `ArtifactError` if it fails, `Stopped` if it stopped where it can continue."""
    before = read_progress(stage.output)
    began = time.time()
    start_stage(stage, launch, keeper)
    code = watch(stage, keeper, table, signals)
    ended = time.time() - began
    # jobs are with Slurm, or a page waits to be looked at
    if code == 0 and read_manifest(stage.output) is None:
        table.finish(stage.name, "waiting", ended)
        raise ArtifactError(
            f"stage {stage.name} is not complete yet: {last_words(stage.log)}", "run the pipeline again when it is"
        )
    note = read_progress(stage.output)
    # by the note, since `accelerate launch` has an exit code of its own; not by one from an earlier life
    if code and note.get("stopped") and note != before:
        table.finish(stage.name, "stopped", ended)
        raise Stopped(
            f"stage {stage.name} by a signal at step {note['done']} of {note['total']}", "run it again to continue"
        )
    if code and (signals.count or code == Stopped.exit_code):
        table.finish(stage.name, "stopped", ended)
        leave(signals)
    if code:
        table.finish(stage.name, "failed", ended)
        raise ArtifactError(
            f"stage {stage.name} failed with exit code {code}: {last_words(stage.log)}",
            f"read {stage.log}; repeat it alone with: {shlex.join(stage_command(stage, launch))}",
        )
    table.finish(stage.name, "done", ended)


def leave(signals: Signals) -> NoReturn:
    """Ends the runner after a request to stop."""
    print("stopped; the same command continues", flush=True)
    sys.exit(Stopped.exit_code if signals.count < 2 else 128 + signal.SIGTERM)


def run_stages(stages: list[Stage], launch: Any) -> None:
    """Runs those that are not complete, in order."""
    keeper = None
    with LiveTable([stage.name for stage in stages]) as table, Signals() as signals:
        try:
            for stage in stages:
                if signals.count:
                    leave(signals)
                if stage.complete():
                    table.finish(stage.name, "skipped", 0)
                    continue
                keeper = keeper or Keeper(PRELOAD if launch == "fork" else [])
                run_stage(stage, launch, table, keeper, signals)
        finally:
            if keeper:
                keeper.close()


def last_words(log: Path) -> str:
    """The error line of a log, else its last line."""
    text = log.read_text(encoding="utf-8", errors="replace") if log.exists() else ""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    errors = [line for line in lines[-20:] if line.startswith("error:")]
    return (errors or lines or ["no output"])[-1]


def read_options(arguments: list[str]) -> tuple[Recipe, Path]:
    """The options of a run, and the pipeline among them, wherever it stands."""
    before = ["", *arguments]
    places = [
        n
        for n, word in enumerate(arguments)
        if word.endswith((".yaml", ".yml")) and not word.startswith("--") and before[n] != "--with"
    ]
    if len(places) != 1:
        raise RecipeError("no pipeline given", f"open-r1 run {USAGE}")
    options = parse_overrides([word for n, word in enumerate(arguments) if n != places[0]])
    known = ("root", "seed", "with", "smoke", "from", "to", "only", "force", "dry-run", "debug")
    check_keys(options, known, "command line")
    return options, Path(arguments[places[0]])


@report_errors
def main(arguments: list[str]) -> None:
    """Runs a pipeline from the command line."""
    options, file = read_options(arguments)
    stages, launch = read_pipeline(file, options)
    chosen = select(stages, options)
    if options.get("dry-run"):
        for stage in chosen:
            state = "complete" if read_manifest(stage.output) else "started" if stage.output.exists() else "to do"
            print(f"{stage.name:<22}{state:<10}{shlex.join(stage_command(stage, launch))}")
        return
    if "force" in options:
        for stage in downstream(stages, options["force"]):
            shutil.rmtree(stage.output, ignore_errors=True)
    if not any(needs_hub(stage.recipe, stage.keys) for stage in stages):
        os.environ.setdefault("HF_HUB_OFFLINE", "1")  # before the stages import huggingface_hub
    # seconds a launcher leaves its ranks to save after SIGTERM; torch's default is 30
    os.environ.setdefault("TORCH_ELASTIC_SHUTDOWN_TIMEOUT", "600")
    run_stages(chosen, launch)
    final = chosen[-1].output / "summary.txt"
    if final.exists():
        print(final.read_text(encoding="utf-8"))
