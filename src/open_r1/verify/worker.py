"""A process that runs one function for its parent, over pipes, and survives what the function does.

    python -m open_r1.verify.worker MODULE:FUNCTION

The process imports the module once and forks a child that serves. A child that hangs is killed by SIGUSR1 to this
process, and the next one is there in milliseconds, with everything imported. When the parent's end of stdin closes,
however the parent ended, all end.

Requests are lines of JSON, a list of argument lists; each item gets a line `{"value": ...}` or `{"error": ...}`. The
end of a child is a line `{"died": SIGNAL}`.
"""

import importlib
import json
import os
import select
import signal
import sys
from collections.abc import Callable
from typing import Any

from open_r1.core.processes import die_with_parent

MEMORY = 2 << 30  # bytes of address space per child


def say(fd: int, message: dict[str, Any]) -> None:
    """One line; shorter than a pipe's atomic write, so that a kill cannot cut it."""
    line = json.dumps(message)
    os.write(
        fd, (line if len(line) < 4000 else json.dumps({"error": f"a result of {len(line)} bytes"})).encode() + b"\n"
    )


def serve(function: Callable, replies: int) -> None:
    """Body of the child: answers requests until stdin ends."""
    if sys.platform == "linux":
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    die_with_parent()
    requests = os.fdopen(0, "rb")
    while line := requests.readline():
        for arguments in json.loads(line):
            try:
                say(replies, {"value": function(*arguments)})
            except Exception as error:
                say(replies, {"error": f"{type(error).__name__}: {error}"[:300]})


def watch(child: int) -> int:
    """Waits for the child's end, or ends it when the parent is gone. Returns its wait status."""
    pidfd = os.pidfd_open(child)
    poll = select.poll()
    poll.register(pidfd, select.POLLIN)
    poll.register(0, 0)  # hang-up only
    while not any(fd == pidfd for fd, _ in poll.poll()):
        os.kill(child, signal.SIGKILL)
        poll.unregister(0)
    os.close(pidfd)
    return os.waitpid(child, 0)[1]


def parent_is_gone() -> bool:
    """Whether nobody can send requests any more."""
    poll = select.poll()
    poll.register(0, 0)
    return bool(poll.poll(0))


def main() -> None:
    module, _, name = sys.argv[1].partition(":")
    loaded = importlib.import_module(module)
    replies = os.dup(1)
    os.dup2(2, 1)  # what a library prints must not look like a reply
    if hasattr(loaded, "preload"):
        loaded.preload()
    say(replies, {"ready": True})
    children = []
    signal.signal(signal.SIGUSR1, lambda *_: os.kill(children[-1], signal.SIGKILL) if children else None)
    while True:
        child = os.fork()
        if not child:
            signal.signal(signal.SIGUSR1, signal.SIG_DFL)
            serve(getattr(loaded, name), replies)
            os._exit(0)
        children[:] = [child]
        status = watch(child)
        children.clear()
        if parent_is_gone():
            return
        say(replies, {"died": os.waitstatus_to_exitcode(status)})


if __name__ == "__main__":
    main()
