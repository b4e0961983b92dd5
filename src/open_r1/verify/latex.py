r"""One spelling for every answer: `\dfrac12`, `\frac{1}{2}` and `$\tfrac 12$` become the same string, and exact numbers are read.

Everything here is plain string work of some microseconds, so that most verdicts never need a computer algebra system.
"""

import functools
import re
from fractions import Fraction
from typing import NamedTuple

SYMBOLS = str.maketrans(
    {"−": "-", "–": "-", "×": r"\times ", "·": r"\cdot ", "÷": "/", "π": r"\pi ", "∞": r"\infty ", "≤": r"\le ", "≥": r"\ge ", "≠": r"\ne ",
     "°": r"^\circ ", "∪": r"\cup ", "∅": r"\emptyset ", "±": r"\pm ", "，": ",", "（": "(", "）": ")", "％": "%", "²": "^{2}", "³": "^{3}",
     "~": " ", "\u00a0": " ", "\u2009": " ", "\u202f": " "}
)  # fmt: skip
# Applied in this order. What never changes the value goes away; what has several spellings gets one.
SPELLINGS = [
    (re.compile(r"(?<!\\)\$\$?|(?<!\\)\\[()\[\]]|\\(?:left|right|[bB]ig+[lr]?|displaystyle|textstyle|limits)(?![a-zA-Z])\.?"), ""),
    (re.compile(r"\\!|\{,\}(?=\d{3})"), lambda match: "," if match[0] == "{,}" else ""),
    (re.compile(r"(?<=\d)\{,\}(?=\d)"), "."),  # a decimal comma
    (re.compile(r"(?<!\\)\\[,;: ]|~|\\q?quad(?![a-zA-Z])|\\enspace|\\thinspace"), " "),
    (re.compile(r" {2,}"), " "),
    (re.compile(r"\\[dtc]frac(?![a-zA-Z])"), r"\\frac"),
    (re.compile(r"\\(?:mathrm|mathit|mathbf|operatorname|rm)\s*\{([A-Za-z])\}"), r"\1"),
    (re.compile(r"\\(?:text|textrm|textbf|textit|mathrm|mathbf|mathit|mbox|operatorname|textsf)\s*\{"), r"\\text{"),
    (re.compile(r"\\text\{\s*(?:and|or)\s*\}|,?\s+(?:and|or)\s+|[和或、]|\\(?:lor|vee)(?![a-zA-Z])"), ","),
    (re.compile(r"\\(?:leq|leqslant)(?![a-zA-Z])"), r"\\le"),
    (re.compile(r"\\(?:geq|geqslant)(?![a-zA-Z])"), r"\\ge"),
    (re.compile(r"\\neq(?![a-zA-Z])"), r"\\ne"),
    (re.compile(r"\\lt(?![a-zA-Z])"), "<"),
    (re.compile(r"(?<![\w)}\]])\+\s*\\infty"), r"\\infty"),
    (re.compile(r"\\gt(?![a-zA-Z])"), ">"),
    (re.compile(r"\\(?:varnothing|phi)(?![a-zA-Z])|\\\{\s*\\\}"), r"\\emptyset"),
    (re.compile(r"\\(?:lbrace|rbrace)(?![a-zA-Z])"), lambda match: r"\{" if match[0] == r"\lbrace" else r"\}"),
    (re.compile(r"\\begin\{(?:[bvBV]?matrix|array)\}(?:\{[lcr|\s]*\})?"), r"\\begin{pmatrix}"),
    (re.compile(r"\\end\{(?:[bvBV]?matrix|array)\}"), r"\\end{pmatrix}"),
    (re.compile(r"\\(frac|binom)\s*([0-9a-zA-Z])\s*([0-9a-zA-Z])"), r"\\\1{\2}{\3}"),
    (re.compile(r"\\(frac|binom)\s*([0-9a-zA-Z])\s*\{"), r"\\\1{\2}{"),
    (re.compile(r"\\(frac|binom)(\{[^{}]*\})\s*([0-9a-zA-Z])"), r"\\\1\2{\3}"),
    (re.compile(r"\\sqrt\s*([0-9a-zA-Z])"), r"\\sqrt{\1}"),
    (re.compile(r"([_^])\s*([0-9]+|[a-zA-Z])"), r"\1{\2}"),
    (re.compile(r"\^\{?\\circ\}?"), r"\\degree "),
]  # fmt: skip
SPACE = re.compile(r"\s*([^\w\s\\]|\\(?:le|ge|ne|cup|pm|times|cdot|in|degree|emptyset|infty|pi)(?![a-zA-Z]))\s*|\s+")


@functools.lru_cache(maxsize=4096)
def canonical(text: str) -> str:
    """An answer in our one spelling, without outer spaces and final full stop."""
    text = " ".join(text.translate(SYMBOLS).split())
    for pattern, spelling in SPELLINGS:
        text = pattern.sub(spelling, text)
    text = SPACE.sub(closed_up, text).strip().rstrip(".,;").strip()
    if text.startswith(r"(\begin{pmatrix}") and text.endswith(r"\end{pmatrix})"):
        text = text[1:-1]
    while len(text) > 1 and text[0] == "{" and closing(text, 0) == len(text) - 1:
        text = text[1:-1].strip()
    return text


def closed_up(match: re.Match) -> str:
    """No space around operators, but one between a command and a letter."""
    if match[1] and match[1].startswith("\\") and match.string[match.end() : match.end() + 1].isalpha():
        return match[1] + " "
    return match[1] or " "


def closing(text: str, start: int) -> int:
    """Index of the bracket that closes the one at `start`, -1 if none does. Half-open intervals close with another kind."""
    depth = 0
    for at in range(start, len(text)):
        depth += (text[at] in "([{") - (text[at] in ")]}")
        if depth == 0:
            return at
    return -1


# ------------------------------------------------------------------------------------------------------ numbers

DIGITS = r"(?:\d{1,3}(?:,\d{3})+(?![\d])|\d{1,3}(?: \d{3})+(?![\d])|\d{1,400})"
NUMBER = re.compile(
    rf"(?P<sign>[+-]*)(?:(?P<whole>{DIGITS})?(?:\\frac\{{(?P<a>[+-]?\d{{1,100}})\}}\{{(?P<b>[+-]?\d{{1,100}})\}})"
    rf"|(?P<c>{DIGITS})/(?P<d>\d{{1,100}})|(?P<int>{DIGITS})(?:\.(?P<dec>\d{{0,100}}))?|\.(?P<bare>\d{{1,100}}))"
    r"(?:(?:\\times|\\cdot|\*) ?10\^\{?\(?(?P<exp>[+-]?\d{1,3})\)?\}?|[eE](?P<e>[+-]?\d{1,3}))?"
)
CURRENCY = re.compile(r"(?:\\\$|\\text\{\s*\\?[$€£¥]\s*\}|[€£¥])\s*")
POWER_OF_TEN = re.compile(r"(?P<sign>-?)10\^\{?(?P<exp>[+-]?\d{1,3})\}?")
UNIT = re.compile(r"(?:\\text\{(?P<text>[^{}\d]*)\}|(?P<bare>[a-zA-Z]{2,}(?:/[a-zA-Z]+)?))(?:\^\{(?P<power>[23])\})?")
# Units that may follow a number without \\text; single letters may not, they are variables.
BARE_UNITS = (
    "mm cm km kg mg ml km/h mph m/s kmh hours hour hrs minutes minute min seconds second sec days day weeks week months month years"
    " year dollars dollar cents cent euros euro meters metres meter metre centimeters inches inch feet foot ft miles mile yards units"
    " unit degrees degree radians percent points people students grams liters litres square sq"
)
SAME_UNIT = {
    "cm": "centimeter", "mm": "millimeter", "km": "kilometer", "m": "meter", "kg": "kilogram", "g": "gram", "metre": "meter",
    "in": "inch", "ft": "foot", "feet": "foot", "inche": "inch", "s": "second", "sec": "second", "min": "minute", "h": "hour",
    "hr": "hour", "litre": "liter", "l": "liter", "dollar": "$", "usd": "$", "kmh": "km/h", "degree": "°", "unit": "",
    "sq": "square", "%": "percent", "": "",
}  # fmt: skip


class Quantity(NamedTuple):
    """
    A number that was read exactly.

    Attributes:
        value (`Fraction`): Its value, a percentage divided by 100.
        decimals (`int`): Digits behind the decimal point, 0 for integers and fractions.
        unit (`str`): Its unit in one spelling, empty for none; `percent` for a percentage.
    """

    value: Fraction
    decimals: int
    unit: str


@functools.lru_cache(maxsize=4096)
def read_number(text: str) -> Quantity | None:
    """Reads an integer, decimal, fraction, mixed number, power of ten, percentage or any of them with a unit, exactly."""
    text, currency = CURRENCY.sub("", text), "$" if CURRENCY.match(text) else ""
    match = NUMBER.match(text)
    if power := POWER_OF_TEN.fullmatch(text):
        return Quantity(Fraction(10) ** int(power["exp"]) * (-1 if power["sign"] else 1), 0, "")
    if not match or match.end() == 0:
        return None
    unit = read_unit(text[match.end() :])
    if unit is None or (currency and unit not in ("", "$")):
        return None
    value, decimals = exact_value(match)
    if value is None:
        return None
    return Quantity(value / 100 if unit == "percent" else value, decimals, currency or unit)


def exact_value(match: re.Match) -> tuple[Fraction | None, int]:
    """Value and number of decimals of a match of `NUMBER`; the value of a division by zero is `None`."""
    plain = {key: (text or "").replace(",", "").replace(" ", "") for key, text in match.groupdict().items()}
    decimals = plain["dec"] or plain["bare"]
    if match["a"]:
        top, bottom = int(plain["a"]), int(plain["b"])
    elif match["c"]:
        top, bottom = int(plain["c"]), int(plain["d"])
    else:
        top, bottom = int((plain["int"] or "0") + decimals), 10 ** len(decimals)
    if bottom == 0:
        return None, 0
    value = Fraction(top, bottom) + int(plain["whole"] or 0)
    value *= Fraction(10) ** int(plain["exp"] or plain["e"] or 0)
    return value * (-1) ** plain["sign"].count("-"), len(decimals)


def read_unit(text: str) -> str | None:
    """The unit that follows a number, in one spelling; empty for none, `None` for what is no unit."""
    text = text.strip()
    if not text:
        return ""
    if text in ("\\%", "%"):
        return "percent"
    if text == r"\degree":
        return "°"
    words = []
    while text:
        match = UNIT.match(text)
        word = (match["text"] if match["text"] is not None else match["bare"]).strip().casefold() if match else ""
        if not match or (match["bare"] and word not in BARE_UNITS.split()):
            return None
        for part in word.rstrip(".").split():
            single = part.removesuffix("s") if len(part) > 2 else part
            words.append(SAME_UNIT.get(part, SAME_UNIT.get(single, single)))
        words += ["^" + match["power"]] if match["power"] else []
        text = text[match.end() :].strip()
    return " ".join(word for word in words if word)


def same_quantity(gold: Quantity, answer: Quantity) -> bool:
    """
    Whether two numbers are the same. Exact, except that a decimal with six digits or more may be a rounded value. A unit may
    be left out; a percentage may be written without its sign.
    """
    if gold.unit and answer.unit and gold.unit != answer.unit:
        return False
    if same_value(gold, answer):
        return True
    scaled = [Quantity(q.value * 100, q.decimals, "") for q in (gold, answer) if q.unit == "percent"]
    if len(scaled) != 1:
        return False
    return same_value(scaled[0], answer) if gold.unit else gold.value >= 1 and same_value(gold, scaled[0])


def same_value(one: Quantity, other: Quantity) -> bool:
    if one.value == other.value:
        return True
    digits, gap = max(one.decimals, other.decimals), abs(one.value - other.value)
    return digits >= 6 and gap < Fraction(1, 10**digits) and gap < abs(one.value) / 1000  # rounded or cut off there
