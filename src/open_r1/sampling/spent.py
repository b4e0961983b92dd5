"""What the drawing of a store took: seconds, and GPU hours where they are known.

One process counts from part to part, so that a kill loses little; a task of many leaves its own note when it ends,
well or not, and their sum is the store's.
"""

import json
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..core.files import write_atomically
from ..core.notes import read_note
from .arguments import Sampling

SPENT = "spent.json"  # in a store, or a folder of notes, one for each task


def gpus_of(sampling: Sampling) -> int:
    """GPUs that an engine in this process draws with; those of servers are not known."""
    if sampling.engine == "server":
        return 0
    import torch

    return min(torch.cuda.device_count(), sampling.extra.get("tensor_parallel_size", 1))


class Clock:
    """Keeps in a file how long a drawing took, all runs of it together: called after each part, or at the end."""

    def __init__(self, file: Path, gpus: int, progress: Callable[..., None] | None = None):
        self.file, self.gpus, self.progress = file, gpus, progress
        self.before, self.began = read_note(file).get("seconds", 0.0), time.monotonic()

    def __call__(self, *done: Any, **figures: Any) -> None:
        seconds = self.before + time.monotonic() - self.began
        cost = {"gpu_hours": seconds * self.gpus / 3600} if self.gpus else {}
        self.file.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(self.file, json.dumps({"seconds": round(seconds, 1)} | cost))
        if self.progress:
            self.progress(*done, **figures)


def task_clock(folder: str, rank: int, settings: dict[str, Any]) -> Clock:
    """That of one of many tasks, whose server has the GPUs of its job."""
    gpus = settings.get("slurm", {}).get("gpus_per_task", 0)
    return Clock(Path(folder, SPENT, f"{rank:05d}.json"), gpus)


def add_up(folder: Path, store: Path) -> None:
    """Leaves in a store what its tasks took together."""
    total = Counter[str]()
    for note in sorted((folder / SPENT).glob("*.json")):
        total.update(read_note(note))
    write_atomically(store / SPENT, json.dumps(total))
