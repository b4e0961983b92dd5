"""What parts that start other processes share."""

import ctypes
import os
import signal
import sys


def available_cores() -> int:
    """
    This process's share of the cores: fewer than the machine's in a container or a Slurm job, and divided among the
    processes that `accelerate launch` started on this node.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, cores // int(os.environ.get("LOCAL_WORLD_SIZE", 1)))


def is_main_process() -> bool:
    """Whether this is the first of the processes that `accelerate launch` started."""
    return int(os.environ.get("RANK", 0)) == 0


def die_with_parent() -> None:
    """Asks the kernel (Linux) to end this process when the one that started it ends, however that happens."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
