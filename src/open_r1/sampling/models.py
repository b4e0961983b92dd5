"""The models of an evaluation: what an entry of its `models` may say, and the name that its folder and row bear."""

from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

from ..core.errors import RecipeError
from ..core.fields import check_keys
from ..core.formats import SHAPES
from ..core.hub import called
from ..core.inputs import read_manifest
from ..core.keys import FILE, MODEL, Key, Keys

ENTRY: Keys = {"path": Key(loads=MODEL), "chat_template": Key(loads=FILE)}
LONGEST = 200  # bytes of a name; a folder may have 255


class Model(NamedTuple):
    """
    One model to evaluate.

    Attributes:
        name (`str`): Of its folder and its row.
        path (`str`): Artifact directory or Hub id.
        response_format (`str` or `None`): How it writes; `None` for what its artifact says.
        chat_template (`str` or `None`): A `.jinja` file in place of its own template.
    """

    name: str
    path: str
    response_format: str | None = None
    chat_template: str | None = None

    @property
    def writes(self) -> str:
        """How it writes: as the entry says, or as it was trained to."""
        made = read_manifest(self.path) or (
            read_manifest(Path(self.path).parent) if is_kept_adapter(self.path) else None
        )
        trained = (made or {}).get("recipe", {}).get("response_format")
        return self.response_format or trained or "r1"


def is_kept_adapter(path: str) -> bool:
    """Whether a path is the adapter beside the whole model that it was merged into."""
    return Path(path).name == "adapter" and read_manifest(Path(path).parent) is not None


def read_models(entries: list[Any]) -> list[Model]:
    """
    The models that a recipe lists.

    Args:
        entries (`list`):
            Paths, or mappings with `path` and what else [`Model`] has.

    Returns:
        `list[Model]`: one for each. Raises `RecipeError` for an entry without a path, and for two of one name.
    """
    models = [read_model(entry) for entry in entries]
    for name, count in Counter(model.name for model in models).items():
        if count > 1:
            paths = ", ".join(model.path for model in models if model.name == name)
            raise RecipeError(
                f"`models`: {count} of them would be called `{name}` ({paths})",
                "give them names: `- {path: ..., name: ...}`",
            )
    return models


def read_model(entry: Any) -> Model:
    """One entry of `models`; its name is by default the last part of its path."""
    values = {"path": entry} if isinstance(entry, str) else entry
    if not isinstance(values, dict) or not isinstance(values.get("path"), str) or not values["path"]:
        raise RecipeError(f"`models` entry {entry!r} has no `path`", "give an artifact directory or a Hub id")
    check_keys(values, Model._fields, f"`models` entry {values['path']}")
    form = values.get("response_format")
    if form is not None and form not in SHAPES:
        raise RecipeError(f"`response_format: {form}` of {values['path']}", f"use one of {', '.join(SHAPES)}")
    parts = called(values["path"]).rstrip("/").split("/")
    own = "-".join(parts[-2:]) if is_kept_adapter(values["path"]) else parts[-1]
    name = str(values.get("name") or own)
    if "/" in name or name in ("", ".", "..", "~") or not name.isprintable() or len(name.encode()) > LONGEST:
        raise RecipeError(f"`models`: {name!r} cannot be the name of a folder", "give the entry a plain `name:`")
    return Model(**values | {"name": name})
