"""The process between a runner and the stages it starts, so that nothing below the runner outlives it.

    python -m open_r1.core.keeper [MODULE ...]

A stage is a tree: a launcher, its ranks, workers of all kinds, of which a runner that is killed could reach none. The
keeper reads requests from a pipe, a line of JSON each: to start a stage (forked from here, with the modules of the
command line imported already, or by a command), to stop it, to kill it. When the pipe closes, however its writer
ended, the keeper kills every process below it and ends. Linux hands it those whose own parent has died (it is their
"subreaper"), so that it finds them all. It has a session of its own: Ctrl-C in a terminal reaches the runner alone.

To stop is to send SIGTERM to the stage itself: under a launcher, to the ranks and not to the launcher, which would
kill them before they have saved. A stage that fails leaves nothing behind either.
"""

import contextlib
import ctypes
import importlib
import json
import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from open_r1.core.processes import die_with_parent

PATIENCE = 30.0  # seconds for the kernel to end killed processes
# `do`: start, stop or kill; to start: `module`, `arguments`, `command` (empty to fork), `log`, `cores` (empty for all)
Request = dict[str, Any]


class Keeper:
    """
    The runner's end.

    Args:
        preload (`list[str]`):
            Modules that forked stages find imported.
    """

    def __init__(self, preload: list[str]):
        command = [sys.executable, "-m", __name__, *preload]
        self.process = subprocess.Popen(
            command, bufsize=0, start_new_session=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        assert self.process.stdin and self.process.stdout
        self.requests, self.replies = self.process.stdin, self.process.stdout
        self._exitcode: int | None = None

    def ask(self, **request: Any) -> None:
        """Sends a request; a keeper that is gone is noticed by `exitcode`."""
        if request["do"] == "start":
            self._exitcode = None
        with contextlib.suppress(BrokenPipeError):
            self.requests.write(json.dumps(request).encode() + b"\n")

    @property
    def exitcode(self) -> int | None:
        """Of the stage; `None` while it runs, -9 if the keeper itself was killed."""
        if self._exitcode is None and select.select([self.replies], [], [], 0)[0]:
            line = self.replies.readline()
            self._exitcode = int(line) if line else -signal.SIGKILL
        return self._exitcode

    def close(self) -> None:
        """Ends the keeper and all below it."""
        self.requests.close()
        self.process.wait()


# ----------------------------------------------------------------------------------------------------- the processes


def parents() -> dict[int, int]:
    """The parent of every process (Linux; empty elsewhere)."""
    found = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # it has ended
            found[int(stat.parent.name)] = int(stat.read_text(errors="replace").rpartition(")")[2].split()[1])
    return found


def below(pid: int, table: dict[int, int]) -> list[int]:
    """All processes below one, parents before children."""
    found = [pid]
    for parent in found:
        found += [child for child, above in table.items() if above == parent]
    return found[1:]


def runs_module(pid: int, module: str) -> bool:
    """Whether a process is `python -m MODULE`, and not a launcher that only mentions it."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_text(errors="replace").split("\0")
    except OSError:
        return False
    before, _, rest = "\0".join(words[1:]).partition(f"-m\0{module}\0")
    return bool(rest) and all(word.startswith("-") for word in before.split("\0") if word)


def outermost(found: list[int], table: dict[int, int]) -> list[int]:
    """Those processes that are below none of the others: the forked workers of a rank look like it."""
    inner = {pid for rank in found for pid in below(rank, table)}
    return [pid for pid in found if pid not in inner]


def stage_processes(child: int, module: str) -> list[int]:
    """The processes that are the stage: its ranks under a launcher, else the one that was started."""
    table = parents()
    return outermost([pid for pid in [child, *below(child, table)] if runs_module(pid, module)], table) or [child]


def send(pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)


def reap() -> dict[int, int]:
    """Exit codes of children that have ended, also of those that were not ours. Raises `ChildProcessError` if none."""
    ended: dict[int, int] = {}
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            if ended:
                return ended
            raise
        if not pid:
            return ended
        ended[pid] = os.waitstatus_to_exitcode(status)


def end_all(child: int | None) -> None:
    """Kills everything below this process, and waits until it is gone."""
    deadline = time.monotonic() + PATIENCE
    with contextlib.suppress(ChildProcessError):
        while time.monotonic() < deadline:
            for pid in {*below(os.getpid(), parents()), *([child] if child else [])}:
                send(pid, signal.SIGKILL)
            reap()
            child = None
            time.sleep(0.01)


# ------------------------------------------------------------------------------------------------------- the keeper


def become(request: Request, replies: int) -> None:
    """Makes a fork the stage: its output goes to the log. Returns only if there is no command to run."""
    die_with_parent()
    log = os.open(request["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((nothing, 0), (log, 1), (log, 2)):
        os.dup2(source, target)
    os.close(replies)
    if request["cores"]:
        os.sched_setaffinity(0, request["cores"])
    if not request["command"]:
        if request["cores"] and "torch" in sys.modules:  # counted the cores when it was imported
            sys.modules["torch"].set_num_threads(len(request["cores"]))
        return
    try:
        os.execvp(request["command"][0], request["command"])
    except OSError as error:
        print(f"error: {request['command'][0]}: {error.strerror}", file=sys.stderr, flush=True)
        os._exit(127)


def serve(replies: int) -> Request | None:
    """Answers requests until the pipe closes. Returns the request in a fork that is to run it, `None` at the end."""
    child, module, rest = None, "", b""
    while True:
        if select.select([0], [], [], 0.05)[0]:
            data = os.read(0, 1 << 16)
            if not data:
                end_all(child)
                return None
            *lines, rest = (rest + data).split(b"\n")
            for request in map(json.loads, lines):
                if request["do"] == "start":
                    child, module = os.fork(), request["module"]
                    if child == 0:
                        become(request, replies)
                        return request
                elif child and request["do"] == "stop":
                    for pid in stage_processes(child, module):
                        send(pid, signal.SIGTERM)
                elif child:
                    send(child, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            if child and (code := reap().get(child)) is not None:
                if code:
                    end_all(None)
                child = None
                os.write(replies, f"{code}\n".encode())


def main() -> None:
    """Runs as the module says; a fork goes on as its stage."""
    die_with_parent()
    replies = os.dup(1)
    os.dup2(2, 1)  # what an import prints is no reply
    for name in sys.argv[1:]:
        importlib.import_module(name)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(36, 1)  # PR_SET_CHILD_SUBREAPER
        ctypes.CDLL(None).prctl(1, 0)  # from here on the pipe tells of the runner's end
    request = serve(replies)
    if request:
        importlib.import_module(request["module"]).main(request["arguments"])


if __name__ == "__main__":
    main()
