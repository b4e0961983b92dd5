"""
One sandbox process seen from outside: how it is started, asked, and ended without leaving anything. Inside runs
runner.py.
"""

import contextlib
import json
import os
import select
import signal
import struct
import subprocess
import tempfile
import time

from . import cgroup
from .child import HEAD, STATES, WALL
from .command import NOBODY, bubblewrap_command, lone_command, packed, runner_code, settings, start
from .runner import COMPILE_SECONDS, STANDARDS
from .types import Outcome, Program

GRACE, START_SECONDS = 10.0, 30.0  # a runner keeps the limits; these are for one that hangs


class Broken(Exception):
    """The sandbox's runner died, or does not answer in time."""


class Box:
    """
    One sandbox process, used by one thread at a time. It ends with the thread that made it, at the latest.

    Args:
        mode (`str`):
            `bubblewrap`, `landlock` or `unsafe`.
        warm (`bool`):
            Whether it will serve many programs.
        memory (`int`):
            Bytes for everything inside, where a memory cgroup can be had.
    """

    process = inner = group = folder = None

    def __init__(self, mode: str, warm: bool, memory: int):
        self.owner, self.memory, self.buffer, self.found = os.getpid(), memory, bytearray(), []
        try:
            pid = self.start_contained(warm) if mode == "bubblewrap" else self.start_alone()
            self.group = cgroup.limit(pid, memory)  # it has no children yet: it waits for its code
            self.send(runner_code() + packed(settings(mode, warm)))
            self.read(START_SECONDS, 0)  # it is ready
        except BaseException:
            self.close()
            raise

    def start_contained(self, warm: bool) -> int:
        """Starts bubblewrap; the number of its child, which is process 1 inside."""
        told, tell = os.pipe()
        with os.fdopen(told, "rb", 0) as info:
            try:
                self.process = start(bubblewrap_command(warm, tell), "/", [tell])
            finally:
                os.close(tell)
            text = b""
            while b"}" not in text:
                text += self.wait_for(info.fileno(), time.monotonic() + START_SECONDS)
        self.inner = os.pidfd_open(json.loads(text)["child-pid"])
        return json.loads(text)["child-pid"]

    def start_alone(self) -> int:
        """
        Starts the runner without name spaces, in a folder of its own: it will confine itself by Landlock, or by
        nothing.
        """
        self.folder = tempfile.mkdtemp(prefix="open_r1_sandbox_")
        if os.getuid() == 0:
            os.chown(self.folder, NOBODY, NOBODY)
        self.process = start(lone_command(), self.folder)
        return self.process.pid

    def ask(self, program: Program) -> list[Outcome]:
        """Runs a program; raises `Broken` where the runner dies or hangs, with what came before in `found`."""
        limits, self.found = program.limits, []
        request = {name: value for name, value in vars(program).items() if name != "limits"} | vars(limits)
        self.send(packed(request))
        extra = len(STANDARDS) * COMPILE_SECONDS * WALL if program.language == "cpp" else 0
        while data := self.read(limits.seconds * WALL + GRACE + extra, 2 * limits.output + 8192):
            state, code, seconds, out, _ = HEAD.unpack_from(data)
            text = data[HEAD.size :]
            self.found.append(Outcome(STATES[state], code, decode(text[:out]), decode(text[out:]), seconds))
            extra = 0
        return self.found

    def send(self, data: bytes) -> None:
        try:
            self.process.stdin.write(data)
            self.process.stdin.flush()
        except OSError as error:
            raise Broken(self.last_words() or str(error)) from None

    def read(self, seconds: float, most: int) -> bytes:
        """One frame from the runner, which nobody trusts: its size and its time are limited."""
        until = time.monotonic() + seconds
        size = struct.unpack("<I", self.take(4, until))[0]
        if size > most:
            raise Broken(f"a reply of {size} bytes")
        return self.take(size, until)

    def take(self, size: int, until: float) -> bytes:
        while len(self.buffer) < size:
            self.buffer += self.wait_for(self.process.stdout.fileno(), until)
        taken = bytes(self.buffer[:size])
        del self.buffer[:size]
        return taken

    def wait_for(self, fd: int, until: float) -> bytes:
        """What comes next from a pipe of the sandbox."""
        poll = select.poll()
        poll.register(fd, select.POLLIN)
        if not poll.poll(max(0.0, until - time.monotonic()) * 1000):
            raise Broken("no answer in time")
        data = os.read(fd, 1 << 18)
        if not data:
            raise Broken(self.last_words() or "the runner ended")
        return data

    def last_words(self) -> str:
        self.end()
        return decode(self.process.stderr.read(2000)).strip()

    def end(self) -> None:
        """
        Ends everything inside and waits for it. Process 1 goes first: bubblewrap then reaps it, so that init need not.
        """
        if self.inner is None:
            self.process.kill()
        else:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self.inner, signal.SIGKILL)
        self.process.wait()

    def close(self) -> None:
        """
        Ends everything inside and removes what belonged to it; a forked process leaves the boxes of its parent alone.
        """
        if self.process is not None and self.owner == os.getpid():
            self.end()
            for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
                with contextlib.suppress(OSError):  # what was still to be written
                    pipe.close()
            if self.inner is not None:
                os.close(self.inner)
            cgroup.remove(self.group)
            self.process = None
        if self.folder:  # by programs that know no recursion limit: a hostile tree may be thousands of folders deep
            for command in (["rm", "-rf"], ["chmod", "-R", "u+rwx"], ["rm", "-rf"]):
                if os.path.exists(self.folder):
                    subprocess.run([*command, "--", self.folder], stderr=subprocess.DEVNULL, check=False)

    __del__ = close  # a thread that ends lets go of its box


def decode(data: bytes) -> str:
    return data.decode("utf-8", "replace")
