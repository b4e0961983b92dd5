"""What lies in a stage's directory beside its result: the names, and what others read there, such as how far it is,
why a guard ended it, and from what it has begun.
"""

from pathlib import Path
from typing import Any

from .files import read_mapping
from .inputs import read_manifest

RECIPE, STARTED, PROGRESS, LOCK = "recipe.yaml", "started.json", "progress.json", ".lock"
HALT = "halted.json"  # why a guard ended the run, and the recipe that it had
TRACKING = "tracking.json"  # the name of a run for its trackers
TOLD = (TRACKING, "runs", "completions")  # what a run tells of itself: nothing that could be continued
START = "start"  # the merged model of a run that starts from an adapter, while it is needed


def has_begun(directory: Path) -> bool:
    """Whether an unfinished run lies there, and not one that failed at once."""
    found = {entry.name for entry in directory.iterdir()} if directory.is_dir() else set()
    kept = {name for name in found if not name.startswith(LOCK)}
    return RECIPE in kept and bool(kept - {RECIPE, STARTED, PROGRESS, HALT, START, f".{START}", *TOLD})


def recorded(directory: Path) -> dict[str, str]:
    """The inputs, commits among them, from which a result was made or an unfinished run has begun; else none."""
    if (manifest := read_manifest(directory)) is not None:
        return manifest.get("inputs") or {}
    return read_note(directory / STARTED).get("inputs") or {} if has_begun(directory) else {}


def read_progress(directory: Path) -> dict[str, Any]:
    """The note a stage left about how far it is, empty if there is none."""
    return read_note(directory / PROGRESS)


def read_halt(directory: Path) -> dict[str, Any]:
    """The note that a guard left when it ended a training, empty if there is none."""
    return read_note(directory / HALT)


def read_note(file: Path) -> dict[str, Any]:
    try:
        return read_mapping(file)
    except (FileNotFoundError, NotADirectoryError):
        return {}
