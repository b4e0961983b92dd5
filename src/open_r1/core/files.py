"""Files that are whole, whatever kills the process that writes them."""

import os
from pathlib import Path


def write_atomically(path: Path, text: str) -> None:
    """Writes a file that either holds all of `text` or does not change, whatever kills the process."""
    scratch = path.with_name(f".{path.name}.{os.getpid()}")
    with scratch.open("w", encoding="utf-8", errors="replace") as file:  # models write lone surrogates too
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    scratch.replace(path)
