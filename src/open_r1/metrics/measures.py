"""Numbers of a benchmark beside its pass@1, by the names that its `measures` gives."""

from collections.abc import Callable
from typing import Any

from .rating import rating

MEASURES: dict[str, Callable[..., dict[str, Any]]] = {}
MEASURES["rating"] = rating
