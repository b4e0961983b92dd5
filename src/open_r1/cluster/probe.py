"""What each rank of the job of `open-r1 doctor --slurm` does: the first of a node looks around there, and then all add
up a tensor with each other.

It prints lines of JSON that `site_check` reads: what a node is like, and how the sum went for a rank. The first comes
before the second begins, which may end a process without a word.
"""

import json
import os
import platform
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

from .health import installed
from .steps import Allocation, ports, site_environment

PACKAGES = ("open_r1", "torch", "transformers", "trl", "accelerate")
PATIENCE = 60.0  # seconds for a file to be seen on another node
MEETING = timedelta(seconds=150)  # for all ranks to meet, of which some wait for files before
SIZE, ROUNDS = 64 * 2**20, 5  # bytes of the tensor


def tell(**report: Any) -> None:
    """One line for `site_check`, in one piece beside those of other ranks."""
    sys.stdout.write(json.dumps({"node": os.environ["SLURMD_NODENAME"]} | report) + "\n")
    sys.stdout.flush()


def look(folder: Path) -> dict[str, Any]:
    """What this node is like."""
    shared = see_others(folder, os.environ["SLURMD_NODENAME"], int(os.environ["SLURM_NNODES"]))
    scratch = os.environ.get("SCRATCH", "")
    versions = {"python": platform.python_version()} | {name: installed(name) for name in PACKAGES}
    visible = os.environ.get("CUDA_VISIBLE_DEVICES") or os.environ.get("ROCR_VISIBLE_DEVICES") or ""
    given = len(visible.split(",")) if visible else 0
    report = {"versions": versions, "folder": shared, "scratch": write_in(scratch) if scratch else None}
    return report | {"given": given, "use_cpu": bool(os.environ.get("ACCELERATE_USE_CPU"))} | look_at_torch()


def look_at_torch() -> dict[str, Any]:
    """The GPUs that torch sees, and whether it is built for any."""
    try:
        import torch
    except Exception as error:  # a missing library of the system is an OSError
        return {"gpus": 0, "torch": f"cannot be imported: {error}"}
    built = torch.version.cuda or torch.version.hip
    return {"gpus": torch.cuda.device_count(), "torch": "" if built else "is built for CPUs alone"}


def see_others(folder: Path, own: str, count: int, patience: float = PATIENCE) -> str:
    """Why this node does not share a folder with the `count - 1` others; empty if it sees a file of each."""
    try:
        (folder / f"{own}.seen").touch()
    except OSError as error:
        return f"cannot write there ({error.strerror})"
    until = time.monotonic() + patience
    while len(seen := sorted(file.stem for file in folder.glob("*.seen"))) < count:
        if time.monotonic() > until:
            return f"sees files of {', '.join(seen)} alone"
        time.sleep(0.2)
    return ""


def write_in(scratch: str) -> str:
    """Why a directory cannot be written; empty if it can."""
    try:
        Path(scratch).mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=scratch):
            return ""
    except OSError as error:
        return f"cannot write there ({error.strerror})"


def add_up(rank: int, ranks: int, local: int, where: str) -> dict[str, Any]:
    """How long all ranks take to add up a tensor."""
    import torch
    import torch.distributed as dist

    cuda = torch.cuda.is_available()
    backend, device = ("nccl", f"cuda:{local % torch.cuda.device_count()}") if cuda else ("gloo", "cpu")
    if cuda:
        torch.cuda.set_device(device)
    dist.init_process_group(backend, init_method=where, rank=rank, world_size=ranks, timeout=MEETING)
    tensor = torch.zeros(SIZE // 4, device=device)
    for number in range(ROUNDS + 1):
        if number == 1:  # the first one connects
            begin = time.monotonic()
        dist.all_reduce(tensor)
        if cuda:
            torch.cuda.synchronize()
    took = (time.monotonic() - begin) / ROUNDS
    dist.barrier()
    dist.destroy_process_group()
    return {"seconds": took, "backend": backend, "ranks": ranks}


def main() -> None:
    """Looks around, and adds up."""
    rank, ranks, local = (int(os.environ[f"SLURM_{name}"]) for name in ("PROCID", "NTASKS", "LOCALID"))
    job, address = int(os.environ["SLURM_JOB_ID"]), os.environ["MASTER_ADDR"]
    os.environ |= site_environment(os.environ, Allocation(job, (), (address,), 0))  # the network that trainings use
    if local == 0:
        tell(**look(Path(sys.argv[1])))
    failed = False
    try:
        tell(rank=rank, **add_up(rank, ranks, local, f"tcp://{address}:{ports(job)[0]}"))
    except Exception as error:
        failed = True
        tell(rank=rank, error=f"{type(error).__name__}: {error}".splitlines()[0])
    os._exit(failed)  # a group that failed may wait for others; srun ends those that wait for this one


if __name__ == "__main__":
    main()
