r"""What an answer is made of: lists, sets, tuples, intervals, unions, matrices and ratios over atoms."""

import functools
import re

from .latex import closing, cut
from .reals import MEMBER, MIRRORED, RELATION


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
    factor += "1" if factor in ("-", "+") else ""
    return [[f"({factor})({cell})" for cell in row] for row in rows] if factor else rows


def shape(matrix: str) -> list[int]:
    return [len(row) for row in read_matrix(matrix) or [[]]]


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
