"""Which golds could nothing ever match? Each of their parts must be readable and equal to itself."""

from .algebra import BadGold, judge, preload, too_costly
from .equations import named, sides
from .math import plain
from .numerals import readings
from .structure import as_interval, structure
from .units import read_number
from .words import as_words, missing

__all__ = ["all_exact", "audit", "preload"]  # `preload` warms the workers that call `audit`


def atoms(text: str) -> list[str]:
    """The expressions without further structure that an answer consists of."""
    kind, parts = structure(as_interval(text) or text)
    if kind == "atom":
        return sides(text)[-1:] if named(sides(text)[0]) else parts
    return [atom for part in parts for atom in atoms(part)]


def all_exact(gold: str) -> bool:
    """Whether an answer consists of numbers and words only, which need no computer algebra."""
    text = readings(plain(gold))[-1]
    return bool(missing(text)) or all(read_number(atom) or as_words(atom) for atom in atoms(text))


def audit(gold: str) -> str:
    """What is wrong with a gold, empty if nothing: each of its atoms must be readable and equal to itself."""
    if too_costly(gold):
        return "powers, factorials or nesting beyond the limits"
    text = readings(plain(gold))[-1]
    for atom in [] if missing(text) else atoms(text):
        if not read_number(atom) and not as_words(atom):
            try:
                if not judge(atom, atom):
                    return f"{atom[:80]!r} does not verify against itself"
            except BadGold:
                return f"{atom[:80]!r} cannot be read"
    return ""
