r"""Are two mathematical answers the same? Structure and exact numbers first; math-verify for what is left.

An answer is a tree of lists, tuples, intervals, sets and matrices over atoms. The tree is compared here; two atoms are compared as
exact numbers, as words, at random points (`numeric.py`), or by math-verify. `compare` answers `None` where only math-verify can
tell: then the same function runs again in a worker process that can be killed (`pool.py`), with `algebra.py` to decide the atoms.
"""

import functools
import re
from collections.abc import Callable

from .latex import canonical, closing, read_number, same_quantity

Judge = Callable[[str, str], bool | None]  # decides two atoms; None: cannot tell
MAX_LENGTH, MAX_PARTS = 1000, 100  # characters of an answer, elements of a list
WORDS = re.compile(r"[A-Za-z\u00c0-\u024f\u4e00-\u9fff][\w\s'’.:-]*")
NAME = r"\\?[A-Za-z]{1,8}(?:_\{\w+\})?(?:\([a-z](?:,[a-z])*\))?|\(\\?[a-z]+(?:,\\?[a-z]+)+\)"
EQUATION = re.compile(rf"(?P<name>{NAME})=(?P<value>[^=]+)$")
BASED = re.compile(r"(?P<digits>[0-9A-F]+)_\{(?P<base>\d+)\}")
TEXT = re.compile(r"\\text\{[^{}]*\}")
OPERATION = re.compile(r"\d\s*[-+*/^!×÷]|\\(?:cdot|times|frac|sqrt|binom|div|int|sum|prod|lim|log|ln|sin|cos|tan)")
RELATION = re.compile(r"<|>|\\le(?![a-z])|\\ge(?![a-z])")
MEMBER = re.compile(r"[a-z]\\in(?![a-z])(.+)")
OPEN_ENDS = {"<": "(", r"\le": "[", ">": ")", r"\ge": "]"}


@functools.lru_cache(maxsize=4096)
def plain(text: str) -> str:
    """An answer in one spelling, for grouping equal answers."""
    text = canonical(text)
    words = text[6:-1] if TEXT.fullmatch(text) else text
    return words[1:-1] if re.fullmatch(r"\([A-Z]\)", words) else words.strip()


def compare(gold: str, answer: str, judge: Judge) -> bool | None:
    """
    Compares two answers.

    Args:
        gold (`str`):
            The reference.
        answer (`str`):
            The answer.
        judge (`Callable`):
            Decides two atoms that are neither numbers nor words; may return `None` for "cannot tell".

    Returns:
        `bool` or `None`: whether they are the same; `None` if the judge could not tell.
    """
    if len(answer) > 5 * MAX_LENGTH:
        return False
    gold, answer = plain(gold), plain(answer)
    if gold == answer:
        return True
    if len(answer) > MAX_LENGTH or not answer:
        return False
    return same(gold, answer, judge)


def copied(answer: str, gold: str, prompt: str) -> bool:
    """Whether an answer is an unevaluated expression of the question, and not what the gold says."""
    if len(answer) > MAX_LENGTH or not OPERATION.search(answer):
        return False
    answer, squeezed = plain(answer).replace(" ", ""), canonical(prompt[-10 * MAX_LENGTH :]).replace(" ", "")
    return len(answer) > 2 and answer in squeezed and answer != plain(gold).replace(" ", "") and read_number(plain(answer)) is None


def same(gold: str, answer: str, judge: Judge) -> bool | None:
    """Whether two answers in one spelling are the same, whatever their structure."""
    if gold == answer:
        return True
    exact_gold, exact_answer = read_number(gold), read_number(answer)
    if exact_gold and exact_answer:
        return same_quantity(exact_gold, exact_answer)
    gold, answer = without_name(gold, answer)
    if (RELATION.search(gold) is None) != (RELATION.search(answer) is None) or MEMBER.match(answer) or MEMBER.match(gold):
        gold, answer = interval(gold) or gold, interval(answer) or answer
    (kind, parts), (other, others) = structure(gold), structure(answer)
    if len(parts) > MAX_PARTS or len(others) > MAX_PARTS:
        return False
    if kind == other == "atom":
        return same_atom(gold, answer, judge)
    if not COMPARABLE.get(frozenset((kind, other))):
        return False
    if kind == other == "interval" and gold[0] + gold[-1] != answer[0] + answer[-1]:
        return False
    if kind == "matrix" and shape(gold) != shape(answer):
        return False
    return COMPARABLE[frozenset((kind, other))](parts, others, judge)


def in_order(gold: list[str], answer: list[str], judge: Judge) -> bool | None:
    """Whether two sequences are the same, element by element."""
    if len(gold) != len(answer):
        return False
    return every(same(one, other, judge) for one, other in zip(gold, answer, strict=True))


def as_sets(gold: list[str], answer: list[str], judge: Judge) -> bool | None:
    """Whether each element of one has an equal in the other, both ways."""
    if not gold or not answer:
        return gold == answer
    table = [[same(one, other, judge) for other in answer] for one in gold]
    rows = every(some(row) for row in table)
    return every((rows, every(some(column) for column in zip(*table, strict=True))))


def every(values) -> bool | None:
    """`all` over true, false and unknown."""
    values = list(values)
    return False if False in values else None if None in values else True


def some(values) -> bool | None:
    """`any` over true, false and unknown."""
    values = list(values)
    return True if True in values else None if None in values else False


# Which kinds of answers may be the same, and how their parts are compared. "x=1, y=2" may stand for (1,2), but {1,2} may not.
COMPARABLE = {
    frozenset(kinds): how
    for how, pairs in {
        in_order: (["matrix"], ["tuple"], ["interval"], ["tuple", "list"]),
        as_sets: (["list"], ["set"], ["union"], ["list", "set"], ["list", "atom"], ["set", "atom"], ["list", "union"]),
    }.items()
    for kinds in pairs
}


def atoms(text: str) -> list[str]:
    """The expressions without further structure that an answer consists of."""
    text = EQUATION.match(text)["value"] if EQUATION.match(text) else text
    kind, parts = structure(interval(text) or text)
    return parts if kind == "atom" else [atom for part in parts for atom in atoms(part)]


def all_exact(gold: str) -> bool:
    """Whether an answer consists of numbers and words only, which need no computer algebra."""
    return all(read_number(atom) or as_words(atom) for atom in atoms(plain(gold)))


# ---------------------------------------------------------------------------------------------------- structure


def structure(text: str) -> tuple[str, list[str]]:
    """Kind of an answer (`atom`, `list`, `set`, `tuple`, `interval`, `union`, `matrix`) and its parts."""
    if text.startswith(r"\begin{pmatrix}") and text.endswith(r"\end{pmatrix}") and text.count(r"\begin") == 1:
        return "matrix", [cell for row in rows_of(text) for cell in row]
    if text == r"\emptyset":
        return "set", []
    if len(parts := split(text, r"\cup")) > 1:
        return "union", parts
    if len(parts := split(text, ",") if read_number(text) is None else [text]) > 1:
        return "list", parts
    if text.startswith(r"\{") and text.endswith(r"\}"):
        return "set", [part for inner in split(text[2:-2], ",") for part in plus_minus(inner)]
    if len(text) > 1 and text[0] in "([" and closing(text, 0) == len(text) - 1:
        parts = split(text[1:-1], ",")
        if len(parts) > 1:
            return ("tuple" if text[0] + text[-1] == "()" else "interval"), parts
    expanded = plus_minus(text)
    return ("list", expanded) if len(expanded) > 1 else ("atom", [text])


def split(text: str, separator: str) -> list[str]:
    """Parts between the separators that stand in no bracket; the comma of 1,000 separates nothing."""
    parts, depth, start = [], 0, 0
    for at, character in enumerate(text):
        depth += (character in "([{") - (character in ")]}")
        if depth == 0 and text.startswith(separator, at) and not text.startswith(r"\text", at):
            parts.append(text[start:at])
            start = at + len(separator)
    return [part.strip() for part in [*parts, text[start:]] if part.strip()]


def plus_minus(text: str) -> list[str]:
    r"""The two values of an expression with one `\pm`."""
    if text.count(r"\pm") != 1 or r"\mp" in text:
        return [text]
    before, _, after = text.partition(r"\pm")
    return [f"{before}+{after}" if before.strip() else after, f"{before}-{after}"]


def rows_of(matrix: str) -> list[list[str]]:
    """Cells of a matrix, row by row."""
    body = matrix.removeprefix(r"\begin{pmatrix}").removesuffix(r"\end{pmatrix}").strip().removesuffix(r"\\")
    return [[cell.strip() for cell in row.split("&")] for row in body.split(r"\\")]


def shape(matrix: str) -> list[int]:
    return [len(row) for row in rows_of(matrix)]


def without_name(gold: str, answer: str) -> tuple[str, str]:
    """Both without "x=", where one has it or both have the same; two different names stay and differ."""
    one, other = EQUATION.match(gold), EQUATION.match(answer)
    if one and other:
        return (one["value"], other["value"]) if one["name"] == other["name"] else (gold, answer)
    if other and "=" not in gold:
        return gold, other["value"]
    if one and "=" not in answer:
        return one["value"], answer
    if "=" not in gold and answer.count("=") > 1 and len(split(answer, ",")) == 1:
        return gold, answer.rpartition("=")[2]
    return gold, answer


def interval(text: str) -> str | None:
    r"""An inequality in one variable, or `x \in I`, as an interval; intervals as they are; `None` for anything else."""
    if member := MEMBER.fullmatch(text):
        return member[1]
    kind, parts = structure(text)
    if kind in ("list", "union"):
        parts = [interval(part) for part in parts]
        return None if None in parts else r"\cup".join(parts)
    if kind == "interval" or (kind == "tuple" and len(parts) == 2):
        return text
    sides, signs = RELATION.split(text), RELATION.findall(text)
    if len(signs) == 1:
        left, right = (side.strip() for side in sides)
        if re.fullmatch("[a-z]", right):
            left, right, signs = right, left, [{"<": ">", ">": "<", r"\le": r"\ge", r"\ge": r"\le"}[signs[0]]]
        if not re.fullmatch("[a-z]", left):
            return None
        upper = signs[0] in ("<", r"\le")
        bracket = OPEN_ENDS[signs[0]]
        return rf"(-\infty,{right}{')' if bracket == '(' else ']'}" if upper else rf"{'(' if bracket == ')' else '['}{right},\infty)"
    if len(signs) == 2 and re.fullmatch("[a-z]", sides[1].strip()) and all(sign in ("<", r"\le") for sign in signs):
        return f"{OPEN_ENDS[signs[0]]}{sides[0]},{sides[2]}{')' if signs[1] == '<' else ']'}"
    return None


# -------------------------------------------------------------------------------------------------------- atoms


def same_atom(gold: str, answer: str, judge: Judge) -> bool | None:
    """Whether two expressions without further structure are the same."""
    exact_gold, exact_answer = read_number(gold), read_number(answer)
    if exact_gold and exact_answer:
        return same_quantity(exact_gold, exact_answer)
    based = [BASED.fullmatch(text) for text in (gold, answer)]
    if any(based):  # 1011_2: the digits, and the base where both name one
        digits = [match["digits"] if match else text for match, text in zip(based, (gold, answer), strict=True)]
        return digits[0] == digits[1] and (not all(based) or based[0]["base"] == based[1]["base"])
    if (r"\infty" in gold) != (r"\infty" in answer) and (exact_gold or exact_answer):
        return False
    words_gold, words_answer = as_words(gold), as_words(answer)
    if words_gold and words_answer:
        return words_gold == words_answer
    if bool(words_gold) != bool(words_answer) and (words_gold or words_answer).count(" ") >= 1:
        return False  # a sentence is no expression
    return judge(gold, answer)


def as_words(text: str) -> str | None:
    """Case-folded text of an answer that is words, not mathematics: longer than a variable's name."""
    text = text[6:-1] if TEXT.fullmatch(text) else text
    if WORDS.fullmatch(text) and re.search(r"[^\W\d_]{3}|[\u4e00-\u9fff]", text):
        return " ".join(text.casefold().replace("’", "'").split())
    return None
