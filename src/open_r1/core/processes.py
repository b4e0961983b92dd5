"""What parts that start other processes share."""

import ctypes
import os
import signal
import sys
from typing import Any

STOPPED = 75  # exit code of what was told to stop, and continues when it is run again (EX_TEMPFAIL of sysexits.h)


def available_cores() -> int:
    """Cores that this process may use; fewer than the machine's in a container or a Slurm job."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def is_main_process() -> bool:
    """Whether this is the first of the processes that `accelerate launch` started."""
    return int(os.environ.get("RANK", 0)) == 0


def die_with_parent() -> None:
    """Asks the kernel (Linux) to end this process when the one that started it ends, however that happens."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


class Signals:
    """
    Counts requests to stop (SIGTERM, Ctrl-C): the first lets the stage save what it has, the second ends it at once.
    """

    def __init__(self) -> None:
        self.count = 0

    def __enter__(self) -> "Signals":
        self.before = {number: signal.signal(number, self.heard) for number in (signal.SIGTERM, signal.SIGINT)}
        return self

    def __exit__(self, *error: Any) -> None:
        for number, handler in self.before.items():
            signal.signal(number, handler)

    def heard(self, *_: Any) -> None:
        self.count += 1
