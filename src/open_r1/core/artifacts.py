"""What a stage leaves behind: one directory that is either complete or visibly not.

A stage claims its output directory (`claim`), which writes the resolved `recipe.yaml` first; works, possibly killed
and run again many times; and ends with `finish`, which writes `manifest.json` last and atomically. A directory is
complete exactly when its manifest exists. The manifest's `hash` covers the recipe and the hashes of the input
artifacts, so a stage knows whether what lies there is what it would make.
"""

import fcntl
import hashlib
import json
import os
import platform
import resource
import shutil
import subprocess
import time
from importlib import metadata
from pathlib import Path
from typing import Any

import yaml

from .errors import ArtifactError
from .recipes import COSMETIC, Recipe, difference, fingerprint

MANIFEST, RECIPE, PROGRESS, LOCK = "manifest.json", "recipe.yaml", "progress.json", ".lock"
ADAPTER = "adapter_config.json"  # makes a model directory an adapter: a small correction of another model's weights
PACKAGES = ("torch", "transformers", "trl", "accelerate", "datasets", "peft", "math-verify")


def write_atomically(path: Path, text: str) -> None:
    """Writes a file that either holds all of `text` or does not change, whatever kills the process."""
    scratch = path.with_name(f".{path.name}.{os.getpid()}")
    with scratch.open("w", encoding="utf-8", errors="replace") as file:  # models write lone surrogates too
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    scratch.replace(path)


def looks_local(name: str) -> bool:
    """Whether a model or dataset name means a place on this disk, not a Hub id `namespace/name`."""
    path = Path(name).expanduser()
    return name.startswith((".", "/", "~")) or name.count("/") != 1 or path.parent.exists() or path.exists()


def needs_hub(recipe: Recipe) -> bool:
    """
    Whether a stage publishes, or names a model or dataset that is neither on this disk nor generated (`mini:`,
    `gym:`).
    """
    sources = [entry for key in ("datasets", "eval_datasets", "add", "models") for entry in recipe.get(key) or []]
    sources += [settings for settings in (recipe.get("rewards") or {}).values() if settings]
    cleaning = recipe.get("decontaminate", {"against": recipe.get("against", [])})
    against = cleaning.get("against") if isinstance(cleaning, dict) else [] if cleaning is False else None
    if against is None:  # the default benchmarks
        return True
    sources += against if isinstance(against, list) else []
    names = [recipe.get("model_name_or_path"), recipe.get("model"), recipe.get("tokenizer")]
    for source in sources:
        names += [source.get("path"), source.get("model")] if isinstance(source, dict) else [source]
    names += [base[0] for name in names if isinstance(name, str) and name and (base := adapter_base(name))]
    return bool(recipe.get("push_to_hub")) or any(
        isinstance(name, str) and name and ":" not in str(name) and not looks_local(str(name)) for name in names
    )


def go_offline(recipe: Recipe) -> None:
    """Switches the Hub off where nothing of it is needed, so that no look-up is tried and retried."""
    if not needs_hub(recipe):
        os.environ.setdefault("HF_HUB_OFFLINE", "1")


def read_manifest(directory: str | Path) -> dict[str, Any] | None:
    """Manifest of a complete artifact, `None` where there is none yet."""
    path = Path(directory) / MANIFEST
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None


def input_paths(recipe: Recipe) -> list[str]:
    """The artifact directories below the recipe's `root` that its values name, in order: the inputs of the stage."""
    if not recipe.get("root"):
        return []
    root = str(recipe["root"]).rstrip("/") + "/"
    found: list[str] = []

    def walk(value: Any) -> None:
        if isinstance(value, dict):
            value = list(value.values())
        if isinstance(value, list):
            for item in value:
                walk(item)
        elif (
            isinstance(value, str) and value.startswith(root) and value not in (root, recipe.get("output_dir"), *found)
        ):
            found.append(value)

    walk({key: value for key, value in recipe.items() if key not in ("root", "output_dir", *COSMETIC)})
    return found


def expected_hash(recipe: Recipe) -> str:
    """
    Hash that the finished artifact of this recipe carries. Raises `ArtifactError` where an input is not complete.
    """
    return fingerprint(
        recipe | {"inputs": {path: input_hash(Path(path), Path(recipe["root"])) for path in input_paths(recipe)}}
    )


def input_hash(path: Path, root: Path) -> str:
    """Hash of an input: of the artifact that it is or lies in, else of the file's content."""
    for place in (path, *path.parents):
        if place != root and (manifest := read_manifest(place)):
            return manifest["hash"]
    if path.is_file():
        return hashlib.sha256(path.read_bytes()).hexdigest()[:16]
    state = "is not complete" if path.exists() else "does not exist"
    raise ArtifactError(f"input artifact {path} {state}", "run the stage that makes it first")


class Artifact:
    """
    The output directory of one stage.

    Args:
        recipe (`dict`):
            The resolved recipe; its `output_dir` is the directory.
    """

    def __init__(self, recipe: Recipe):
        if not recipe.get("output_dir"):
            raise ArtifactError("the recipe names no `output_dir`", "add `output_dir: ${root}/NAME`")
        self.recipe, self.path = recipe, Path(recipe["output_dir"])
        self.hash = expected_hash(recipe)
        self.started = time.time()

    @property
    def complete(self) -> bool:
        """
        Whether the directory already holds what this recipe makes. Raises `ArtifactError` if it holds something else.
        """
        manifest = read_manifest(self.path)
        if manifest is None:
            return False
        if manifest["hash"] == self.hash and manifest["recipe"].get("decisions") == self.recipe.get("decisions"):
            return True
        changes = difference(manifest["recipe"], self.recipe) or "an input artifact was made again"
        raise ArtifactError(f"{self.path} holds the result of another recipe ({changes})", "add --force to replace it")

    def claim(self, force: bool = False, keep: tuple[str, ...] = ()) -> bool:
        """
        Takes the directory for this process.

        Args:
            force (`bool`, *optional*, defaults to `False`):
                Whether to delete what another recipe left there.
        keep (`tuple[str]`, *optional*):
            Entries that are not deleted: the caller decides about them.

        Returns:
            `bool`: `False` if the artifact is complete and there is nothing to do.
        """
        if not force and self.complete:
            return False
        self.path.mkdir(parents=True, exist_ok=True)
        self._lock()
        for old in self.path.iterdir() if force else ():
            if old.name not in (LOCK, *keep):
                shutil.rmtree(old) if old.is_dir() else old.unlink()
        before = self.path / RECIPE
        if before.exists():
            old = yaml.safe_load(before.read_text(encoding="utf-8"))
            # else it failed at once
            begun = any(entry.name not in (RECIPE, LOCK, PROGRESS) for entry in self.path.iterdir())
            if begun and fingerprint(old) != fingerprint(self.recipe):
                changes = difference(old, self.recipe)
                self._lock_file.close()
                raise ArtifactError(
                    f"{self.path} holds an unfinished run of another recipe ({changes})", "add --force to replace it"
                )
        write_atomically(before, yaml.safe_dump(self.recipe, sort_keys=False, allow_unicode=True))
        return True

    def _lock(self) -> None:
        """Keeps a second process out; the lock ends with this process, however that ends."""
        self._lock_file = open(self.path / LOCK, "w")  # noqa: SIM115
        try:
            fcntl.flock(self._lock_file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ArtifactError(
                f"{self.path} is being written by another process", "wait for it, or stop it"
            ) from None

    def finish(self, **facts: Any) -> None:
        """Marks the artifact complete; `facts` such as metrics go into the manifest."""
        (self.path / PROGRESS).unlink(missing_ok=True)
        manifest = {
            "hash": self.hash,
            "inputs": input_paths(self.recipe),
            "recipe": self.recipe,
            "seconds": round(time.time() - self.started, 1),
            "peak_rss_gb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, 2),
            "versions": versions(),
            "git_commit": git_commit(),
            **facts,
        }
        write_atomically(self.path / MANIFEST, json.dumps(manifest, indent=2, ensure_ascii=False, default=str))

    def progress(self, done: int, total: int, **figures: float) -> None:
        """Leaves a note for whoever watches the run."""
        write_atomically(self.path / PROGRESS, json.dumps({"done": done, "total": total, **figures}))


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that decide the numbers."""
    return {"python": platform.python_version(), **{name: metadata.version(name) for name in PACKAGES}}


def git_commit() -> str | None:
    """Commit of the checkout this package runs from, `None` outside a checkout."""
    command = ["git", "-C", str(Path(__file__).parent), "rev-parse", "--short", "HEAD"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=5).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return None


def adapter_base(name: str) -> tuple[str, str | None] | None:
    """Name and revision of the model that an adapter-only directory stands on; `None` for whole models."""
    file = Path(name).expanduser() / ADAPTER
    if not file.is_file():
        return None
    found = json.loads(file.read_text(encoding="utf-8"))
    return found["base_model_name_or_path"], found.get("revision")


def require_model(name: str) -> None:
    """
    Raises `ArtifactError` unless a local model directory holds a tokenizer and the configuration of weights, or an
    adapter whose base is there too.
    """
    if not looks_local(name):
        return
    path = Path(name).expanduser()
    if not path.is_dir():
        raise ArtifactError(
            f"model {name} does not exist", "run the stage that makes it, or give a Hub id `namespace/name`"
        )
    base = adapter_base(name)
    needed = [("tokenizer_config.json", "tokenizer")] + ([] if base else [("config.json", "model configuration")])
    for file, what in reversed(needed):
        if not (path / file).is_file():
            raise ArtifactError(f"model {name} has no {what} ({file})", f"save the {what} beside the weights")
    if base and looks_local(base[0]) and not Path(base[0]).expanduser().is_dir():
        raise ArtifactError(
            f"the adapter {name} stands on {base[0]}, which does not exist",
            f"make that model first, or correct `base_model_name_or_path` in {path / ADAPTER}",
        )
