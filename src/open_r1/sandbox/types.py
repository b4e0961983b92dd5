"""What goes into a sandbox and what comes out."""

from dataclasses import dataclass, field

from ..core.errors import UserError


class SandboxError(UserError):
    """No sandbox can be had here."""


@dataclass(frozen=True)
class Limits:
    """
    What one run of a program may use.

    Args:
        seconds (`float`, *optional*, defaults to `4.0`):
            CPU time of all its processes together. By the clock it may take three times as long: it waits for a core
            where others run.
        memory (`int`, *optional*, defaults to 512 MiB):
            Resident bytes of all its processes together. The address space of each may be 1 GiB larger, for stacks.
        output (`int`, *optional*, defaults to 16 MiB):
            Bytes of stdout, and of stderr; of all runs of a program together four times as much.
        processes (`int`, *optional*, defaults to `64`):
            Processes and threads at once.
        file (`int`, *optional*, defaults to 16 MiB):
            Bytes of one file.
    """

    seconds: float = 4.0
    memory: int = 512 << 20
    output: int = 16 << 20
    processes: int = 64
    file: int = 16 << 20


@dataclass(frozen=True)
class Program:
    """
    A program and what to do with it.

    Args:
        source (`str`):
            Its text.
        inputs (`list[str]`, *optional*):
            It runs once on each of these as stdin.
        evaluations (`list[list[tuple[str, list[str]]]]`, *optional*):
            In place of `inputs`, for Python: it runs once on each of these as the module `solution`, and makes the
            steps of it in order, in its namespace: executes statements, and evaluates expressions until one has a
            plain value (each finds the one before as `_`). What each step gives comes back as a line.
        language (`str`, *optional*, defaults to `"python"`):
            `python` or `cpp`.
        stop (`bool`, *optional*, defaults to `False`):
            Whether to stop at the first input on which it fails.
        limits (`Limits`, *optional*):
            Of each run.
    """

    source: str
    inputs: list[str] = field(default_factory=list)
    evaluations: list[list[tuple[str, list[str]]]] = field(default_factory=list)
    language: str = "python"
    stop: bool = False
    limits: Limits = field(default_factory=Limits)


@dataclass(frozen=True)
class Outcome:
    """
    One run.

    Attributes:
        state (`str`): `done`, `timeout`, `memory` (all processes together), `output` (too much of it), `syntax`,
        `compiler` (C++ that
            does not compile), `died` (the program ended its sandbox, twice: its own failure), or `broken` (no sandbox
            could be had).
        code (`int`): Exit code, negative for a signal; 0 and `done` together mean success.
        stdout (`str`): What it printed; for evaluations a line each,
            `value LEVEL LITERAL` or `error CLASSES: TEXT`.
        stderr (`str`): The end of what it printed there.
        seconds (`float`): Wall-clock time.
    """

    state: str
    code: int
    stdout: str
    stderr: str
    seconds: float

    @property
    def succeeded(self) -> bool:
        return self.state == "done" and self.code == 0
