"""Rows of a data set on the Hub: from a folder that holds one commit's files, of these the ones that are read.

Which files make a configuration's split, `datasets` itself says: it is shown a directory of empty files with the
names of the commit, and its README. So it says the same with and without network, and a split of a large data set
does not bring the others with it.
"""

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from ..core.errors import DataError
from ..core.hub import commit_of, listing, snapshot, split_id

if TYPE_CHECKING:
    from datasets import Dataset

EVERY = "*"  # every configuration that there is
CARD = ("README.md", ".huggingface.yaml", "dataset_infos.json")  # what says which configurations there are


def published_rows(
    path: str, name: str | None, split: str, revision: str | None = None, own: list[str] | None = None
) -> "Dataset":
    """
    Loads one split.

    Args:
        path (`str`):
            Hub id.
        name (`str`, *optional*):
            The configuration; `*` for all of them, one after another, with a column `configuration` that names it.
        split (`str`):
            The split, or a part of it as `datasets` writes it (`train[:10%]`).
        revision (`str`, *optional*):
            The commit, where it is known; else a branch or tag, or `None` for the default one.
        own (`list[str]`, *optional*):
            Its files that are read, where `datasets` cannot say it.
    """
    import datasets

    base, known = split_id(path)
    commit = commit_of(base, revision or known, "dataset")
    whole = split.partition("[")[0]
    with explained_rows(path, split):
        files = files_of(base, commit, name, whole, own)
    folder = snapshot(base, commit, "dataset", [*together(files), *cards(base, commit)])
    with explained_rows(path, split):
        parts = {
            one: datasets.load_dataset(str(folder), one, data_files={whole: found}, split=split)
            for one, found in files.items()
        }
        if name != EVERY:
            return parts[name]
        return datasets.concatenate_datasets(
            [part.add_column("configuration", [one] * len(part)) for one, part in parts.items()]
        )


def cards(base: str, commit: str) -> list[str]:
    """The files of a commit that describe it."""
    return [file for file in listing(base, commit, "dataset") if file in CARD]


def files_of(
    base: str, commit: str, name: str | None, split: str, own: list[str] | None = None
) -> dict[str | None, list[str]]:
    """
    The files of a split, or its `own` ones, by configuration. Raises `ValueError`, as `datasets` does, for one that is
    not there.
    """
    import datasets

    known = listing(base, commit, "dataset")
    if own:
        for file in own:
            if file not in known:
                raise ValueError(f"it has no file {file} at {commit[:8]}; it has {', '.join(sorted(known)[:20])}")
        return {name: own}
    folder = snapshot(base, commit, "dataset", cards(base, commit))
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch).resolve() / base.replace("/", "--")
        for file in known:
            (root / file).parent.mkdir(parents=True, exist_ok=True)
            (root / file).write_bytes((folder / file).read_bytes() if file in CARD else b"")
        names = datasets.get_dataset_config_names(str(root)) if name == EVERY else [name]
        return {one: files_in(root, one, split, scratch) for one in names}


def together(files: dict[str | None, list[str]]) -> list[str]:
    """The files of all configurations, each once."""
    return list(dict.fromkeys(file for found in files.values() for file in found))


def files_in(root: Path, name: str | None, split: str, scratch: str) -> list[str]:
    """The files of a split of one configuration, from a directory that holds the names of a commit's files."""
    import datasets

    found = datasets.load_dataset_builder(str(root), name, cache_dir=scratch).config.data_files or {}
    if split not in found:
        raise ValueError(f'Unknown split "{split}". Should be one of {list(map(str, found))}.')
    return [Path(file).resolve().relative_to(root).as_posix() for file in found[split]]


@contextlib.contextmanager
def explained_rows(path: str, split: str) -> Iterator[None]:
    """Gives what `datasets` says about a data set as one line."""
    import datasets

    try:
        yield
    except (FileNotFoundError, ValueError, datasets.exceptions.DatasetGenerationError) as error:
        reason = str(error.__cause__ or error).splitlines() or [type(error).__name__]
        raise DataError(
            f"dataset {path} ({split}) cannot be loaded: {reason[0]}", "check `name`, `split` and `files`"
        ) from None
