"""A journal: what long requests gave, kept line by line, so that an interrupted run asks for nothing twice."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass
class Journal:
    """
    A file of JSON lines, `{"key": ..., "value": ...}`, and what it holds in memory. Several processes may add to one.

    Args:
        path (`Path`, *optional*):
            The file; without one nothing outlives the process.
    """

    path: Path | None = None
    known: dict[str, Any] = field(init=False)

    def __post_init__(self):
        self.known = read_journal(self.path) if self.path and self.path.exists() else {}

    def add(self, found: dict[str, Any]) -> None:
        """Keeps some values by their keys."""
        self.known |= found
        if self.path and found:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            lines = [
                json.dumps({"key": key, "value": value}, ensure_ascii=False) + "\n" for key, value in found.items()
            ]
            with self.path.open("a", encoding="utf-8", errors="replace") as file:
                file.writelines(lines)


def read_journal(path: Path) -> dict[str, Any]:
    """Values of earlier runs by key; a line that a kill has cut is left out, and the next one starts a new line."""
    found = {}
    text = path.read_text(encoding="utf-8", errors="replace")
    if text and not text.endswith("\n"):
        with path.open("a", encoding="utf-8") as file:
            file.write("\n")
    for line in text.split("\n"):
        try:
            entry = json.loads(line)
            found[entry["key"]] = entry["value"]
        except (ValueError, KeyError, TypeError):
            continue
    return found
