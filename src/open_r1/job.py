"""Runs a command on the nodes of a Slurm job, which is what the scripts in `slurm/` do.

    open-r1 job grpo --config RECIPE --with OVERLAY                      # in a job
    open-r1 job --dry-run --nodes 8 grpo --config RECIPE --with OVERLAY  # anywhere: prints what would run

A command that trains has all nodes; with `vllm_mode: server` the last of them serves. Exit code 75 says that the job
stopped where it can continue and is queued again; other codes are the command's own.
"""

import os
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path

from open_r1.cluster import queue
from open_r1.cluster.site import gpus_of_job
from open_r1.cluster.srun import Running, reason, srun_words
from open_r1.cluster.steps import Allocation, Step, make_steps, ports
from open_r1.cluster.watch import Pulse, Requests, stall_minutes, watch
from open_r1.core.commands import COMMANDS
from open_r1.core.errors import RecipeError, SlurmError, Stopped, report_errors
from open_r1.core.inputs import read_manifest
from open_r1.core.notes import PROGRESS
from open_r1.core.recipes import Recipe, parse_overrides, read_command_line
from open_r1.core.runner import Waiting, check_notes, notes

USAGE = "[--dry-run --nodes N] COMMAND [--config RECIPE.yaml] [--with FILE] [--key value ...]"


def split(arguments: list[str]) -> tuple[Recipe, str, list[str]]:
    """Our options, the command, and its own words."""
    place = next((n for n, word in enumerate(arguments) if word in COMMANDS), None)
    if place is None:
        raise RecipeError(f"no command in {shlex.join(arguments)!r}", f"open-r1 job {USAGE}")
    options = parse_overrides(arguments[:place])
    if unknown := set(options) - {"dry-run", "nodes"}:
        raise RecipeError(f"command line: --{min(unknown)} before the command", f"open-r1 job {USAGE}")
    return options, arguments[place], arguments[place + 1 :]


def read_allocation(site: Mapping[str, str]) -> Allocation:
    """The nodes of this job."""
    if not site.get("SLURM_JOB_ID"):
        raise SlurmError("this is no Slurm job", "submit slurm/train.slurm with sbatch, or add --dry-run --nodes N")
    names = tuple(queue.shown("hostnames", site["SLURM_JOB_NODELIST"]).split())
    known = queue.nodes(names)
    addresses = tuple(known[name].get("NodeAddr", name) for name in names)
    return Allocation(int(site["SLURM_JOB_ID"]), names, addresses, gpus_of_job(site))


def imagined(nodes: int, site: Mapping[str, str]) -> Allocation:
    """The nodes of a dry run."""
    names = tuple(f"node{n}" for n in range(1, nodes + 1))
    return Allocation(1, names, names, gpus_of_job(site))


def show(steps: list[Step]) -> None:
    """Prints what would run."""
    for step in steps:
        print(f"# {step.name} on {', '.join(step.nodes)}")
        print("\n".join(f"export {name}={shlex.quote(value)}" for name, value in sorted(step.environment.items())))
        print(shlex.join(srun_words(step)))


def check_port(job: int) -> None:
    """Raises `SlurmError` where the ranks could not meet on this node."""
    from open_r1.training.network import why_taken

    if problem := why_taken(ports(job)[0]):
        raise SlurmError(f"port {ports(job)[0]} of this node, where the ranks meet: {problem}", "submit the job again")


def run_steps(steps: list[Step], command: str, recipe: Recipe, job: int) -> int:
    """Runs the steps of a job to their end; the exit code of the first, where it has done its part or failed."""
    output, trains = Path(recipe.get("output_dir") or "/nonexistent"), COMMANDS[command].trains
    before, module = notes(output), COMMANDS[command].module
    requests = Requests()
    pulse = Pulse(output / PROGRESS, stall_minutes(os.environ), trains)
    running = [Running(step, len(steps) > 1) for step in steps]
    code = watch(running, module, requests, pulse)
    try:
        check_notes(command, output, code, before, bool(requests.soon or requests.now))
    except Stopped:
        if read_manifest(output):  # it was done when the signal came
            return 0
        if requests.soon and not requests.now:
            queue.requeue(job)
            print(f"job: {job} is queued again", flush=True)
        raise
    if not code and command != "serve" and not requests.now and read_manifest(output) is None:
        last = (list(running[0].lines) or ["no output"])[-1]
        raise Waiting(f"{command} is not complete yet: {last}", "what needs it would find nothing: submit it again")
    if code:
        code, why = reason(running[0].lines, code)
        print(f"error: {command} failed with exit code {code}: {why}", flush=True)
    return code


@report_errors
def main(arguments: list[str]) -> None:
    """Runs a job from the command line."""
    options, command, words = split(arguments)
    recipe, where, _ = read_command_line(words, "grpo" if command == "serve" else command)
    dry, nodes = bool(options.get("dry-run")), options.get("nodes", 1)
    if not isinstance(nodes, int) or nodes < 1:
        raise RecipeError(f"--nodes {nodes}", "give 1 or more")
    trains, site = COMMANDS[command].trains, dict(os.environ)
    given = imagined(nodes, site) if dry else read_allocation(site)
    if dry:
        site["SLURM_GPUS_ON_NODE"] = str(given.gpus)
    steps = make_steps(command, words, recipe, where.split(" with "), given, site)
    if dry:
        return show(steps)
    if trains:
        check_port(given.job)
    sys.exit(run_steps(steps, command, recipe, given.job))
