"""The tasks of a generation as Slurm jobs, and one more that writes the store when they are done.

Where the stage that submits them is a job itself, such as one of `open-r1 run --slurm`, that job goes back into the
queue until the last of them is done: it holds no node meanwhile, and what depends on it waits for the store.
"""

import functools
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from ..core.artifacts import RECIPE, Artifact, write_atomically
from ..core.errors import RecipeError


def submit(stores: dict[str, list[Any]], executor: dict[str, Any], artifact: Artifact, command: str) -> bool:
    """
    Submits the tasks, and one more job that runs this stage again when they are all done.

    Args:
        stores (`dict[str, list]`):
            What a task does, for datatrove, by the folder where it writes: an evaluation fills several stores.
        executor (`dict`):
            The recipe's settings.
        artifact (`Artifact`):
            The stage's output.
        command (`str`):
            The stage's command.

    Returns:
        `bool`: `False`, since nothing is done yet. Raises `RecipeError` where the tasks are with Slurm already.
    """
    from datatrove.executor import SlurmPipelineExecutor

    if "SLURM_ARRAY_TASK_ID" in os.environ:
        raise RecipeError(
            f"{', '.join(stores)}: not all tasks are complete",
            "look at logs/ there, and run the command again on the login node",
        )
    folder, job = artifact.path.resolve() / "tasks", os.environ.get("SLURM_JOB_ID")
    folder.mkdir(parents=True, exist_ok=True)
    jobs = folder / "jobs"
    if queued := queued_jobs(jobs):
        if job:  # it was started again before they are done
            return come_back(job, jobs)
        raise RecipeError(
            f"the jobs {queued} of {artifact.path} are still with Slurm", "wait for them, or `scancel` them first"
        )
    settings = {"time": "24:00:00", "qos": ""} | (executor.get("slurm") or {})
    if not settings.get("partition"):
        raise RecipeError(
            "`executor`: the Slurm partition is missing", "add `slurm: {partition: NAME}`; `sinfo` lists them"
        )
    settings.setdefault("env_command", f"export PATH={Path(sys.executable).parent}:$PATH")
    settings["sbatch_args"] = {"kill-on-invalid-dep": "yes"} | settings.get("sbatch_args", {})
    if job:
        leave_job()
    tasks = executor.get("tasks", 1)
    ids = []
    for place, steps in stores.items():
        sampled = SlurmPipelineExecutor(
            steps,
            tasks=tasks,
            workers=executor.get("workers", -1),
            job_name=f"sample_{artifact.path.name}",
            logging_dir=f"{place}/logs",
            **settings,
        )
        sampled.run()
        ids += [str(sampled.job_id)] if sampled.job_id not in (None, -1) else []  # it has none where all is done
        write_atomically(jobs, " ".join(ids))
    small = {key: value for key, value in settings.items() if key not in ("gpus_per_task", "nodes_per_task")}
    again = [sys.executable, "-m", f"open_r1.{command}", "--config", str((artifact.path / RECIPE).resolve())]
    stored = SlurmPipelineExecutor(
        [functools.partial(run_again, command=again, folder=os.getcwd())],
        tasks=1,
        job_name=f"store_{artifact.path.name}",
        depends_job_id=":".join(ids) or None,
        logging_dir=f"{folder}/store_logs",
        skip_completed=False,
        **small,
    )
    stored.run()
    write_atomically(jobs, " ".join([*ids, str(stored.job_id)]))
    print(
        f"{tasks * len(stores)} tasks are with Slurm; the last job writes {artifact.path}, "
        "or run this command again when they are done",
        flush=True,
    )
    return come_back(job, jobs) if job else False


def leave_job() -> None:
    """
    Forgets the variables of the job that this process runs in, which sbatch and srun would take for settings of the
    tasks; also the site's where the recipe has its own.
    """
    for name in list(os.environ):
        if name in ("SBATCH_PARTITION", "SBATCH_CONSTRAINT") or (name.startswith("SLURM_") and name != "SLURM_CONF"):
            del os.environ[name]


def come_back(job: str, jobs: Path) -> bool:
    """
    Puts the job that this process runs in back into the queue, until the last of the tasks' jobs is done: it finds the
    stage complete then. Returns `False`, since it is not yet.
    """
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # it comes with the first command, and must not prevent the second
    last = jobs.read_text(encoding="utf-8").split()[-1]
    for words in (["requeue", job], ["update", f"JobId={job}", f"Dependency=afterok:{last}"]):
        if subprocess.run(["scontrol", *words], check=False).returncode:
            break  # it was not submitted with `--requeue`
    return False


def queued_jobs(file: Path) -> str:
    """Those of the jobs that were submitted before which Slurm has not finished; empty if none."""
    if not file.exists():
        return ""
    jobs = ",".join(job for job in file.read_text(encoding="utf-8").split() if job not in ("None", "-1"))
    found = subprocess.run(
        ["squeue", "-h", "-o", "%F", "-j", jobs], capture_output=True, text=True, check=False
    ).stdout.split()
    return ", ".join(sorted(set(found)))


def run_again(_: Any, rank: int, world_size: int, command: list[str], folder: str) -> None:
    """The last job: the same stage, which finds all tasks done."""
    subprocess.run(command, check=True, cwd=folder)
