r"""Are two mathematical answers the same? Cheap exact decisions first, math-verify for everything else.

Golds are always wrapped in `\boxed{}` before math-verify reads them: it extracts, and from a bare `2\pi` it extracts `2`.
"""

import functools
import re
from fractions import Fraction
from typing import Any

NUMBER = re.compile(r"[+-]?\d{1,400}(\.0+)?")
THOUSANDS = re.compile(r"[+-]?\d{1,3}(,\d{3})+")
FRACTION = re.compile(r"(?P<sign>[+-]?)(?:\\[dt]?frac\{(?P<a>-?\d{1,100})\}\{(?P<b>-?\d{1,100})\}|(?P<c>\d{1,100})/(?P<d>\d{1,100}))")


def plain(text: str) -> str:
    """An answer without the decoration that never changes its value: dollar signs, outer spaces, a final full stop."""
    return text.strip().strip("$").strip().removesuffix(".").strip()


def number(text: str) -> Fraction | None:
    """Exact value of an integer or fraction, `None` for anything else."""
    if THOUSANDS.fullmatch(text):
        text = text.replace(",", "")
    if NUMBER.fullmatch(text):
        return Fraction(int(text.split(".")[0]))
    if match := FRACTION.fullmatch(text):
        top, bottom = match["a"] or match["c"], match["b"] or match["d"]
        return None if int(bottom) == 0 else Fraction(int(top), int(bottom)) * (-1 if match["sign"] == "-" else 1)
    return None


@functools.lru_cache(maxsize=4096)
def parsed(text: str) -> tuple:
    """What math-verify reads in an answer; empty if it reads nothing."""
    from math_verify import ExprExtractionConfig, LatexExtractionConfig, parse

    configs = [LatexExtractionConfig(boxed_match_priority=0), ExprExtractionConfig()]
    return tuple(parse(rf"$\boxed{{{text}}}$", extraction_config=configs))


def parses(gold: str) -> bool:
    """Whether a reference answer can be read at all."""
    return number(plain(gold)) is not None or bool(parsed(plain(gold)))


def equal(gold: str, answer: str, extra: dict[str, Any] | None = None) -> bool | None:
    """Whether `answer` equals `gold`; `None` if the gold cannot be read."""
    gold, answer = plain(gold), plain(answer)
    if not gold:
        return None
    if gold == answer:
        return True
    exact_gold, exact_answer = number(gold), number(answer)
    if exact_gold is not None and exact_answer is not None:
        return exact_gold == exact_answer
    from math_verify import verify

    return bool(verify(list(parsed(gold)), list(parsed(answer)))) if parses(gold) else None
