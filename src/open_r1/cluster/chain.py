"""A pipeline as a chain of Slurm jobs: one per stage that is not complete, each after those that it loads from.

Slurm does the rest: it starts what is ready, side by side, and cancels what depends on a job that failed
(`--kill-on-invalid-dep`), and nothing else. A stage's job is known by its name and the log that it writes, so that the
same command, run again, submits only what is neither complete nor with Slurm already; whoever was killed in between.
"""

import shlex
from pathlib import Path

from ..core import deleting
from ..core.commands import COMMANDS
from ..core.errors import ArtifactError, SlurmError
from ..core.inputs import read_manifest
from ..core.locks import Lock
from ..core.pipeline_stage import Stage
from ..core.submitted import jobs_below
from .queue import Job, call, cancel, find, submit
from .resources import request
from .site import SITE, Site, read_site


def chain_file(stage: Stage) -> Path:
    """What says that a run has jobs, and keeps a second command from submitting them at the same time."""
    return stage.log.with_name(".chain")


def job_name(stage: Stage) -> str:
    """What squeue shows: the run's root, and the stage."""
    return f"{stage.log.resolve().parent.parent.name}-{stage.name}"


def jobs_of(stages: list[Stage]) -> dict[str, Job]:
    """The latest jobs of stages that Slurm still knows, by the stages' names; those of another run have other logs."""
    if not any(chain_file(stage).exists() for stage in stages):  # run here: Slurm may not even be
        return {}
    by_log = {job.log: job for job in find(map(job_name, stages))}
    return {stage.name: by_log[log] for stage in stages if (log := str(stage.log.resolve())) in by_log}


def alive_of(stages: list[Stage]) -> dict[str, Job]:
    """Those of the jobs that wait or run."""
    return {name: job for name, job in jobs_of(stages).items() if job.alive}


def submit_chain(chosen: list[Stage], stages: list[Stage], forced: list[Stage], dry: bool, pipeline: str) -> None:
    """
    Submits the chosen ones of a pipeline's stages that are neither complete nor with Slurm.

    Args:
        chosen (`list[Stage]`):
            What to run.
        stages (`list[Stage]`):
            The whole pipeline.
        forced (`list[Stage]`):
            What to delete first.
        dry (`bool`):
            Whether only to print the commands.
        pipeline (`str`):
            Its file, and those that lie over it, for error messages.
    """
    site = read_site()
    requests = {stage.name: request(stage, site, pipeline) for stage in chosen}
    for stage in chosen:
        check_script(script(stage))
    if dry:
        return submit_missing(chosen, stages, alive_of(stages), requests, None)
    call("sbatch", "--version")  # a machine without Slurm gets no mark of a chain
    file = chain_file(chosen[0])
    file.parent.mkdir(parents=True, exist_ok=True)
    lock = Lock(file, f"the chain of jobs of {file.parent.parent}")
    alive = alive_of(stages)
    delete(forced, alive)
    submit_missing(chosen, stages, alive, requests, site)
    lock.release()


def submit_missing(
    chosen: list[Stage], stages: list[Stage], alive: dict[str, Job], requests: dict[str, list[str]], site: Site | None
) -> None:
    """Submits stages, or without a site prints how; says where the others are."""
    todo = missing(chosen, stages, alive)
    numbers = {name: job.id for name, job in alive.items()}
    for stage in chosen:
        if stage.name in alive:
            print(f"{stage.name}: job {alive[stage.name].id} is {alive[stage.name].word}", flush=True)
        elif stage not in todo:
            print(f"{stage.name}: complete", flush=True)
        else:
            words = command(stage, requests[stage.name], direct(stage, stages, numbers))
            numbers[stage.name] = (
                submit(words, site.sbatch, f"stage {stage.name}") if site else f"<job of {stage.name}>"
            )
            print(f"{stage.name}: job {numbers[stage.name]}" if site else shlex.join(words), flush=True)


def missing(chosen: list[Stage], stages: list[Stage], alive: dict[str, Job]) -> list[Stage]:
    """The chosen stages that need a job. Raises `ArtifactError` for one that loads what nothing here will make."""
    coming, found = set(alive), []
    for stage in chosen:
        if stage.name in alive or (not stage.needs & coming and stage.complete()):
            continue
        needs = [other for other in stages if other.name in stage.needs - coming]
        if absent := [other.name for other in needs if read_manifest(other.output) is None]:
            raise ArtifactError(
                f"stage {stage.name} needs {absent[0]}, which is neither complete nor with Slurm",
                f"run that too: leave `--from` and `--only` out, or begin with `--from {absent[0]}`",
            )
        coming.add(stage.name)
        found.append(stage)
    return found


def direct(stage: Stage, stages: list[Stage], numbers: dict[str, str]) -> list[str]:
    """The jobs that a stage comes after: of what it needs, those that no other of them comes after itself."""
    needs = [other for other in stages if other.name in stage.needs and other.name in numbers]
    behind = set().union(*(other.needs for other in needs))
    return [numbers[other.name] for other in needs if other.name not in behind]


def script(stage: Stage) -> Path:
    """The job script of a stage."""
    return SITE.with_name("train.slurm" if COMMANDS[stage.command].trains else "evaluate.slurm")


def check_script(file: Path) -> None:
    if not file.is_file():
        raise SlurmError(f"{file}: no such script", f"start in the folder that holds {file.parent}/")


def command(stage: Stage, resources: list[str], after: list[str]) -> list[str]:
    """The command that submits a stage."""
    words = ["sbatch", "--parsable", f"--job-name={job_name(stage)}", *resources, f"--output={stage.log.resolve()}"]
    words += ["--kill-on-invalid-dep=yes", *([f"--dependency=afterok:{':'.join(after)}"] if after else [])]
    return [*words, str(script(stage)), stage.command, *stage.arguments]


def delete(stages: list[Stage], alive: dict[str, Job]) -> None:
    """Deletes what stages have made. Raises `SlurmError` where a job may be writing it."""
    for stage in stages:
        if job := alive.get(stage.name):
            fix = "`open-r1 cancel` with this pipeline first, or wait for it"
            raise SlurmError(f"stage {stage.name} is with Slurm (job {job.id}, {job.word})", fix)
    deleting.delete(stage.output for stage in stages)


def cancel_chain(chosen: list[Stage]) -> list[tuple[str, Job]]:
    """Cancels the jobs of stages, and those that the stages have submitted; returns the former, with their stages."""
    alive = alive_of(chosen)
    numbers = [job.id for job in alive.values()]
    cancel([*numbers, *(number for stage in chosen for number in jobs_below(stage.output))])
    return list(alive.items())
