"""Published numbers of known models, from `recipes/benchmarks/published.yaml`."""

from pathlib import Path

import yaml

from ..core.benchmarks import FOLDER
from ..core.hub import called

FILE = FOLDER / "published.yaml"


def published_numbers(path: str, file: Path = FILE) -> dict[str, float]:
    """pass@1 as published, by benchmark; nothing of a model that the file does not know, or without a file."""
    found = yaml.safe_load(file.read_text(encoding="utf-8")) if file.is_file() else {}
    numbers = found.get(called(path), {}).get("numbers", {})  # in per cent
    return {name: round(known["pass@1"] / 100, 6) for name, known in numbers.items() if "pass@1" in known}
