r"""Numbers with their units: `12 cm`, `12\text{ square centimeters}`, `\$4.50`, `40\%`, `60^\circ`.

A unit may be left out, but not be another one: centimeters are not square centimeters, dollars no euros. Units of one
kind are converted (90 minutes are 1.5 hours).
"""

import functools
import re
from fractions import Fraction
from typing import NamedTuple

from .numerals import read_start

CURRENCIES = {
    "$": "dollar",
    "€": "euro",
    "£": "pound",
    "¥": "yen",
    "₹": "rupee",
    r"\pounds": "pound",
    r"\euro": "euro",
}
CODES = {"USD": "dollar", "EUR": "euro", "GBP": "pound", "JPY": "yen"}
CURRENCY = re.compile(
    r"(?:\\text\{\s*)?(?:(?:US)?\\?(?P<sign>[$€£¥₹])|(?P<command>\\pounds|\\euro)(?![a-zA-Z])|(?P<code>USD|EUR|GBP|JPY)(?![a-zA-Z]))\s*\}?\s*"
)
# unit -> (what it measures, in how many of the first of its kind); the names of each unit follow
SIZES: dict[str, tuple[str, Fraction]] = {
    "meter": ("length", Fraction(1)), "millimeter": ("length", Fraction(1, 1000)),
    "centimeter": ("length", Fraction(1, 100)), "kilometer": ("length", Fraction(1000)),
    "inch": ("length", Fraction(254, 10_000)), "foot": ("length", Fraction(3048, 10_000)),
    "yard": ("length", Fraction(9144, 10_000)), "mile": ("length", Fraction(1_609_344, 1000)),
    "second": ("time", Fraction(1)), "minute": ("time", Fraction(60)), "hour": ("time", Fraction(3600)),
    "day": ("time", Fraction(86_400)), "week": ("time", Fraction(604_800)), "gram": ("mass", Fraction(1)),
    "milligram": ("mass", Fraction(1, 1000)), "kilogram": ("mass", Fraction(1000)), "liter": ("volume", Fraction(1)),
    "milliliter": ("volume", Fraction(1, 1000)),
    "dollar": ("money", Fraction(1)), "cent": ("money", Fraction(1, 100)),
}  # fmt: skip
NAMES = {
    "m": "meter", "metre": "meter", "mm": "millimeter", "millimetre": "millimeter", "cm": "centimeter",
    "centimetre": "centimeter", "km": "kilometer", "kilometre": "kilometer", "in": "inch", "inche": "inch",
    "ft": "foot", "feet": "foot", "yd": "yard", "mi": "mile", "s": "second", "sec": "second", "min": "minute",
    "h": "hour", "hr": "hour", "g": "gram", "mg": "milligram", "kg": "kilogram", "kilo": "kilogram", "l": "liter",
    "litre": "liter", "ml": "milliliter", "millilitre": "milliliter", "usd": "dollar", "buck": "dollar", "eur": "euro",
    "people": "person", "pt": "point", "°": "degree", "rad": "radian", "¢": "cent", "米": "meter",
    "厘米": "centimeter", "千米": "kilometer", "元": "yuan",
    "小时": "hour", "分钟": "minute", "度": "degree", "秒": "second",
}  # fmt: skip
SHORT = {"mph": "mile/hour", "kmh": "kilometer/hour", "kph": "kilometer/hour", "mps": "meter/second"}
SHORT |= {"percent": "%", "percentage": "%", "pct": "%"}
POWERS = {"square": 2, "sq": 2, "cubic": 3, "cu": 3, "squared": 2, "cubed": 3, "平方": 2, "立方": 3}
WORD = re.compile(
    r"\\text\{(?P<text>[^{}\d]*)\}|(?P<bare>[a-zA-Z]{2,}\.?|[\u4e00-\u9fff]{1,6}|¢|(?<=/)[a-zA-Z])|(?P<degree>\\degree)|(?P<over>/|\\cdot)"
    r"|(?P<raised>\^\{(?P<power>-?[1-4])\})"
)
REJECTED = {"or", "and", "not", "if", "than", "more", "less", "between", "either", "maybe", "but"}
NO_UNIT = re.compile(
    r"(?:sin|cos|tan|log|ln|exp|lim|max|min|gcd|lcm|mod|det|pi|and|or|if|for|any|all|not|no)$", re.IGNORECASE
)


COUNT_WORDS = {"hundred": 100, "thousand": 1000, "million": 10**6, "billion": 10**9, "trillion": 10**12, "dozen": 12}
COUNT_WORD = re.compile(rf" ?(\\text\{{)? ?({'|'.join(COUNT_WORDS)}) ?")


class Quantity(NamedTuple):
    """
    A number that was read exactly.

    Attributes:
        value (`Fraction`): Its value, a percentage divided by 100.
        decimals (`int`): Digits behind the decimal point, 0 for integers and fractions.
        unit (`tuple`): Pairs of unit and exponent, sorted; empty for none, `(("%", 1),)` for a percentage.
    """

    value: Fraction
    decimals: int
    unit: tuple[tuple[str, int], ...]


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


def read_unit(text: str) -> tuple[tuple[str, int], ...] | None:
    """The unit that follows a number; empty for none, `None` for what is no unit."""
    if text.strip() in (r"\%", "%"):
        return (("%", 1),)
    if "∨" in text or ";" in text:
        return None  # 42 or any other number
    text, spaced = re.sub(r"\\(?=[%$])", "", text).rstrip("."), text[:1] == " "
    exponents: dict[str, int] = {}
    sign, power, last, at = 1, 1, "", 0
    while text[at:].strip():
        at += len(text[at:]) - len(text[at:].lstrip())
        match = WORD.match(text, at)
        if not match or (match["bare"] and not known(match["bare"], spaced)):
            return None
        at = match.end()
        if match["raised"]:
            if not last:
                return None
            exponents[last] *= int(match["power"])
        elif match["over"]:
            sign = -1 if match["over"] == "/" else sign
        for word in words_of(match["text"] or match["bare"] or ("degree" if match["degree"] else "")):
            if word in REJECTED:
                return None
            if word in ("per", "a", "an", "the", "of", "/"):
                sign = -1 if word in ("per", "/") else sign
            elif word in POWERS and not (word.endswith("d") and not last):
                if word.endswith("ed"):
                    exponents[last] *= POWERS[word]
                else:
                    power = POWERS[word]
            else:
                last = word
                exponents[last] = exponents.get(last, 0) + sign * power
                power = 1
    return tuple(sorted((unit, exponent) for unit, exponent in exponents.items() if unit != "unit" or exponent != 1))


def split_unit(text: str) -> tuple[str, tuple[tuple[str, int], ...]]:
    r"""An expression and the unit in `\text{}` that follows it, empty for none: `5\pi\text{ cm}^{2}`."""
    before, mark, after = text.partition(r"\text{")
    unit = read_unit(mark + after) if mark and before.strip() else None
    return (before.strip(), unit) if unit else (text, ())


def words_of(text: str) -> list[str]:
    """The words of a unit, each by its own name."""
    found = []
    for word in re.findall(r"[^\W\d_]+|[°%/¢]", text.strip().casefold()):
        found += re.findall(
            r"[^/]+|/", SHORT.get(word, NAMES.get(word) or NAMES.get(singular(word)) or singular(word))
        )
    return found


def singular(word: str) -> str:
    return word.removesuffix("s") if len(word) > 2 and not word.endswith("ss") else word


def known(word: str, spaced: bool) -> bool:
    """Whether bare letters behind a number are a unit and no variables: `12 apples`, but not `12ab`."""
    plain = word.rstrip(".").casefold()
    names = {singular(plain), plain} & (
        NAMES.keys() | SIZES.keys() | SHORT.keys() | POWERS.keys() | {"degree", "unit", "per", "point"}
    )
    if len(plain) == 1:  # letters only behind a slash
        return plain in ("s", "h", "m", "l", "¢")
    return bool(names) or (
        spaced
        and len(plain) > 2
        and re.search("[aeiouy\u4e00-\u9fff]", plain) is not None
        and not NO_UNIT.match(plain)
    )


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
        kind, size = SIZES.get(unit, (unit, Fraction(1)))
        value *= size**exponent
        exponents[kind] = exponents.get(kind, 0) + exponent
    return Quantity(value, quantity.decimals, tuple(sorted(exponents.items())))


def same_value(one: Quantity, other: Quantity) -> bool:
    if one.value == other.value:
        return True
    digits, gap = max(one.decimals, other.decimals), abs(one.value - other.value)
    return digits >= 6 and gap < Fraction(1, 10**digits) and gap < abs(one.value) / 1000  # rounded or cut off there
