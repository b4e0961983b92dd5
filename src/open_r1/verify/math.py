r"""Are two mathematical answers the same? Structure and exact numbers first; math-verify for what is left.

An answer is a tree of lists, tuples, intervals, sets and matrices over atoms. The tree is compared here; two atoms are
compared as exact numbers, as words, at random points (`numeric.py`), or by math-verify. `compare` answers `None` where
only math-verify can tell: then the same function runs again in a worker process that can be killed (`pool.py`), with
`algebra.py` to decide the atoms.
"""

import functools
import re

from .atoms import Judge, every, is_formula, same_atom, some
from .equations import APPROXIMATE, by_name, claimed, in_order_of_names
from .latex import canonical
from .names import ANTIDERIVATIVE, renamed
from .numerals import readings
from .numeric import constant, constant_gap
from .reals import RELATION, is_set_like, read_reals, same_inequality
from .structure import as_interval, shape, structure
from .units import read_number, same_quantity
from .words import TEXT, same_moment, same_words

MAX_LENGTH, MAX_PARTS = 1000, 100  # characters of an answer, elements of a list
OPERATION = re.compile(
    r"\d\s*[-+*/^!×÷]|\\(?:cdot|times|frac|sqrt|binom|div|int|sum|prod|lim|log|ln|sin|cos|tan|gcd|lcm|max|min|det)|[a-z]\(\d"
)
OPTION = re.compile(r"(?:\\text\{\s*\(?([A-J])[).:]?\s*\}|\(([A-J])\)|([A-J])[).:])\s*(.+)")
CONDITION = re.compile(
    r";? ?(?:\\text\{ ?)?(?<![a-zA-Z\\])(?:for|if|when|where)(?: all| any| every)?(?![a-zA-Z]) ?\}? ?"
)
# a condition in brackets behind a formula
BRACKETED = re.compile(r"^(.+?) ?\(([^()]*(?:[<>]|\\(?:le|ge|ne|in)(?![a-z]))[^()]*)\)$")
LETTERS = re.compile(r"(?:\(?[A-J]\)?[;∨, ]*)+")
MODULUS = re.compile(r" ?\(?\\pmod ?(?:\{\w+\}|\w+)\)?")
POINT = re.compile(r"^[A-Z]'?(?:_\{\w+\})?(?=\()")
OF_SET = re.compile(r"^[a-z]\\in ?(?=\\\{)")  # a variable, where its finite set follows
CLOCK_LIKE = re.compile(r"\d{1,2}:\d{2}")


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
    if squeezed(gold) == squeezed(answer):
        return True
    if len(answer) > MAX_LENGTH or not answer:
        return False
    return some(same(one, other, judge) for one in readings(gold) for other in readings(answer, foreign=True))


def squeezed(text: str) -> str:
    """A text without spaces, but those between digits: `2 3/4` is a mixed number."""
    return re.sub(r"(?<!\d) | (?!\d)", "", text)


def copied(answer: str, gold: str, prompt: str) -> bool:
    """Whether an answer is an unevaluated expression of the question, and not what the gold says."""
    if len(answer) > MAX_LENGTH or not OPERATION.search(answer):
        return False
    answer = plain(answer).replace(" ", "")
    if answer == plain(gold).replace(" ", "") or read_number(plain(answer)):
        return False
    spaced = r"\s*".join(map(re.escape, answer))
    return re.search(rf"(?<![\w.]){spaced}(?![\w(])", canonical(prompt[-10 * MAX_LENGTH :])) is not None


def same(gold: str, answer: str, judge: Judge) -> bool | None:
    """Whether two answers in one spelling are the same, whatever their structure."""
    if gold == answer:
        return True
    if (moment := same_moment(gold, answer)) is not None:
        return moment
    one, other = read_number(gold), read_number(answer)
    if one and other:
        return same_quantity(one, other)
    if (said := same_words(gold, answer)) is not None:
        return said
    if (option := same_option(gold, answer, judge)) is not None:
        return option
    if re.fullmatch("[A-J]{2,6}", gold) and (letters := re.findall(r"[A-J]", answer)):  # several options
        return "".join(letters) == gold and LETTERS.fullmatch(answer) is not None
    if r"\pmod" in answer and r"\pmod" not in gold:
        return same(gold, MODULUS.sub("", answer), judge)
    conditions = [CONDITION.split(BRACKETED.sub(r"\1 for \2", text), maxsplit=1) for text in (gold, answer)]
    if all(len(parts) == 2 for parts in conditions):
        return every(same(one, other, judge) for one, other in zip(*conditions, strict=True))
    gold, answer = claimed(gold, renamed(gold, answer))
    if gold is None or answer is None:
        return False
    if gold == answer:
        return True
    functions = [match[1] for text in (gold, answer) if (match := ANTIDERIVATIVE.fullmatch(text))]
    if len(functions) == 2 and constant_gap(*functions):
        return True
    if APPROXIMATE in gold:
        return same_roughly(gold.split(APPROXIMATE), answer.split(APPROXIMATE), judge)
    if is_set_like(gold) or is_set_like(answer):
        return same_set(gold, answer, judge)
    return same_parts(gold, answer, judge)


def same_roughly(gold: list[str], answer: list[str], judge: Judge) -> bool | None:
    r"""A value and its decimals, as in `\sqrt{2}\approx1.41`: the same two, or one of them."""
    if len(gold) == len(answer):
        return every(same(one, other, judge) for one, other in zip(gold, answer, strict=True))
    return some(same(one, other, judge) for one in gold for other in answer)


def same_option(gold: str, answer: str, judge: Judge) -> bool | None:
    """
    A letter with the text of its option, "(C) 12": the letter where the gold is a letter, else the text; `None`
    without one.
    """
    match = OPTION.fullmatch(answer)
    if not match or OPTION.fullmatch(gold) or re.search(r"∨|^[;,]|(?<![\w\\])[A-J](?![\w])", match[4]):
        return None
    letter, text = match[1] or match[2] or match[3], match[4].strip()
    return letter == gold if re.fullmatch("[A-J]", gold) else same(gold, text, judge)


def same_set(gold: str, answer: str, judge: Judge) -> bool | None:
    """
    Sets of real numbers in any notation; where an end is no number, as intervals with ends that are compared as texts.
    """
    gold, answer = (OF_SET.sub("", text) for text in (gold, answer))
    if not (is_set_like(gold) or is_set_like(answer)):
        return same_parts(gold, answer, judge)
    one, other = read_reals(gold, constant), read_reals(answer, constant)
    if one and other:
        return one[1] == other[1] and (one[0] == other[0] or "" in (one[0], other[0]))
    left, right = as_interval(gold), as_interval(answer)
    if left and right and not (one or other):
        return same_parts(left, right, judge)
    if one or other or is_set_like(gold) != is_set_like(answer):
        return False
    if not (RELATION.search(gold) and RELATION.search(answer)):
        return False
    if {structure(text)[0] for text in (gold, answer)} & {"list", "set"}:  # of formulas and conditions
        return same_parts(gold, answer, judge)
    if (scaled := same_inequality(gold, answer)) is not None:
        return scaled
    return judge(gold, answer) if "=" not in gold + answer and is_formula(gold, answer) else False


# ----------------------------------------------------------------------------------------------------- structures


def same_parts(gold: str, answer: str, judge: Judge) -> bool | None:
    """Compares two structures, part by part."""
    kind, parts = structure(gold)
    other, others = structure(POINT.sub("", answer, count=1) if kind == "tuple" else answer)  # P(2,3)
    if len(parts) > MAX_PARTS or len(others) > MAX_PARTS:
        return False
    if kind == other == "atom":
        return same_atom(gold, answer, judge)
    if "ratio" in (kind, other):
        return same_ratio(kind, parts, other, others, judge)
    if {kind, other} <= {"list", "tuple"}:
        parts, others, kind = aligned(kind, parts, other, others)
        other = kind if kind == "tuple" else other
    if kind == other == "interval" and gold[0] + gold[-1] != answer[0] + answer[-1]:
        return False
    shapes = [shape(text) for text, name in ((gold, kind), (answer, other)) if name == "matrix"]
    if (len(shapes) == 2 and shapes[0] != shapes[1]) or (len(shapes) == 1 and 1 not in (len(shapes[0]), shapes[0][0])):
        return False
    how = COMPARABLE.get(frozenset((kind, other)))
    return how(parts, others, judge) if how else False


def aligned(kind: str, parts: list[str], other: str, others: list[str]) -> tuple[list[str], list[str], str]:
    """
    Parts of two lists or tuples side by side: "y=2, x=1" is (1,2), and the values of equal names belong together.
    """
    one, two = (by_name(list_) if name == "list" else None for name, list_ in ((kind, parts), (other, others)))
    if one and two and one.keys() == two.keys():
        return [one[name] for name in one], [two[name] for name in one], "tuple"
    if one and other == "tuple":
        return in_order_of_names(one), others, "tuple"
    if two and kind == "tuple":
        return parts, in_order_of_names(two), "tuple"
    return parts, others, "tuple" if kind != other else kind


def same_ratio(kind: str, parts: list[str], other: str, others: list[str], judge: Judge) -> bool | None:
    """`2:3` is 4:6 and two thirds; but 2:30 may be a time, and is 4:60 to nobody."""
    if kind == other:
        if len(parts) != len(others) or all(CLOCK_LIKE.fullmatch(":".join(texts)) for texts in (parts, others)):
            return False
        pairs = list(zip(parts, others, strict=True))
        first = pairs[0]
        return every(same_atom(f"({one})({first[1]})", f"({two})({first[0]})", judge) for one, two in pairs[1:])
    ratio, single = (parts, others) if kind == "ratio" else (others, parts)
    if len(ratio) != 2 or len(single) != 1 or {kind, other} != {"ratio", "atom"}:
        return False
    fraction = rf"\frac{{{ratio[0]}}}{{{ratio[1]}}}"
    return same(fraction, single[0], judge) if kind == "ratio" else same(single[0], fraction, judge)


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


def as_lists(gold: list[str], answer: list[str], judge: Judge) -> bool | None:
    """Whether two lists hold the same elements equally often, in any order."""
    if len(gold) != len(answer):
        return False
    left, unknown = list(answer), False
    for one in gold:
        verdicts = [same(one, other, judge) for other in left]
        if some(verdicts) is False:
            return False
        unknown |= True not in verdicts
        left.pop(verdicts.index(True if True in verdicts else None))
    return None if unknown else True


# Which kinds of answers may be the same, and how their parts are compared. "x=1, y=2" may stand for (1,2), but {1,2}
# may not.
COMPARABLE = {
    frozenset(kinds): how
    for how, pairs in {
        in_order: (["matrix"], ["tuple"], ["interval"], ["matrix", "tuple"]),
        as_lists: (["list"], ["list", "atom"]),
        as_sets: (["set"], ["union"], ["list", "set"], ["set", "atom"], ["list", "union"]),
    }.items()
    for kinds in pairs
}
