"""Where each stage of a pipeline stands, whoever runs it: read from its artifact, the notes that it leaves there, its
log and, where it has one, its Slurm job. Nothing is asked of the stage itself.
"""

from pathlib import Path
from typing import Any, NamedTuple

from ..core.inputs import read_manifest
from ..core.live import clock
from ..core.notes import LOCK, read_halt, read_progress
from ..core.outbox import count_left
from ..core.pipeline_stage import Stage
from ..core.runner import last_line
from .queue import Job

DEPENDENCY = "DependencyNeverSatisfied"  # Slurm's reason for a job that waited for one that failed
HEADS = ("stage", "state", "job", "node", "step", "left", "limit", "last words", "for the Hub")


class Standing(NamedTuple):
    """
    A line of the table.

    Attributes:
        stage (`str`): Its name.
        state (`str`): Its state in a word or two.
        job (`str`): The number of its Slurm job.
        node (`str`): Where that runs or ran.
        step (`str`): How far it is, of how much.
        left (`str`): How long it will take at its pace so far.
        limit (`str`): How long its job may still run.
        words (`str`): Why it waits or does not go on: the place and text of the line that says it.
        hub (`str`): How much of it waits to be published, and was refused.
    """

    stage: str
    state: str
    job: str = ""
    node: str = ""
    step: str = ""
    left: str = ""
    limit: str = ""
    words: str = ""
    hub: str = ""


def standing(stage: Stage, job: Job | None) -> Standing:
    """Where a stage stands; `job` is its Slurm job, if Slurm knows one."""
    hub = count_left(stage.output)
    if read_manifest(stage.output) is not None:
        return Standing(stage.name, "complete", job.id if job else "", hub=hub)
    note = read_progress(stage.output)
    state = state_of(stage, job, note)
    step = f"{note['done']}/{note['total']}" if note else ""
    running = state == "running"
    left = pace(note) if running else ""
    words = "" if running or state == "to do" else words_of(stage, state, job)
    where = (job.id, job.nodes) if job else ("", "")
    return Standing(stage.name, state, *where, step, left, job.left if job and running else "", words, hub)


def state_of(stage: Stage, job: Job | None, note: dict[str, Any]) -> str:
    """The state of a stage that is not complete."""
    if job and job.alive:
        return job.word
    if is_written(stage.output):
        return "running"
    if read_halt(stage.output):
        return "halted"
    if note.get("stopped"):
        return "stopped"
    if job:
        return "waiting" if job.state == "COMPLETED" else job.word  # done with its part, and not complete
    if last_line(stage.log)[1].startswith("error:"):
        return "failed"
    return "started" if stage.output.exists() else "to do"


def words_of(stage: Stage, state: str, job: Job | None) -> str:
    """Why a stage waits, or does not go on."""
    if job and job.alive:
        return job.reason
    if job and job.reason == DEPENDENCY:
        own = stage.recipe.get("executor")  # whose last job it waits for
        return f"its tasks failed: {stage.output}/tasks" if own else "a stage that it needs was not done"
    if state == "halted":
        return read_halt(stage.output)["message"]
    number, text = last_line(stage.log)
    return f"{stage.log}:{number}: {text}" if number else ""


def pace(note: dict[str, Any]) -> str:
    """The time that is left if it goes on as it did."""
    if not note.get("done"):
        return ""
    return clock(note["seconds"] / note["done"] * (note["total"] - note["done"]))


def is_written(directory: Path) -> bool:
    """Whether a process of this machine writes an artifact; asking for its lock could take it from one that starts."""
    lock, table = directory / LOCK, Path("/proc/locks")
    if not lock.exists() or not table.exists():
        return False
    fields = [line.split() for line in table.read_text().splitlines()]
    inode = str(lock.stat().st_ino)
    return any(words[1] == "FLOCK" and words[-3].rpartition(":")[2] == inode for words in fields if len(words) > 5)


def table_of(rows: list[Standing]) -> str:
    """The rows as text; columns that nothing stands in are left out."""
    columns = [column for column in zip(HEADS, *rows, strict=True) if any(column[1:])]
    widths = [max(map(len, column)) for column in columns]
    lines = zip(*columns, strict=True)
    return "\n".join("  ".join(map(str.ljust, line, widths)).rstrip() for line in lines)
