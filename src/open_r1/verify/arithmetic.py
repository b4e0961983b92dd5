"""Numbers of an expression: exact where they are rational, else with 40 digits; no operation makes a giant."""

import functools
import math
import operator
import threading
from fractions import Fraction
from typing import Any

DIGITS = 40  # digits kept
MAX_BITS, MAX_FACTORIAL = 20_000, 500


class Unknown(Exception):
    """An expression that this parser cannot evaluate."""


class Undefined(Unknown):
    """An expression without a finite value."""


class Steps(Unknown):
    """A rounding function of a variable, which needs the points for steps."""


class Contexts(threading.local):
    """mpmath with our precision, of each thread: some of its functions change the precision for a moment."""

    @functools.cached_property
    def mp(self) -> Any:
        import mpmath  # when first needed

        own = mpmath.mp.clone()
        own.dps = DIGITS
        return own


CONTEXTS = Contexts()


def context() -> Any:
    return CONTEXTS.mp


def number(value: Any) -> Any:
    """A value as an mpmath number."""
    return context().mpf(value.numerator) / value.denominator if isinstance(value, Fraction) else value


def arithmetic(name: str, one: Any, other: Any) -> Any:
    if not (isinstance(one, Fraction) and isinstance(other, Fraction)):
        one, other = number(one), number(other)
    elif max(bits(one), bits(other)) > MAX_BITS:
        raise Unknown("a large number")
    return OPERATORS[name](one, other)


OPERATORS = {"+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv}


def bits(value: Fraction) -> int:
    return max(value.numerator.bit_length(), value.denominator.bit_length())


def is_complex(value: Any) -> bool:
    return not isinstance(value, Fraction) and bool(getattr(value, "imag", 0))


def raise_to(base: Any, exponent: Any) -> Any:
    """
    A power; exact where both are rational and the result is, and not too large. Real for odd roots of negative
    numbers.
    """
    if isinstance(base, Fraction) and isinstance(exponent, Fraction):
        if base == exponent == 0:
            raise ZeroDivisionError
        if exponent.denominator == 1:
            if bits(base) * abs(exponent.numerator) > MAX_BITS:
                raise Unknown("a large power")
            return base**exponent.numerator
        if base < 0 and exponent.denominator % 2 == 1:
            return (-1) ** exponent.numerator * raise_to(number(-base), exponent)
    if abs(number(exponent)) > 1000:
        raise Unknown("a large power")
    return number(base) ** number(exponent)


def root(value: Any, order: Any) -> Any:
    """A root; real for negative numbers and odd orders, as in school."""
    if isinstance(order, Fraction) and order:
        return raise_to(value, 1 / order)
    return number(value) ** (1 / number(order))


def factorial(value: Any) -> Any:
    """Exact for integers; that of a random point by the gamma function, which obeys the same laws."""
    if not isinstance(value, Fraction) or abs(value) > MAX_FACTORIAL:
        raise Unknown("factorial")
    if value.denominator == 1 and value >= 0:
        return Fraction(math.factorial(value.numerator))
    if value.denominator < 900 or value.denominator == 1:  # written like this: 1/2! has no school value
        raise Unknown("factorial")
    return context().gamma(number(value) + 1)


def binomial(n: Any, k: Any) -> Any:
    if all(isinstance(value, Fraction) and value.denominator == 1 and 0 <= value <= MAX_FACTORIAL for value in (n, k)):
        return Fraction(math.comb(n.numerator, k.numerator))
    return number(factorial(n)) / (number(factorial(k)) * number(factorial(arithmetic("-", n, k))))
