"""Runs model-written programs locally, offline and contained; `piston.py` is the one service, used in the same way.

**bubblewrap** (namespaces: no network, no files but the interpreter's, a small private /tmp, no capabilities, own
processes only), or it refuses; by the recipe's word alone **landlock** (Landlock and seccomp: no network, no files,
and no processes), which isolates less. Outside stand `local.py` (threads and their sandboxes), `box.py` (one sandbox
process) and `command.py` (how it is started), inside `runner.py` (requests), `child.py` (one run of a program, limited
and measured), `evaluation.py` (what a Python program does in it), `kernel.py` and `landlock.py`. By default each
program gets a fresh sandbox; a `warm` one serves many programs, each in name spaces of its own by a runner that knows
of no other, which is faster.
"""

from .local import LocalSandbox
from .types import Limits, Outcome, Program, SandboxError

__all__ = ["Limits", "LocalSandbox", "Outcome", "Program", "SandboxError", "make_sandbox"]


def make_sandbox(provider: str = "local", **settings):
    """
    The sandbox that a recipe names.

    Args:
        provider (`str`, *optional*, defaults to `"local"`):
            `local`, or `piston`, the one service.
        settings (`dict`):
            Settings of its class.

    Returns:
        an object with `run(program)`, `async run_async(program)` and `close()`; raises `SandboxError` where it does
        not work.
    """
    if provider == "local":
        kind = LocalSandbox
    elif provider == "piston":
        from .piston import PistonSandbox as kind
    else:
        raise SandboxError(f"unknown sandbox provider {provider!r}", "use local or piston")
    try:
        return kind(**settings)
    except (TypeError, ValueError, AttributeError) as error:
        raise SandboxError(f"sandbox {provider}: {error}", f"see {kind.__name__} for its settings") from None
