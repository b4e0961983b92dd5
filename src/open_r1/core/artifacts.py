"""What a stage leaves behind: one directory that is either complete or visibly not.

A stage claims its output directory (`claim`), which writes the resolved `recipe.yaml` first; works, possibly killed
and run again many times; and ends with `finish`, which writes `manifest.json` last and atomically. A directory is
complete exactly when its manifest exists. The manifest's `hash` covers what of the recipe decides the result
(`keys.py`) and the content of what it loads (`inputs.py`), so a stage knows whether what lies there is what it would
make; `started.json` keeps the latter for an unfinished run.
"""

import json
import os
import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from .cards import write_card
from .deleting import allow
from .environment import git_commit, gpu, versions
from .errors import ArtifactError, Halted
from .files import write_atomically
from .inputs import MANIFEST, contents, local_inputs, read_manifest
from .keys import BATCH, FINISHED, NOTHING, PARTS, RUN, UNFINISHED, Keys, global_batch, restrict
from .locks import Lock
from .notes import (
    HALT,
    LOCK,
    PROGRESS,
    RECIPE,
    START,
    STARTED,
    has_begun,
    read_halt,
    read_note,
    read_progress,
    recorded,
)
from .pinned import Pins, recorded_names
from .processes import peak_memory
from .pushing import add_final
from .recipes import Recipe, below, difference, fingerprint


def deciding(recipe: Recipe, keys: Keys, inputs: dict[str, str], devices: int, classes: set[str] = FINISHED) -> Recipe:
    """
    What makes a directory that of this recipe and no other, wherever its root is: values, and the content of what they
    name.
    """
    names = [*local_inputs(recipe, keys, classes), *recorded_names(recipe, keys, inputs, classes)]
    read = {f"content of {below(name, recipe)}": inputs[name] for name in names if name in inputs}
    values = below(restrict(recipe, keys, classes), recipe)
    return values | {"global batch": global_batch(recipe, keys, devices)} | read


class Artifact:
    """
    The output directory of one stage.

    Args:
        recipe (`dict`):
            The resolved recipe; its `output_dir` is the directory.
        keys (`Keys`, *optional*):
            The declared keys of the stage, see `keys.py`.
        pins (`dict[str, str]`, *optional*):
            The commits of what is loaded from the Hub; by default those that the directory was made from.
        made (`dict`, *optional*):
            Manifest of a result that lies elsewhere, in place of the directory's.
        known (`dict[Path, str]`, *optional*):
            Hashes of inputs that lie elsewhere.
        command (`str`, *optional*):
            The command of `open-r1` that makes it, for its card.
    """

    def __init__(
        self,
        recipe: Recipe,
        keys: Keys = NOTHING,
        pins: Pins | None = None,
        made: dict[str, Any] | None = None,
        known: Mapping[Path, str] | None = None,
        command: str = "",
    ):
        if not recipe.get("output_dir"):
            raise ArtifactError("the recipe names no `output_dir`", "add `output_dir: ${root}/NAME`")
        self.recipe, self.keys, self.path = recipe, keys, Path(recipe["output_dir"])
        self.command = command
        if pins is None:
            pins = recorded(self.path) if made is None else made.get("inputs") or {}
        names = recorded_names(recipe, keys, pins)
        self.inputs = contents(recipe, keys, FINISHED, known) | {name: pins[name] for name in names}
        # outside a launcher, such as in a pipeline, a finished run is measured with the devices that made it
        made = made or read_manifest(self.path) or {}
        self.devices = int(os.environ.get("WORLD_SIZE") or made.get("devices", 1))
        self.hash = fingerprint(deciding(recipe, keys, self.inputs, self.devices))
        self.started, self.earlier = time.time(), 0.0  # seconds that processes before this one spent on it

    def _changes(self, recipe: Recipe, record: dict[str, Any], classes: set[str]) -> str:
        """How a run of another time, with its recipe and its record, differs from ours in keys of some classes."""
        known = record.get("inputs")
        old = known if isinstance(known, dict) else self.inputs
        read = {below(name, recipe) for name in old}  # what was not there was not read
        new = {name: found for name, found in self.inputs.items() if below(name, self.recipe) in read}
        before = deciding(recipe, self.keys, old, record.get("devices", self.devices), classes)
        return difference(before, deciding(self.recipe, self.keys, new, self.devices, classes))

    def differs(self, manifest: dict[str, Any]) -> str:
        """How a result differs from what this recipe makes; empty where only its hash is of another version."""
        return "" if manifest["hash"] == self.hash else self._changes(manifest["recipe"], manifest, FINISHED)

    @property
    def complete(self) -> bool:
        """
        Whether the directory already holds what this recipe makes. Raises `ArtifactError` if it holds something else,
        and not only other parts of it.
        """
        manifest = read_manifest(self.path)
        if manifest is None:
            return False
        if changes := self.differs(manifest):
            if not self._changes(manifest["recipe"], manifest, FINISHED - {PARTS}):
                return False
            message = f"{self.path} holds the result of another recipe ({changes})"
            raise ArtifactError(message, "add --force to replace it")
        return True

    def notice(self) -> str:
        """How the recipe of a run that is there, and is ours, differs in how it runs; empty where it does not."""
        before = self.path / RECIPE
        old = yaml.safe_load(before.read_text(encoding="utf-8")) if before.exists() else self.recipe
        runs = (below(restrict(recipe, self.keys, {RUN, BATCH}), recipe) for recipe in (old, self.recipe))
        changes = difference(*runs)
        return f"{self.path}: other settings of how it runs, same result: {changes}" if changes else ""

    def claim(self, force: bool = False, keep: tuple[str, ...] = (), later: bool = False) -> bool:
        """
        Takes the directory for this process.

        Args:
            force (`bool`, *optional*, defaults to `False`):
                Whether to delete what another recipe left there.
            keep (`tuple[str]`, *optional*):
                Entries that are not deleted: the caller decides about them.
            later (`bool`, *optional*, defaults to `False`):
                Whether the caller calls `begin`, when it knows that it can run. Until then a result that parts are to
                join stays complete, and no recipe stands here that cannot be run.

        Returns:
            `bool`: `False` if the artifact is complete and there is nothing to do.
        """
        if not force and self.complete:
            self._tell()
            return False
        self.path.mkdir(parents=True, exist_ok=True)
        self._lock = Lock(self.path / LOCK, str(self.path))
        if not force and self.complete:  # since we looked first
            self._lock.release()
            self._tell()
            return False
        if force:
            allow(self.path)
        for old in self.path.iterdir() if force else ():
            if old.name not in keep and not old.name.startswith(LOCK):
                shutil.rmtree(old) if old.is_dir() else old.unlink()
        if has_begun(self.path):
            self._refuse_another()
            self._tell()
        else:  # a merged start model may be another recipe's
            for name in (START, f".{START}"):
                shutil.rmtree(self.path / name, ignore_errors=True)
        if not later:
            self.begin()
        return True

    def begin(self) -> None:
        """Makes the directory that of an unfinished run of this recipe."""
        write_atomically(self.path / STARTED, json.dumps(self._record()))
        write_atomically(self.path / RECIPE, yaml.safe_dump(self.recipe, sort_keys=False, allow_unicode=True))
        (self.path / MANIFEST).unlink(missing_ok=True)  # of a result that other parts join
        if note := read_progress(self.path):
            self.earlier = note.get("seconds", 0.0)
            self.progress(note["done"], note["total"])  # no longer stopped, if it was

    def release(self) -> None:
        """Gives the directory back, for a process that goes on with other things."""
        self._lock.release()

    def _refuse_another(self) -> None:
        """Raises `ArtifactError` if the unfinished run that lies here would have another result."""
        old = yaml.safe_load((self.path / RECIPE).read_text(encoding="utf-8"))
        if changes := self._changes(old, read_note(self.path / STARTED), UNFINISHED):
            self._lock.release()
            raise ArtifactError(
                f"{self.path} holds an unfinished run of another recipe ({changes})", "add --force to replace it"
            )

    def _tell(self) -> None:
        if notice := self.notice():
            print(f"notice: {notice}", flush=True)

    def _record(self) -> dict[str, Any]:
        """What was known when the stage was opened."""
        return {"command": self.command, "inputs": self.inputs, "devices": self.devices}

    def finish(self, **facts: Any) -> None:
        """Writes the card and marks the artifact complete; `facts` such as metrics go into the manifest."""
        manifest = {
            "hash": self.hash,
            **self._record(),
            "recipe": self.recipe,
            "seconds": self.seconds,
            "peak_rss_gb": round(peak_memory() / 2**30, 2),
            "gpu": gpu(),
            "versions": versions(),
            "git_commit": git_commit(),
            **facts,
        }
        write_card(self.path, manifest)
        write_atomically(self.path / MANIFEST, json.dumps(manifest, indent=2, ensure_ascii=False, default=str))
        for name in (PROGRESS, STARTED, HALT):
            (self.path / name).unlink(missing_ok=True)
        if self.recipe.get("push_to_hub"):
            add_final(self.path, self.recipe)

    def halt(self, reason: Halted, step: int) -> None:
        """Leaves a note for the runner of a pipeline, and for the process that would run into it again."""
        note = {"message": str(reason), "hint": reason.hint, "step": step, "time": time.time(), "recipe": self.recipe}
        write_atomically(self.path / HALT, json.dumps(note, default=str))

    def halted_step(self) -> int:
        """
        The step at which a guard ended this run under another recipe, 0 where none did. Raises `Halted` again where it
        was this recipe: nothing has changed that could make it better.
        """
        note = read_halt(self.path)
        if note and note["recipe"] == json.loads(json.dumps(self.recipe, default=str)):
            reason = Halted(note["message"], note["hint"])
            self.halt(reason, note["step"])
            raise reason
        return note.get("step", 0)

    def forget_halt(self) -> None:
        """For a run that begins anew: at which step a guard ended another one there says nothing of it."""
        (self.path / HALT).unlink(missing_ok=True)

    @property
    def seconds(self) -> float:
        """Time spent on it so far, by this process and by those that were killed before it."""
        return round(self.earlier + time.time() - self.started, 1)

    def progress(self, done: int, total: int, **figures: float) -> None:
        """Leaves a note for whoever watches the run, and for the process that continues it."""
        note = {"done": done, "total": total, "seconds": self.seconds, **figures}
        write_atomically(self.path / PROGRESS, json.dumps(note))
