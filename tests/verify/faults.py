r"""Ways to get an answer wrong: `faults(gold)` mean something else than the gold. Rules as in `rewrites.py`."""

import re
from collections.abc import Iterator
from fractions import Fraction

from rewrites import (
    BASE,
    DEGREES,
    FRAC,
    MONEY,
    ORDER,
    PERCENT,
    RATIO,
    TEXT,
    UNIT,
    WORDS,
    Rule,
    apply,
    ends,
    listed,
    number,
    split,
    value,
)

WRONG: dict[str, Rule] = {}
OTHER_UNIT = {
    "cm": "m",
    "m": "cm",
    "km": "m",
    "ft": "in",
    "feet": "inches",
    "inches": "feet",
    "meters": "feet",
    "miles": "feet",
}
OTHER_UNIT |= {
    "min": "hr",
    "hr": "min",
    "minutes": "hours",
    "hours": "minutes",
    "cents": "dollars",
    "dollars": "cents",
    "g": "kg",
}


def faults(gold: str) -> Iterator[tuple[str, str]]:
    """Name of a rule and an answer that is wrong if the gold is right."""
    yield from apply(WRONG, gold)


def wrong(rule: Rule) -> Rule:
    return WRONG.setdefault(rule.__name__, rule)


@wrong
def numbers(gold: str) -> Iterator[str]:
    """The first number that is no index, exponent, degree of a root or base: plus one, and without its last digit."""
    hidden = re.sub(
        r"\\(?:text|mbox|mathrm)\s*\{[^}]*\}|[_^]\s*\{[^{}]*\}|[_^]\s*-?\w|\[\d+\]|\d[\w.]*(?=_)",
        lambda m: "~" * len(m[0]),
        gold,
    )
    match = re.search(r"(?<![\d.])\d+", hidden)
    if match and not re.search(r"\||\\sum|pmod|equiv|approx|~C|C~", hidden + gold):
        head, tail = gold[: match.start()], gold[match.end() :]
        yield f"{head}{int(match[0]) + 1}{tail}"
        if len(match[0]) > 1 and "," not in gold and "!" not in gold:
            yield f"{head}{match[0][:-1]}{tail}"


@wrong
def signs(gold: str) -> Iterator[str]:
    if value(gold) and number(gold) != 0 and not re.search(r"\b[cC]\b|[cC]_", gold):  # constants of integration
        terms = split(gold, "+-")
        if len(terms) == 1:
            yield gold.strip()[1:].strip() if gold.strip()[0] == "-" else f"-{gold.strip().removeprefix('+')}"
        else:
            yield rf"-\left({gold}\right)"
            yield " ".join([*terms[:-1], {"+": "-", "-": "+"}[terms[-1][0]] + terms[-1][1:]])


@wrong
def upside_down(gold: str) -> Iterator[str]:
    match = re.search(FRAC, gold)
    if match and match[1] != match[2] and int(match[1]):
        yield gold[: match.start()] + rf"\frac{{{match[2]}}}{{{match[1]}}}" + gold[match.end() :]


@wrong
def members(gold: str) -> Iterator[str]:
    if found := listed(gold):
        opening, items, end = found
        yield from (opening + ", ".join(changed) + end for changed in (items[:-1], [*items, "987"]))
        if all(item.isdigit() for item in items):
            yield "".join(items)
    elif number(gold) is not None:
        yield from (f"{gold}, 987", rf"{gold} \text{{ or }} 987")


@wrong
def swapped(gold: str) -> Iterator[str]:
    match = re.fullmatch(r"(\(|\\left\()([^()]*)(\)|\\right\))", gold)
    items = split(match[2], ",") if match else []
    values = [number(item) for item in items]
    if match and len(items) > 1 and None not in values:
        yield match[1] + ", ".join([*items, "0"]) + match[3]
        if values[0] != values[1]:
            yield match[1] + ", ".join([items[1], items[0], *items[2:]]) + match[3]


@wrong
def interval_ends(gold: str) -> Iterator[str]:
    first, *rest = (part.strip() for part in gold.split(r"\cup"))
    if found := ends(first):
        opening, low, high, end = found
        opening, end = (
            ("[" if opening == "(" else "(", end) if "infty" not in low else (opening, "]" if end == ")" else ")")
        )
        if not ("infty" in low and "infty" in high):
            yield r" \cup ".join([f"{opening}{low}, {high}{end}", *rest])
        if rest:
            yield r" \cup ".join(rest)
    if match := ORDER.fullmatch(gold):
        yield from (f"{match[1]} {sign} {match[3]}" for sign in ("=", "<" if match[2][:2] in (">", r"\g") else ">"))


@wrong
def powers(gold: str) -> Iterator[str]:
    match = re.search(r"(?<=[2-9a-zA-Z)])\s*\^\s*(?:\{\s*([2-9])\s*\}|([2-9])(?!\d))", gold)
    if match and not WORDS.search(gold):
        yield f"{gold[: match.start()]}^{{{int(match[1] or match[2]) + 1}}}{gold[match.end() :]}"
    if value(gold) and (match := re.search(r"\\sqrt\{([2-9]|[1-9]\d+)\}", gold)):
        yield gold.replace(match[0], rf"\sqrt[3]{{{match[1]}}}")
    if value(gold) and re.search(r"\d\s*\\pi(?![a-z^])", gold):
        yield re.sub(r"(?<=\d)\s*\\pi(?![a-z^])", "", gold)


@wrong
def other_units(gold: str) -> Iterator[str]:
    if match := PERCENT.fullmatch(gold):
        yield rf"{float(Fraction(match[1]) / 10)}\%"
    elif match := DEGREES.fullmatch(gold):
        yield from (rf"{match[1]}\text{{ radians}}", rf"\frac{{{match[1]}\pi}}{{90}}") if float(match[1]) else ()
    elif match := MONEY.fullmatch(gold):
        yield from (rf"{match[1]}\text{{ cents}}", rf"\$1{match[1]}", rf"\text{{€}}{match[1]}")
    elif (match := UNIT.fullmatch(gold)) and match["unit"] in OTHER_UNIT:
        yield rf"{match['amount']}\text{{ {OTHER_UNIT[match['unit']]}}}" + (
            f"^{match['power']}" if match["power"] else ""
        )
        yield rf"{match['amount']}\text{{ {match['unit']}}}^{int(match['power'] or 1) + 1}"


@wrong
def other_notations(gold: str) -> Iterator[str]:
    if match := BASE.fullmatch(gold):
        yield from (f"{match[1]}_{{{int(match[2]) + 1}}}", f"{match[1]}{match[2]}")
    if (match := RATIO.fullmatch(gold)) and match[1] != match[2]:
        yield f"{match[2]}:{match[1]}"
    if match := TEXT.fullmatch(gold):
        yield from (rf"\text{{not {match[1]}}}", rf"\text{{{match[1]} or something else}}")
    if match := re.fullmatch(r"\\text\{\(?([A-D])\)?\}", gold):
        yield from (rf"\text{{({chr(ord(match[1]) + 1)})}}", rf"\text{{{match[1]} or {chr(ord(match[1]) + 1)}}}")
