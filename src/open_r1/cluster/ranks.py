"""Sends a signal to the ranks of a stage on this node of a Slurm job: what `srun --overlap` runs there.

python -m open_r1.cluster.ranks MODULE SIGTERM
"""

import contextlib
import os
import signal
import sys
from pathlib import Path

from ..core.keeper import outermost, parents, runs_module, send

OF_NODE = ("SLURM_JOB_ID", "SLURMD_NODENAME")


def environment(pid: int) -> dict[str, str]:
    """Of a process; empty where it is gone or another user's."""
    with contextlib.suppress(OSError):
        pairs = Path(f"/proc/{pid}/environ").read_text(errors="replace").split("\0")
        return dict(pair.split("=", 1) for pair in pairs if "=" in pair)
    return {}


def find_ranks(module: str, own: dict[str, str]) -> list[int]:
    """The processes of this node of this job that are the stage, without the workers that they forked."""
    table = parents()
    here = lambda found: all(found.get(key) == own[key] for key in OF_NODE)
    return outermost([pid for pid in table if runs_module(pid, module) and here(environment(pid))], table)


def main() -> None:
    """Runs as the module says."""
    module, name = sys.argv[1:]
    for pid in find_ranks(module, dict(os.environ)):
        send(pid, signal.Signals[name])


if __name__ == "__main__":
    main()
