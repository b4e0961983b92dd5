r"""Numbers as people write them: grouped digits, repeating decimals, fractions, mixed numbers, powers of ten. Read
exactly.

Where a comma may group digits or separate a list, both readings are kept: `readings` says which texts an answer may
stand for.
"""

import functools
import re
import unicodedata
from fractions import Fraction

DOTS = r"\s*(?:\.{2,}|\\[lc]?dots(?![a-zA-Z]))"
OVERLINE = re.compile(r"(?<![\d.])(\d+)\.(\d*)\\(?:overline|bar)\s*(?:\{\s*(\d+)\s*\}|(\d))")
DOTTED = re.compile(r"(?<![\d.])(\d+)\.(\d*)\\dot\s*\{?(\d)\}?(?:(\d*)\\dot\s*\{?(\d)\}?)?")
COMBINED = re.compile(r"(?<![\d.])(\d+)\.(\d*?)((?:\d[\u0304\u0305\u0307])+)")
BRACKETED = re.compile(r"(?<![\d.])(\d+)\.(\d*)\((\d+)\)(?![\w^])")
CONTINUED = re.compile(rf"(?<![\d.])(\d+)\.(\d*?)(\d+?)\3+(\d*){DOTS}")
CUT = re.compile(rf"(\.\d{{4,}}){DOTS}")
SPELLINGS = [
    (re.compile(r"\{,\}(?=\d{3}(?!\d))"), ","),
    (re.compile(r"(?<=\d)\{,\}(?=\d)"), "."),  # a decimal comma
    (re.compile(r"(?<=\d)'(?=\d{3}(?!\d))"), ""),
    (re.compile(r"(?<![\d.,])\d{1,3}(?:\.\d{3}){2,}(?![\d.,])"), lambda match: match[0].replace(".", "")),
    # 12,34,567
    (re.compile(r"(?<![\d.,])\d{1,2}(?:,\d{2})+,\d{3}(?![\d,])"), lambda match: match[0].replace(",", "")),
]  # fmt: skip


def one_spelling(text: str) -> str:
    """ASCII digits, and repeating decimals as the fractions they are."""
    if not text.isascii():
        text = COMBINED.sub(lambda match: repeating(match[1], match[2], re.sub(r"\D", "", match[3])), text)
        text = "".join(str(unicodedata.decimal(c)) if c > "\x7f" and c.isdecimal() else c for c in text)
    if "." in text:
        text = OVERLINE.sub(lambda match: repeating(match[1], match[2], match[3] or match[4]), text)
        text = DOTTED.sub(
            lambda match: repeating(match[1], match[2], "".join(part or "" for part in match.groups()[2:])), text
        )
        text = BRACKETED.sub(lambda match: repeating(match[1], match[2], match[3]), text)
        text = CUT.sub(r"\1", CONTINUED.sub(continued, text))
    for pattern, spelling in SPELLINGS:
        text = pattern.sub(spelling, text)
    return text


def repeating(whole: str, fixed: str, period: str) -> str:
    """The fraction of a decimal whose last digits repeat."""
    value = Fraction(int(whole + fixed + period) - int(whole + fixed), (10 ** len(period) - 1) * 10 ** len(fixed))
    return rf"\frac{{{value.numerator}}}{{{value.denominator}}}"


def continued(match: re.Match) -> str:
    """The same for 0.1666...; what follows the last whole period must be the start of another."""
    whole, fixed, period, rest = match.groups()
    return repeating(whole, fixed, period) if period.startswith(rest) else match[0]


# ------------------------------------------------------------------------------------------- commas between digits

RUN = re.compile(r"(?<![\w.,])\d+(?:,\d+)+(?:\.\d+)?(?![\d,])|(?<![\w.,])\d{1,3}(?:\.\d{3})+,\d+(?![\w.,])")
GROUPED = re.compile(r"[1-9]\d{0,2}(?:,\d{3})+(?:\.\d+)?")
BRACKETED_RUN = re.compile(r"[(\[{]\d+(?:,\d+)+(?:[)\]]|\\\})")  # (1,234) is a pair, [0,5] an interval
FOREIGN = re.compile(r"\d+,\d+|\d{1,3}(?:\.\d{3})+,\d+")
SURELY_FOREIGN = re.compile(r"0,\d+|\d+,\d\d|\d{1,3}(?:\.\d{3})+,\d+")


def readings(text: str, foreign: bool = False) -> list[str]:
    """
    What an answer with commas between digits may mean.

    Args:
        text (`str`):
            The answer, in canonical spelling.
        foreign (`bool`, *optional*, defaults to `False`):
            Whether any comma may also be a decimal point: in an answer, whose reader knows what is wanted, but in a
            gold only one that looks like it (`0,5` and `1,25`, not `2,5`).

    Returns:
        `list[str]`: the texts without such commas.
    """
    if "," not in text:
        return [text]
    runs = RUN.findall(text)
    found = [text.replace(",", ";")]
    if BRACKETED_RUN.search(text):
        return found
    if len(runs) == 1 and "." in runs[0] and GROUPED.fullmatch(runs[0]):
        found = []  # 1,234.5 is no list
    if runs and all(GROUPED.fullmatch(run) for run in runs):
        found.append(RUN.sub(lambda match: match[0].replace(",", ""), text).replace(",", ";"))
    alone = len(runs) == 1 and not re.search(r"[(\[{;∨]", text)
    if alone and (FOREIGN if foreign else SURELY_FOREIGN).fullmatch(runs[0]) and not GROUPED.fullmatch(runs[0]):
        found.append(text.replace(runs[0], runs[0].replace(".", "").replace(",", ".")))
    return found


# ------------------------------------------------------------------------------------------------- exact numbers

DIGITS = r"(?:\d{1,3}(?: \d{3})+(?!\d)|\d{1,400})"
NUMBER = re.compile(
    rf"(?P<sign>[+-]*)(?:(?P<whole>{DIGITS})? ?\\frac\{{(?P<a>[+-]?\d{{1,100}})\}}\{{(?P<b>[+-]?\d{{1,100}})\}}"
    rf"|(?:(?P<mixed>\d{{1,20}}) )?(?P<c>{DIGITS})/(?P<d>\d{{1,100}})"
    rf"|(?P<int>{DIGITS})(?:\.(?P<dec>\d{{0,100}}))?|\.(?P<bare>\d{{1,100}}))"
    r"(?:(?:\\times|\\cdot|\*) ?10\^\{?\(?(?P<exp>[+-]?\d{1,3})\)?\}?|[eE](?P<e>[+-]?\d{1,3}))?"
)
POWER_OF_TEN = re.compile(r"(?P<sign>-?)10\^\{?(?P<exp>[+-]?\d{1,3})\}?")


@functools.lru_cache(maxsize=4096)
def read_start(text: str) -> tuple[Fraction, int, str] | None:
    """
    Value and decimals of the exact number that a text starts with, and what follows it; `None` if it starts with none.
    """
    if power := POWER_OF_TEN.fullmatch(text):
        return Fraction(10) ** int(power["exp"]) * (-1 if power["sign"] else 1), 0, ""
    match = NUMBER.match(text)
    if not match or match.end() == 0 or text[match.end() : match.end() + 1] in (".", "/", "^", "_", "!", "("):
        return None
    value, decimals = exact_value(match)
    return None if value is None else (value, decimals, text[match.end() :])


def exact_value(match: re.Match) -> tuple[Fraction | None, int]:
    """Value and number of decimals of a match of `NUMBER`; the value of a division by zero is `None`."""
    plain = {key: (text or "").replace(" ", "") for key, text in match.groupdict().items()}
    decimals = plain["dec"] or plain["bare"]
    if match["a"]:
        top, bottom = int(plain["a"]), int(plain["b"])
    elif match["c"]:
        top, bottom = int(plain["c"]), int(plain["d"])
        if match["mixed"] and top >= bottom:  # 25 000/3
            return (None, 0) if len(plain["c"]) != 3 else (Fraction(int(plain["mixed"] + plain["c"]), bottom or 1), 0)
    else:
        top, bottom = int((plain["int"] or "0") + decimals), 10 ** len(decimals)
    if bottom == 0:
        return None, 0
    value = Fraction(top, bottom) + int(plain["whole"] or plain["mixed"] or 0)
    value *= Fraction(10) ** int(plain["exp"] or plain["e"] or 0)
    return value * (-1) ** plain["sign"].count("-"), len(decimals)
