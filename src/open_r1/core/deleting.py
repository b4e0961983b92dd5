"""What `--force` deletes: never what a process or a job of Slurm still writes to; what was not published is named."""

import shutil
from collections.abc import Iterable
from pathlib import Path

from .outbox import tell_lost
from .saved_steps import require_idle
from .submitted import require_finished


def allow(output: Path) -> None:
    """Raises `ArtifactError` or `SlurmError` where something that the stage of an output has started still works."""
    require_idle(output)
    require_finished(output)
    tell_lost(output)


def delete(outputs: Iterable[Path]) -> None:
    """Deletes outputs, or none of them."""
    for output in (found := list(outputs)):
        allow(output)
    for output in found:
        shutil.rmtree(output, ignore_errors=True)
