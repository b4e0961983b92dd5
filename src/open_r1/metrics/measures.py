"""Numbers of a benchmark beside its pass@1, by the names that its `measures` gives."""

from collections.abc import Callable, Iterable
from typing import Any

from ..core.rows import Row

MEASURES: dict[str, Callable[[Iterable[list[Row]]], dict[str, Any]]] = {}
