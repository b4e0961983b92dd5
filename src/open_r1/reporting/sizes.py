"""How many parameters a model has: counted from the headers of its weights, or from its configuration where only that
is here. A name says nothing.
"""

import json
import math
from pathlib import Path

from ..cluster.shapes import shape_of
from ..core.errors import RecipeError
from ..core.hub import is_hub_name, split_id
from ..core.inputs import adapter_base

UNITS = ((1e9, "B"), (1e6, "M"), (1e3, "k"))


def parameters(path: str) -> int | None:
    """Parameters of a model by its place; of an adapter, with those below it. `None` where nothing here tells."""
    folder = folder_here(path)
    if folder is None:
        return None
    below = adapter_base(str(folder))
    own = stored(folder) or configured(folder)
    if below is None or own is None:
        return own
    base = parameters(below[0])
    return base and base + own


def folder_here(path: str) -> Path | None:
    """Where a model lies on this disk, for one of the Hub in its cache."""
    if not is_hub_name(path):
        return Path(path).expanduser()
    from huggingface_hub import try_to_load_from_cache

    name, revision = split_id(path)
    found = try_to_load_from_cache(name, "config.json", revision=revision)
    return Path(found).parent if isinstance(found, str) else None


def stored(folder: Path) -> int:
    """Numbers in the safetensors of a folder, read from their headers alone."""
    total = 0
    for file in sorted(folder.glob("*.safetensors")):
        with file.open("rb") as content:
            header = json.loads(content.read(int.from_bytes(content.read(8), "little")))
        total += sum(math.prod(entry["shape"]) for name, entry in header.items() if name != "__metadata__")
    return total


def configured(folder: Path) -> int | None:
    """Parameters by a configuration; `None` for an architecture that is not counted."""
    file = folder / "config.json"
    if not file.is_file():
        return None
    try:
        return shape_of(json.loads(file.read_text(encoding="utf-8")), str(file)).parameters
    except RecipeError:
        return None


def shown(count: int) -> str:
    """A number of parameters as models are called by it: 630k, 135M, 1.54B."""
    size, unit = next(((size, unit) for size, unit in UNITS if count >= size), UNITS[-1])
    return f"{count / size:.3g}{unit}"
