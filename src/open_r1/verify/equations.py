r"""
What an answer with equals signs claims: `x=5` and `2+3=5` claim 5, `f(x)=2x` claims 2x, `1=2` and `x+y=5` claim no
value.
"""

import re
from fractions import Fraction

from .atoms import readable
from .latex import cut
from .numeric import constant, is_number, judge
from .units import read_number
from .values import GREEK
from .words import missing

NAME = (
    rf"(?:\\(?:{'|'.join(GREEK.split())})|[A-Za-z]{{1,8}})'?"
    r"(?:_\{[^{}]*\})?(?:\^\{-1\}|\^\{\\prime\})?(?:\([\w\\;]*\))?|\(\\?[a-z]+(?:;\\?[a-z]+)+\)"
    r"|\\?\|?(?:\\(?:angle|triangle|overline|overrightarrow|vec) ?)?\{?[A-Z]{1,4}\}?\|?"
    r"|\|[a-zA-Z](?:_\{\w+\})?\||\[[A-Z]{3,6}\]|\\text\{[^{}]*\}"
)
BARE = re.compile(r"\\?(?:sin|cos|tan|cot|log|ln|lg|exp|lim|max|min|nan|inf|pi)")
NAMED = re.compile(
    rf"(?!{BARE.pattern}\Z)(?:{NAME}|(?:{NAME})[:/](?:{NAME})|\\frac\{{[A-Z]{{1,3}}\}}\{{[A-Z]{{1,3}}\}})\Z"
)
FUNCTION = re.compile(r"y|[a-z]\(x\)")
APPLIED = re.compile(
    r"[A-Z][a-z]{0,2}\([^()]*\)\Z|\\(?:sin|cos|tan|cot|log|ln|lim|int|sum|prod)(?![a-z])|\\frac\{d|\\begin\{vmatrix\}"
)
UNKNOWNS = re.compile(r"(?<![a-zA-Z\\])[xyz](?![a-zA-Z])")
DECIMAL = re.compile(r"-?\d+\.(\d+)")
APPROXIMATE = r"\approx"
ROUGHLY = 0.01  # relative gap that "about" may cover
DOMAIN = re.compile(
    r"\\text\{(?:where|for|with)\}.*|(?:\\forall ?)?[a-z](?:;[a-z])*\\in ?\\mathbb\{[ZNQRC]\}(?:[_^]\{?[+*]\}?)*"
)


IN_BRACKETS = re.compile(r" ?\([a-z](?:;[a-z])*\\in ?\\mathbb\{[ZNQRC]\}(?:[_^]\{?[+*]\}?)*\)$")


def named(text: str) -> bool:
    """Whether a side is the name of something: a letter with its index, a function of letters, a segment, words."""
    return NAMED.match(text) is not None and not missing(text)


def sides(text: str) -> list[str]:
    """Sides of an equation or of a chain of them; one for a text without, or for a list."""
    if "=" not in text or len(cut(text, ";")) > 1 or "∨" in text:
        return [text]
    found = [side for side in cut(text, "=") if side]
    if len(found) < 2:
        return [text]  # half an equation
    return found[::-1] if len(found) == 2 and named(found[1]) and not named(found[0]) else found


def claimed(gold: str, answer: str) -> tuple[str | None, str | None]:
    """
    Gold and answer without the names of what they are, where one has it or both have the same.

    Returns:
        `tuple`: texts to compare; `None` for a text that contradicts itself, or that is an equation where a value is
        wanted.
    """
    gold, answer = without_domain(gold), without_domain(answer)
    wanted, given = sides(gold), sides(answer)
    if len(wanted) == 1 and len(given) == 1:
        return gold, approximate(gold, answer)
    if len(wanted) > 1 and len(given) > 1:
        return both_claimed(wanted, given)
    if len(wanted) > 1:
        first, last = wanted[0], wanted[-1]
        evaluated = constant(last) is not None and (APPLIED.match(first) or constant(first) is not None)
        return (last, answer) if (named(first) or evaluated) and consistent(wanted) else (None, answer)
    if not (named(given[0]) or is_quantity(given[0])) or not consistent(given):
        return gold, None
    return gold, approximate(gold, given[-1])


def both_claimed(wanted: list[str], given: list[str]) -> tuple[str | None, str | None]:
    """The same for two equations or chains: what cannot be evaluated on the way of both is compared side by side."""
    if not (consistent(wanted) and consistent(given)):
        return None, None
    wanted, given = ([*chain[:1], *open_sides(chain), *chain[-1:]] for chain in (wanted, given))
    if len(wanted) == len(given) > 2:
        return f"({';'.join(wanted)})", f"({';'.join(given)})"
    if same_name(wanted[0], given[0]):
        return wanted[-1], given[-1]
    return f"{wanted[0]}={wanted[-1]}", f"{given[0]}={given[-1]}"


def open_sides(chain: list[str]) -> list[str]:
    """The sides between the first and the last that are not sure to have the last one's value."""
    return [side for side in chain[1:-1] if not judge(side, chain[-1])]


def same_name(one: str, other: str) -> bool:
    """Whether two left sides name the same; y and f(x) do, and x and x_1."""
    if one.partition("_")[0] == other.partition("_")[0] and ("_" in one) != ("_" in other):
        return named(one)
    return one == other and named(one) or "y" in (one, other) and all(map(FUNCTION.fullmatch, (one, other)))


def is_quantity(text: str) -> bool:
    """
    Whether the left side of an equation names what is asked for: `a+b=12`, `2+3=5`, but not the curve `x^2+y^2=25`.
    """
    if APPLIED.match(text) and not BARE.fullmatch(text):
        return True
    if BARE.fullmatch(text) or missing(text) or not readable(text):
        return False
    return not UNKNOWNS.search(re.sub(r"\([\w;\\]+\)", "", text))


def consistent(chain: list[str]) -> bool:
    """
    Whether the sides agree with the last: numbers with a number, and functions with a function, but for the name or
    the left side of an equation that stands first.
    """
    last = chain[-1].partition(APPROXIMATE)[0]
    number = is_number(last)
    for index, side in enumerate(chain[:-1]):
        alike = is_number(side) == number
        if alike and (number or index) and not named(side) and not agrees(side, last):
            return False
    return True


def agrees(side: str, last: str) -> bool:
    """Whether a side has the value of the last, or one that rounds to its decimals, as far as can be told."""
    if judge(side, last) is not False or judge(side.replace(r"\log(", r"\lg("), last):
        return True
    value, decimal = constant(side), DECIMAL.fullmatch(last)
    return bool(value is not None and decimal and abs(value - Fraction(last)) < Fraction(1, 10 ** len(decimal[1])))


def approximate(gold: str, answer: str) -> str | None:
    r"""Of `\sqrt{2}\approx1.41` the side that the gold speaks of, if the sides do agree."""
    if APPROXIMATE not in answer or APPROXIMATE in gold:
        return answer
    exact, *rough = (part.strip() for part in answer.split(APPROXIMATE))
    if named(exact) and constant(exact) is None and rough:
        return rough[-1]
    values = [amount(part) for part in (exact, *rough)]
    if None in values or any(abs(value - values[0]) > 1.01 * ROUGHLY * abs(values[0]) for value in values):
        return None
    return exact if judge(gold, exact) else rough[-1]


def amount(text: str) -> Fraction | None:
    """The number that a text stands for, with or without a unit."""
    exact = read_number(text)
    return exact.value if exact else constant(text)


def without_domain(text: str) -> str:
    r"""A text without the declaration of its variables, such as `k\in\mathbb{Z}`."""
    if "mathbb" not in text and "\\text{" not in text:
        return text
    text = IN_BRACKETS.sub("", text)
    parts = cut(text, ";")
    kept = [part for part in parts if not DOMAIN.fullmatch(part)]
    return ";".join(kept) if kept and len(kept) < len(parts) else text


def by_name(parts: list[str]) -> dict[str, str] | None:
    """Values by name of a list like "x=1; y=2", `None` if it is none, or has a name twice."""
    pairs = [cut(part, "=") for part in parts]
    if len(pairs) < 2 or any(len(pair) != 2 or not named(pair[0]) for pair in pairs):
        return None
    found = {name.lstrip("\\"): value for name, value in pairs}
    return found if len(found) == len(parts) else None


def in_order_of_names(values: dict[str, str]) -> list[str]:
    """The values as a tuple would hold them: x before y, a before b."""
    return (
        [values[name] for name in sorted(values)] if all(len(name) < 6 for name in values) else list(values.values())
    )
