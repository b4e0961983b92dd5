"""Jobs that a stage submits to Slurm itself, by its `executor`: what that must say, and which are not finished."""

import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .errors import RecipeError, SlurmError

JOBS = "tasks/jobs"  # in the stage's output: the numbers of the jobs


def require_partition(executor: Mapping[str, Any], where: str) -> None:
    """Raises `RecipeError` for an `executor` that names no partition."""
    if not (executor.get("slurm") or {}).get("partition"):
        raise RecipeError(f"{where} names no partition of Slurm", "add `slurm: {partition: NAME}`; `sinfo` lists them")


def jobs_below(output: Path) -> list[str]:
    """The numbers of the jobs that the stage of an output has submitted: its own, and those of its saved steps."""
    notes = [*output.glob(JOBS), *output.glob(f"*/*/{JOBS}")]
    return [number for note in notes for number in note.read_text().split() if number.isdigit()]


def queued(which: str) -> list[str]:
    """The jobs that Slurm has not finished, the first one first, of an option of squeue; raises `SlurmError`."""
    words = ["squeue", "-h", "-o", "%F", which]
    try:
        done = subprocess.run(words, capture_output=True, text=True, check=False)
    except OSError:
        done = None
    if done is None or (done.returncode and "Invalid job id" not in done.stderr):  # of a single one, long forgotten
        raise SlurmError("squeue does not answer", "start it where Slurm is, such as a login node")
    return sorted(set(done.stdout.split()), key=int)


def require_finished(output: Path) -> None:
    """Raises `SlurmError` where jobs write to an output, which is to be deleted. Without Slurm there are none."""
    numbers = jobs_below(output)
    if numbers and shutil.which("squeue") and (alive := queued(f"--jobs={','.join(numbers)}")):
        raise SlurmError(
            f"{output} is to be deleted, and its jobs are still with Slurm: {', '.join(alive)}",
            f"`scancel {' '.join(alive)}` first, or wait for them",
        )
