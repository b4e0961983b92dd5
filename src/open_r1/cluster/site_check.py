"""Checks a site from its login node, with one small job: whether its nodes are what `slurm/site.env` says, and equal.

What the nodes tell (`probe`) becomes one line for each check, as those of this machine (`health`).
"""

import json
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..core.errors import SlurmError
from . import queue
from .health import ERROR, OK, WARNING, Finding
from .probe import SIZE
from .site import Site, read_site
from .srun import reason

SCRIPT, NAME = Path("slurm/doctor.slurm"), "doctor"
END = "doctor: the end"
POLL, LATE = 2.0, 60.0  # seconds between two looks, and for the log to be seen here
HOPELESS = ("BadConstraints", "PartitionConfig", "PartitionNodeLimit")  # why Slurm lets a job wait that never starts
Report = dict[str, Any]


def check(nodes: int, minutes: int) -> list[Finding]:
    """
    Runs the job, and judges what its nodes tell. Raises `SlurmError` where Slurm refuses it.

    Args:
        nodes (`int`):
            How many.
        minutes (`int`):
            How long it may wait to be started.
    """
    site = read_site()
    folder = Path(tempfile.mkdtemp(prefix="doctor-", dir=Path.cwd()))
    found = [Finding("job", ERROR, "interrupted")]
    try:
        found = run(site, nodes, minutes, folder)
    finally:
        if (folder / "log").exists() and any(finding.state == ERROR for finding in found):
            print(f"the log of the job: {folder}/log", file=sys.stderr)
        else:
            shutil.rmtree(folder, ignore_errors=True)
    return found


def run(site: Site, nodes: int, minutes: int, folder: Path) -> list[Finding]:
    """Submits the job and waits for it; whatever happens, it does not stay in the queue."""
    words = [
        "sbatch",
        "--parsable",
        f"--job-name={NAME}",
        f"--nodes={nodes}",
        f"--ntasks-per-node={max(1, site.gpus)}",
    ]
    words += [f"--gpus-per-node={site.gpus}"] * bool(site.gpus)
    job = queue.submit([*words, f"--output={folder}/log", str(SCRIPT), str(folder)], site.sbatch, "this check")
    print(f"job {job} looks at {nodes} nodes, as soon as Slurm starts it", file=sys.stderr)
    try:
        if why := follow(job, minutes):
            fix = f"`sinfo -o '%N %T %G'` shows the nodes: ask for fewer --nodes, or correct {site.file}"
            return [Finding("job", ERROR, f"{job} {why}, and is cancelled", fix)]
    finally:
        queue.cancel([job])
    lines = read_log(folder / "log")
    return judge(lines, site, nodes, gpus_by_slurm(lines))


def follow(job: str, minutes: int) -> str:
    """Waits for the end of a job; why it has not started in time, where it has not."""
    until = time.monotonic() + 60 * minutes
    while (found := next((one for one in queue.find([NAME]) if one.id == job), None)) and found.alive:
        if found.state == "PENDING" and found.reason in HOPELESS:
            return f"asks for what these nodes do not have ({found.reason})"
        if found.state == "PENDING" and time.monotonic() > until:
            return f"has not started within {minutes} minutes ({found.reason or 'Slurm gives no reason'})"
        time.sleep(POLL)
    return ""


def read_log(file: Path) -> list[str]:
    """The lines of the job, once the last has come from its node."""
    until, text = time.monotonic() + LATE, ""
    while END not in text and time.monotonic() < until:
        text = file.read_text(encoding="utf-8", errors="replace") if file.exists() else ""
        time.sleep(0.2)
    return [line for line in text.splitlines() if line != END]


def reports(lines: list[str]) -> list[Report]:
    """What the ranks told, in order of their nodes."""
    found = [json.loads(line) for line in lines if line.startswith('{"node":') and line.endswith("}")]
    return sorted(found, key=lambda report: (report["node"], report.get("rank", -1)))


def gpus_by_slurm(lines: list[str]) -> dict[str, int]:
    """How many GPUs the nodes have, as far as Slurm says so."""
    names = {report["node"] for report in reports(lines)}
    found = queue.nodes(names) if names else {}
    gpus = re.compile(r"gpu(?::[^:,(]+)?:(\d+)")
    return {name: sum(map(int, gpus.findall(node["Gres"]))) for name, node in found.items() if "Gres" in node}


# ------------------------------------------------------------------------------------------------------------- judging


def judge(lines: list[str], site: Site, count: int, having: Mapping[str, int]) -> list[Finding]:
    """
    All findings.

    Args:
        lines (`list[str]`):
            Of the job's log.
        site (`Site`):
            What its file says.
        count (`int`):
            How many nodes the job had.
        having (`Mapping[str, int]`):
            The GPUs of nodes, by Slurm.
    """
    found = reports(lines)
    nodes, ranks = [one for one in found if "versions" in one], [one for one in found if "rank" in one]
    why = why_ended([line.strip() for line in lines if not line.startswith("{") and line.strip()])
    names = ", ".join(node["node"] for node in nodes)
    if not nodes:
        fix = f"let SETUP in {site.file} name a file that activates the environment of open-r1"
        return [Finding("nodes", ERROR, f"none told anything: {why}", fix)]
    if len(nodes) < count:
        fix = f"SETUP in {site.file} has to work on each node, and the environment be one that all see"
        first = Finding("nodes", ERROR, f"only {names} of {count} told anything: {why}", fix)
    else:
        first = Finding("nodes", OK, names)
    beside = [gpus(nodes, site, having), versions(nodes), folder(nodes)]
    scratch = written(nodes, site)
    return [first, *beside, *scratch, all_reduce(ranks, why, site, count * max(1, site.gpus))]


def why_ended(lines: list[str]) -> str:
    """Why tasks ended before they told everything, and where."""
    if not lines:
        return "the job left no log here: is this folder on a disk that all nodes share?"
    where = [line.removeprefix("srun: error: ") for line in lines if re.match(r"srun: error: \S+: task", line)]
    return "; ".join(dict.fromkeys([reason(lines, 1)[1].removeprefix("srun: error: "), *where[:1]]))


def gpus(nodes: list[Report], site: Site, having: Mapping[str, int]) -> Finding:
    """Whether the nodes have the GPUs that the site's file says, and torch sees them."""
    seen = {node["node"]: node["given" if node["use_cpu"] else "gpus"] for node in nodes}
    wrong = [node for node in nodes if seen[node["node"]] != site.gpus]
    said = f"GPUS_PER_NODE={site.gpus}"
    if wrong:
        told = [f"{seen[one['node']]} of the job's {one['given']} on {one['node']}" for one in wrong]
        built = {f"torch {one['torch']}" for one in wrong if one["torch"]}
        fix = "install a CUDA build of torch" if built else f"compare `nvidia-smi` there, or correct it in {site.file}"
        return Finding("gpus", ERROR, ", ".join([f"{said}, and torch sees {'; '.join(told)}", *sorted(built)]), fix)
    if more := {name: number for name, number in having.items() if number > site.gpus}:
        words = ", ".join(f"{name} has {number}" for name, number in sorted(more.items()))
        fix = f"GPUS_PER_NODE={min(more.values())} in {site.file}, unless the others are left idle on purpose"
        return Finding("gpus", WARNING, f"{said}, and {words}", fix)
    return Finding("gpus", OK, f"{site.gpus} on each node")


def versions(nodes: list[Report]) -> Finding:
    """Whether Python and the packages are the same everywhere."""
    wrong = []
    for name in nodes[0]["versions"]:
        by_version: dict[str, list[str]] = {}
        for node in nodes:
            by_version.setdefault(node["versions"][name] or "missing", []).append(node["node"])
        if len(by_version) > 1 or "missing" in by_version:
            wrong.append(", ".join(f"{name} {version} on {' '.join(on)}" for version, on in by_version.items()))
    if wrong:
        return Finding("versions", ERROR, "; ".join(wrong), "install once, in a directory that all nodes see")
    same = ", ".join(f"{name} {version}" for name, version in nodes[0]["versions"].items())
    return Finding("versions", OK, f"{same} on each node")


def folder(nodes: list[Report]) -> Finding:
    """Whether all nodes share the current directory."""
    wrong = [f"{node['node']} {node['folder']}" for node in nodes if node["folder"]]
    if wrong:
        fix = "work in a directory that all nodes share and may write"
        return Finding("folder", ERROR, f"{Path.cwd()}: {'; '.join(wrong)}", fix)
    return Finding("folder", OK, f"{Path.cwd()} is written and seen by each node")


def written(nodes: list[Report], site: Site) -> list[Finding]:
    """Whether `SCRATCH` can be written, where the site has one."""
    wrong = [f"{node['node']} {node['scratch']}" for node in nodes if node["scratch"]]
    if wrong:
        return [Finding("scratch", ERROR, "; ".join(wrong), f"correct SCRATCH in {site.file}, or leave it empty")]
    told = any(node["scratch"] is not None for node in nodes)
    return [Finding("scratch", OK, "SCRATCH can be written on each node")] if told else []


def all_reduce(ranks: list[Report], why: str, site: Site, count: int) -> Finding:
    """Whether all ranks met, and how fast their network is."""
    failed = [f"rank {rank['rank']} on {rank['node']}: {rank['error']}" for rank in ranks if "error" in rank]
    if failed or len(ranks) < count:
        words = failed[0] if failed else f"{len(ranks)} of {count} ranks came to the end: {why}"
        fix = f"set NETWORK_INTERFACE in {site.file} to one that `ip addr` lists on each node"
        return Finding("all-reduce", ERROR, words, fix)
    seconds = max(rank["seconds"] for rank in ranks)
    speed = SIZE / seconds / 1e9 * 2 * (count - 1) / count  # as nccl-tests say it: of the wires, whatever `count` is
    words = f"{SIZE >> 20} MiB over {count} ranks with {ranks[0]['backend']} in {seconds * 1e3:.1f} ms"
    return Finding("all-reduce", OK, f"{words}, {speed:.1f} GB/s (bus bandwidth)")


def read_options(options: dict[str, Any]) -> tuple[int, int]:
    """Nodes and minutes from the command line."""
    asked = {"nodes": 2, "wait": 10} | options
    if unknown := set(asked) - {"nodes", "wait"}:
        raise SlurmError(f"command line: --{min(unknown)} beside --slurm", "it takes --nodes N and --wait MINUTES")
    for name, value in asked.items():
        if type(value) is not int or value < 1:
            raise SlurmError(f"command line: --{name} {value}", "give 1 or more")
    return asked["nodes"], asked["wait"]
