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

import dataclasses
import difflib
import hashlib
import json
import re
import typing
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TypeVar

import yaml

from .benchmarks import with_benchmarks
from .commands import COMMANDS
from .errors import RecipeError

T = TypeVar("T")
Recipe = dict[str, Any]

OF_PIPELINES = ("launch", "slurm")  # keys of an overlay that are for a pipeline, not for a command

REFERENCE = r"\$\{(\w+)\}"

# Keys of older recipes, and what they are called now (or what to do instead).
RENAMED = {
    "torch_dtype": "dtype",
    "max_seq_length": "max_length",
    "warmup_ratio": "warmup_steps (a float below 1 is a ratio)",
    "use_liger": "use_liger_kernel",
    "use_liger_loss": "use_liger_kernel",
    "vllm_device": "vllm_mode: server | colocate",
    "vllm_max_model_len": "vllm_max_model_length",
    "max_prompt_length": "nothing: filter long prompts in `datasets`",
    "overwrite_output_dir": "nothing: runs resume by themselves, `--force` starts again",
    "hub_model_revision": "hub_revision",
    "hub_private_repo": "hub_private",
    "hub_strategy": "nothing: `push_to_hub: true` publishes every saved step, and the result",
    "hub_always_push": "nothing: what is not published yet waits in a queue",
    "hub_token": "nothing: a recipe is published; `hf auth login`, or set HF_TOKEN",
    "group_by_length": "train_sampling_strategy: group_by_length",
    "reward_funcs": "rewards (a mapping from name to settings)",
    "dataset_name": "datasets: [{path: ORG/NAME}]",
    "dataset_config": "datasets: [{path: ..., name: ...}]",
    "dataset_train_split": "datasets: [{path: ..., split: ...}]",
    "dataset_test_split": "eval_datasets: [{path: ..., split: ...}]",
    "dataset_mixture": "datasets; `open-r1 mix` mixes by `weight` first (`grpo` takes `weight` itself)",
    "dataset_prompt_column": "datasets: [{path: ..., columns: {YOURS: prompt}}]",
    "callbacks": "nothing: publishing and guards are keys of the recipe",
    "chat_template_path": "chat_template",
    "wandb_entity": "the variable WANDB_ENTITY",
    "wandb_project": "the variable WANDB_PROJECT",
    "wandb_run_group": "the variable WANDB_RUN_GROUP",
    "system_prompt": "chat_template (a .jinja file)",
}
# of these, keys that TRL knows, and that would do nothing: publishing is ours
REPLACED = ("hub_private_repo", "hub_strategy", "hub_always_push", "hub_token")


def read_yaml(path: Path) -> Recipe:
    """Reads one YAML mapping, without inheritance. Raises `RecipeError` where the file is missing or is no mapping."""
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, IsADirectoryError):
        raise RecipeError(
            f"{path}: no such recipe", "give the path of a .yaml file, for example recipes/mini/zero.yaml"
        ) from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise RecipeError(
            f"{path}: not valid YAML: {' '.join(str(error).split())}", "correct the file at that place"
        ) from None
    if not isinstance(content, dict):
        raise RecipeError(f"{path}: holds {type(content).__name__}, not a mapping", "write `key: value` lines")
    return content


def read_entries(file: str, keys: tuple[str, ...], what: str) -> list[dict[str, str]]:
    """
    Reads a YAML list of worked examples that a user edits.

    Args:
        file (`str`):
            Its path; empty for no examples.
        keys (`tuple[str]`):
            The keys that every entry must have; their values become texts.
        what (`str`):
            What the file is, for error messages.

    Returns:
        `list[dict]`: the entries. Raises `RecipeError` for a file that cannot be read or has another form.
    """
    if not file:
        return []
    try:
        entries = yaml.safe_load(Path(file).read_text(encoding="utf-8"))
        return [{key: str(entry[key]) for key in keys} for entry in entries]
    except (OSError, UnicodeDecodeError) as error:
        raise RecipeError(f"{what} {file} cannot be read: {error}", "give the path of a YAML file in UTF-8") from None
    except (yaml.YAMLError, TypeError, KeyError) as error:
        raise RecipeError(
            f"{what} {file}: {' '.join(str(error).split())}", f"write a list of entries with {', '.join(keys)}"
        ) from None


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


def check_keys(recipe: Recipe, known: Iterable[str], where: str) -> None:
    """Raises `RecipeError` for the first key that nothing reads, with its new name or the nearest known one."""
    known = sorted(known)
    for key in recipe:
        if key in known:
            continue
        near = difflib.get_close_matches(key, known, n=1)
        hint = f"it is now {RENAMED[key]}" if key in RENAMED else f"did you mean `{near[0]}`?" if near else "remove it"
        raise RecipeError(f"{where}: unknown key `{key}`", hint)


def fingerprint(values: Recipe) -> str:
    """Short hash of some values."""
    return hashlib.sha256(json.dumps(values, sort_keys=True, default=str).encode()).hexdigest()[:16]


def difference(old: Recipe, new: Recipe) -> str:
    """The keys that differ, as `key: old -> new`, for error messages."""
    keys = [key for key in sorted({*old, *new}) if old.get(key) != new.get(key)]
    return "; ".join(f"{key}: {old.get(key)!r} -> {new.get(key)!r}" for key in keys)


def fill(kind: type[T], recipe: Recipe, where: str) -> T:
    """
    Turns a resolved recipe into a dataclass.

    Args:
        kind (`type`):
            The dataclass.
        recipe (`dict`):
            From `load_recipe`.
        where (`str`):
            The recipe file, for error messages.

    Returns:
        An instance. Raises `RecipeError` for unknown or missing keys and for values that are none of their type.
    """
    return fill_all((kind,), recipe, where)[0]


def fill_all(kinds: tuple[type, ...], recipe: Recipe, where: str) -> tuple[Any, ...]:
    """Turns a resolved recipe into several dataclasses, ours and TRL's, which share its keys among them."""
    known = {
        kind: {field.name: field for field in dataclasses.fields(kind) if field.init and field.name not in REPLACED}
        for kind in kinds
    }
    check_keys(recipe, {name for fields in known.values() for name in fields}, where)
    return tuple(fill_one(kind, known[kind], recipe, where) for kind in kinds)


def fill_one(kind: type, fields: dict[str, dataclasses.Field], recipe: Recipe, where: str) -> Any:
    """One of the dataclasses, from the keys that it knows."""
    required = [
        name for name, field in fields.items() if field.default is field.default_factory is dataclasses.MISSING
    ]
    if missing := [name for name in required if name not in recipe]:
        raise RecipeError(f"{where}: lacks `{missing[0]}`", f"add `{missing[0]}:`")
    hints = typing.get_type_hints(kind)
    values = {name: converted(name, recipe[name], hints[name], where) for name in fields if name in recipe}
    for name, value in values.items():
        choices = fields[name].metadata.get("choices")
        if choices and value is not None and value not in choices:
            raise RecipeError(f"{where}: `{name}: {value}` is unknown", f"use one of {', '.join(map(str, choices))}")
    try:
        return kind(**values)
    except (TypeError, ValueError) as error:
        raise RecipeError(f"{where}: {' '.join(str(error).split())}", "correct that value in the recipe") from None


def converted(name: str, value: Any, hint: Any, where: str) -> Any:
    """A value as a field's type wants it: YAML reads `1e-5` as text, and a command line gives nothing but text."""
    wanted = (set(typing.get_args(hint)) or {hint}) - {type(None)}
    if hint is dict and not isinstance(value, (dict, type(None))):
        raise RecipeError(f"{where}: `{name}: {value}` is no mapping", f"write `{name}: {{KEY: VALUE}}`")
    if value is None or len(wanted) != 1 or not wanted <= {int, float, bool}:
        return value
    (number,) = wanted
    if number is bool:
        if not isinstance(value, bool):
            raise RecipeError(f"{where}: `{name}: {value}` is neither true nor false", "write `true` or `false`")
        return value
    try:
        found = number(value)
        if isinstance(value, float) and found != value:
            raise ValueError("it has a fraction")
        return found
    except (TypeError, ValueError):
        raise RecipeError(f"{where}: `{name}: {value}` is no {number.__name__}", "give a number") from None


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
