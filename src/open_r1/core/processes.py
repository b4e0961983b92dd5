"""What parts that start other processes share."""

import ctypes
import os
import signal
import sys


def available_cores() -> int:
    """Cores that this process may use; fewer than the machine's in a container or a Slurm job."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def is_main_process() -> bool:
    """Whether this is the first of the processes that `accelerate launch` started."""
    return int(os.environ.get("RANK", 0)) == 0


def is_distributed() -> bool:
    """Whether the model is trained by several processes, or sharded by accelerate even in one."""
    return int(os.environ.get("WORLD_SIZE", 1)) > 1 or os.environ.get("ACCELERATE_USE_FSDP") == "true"


def die_with_parent() -> None:
    """Asks the kernel (Linux) to end this process when the one that started it ends, however that happens."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
