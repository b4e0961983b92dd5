"""One name for each unit, in words or as a symbol, and its size: `mA` is a milliampere, a thousandth of an ampere."""

import re
from fractions import Fraction

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
# unit -> (what it measures, in how many of the first of its kind); prefixes of the SI go before any of `SYMBOLS`
SIZES: dict[str, tuple[str, Fraction]] = {
    "meter": ("length", Fraction(1)), "inch": ("length", Fraction(254, 10_000)),
    "foot": ("length", Fraction(3048, 10_000)), "yard": ("length", Fraction(9144, 10_000)),
    "mile": ("length", Fraction(1_609_344, 1000)), "second": ("time", Fraction(1)), "minute": ("time", Fraction(60)),
    "hour": ("time", Fraction(3600)), "day": ("time", Fraction(86_400)), "week": ("time", Fraction(604_800)),
    "gram": ("mass", Fraction(1)), "liter": ("volume", Fraction(1)), "dollar": ("money", Fraction(1)),
    "cent": ("money", Fraction(1, 100)),
}  # fmt: skip
PREFIXES = {
    "p": ("pico", -12), "n": ("nano", -9), "μ": ("micro", -6), "µ": ("micro", -6), "m": ("milli", -3),
    "c": ("centi", -2), "d": ("deci", -1), "h": ("hecto", 2), "k": ("kilo", 3), "M": ("mega", 6), "G": ("giga", 9),
    "T": ("tera", 12),
}  # fmt: skip
POWERS_OF_TEN = {name: Fraction(10) ** exponent for name, exponent in PREFIXES.values()}
SYMBOLS = {
    "m": "meter", "g": "gram", "s": "second", "A": "ampere", "V": "volt", "W": "watt", "J": "joule", "N": "newton",
    "Pa": "pascal", "Hz": "hertz", "K": "kelvin", "mol": "mole", "C": "coulomb", "T": "tesla", "F": "farad",
    "H": "henry", "Ω": "ohm", "eV": "electronvolt", "L": "liter", "l": "liter", "cal": "calorie",
}  # fmt: skip
NAMES = {
    "m": "meter", "metre": "meter", "millimetre": "millimeter", "centimetre": "centimeter", "kilometre": "kilometer",
    "in": "inch", "inche": "inch", "ft": "foot", "feet": "foot", "yd": "yard", "mi": "mile", "s": "second",
    "sec": "second", "min": "minute", "h": "hour", "hr": "hour", "g": "gram", "kg": "kilogram", "kilo": "kilogram",
    "mm": "millimeter", "cm": "centimeter", "km": "kilometer", "mg": "milligram", "ml": "milliliter", "l": "liter",
    "litre": "liter", "millilitre": "milliliter", "usd": "dollar", "buck": "dollar", "eur": "euro", "amp": "ampere",
    "people": "person", "pt": "point", "°": "degree", "rad": "radian", "¢": "cent", "米": "meter",
    "厘米": "centimeter", "千米": "kilometer", "元": "yuan", "小时": "hour", "分钟": "minute", "度": "degree",
    "秒": "second", "克": "gram", "千克": "kilogram", "公斤": "kilogram",
}  # fmt: skip
SHORT = {"mph": "mile/hour", "kmh": "kilometer/hour", "kph": "kilometer/hour", "mps": "meter/second"}
SHORT |= {"percent": "%", "percentage": "%", "pct": "%"}
POWERS = {"square": 2, "sq": 2, "cubic": 3, "cu": 3, "squared": 2, "cubed": 3, "平方": 2, "立方": 3}
NO_UNIT = re.compile(
    r"(?:sin|cos|tan|log|ln|exp|lim|max|min|gcd|lcm|mod|det|pi|and|or|if|for|any|all|not|no)$", re.IGNORECASE
)


def symbol(word: str) -> str | None:
    """The name of a symbol of the SI, with or without a prefix; its case counts."""
    if word in SYMBOLS:
        return SYMBOLS[word]
    return PREFIXES[word[0]][0] + SYMBOLS[word[1:]] if word[:1] in PREFIXES and word[1:] in SYMBOLS else None


def words_of(text: str) -> list[str]:
    """The words of a unit, each by its own name."""
    found = []
    for word in re.findall(r"[^\W\d_]+|[°%/¢]", text):
        found += re.findall(r"[^/]+|/", name_of(word))
    return found


def name_of(word: str) -> str:
    plain = word.casefold()
    if word != plain and (found := symbol(word)):  # `A`, not the article
        return found
    return SHORT.get(plain) or NAMES.get(plain) or NAMES.get(singular(plain)) or symbol(word) or singular(plain)


def singular(word: str) -> str:
    return word.removesuffix("s") if len(word) > 2 and not word.endswith("ss") else word


def known(word: str, spaced: bool) -> bool:
    """Whether bare letters behind a number are a unit and no variables: `12 apples`, but not `12ab`."""
    plain = word.rstrip(".").casefold()
    if len(plain) == 1 and plain in "abcdefghijklmnopqrstuvwxyz":  # letters only behind a slash
        return plain in ("s", "h", "m", "l")
    names = NAMES.keys() | SIZES.keys() | SHORT.keys() | POWERS.keys() | {"degree", "unit", "per", "point"}
    if {singular(plain), plain} & names or symbol(word):
        return True
    return (
        spaced
        and len(plain) > 2
        and re.search("[aeiouy\u4e00-\u9fff]", plain) is not None
        and not NO_UNIT.match(plain)
    )


def kind_and_size(unit: str) -> tuple[str, Fraction]:
    """What a unit measures, and in how many of the first of its kind; a unit that is not known is of its own kind."""
    if unit in SIZES:
        return SIZES[unit]
    for prefix, factor in POWERS_OF_TEN.items():
        rest = unit.removeprefix(prefix)
        if rest != unit and rest in SYMBOLS.values():
            kind, size = SIZES.get(rest, (rest, Fraction(1)))
            return kind, factor * size
    return unit, Fraction(1)
