r"""The slow part of a mathematical verdict: math-verify on two atoms. Runs in a worker process that can be killed.

math-verify always gets golds wrapped in `\boxed{}`, because it extracts, and from a bare `2\pi` it extracts `2`. What
it calls equal is checked once more, since it compares numbers with an absolute tolerance (`1/2^{99}` and `1/2^{98}`
are both "zero").
"""

import functools
import logging
import re
from typing import Any

from .latex import cut
from .math import compare
from .names import letters

RELATIVE, TINY = 1e-6, 1e-20  # two numbers that differ by more are not the same, however small they are
MAX_POWER, MAX_FACTORIAL, MAX_BINOMIAL, MAX_DEPTH = 10_000, 2_000, 10_000, 25
POWER = re.compile(r"\^\{?\(?(\d{1,400})")
TOWER = re.compile(r"(\d+)\)*\^\{?\(*(\d+)\)*\^\{?\(*(\d+)")
FACTORIAL = re.compile(r"(\d+)[)}]*!|![)}]*!")
BINOMIAL = re.compile(r"\\binom\{(\d+)\}")
RANGE = re.compile(r"\\(?:sum|prod)_\{[^{}]*\}\^(\{[^{}]*(?:\{\d*\})?[^{}]*\}|\d+)")
MAX_TERMS = 10_000
SUM_POWER = re.compile(r"\(([^()]*[+-][^()]*)\)\^\{?(\d+)")


class BadGold(Exception):
    """The reference cannot be read as mathematics."""


def preload() -> None:
    """Imports and warms math-verify, once per worker; its log speaks of every answer it cannot read."""
    logging.disable(logging.ERROR)
    judge(r"\sqrt{8}", r"2\sqrt{2}")


def decide(gold: str, answer: str) -> list[Any]:
    """Outcome of comparing an answer with its gold, and a note."""
    if too_costly(answer) or too_costly(gold):
        return ["timeout", "not evaluated: powers, factorials or nesting beyond the limits"]
    try:
        return ["correct" if compare(gold, answer, judge) else "wrong", ""]
    except BadGold:
        return ["bad_gold", f"math-verify cannot read the gold {gold[:80]!r}"]


def judge(gold: str, answer: str) -> bool:
    """Whether two atoms are equal for math-verify and for our second look; `BadGold` if the gold cannot be read."""
    from math_verify import verify

    if len(sides := cut(gold, "=")) == len(others := cut(answer, "=")) == 2:
        if any(all(judge(*two) for two in zip(sides, pair, strict=True)) for pair in (others, others[::-1])):
            return True
        if not all(getattr(read, "free_symbols", ()) for text in (gold, answer) for read in parsed(text)[:1]):
            return False  # two facts about numbers are not one because both hold
    golds = parsed(gold) if gold.count("{") == gold.count("}") else ()
    if not golds:
        raise BadGold
    answers = parsed(answer)
    if letters(gold) != letters(answer) and letters(gold.casefold()) == letters(answer.casefold()):
        return False  # a and A are two variables
    return bool(verify(list(golds), list(answers), timeout_seconds=None)) and plausible(golds[0], answers[0])


@functools.lru_cache(maxsize=4096)
def parsed(text: str) -> tuple:
    """What math-verify reads in an answer; empty if it reads nothing."""
    from math_verify import ExprExtractionConfig, LatexExtractionConfig, parse

    configs = [LatexExtractionConfig(boxed_match_priority=0), ExprExtractionConfig()]
    text = text.replace(";", ", ").replace("∨", r" \text{ or } ").replace(r"\degree", r"^\circ")
    return tuple(parse(rf"$\boxed{{{text}}}$", extraction_config=configs, parsing_timeout=None))


def plausible(gold: Any, answer: Any) -> bool:
    """
    Second look at what math-verify calls equal. What is undefined or infinite equals nothing that is not, an equation
    is no value, and numbers must be close in relation to their size.
    """
    import sympy

    if not (isinstance(gold, sympy.Basic) and isinstance(answer, sympy.Basic)):
        return isinstance(gold, str) and isinstance(answer, str) or type(gold) is type(answer)
    if endless(gold) != endless(answer) or is_equation(gold) != is_equation(answer):
        return False
    if not (isinstance(gold, sympy.Expr) and isinstance(answer, sympy.Expr)):
        return True
    if gold.free_symbols or answer.free_symbols:
        return agree_somewhere(gold, answer)
    values = [expression.evalf(30) for expression in (gold, answer)]
    if not all(value.is_number and value.is_finite for value in values):
        return gold == answer
    if 0 in values or max(map(abs, values)) < TINY:
        return bool(sympy.simplify(gold - answer) == 0)
    return bool(abs(values[0] - values[1]) <= RELATIVE * abs(values[0]))


def is_equation(expression: Any) -> bool:
    from sympy.core.relational import Relational

    return isinstance(expression, Relational)


def endless(expression: Any) -> bool:
    """Whether an expression holds something without a finite value."""
    import sympy

    return bool(expression.has(sympy.zoo, sympy.nan, sympy.oo, -sympy.oo, sympy.AccumBounds))


def agree_somewhere(gold: Any, answer: Any) -> bool:
    """Whether two expressions have the same value at a point, as far as they can be evaluated there."""
    point = {
        symbol: 1.37 + 0.31 * n for n, symbol in enumerate(sorted(gold.free_symbols | answer.free_symbols, key=str))
    }
    values = [expression.evalf(30, subs=point) for expression in (gold, answer)]
    return not all(value.is_number for value in values) or bool(
        abs(values[0] - values[1]) <= RELATIVE * (1 + abs(values[0]))
    )


def too_costly(text: str) -> bool:
    """Whether an expression is sure to exhaust the time limit: decided on its text, before anything evaluates it."""
    if depth(text) > MAX_DEPTH or any(int(power) > MAX_POWER for power in POWER.findall(text)):
        return True
    if any(not number or int(number[:10]) > MAX_FACTORIAL for number in FACTORIAL.findall(text)):
        return True
    if any(int(number[:10]) > MAX_BINOMIAL for number in BINOMIAL.findall(text)):
        return True
    for base, exponent in SUM_POWER.findall(text):
        variables = len(set(re.findall("[a-z]", base)))
        if int(exponent[:10]) > (400 if variables < 2 else 30):
            return True
    for upper in RANGE.findall(text):
        digits = [int(number[:6]) for number in re.findall(r"\d+", upper)]
        if len(digits) > 1 and digits[1] > 4 or digits and digits[0] > MAX_TERMS:
            return True
    if r"\int" in text and tower_height(text) > 1:
        return True
    towers = [(int(b[:6]), int(c[:6])) for _, b, c in TOWER.findall(text)]
    return any(c > 13 or b**c > MAX_POWER for b, c in towers) or tower_height(text) > 3


def depth(text: str) -> int:
    """Greatest nesting of brackets."""
    deepest = now = 0
    for character in text:
        now += (character in "([{") - (character in ")]}")
        deepest = max(deepest, now)
    return deepest


def tower_height(text: str) -> int:
    """Greatest number of powers inside one another."""
    opened, highest = [], 0
    for at, character in enumerate(text):
        if character in "([{":
            opened.append(at > 0 and text[at - 1] == "^")
            highest = max(highest, sum(opened))
        elif character in ")]}" and opened:
            opened.pop()
    return highest
