"""Slurm: stages' jobs are submitted, looked for, put back and cancelled here, and nodes are asked about.

No accounting database is assumed. Slurm itself knows a job for some minutes after its end (`MinJobAge`); later the
artifact of its stage says whether it was done.
"""

import os
import shlex
import subprocess
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from ..core.errors import SlurmError

FIELDS = ("JobID", "Name", "StdOut", "State", "Reason", "NodeList", "TimeLeft", "RestartCnt")  # of squeue
APART = "\t"
ENDED = {"BOOT_FAIL", "CANCELLED", "COMPLETED", "DEADLINE", "FAILED", "NODE_FAIL", "OUT_OF_MEMORY", "PREEMPTED"}
ENDED |= {"REVOKED", "TIMEOUT"}
# What sbatch says, and what to do about it.
REFUSALS = {
    "partition": "`sinfo` lists the partitions: correct SBATCH_PARTITION in slurm/site.env",
    "account": "`sacctmgr show associations user=$USER` lists yours: correct SBATCH_ACCOUNT in slurm/site.env",
    "qos": "correct SBATCH_QOS in slurm/site.env",
    "feature": "`sinfo -o '%N %f'` lists the features: correct SBATCH_CONSTRAINT in slurm/site.env",
    "gres": "`sinfo -o '%N %G'` lists the GPUs of the nodes: ask for fewer `gpus`, or correct GPUS_PER_NODE",
    "configuration is not available": "`sinfo -o '%N %c %m %G'` lists what the nodes have: ask for less in `slurm:`",
    "memory specification": "`sinfo -o '%N %m'` lists the memory of the nodes: ask for less in `slurm:`",
}


class Job(NamedTuple):
    """
    A job that Slurm knows.

    Attributes:
        id (`str`): Its number.
        name (`str`): Its name.
        log (`str`): Where its output goes.
        state (`str`): Slurm's word for its state.
        reason (`str`): Why it waits, or why it has failed; empty for no reason.
        nodes (`str`): Where it runs or ran.
        left (`str`): Time until its limit.
        restarts (`int`): How often it was put back into the queue.
    """

    id: str
    name: str
    log: str
    state: str
    reason: str
    nodes: str
    left: str
    restarts: int

    @property
    def alive(self) -> bool:
        """Whether it waits or runs."""
        return self.state not in ENDED

    @property
    def word(self) -> str:
        """Its state in a word or two."""
        again = self.state == "PENDING" and self.restarts
        return "requeued" if again else self.state.lower().replace("_", " ")


def call(*words: str, more: Mapping[str, str] | None = None) -> subprocess.CompletedProcess:
    """Runs a program of Slurm. Raises `SlurmError` where there is none."""
    try:
        environment = {**os.environ, **(more or {})}
        return subprocess.run(words, env=environment, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        hint = "start it where jobs are submitted, such as a login node, or leave `--slurm` out"
        raise SlurmError(f"{words[0]}: there is no Slurm here", hint) from None


def complaint(text: str) -> str:
    """The first line of what a program of Slurm complained of, without its name."""
    line = next((line for line in text.splitlines() if line.strip()), "it says nothing")
    return line.removeprefix("sbatch: ").removeprefix("error: ").strip()


def submit(words: list[str], variables: Mapping[str, str], what: str) -> str:
    """
    Submits a job.

    Args:
        words (`list[str]`):
            The command, from `sbatch` on, with `--parsable`.
        variables (`dict[str, str]`):
            sbatch's own, of the site.
        what (`str`):
            Whose job it is, for error messages.

    Returns:
        `str`: its number. Raises `SlurmError` where sbatch refuses it.
    """
    done = call(*words, more=variables)
    if done.returncode:
        said = complaint(done.stderr)
        fix = next((fix for part, fix in REFUSALS.items() if part in done.stderr.lower()), "")
        raise SlurmError(f"{what}: sbatch refuses it: {said}", fix or "correct its `slurm:`, or slurm/site.env")
    return done.stdout.strip().partition(";")[0]  # behind it: the name of a cluster


def find(names: Iterable[str]) -> list[Job]:
    """The jobs of some names that Slurm still knows, the latest last."""
    asked = ",".join(names)
    if not asked:
        return []
    shape = ",".join(f"{field}:{APART}" for field in FIELDS)
    done = call("squeue", "--noheader", "--states=all", f"--name={asked}", f"--Format={shape}")
    if done.returncode:
        raise SlurmError(f"squeue: {complaint(done.stderr)}", "try again when `squeue` answers")
    return sorted(map(read_job, done.stdout.splitlines()), key=lambda job: int(job.id))


def read_job(line: str) -> Job:
    """A job from its line of squeue."""
    texts = [part.strip() for part in line.split(APART)]
    number, name, log, state, reason, nodes, left, restarts = ("" if text == "None" else text for text in texts[:8])
    return Job(number, name, log, state, reason, nodes, left, int(restarts))


def cancel(numbers: Iterable[str]) -> None:
    """Cancels jobs; those that have ended stay as they are."""
    if words := list(numbers):
        done = call("scancel", *words)
        if done.returncode:
            raise SlurmError(f"scancel: {complaint(done.stderr)}", "look at `squeue --me`")


def requeue(number: int) -> None:
    """Puts a job back into the queue. Raises `SlurmError` where Slurm refuses."""
    done = call("scontrol", "requeue", str(number))
    if done.returncode:
        raise SlurmError(
            f"job {number} is not queued again: {complaint(done.stderr)}", "submit it again: it continues"
        )


def shown(*words: str) -> str:
    """What `scontrol show` says."""
    done = call("scontrol", "show", *words)
    if done.returncode:
        raise SlurmError(f"scontrol show {shlex.join(words)}: {complaint(done.stderr)}", "is Slurm up?")
    return done.stdout


def nodes(names: Iterable[str]) -> dict[str, dict[str, str]]:
    """What Slurm knows of some nodes, such as `NodeAddr` and `Gres`, by their names."""
    lines = shown("node", ",".join(names), "--oneliner").splitlines()
    found = [dict(pair.split("=", 1) for pair in line.split() if "=" in pair) for line in lines]
    return {node["NodeName"]: node for node in found if "NodeName" in node}
