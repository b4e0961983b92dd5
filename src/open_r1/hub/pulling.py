"""What is to be fetched: from the Hub into its cache, and published artifacts into directories of their own.

All of it is known, with sizes, before the first byte comes: so a dry run can list it, and a disk that is too small is
an error at the start. In the cache lies what recipes name; an artifact is downloaded beside its place and renamed.
"""

import json
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from ..core.errors import ArtifactError
from ..core.hub import (
    absent,
    at,
    explained,
    folder_of,
    in_words,
    is_hub_name,
    listing,
    model_files,
    require_space,
    snapshot,
    split_id,
)
from ..core.inputs import MANIFEST, read_manifest
from ..core.keys import DATA, FILE, Keys, sources
from ..core.locks import Lock
from ..core.notes import recorded
from ..core.pinned import files_of, hub_names, models, pinned_bases, repository_kind, resolve
from ..data.published import cards, explained_rows, together
from ..data.published import files_of as rows_of

LEFT_OUT = (".gitattributes",)


class Item(NamedTuple):
    """
    Files of one commit.

    Attributes:
        kind (`str`): `model` or `dataset`.
        name (`str`): Hub id.
        commit (`str`): The commit.
        files (`tuple[str]`): The files that are wanted of it.
        target (`Path` or `None`): The directory that an artifact becomes; `None` for the cache.
    """

    kind: str
    name: str
    commit: str
    files: tuple[str, ...]
    target: Path | None = None

    @property
    def missing(self) -> dict[str, int]:
        """What of it is not here yet, with bytes."""
        if self.target is None:
            return absent(self.name, self.commit, self.kind, self.files)
        sizes = listing(self.name, self.commit, self.kind)
        return {} if self.is_here() else {f: sizes[f] for f in self.files if not (self.scratch / f).is_file()}

    @property
    def scratch(self) -> Path:
        """Where the directory grows until it is whole."""
        assert self.target
        return self.target.with_name(f".{self.target.name}.{self.commit[:8]}")

    def is_here(self) -> bool:
        """Whether the directory holds this artifact already; raises `ArtifactError` where it holds something else."""
        assert self.target
        if not self.target.exists() or not any(self.target.iterdir()):
            return False
        sizes = listing(self.name, self.commit, self.kind)
        if MANIFEST in self.files and (manifest := read_manifest(self.target)):
            theirs = snapshot(self.name, self.commit, self.kind, [MANIFEST]) / MANIFEST
            same = json.loads(theirs.read_text(encoding="utf-8")).get("hash") == manifest.get("hash")
        else:
            files = [(self.target / file, sizes[file]) for file in self.files]
            same = all(path.is_file() and path.stat().st_size == size for path, size in files)
        if not same:
            message = f"{self.target} is there, and is not {self.name}@{self.commit[:8]}"
            raise ArtifactError(message, "delete it, or choose another `--root`")
        return True


def artifact_item(kind: str, name: str, commit: str, target: Path) -> Item:
    """A whole repository, for a directory."""
    files = [file for file in listing(name, commit, kind) if file not in LEFT_OUT]
    return Item(kind, name, commit, tuple(files), target)


def loaded_items(recipe: Mapping[str, Any], keys: Keys) -> Iterator[Item]:
    """What a recipe loads from the Hub, at the commits that its output is made from where it has begun."""
    pins = resolve(recipe, keys, recorded(Path(recipe.get("output_dir") or "")))
    for kind, name in hub_names(recipe, keys):
        if kind not in (DATA, FILE):
            base, _ = split_id(name)
            yield Item(repository_kind(kind), base, pins[name], tuple(files_of(kind, base, pins[name])))
    for name in models(recipe, keys):
        for base, commit in pinned_bases(name, pins):
            yield Item("model", split_id(base)[0], commit, tuple(model_files(split_id(base)[0], commit)))
    for source in sources(recipe, keys):
        if isinstance(source.get("path"), str) and is_hub_name(source["path"]):
            name = at(source["path"], source.get("revision"))
            yield rows_item(split_id(name)[0], pins[name], source)


def rows_item(name: str, commit: str, source: Mapping[str, Any]) -> Item:
    """The files of an entry's split, and the cards that say so."""
    split = source.get("split", "train").partition("[")[0]
    with explained_rows(name, split):
        files = rows_of(name, commit, source.get("name"), split, source.get("files"))
    return Item("dataset", name, commit, (*together(files), *cards(name, commit)))


def joined(items: Iterable[Item]) -> list[Item]:
    """The items, those of one commit and place together."""
    found: dict[tuple[Any, ...], Item] = {}
    for item in items:
        place = (item.kind, item.name, item.commit, item.target)
        files = found[place].files if place in found else ()
        found[place] = item._replace(files=tuple(dict.fromkeys([*files, *item.files])))
    return list(found.values())


def lines(items: list[Item]) -> Iterator[str]:
    """A list of what is to be fetched: what, at which commit, how much, and where to."""
    total = 0
    for item in items:
        size = sum(item.missing.values())
        total += size
        state = in_words(size) if size else "here"
        where = f"-> {item.target}" if item.target else ""
        yield f"{item.kind:<8} {item.name}@{item.commit[:8]:<8}  {state:>10}  {where}".rstrip()
    yield f"{in_words(total)} to fetch"


def fetch(items: list[Item]) -> None:
    """Fetches what is not here; raises `HubError` for the sum of it before it begins, where the disk is too small."""
    missing = [item.missing for item in items]
    for place, parts in places(items, missing).items():
        require_space(sum(parts), "all of it together", place)
    for item in items:
        if item.target is None:
            snapshot(item.name, item.commit, item.kind, item.files)
        elif not item.is_here():
            pull_artifact(item)


def places(items: list[Item], missing: list[dict[str, int]]) -> dict[Path, list[int]]:
    """Bytes that are to come, by one place for each disk that they come to."""
    found: dict[int, tuple[Path, list[int]]] = {}
    for item, files in zip(items, missing, strict=True):
        place = (item.target or folder_of(item.name, item.commit, item.kind)).expanduser().absolute()
        there = next(path for path in (place, *place.parents) if path.exists())
        found.setdefault(os.stat(there).st_dev, (there, []))[1].append(sum(files.values()))
    return dict(found.values())


def pull_artifact(item: Item) -> None:
    """Puts a repository into its place when it is whole; of two processes the second is refused."""
    assert item.target
    item.target.parent.mkdir(parents=True, exist_ok=True)
    file = item.target.with_name(f".{item.target.name}.lock")
    lock = Lock(file, str(item.target))
    try:
        if not item.is_here():  # by now
            download(item, item.target)
    finally:
        file.unlink(missing_ok=True)
        lock.release()


def download(item: Item, target: Path) -> None:
    """Downloads a repository beside its place; a download that ended goes on."""
    from huggingface_hub import snapshot_download

    with explained(item.name, item.commit, item.kind):
        snapshot_download(
            item.name,
            repo_type=item.kind,
            revision=item.commit,
            local_dir=item.scratch,
            ignore_patterns=list(LEFT_OUT),
        )
    shutil.rmtree(item.scratch / ".cache")
    if target.exists():  # empty: `is_here`
        target.rmdir()
    item.scratch.rename(target)
