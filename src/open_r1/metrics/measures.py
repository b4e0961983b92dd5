"""Numbers of a benchmark beside its pass@1, by the names that its `measures` gives."""

from collections.abc import Callable
from typing import Any

from .preferences import arena, length_controlled, simpleqa
from .rating import rating

MEASURES: dict[str, Callable[..., dict[str, Any]]] = {}
MEASURES["simpleqa"] = simpleqa
MEASURES["length_controlled"] = length_controlled
MEASURES["arena"] = arena
MEASURES["rating"] = rating
