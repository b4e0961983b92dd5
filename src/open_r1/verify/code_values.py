"""Values of programs, read and judged here: what a program sends is text, and becomes plain data that runs no code of
its own.

One small evaluator of expressions does three things: it reads that text, it finds the values of literals in tests, and
it decides assertions. It knows few kinds of expressions and a few functions, none of which can take long on values of
limited size.
"""

import ast
import collections
import datetime
import decimal
import fractions
import json
import math
from typing import Any

from .code_compare import Items, Thing
from .code_judging import KEYWORDS, Failed, Unknown, relates, short

MAX_TEXT, MAX_EXPONENT = 1_000_000, 5_000  # of values that are still read


NOTHING = object()  # in place of a value that did not come


def small(value: Any) -> Any:
    """A number that no operation makes huge."""
    if isinstance(value, decimal.Decimal) and value.is_finite() and abs(value.adjusted()) > MAX_EXPONENT:
        raise ValueError("an exponent too large")
    return value


WRITTEN = {  # what `literal` in sandbox/evaluation.py writes
    "nan": math.nan, "inf": math.inf, "set": set, "Thing": Thing, "Items": Items, "Fraction": fractions.Fraction,
    "Decimal": lambda text: small(decimal.Decimal(text)), "range": lambda *bounds: short(range(*bounds)),
    "bytearray": lambda data: bytearray(short(data)), "deque": lambda data: collections.deque(short(data)),
    "defaultdict": dict,
    "Counter": lambda data: collections.Counter(short(data)),
    "OrderedDict": lambda data: collections.OrderedDict(short(data)),
    **{f"datetime.{name}": getattr(datetime, name) for name in ("date", "datetime", "time", "timedelta", "timezone")},
    "datetime.timezone.utc": datetime.UTC,
}  # fmt: skip
BAD_TEXT = (
    ValueError,
    LookupError,
    SyntaxError,
    MemoryError,
    RecursionError,
    TypeError,
    ArithmeticError,
    AttributeError,
    Unknown,
)


def read_value(text: str) -> Any:
    """The value that a program's text stands for, `NOTHING` if none: it may be anything."""
    try:
        if len(text) > MAX_TEXT or "\0" in text:
            return NOTHING
        try:
            return json.loads(text, parse_float=float)
        except ValueError:
            return evaluate(ast.parse(text, mode="eval").body, {}, WRITTEN)
    except BAD_TEXT:
        return NOTHING


def dotted(node: ast.expr) -> str:
    """`a.b` as text, empty if it is no such name."""
    if isinstance(node, ast.Attribute) and (owner := dotted(node.value)):
        return f"{owner}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def number(value: Any) -> Any:
    if isinstance(value, (int, float, complex, decimal.Decimal, fractions.Fraction)):
        return small(value)
    raise Unknown


def evaluate(node: ast.AST, known: dict[int, Any], names: dict[str, Any]) -> Any:
    """
    The value of an expression of plain data; raises `Unknown` for kinds that are not evaluated here, `Failed` where a
    value is missing.

    Args:
        node (`ast.AST`):
            The expression.
        known (`dict[int, Any]`):
            Values of parts of it, by `id`.
        names (`dict[str, Any]`):
            What names stand for, functions included.
    """
    if id(node) in known:
        if known[id(node)] is NOTHING:
            raise Failed
        return known[id(node)]

    def inside(part: ast.AST) -> Any:
        return evaluate(part, known, names)

    match node:
        case ast.Constant(value=value):
            return value
        case ast.List(elts=parts):
            return list(map(inside, parts))
        case ast.Tuple(elts=parts):
            return tuple(map(inside, parts))
        case ast.Set(elts=parts):
            return set(map(inside, parts))
        case ast.Dict(keys=keys, values=values):
            return dict(zip(map(inside, keys), map(inside, values), strict=True))
        case ast.UnaryOp(op=ast.Not(), operand=part):
            return not inside(part)
        case ast.UnaryOp(op=ast.USub(), operand=part):
            return -number(inside(part))
        case ast.BinOp(op=ast.Add() | ast.Sub() as operation, left=left, right=right):
            one, other = number(inside(left)), number(inside(right))
            return one + other if isinstance(operation, ast.Add) else one - other
        case ast.BoolOp(op=operation, values=parts):
            for part in parts:
                value = inside(part)
                if bool(value) is isinstance(operation, ast.Or):
                    break
            return value
        case ast.Compare(left=left, ops=relations, comparators=others):
            one = inside(left)
            for relation, part in zip(relations, others, strict=True):
                if not relates(one, relation, other := inside(part)):
                    return False
                one = other
            return True
        case ast.Subscript(value=owner, slice=ast.Constant() | ast.UnaryOp() as index):
            return inside(owner)[inside(index)]
        case ast.Call(func=ast.Attribute(value=owner, attr="items" | "keys" | "values" as view), args=[], keywords=[]):
            if dotted(node.func) not in names and isinstance(mapping := inside(owner), dict):
                return list(mapping.values()) if view == "values" else getattr(mapping, view)()
        case ast.Call(func=function, args=given, keywords=named) if callable(names.get(dotted(function))):
            if all(word.arg in KEYWORDS for word in named):
                return names[dotted(function)](*map(inside, given), **{word.arg: inside(word.value) for word in named})
        case ast.Name() | ast.Attribute() if dotted(node) in names:
            return names[dotted(node)]
    raise Unknown
