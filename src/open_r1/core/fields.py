"""The keys of a recipe as the fields of dataclasses, ours and TRL's: every key is known, and every value of its type.

A key of another project or of an older version is refused with its name of today: ignored, it would train something
else than was asked for.
"""

import dataclasses
import difflib
import typing
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from .errors import RecipeError

T = TypeVar("T")

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


def check_keys(recipe: Mapping[str, Any], known: Iterable[str], where: str) -> None:
    """Raises `RecipeError` for the first key that nothing reads, with its new name or the nearest known one."""
    known = sorted(known)
    for key in recipe:
        if key in known:
            continue
        near = difflib.get_close_matches(key, known, n=1)
        hint = f"it is now {RENAMED[key]}" if key in RENAMED else f"did you mean `{near[0]}`?" if near else "remove it"
        raise RecipeError(f"{where}: unknown key `{key}`", hint)


def fill(kind: type[T], recipe: Mapping[str, Any], where: str) -> T:
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


def fill_all(kinds: tuple[type, ...], recipe: Mapping[str, Any], where: str) -> tuple[Any, ...]:
    """Turns a resolved recipe into several dataclasses, ours and TRL's, which share its keys among them."""
    known = {
        kind: {field.name: field for field in dataclasses.fields(kind) if field.init and field.name not in REPLACED}
        for kind in kinds
    }
    check_keys(recipe, {name for fields in known.values() for name in fields}, where)
    return tuple(fill_one(kind, known[kind], recipe, where) for kind in kinds)


def fill_one(kind: type, fields: dict[str, dataclasses.Field], recipe: Mapping[str, Any], where: str) -> Any:
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
    if hint in (dict, dict | None) and not isinstance(value, dict | None):
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
