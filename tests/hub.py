"""
A Hub of our own, so that recipes run as they are: its cache holds a tiny model for every name (`families.py`), which
the libraries find there as they find what they downloaded; and `datasets.load_dataset` answers with invented rows
(`hub_rows.py`). What has no stand-in is an error that names it.
"""

import hashlib
import shutil
from pathlib import Path
from typing import Any

from families import family_of, save_family
from hub_rows import DATASETS

COMMIT = "0" * 40


class Hub:
    """
    The stand-in.

    Args:
        cache (`Path`): What `HF_HUB_CACHE` names.
        scratch (`Path`): Where models are made.
    """

    def __init__(self, cache: Path, scratch: Path):
        self.cache, self.scratch = cache, scratch

    def model(self, name: str) -> Path:
        """The directory of a name's tiny model, which is made once for all names of one family."""
        family = family_of(name)
        directory = self.scratch / hashlib.sha256(repr(family).encode()).hexdigest()[:16]
        if not directory.exists():
            save_family(directory, family)
        return directory

    def publish(self, name: str) -> None:
        """Puts a model where the libraries look for a download."""
        repository = self.cache / f"models--{name.replace('/', '--')}"
        if not repository.exists():
            shutil.copytree(self.model(name), repository / "snapshots" / COMMIT)
            (repository / "refs").mkdir()
            (repository / "refs/main").write_text(COMMIT)


def load_dataset(path: str, name: str | None = None, split: str = "train", **_: Any) -> Any:
    """What `datasets.load_dataset` gives for a name on the Hub; raises `ValueError` where it does, or has no rows."""
    import datasets

    if path not in DATASETS:
        raise ValueError(f"{path} has no invented rows: add its columns to tests/hub_rows.py")
    found = DATASETS[path]
    config = name or ("default" if "default" in found else next(iter(found)) if len(found) == 1 else None)
    if config not in found:
        raise ValueError(f"Config name is missing or unknown: {name}. Available: {', '.join(found)}")
    wanted, _, part = split.partition("[")
    if wanted not in found[config]:
        raise ValueError(f'Unknown split "{split}". Should be one of {list(found[config])}.')
    return datasets.Dataset.from_list(found[config][wanted])
