r"""Are two mathematical answers the same? Structure and exact numbers first; math-verify for what is left.

An answer is a tree of lists, tuples, intervals, sets and matrices over atoms. The tree is compared here; two atoms are
compared as exact numbers, as words, at random points (`numeric.py`), or by math-verify. `compare` answers `None` where
only math-verify can tell: then the same function runs again in a worker process that can be killed (`pool.py`), with
`algebra.py` to decide the atoms.
"""

import functools
import re
from collections.abc import Callable, Sequence

from .equations import NAMED, by_name, claimed, in_order_of_names, sides
from .latex import canonical, closing
from .numerals import readings
from .numeric import constant, has_value
from .reals import MEMBER, MIRRORED, RELATION, cut, is_set_like, read_reals
from .units import read_number, same_quantity, split_unit
from .words import TEXT, as_words, missing, same_moment, same_words

Judge = Callable[[str, str], bool | None]  # decides two atoms; None: cannot tell
MAX_LENGTH, MAX_PARTS = 1000, 100  # characters of an answer, elements of a list
BASES = {
    name: str(n)
    for n, name in enumerate(
        ["two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"], 2
    )
}
BASES["sixteen"] = "16"
BASED = re.compile(
    r"(?:\(|\\text\{)?(?P<digits>-?[0-9A-F]+)[)}]?_(?:\{(?P<base>\d+|\\text\{\w+\}|[a-z]+)\}|\\text\{(?P<word>\w+)\})"
)
OPERATION = re.compile(
    r"\d\s*[-+*/^!×÷]|\\(?:cdot|times|frac|sqrt|binom|div|int|sum|prod|lim|log|ln|sin|cos|tan|gcd|lcm|max|min|det)|[a-z]\(\d"
)
OPTION = re.compile(r"(?:\\text\{\s*\(?([A-J])[).:]?\s*\}|\(([A-J])\)|([A-J])[).:])\s*(.+)")
ENDLESS = re.compile(r"[+-]?\\infty")
# what no judge of formulas can read
PROSE = re.compile(r"\\begin|(?<![a-zA-Z\\{])(?!arc)[a-zA-Z]{4,}|[^\x20-\x7e]|[?&#@$\"]")
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
    gold, answer = claimed(gold, answer)
    if gold is None or answer is None:
        return False
    if gold == answer:
        return True
    if is_set_like(gold) or is_set_like(answer):
        return same_set(gold, answer, judge)
    return same_parts(gold, answer, judge)


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
    one, other = read_reals(gold, constant), read_reals(answer, constant)
    if one and other:
        return one[1] == other[1] and (one[0] == other[0] or "" in (one[0], other[0]))
    left, right = as_interval(gold), as_interval(answer)
    if left and right and not (one or other):
        return same_parts(left, right, judge)
    if one or other or is_set_like(gold) != is_set_like(answer):
        return False
    return judge(gold, answer) if RELATION.search(gold) and RELATION.search(answer) else False


def as_interval(text: str) -> str | None:
    r"""
    An inequality in one variable, or `x \in I`, as an interval; intervals as they are; `None` for anything else.
    """
    if member := MEMBER.fullmatch(text):
        return as_interval(member[2])
    kind, parts = structure(text)
    if kind in ("list", "union"):
        parts = [as_interval(part) for part in parts]
        return None if None in parts else r"\cup".join(parts)
    if kind == "interval" or (kind == "tuple" and len(parts) == 2):
        return text
    found, signs = [side.strip() for side in RELATION.split(text)], RELATION.findall(text)
    if len(signs) == 1 and signs[0] != r"\ne":
        variable = [bool(re.fullmatch("[a-z]", side)) for side in found]
        if variable == [False, True]:
            found, signs = found[::-1], [MIRRORED[signs[0]]]
        elif variable != [True, False]:
            return None
        low, high = (r"-\infty", found[1]) if signs[0] in ("<", r"\le") else (found[1], r"\infty")
        return BRACKETS[signs[0] == r"\ge"] + f"{low};{high}" + BRACKETS[2 + (signs[0] == r"\le")]
    if len(signs) == 2 and re.fullmatch("[a-z]", found[1]) and set(signs) <= {"<", r"\le"}:
        return BRACKETS[signs[0] != "<"] + f"{found[0]};{found[2]}" + BRACKETS[2 + (signs[1] != "<")]
    return None


BRACKETS = "([)]"  # open and closed, of the lower and the upper end


# ----------------------------------------------------------------------------------------------------- structures


def same_parts(gold: str, answer: str, judge: Judge) -> bool | None:
    """Compares two structures, part by part."""
    (kind, parts), (other, others) = structure(gold), structure(answer)
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


def every(values) -> bool | None:
    """`all` over true, false and unknown."""
    values = list(values)
    return False if False in values else None if None in values else True


def some(values) -> bool | None:
    """`any` over true, false and unknown."""
    values = list(values)
    return True if True in values else None if None in values else False


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


@functools.lru_cache(maxsize=8192)
def structure(text: str) -> tuple[str, list[str]]:
    """Kind of an answer (`atom`, `list`, `set`, `tuple`, `interval`, `union`, `matrix`, `ratio`) and its parts."""
    if rows := read_matrix(text):
        return "matrix", [cell for row in rows for cell in row]
    if text == r"\emptyset":
        return "set", []
    if len(parts := split(text, r"\cup")) > 1:
        return "union", parts
    if len(parts := [part for alternative in split(text, "∨") for part in split(alternative, ";")]) > 1:
        return "list", [value for part in parts for value in plus_minus(part)]
    if text.startswith(r"\{") and text.endswith(r"\}"):
        return "set", [part for inner in split(text[2:-2], ";") for part in plus_minus(inner)]
    if len(text) > 1 and text[0] in "([" and closing(text, 0) == len(text) - 1:
        parts = split(text[1:-1], ";")
        if len(parts) > 1:
            return ("interval" if len(parts) == 2 and text[0] + text[-1] != "()" else "tuple"), parts
    if len(parts := split(text, ":")) > 1 and r"\{" not in text:
        return "ratio", parts
    expanded = plus_minus(text)
    return ("list", expanded) if len(expanded) > 1 else ("atom", [text])


def split(text: str, separator: str) -> list[str]:
    """Parts that are not empty between the separators that stand in no bracket."""
    return [part for part in cut(text, separator) if part]


def plus_minus(text: str) -> list[str]:
    r"""The two values of an expression with one `\pm`."""
    if text.count(r"\pm") != 1 or r"\mp" in text:
        return [text]
    before, _, after = text.partition(r"\pm")
    return [
        f"{before}+{after}" if before.strip() and not before.endswith("=") else before + after,
        f"{before}-{after}",
    ]


MATRIX = re.compile(r"(?P<factor>.*?)(?:\\cdot|\\times|\*)?\\begin\{pmatrix\}(?P<body>.*)\\end\{pmatrix\}", re.DOTALL)


def read_matrix(text: str) -> list[list[str]] | None:
    """Rows of a matrix, also of one with a factor before it, or of nested lists."""
    if text.startswith("[[") and text.endswith("]]"):
        rows = [split(row[1:-1], ";") for row in split(text[1:-1], ";") if row[0] + row[-1] == "[]"]
        return (
            rows
            if rows and len({len(row) for row in rows}) == 1 and len(rows) == len(split(text[1:-1], ";"))
            else None
        )
    match = MATRIX.fullmatch(text) if text.count(r"\begin") == 1 else None
    if not match:
        return None
    body = match["body"].strip().removesuffix(r"\\")
    rows = [[cell.strip() for cell in row.split("&")] for row in body.split(r"\\")]
    factor = match["factor"].strip()
    return [[f"({factor})({cell})" for cell in row] for row in rows] if factor else rows


def shape(matrix: str) -> list[int]:
    return [len(row) for row in read_matrix(matrix) or [[]]]


# -------------------------------------------------------------------------------------------------------- atoms


def same_atom(gold: str, answer: str, judge: Judge) -> bool | None:
    """Whether two expressions without further structure are the same."""
    exact_gold, exact_answer = read_number(gold), read_number(answer)
    if exact_gold and exact_answer:
        return same_quantity(exact_gold, exact_answer)
    based = [BASED.fullmatch(text) for text in (gold, answer)]
    if any(based):
        return same_in_base(based, (gold, answer))
    if ENDLESS.fullmatch(gold) or ENDLESS.fullmatch(answer):
        return (
            None if r"\infty" in gold and r"\infty" in answer or not (has_value(gold) or has_value(answer)) else False
        )
    # a number beside an expression: without its unit, for a judge of expressions
    if bool(exact_gold) != bool(exact_answer):
        gold, answer = (
            str(exact.value) if exact and exact.unit else text
            for exact, text in ((exact_gold, gold), (exact_answer, answer))
        )
    (wanted, unit), (given, other) = split_unit(gold), split_unit(answer)
    if unit or other:
        return False if unit and other and unit != other else same_atom(wanted, given, judge)
    without = [text.removesuffix(r"\degree") for text in (gold, answer)]
    bare = not re.search(r"\\(?:sin|cos|tan|cot|sec|csc)", gold + answer)  # there degrees are no mere unit
    # a unit may be left out
    if bare and (without[0] == gold) != (without[1] == answer) and same_atom(*without, judge):
        return True
    return judge(gold, answer) if is_formula(gold, answer) else False


def is_formula(gold: str, answer: str) -> bool:
    """
    Whether a judge of formulas may be asked: half an interval is no number, and "or any other number" none either.
    """
    if PROSE.search(gold + " " + answer) or answer.count("{") != answer.count("}"):
        return False
    return ";" not in gold + answer and set(TEXT.findall(gold)) == set(TEXT.findall(answer))


def same_in_base(matches: Sequence[re.Match | None], texts: Sequence[str]) -> bool:
    """1011_2: the digits, and the base where both name one."""
    digits = [match["digits"] if match else text.strip("()") for match, text in zip(matches, texts, strict=True)]
    bases = {base_of(match) for match in matches if match}
    return digits[0] == digits[1] and len(bases) == 1


def base_of(match: re.Match) -> str:
    word = (match["base"] or match["word"]).removeprefix(r"\text{").removesuffix("}").strip().casefold()
    return BASES.get(word, word)


def atoms(text: str) -> list[str]:
    """The expressions without further structure that an answer consists of."""
    kind, parts = structure(as_interval(text) or text)
    if kind == "atom":
        return sides(text)[-1:] if NAMED.match(sides(text)[0]) else parts
    return [atom for part in parts for atom in atoms(part)]


def all_exact(gold: str) -> bool:
    """Whether an answer consists of numbers and words only, which need no computer algebra."""
    text = readings(plain(gold))[-1]
    return bool(missing(text)) or all(read_number(atom) or as_words(atom) for atom in atoms(text))
