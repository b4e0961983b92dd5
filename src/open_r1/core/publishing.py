"""The keys of every recipe that say whether and where its artifact is published, and the names that follow from them.

Publishing is beside the work: a stage writes its artifact, leaves a note in a queue (`outbox.py`), and a process of
its own sends it to the Hub. None of the keys decides a result, so any of them may change at any time: switching
`push_to_hub` on for an artifact that is complete publishes it.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from .commands import COMMANDS
from .errors import RecipeError
from .inputs import ADAPTER
from .keys import COSMETIC, key

MODEL, DATASET = "model", "dataset"  # types of repository


@dataclass(kw_only=True)
class Publishing:
    """
    Values that all stages share.

    Args:
        push_to_hub (`bool`, *optional*, defaults to `False`):
            Whether the artifact is published: a training also publishes each step that it saves, as a branch
            `step-000100`.
        hub_namespace (`str`, *optional*):
            User or organisation on the Hub; by default the token's own user.
        hub_model_id (`str`, *optional*):
            Name of a model's repository, `NAMESPACE/NAME` or `NAME`; by default the last two parts of `output_dir`:
            `mini-zero` for `data/mini/zero`.
        hub_dataset_id (`str`, *optional*):
            Likewise of whatever else a stage makes.
        hub_private (`bool`, *optional*, defaults to `True`):
            Whether a repository that does not exist yet is made private.
        hub_revision (`str`, *optional*):
            Branch of the result; by default `main`.
        hub_must_stop (`int`, *optional*, defaults to 8):
            A model is published only if so many of its answers to 8 prompts of its training end by themselves.
    """

    push_to_hub: bool = key(False, COSMETIC)
    hub_namespace: str | None = key(None, COSMETIC)
    hub_model_id: str | None = key(None, COSMETIC)
    hub_dataset_id: str | None = key(None, COSMETIC)
    hub_private: bool = key(True, COSMETIC)
    hub_revision: str | None = key(None, COSMETIC)
    hub_must_stop: int = key(8, COSMETIC)


class Repository(NamedTuple):
    """
    Where something is published.

    Attributes:
        name (`str`): `NAMESPACE/NAME`, or `NAME` for one of the token's own user.
        kind (`str`): `model` or `dataset`.
        private (`bool`): Whether it is made private.
        revision (`str`): Branch of the result.
    """

    name: str
    kind: str
    private: bool = True
    revision: str = "main"


def repository_of(recipe: Mapping[str, Any], kind: str) -> Repository:
    """The repository of a recipe's artifact; raises `RecipeError` for a name that the Hub would not take."""
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.utils import validate_repo_id

    which = "hub_model_id" if kind == MODEL else "hub_dataset_id"
    name = recipe.get(which) or re.sub(r"[^\w.]+", "-", "-".join(Path(recipe["output_dir"]).parts[-2:])).strip("-.")
    if recipe.get("hub_namespace") and "/" not in name:
        name = f"{recipe['hub_namespace']}/{name}"
    try:
        validate_repo_id(name)
    except HFValidationError as error:
        reason = str(error).partition(f": '{name}'")[0]
        raise RecipeError(f"`{name}` is no name for a repository: {reason}", f"set `{which}`") from None
    private = recipe.get("hub_private")
    return Repository(name, kind, private is None or bool(private), recipe.get("hub_revision") or "main")


def kind_made(command: str) -> str:
    """What the artifacts of a command are on the Hub."""
    return MODEL if COMMANDS[command].trains else DATASET


def kind_of(directory: Path) -> str:
    """What an artifact directory is on the Hub, by what lies in it."""
    return MODEL if (directory / "config.json").is_file() or (directory / ADAPTER).is_file() else DATASET
