r"""Sets of real numbers: `(-\infty,1)\cup(1,\infty)`, `\mathbb{R}\setminus\{1\}`, `x\ne1` and "x<1 or x>1" are one
set.

A set is read into sorted pieces without gaps or overlaps, so that equal sets have equal pieces. Ends must be numbers;
sets with other ends are compared as texts elsewhere (`math.py`).
"""

import functools
import re
from collections.abc import Callable
from typing import Any, NamedTuple

from .latex import cut
from .numeric import common_factor, linear
from .words import REALS, unwrapped

RELATION = re.compile(r"<|>|\\le(?![a-z])|\\ge(?![a-z])|\\ne(?![a-z])")
ABSOLUTE = re.compile(r"\|([^|]+)\|(<|>|\\le|\\ge)(?![a-z]) ?([^|<>]+)")
VARIABLE = re.compile(r"(?!e$)(?:[A-Za-z]|\\(?!infty|pi)[a-z]{2,8})(?:_\{\w+\})?(?:\([a-z]\))?")
MEMBER = re.compile(r"([a-z])\\in(?![a-z]) ?(.+)")
BUILDER = re.compile(r"\\\{(?P<name>[a-z])(?:\\in(?![a-z]) ?(?P<within>[^|:]+))?[|:](?P<condition>.+)\\\}")
FRENCH = re.compile(r"([\[\]])([^\[\];,()]+[;,][^\[\];,()]+)([\[\]])")
REAL = (r"\mathbb{R}", r"(-\infty;\infty)")
INFINITY = float("inf")
Value = Callable[[str], Any]  # number of an end, `None` if it is none
MAX_PIECES = 50


class Piece(NamedTuple):
    """An interval; a point where both ends are the same and closed."""

    low: Any
    low_open: bool
    high: Any
    high_open: bool


class NoSet(Exception):
    """A text that is no set of real numbers which this file can read."""


@functools.lru_cache(maxsize=8192)
def is_set_like(text: str) -> bool:
    """Whether an answer can only be read as a set of real numbers."""
    return bool(
        RELATION.search(text)
        or MEMBER.match(text)
        or BUILDER.match(text)
        or re.search(r"\\(?:cup|cap|setminus|mathbb)(?![a-z])", text)
        or text.startswith("]")
        or (text.endswith("[") and len(text) > 2)
        or REALS.fullmatch(unwrapped(text).casefold())
    )


def read_reals(text: str, value: Value) -> tuple[str, list[Piece]] | None:
    """
    Reads a set of real numbers.

    Args:
        text (`str`):
            The answer, in canonical spelling.
        value (`Callable`):
            Gives the number that a text without variables stands for.

    Returns:
        `tuple[str, list[Piece]]` or `None`: the variable it is written in (empty for none) and its pieces in order.
    """
    try:
        reader = Reader(value)
        pieces = normal(reader.read(french(text)))
        return "".join(sorted(reader.names)), pieces
    except (NoSet, RecursionError):
        return None


def french(text: str) -> str:
    """`]0;1]` with the brackets of other countries."""
    if not (
        text.startswith("]")
        or text.endswith("[")
        or re.search(r"\\cup ?\]|\[ ?\\cup", text)
        or re.search(r"\\in ?\]", text)
    ):
        return text
    return FRENCH.sub(
        lambda match: f"{'(' if match[1] == ']' else '['}{match[2]}{')' if match[3] == '[' else ']'}", text
    )


class Reader:
    """Reads the parts of a set, and notes the variables it is written in."""

    def __init__(self, value: Value):
        self.value, self.names = value, set()

    def read(self, text: str) -> list[Piece]:
        text = text.strip()
        for separator, join in (("∨", union), (r"\cup", union), (r"\cap", intersection)):
            parts = cut(text, separator)
            if len(parts) > 1:
                pieces = self.read(parts[0])
                for part in parts[1:]:
                    pieces = join(pieces, self.read(part))
                return pieces
        parts = cut(text, ";")
        if len(parts) > 1:
            return self.conditions(parts)
        parts = cut(text, r"\setminus")
        if len(parts) == 1 and text.startswith((*REAL, "R-")):
            parts = cut(text, "-") if text.startswith((REAL[0] + "-", REAL[0] + "\\{")) else parts
        if len(parts) == 2:
            return intersection(self.read(parts[0]), complement(self.read(parts[1])))
        return self.single(text)

    def conditions(self, parts: list[str]) -> list[Piece]:
        """Conditions side by side hold together; where they cannot ("x<-1, x>1"), they are alternatives."""
        if not all(RELATION.search(part) or MEMBER.match(part) or part in REAL for part in parts):
            raise NoSet
        found = [self.read(part) for part in parts]
        both, either = found[0], found[0]
        for pieces in found[1:]:
            both, either = intersection(both, pieces), union(either, pieces)
        return both or either

    def single(self, text: str) -> list[Piece]:
        if text in REAL or REALS.fullmatch(unwrapped(text).casefold()):
            return [Piece(-INFINITY, True, INFINITY, True)]
        if text == r"\emptyset":
            return []
        if match := BUILDER.fullmatch(text):
            within = self.read(match["within"]) if match["within"] else None
            pieces = self.read(match["condition"])
            return intersection(within, pieces) if within is not None else pieces
        if match := MEMBER.fullmatch(text):
            self.names.add(match[1])
            return self.read(match[2])
        if text.startswith(r"\{") and text.endswith(r"\}"):
            return [Piece(number, False, number, False) for number in map(self.finite, cut(text[2:-2], ";"))]
        if text[:1] in ("(", "[") and text[-1:] in (")", "]") and len(ends := cut(text[1:-1], ";")) == 2:
            low, high = map(self.end, ends)
            return [Piece(low, text[0] == "(", high, text[-1] == ")")]
        return self.inequality(text)

    def inequality(self, text: str) -> list[Piece]:
        if r"\pm" in text and r"\ne" in text:
            return intersection(*(self.read(text.replace(r"\pm", sign)) for sign in ("", "-")))
        if match := ABSOLUTE.fullmatch(text):
            return self.distance(*match.groups())
        sides, signs = [side.strip() for side in RELATION.split(text)], RELATION.findall(text)
        names = [index for index, side in enumerate(sides) if VARIABLE.fullmatch(side)]
        if not names and len(sides) == 2 and (line := linear(*sides)):
            self.names.add(line.name)
            return half(signs[0] if line.rises else MIRRORED.get(signs[0], signs[0]), line.zero)
        if len(names) != 1 or not 2 <= len(sides) <= 3 or (len(sides) == 3 and names != [1]):
            raise NoSet
        self.names.add(sides[names[0]])
        pieces = [Piece(-INFINITY, True, INFINITY, True)]
        for index, sign in enumerate(signs):
            left = index >= names[0]  # the variable stands on the left of this sign
            number = self.end(sides[index + 1] if left else sides[index])
            pieces = intersection(pieces, half(sign if left else MIRRORED.get(sign, sign), number))
        return pieces

    def distance(self, inside: str, sign: str, bound: str) -> list[Piece]:
        """The numbers nearer to or farther from zero than a bound."""
        join = intersection if sign in ("<", r"\le") else union
        return join(self.read(inside + sign + bound), self.read(f"{inside}{MIRRORED[sign]}-({bound})"))

    def end(self, text: str) -> Any:
        text = text.strip()
        if text in (r"\infty", r"+\infty", r"-\infty"):
            return -INFINITY if text.startswith("-") else INFINITY
        return self.finite(text)

    def finite(self, text: str) -> Any:
        number = self.value(text)
        if number is None:
            raise NoSet
        return number


MIRRORED = {"<": ">", ">": "<", r"\le": r"\ge", r"\ge": r"\le"}


def same_inequality(gold: str, answer: str) -> bool | None:
    """Whether one inequality is the other, turned round or times a number; `None` where that cannot be told."""
    texts = [(RELATION.split(text), RELATION.findall(text)) for text in (gold, answer)]
    if any(len(signs) != 1 for _, signs in texts):
        return None
    (sides, (sign,)), (others, (given,)) = texts
    if sign != given and MIRRORED.get(sign) != given:
        return None
    factor = common_factor(sides, others)
    return None if factor is None else sign == r"\ne" or (factor > 0) == (sign == given)


def half(sign: str, number: Any) -> list[Piece]:
    """The numbers that stand in a relation to one."""
    below, above = Piece(-INFINITY, True, number, sign != r"\le"), Piece(number, sign != r"\ge", INFINITY, True)
    return [below, above] if sign == r"\ne" else [below] if sign in ("<", r"\le") else [above]


# ------------------------------------------------------------------------------------------------- sets as pieces


def is_piece(piece: Piece) -> bool:
    """Whether a piece holds any number."""
    return piece.low < piece.high or (piece.low == piece.high and not piece.low_open and not piece.high_open)


def normal(pieces: list[Piece]) -> list[Piece]:
    """The same set in as few pieces as possible, in order."""
    found: list[Piece] = []
    if len(pieces) > MAX_PIECES:
        raise NoSet
    for piece in sorted(filter(is_piece, pieces), key=lambda piece: (piece.low, piece.low_open)):
        last = found[-1] if found else None
        touches = last and (
            piece.low < last.high or (piece.low == last.high and not (piece.low_open and last.high_open))
        )
        if touches:
            high, high_open = max((last.high, not last.high_open), (piece.high, not piece.high_open))
            found[-1] = last._replace(high=high, high_open=not high_open)
        else:
            found.append(piece)
    return found


def union(one: list[Piece], other: list[Piece]) -> list[Piece]:
    return normal(one + other)


def intersection(one: list[Piece], other: list[Piece]) -> list[Piece]:
    found = []
    for a in one:
        for b in other:
            low, low_open = max((a.low, a.low_open), (b.low, b.low_open))
            high, closed = min((a.high, not a.high_open), (b.high, not b.high_open))
            found.append(Piece(low, low_open, high, not closed))
    return normal(found)


def complement(pieces: list[Piece]) -> list[Piece]:
    found, low, low_open = [], -INFINITY, True
    for piece in normal(pieces):
        found.append(Piece(low, low_open, piece.low, not piece.low_open))
        low, low_open = piece.high, not piece.high_open
    return normal([*found, Piece(low, low_open, INFINITY, True)])
