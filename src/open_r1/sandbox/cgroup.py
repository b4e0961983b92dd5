"""
A memory cgroup around a sandbox, where this process may make one: the only true cap on the memory of many processes
together.
"""

import atexit
import contextlib
import functools
import os
import time
from pathlib import Path

ROOTS = (  # (folder, file of the limit): version 1, then 2
    (Path("/sys/fs/cgroup/memory"), "memory.limit_in_bytes"),
    (Path("/sys/fs/cgroup"), "memory.max"),
)
LEFT: list[Path] = []  # groups that could not be removed yet: the kernel still counts a dying process


def limit(pid: int, memory: int) -> Path | None:
    """
    Puts a process, and so all it will start, into a new group with this many bytes; `None` where that is not allowed.
    """
    sweep()
    for root, name in ROOTS:
        group = root / f"open_r1_{os.getpid()}_{pid}"
        try:
            group.mkdir()
            (group / name).write_text(str(memory))
            (group / "cgroup.procs").write_text(str(pid))
            return group
        except OSError:
            remove(group)
    return None


def remove(group: Path | None) -> None:
    """Removes a group whose processes have ended, and those that were left before."""
    if group is not None and group.exists():
        LEFT.append(group)
    for old in LEFT[:8]:
        try:
            old.rmdir()
            LEFT.remove(old)
        except (OSError, ValueError):  # still counted; or another thread was faster
            continue


@functools.cache
def sweep() -> None:
    """Removes the groups of processes that were killed before they could; one that is in use cannot be removed."""
    for group in (group for root, _ in ROOTS for group in root.glob("open_r1_*_*")):
        if not Path("/proc", group.name.split("_")[2]).exists():
            with contextlib.suppress(OSError):
                group.rmdir()


@atexit.register
def remove_all() -> None:
    """What is left at the end of this process, within some moments."""
    for _ in range(50):
        if not LEFT:
            return
        remove(None)
        time.sleep(0.01)
