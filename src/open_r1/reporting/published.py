"""Published numbers of known models, from `recipes/benchmarks/published.yaml`."""

from pathlib import Path

import yaml

from ..core.benchmarks import FOLDER
from ..core.hub import called

FILE = FOLDER / "published.yaml"


def published_numbers(path: str, file: Path = FILE) -> dict[str, float]:
    """By benchmark, what was published of a model; nothing for one that the file does not know, or without a file."""
    if not file.is_file():
        return {}
    return (yaml.safe_load(file.read_text(encoding="utf-8")) or {}).get(called(path), {})
