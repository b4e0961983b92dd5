"""Things in lists of some size, for what is hashed or written together: memory holds one list at a time."""

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")


def batches(items: Iterable[T], size_of: Callable[[T], float], enough: float) -> Iterator[list[T]]:
    """
    Items in lists, in order.

    Args:
        items (`Iterable`):
            What is taken, one by one.
        size_of (`Callable`):
            The size of an item.
        enough (`float`):
            A list ends with the item that brings its sizes to so much.
    """
    found: list[T] = []
    size = 0.0
    for item in items:
        found.append(item)
        size += size_of(item)
        if size >= enough:
            yield found
            found, size = [], 0.0
    if found:
        yield found
