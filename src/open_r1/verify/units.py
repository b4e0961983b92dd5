r"""Numbers with their units: `12 cm`, `12\text{ square centimeters}`, `\$4.50`, `40\%`, `60^\circ`.

A unit may be left out, but not be another one: centimeters are not square centimeters, dollars no euros. Units of one
kind are converted (90 minutes are 1.5 hours).
"""

import functools
import re
from fractions import Fraction
from typing import NamedTuple

from .numerals import read_start
from .unit_names import CODES, CURRENCIES, POWERS, kind_and_size, known, words_of

CURRENCY = re.compile(
    r"(?:\\text\{\s*)?(?:(?:US)?\\?(?P<sign>[$€£¥₹])|(?P<command>\\pounds|\\euro)(?![a-zA-Z])"
    r"|(?P<code>USD|EUR|GBP|JPY)(?![a-zA-Z]))\s*\}?\s*"
)
WORD = re.compile(
    r"\\text\{(?P<text>[^{}\d]*)\}|(?P<bare>[a-zA-Zμµ]{2,}\.?|[kMm]?Ω|[\u4e00-\u9fff]{1,6}|¢|(?<=/)[a-zA-Z])|(?P<degree>\\degree)"
    r"|(?P<over>/|\\cdot)|(?P<raised>\^\{(?P<power>-?[1-4])\})"
)
PART = re.compile(r"(\d+(?:\.\d+)?) ?(\\text\{[^{}\d]*\}|[a-zA-Z]+)[;, ]*")
TEMPERATURES = {"coulomb": "celsius", "farad": "fahrenheit"}  # what C and F are behind degrees
REJECTED = {"or", "and", "not", "if", "than", "more", "less", "between", "either", "maybe", "but"}
COUNT_WORDS = {"hundred": 100, "thousand": 1000, "million": 10**6, "billion": 10**9, "trillion": 10**12, "dozen": 12}
COUNT_WORD = re.compile(rf" ?(\\text\{{)? ?({'|'.join(COUNT_WORDS)}) ?")
Unit = tuple[tuple[str, int], ...]  # pairs of name and exponent, sorted


class Quantity(NamedTuple):
    """
    A number that was read exactly.

    Attributes:
        value (`Fraction`): Its value, a percentage divided by 100.
        decimals (`int`): Digits behind the decimal point, 0 for integers and fractions.
        unit (`tuple`): Pairs of name and exponent, sorted; empty for none, `(("%", 1),)` for a percentage.
    """

    value: Fraction
    decimals: int
    unit: Unit


@functools.lru_cache(maxsize=4096)
def read_number(text: str) -> Quantity | None:
    """
    Reads an integer, decimal, fraction, mixed number, power of ten, percentage or any of them with a unit, exactly.
    """
    sign, currency = re.match("[+-]*", text)[0], None
    if match := CURRENCY.match(text, len(sign)):
        currency, text = (
            (CURRENCIES | CODES)[match["sign"] or match["command"] or match["code"]],
            sign + text[match.end() :],
        )
    if PART.match(text) and (sum_of_parts := compound(text)):
        return sum_of_parts
    start = read_start(text)
    if start is None:
        return None
    value, decimals, rest = start
    if many := COUNT_WORD.match(rest):
        value, rest = value * COUNT_WORDS[many[2]], (many[1] or "") + rest[many.end() :]
    unit = read_unit(rest.replace(r"\text{}", ""))
    if unit is None or (currency and unit not in ((), ((currency, 1),))):
        return None
    percent = unit == (("%", 1),)
    return Quantity(value / 100 if percent else value, decimals, ((currency, 1),) if currency else unit)


def compound(text: str) -> Quantity | None:
    """An amount in several units of one kind, the larger first: 1 hour 30 minutes."""
    parts = PART.findall(text)
    if len(parts) < 2 or PART.sub("", text):
        return None
    amounts = [read_number(f"{number} {unit.replace(';', '')}") for number, unit in parts]
    basic = [in_basic_units(amount) for amount in amounts if amount and amount.unit]
    if len(basic) < len(parts) or len({amount.unit for amount in basic}) > 1:
        return None
    sizes = [kind_and_size(amount.unit[0][0])[1] for amount in amounts if amount]
    if sizes != sorted(set(sizes), reverse=True):
        return None
    return Quantity(sum((amount.value for amount in basic), Fraction(0)), 0, basic[0].unit)


def read_unit(text: str) -> Unit | None:
    """The unit that follows a number; empty for none, `None` for what is no unit."""
    if text.strip() in (r"\%", "%"):
        return (("%", 1),)
    if "∨" in text or ";" in text:
        return None  # 42 or any other number
    reader = UnitReader(text[:1] == " ")
    text = re.sub(r"\\text\{ ?([kMm]) ?\} ?Ω", r"\\text{\1Ω}", re.sub(r"\\Omega(?![a-z])", "Ω", text))
    text, at = re.sub(r"\\(?=[%$])", "", text).rstrip("."), 0
    while text[at:].strip():
        at += len(text[at:]) - len(text[at:].lstrip())
        match = WORD.match(text, at)
        if not match or not reader.take(match):
            return None
        at = match.end()
    return reader.unit()


class UnitReader:
    """Collects the factors of a unit, word by word."""

    def __init__(self, spaced: bool):
        self.spaced, self.exponents = spaced, dict[str, int]()
        self.sign, self.power, self.last = 1, 1, ""  # of what follows: below a stroke, squared; and what came last

    def take(self, match: re.Match) -> bool:
        """Takes a word, an exponent or a stroke; false for what belongs to no unit."""
        if match["bare"] and not known(match["bare"], self.spaced):
            return False
        if match["raised"]:
            return self.raised(int(match["power"]))
        if match["over"]:
            self.sign = -1 if match["over"] == "/" else self.sign
        text = match["text"] or match["bare"] or ("degree" if match["degree"] else "")
        return all(map(self.word, words_of(text)))

    def raised(self, power: int) -> bool:
        """An exponent behind the last word."""
        if self.last:
            self.exponents[self.last] *= power
        return bool(self.last)

    def word(self, word: str) -> bool:
        if word in REJECTED:
            return False
        if word in ("per", "a", "an", "the", "of", "/"):
            self.sign = -1 if word in ("per", "/") else self.sign
        elif word.endswith("ed") and word in POWERS and self.last:
            return self.raised(POWERS[word])
        elif word in POWERS:
            self.power = POWERS[word]
        else:
            word = TEMPERATURES.get(word, word) if self.last == "degree" else word
            self.last = word
            self.exponents[word] = self.exponents.get(word, 0) + self.sign * self.power
            self.power = 1
        return True

    def unit(self) -> Unit:
        return tuple(sorted(pair for pair in self.exponents.items() if pair != ("unit", 1)))


def split_unit(text: str) -> tuple[str, Unit]:
    r"""An expression and the unit in `\text{}` that follows it, empty for none: `5\pi\text{ cm}^{2}`."""
    before, mark, after = text.partition(r"\text{")
    unit = read_unit(mark + after) if mark and before.strip() else None
    return (text, ()) if unit is None else (before.strip(), unit)


def same_quantity(gold: Quantity, answer: Quantity) -> bool:
    """
    Whether two numbers are the same. Exact, except that a decimal with six digits or more may be a rounded value. A
    unit may be left out; a percentage may be written without its sign.
    """
    if gold.unit and answer.unit and gold.unit != answer.unit:
        one, other = in_basic_units(gold), in_basic_units(answer)
        return one.unit == other.unit and one.value == other.value
    if same_value(gold, answer):
        return True
    scaled = [
        quantity._replace(value=quantity.value * 100) for quantity in (gold, answer) if quantity.unit == (("%", 1),)
    ]
    if len(scaled) != 1 or (gold.unit and answer.unit):
        return False
    return same_value(scaled[0], answer) if gold.unit else gold.value >= 1 and same_value(gold, scaled[0])


def in_basic_units(quantity: Quantity) -> Quantity:
    """The same quantity in meters, seconds, grams, liters and dollars."""
    value, exponents = quantity.value, {}
    for unit, exponent in quantity.unit:
        kind, size = kind_and_size(unit)
        value *= size**exponent
        exponents[kind] = exponents.get(kind, 0) + exponent
    return Quantity(value, quantity.decimals, tuple(sorted(exponents.items())))


def same_value(one: Quantity, other: Quantity) -> bool:
    if one.value == other.value:
        return True
    digits, gap = max(one.decimals, other.decimals), abs(one.value - other.value)
    return digits >= 6 and gap < Fraction(1, 10**digits) and gap < abs(one.value) / 1000  # rounded or cut off there
