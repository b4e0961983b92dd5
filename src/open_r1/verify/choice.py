"""Multiple choice, A to J (GPQA has 4 options, MMLU-Pro up to 10): which letter does an answer name?

A gold is a letter (MMLU-Pro, C-Eval), the text of an option (SciQ, GPQA), or an index from 0 (MMLU, MedMCQA,
HellaSwag). An integer is always an index. A text of digits is an option's text where one reads so, and an index where
none does. A lone letter is always a letter.
"""

import re
from collections.abc import Sequence

from ..core.formats import Response
from .latex import canonical

LETTERS = "ABCDEFGHIJ"
WIDE = str.maketrans("（）【】［］：．。，＊ＡＢＣＤＥＦＧＨＩＪ", "()[][]:..,*ABCDEFGHIJ")
COLOR = re.compile(r"\\(?:text)?color(?:box)?\s*\{[^{}]*\}")
WRAPPER = re.compile(r"\\(?:text\w*|math\w+)\s*\{([^{}]*)\}")
LETTER = r"[(\[{\s*]*([A-J])[)\]}\s*]*"
NAMED = re.compile(
    rf"(?:(?:option|choice|answer|选项|故选|应选|答案|选)(?:\s+is|是|为|选)?[\s:]*)?{LETTER}(?:(?P<apart>[.:)\-–])\s*)?(?P<text>.*)",
    re.IGNORECASE | re.DOTALL,
)
STATED = re.compile(
    r"(?:\banswer\b\W{0,3}(?:is|[:=])\W*(?:option\W+)?|(?:故选|应选|我选|选择|答案(?:是|为|选)?)\s*:?\s*)"
    r"\(?((?-i:[A-J])|(?<=\()[A-J](?=\)))(?![A-Za-z0-9])(?!\)?\s*(?:or|and|/|,|或|和|、)\s*\(?[A-J]\b)",
    re.IGNORECASE,
)
ALONE = re.compile(r"\(?\b([A-J])\b\)?[.:)]?\s*$")
OTHERS = re.compile(r"\b[B-J]\b|\b[A-J][.)]|(?:^|\s)\(?A\)?$|\b(?:or|and|或|和)\s+\(?A\b")


def cleaned(answer: str) -> str:
    """An answer without colour, fonts and marks around it."""
    answer = WRAPPER.sub(r"\1", COLOR.sub("", answer.translate(WIDE)))
    return answer.replace("$", "").strip().rstrip(".").strip("*` ")


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
    answer = cleaned(answer)
    match = NAMED.fullmatch(answer)
    letter, text = (match[1].upper(), match["text"]) if match else (None, "")
    index = ord(letter) - ord("A") if letter else 0
    if letter and not text:
        return letter if not options or index < len(options) else None
    same = [place for place, option in enumerate(options or []) if words(option) == words(answer)]
    if same:
        return LETTERS[same[0]] if same[0] < len(LETTERS) else None
    if not letter or index >= len(options or LETTERS):
        return None
    if options and words(options[index]) == words(text):
        return letter
    apart = match["apart"] or answer[: match.start("text")].rstrip().endswith((")", "]"))
    return letter if apart and not OTHERS.search(text) and not names_another(text, index, options or ()) else None


def names_another(text: str, index: int, options: Sequence[str]) -> bool:
    """
    Whether a text holds another option than the one with this index, which may itself hold others ("both of them").
    """
    own = f" {words(options[index])} " if options else ""
    return any(f" {words(option)} " in f" {words(text)} " and f" {words(option)} " not in own for option in options)


def words(text: str) -> str:
    return canonical(str(text)).casefold()


def judge(gold: str, answer: str, options: tuple[str, ...] | None = None) -> bool | None:
    """Whether an answer names the gold letter; `None` for a gold that names no option."""
    right = chosen(gold, options)
    if right is None and options and gold.isdecimal() and len(gold) < 3 and int(gold) < len(options):
        right = LETTERS[int(gold)]
    return None if right is None else chosen(answer, options) == right


def part(response: Response) -> str | None:
    """The answer to judge. Without a box it may be the start of a sentence: "the answer is B because ..."."""
    answer, final = response.answer, response.final
    if not final or answer and ("boxed" in final or chosen(answer)):
        return answer
    return find(final) or answer


def find(final: str) -> str | None:
    """The answer in a final part without box: what "the answer is" names last, or a letter alone on the last line."""
    final = final[-5000:].translate(WIDE)
    if stated := STATED.findall(final):
        return stated[-1]
    last = final.strip().splitlines()[-1] if final.strip() else ""
    alone = ALONE.fullmatch(last.strip().strip("*"))
    return alone[1] if alone else None
