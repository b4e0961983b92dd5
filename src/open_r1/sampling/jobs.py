"""The tasks of a generation as Slurm jobs, and one more that writes the store when they are done.

Where the stage that submits them is a job itself, such as one of `open-r1 run --slurm`, that job goes back into the
queue until the last of them is done: it holds no node meanwhile, and what depends on it waits for the store.
"""

import functools
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ..core.artifacts import Artifact
from ..core.commands import COMMANDS
from ..core.errors import RecipeError, SlurmError
from ..core.files import write_atomically
from ..core.notes import RECIPE
from ..core.recipes import fingerprint
from ..core.submitted import JOBS, queued, require_partition

TAIL = 10_000  # last characters of a log that may say why a task failed


def submit(stores: dict[str, list[Any]], executor: dict[str, Any], artifact: Artifact) -> bool:
    """
    Submits the tasks that are not with Slurm, and one more job that runs this stage again when they are all done. They
    are known by the names of their jobs, so that nothing is submitted twice, whoever was killed in between.

    Args:
        stores (`dict[str, list]`):
            What a task does, for datatrove, by the folder where it writes: an evaluation fills several stores.
        executor (`dict`):
            The recipe's settings.
        artifact (`Artifact`):
            The stage's output, with its command.

    Returns:
        `bool`: `False`, since nothing is done yet.
    """
    from datatrove.executor import SlurmPipelineExecutor

    if "SLURM_ARRAY_TASK_ID" in os.environ:
        raise RecipeError(
            f"{', '.join(stores)}: not all tasks are complete",
            "look at logs/ there, and run the command again on the login node",
        )
    note, job = artifact.path.resolve() / JOBS, os.environ.get("SLURM_JOB_ID")
    folder = note.parent
    last = named("store", artifact, str(folder))
    if before := queued(f"--name={last}"):
        print(f"the jobs of {artifact.path} are still with Slurm: {before[0]} is the last", flush=True)
        return come_back(job, before[-1]) if job else False
    settings = settings_of(executor)
    leave_job()
    tasks = executor.get("tasks", 1)
    ids: list[str] = []
    folder.mkdir(parents=True, exist_ok=True)
    for place, steps in stores.items():
        name = named("sample", artifact, place)
        workers, logs = executor.get("workers", -1), f"{place}/logs"
        sampled = SlurmPipelineExecutor(
            steps, tasks=tasks, workers=workers, job_name=name, logging_dir=logs, **settings
        )
        ids += queued(f"--name={name}") or launched(sampled, failures(Path(logs)))
        write_atomically(note, " ".join(ids))
    small = {key: value for key, value in settings.items() if key not in ("gpus_per_task", "nodes_per_task")}
    module = COMMANDS[artifact.command].module
    again = [sys.executable, "-m", module, "--config", str((artifact.path / RECIPE).resolve())]
    stored = SlurmPipelineExecutor(
        [functools.partial(run_again, command=again, folder=os.getcwd())],
        tasks=1,
        job_name=last,
        depends_job_id=":".join(ids) or None,
        logging_dir=f"{folder}/store_logs",
        skip_completed=False,
        **small,
    )
    ids += launched(stored, failures(folder / "store_logs"))
    write_atomically(note, " ".join(ids))
    print(
        f"{tasks * len(stores)} tasks are with Slurm; the last job writes {artifact.path}, or run this command again "
        "when they are done: where one has failed, it says why and starts that one",
        flush=True,
    )
    return come_back(job, ids[-1]) if job else False


def named(what: str, artifact: Artifact, place: str) -> str:
    """The name of a job, which no job for another folder has."""
    return f"{what}_{artifact.path.name}_{fingerprint({'': place})[:8]}"


def settings_of(executor: dict[str, Any]) -> dict[str, Any]:
    """The recipe's arguments of datatrove's executor, and ours."""
    require_partition(executor, "`executor`")
    settings = {"time": "24:00:00", "qos": ""} | executor["slurm"]
    settings.setdefault("env_command", f"export PATH={Path(sys.executable).parent}:$PATH")
    settings["sbatch_args"] = {"kill-on-invalid-dep": "yes"} | settings.get("sbatch_args", {})
    return settings


def launched(executor: Any, before: Iterable[str]) -> list[str]:
    """Submits what is not complete, and says why it failed before; the job's number, none where all is done."""
    for line in before:
        print(f"failed before: {line}", flush=True)
    executor.launch_merge_stats = nothing  # a job of its own for figures that nobody reads, with the GPUs of a task
    try:
        executor.run()
    except FileNotFoundError:
        fix = "start it where jobs are submitted, such as a login node, or use `kind: local`"
        raise SlurmError("sbatch: there is no Slurm here", fix) from None
    except subprocess.CalledProcessError:  # its own words stand above
        raise SlurmError("sbatch refuses the tasks", "correct `slurm` of `executor`, and run it again") from None
    return [] if executor.job_id in (None, -1) else [str(executor.job_id)]


def nothing() -> None:
    """In place of what is not to be done."""


def failures(logs: Path) -> list[str]:
    """The log of the job that failed last, and its line that says why."""
    for log in sorted(logs.glob("slurm_logs/*.out"), key=lambda file: file.stat().st_mtime, reverse=True):
        text = log.read_text(encoding="utf-8", errors="replace")[-TAIL:]
        if "Processing done" not in text and (found := re.search(r"\S*[eE]rror: .*", text)):
            return [f"{log}: {found[0]}"]
    return []


def leave_job() -> None:
    """
    Forgets the variables of the job that this process may run in, which sbatch and srun would take for settings of the
    tasks; also the site's where the recipe has its own.
    """
    for name in list(os.environ):
        if name in ("SBATCH_PARTITION", "SBATCH_CONSTRAINT") or (name.startswith("SLURM_") and name != "SLURM_CONF"):
            del os.environ[name]


def come_back(job: str, last: str) -> bool:
    """
    Puts the job that this process runs in back into the queue, until the last of the tasks' jobs is done: it finds the
    stage complete then. Returns `False`, since it is not yet.
    """
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # it comes with the first command, and must not prevent the second
    for words in (["requeue", job], ["update", f"JobId={job}", f"Dependency=afterok:{last}"]):
        if subprocess.run(["scontrol", *words], check=False).returncode:
            break  # it was not submitted with `--requeue`
    return False


def run_again(_: Any, rank: int, world_size: int, command: list[str], folder: str) -> None:
    """The last job: the same stage, which finds all tasks done."""
    subprocess.run(command, check=True, cwd=folder)
