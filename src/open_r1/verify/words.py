r"""Answers in words: "Tuesday", "no solution", clock times, dates. Which of them say the same?"""

import functools
import re

TEXT = re.compile(r"\\text\{([^{}]*)\}")
WORDS = re.compile(r"[A-Za-z\u00c0-\u024f\u4e00-\u9fff][\w\s'’.:;,-]*")
NOTHING, UNDEFINED = "nothing", "undefined"
# Ways to say that there is no answer, or that a value does not exist; "does not exist" says both.
MISSING = [
    (re.compile(
        r"(?:there (?:is|are) )?no (?:(?:real|integer|positive|such|valid|possible) )*"
        r"(?:solutions?|values?|roots?|numbers?|integers?)(?: exists?)?"
        r"|(?:the )?empty set|none|无解|no (?:such )?\w exists?|空集"), {NOTHING}),
    (re.compile(r"(?:it |they |the limit )?(?:does|do) ?(?:not|n'?t) exist|d\.?n\.?e\.?|不存在"),
     {NOTHING, UNDEFINED}),
    (re.compile(r"(?:is )?(?:undefined|not defined|indeterminate|无定义)"), {UNDEFINED}),
]  # fmt: skip
REALS = re.compile(
    r"(?:all |any |every |the (?:set of )?)*real (?:numbers?|values?)(?: \w)?|(?:all )?reals|全体实数|任意实数"
)
TRUTH = {"yes", "no", "true", "false", "not"}
COUNTED = {
    "zero": "0", "one": "1", "two": "2", "three": "3", "four": "4", "five": "5", "six": "6", "seven": "7",
    "eight": "8", "nine": "9", "ten": "10", "eleven": "11", "twelve": "12",
}  # fmt: skip
# What may stand around words that answer: "it is even", "isosceles triangle", "infinitely many solutions".
LEAD = re.compile(r"(?:(?:it|they|this|these|the \w+) (?:is|are|will be|was) )?(?:an? |the )?")
ENDINGS = re.compile(r"\b(converg|diverg|increas|decreas)(?:es|ent|ing)\b")
DENIED = re.compile(
    r"no[,;:.] ?(?:such |there |it )?(?:[\w ]{0,40} )?(?:does not exist|do not exist|cannot exist|is none)"
)
NOUN = re.compile(r" (?:numbers?|integers?|solutions?|triangles?|quadrilaterals?|functions?|sets?|lines?)")
CLOCK = re.compile(r"(\d{1,2})(?::(\d{2}))?(?::(\d{2}))? ?(?:(a|p)\.?m\.?)?|(noon)|(midnight)", re.IGNORECASE)
MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
MONTH = (
    r"(?P<month>jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?"
    r"|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\.?(?![a-z])"
)
DAY = r"(?P<day>\d{1,2})(?:st|nd|rd|th)?"
DATES = [
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"{MONTH} {DAY}(?:[;, ]+(?P<year>\d{{4}}))?",
        rf"{DAY}(?: of)? {MONTH}(?:[;, ]+(?P<year>\d{{4}}))?",
        r"(?P<year>\d{4})-(?P<number>\d{1,2})-(?P<day>\d{1,2})",
        r"(?P<year>\d{4})年(?P<number>\d{1,2})月(?P<day>\d{1,2})日?",
    )
]


def unwrapped(text: str) -> str:
    r"""An answer without `\text{}` around its words."""
    return " ".join(TEXT.sub(r" \1 ", text).split()) if "\\text" in text else text


@functools.lru_cache(maxsize=8192)
def as_words(text: str) -> str | None:
    """Case-folded text of an answer that is words, not mathematics: longer than a variable's name."""
    text = unwrapped(text).strip(" .")
    if WORDS.fullmatch(text) and re.search(r"[^\W\d_]{3}|[\u4e00-\u9fff]", text):
        return " ".join(text.casefold().replace("’", "'").replace("-", " ").split())
    return None


@functools.lru_cache(maxsize=8192)
def missing(text: str) -> set[str]:
    """What an answer that names no value says; empty for one that does name something."""
    if text in (r"\emptyset", r"\phi"):  # many write the letter for the sign
        return {NOTHING}
    plain = re.sub(r"[.;,!]+$", "", unwrapped(text)).casefold().strip()
    return next((says for pattern, says in MISSING if pattern.fullmatch(plain)), set())


@functools.lru_cache(maxsize=8192)
def clock(text: str) -> tuple[int, bool | None] | None:
    """
    Seconds since midnight, or noon where it is not said which half of the day; and whether it is the second half, if
    it is said.
    """
    text = unwrapped(text).strip()
    match = CLOCK.fullmatch(text)
    if not match or (":" not in text and not (match[4] or match[5] or match[6])):
        return None
    if match[5] or match[6]:
        return 0, bool(match[5])
    hour, minute, second = (int(part or 0) for part in match.groups()[:3])
    if hour > 23 or minute > 59 or second > 59 or (match[4] and not 1 <= hour <= 12):
        return None
    half = match[4].casefold() == "p" if match[4] else hour >= 12 if hour > 12 or hour == 0 else None
    return hour % 12 * 3600 + minute * 60 + second, half


@functools.lru_cache(maxsize=8192)
def date(text: str) -> tuple[int, int, int | None] | None:
    """Month, day and, if it is said, year."""
    plain = unwrapped(text).strip()
    for pattern in DATES:
        if match := pattern.fullmatch(plain):
            found = match.groupdict()
            month = int(found["number"]) if found.get("number") else MONTHS.index(found["month"].casefold()[:3]) + 1
            return month, int(found["day"]), int(found["year"]) if found.get("year") else None
    return None


def same_moment(gold: str, answer: str) -> bool | None:
    """
    Whether two clock times or two dates are the same; `None` for anything else. What is left out is no difference.
    """
    one, other = date(gold), date(answer)
    if one and other:
        return one[:2] == other[:2] and (one[2] == other[2] or None in (one[2], other[2]))
    if one or other:
        return False
    one, other = clock(gold), clock(answer)
    if one and other:
        return one[0] == other[0] and (one[1] == other[1] or None in (one[1], other[1]))
    return False if any(moment and moment[1] is not None for moment in (one, other)) else None


def same_phrase(one: str, other: str) -> bool:
    """Whether two phrases are the same but for a lead, and for a noun that only one of them has."""
    short, long = sorted((ENDINGS.sub(r"\1", text[LEAD.match(text).end() :]) for text in (one, other)), key=len)
    return long.startswith(short) and (short == long or NOUN.fullmatch(long[len(short) :]) is not None)


def same_words(gold: str, answer: str) -> bool | None:
    """Whether two answers say the same in words; `None` where words do not decide."""
    if (says := missing(gold)) and (other := missing(answer)):
        return bool(says & other)
    words, others = as_words(gold), as_words(answer)
    if words and others:
        if words == "no" and DENIED.fullmatch(others):
            return True
        if words in TRUTH and re.match(rf"{words}[,;:.]", others):
            return not TRUTH & set(re.findall(r"\w+", others)[1:])
        return same_phrase(words, others)
    if COUNTED.get(words or others or ""):
        return COUNTED.get(words or "", gold) == COUNTED.get(others or "", answer)
    if bool(words) != bool(others) and " " in (words or others) and not REALS.fullmatch(words or others):
        return False  # a sentence is no expression
    return None
