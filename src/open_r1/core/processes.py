"""What parts that start other processes share."""

import contextlib
import ctypes
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

TOKENS = ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN")  # where the Hub's client looks for one
NICE = 19  # beside a training: what is left of the machine
SAME_REQUEST = 5.0  # seconds after a signal in which another is the same one, passed on by a launcher that got it too


def available_cores() -> int:
    """
    This process's share of the cores: fewer than the machine's in a container or a Slurm job, and divided among the
    processes that `accelerate launch` started on this node.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, cores // int(os.environ.get("LOCAL_WORLD_SIZE", 1)))


def peak_memory() -> int:
    """
    Bytes of memory that this process held at its peak. `ru_maxrss` would count its parent's: a child that starts with
    `vfork`, as `subprocess` does, is in its parent's memory until it executes its own program.
    """
    status = Path("/proc/self/status").read_text()
    (peak,) = (line.split()[1] for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(peak) * 1024


def is_main_process() -> bool:
    """Whether this is the first of the processes that `accelerate launch` started."""
    return int(os.environ.get("RANK", 0)) == 0


def process_count() -> int:
    """Number of processes that `accelerate launch` started for this run, on all machines."""
    return int(os.environ.get("WORLD_SIZE", 1))


def is_distributed() -> bool:
    """Whether the model is trained by several processes, or sharded by accelerate even in one."""
    return process_count() > 1 or fsdp_asked()


def fsdp_asked() -> bool:
    """Whether `accelerate launch` was told to shard the model."""
    return os.environ.get("ACCELERATE_USE_FSDP", "").lower() == "true"


def die_with_parent() -> None:
    """Asks the kernel (Linux) to end this process when the one that started it ends, however that happens."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


def step_aside() -> None:
    """Takes what others leave of the processors. Linux shares them among sessions first: this is one of its own."""
    os.nice(NICE)
    with contextlib.suppress(OSError):  # no Linux, or one that has no such shares
        Path("/proc/self/autogroup").write_text(str(NICE))


@contextlib.contextmanager
def without_tokens() -> Iterator[None]:
    """Keeps the Hub's token from the processes that are started meanwhile: they read what this one has fetched."""
    found = {name: os.environ.pop(name) for name in TOKENS if name in os.environ}
    try:
        yield
    finally:
        os.environ |= found


class StopRequest:
    """
    Turns SIGTERM and SIGUSR1 into a request that the work looks at when it suits; another signal, some seconds
    later, ends the process at once.

    A thread reads the signals from a pipe that the interpreter's C handler writes, because a Python handler would wait
    as long as the main thread is inside a C call, such as an all-reduce with a rank that is gone.

    Attributes:
        made (`bool`): Whether a signal has come.
    """

    signals = (signal.SIGTERM, signal.SIGUSR1)

    def __init__(self) -> None:
        self.made, self.active = False, False

    def __enter__(self) -> "StopRequest":
        self.active = True
        reading, writing = os.pipe()
        os.set_blocking(writing, False)
        self.before = {number: signal.signal(number, lambda *_: None) for number in self.signals}
        self.pipe_before = signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
        os.register_at_fork(before=self._block, after_in_parent=self._unblock, after_in_child=self._leave)
        threading.Thread(target=self._watch, args=(reading,), daemon=True).start()
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        os.close(self._restore())  # which ends the thread

    def _restore(self) -> int:
        self.active = False
        for number, handler in self.before.items():
            signal.signal(number, handler)
        return signal.set_wakeup_fd(self.pipe_before)

    def _block(self) -> None:
        """Around a fork, so that no signal to the child is taken for one to this process: they share the pipe."""
        if self.active:
            signal.pthread_sigmask(signal.SIG_BLOCK, self.signals)

    def _unblock(self) -> None:
        if self.active:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, self.signals)

    def _leave(self) -> None:
        if self.active:
            self._restore()
            signal.pthread_sigmask(signal.SIG_UNBLOCK, self.signals)

    def _watch(self, reading: int) -> None:
        first = None
        while number := os.read(reading, 1):
            if number[0] not in self.signals:
                continue
            if first and time.monotonic() - first > SAME_REQUEST:
                os._exit(128 + number[0])
            if not first:
                first, self.made = time.monotonic(), True
                print(f"{signal.Signals(number[0]).name}: stops where it can continue", flush=True)
        os.close(reading)


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
