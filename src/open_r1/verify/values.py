r"""The value of an expression at random points, with 40 digits; rational numbers stay exact.

A recursive descent over the tokens of an answer in canonical spelling. What it does not know (sums, integrals,
limits) is `Unknown`, what has no finite value (`\ln 0`, `1/0`) is `Undefined`. Every operation has a limit on the size
of what it makes. Functions that climb in steps (`\lfloor n/2 \rfloor`) agree at many points by chance, so they have
more points of their own, where the variables are small integers and fractions.
"""

import functools
import math
import random
import re
from collections.abc import Callable
from fractions import Fraction
from typing import Any

from .arithmetic import (
    Steps,
    Undefined,
    Unknown,
    arithmetic,
    binomial,
    context,
    factorial,
    is_complex,
    number,
    raise_to,
    root,
)

GREEK = (
    "alpha beta gamma delta epsilon varepsilon zeta eta theta vartheta kappa lambda mu nu xi rho sigma tau phi varphi"
    " chi psi omega Gamma Delta Theta Lambda Xi Pi Sigma Phi Psi Omega"
)
TOKEN = re.compile(r"\d+(?:\.\d*)?|\.\d+|\\[a-zA-Z]+|\\[{}%]|[a-zA-Z]|\S")
FUNCTIONS = {
    "sin": "sin", "cos": "cos", "tan": "tan", "cot": "cot", "sec": "sec", "csc": "csc", "arcsin": "asin",
    "arccos": "acos", "arctan": "atan", "arccot": "acot", "arcsec": "asec", "arccsc": "acsc", "sinh": "sinh",
    "cosh": "cosh", "tanh": "tanh", "coth": "coth", "sech": "sech", "csch": "csch", "arcsinh": "asinh",
    "arccosh": "acosh", "arctanh": "atanh", "ln": "log", "log": "log", "lg": "log10", "exp": "exp", "cis": "expj",
}  # fmt: skip
GROWING = ("exp", "sinh", "cosh")
POINTS = 4
STEP_POINTS = range(100, 140)  # points for functions that climb in steps
MAX_DEPTH = 60
APPLIED_TO = re.compile(r"-?\d+(?:\.\d+)?|[a-zA-Z]|[^=]*=[^=]*")
WORD = re.compile(r"(?<![a-zA-Z\\])(?:for|if|and|or|is)(?![a-zA-Z])")  # no product of letters
INTEGER = re.compile(r"[i-nN](?:[_'].*)?")  # variables that count, by custom
STOPS = ("+", "-", ")", "}", "]", "|", r"\rfloor", r"\rceil", "=", ",", "", r"\cdot", r"\times", "*", "/")

CONSTANTS = {"e": lambda mp: mp.e + 0, "i": lambda mp: mp.mpc(0, 1)}


@functools.lru_cache(maxsize=8192)
def at_point(text: str, point: int) -> tuple[Any, bool]:
    """
    Value of an expression at random values of its variables, the same for the same name: first positive ones, then
    negative, and whether real numbers became complex on the way (the point is outside of a real function's domain).
    Raises `Undefined` where there is no finite one, `Unknown` for what cannot be evaluated.
    """
    if WORD.search(text):
        raise Unknown(text)
    parser = Parser(TOKEN.findall(text), point)
    try:
        value = parser.sum()
    except ZeroDivisionError:
        raise Undefined(text) from None
    except (OverflowError, ValueError, TypeError, RecursionError, IndexError) as error:
        raise Unknown(text) from error
    if parser.peek() != "":
        raise Unknown(text)
    if not isinstance(value, Fraction) and not context().isfinite(value):
        raise Undefined(text)
    return value, parser.outside


@functools.lru_cache(maxsize=4096)
def variable(name: str, point: int) -> Fraction:
    rng = random.Random(f"{name}/{point}")
    if point in STEP_POINTS:
        return Fraction(rng.randint(1, 60), 1 if INTEGER.fullmatch(name) else rng.randint(1, 6))
    sign = 1 if point < POINTS // 2 else -1 if point == POINTS // 2 else rng.choice((-1, 1))
    return sign * Fraction(rng.randint(200, 2000), 997)


class Parser:
    """Recursive descent over the tokens of one expression; every method returns the value of what it read."""

    def __init__(self, tokens: list[str], point: int):
        self.tokens, self.point, self.at, self.depth = tokens, point, 0, 0
        self.outside = self.variables = False

    def noted(self, result: Any, *given: Any) -> Any:
        """A result, after a note where real numbers became complex."""
        self.outside |= is_complex(result) and not any(map(is_complex, given))
        return result

    def peek(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def take(self, wanted: str | None = None) -> str:
        token = self.peek()
        if token == "" or (wanted is not None and token != wanted):
            raise Unknown(token)
        self.at += 1
        return token

    def sum(self) -> Any:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise Unknown("too deep")
        value = self.product()
        while self.peek() in ("+", "-"):
            sign = Fraction(1 if self.take() == "+" else -1)
            value = arithmetic("+", value, arithmetic("*", sign, self.product()))
        self.depth -= 1
        return value

    def product(self) -> Any:
        sign = 1
        while self.peek() in ("+", "-"):
            sign = -sign if self.take() == "-" else sign
        value = self.power()
        while True:
            token = self.peek()
            if token in ("*", r"\cdot", r"\times"):
                self.take()
                value = arithmetic("*", value, self.signed_power())
            elif token in ("/", r"\div"):
                self.take()
                value = arithmetic("/", value, self.signed_power())
            elif token in STOPS or token == "^":
                return arithmetic("*", Fraction(sign), value)
            else:
                value = self.next_factor(value)

    def next_factor(self, value: Any) -> Any:
        """A factor without a sign before it. An integer before a fraction of integers is a mixed number."""
        before, start = self.tokens[self.at - 1], self.at
        factor = self.power()
        written = "".join(self.tokens[start : self.at])
        mixed = (
            before.isdigit()
            and re.fullmatch(r"\\frac\{\d+\}\{\d+\}", written)
            and (start < 2 or self.tokens[start - 2] in STOPS + ("(", "{"))
        )
        if mixed:
            return arithmetic("+", value, factor)
        if written[0].isdigit() and before[-1].isdigit():
            raise Unknown("two numbers side by side")
        return arithmetic("*", value, factor)

    def signed_power(self) -> Any:
        sign = -1 if self.peek() == "-" else 1
        if self.peek() in ("+", "-"):
            self.take()
        return arithmetic("*", Fraction(sign), self.power())

    def power(self) -> Any:
        value = self.postfix(self.primary())
        if self.peek() == "^":
            self.take()
            exponent = self.primary()
            value = self.postfix(self.noted(raise_to(value, exponent), value, exponent))
        return value

    def postfix(self, value: Any) -> Any:
        while self.peek() in ("!", r"\degree"):
            value = (
                factorial(value)
                if self.take() == "!"
                else arithmetic("/", arithmetic("*", value, context().pi + 0), Fraction(180))
            )
        return value

    def primary(self) -> Any:
        token = self.take()
        if token[0].isdigit() or token[0] == ".":
            if not token.strip("."):
                raise Unknown(token)
            return Fraction(token.rstrip("."))
        if token in ("(", "{", "["):
            value = self.sum()
            self.take({"(": ")", "{": "}", "[": "]"}[token])
            return value
        if token == "|":
            value = self.sum()
            self.take("|")
            return abs(value)
        if token in (r"\lfloor", r"\lceil"):
            value = self.sum()
            self.take(r"\rfloor" if token == r"\lfloor" else r"\rceil")
            return self.rounded(value, math.floor if token == r"\lfloor" else math.ceil)
        if token.startswith("\\") and len(token) > 2:
            return self.command(token[1:])
        if token.isalpha() and token.isascii():
            return self.letter(token)
        raise Unknown(token)

    def rounded(self, value: Any, to: Callable[[Any], int]) -> Fraction:
        """The integer below or above a value."""
        if self.variables and self.point not in STEP_POINTS:
            raise Steps
        if is_complex(value):
            raise Unknown("no order among complex numbers")
        real = number(value).real
        nearest = int(context().nint(real))
        return Fraction(nearest if abs(real - nearest) < context().mpf(10) ** -25 else to(real))

    def letter(self, token: str) -> Any:
        if token not in "ei" and (applied := self.application()):
            return self.named(token + applied)
        return self.named(token) if self.peek() in ("_", "'") or token not in "ei" else CONSTANTS[token](context())

    def application(self) -> str:
        """The brackets of `f(0)`, `P(X=2)` or `W(n)`, taken: a number, a letter or an equation is no factor."""
        end = self.at + 1
        while self.peek() == "(" and end < len(self.tokens) and self.tokens[end] not in ("(", ")"):
            end += 1
        inside = "".join(self.tokens[self.at + 1 : end])
        after = self.tokens[end : end + 2]
        if self.peek() != "(" or after[:1] != [")"] or after[1:] == ["^"] or not APPLIED_TO.fullmatch(inside):
            return ""
        self.at = end + 1
        return f"({inside})"

    def named(self, token: str) -> Fraction:
        """Value of a variable, whose name goes on with its index and primes."""
        start, self.variables = self.at, True
        while self.peek() in ("_", "'"):
            if self.take() == "_" and self.take() == "{":
                depth = 1
                while depth:
                    depth += {"{": 1, "}": -1}.get(self.take(), 0)
        return variable(token + "".join(self.tokens[start : self.at]), self.point)

    def command(self, name: str) -> Any:
        if name == "frac":
            return arithmetic("/", self.group(), self.group())
        if name == "binom":
            return binomial(self.group(), self.group())
        if name == "sqrt":
            order = self.primary() if self.peek() == "[" else Fraction(2)
            value = self.group()
            return self.noted(root(value, order), value)
        if name == "pi":
            return context().pi + 0
        if name in GREEK.split():
            return self.named(name.removeprefix("var"))
        if name in FUNCTIONS:
            return self.function(name)
        raise Unknown(name)

    def group(self) -> Any:
        self.take("{")
        value = self.sum()
        self.take("}")
        return value

    def function(self, name: str) -> Any:
        """A function of a bracket, or of the factors that follow up to an operator or another function."""
        base = exponent = None
        while self.peek() in ("^", "_"):
            mark = self.take()
            base, exponent = (self.primary(), exponent) if mark == "_" else (base, self.primary())
        if exponent is not None and exponent == -1:
            raise Unknown("an inverse function, or a reciprocal?")
        # sin(x)^2 is the square of sin(x)
        value = self.primary() if self.peek() in ("(", "{", "|", "[") else self.argument()
        if abs(number(value)) > (1000 if FUNCTIONS[name] in GROWING else 10**6) and FUNCTIONS[name] != "log":
            raise Unknown("a large argument")
        result = self.noted(getattr(context(), FUNCTIONS[name])(number(value)), value)
        if base is not None:
            result /= context().log(number(base))
        return raise_to(result, exponent) if exponent is not None else result

    def argument(self) -> Any:
        value = self.power()
        while self.peek() not in STOPS and self.peek()[1:] not in FUNCTIONS and self.peek() != "^":
            value = self.next_factor(value)
        return value
