"""The table that a running pipeline shows: live in a terminal, plain lines anywhere else."""

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .notes import read_progress

if TYPE_CHECKING:
    from rich.live import Live

PLAIN_EVERY = 30.0  # seconds between progress lines where there is no terminal


def clock(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"


class LiveTable:
    """
    One line per stage: state, progress, latest figures, time spent and time left.

    Args:
        names (`list[str]`):
            The stages, in order.
    """

    def __init__(self, names: list[str]):
        self.rows: dict[str, dict[str, Any]] = {name: {"state": "waiting"} for name in names}
        self.began = time.time()
        self.spoke: dict[str, float] = {}  # when a stage's line was last printed
        self.live: Live | None = None
        self.first: dict[str, tuple[int, float]] = {}  # where a stage stood when first seen: a resumed one starts late

    def __enter__(self) -> "LiveTable":
        if sys.stdout.isatty():
            from rich.live import Live

            self.live = Live(self.render(), refresh_per_second=4)
            self.live.start()
        return self

    def __exit__(self, *error: Any) -> None:
        if self.live:
            self.live.update(self.render())
            self.live.stop()
        print(f"total {clock(time.time() - self.began)}", flush=True)

    def update(self, name: str, directory: Path, seconds: float) -> None:
        """Shows where a running stage stands."""
        note = read_progress(directory)
        row = {**note, "state": "running", "seconds": seconds}
        if note:
            done, since = self.first.setdefault(name, (note["done"], seconds))
            if note["done"] > done:
                row["left"] = (seconds - since) / (note["done"] - done) * (note["total"] - note["done"])
        self.rows[name] = row
        if self.live:
            self.live.update(self.render())
        elif time.time() - self.spoke.get(name, 0.0) > PLAIN_EVERY:
            self.spoke[name] = time.time()
            print(f"{name}: running  {'  '.join(self.cells(row)[1:])}", flush=True)

    def finish(self, name: str, state: str, seconds: float) -> None:
        """Shows how a stage ended."""
        self.rows[name] = {"state": state, "seconds": seconds}
        if self.live:
            self.live.update(self.render())
        else:
            print(f"{name}: {state}" + (f"  {clock(seconds)}" if seconds else ""), flush=True)

    def cells(self, row: dict[str, Any]) -> list[str]:
        """Text of one line: state, progress, figures, time, time left."""
        figures = "  ".join(f"{key} {row[key]:.3f}" for key in ("loss", "reward") if key in row)
        figures += f"{row['tokens_per_second']:.0f} tokens/s" if "tokens_per_second" in row else ""
        steps = f"{row['done']}/{row['total']}" if "total" in row else ""
        left = f"{clock(row['left'])} left" if "left" in row else ""
        return [row["state"], steps, figures, clock(row["seconds"]) if row.get("seconds") else "", left]

    def render(self) -> Any:
        from rich.table import Table

        table = Table("stage", "state", "progress", "latest", "time", "left", box=None)
        colours = {"running": "bold cyan", "done": "green", "failed": "bold red", "halted": "bold red"}
        for name, row in self.rows.items():
            table.add_row(name, *self.cells(row), style=colours.get(row["state"], "dim"))
        return table
