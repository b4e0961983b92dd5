"""Files that are whole, whatever kills the process that writes them."""

import json
import os
from pathlib import Path
from typing import Any

from .errors import ArtifactError


def read_mapping(path: Path) -> dict[str, Any]:
    """The mapping in a JSON file; raises `ArtifactError` for a file that holds none, as a full disk may leave it."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        found = None
    if isinstance(found, dict):
        return found
    hint = "delete it, and run the command again that makes its directory: what else lies there is kept"
    raise ArtifactError(f"{path} is broken: it holds no JSON mapping", hint)


def write_atomically(path: Path, text: str) -> None:
    """Writes a file that either holds all of `text` or does not change, whatever kills the process."""
    scratch = path.with_name(f".{path.name}.{os.getpid()}")
    with scratch.open("w", encoding="utf-8", errors="replace") as file:  # models write lone surrogates too
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    scratch.replace(path)
