"""What a training keeps of each step that it saves for its `benchmarks`, and the process that evaluates it.

    OUTPUT/evaluations/.models/step-000100/    # hard links to the model, until it is evaluated
    OUTPUT/evaluations/step-000100/            # what `open-r1 evaluate` leaves
    OUTPUT/evaluations/step-000100.log         # what it printed

A model is there whole or not at all (`rename`), and the manifest of its evaluation says that it is done. The
process takes what others leave of the processors; the training neither waits for it nor hears of its failures, and a
kill of either loses nothing: a later run, or `open-r1 evaluate --pending OUTPUT`, goes on.
"""

import contextlib
import json
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from .errors import ArtifactError
from .inputs import read_manifest
from .locks import Lock
from .outbox import link
from .processes import die_with_parent, step_aside
from .pushing import ENVIRONMENT, started, step_files
from .recipes import as_words
from .shards import FOLDER as PIECES
from .submitted import JOBS

FOLDER, KEPT, DRAFT = "evaluations", ".models", ".draft"
LOOK = 1.0  # seconds between two looks for a step
SUBMITTING = 600.0  # seconds for that at the end of a training
# what tells a rank or a job of its launcher: the evaluation is neither
LAUNCHED: tuple[str, ...] = ("RANK", "WORLD_SIZE", "LOCAL_", "GROUP_", "ROLE_", "MASTER_", "TORCHELASTIC_")
LAUNCHED += ("ACCELERATE_", "FSDP_", "SLURM_")
STARTED: dict[Path, subprocess.Popen[bytes]] = {}  # this process's, by output


def keep(output: Path, step: int, model: Path) -> None:
    """
    Keeps a model to be evaluated, unless that step is kept or evaluated already.

    Args:
        output (`Path`):
            The artifact directory of the training.
        step (`int`):
            Of the training.
        model (`Path`):
            A complete checkpoint, or the result.
    """
    place = output / FOLDER / KEPT / f"step-{step:06d}"
    if place.exists() or read_manifest(result_of(place)):
        return
    draft = place.with_name(DRAFT)
    try:
        shutil.rmtree(draft, ignore_errors=True)  # a kill has left it
        draft.mkdir(parents=True)
        for file in step_files(model):
            part = draft / file.relative_to(model)
            part.parent.mkdir(exist_ok=True)
            link(file, part)
        draft.rename(place)
    except OSError as error:  # a full disk: what the training saves next says so too, and ends it where it must
        print(f"notice: step {step} is not evaluated: {error}", flush=True)


def pending(output: Path) -> list[Path]:
    """The models of the steps that are not evaluated yet, in their order."""
    return sorted((output / FOLDER / KEPT).glob("step-*"))


def result_of(model: Path) -> Path:
    """Where the evaluation of a kept model lies."""
    return model.parents[1] / model.name


def left(output: Path) -> str:
    """A line about what is not evaluated yet; empty for nothing."""
    names = ", ".join(f"{model.name}{' (with Slurm)' * with_slurm(model)}" for model in pending(output))
    again = f"open-r1 evaluate --pending {output}"
    return f"not evaluated yet: {names}; the logs are in {output / FOLDER}; after a kill: {again}" if names else ""


def with_slurm(model: Path) -> bool:
    """Whether jobs were submitted that evaluate a kept model."""
    return (result_of(model) / JOBS).exists()


def turn(output: Path) -> Lock:
    """The right to evaluate the steps of an output; raises `ArtifactError` where another process has it."""
    return Lock(output / FOLDER / ".lock", str(output / FOLDER))


def require_idle(output: Path) -> None:
    """Raises `ArtifactError` where a process evaluates steps of an output, which is to be deleted."""
    if (output / FOLDER).is_dir():
        turn(output).release()


# ------------------------------------------------------------------------------------------------ who evaluates it


def start(output: Path, recipe: Mapping[str, Any]) -> None:
    """Starts the process that evaluates what is pending, and what comes while this process lives."""
    if output in STARTED or not pending(output):
        return
    how = {key: recipe[key] for key in ("benchmarks", "evaluation", "response_format") if recipe.get(key)}
    words = [sys.executable, "-m", "open_r1.core.saved_steps", str(output), json.dumps(how)]
    try:
        STARTED[output] = started(words, output / FOLDER / "log")
    except OSError as error:  # no memory, a full disk
        print(f"notice: nothing is evaluated now: {error}", flush=True)


def hand_over(output: Path, recipe: Mapping[str, Any]) -> None:
    """
    At the end of a training: waits until Slurm has what is pending, where jobs evaluate it. The process that submits
    them would end with the job of the training; they do not.
    """
    process = STARTED.get(output)
    if process and process.stdin and by_jobs(recipe):
        process.stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(SUBMITTING)


def evaluate_result(recipe: Mapping[str, Any]) -> None:
    """Keeps a complete model for its benchmarks, where its last step is not kept, and says what is left to do."""
    output = Path(recipe["output_dir"])
    manifest = read_manifest(output)
    if not recipe.get("benchmarks") or manifest is None:
        return
    keep(output, manifest["steps"], output)
    start(output, recipe)
    hand_over(output, recipe)
    if line := left(output):
        print(line, flush=True)


def by_jobs(recipe: Mapping[str, Any]) -> bool:
    """Whether jobs of Slurm evaluate the steps; they are only submitted here."""
    executor = (recipe.get("evaluation") or {}).get("executor") or {}
    return executor.get("kind") == "slurm"


def kept_variable(name: str) -> bool:
    return name == "SLURM_CONF" or not name.startswith(LAUNCHED)


def follow(output: Path, how: Mapping[str, Any]) -> None:
    """Evaluates what is pending while the process lives that started this one, and then what is left."""
    if not by_jobs(how):
        step_aside()
    lock, ended = wait_for_turn(output), False
    tried: set[Path] = set()
    while not ended:
        ended = bool(select.select([sys.stdin], [], [], LOOK)[0])
        evaluate(output, how, (), tried)
    lock.release()


def wait_for_turn(output: Path) -> Lock:
    """The right to evaluate, once a process of an earlier run is done."""
    while True:
        try:
            return turn(output)
        except ArtifactError:
            time.sleep(LOOK)


def evaluate(output: Path, how: Mapping[str, Any], more: Iterable[str], tried: set[Path]) -> list[Path]:
    """
    Evaluates what is pending, one step after the other, each once, or submits the jobs that do.

    Args:
        output (`Path`):
            The artifact directory of the training.
        how (`Mapping`):
            `benchmarks`, `evaluation` and `response_format` of its recipe.
        more (`Iterable[str]`):
            Further words of the command, which win.
        tried (`set[Path]`):
            Models that are left out; those that are tried join it.

    Returns:
        `list[Path]`: the models of which that failed.
    """
    failed = []
    while models := [model for model in pending(output) if model not in tried]:
        model = models[0]
        tried.add(model)
        result, log = result_of(model), result_of(model).with_suffix(".log")
        code = 0
        if read_manifest(result) is None:  # else a kill came before its model was let go
            code = make_whole(model, log) or run("cli", [*words_of(model, how), *more], log)
        if read_manifest(result) is not None:
            let_go(result)
            print(f"{model.name} is evaluated: {result / model.name / 'metrics.json'}", flush=True)
        else:
            print(f"{model.name} is {'not evaluated' if code else 'with Slurm'}: see {log}", flush=True)
            failed += [model] if code else []
    return failed


def let_go(result: Path) -> None:
    """Deletes the model that was kept for an evaluation, which is complete."""
    shutil.rmtree(result.parent / KEPT / result.name, ignore_errors=True)


def make_whole(model: Path, log: Path) -> int:
    """Puts the pieces of a kept model together, in a process of its own, whose memory is gone then; its exit code."""
    return run("core.shards", [str(model)], log) if (model / PIECES).is_dir() else 0


def words_of(model: Path, how: Mapping[str, Any]) -> list[str]:
    """The command that evaluates a kept model."""
    entry = {"path": str(model.absolute()), "name": model.name, "response_format": how.get("response_format", "r1")}
    values = {"output_dir": str(result_of(model).absolute()), "models": [entry], **how.get("evaluation", {})}
    return ["evaluate", "--benchmarks", ",".join(how["benchmarks"]), *as_words(values)]


def run(module: str, words: list[str], log: Path) -> int:
    """Runs a module of ours, which ends with this process; its exit code."""
    with log.open("a") as file:
        command = [sys.executable, "-m", f"open_r1.{module}", *words]
        environment = {name: value for name, value in ENVIRONMENT.items() if kept_variable(name)}
        return subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            env=environment,
            preexec_fn=die_with_parent,
        ).returncode


if __name__ == "__main__":
    follow(Path(sys.argv[1]), json.loads(sys.argv[2]))
