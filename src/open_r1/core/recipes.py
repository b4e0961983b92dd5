"""Recipes: thin YAML files that hold every value of a stage. Nothing here imports torch, so a recipe is read in
milliseconds.

Five conveniences, and no more:

- `inherit: ../file.yaml` starts from another recipe, or from a list of them, of which later ones win; keys given here
  win over all, mappings merge.
- `--with FILE`, once or several times, lays an overlay over a recipe: a small file of keys, or one with a section for
  each command that it speaks to (`grpo: {...}`), such as those in `recipes/hardware`.
- `${key}` in a text value stands for another key of the same recipe: `model_name_or_path: ${root}/base`. A value that
  is nothing else keeps that key's type.
- `smoke:` holds the values of a run that only shows that everything works; `--smoke` applies them.
- `--key value` and `--group.key value` on the command line override anything; values are read as YAML.
"""

import hashlib
import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from .benchmarks import with_benchmarks
from .commands import COMMANDS
from .errors import RecipeError
from .fields import check_keys
from .yaml_files import read_yaml

Recipe = dict[str, Any]

OF_PIPELINES = ("launch", "slurm")  # keys of an overlay that are for a pipeline, not for a command

REFERENCE = r"\$\{(\w+)\}"


def merge(base: Recipe, top: Recipe) -> Recipe:
    """Copy of `base` with the values of `top`; mappings merge key by key, everything else is replaced."""
    merged = dict(base)
    for key, value in top.items():
        both = isinstance(value, dict) and isinstance(merged.get(key), dict)
        merged[key] = merge(merged[key], value) if both else value
    return merged


def inherited(path: Path, heirs: tuple[Path, ...] = ()) -> Recipe:
    """A recipe on top of the ones that it inherits from."""
    if path.resolve() in heirs:
        raise RecipeError(f"{path}: inherits from itself", "correct `inherit`")
    recipe = read_yaml(path)
    merged: Recipe = {}
    given = recipe.pop("inherit", None) or []
    if not isinstance(given, str | list):
        raise RecipeError(f"{path}: `inherit: {given}` names no recipe", "write a path, or a list of them")
    for parent in [given] if isinstance(given, str) else given:
        merged = merge(merged, inherited(path.parent / str(parent), (*heirs, path.resolve())))
    return merge(merged, recipe)


def has_sections(overlay: Recipe) -> bool:
    """Whether an overlay speaks to several commands, each in a section of its name, and not in plain keys."""
    named = any(key in COMMANDS and isinstance(value, dict) for key, value in overlay.items())
    return named or any(key in overlay for key in OF_PIPELINES)


def read_overlay(path: Path) -> Recipe:
    """An overlay with what it inherits; raises `RecipeError` for one that mixes sections and plain keys."""
    overlay = inherited(path)
    if has_sections(overlay):
        check_keys(overlay, (*COMMANDS, *OF_PIPELINES), str(path))
    return overlay


def section(recipe: Recipe, name: str, where: str | Path) -> Recipe:
    """The mapping below a key, empty where it is left out or has nothing; raises `RecipeError` for what is none."""
    found = recipe.get(name) or {}
    if not isinstance(found, dict):
        raise RecipeError(f"{where}: `{name}: {found}` is no mapping", "write `key: value` lines below it")
    return found


def laid_over(recipe: Recipe, files: Iterable[str], command: str) -> Recipe:
    """A recipe of a command under overlays, of which later ones win."""
    for file in files:
        overlay = read_overlay(Path(file))
        if has_sections(overlay):
            if command not in overlay:
                sections = ", ".join(key for key in overlay if key not in OF_PIPELINES) or "none"
                hint = f"leave `--with {file}` out, or add a section"
                raise RecipeError(f"{file}: no section for `{command}`; it has {sections}", hint)
            overlay = section(overlay, command, file)
        recipe = merge(recipe, overlay)
    return recipe


def parse_overrides(arguments: Iterable[str]) -> Recipe:
    """Turns `--a.b 1 --c=x --flag` into `{"a": {"b": 1}, "c": "x", "flag": True}`; every `--with` adds to a list."""
    overrides: Recipe = {}
    words = list(arguments)
    while words:
        word = words.pop(0)
        if not word.startswith("--"):
            raise RecipeError(f"command line: {word!r} is no option", "write `--key value`")
        key, equals, text = word[2:].partition("=")
        if not equals:
            text = words.pop(0) if words and not words[0].startswith("--") else "true"
        try:
            value = yaml.safe_load(text)
        except yaml.YAMLError:
            raise RecipeError(f"command line: --{key} {text!r} is not valid YAML", "quote it, or correct it") from None
        if key == "with":
            value = [*overrides.get(key, []), text]
        for part in reversed(key.split(".")):
            value = {part: value}
        overrides = merge(overrides, value)
    return overrides


def as_words(values: Recipe) -> list[str]:
    """Values as words of a command line, which `parse_overrides` reads."""
    return [f"--{key}={value if isinstance(value, str) else json.dumps(value)}" for key, value in values.items()]


def interpolate(value: Any, recipe: Recipe, where: str) -> Any:
    """Replaces `${key}` in every text of `value` by that top-level key of the recipe."""
    if isinstance(value, dict):
        return {key: interpolate(item, recipe, where) for key, item in value.items()}
    if isinstance(value, list):
        return [interpolate(item, recipe, where) for item in value]
    if not isinstance(value, str):
        return value

    def look_up(match: re.Match) -> Any:
        if match[1] not in recipe:
            raise RecipeError(
                f"{where}: `${{{match[1]}}}` in {value!r} names no key of this recipe", f"add `{match[1]}:`"
            )
        return interpolate(recipe[match[1]], {key: item for key, item in recipe.items() if key != match[1]}, where)

    if whole := re.fullmatch(REFERENCE, value):
        return look_up(whole)
    return re.sub(REFERENCE, lambda match: str(look_up(match)), value)


def below(value: Any, recipe: Recipe) -> Any:
    """A value in which paths below the recipe's root begin with `${root}`."""
    if isinstance(value, dict):
        return {key: below(item, recipe) for key, item in value.items()}
    if isinstance(value, list):
        return [below(item, recipe) for item in value]
    root = str(recipe.get("root") or "").rstrip("/")
    if root and isinstance(value, str) and f"{value}/".startswith(f"{root}/"):
        return "${root}" + value[len(root) :]
    return value


def load_recipe(
    path: str | Path,
    overrides: Recipe | None = None,
    smoke: bool = False,
    overlays: Iterable[str] = (),
    command: str = "",
) -> Recipe:
    """
    Reads a recipe as a stage will use it.

    Args:
        path (`str` or `Path`):
            The YAML file.
        overrides (`dict`, *optional*):
            Values that win over the file, as `parse_overrides` returns them.
        smoke (`bool`, *optional*, defaults to `False`):
            Whether to apply the recipe's `smoke` values; they win over overlays.
        overlays (`Iterable[str]`, *optional*):
            Files to lay over it.
        command (`str`, *optional*):
            The command that the recipe is for: which sections of the overlays are its own.

    Returns:
        `dict`: the resolved recipe.
    """
    path = Path(path)
    recipe = laid_over(inherited(path), overlays, command)
    quick = section(recipe, "smoke", path) if smoke else {}
    recipe.pop("smoke", None)
    recipe = merge(merge(recipe, quick), overrides or {})
    return with_benchmarks(interpolate(with_sources(recipe), recipe, place(path, overlays)))


def place(path: str | Path, overlays: Iterable[str]) -> str:
    """A recipe's file and those that lie over it, for error messages."""
    return " with ".join([str(path), *overlays])


def with_sources(recipe: Recipe) -> Recipe:
    """A recipe whose data are entries with a `path`, also where they are given as a name or as names."""
    for key in ("datasets", "eval_datasets"):
        given = recipe.get(key)
        entries = [given] if isinstance(given, (str, dict)) else given
        if isinstance(entries, list):
            recipe = recipe | {key: [{"path": entry} if isinstance(entry, str) else entry for entry in entries]}
    return recipe


def fingerprint(values: Recipe) -> str:
    """Short hash of some values."""
    return hashlib.sha256(json.dumps(values, sort_keys=True, default=str).encode()).hexdigest()[:16]


def difference(old: Recipe, new: Recipe) -> str:
    """The keys that differ, as `key: old -> new`, for error messages."""
    keys = [key for key in sorted({*old, *new}) if old.get(key) != new.get(key)]
    return "; ".join(f"{key}: {old.get(key)!r} -> {new.get(key)!r}" for key in keys)


def read_command_line(arguments: list[str], command: str = "") -> tuple[Recipe, str, bool]:
    """
    Recipe, its file, and `--force`, from `[--config FILE] [--with FILE] [--smoke] [--force] [--debug] [--key value
    ...]`. Without a file the other keys are the recipe.
    """
    overrides = parse_overrides(arguments)
    where, smoke, force = overrides.pop("config", None), overrides.pop("smoke", False), overrides.pop("force", False)
    overlays = overrides.pop("with", [])
    overrides.pop("debug", None)
    if not where and overrides and "help" not in overrides:
        overrides = merge(laid_over({}, overlays, command), overrides)
        recipe = with_benchmarks(interpolate(with_sources(overrides), overrides, "command line"))
        return recipe, "command line", force
    if not where:
        raise RecipeError("no recipe given", "add --config recipes/mini/zero.yaml; `open-r1 COMMAND --help` says more")
    return load_recipe(where, overrides, smoke, overlays, command), place(where, overlays), force
