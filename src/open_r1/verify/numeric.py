r"""Are two expressions the same function? Both are evaluated at random points, with 40 digits; rational numbers stay
exact.

Two different expressions hardly ever agree at four random points, so agreement is as good as a proof here, and a
thousand times faster than to ask a computer algebra system whether a difference simplifies to zero. What this small
parser does not know (sums, integrals, matrices, inequalities) it leaves to math-verify: the answer is then `None`.
What has no finite value (`\ln 0`, `1/0`) equals nothing.
"""

import functools
import re
from collections.abc import Sequence
from fractions import Fraction
from typing import Any, NamedTuple

from .arithmetic import Steps, Undefined, Unknown, arithmetic, context, is_complex, number
from .latex import cut
from .values import POINTS, STEP_POINTS, at_point, variable

TOLERANCE, SMALL = 25, 20  # digits that must agree; digits: a gap below is zero, or the rest of a cancellation
Values = list[list[tuple[Any, bool]]]  # of each side at each point, with whether it left the real numbers


def judge(gold: str, answer: str) -> bool | None:
    """
    Whether two expressions, or two equations, are the same.

    Args:
        gold (`str`):
            The reference, in canonical spelling.
        answer (`str`):
            The answer, in canonical spelling.

    Returns:
        `bool` or `None`: `None` if one of them cannot be evaluated, or they differ in a way that rounding may explain.
    """
    sides = [cut(text, "=") for text in (gold, answer)]
    if len(sides[0]) != len(sides[1]) or len(sides[0]) > 2:
        return None
    try:
        values = evaluated(sides)
    except Unknown:
        return None
    if None in values:
        return False if values.count(None) == 1 else None
    if len(sides[0]) == 2:
        return same_equation(*([[value for value, _ in side] for side in equation] for equation in values))
    pairs = list(zip(values[0][0], values[1][0], strict=True))
    inside = [pair for pair in pairs if not (pair[0][1] or pair[1][1])]  # where both stay real
    agree = [close(a, b) for (a, _), (b, _) in (inside if len(inside) > 1 else pairs)]
    if None in agree:
        return None
    return all(agree) or rounded(gold, answer, pairs[0])


def evaluated(texts: list[tuple[str, ...]]) -> list[Values | None]:
    """Values of each side of each text at all points; `None` for a text that has no finite one somewhere."""
    try:
        return [at_points(sides, range(POINTS)) for sides in texts]
    except Steps:
        return [at_points(sides, STEP_POINTS) for sides in texts]


def at_points(sides: tuple[str, ...], points: range) -> Values | None:
    try:
        return [[at_point(side, point) for point in points] for side in sides]
    except Undefined:
        return None


def same_equation(one: list[list[Any]], other: list[list[Any]]) -> bool | None:
    """F = 0 and G = 0 are the same if F / G is a constant, equations between numbers if both sides are."""
    gaps = [[arithmetic("-", a, b) for a, b in zip(*equation, strict=True)] for equation in (one, other)]
    if all(gap == values[0] for values in gaps for gap in values):
        return any(all(close(a[0], b[0]) for a, b in zip(one, two, strict=True)) for two in (other, other[::-1]))
    return proportional(*gaps)


def rounded(gold: str, answer: str, values: tuple) -> bool:
    """
    Whether one of two numbers is a decimal with six digits or more, and the other's value but for its last digit.
    """
    decimals = [len(match[1]) for text in (gold, answer) if (match := re.fullmatch(r"-?\d*\.(\d{6,})", text))]
    return len(decimals) == 1 and abs(number(values[0][0]) - number(values[1][0])) < context().mpf(10) ** -decimals[0]


def proportional(one: list[Any], other: list[Any]) -> bool | None:
    """Whether the values of one function are a constant multiple of another's."""
    if any(is_zero(value) for value in one + other):
        return None
    ratios = [arithmetic("/", a, b) for a, b in zip(one, other, strict=True)]
    agree = [close(ratio, ratios[0]) for ratio in ratios]
    return None if None in agree else all(agree)


def constant_gap(one: str, other: str) -> bool | None:
    """Whether two functions differ by a number, as two antiderivatives do; `None` where that cannot be told."""
    try:
        values = evaluated([(one,), (other,)])
    except Unknown:
        return None
    if None in values or any(a == values[0][0][0] for a in values[0][0][1:]):
        return None  # a number is no function
    gaps = [arithmetic("-", a, b) for (a, _), (b, _) in zip(values[0][0], values[1][0], strict=True)]
    return all(close(gap, gaps[0]) is not False for gap in gaps)


def common_factor(one: Sequence[str], other: Sequence[str]) -> Any | None:
    """The real number by which the gap between two sides is the gap between two others; `None` if there is none."""
    try:
        values = evaluated([tuple(one), tuple(other)])
        gaps = [[arithmetic("-", a[0], b[0]) for a, b in zip(*sides, strict=True)] for sides in values]
    except (Unknown, TypeError):
        return None
    if not proportional(*gaps):
        return None
    factor = number(gaps[0][0]) / number(gaps[1][0])
    return None if is_complex(factor) else factor.real


def is_zero(value: Any) -> bool:
    """Whether a value is zero, or so small that it may be the rest of a cancellation."""
    return abs(number(value)) < 10**-SMALL


def close(one: Any, other: Any) -> bool | None:
    """Whether two values agree in relation to their size; `None` for two that may be the rest of a cancellation."""
    if isinstance(one, Fraction) and isinstance(other, Fraction):
        return one == other
    if far(one, other):
        return False
    a, b = number(one), number(other)
    if abs(a - b) <= 10**-TOLERANCE * max(abs(a), abs(b)):
        return True
    return None if is_zero(a) and is_zero(b) else False


def far(one: Any, other: Any) -> bool:
    """Whether two values differ so clearly that ordinary floats can tell, at a tenth of the cost."""
    try:
        a, b = complex(one), complex(other)
    except (OverflowError, TypeError):
        return False
    size = max(abs(a), abs(b))
    return 1e-9 < size < 1e300 and abs(a - b) > 1e-6 * size


def has_value(text: str) -> bool:
    """Whether an expression has a finite value wherever it was tried."""
    try:
        return bool(at_point(text, 0))
    except Unknown:
        return False


@functools.lru_cache(maxsize=8192)
def is_number(text: str) -> bool:
    """Whether an expression has one value, real or complex, whatever its variables are."""
    try:
        return close(*(at_point(text, point)[0] for point in (0, POINTS - 1))) is True
    except Unknown:
        return False


@functools.lru_cache(maxsize=8192)
def constant(text: str) -> Fraction | None:
    """
    The real number that an expression without variables stands for, to 25 digits if it is not rational; else `None`.
    """
    try:
        values = [at_point(text, point)[0] for point in (0, POINTS - 1)]
    except Unknown:
        return None
    if isinstance(values[0], Fraction):
        return values[0] if values[0] == values[1] else None
    real = getattr(values[0], "real", values[0])
    if close(*values) is not True or abs(values[0] - real) > 10**-TOLERANCE * abs(real):
        return None
    return Fraction(context().nstr(real, TOLERANCE, strip_zeros=False))


class Line(NamedTuple):
    """A linear function of one variable: its name, where it is zero, and whether it rises."""

    name: str
    zero: Fraction
    rises: bool


def linear(left: str, right: str) -> Line | None:
    """The difference of two sides, where it is linear in a single variable; else `None`."""
    names = set(re.findall(r"(?<![a-zA-Z\\])[a-df-hj-z](?![a-zA-Z_(])", left + " " + right))
    if len(names) != 1:
        return None
    name = names.pop()
    try:
        xs = [variable(name, point) for point in range(3)]
        ys = [arithmetic("-", at_point(left, point)[0], at_point(right, point)[0]) for point in range(3)]
    except Unknown:
        return None
    if not all(isinstance(y, Fraction) for y in ys):
        return None
    slope = (ys[1] - ys[0]) / (xs[1] - xs[0])
    straight = slope and ys[2] - ys[0] == slope * (xs[2] - xs[0])
    return Line(name, xs[0] - ys[0] / slope, slope > 0) if straight else None
