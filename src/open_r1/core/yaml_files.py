"""YAML files that a user writes: what cannot be read is one line that says where, and how to correct it."""

from pathlib import Path
from typing import Any

import yaml

from .errors import RecipeError


def read_yaml(path: Path) -> dict[str, Any]:
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
