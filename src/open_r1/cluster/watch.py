"""The end of a job: by itself, by a signal, by a server that died, by standing still.

Slurm announces a time limit or a preemption with SIGUSR1 (`--signal=B:USR1@300`): the ranks save and stop, and the job
asks to be queued again. SIGTERM is Slurm's own end (requeue, cancel, limit): it has told the steps itself, and what
comes next is its decision. A second SIGUSR1 ends the ranks at once.
"""

import signal
import time
from collections.abc import Mapping
from pathlib import Path
from types import FrameType

from ..core.errors import SlurmError
from .srun import Running, reason

STALL_MINUTES = 180  # longer than the longest rollout, and than any `ddp_timeout` of the recipes
LOOK, DUMP = 0.5, 10.0  # seconds between looks, and for the ranks to write their stacks


class Requests:
    """Counts what Slurm asks of a job, to its very end: Slurm may end one that has just asked to be queued again."""

    def __init__(self) -> None:
        self.soon, self.now = 0, 0
        signal.signal(signal.SIGUSR1, self.heard)
        signal.signal(signal.SIGTERM, self.heard)

    def heard(self, number: int, frame: FrameType | None) -> None:
        if number == signal.SIGUSR1:
            self.soon += 1
        else:
            self.now += 1


class Pulse:
    """
    Whether a stage moves: whether its note about how far it is changes.

    Args:
        note (`Path`): The note; until a stage that trains has left it, the pulse counts from the start.
        minutes (`float`): For which it may stay as it is.
        trains (`bool`): Whether the stage trains; others may leave no notes.
    """

    def __init__(self, note: Path, minutes: float, trains: bool):
        self.note, self.minutes, self.trains = note, minutes, trains
        self.last, self.since = self.read(), time.monotonic()

    def read(self) -> str:
        try:
            return self.note.read_text(encoding="utf-8")
        except OSError:
            return ""

    def gone(self) -> bool:
        """Whether the stage stands still."""
        if (now := self.read()) != self.last:
            self.last, self.since = now, time.monotonic()
        return bool(self.last or self.trains) and time.monotonic() - self.since > 60 * self.minutes


def stall_minutes(site: Mapping[str, str]) -> float:
    """After how long a stage stands still, by the site. Raises `SlurmError` for what is no number."""
    text = site.get("STALL_MINUTES") or str(STALL_MINUTES)
    try:
        return float(text)
    except ValueError:
        raise SlurmError(f"slurm/site.env: `STALL_MINUTES={text}` is no number", "give minutes") from None


def watch(running: list[Running], module: str, requests: Requests, pulse: Pulse) -> int:
    """
    Waits for the first step of a job, and then ends the others.

    Returns:
        `int`: its exit code. Raises `SlurmError` where another step has ended before, or the stage stands still.
    """
    stage, *others = running
    told = 0
    try:
        while (code := stage.code()) is None:
            if requests.soon > told and not requests.now:
                told += 1
                print(f"job: SIGUSR1, the ranks are told to {'save and stop' if told == 1 else 'end'}", flush=True)
                stage.tell(module, signal.SIGTERM if told == 1 else signal.SIGKILL)
            if not requests.now:
                check_others(others)
                check_pulse(stage, module, pulse)
            time.sleep(LOOK)
        return code
    except SlurmError:
        stage.tell(module, signal.SIGKILL)
        stage.end()
        raise
    finally:
        for other in others:
            other.end()


def check_others(others: list[Running]) -> None:
    """Raises `SlurmError` where a server has ended: the stage cannot go on."""
    for other in others:
        if (code := other.code()) is not None:
            where = f"the {other.step.name} on {','.join(other.step.nodes)}"
            own, why = reason(other.lines, code)
            raise SlurmError(f"{where} ended with exit code {own}: {why}", "look at its lines above")


def check_pulse(stage: Running, module: str, pulse: Pulse) -> None:
    """Raises `SlurmError` where a stage stands still, once its ranks have written where."""
    if not pulse.gone():
        return
    stage.tell(module, signal.SIGUSR2)
    time.sleep(DUMP)
    raise SlurmError(
        f"no progress for {pulse.minutes:g} minutes",
        "the stacks of all ranks are above; STALL_MINUTES in slurm/site.env allows more",
    )
