"""Multiple choice, A to J (GPQA has 4 options, MMLU-Pro up to 10): which letter does an answer name?"""

import re
from collections.abc import Sequence

from ..formats import Response
from .latex import canonical

LETTER = r"[\(\[\s*]*([A-J])[\)\]\s*]*"
NAMED = re.compile(rf"(?:(?:option|choice|answer|选项)(?:\s+is)?[\s:]*)?{LETTER}(?:[.:)\-–]\s*(?P<text>.*))?", re.IGNORECASE | re.DOTALL)
STATED = re.compile(
    r"\banswer\b\W{0,3}(?:is|[:=])\W*(?:option\W+)?\(?((?-i:[A-J])|(?<=\()[A-J](?=\)))\b(?!\s*(?:or|and|/|,)\s*\(?[A-J]\b)",
    re.IGNORECASE,
)
ALONE = re.compile(r"\(?\b([A-J])\b\)?[.:)]?\s*$")


def chosen(answer: str, options: Sequence[str] | None = None) -> str | None:
    """
    The letter an answer names.

    Args:
        answer (`str`):
            The answer, such as "B", "(B)", "B. mitochondria", "option B", or the text of an option.
        options (`Sequence[str]`, *optional*):
            Texts of the options, in order.

    Returns:
        `str` or `None`: the letter; `None` if it names none, or more than one.
    """
    answer = re.sub(r"\\(?:text\w*|math\w+)\s*\{([^{}]*)\}", r"\1", answer).replace("$", "").strip().rstrip(".").strip("*` ")
    for index, option in enumerate(options or []):
        if same_words(option, answer):
            return chr(ord("A") + index)
    match = NAMED.fullmatch(answer)
    if not match:
        return None
    letter, text = match[1].upper(), match["text"]
    if text and options:
        index = ord(letter) - ord("A")
        return letter if index < len(options) and same_words(options[index], text) else None
    return letter if not text or not re.search(r"\b[B-J]\b|\b[A-J][.)]", text) else None  # "A. and B." names two


def same_words(one: str, other: str) -> bool:
    return canonical(str(one)).casefold() == canonical(str(other)).casefold()


def judge(gold: str, answer: str, options: tuple[str, ...] | None = None) -> bool | None:
    """Whether an answer names the gold letter; the gold may also be an index into `options`, or an option's text."""
    if gold.isdigit() and options and int(gold) < len(options):
        gold = chr(ord("A") + int(gold))
    right = chosen(gold, options)
    return None if right is None else chosen(answer, options) == right


def part(response: Response) -> str | None:
    """The answer to judge. Without a box it may be the start of a sentence: "the answer is B because ..."."""
    answer, final = response.answer, response.final
    if not final or answer and ("boxed" in final or chosen(answer)):
        return answer
    return find(final) or answer


def find(final: str) -> str | None:
    """The answer in a final part without box: what "the answer is" names last, or a letter alone on the last line."""
    final = final[-5000:]
    if stated := STATED.findall(final):
        return stated[-1]
    last = final.strip().splitlines()[-1] if final.strip() else ""
    alone = ALONE.fullmatch(last.strip().strip("*"))
    return alone[1] if alone else None
