"""What a stage loads - models, datasets, files - as its keys declare it (`keys.py`): where it is, and what is in it.

An artifact counts by the hash in its manifest. Anything else on this disk counts by its content, wherever it lies, so
that an edited template or dataset makes what was made from it stale: a file up to `WHOLE` by its bytes (a fraction of
a second), a larger one, such as weights, by its size and its time of change; a directory by all files in it, hidden
ones left out. What is on the Hub counts by its commit (`pinned.py`).
"""

import hashlib
import json
import os
from collections.abc import Collection, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from .errors import ArtifactError
from .files import read_mapping
from .hub import called, is_hub_name, looks_local
from .keys import FILE, Keys, named

MANIFEST = "manifest.json"
ADAPTER = "adapter_config.json"  # makes a model directory an adapter: a small correction of another model's weights
WHOLE = 256 << 20  # bytes up to which a file counts by its content
# where the models on the Hub lie that adapters stand on, by the names and revisions that these give (`pinned.py`)
BASES: dict[str, str] = {}


def read_manifest(directory: str | Path) -> dict[str, Any] | None:
    """Manifest of a complete artifact, `None` where there is none yet."""
    path = Path(directory) / MANIFEST
    return read_mapping(path) if path.is_file() else None


def local_inputs(recipe: Mapping[str, Any], keys: Keys, classes: Collection[str] = ()) -> list[str]:
    """
    The places on this disk that a stage loads from, in order.

    Args:
        recipe (`dict`):
            The resolved recipe.
        keys (`Keys`):
            The declared keys of its stage.
        classes (`Collection[str]`, *optional*):
            Only by keys that decide one of these.

    Returns:
        `list[str]`: paths, as the recipe writes them. Generated data (`mini:`, `gym:`) have none.
    """
    found = [
        (kind, part)
        for kind, name in named(recipe, keys, classes)
        for part in (name, *(bases(name) if kind != FILE else ()))
    ]
    return list(dict.fromkeys(name for kind, name in found if kind == FILE or (":" not in name and looks_local(name))))


def is_adapter(directory: Path) -> bool:
    """Whether a directory holds an adapter alone, not a whole model beside one."""
    return (directory / ADAPTER).is_file() and not (directory / "config.json").is_file()


def adapter_base(name: str) -> tuple[str, str | None] | None:
    """Name and revision of the model that an adapter-only directory stands on; `None` for whole models."""
    file = Path(name).expanduser() / ADAPTER
    if not file.is_file():
        return None
    found = json.loads(file.read_text(encoding="utf-8"))
    return found["base_model_name_or_path"], found.get("revision")


def bases(name: str) -> list[str]:
    """The models that an adapter stands on, one upon the other; none for whole models."""
    found: list[str] = []
    while (base := adapter_base(name)) and base[0] not in found:
        name = base[0]
        found.append(name)
    return found


def needs_hub(recipe: Mapping[str, Any], keys: Keys) -> bool:
    """Whether a stage loads what is neither on this disk nor generated."""
    names = [name for kind, name in named(recipe, keys) if kind != FILE]
    names += [base for name in names for base in bases(name)]
    return any(map(is_hub_name, names))


def is_offline(environment: Mapping[str, str]) -> bool:
    """Whether somebody has switched the Hub off, as its client reads it."""
    found = environment.get("HF_HUB_OFFLINE") or environment.get("TRANSFORMERS_OFFLINE") or ""
    return found.upper() in ("1", "ON", "YES", "TRUE")


def go_offline(recipe: Mapping[str, Any], keys: Keys) -> None:
    """Switches the Hub off where nothing of it is needed, so that no look-up is tried and retried."""
    if not needs_hub(recipe, keys):
        os.environ.setdefault("HF_HUB_OFFLINE", "1")


def contents(
    recipe: Mapping[str, Any], keys: Keys, classes: Collection[str] = (), known: Mapping[Path, str] | None = None
) -> dict[str, str]:
    """
    Hash of each of the `local_inputs`. Raises `ArtifactError` for one below the recipe's `root` that is not complete;
    one elsewhere that is missing is left out, and an error where it is read. `known` are hashes of artifacts that are
    not here.
    """
    root = Path(recipe["root"]) if recipe.get("root") else None
    names = local_inputs(recipe, keys, classes)
    found = {name: content(Path(name).expanduser(), root, known or {}) for name in names}
    return {name: value for name, value in found.items() if value}


def content(path: Path, root: Path | None = None, known: Mapping[Path, str] = MappingProxyType({})) -> str:
    """Hash of an input: of the artifact that it is or lies in, else of what is on the disk; empty for nothing."""
    ours = root in path.parents
    for place in (path, *path.parents)[: None if ours else 2]:
        if place == root:
            break
        if place in known:
            return known[place]
        try:
            manifest = read_manifest(place)
        except ArtifactError:
            if ours:
                raise
            manifest = None  # a file of that name that is not ours
        if manifest and "hash" in manifest:
            return manifest["hash"]
    if ours and not path.is_file():
        state = "is not complete" if path.exists() else "does not exist"
        raise ArtifactError(f"input artifact {path} {state}", "run the stage that makes it first")
    return hash_of(path)


def hash_of(path: Path) -> str:
    """Hash of a file, or of all files below a directory; empty where there is neither."""
    if not path.exists():
        return ""
    digest = hashlib.sha256()
    for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
        inside = file.relative_to(path)
        if file.is_file() and not any(name.startswith(".") for name in inside.parts):
            state = file.stat()
            digest.update(f"{inside} {state.st_size} ".encode())
            digest.update(file.read_bytes() if state.st_size <= WHOLE else str(state.st_mtime_ns).encode())
    return digest.hexdigest()[:16]


def require_model(name: str) -> None:
    """
    Raises `ArtifactError` unless a local model directory holds a tokenizer and the configuration of weights, or an
    adapter whose base is there too.
    """
    if not looks_local(name):
        return
    path, base = Path(name).expanduser(), adapter_base(name)
    if not path.is_dir():
        raise ArtifactError(
            f"model {name} does not exist", "run the stage that makes it, or give a Hub id `namespace/name`"
        )
    needed = [("tokenizer_config.json", "tokenizer")] + ([] if base else [("config.json", "model configuration")])
    for file, what in reversed(needed):
        if not (path / file).is_file():
            raise ArtifactError(f"model {called(name)} has no {what} ({file})", f"save the {what} beside the weights")
    if base and looks_local(base[0]) and not Path(base[0]).expanduser().is_dir():
        raise ArtifactError(
            f"the adapter {name} stands on {base[0]}, which does not exist",
            f"make that model first, or correct `base_model_name_or_path` in {path / ADAPTER}",
        )
