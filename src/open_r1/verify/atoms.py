r"""Are two answers without structure the same: numbers with units or in other bases, and what a formula judge says?"""

import re
from collections.abc import Callable, Sequence

from .numeric import constant, has_value
from .units import Quantity, read_number, same_quantity, split_unit
from .words import TEXT

Judge = Callable[[str, str], bool | None]  # decides two formulas; None: cannot tell
BASES = {
    name: str(n)
    for n, name in enumerate(
        ["two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"], 2
    )
}
BASES["sixteen"] = "16"
BASED = re.compile(
    r"(?:\(|\\text\{)?(?P<digits>-?[0-9A-F]+)[)}]?_(?:\{(?P<base>\d+|\\text\{\w+\}|[a-z]+)\}|\\text\{(?P<word>\w+)\})"
)
ENDLESS = re.compile(r"[+-]?\\infty")
# What no judge of formulas can read: words and signs of other trades.
PROSE = re.compile(
    r"\\begin|(?<![a-zA-Z\\])(?:(?!arc)[a-zA-Z]{4,}|(?:for|if|and|or|is|nan|inf)(?![a-zA-Z]))|[^\x20-\x7e]|[?&#@$\"]"
)
SIGN = r"(?:[*/^_]|\\cdot(?![a-z])|\\times(?![a-z])|\\approx(?![a-z]))"
# No formula: operators without an operand, sums and integrals of nothing.
MALFORMED = re.compile(
    rf"^{SIGN}|(?:{SIGN}|[-+=]|\\)$|(?:{SIGN}|[-+=(\[{{]){SIGN}|(?:{SIGN}|[-+=(\[])[)\]}}]|(?:{SIGN}|[-+=]) *[)\]}}]"
    rf"|(?<![\w)}}\]'!|.])[!']|\d ?_|\d \d|%.|\\int(?!.*d ?[a-zA-Z\\])|\\[_+]"
    rf"|\\(?:sum|prod|lim)(?![a-z])(?:_\{{(?:[^{{}}]|\{{[^{{}}]*\}})*\}})?(?:\^\{{[^{{}}]*\}})? ?(?:$|[-*/=:)\]}}!])"
)
CONDITIONAL = re.compile(r"\\text\{ ?(?:for|if|when|where|with|is)\W")
RANGED = re.compile(r"\\(?:sum|prod|lim|int|cup|cap)(?![a-z])")


def same_atom(gold: str, answer: str, judge: Judge) -> bool | None:
    """Whether two expressions without further structure are the same."""
    exact_gold, exact_answer = read_number(gold), read_number(answer)
    if exact_gold and exact_answer:
        return same_quantity(exact_gold, exact_answer)
    based = [BASED.fullmatch(text) for text in (gold, answer)]
    if any(based):
        return same_in_base(based, (gold, answer))
    if ENDLESS.fullmatch(gold) or ENDLESS.fullmatch(answer):
        return (
            None if r"\infty" in gold and r"\infty" in answer or not (has_value(gold) or has_value(answer)) else False
        )
    # a number beside an expression: without its unit, for a judge of expressions
    if bool(exact_gold) != bool(exact_answer):
        gold, answer = without_unit(gold, exact_gold, answer), without_unit(answer, exact_answer, gold)
    (wanted, unit), (given, other) = split_unit(gold), split_unit(answer)
    if (wanted, given) != (gold, answer):
        return False if unit and other and unit != other else same_atom(wanted, given, judge)
    without = [text.removesuffix(r"\degree") for text in (gold, answer)]
    bare = not re.search(r"\\(?:sin|cos|tan|cot|sec|csc)", gold + answer)  # there degrees are no mere unit
    # a unit may be left out
    if bare and (without[0] == gold) != (without[1] == answer) and same_atom(*without, judge):
        return True
    return judge(gold, answer) if is_formula(gold, answer) else False


def without_unit(text: str, exact: Quantity | None, other: str) -> str:
    """The number of a quantity, in radians if the other side is written in them; other texts as they are."""
    if not exact or not exact.unit:
        return text
    return rf"({exact.value})\cdot\pi/180" if exact.unit == (("degree", 1),) and r"\pi" in other else str(exact.value)


def is_formula(gold: str, answer: str) -> bool:
    """Whether a judge of formulas may be asked: half an interval is no formula, "or any other number" none either."""
    if RANGED.search(answer) and not RANGED.search(gold) and constant(gold) is not None:
        return False  # a sum or an integral that nobody worked out
    texts = gold + " " + answer
    if ";" in texts or set(TEXT.findall(gold)) != set(TEXT.findall(answer)) or CONDITIONAL.search(texts):
        return False
    if PROSE.search(TEXT.sub(" ", gold)):
        return False
    return readable(answer.replace(r"\infty", "1") if r"\infty" in gold else answer)


def readable(text: str) -> bool:
    """Whether a text can be a formula with a finite value."""
    if r"\infty" in text and not RANGED.search(text):
        return False
    return not (PROSE.search(TEXT.sub(" ", text)) or MALFORMED.search(text) or unbalanced(text))


def unbalanced(text: str) -> bool:
    """Whether a bracket opens or closes nothing; brackets of half-open intervals may be of two kinds."""
    braces, others = text.count("{") - text.count("}"), sum(map(text.count, "([")) - sum(map(text.count, ")]"))
    return bool(braces or others or text.count("|") % 2)


def same_in_base(matches: Sequence[re.Match | None], texts: Sequence[str]) -> bool:
    """1011_2: the digits, and the base where both name one."""
    digits = [match["digits"] if match else text.strip("()") for match, text in zip(matches, texts, strict=True)]
    bases = {base_of(match) for match in matches if match}
    return digits[0] == digits[1] and len(bases) == 1 and fits(digits[0], *bases)


def fits(digits: str, base: str) -> bool:
    """Whether a base has these digits."""
    return (
        base.isdecimal()
        and 2 <= int(base[:4]) <= 36
        and all(int(digit, 36) < int(base) for digit in digits.strip("-"))
    )


def base_of(match: re.Match) -> str:
    word = (match["base"] or match["word"]).removeprefix(r"\text{").removesuffix("}").strip().casefold()
    return BASES.get(word, word)


def every(values) -> bool | None:
    """`all` over true, false and unknown."""
    values = list(values)
    return False if False in values else None if None in values else True


def some(values) -> bool | None:
    """`any` over true, false and unknown."""
    values = list(values)
    return True if True in values else None if None in values else False
