"""Keeps a second process, on this machine or another, out of a directory.

The lock is the kernel's (`flock`), which ends with the process that holds it, however that ends. NFS carries it to
other machines. A file system that has none (Lustre mounted without `-o flock`, some FUSE mounts) says so, and then a
note does: a file that exactly one process can create (`link`, atomic on every file system), with who made it. It ends
with its maker too, if later: a note is dead when its process is gone from this machine, when its Slurm job runs again,
or when its maker, which touches it every `BEAT` seconds, has not for `SILENCE`.
"""

import atexit
import errno
import fcntl
import json
import os
import socket
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from .errors import ArtifactError

NO_LOCKS = {errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP, errno.EINVAL}
BEAT, SILENCE = 20.0, 300.0  # seconds; a loaded file server may hold a touch back for minutes


class Lock:
    """
    The right to write to a directory, until `release` or the end of this process.

    Args:
        file (`Path`):
            The lock; its note, where it needs one, lies beside it.
        what (`str`):
            What it protects, for the error message.

    Raises `ArtifactError` where another process has it.
    """

    def __init__(self, file: Path, what: str):
        self.note, self.what = file.with_name(f"{file.name}-holder"), what
        self.file = open(file, "w")  # noqa: SIM115
        self.ended = threading.Event()
        try:
            fcntl.flock(self.file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self.refuse("another process")
        except OSError as error:
            if error.errno not in NO_LOCKS:
                raise
            self.take_note()

    def refuse(self, holder: str) -> None:
        raise ArtifactError(f"{self.what} is being written by {holder}", "wait for it, or stop it")

    def release(self) -> None:
        self.file.close()
        if self.mine():
            self.ended.set()
            self.note.unlink()

    def take_note(self) -> None:
        """Leaves a note; a dead one gives way."""
        for _ in range(2):
            if self.leave_note():
                threading.Thread(target=self.beat, daemon=True).start()
                atexit.register(self.release)
                return
            if not dead(holder := read_note(self.note), self.note):
                self.refuse(f"process {holder.get('pid')} on {holder.get('host')}")
            self.sweep()
        self.refuse("another process, which was faster")

    def leave_note(self) -> bool:
        """Whether the note is ours now."""
        draft = self.note.with_name(f"{self.note.name}-{socket.gethostname()}-{os.getpid()}")
        draft.write_text(json.dumps(who()), encoding="utf-8")
        with suppress(FileExistsError):
            os.link(draft, self.note)
        draft.unlink()
        return self.mine()

    def mine(self) -> bool:
        return read_note(self.note) == who()

    def sweep(self) -> None:
        """Takes a dead note away. One process at a time may, or it would take the note of one that was faster."""
        guard = self.note.with_name(f"{self.note.name}-sweep")
        try:
            guard.mkdir()
        except FileExistsError:
            with suppress(OSError):  # of one that was killed in the lines below
                if time.time() - guard.stat().st_mtime > SILENCE:
                    guard.rmdir()
            self.refuse("another process, which was faster")
        if dead(read_note(self.note), self.note):
            self.note.unlink(missing_ok=True)
        guard.rmdir()

    def beat(self) -> None:
        while not self.ended.wait(BEAT):
            with suppress(FileNotFoundError):
                os.utime(self.note)


def who() -> dict[str, Any]:
    """This process, as a note names it."""
    return {
        "host": socket.gethostname(),
        "pid": os.getpid(),
        "started": started(os.getpid()),
        "job": os.environ.get("SLURM_JOB_ID"),
        "restarts": os.environ.get("SLURM_RESTART_COUNT", "0"),
    }


def started(pid: int) -> str | None:
    """When a process of this machine started, in the kernel's ticks; `None` where there is none."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except OSError:
        return None


def read_note(note: Path) -> dict[str, Any]:
    """Who holds a lock; nobody where there is no note."""
    try:
        return json.loads(note.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


def dead(holder: dict[str, Any], note: Path) -> bool:
    """Whether the process of a note is no more."""
    if not holder:
        return True
    if holder["host"] == socket.gethostname():
        return started(holder["pid"]) != holder["started"]
    ours = who()
    if holder["job"] and holder["job"] == ours["job"] and holder["restarts"] != ours["restarts"]:
        return True
    with suppress(FileNotFoundError):
        return time.time() - note.stat().st_mtime > SILENCE
    return True
