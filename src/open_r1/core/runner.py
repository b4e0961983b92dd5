"""Stages as processes: which may start, where each runs, and what its end means for the others.

A stage may start once all that it loads is made. `jobs` of them run at a time, each below a keeper of its own
(`keeper.py`), with its share of the cores; a stage that nothing could run beside has all of them. Both follow from the
pipeline alone, not from what happens to be finished, since the number of threads decides the last digits of a result.
Two stages that a launcher starts never run together: each of them takes all devices. After a failure no other stage
starts; those that run go on to their ends.
"""

import contextlib
import os
import shlex
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

from .commands import COMMANDS
from .errors import ArtifactError, Halted, Stopped, UserError
from .inputs import read_manifest
from .keeper import Keeper
from .live import LiveTable
from .notes import read_halt, read_progress
from .pipeline_stage import Stage, has_launcher, stage_command
from .processes import Signals

Notes = tuple[dict[str, Any], dict[str, Any]]  # progress, and halt
PRELOAD = ["open_r1.training.preload"]  # what forked stages find imported


class Waiting(ArtifactError):
    """A stage that has done its part and waits for jobs or for a reader."""


STATES = {Stopped: "stopped", Halted: "halted", Waiting: "waiting"}  # how the table calls a stage that ended so


def cores_of(stage: Stage, stages: list[Stage], place: int, jobs: int) -> list[int]:
    """The cores of a stage at a place: its share; empty for all, where every other stage comes before or after it."""
    cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    alone = all(other.name in stage.needs or stage.name in other.needs for other in stages if other is not stage)
    if jobs == 1 or alone or len(cores) < jobs:
        return []
    share = len(cores) // jobs  # the same at every place: which one is free is chance
    return cores[place * share : (place + 1) * share]


class Place:
    """
    Where one stage runs at a time.

    Args:
        launch:
            How stages start, see `pipeline.py`.
    """

    def __init__(self, launch: Any):
        self.launch = launch
        self.keeper: Keeper | None = None  # started with the first stage: what is complete needs none
        self.stage: Stage | None = None
        self.began = 0.0
        self.before: Notes = ({}, {})  # of an earlier life

    def start(self, stage: Stage, cores: list[int]) -> None:
        """Starts a stage below the keeper, with its output in its log."""
        self.keeper = self.keeper or Keeper(PRELOAD if self.launch == "fork" else [])
        self.stage, self.began, self.before = stage, time.time(), notes(stage.output)
        stage.log.parent.mkdir(parents=True, exist_ok=True)
        command = [] if self.launch == "fork" else stage_command(stage, self.launch)
        module = COMMANDS[stage.command].module
        log = str(stage.log)
        self.keeper.ask(do="start", module=module, arguments=stage.arguments, command=command, log=log, cores=cores)

    def ask(self, request: str) -> None:
        """Asks the stage to `stop` where it can continue, or to be killed."""
        if self.stage and self.keeper:
            self.keeper.ask(do=request)

    def look(self, table: LiveTable, signals: Signals) -> None:
        """Keeps the table up to date; where the stage has ended, frees the place and raises what `check` does."""
        assert self.stage and self.keeper
        seconds = time.time() - self.began
        if (code := self.keeper.exitcode) is None:
            return table.update(self.stage.name, self.stage.output, seconds)
        stage, self.stage = self.stage, None
        try:
            check(stage, code, self.before, self.launch, bool(signals.count))
        except UserError as error:
            table.finish(stage.name, STATES.get(type(error), "failed"), seconds)
            raise
        table.finish(stage.name, "done", seconds)

    def close(self) -> None:
        """Ends what runs here."""
        if self.keeper:
            self.keeper.close()


def notes(output: Path) -> Notes:
    """What a stage has left about how far it is, and about a guard that ended it."""
    return read_progress(output), read_halt(output)


def check(stage: Stage, code: int, before: Notes, launch: Any, asked: bool) -> None:
    """
    Tells how a stage ended.

    Raises:
        `Waiting`: it is with Slurm, or a page waits to be looked at.
        `Stopped`: it stopped where it can continue.
        `Halted`: one of its guards ended it.
        `ArtifactError`: it failed.
    """
    if code == 0 and read_manifest(stage.output) is None:
        message = f"stage {stage.name} is not complete yet: {last_words(stage.log)}"
        raise Waiting(message, "run the pipeline again when it is")
    check_notes(f"stage {stage.name}", stage.output, code, before, asked)
    if code:
        raise ArtifactError(
            f"stage {stage.name} failed with exit code {code}: {last_words(stage.log)}",
            f"read {stage.log}; repeat it alone with: {shlex.join(stage_command(stage, launch))}",
        )


def check_notes(name: str, output: Path, code: int, before: Notes, asked: bool) -> None:
    """
    Raises `Stopped` or `Halted` where that is how a stage ended: by its notes, since `accelerate launch` has an exit
    code of its own, and not by those from an earlier life.
    """
    note, halt = notes(output)
    if code and halt and halt != before[1]:
        raise Halted(f"{name}: {halt['message']}", halt["hint"])
    if code and note.get("stopped") and note != before[0]:
        raise Stopped(f"{name} by a signal at step {note['done']} of {note['total']}", "run it again to continue")
    if code == Stopped.exit_code or (asked and code not in (0, ArtifactError.exit_code)):
        raise Stopped(f"{name} by a signal", "run it again to continue")


def leave(signals: Signals) -> NoReturn:
    """Ends the runner after a request to stop."""
    print("stopped; the same command continues", flush=True)
    sys.exit(Stopped.exit_code if signals.count < 2 else 128 + signal.SIGTERM)


def run_stages(chosen: list[Stage], stages: list[Stage], launch: Any, jobs: int) -> None:
    """Runs the chosen ones of a pipeline's stages that are not complete, `jobs` at a time."""
    waiting, places, passed = list(chosen), [Place(launch) for _ in range(jobs)], 0
    failures: list[UserError] = []
    with LiveTable([stage.name for stage in chosen]) as table, Signals() as signals:
        try:
            while True:
                if not signals.count and not failures:
                    with noted(failures):
                        fill(places, waiting, stages, table)
                busy = [place for place in places if place.stage]
                if not busy:
                    break
                if signals.count > passed:
                    passed = signals.count
                    for place in busy:
                        place.ask("stop" if passed == 1 else "kill")
                for place in busy:
                    with noted(failures):
                        place.look(table, signals)
                time.sleep(0.1)
        finally:
            for place in places:
                place.close()
        # what has failed says more than what was stopped or waits
        failure = min(failures, key=lambda error: isinstance(error, Stopped | Waiting), default=None)
        if failure and not (isinstance(failure, Stopped) and signals.count > 1):
            raise failure
        if signals.count and (failure or waiting):
            leave(signals)


@contextlib.contextmanager
def noted(failures: list[UserError]) -> Iterator[None]:
    """Notes what has failed, and lets the other stages go on."""
    try:
        yield
    except UserError as error:
        failures.append(error)


def fill(places: list[Place], waiting: list[Stage], stages: list[Stage], table: LiveTable) -> None:
    """Starts stages at the free places, in the order of the pipeline; takes them off the waiting ones."""
    for stage in list(waiting):
        running = [place.stage for place in places if place.stage]
        free = next((n for n, place in enumerate(places) if not place.stage), None)
        if free is None:
            return
        launch = places[free].launch
        if has_launcher(stage, launch) and any(has_launcher(other, launch) for other in running):
            continue
        if stage.needs & {other.name for other in (*waiting, *running)}:
            continue
        waiting.remove(stage)
        try:
            complete = stage.complete()
        except UserError:  # another recipe's result lies there
            table.finish(stage.name, "failed", 0)
            raise
        if complete:
            table.finish(stage.name, "skipped", 0)
        else:
            places[free].start(stage, cores_of(stage, stages, free, len(places)))


def last_words(log: Path) -> str:
    """The error line of a log, else its last line."""
    return last_line(log)[1]


def last_line(log: Path) -> tuple[int, str]:
    """Number and text of the error line of a log, else of its last line; 0 where it has none."""
    text = log.read_text(encoding="utf-8", errors="replace") if log.exists() else ""
    lines = [(number, line.strip()) for number, line in enumerate(text.splitlines(), 1) if line.strip()]
    errors = [(number, line) for number, line in lines[-20:] if line.startswith("error:")]
    return (errors or lines or [(0, "no output")])[-1]
