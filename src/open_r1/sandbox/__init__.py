"""Runs model-written programs locally, offline and contained; `remote.py` has the same interface for services.

**bubblewrap** (namespaces: no network, no files but the interpreter's, a small private /tmp, no capabilities, own
processes only), or it refuses; by the recipe's word alone **landlock** (Landlock and seccomp: no network, no files,
and no processes), which isolates less. Outside stand `local.py` (threads and their sandboxes) and `box.py` (one
sandbox process), inside `runner.py` (requests), `child.py` (one run of a program, limited and measured), `kernel.py`
and `landlock.py`. By default each program gets a fresh sandbox; a `warm` one serves many programs, each in name spaces
of its own by a runner that knows of no other, which is faster.
"""

from .local import LocalSandbox
from .types import Limits, Outcome, Program, SandboxError

__all__ = ["Limits", "LocalSandbox", "Outcome", "Program", "SandboxError", "make_sandbox"]


def make_sandbox(provider: str = "local", **settings):
    """
    The sandbox that a recipe names.

    Args:
        provider (`str`, *optional*, defaults to `"local"`):
            `local`, or one of the services `piston`, `e2b` and `morph`.
        settings (`dict`):
            Settings of its class.

    Returns:
        an object with `run(program)`, `async run_async(program)` and `close()`.
    """
    if provider == "local":
        return LocalSandbox(**settings)
    from . import remote

    return remote.make_remote(provider, **settings)
