"""
A Hub of our own, so that recipes run as they are: its cache holds a tiny model for every name (`families.py`), which
and invented rows for every data set (`hub_rows.py`), which are found there as what was downloaded is. What has no
stand-in is an error that names it.
"""

import hashlib
import re
import shutil
from pathlib import Path

import yaml
from families import family_of, save_family
from hub_rows import DATASETS

from open_r1.core.hub import split_id

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

    def publish(self, name: str, kind: str) -> None:
        """Puts a model or a data set, at a revision, where the libraries look for a download."""
        base, revision = split_id(name)
        repository = self.cache / f"{kind}s--{base.replace('/', '--')}"
        commit = revision if revision and re.fullmatch("[0-9a-f]{40}", revision) else COMMIT
        directory = repository / "snapshots" / commit
        if not directory.exists() and kind == "model":
            shutil.copytree(self.model(base), directory)
        elif not directory.exists():
            save_rows(base, directory)
        if commit == COMMIT:
            (repository / "refs").mkdir(exist_ok=True)
            (repository / "refs" / (revision or "main")).write_text(COMMIT)


def save_rows(name: str, directory: Path) -> None:
    """Writes the invented rows of a data set, a file for each split, with the card that says which is which."""
    import datasets

    if name not in DATASETS:
        raise ValueError(f"{name} has no invented rows: add its columns to tests/hub_rows.py")
    configs = []
    for config, splits in DATASETS[name].items():
        (directory / config).mkdir(parents=True)
        files = [{"split": split, "path": f"{config}/{split}.parquet"} for split in splits]
        configs.append({"config_name": config, "data_files": files})
        for split, rows in splits.items():
            datasets.Dataset.from_list(rows).to_parquet(directory / config / f"{split}.parquet")
    (directory / "README.md").write_text(f"---\n{yaml.safe_dump({'configs': configs})}---\n")
