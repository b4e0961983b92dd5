"""
A Hub of our own, so that recipes run as they are: its cache holds a tiny model for every name (`families.py`), which
and invented rows for every data set (`hub_rows.py`), which are found there as what was downloaded is. What has no
stand-in is an error that names it.
"""

import csv
import hashlib
import json
import re
import shutil
from pathlib import Path

import yaml
from families import family_of, save_family
from hub_rows import DATASETS

from open_r1.core.benchmarks import benchmark_names, read_benchmark
from open_r1.core.hub import split_id

COMMIT = "0" * 40
ROWS = Path(__file__).parent / "benchmark_rows"


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
    """
    Writes the invented rows of a data set, a file for each split, with the card that says which is which; those of a
    benchmark that reads files by their names, and what stands beside one, under these names too.
    """
    import datasets

    known, parts = DATASETS.get(name, {}), [part for part in benchmark_parts() if part[0]["path"] == name]
    if not known and not parts:
        raise ValueError(f"{name} has no invented rows: add its columns to tests/hub_rows.py")
    configs = []
    for entry, rows in parts:
        for file in entry.get("files") or []:
            save_file(directory / file, rows)
        if not known and "files" not in entry:
            known = {entry.get("name", "default"): {entry.get("split", "train"): rows}}
    for config, splits in known.items():
        (directory / config).mkdir(parents=True)
        files = [{"split": split, "path": f"{config}/{split}.parquet"} for split in splits]
        configs.append({"config_name": config, "data_files": files})
        for split, rows in splits.items():
            datasets.Dataset.from_list(rows).to_parquet(directory / config / f"{split}.parquet")
    (directory / "README.md").write_text(f"---\n{yaml.safe_dump({'configs': configs})}---\n" if configs else "")


def benchmark_parts() -> list[tuple[dict, list[dict]]]:
    """What the benchmarks read, with invented rows: each entry, and what stands beside it."""
    found = []
    for name in benchmark_names():
        entry = read_benchmark(name)
        found.append((entry, ROWS / f"{name}.jsonl"))
        if "beside" in entry:
            found.append((entry["beside"], ROWS / "beside" / f"{name}.jsonl"))
    return [(entry, [json.loads(line) for line in file.read_text().splitlines()]) for entry, file in found]


def save_file(file: Path, rows: list[dict]) -> None:
    """Writes rows in the format that the file's name says."""
    file.parent.mkdir(parents=True, exist_ok=True)
    if file.suffix == ".csv":
        with file.open("w", newline="") as target:
            writer = csv.DictWriter(target, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
    else:
        lines = [json.dumps(row, ensure_ascii=False) for row in rows]
        file.write_text(f"[{','.join(lines)}]" if file.suffix == ".json" else "\n".join(lines))
