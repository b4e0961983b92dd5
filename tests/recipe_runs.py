"""
Runs recipes as they are, in this process: Hub names come from `hub.py`, servers from `knowing.py`, and what a recipe
reads from its `root` from the recipe of its folder that makes it, which is run first.

A recipe that asks a server to sample is run as it is written, since a scripted server costs nothing; any other in
smoke mode. Either way it reads the sources that it names, not those of its `smoke` section, and a few rows of each.
The `smoke` section as it stands is another run.
"""

import contextlib
import functools
import importlib
import io
import json
from pathlib import Path
from typing import Any, NamedTuple

from conftest import REPOSITORY
from families import family_of, save_family
from hub import Hub
from recipe_list import Recipe, header, recipes

from open_r1.core.commands import COMMANDS
from open_r1.core.hub import is_hub_name
from open_r1.core.inputs import local_inputs
from open_r1.core.keys import BARE, FILE, MODEL, keys_of, named
from open_r1.core.pinned import repository_kind
from open_r1.core.recipes import read_command_line

SOURCES = ("datasets", "eval_datasets", "add")
# values that need a GPU, or what is made for one
GPU = {"load_in_4bit": True, "load_in_8bit": True, "use_vllm": True, "engine": "vllm"}
CPU = {"load_in_4bit": False, "load_in_8bit": False, "use_vllm": False, "engine": "transformers"}
# artifacts that no recipe makes, and the model whose stand-in they are
IMPORTED = {"data/SmolLM2-135M/start": "SmolLM2-135M-Instruct"}


class Result(NamedTuple):
    """
    A run.

    Attributes:
        recipe (`dict`): As it was resolved.
        output (`Path`): Its artifact.
    """

    recipe: dict[str, Any]
    output: Path


def resolve(command: str, words: list[str]) -> dict[str, Any]:
    """The recipe that a command would use."""
    return read_command_line(words, command)[0]


def module_of(command: str) -> Any:
    return importlib.import_module(COMMANDS[command].module)


def keys(command: str) -> Any:
    return keys_of(module_of(command).ARGUMENTS)


def small(entry: Any) -> Any:
    """A source of which a few rows are read, from the first step on."""
    entry = {"path": entry} if isinstance(entry, str) else dict(entry)
    if ":" in entry["path"]:
        entry["limit"] = min(entry.get("limit") or 8, 8)
    return entry | {key: min(entry[key], most) for key, most in (("count", 4), ("from_step", 1)) if key in entry}


def few_rows(full: dict[str, Any]) -> dict[str, Any]:
    """The sources that a recipe names, and how much of them is read: few rows, but these whole."""
    changes: dict[str, Any] = {key: [small(entry) for entry in full[key]] for key in SOURCES if full.get(key)}
    changes |= {"total": 8} if full.get("total") else {}
    return changes | ({"max_length": full["max_length"]} if full.get("max_length") else {})


def with_url(value: Any, url: str) -> Any:
    """A value in which every `url` is this one."""
    if isinstance(value, list):
        return [with_url(item, url) for item in value]
    if not isinstance(value, dict):
        return value
    return {key: url if key == "url" and item else with_url(item, url) for key, item in value.items()}


def options(values: dict[str, Any]) -> list[str]:
    """Values as words of a command line."""
    return [word for key, value in values.items() for word in (f"--{key}", json.dumps(value))]


class Runs:
    """
    All runs, each made once.

    Args:
        folder (`Path`): For the artifacts.
        hub (`Hub`): The stand-in of the Hub.
        url (`str`): Of the scripted endpoint.
    """

    def __init__(self, folder: Path, hub: Hub, url: str):
        self.folder, self.hub, self.url = folder, hub, url
        self.makers = {folder / output_of(recipe): recipe for recipe in recipes("stage")}
        self.results: dict[tuple[Recipe, bool], Result | BaseException] = {}

    def result(self, recipe: Recipe, smoke: bool = False) -> Result:
        """The run of a recipe, made now if it was not yet; with `smoke` as its smoke section says."""
        if (recipe, smoke) not in self.results:
            try:
                self.results[recipe, smoke] = self.run(recipe, smoke)
            except (Exception, SystemExit) as error:
                self.results[recipe, smoke] = error
        found = self.results[recipe, smoke]
        if isinstance(found, BaseException):
            raise AssertionError(f"{recipe.name}: {type(found).__name__}: {found}") from found
        return found

    def run(self, recipe: Recipe, smoke: bool) -> Result:
        command, words = recipe.launch.command, self.words(recipe, smoke)
        resolved = resolve(command, words)
        self.provide(command, resolved)
        if error := attempt(command, words):
            raise AssertionError(error)
        return Result(resolved, Path(resolved["output_dir"]))

    def refusal(self, recipe: Recipe, key: str) -> str:
        """What a recipe's command says where its value of a key needs a GPU; its smoke section may do without."""
        command, words = recipe.launch.command, self.words(recipe, False)
        elsewhere = f"{resolve(command, words)['output_dir']}-with-{key}"
        words += options({key: GPU[key], "output_dir": elsewhere})
        self.provide(command, resolve(command, words))
        return attempt(command, words)

    def words(self, recipe: Recipe, smoke: bool) -> list[str]:
        """The command line of a run."""
        command = recipe.launch.command
        words = shown_words(recipe)
        root = str(self.folder / resolve(command, words).get("root", "data"))
        words += ["--root", root]
        full = resolve(command, words)
        changes = {} if smoke else few_rows(full)
        if COMMANDS[command].trains:
            changes |= {"use_cpu": True, "disable_tqdm": True, "logging_steps": 1}
        if smoke or full.get("engine") != "server":
            words += ["--smoke"]
        if smoke or recipe.kind == "overlay":
            changes["output_dir"] = f"{full['output_dir']}-{recipe.name.replace('/', '-')}{'-smoke' if smoke else ''}"
        here = resolve(command, words)
        changes |= {key: CPU[key] for key in GPU if here.get(key) == GPU[key]}
        chosen = here | changes
        served = with_url(chosen, self.url)
        return words + options(changes | {key: served[key] for key in served if served[key] != chosen[key]})

    def provide(self, command: str, resolved: dict[str, Any]) -> None:
        """Makes what a recipe loads."""
        for kind, name in named(resolved, keys(command)):
            if kind != FILE and is_hub_name(name):
                self.hub.publish(name, repository_kind(kind))
        models = {Path(name) for kind, name in named(resolved, keys(command)) if kind in (MODEL, BARE)}
        for path in self.inputs(command, resolved):
            self.make(path, path in models)

    def inputs(self, command: str, resolved: dict[str, Any]) -> list[Path]:
        """What a recipe reads below its root: each by the artifact that some recipe makes, else as it is named."""
        names = [Path(name) for name in local_inputs(resolved, keys(command)) if self.folder in Path(name).parents]
        return [next((place for place in (name, *name.parents) if place in self.makers), name) for name in names]

    def make(self, path: Path, is_model: bool) -> None:
        """Makes an artifact: by the recipe that makes it or, where there is none, as a model that headers tell of."""
        if path in self.makers:
            self.result(self.makers[path])
            return
        assert is_model and self.told(path), f"{path}: no recipe makes it, and no header of its folder says what does"
        if not path.exists():
            place = str(path.relative_to(self.folder))
            save_family(path, family_of(IMPORTED.get(place, path.parent.name)))
            (path / "manifest.json").write_text(json.dumps({"hash": "stand-in", "recipe": {}}))

    def told(self, path: Path) -> bool:
        """Whether a header of its folder says where an artifact comes from."""
        files = (REPOSITORY / "recipes" / path.parent.name).glob("*.yaml")
        place = str(path.relative_to(self.folder))
        return any(place in header(str(file.relative_to(REPOSITORY))) for file in files)


def shown_words(recipe: Recipe) -> list[str]:
    """The recipe and the overlays that a header's command names."""
    config = recipe.launch.values("config")[0]
    words = ["--config", first_of(recipe.launch.command) if config == "RECIPE" else config]
    return words + [word for overlay in recipe.launch.values("with") for word in ("--with", overlay)]


@functools.cache
def as_shown(recipe: Recipe) -> dict[str, Any]:
    """A recipe as its header's command resolves it."""
    return resolve(recipe.launch.command, shown_words(recipe))


def first_of(command: str) -> str:
    """A recipe of a command, where a header says that any will do."""
    return next(recipe.path for recipe in recipes("stage") if recipe.launch.command == command)


def output_of(recipe: Recipe) -> str:
    """Where a recipe's artifact goes."""
    return resolve(recipe.launch.command, ["--config", recipe.path])["output_dir"]


def attempt(command: str, words: list[str]) -> str:
    """Runs a command in this process; gives what it complains of where it ends with an error, else nothing."""
    complaint = io.StringIO()
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(complaint):
            module_of(command).main(list(words))
    except SystemExit:
        return "error: " + complaint.getvalue().partition("error: ")[2]
    return ""
