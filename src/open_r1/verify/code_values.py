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
import itertools
import json
import math
import operator
from dataclasses import dataclass
from typing import Any

from .code_compare import Items, Thing, same_value

MAX_TEXT, MAX_ITEMS, MAX_EXPONENT = 1_000_000, 100_000, 5_000  # of values that are still read


class Unknown(Exception):
    """An expression of a kind that is not evaluated here."""


class Failed(Exception):
    """A value that did not come."""


NOTHING = object()  # in place of a value that did not come


# -------------------------------------------------------------------------------------------------- reading values


def small(value: Any) -> Any:
    """A number that no operation makes huge."""
    if isinstance(value, decimal.Decimal) and value.is_finite() and abs(value.adjusted()) > MAX_EXPONENT:
        raise ValueError("an exponent too large")
    return value


def short(values: Any) -> Any:
    """Something with few items."""
    if not isinstance(values, (list, bytes, dict, range)) or len(values) > MAX_ITEMS:
        raise ValueError("too many items")
    return values


WRITTEN = {  # what `literal` in sandbox/runner.py writes
    "nan": math.nan, "inf": math.inf, "set": set, "Thing": Thing, "Items": Items, "Fraction": fractions.Fraction,
    "Decimal": lambda text: small(decimal.Decimal(text)), "range": lambda *bounds: short(range(*bounds)),
    "bytearray": lambda data: bytearray(short(data)), "deque": lambda data: collections.deque(short(data)), "defaultdict": dict,
    "Counter": lambda data: collections.Counter(short(data)), "OrderedDict": lambda data: collections.OrderedDict(short(data)),
    **{f"datetime.{name}": getattr(datetime, name) for name in ("date", "datetime", "time", "timedelta", "timezone")},
    "datetime.timezone.utc": datetime.timezone.utc,
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


# ------------------------------------------------------------------------------------- what an assertion says of them


def is_instance(value: Any, kinds: Any) -> bool:
    if isinstance(value, (Thing, Items)):
        raise Unknown
    return isinstance(value, kinds)


def kind_of(value: Any) -> type:
    if isinstance(value, (Thing, Items)):
        raise Unknown
    return type(value)


def is_near(one: Any, other: Any, rel_tol: float = 1e-9, abs_tol: float = 0.0) -> bool:
    return math.isclose(one, other, rel_tol=rel_tol, abs_tol=abs_tol)


@dataclass(frozen=True)
class Approx:
    """`pytest.approx`"""

    wanted: Any
    rel: float | None = None
    abs: float | None = None

    def holds(self, got: Any) -> bool:
        wanted, least = self.wanted, 1e-12 if self.abs is None else self.abs
        most = 0.0 if self.rel is None and self.abs is not None else 1e-6 if self.rel is None else self.rel
        if isinstance(wanted, (list, tuple)) and isinstance(got, (list, tuple)):
            return len(wanted) == len(got) and all(
                Approx(one, self.rel, self.abs).holds(other) for one, other in zip(wanted, got, strict=True)
            )
        if isinstance(wanted, dict) and isinstance(got, dict):
            return wanted.keys() == got.keys() and all(
                Approx(one, self.rel, self.abs).holds(got[key]) for key, one in wanted.items()
            )
        if isinstance(got, (bool, Thing)) or not isinstance(
            got, (int, float, complex, decimal.Decimal, fractions.Fraction)
        ):
            return wanted is got
        return wanted == got or abs(wanted - got) <= max(most * abs(wanted), least) and not math.isinf(abs(got))


KINDS = {kind.__name__: kind for kind in (bool, int, float, complex, str, bytes, list, tuple, set, frozenset, dict)}


def rounded(value: Any, places: int | None = None) -> Any:
    if not isinstance(value, (int, float, decimal.Decimal, fractions.Fraction)) or abs(places or 0) > 1000:
        raise Unknown
    return round(value, places)


MATHEMATICS = {name: getattr(math, name) for name in ("fabs", "isnan", "isinf", "inf", "nan", "pi")} | {
    "isclose": is_near
}
JUDGING = {  # what assertions do with values; none of it can take long
    **KINDS, **MATHEMATICS, **{f"math.{name}": value for name, value in MATHEMATICS.items()}, "approx": Approx, "pytest.approx": Approx,
    "abs": abs, "len": len, "sorted": sorted, "round": rounded, "min": min, "max": max, "any": any, "all": all, "repr": repr,
    "sum": lambda values: sum(values), "isinstance": is_instance, "type": kind_of, "range": lambda *bounds: short(range(*bounds)),
    "zip": lambda *given: list(itertools.islice(zip(*given, strict=False), MAX_ITEMS)),
    "enumerate": lambda given, start=0: list(itertools.islice(enumerate(given, start), MAX_ITEMS)),
}  # fmt: skip
KEYWORDS = {
    "rel_tol",
    "abs_tol",
    "rel",
    "abs",
    "reverse",
    "start",
    "days",
    "seconds",
    "microseconds",
    "tzinfo",
    "fold",
}
RELATIONS = {ast.Lt: operator.lt, ast.LtE: operator.le, ast.Gt: operator.gt, ast.GtE: operator.ge}


def relates(one: Any, relation: ast.cmpop, other: Any) -> bool:
    """Whether a comparison holds."""
    if isinstance(relation, (ast.Is, ast.IsNot)):
        return (type(one) is type(other) and same_value(one, other)) is isinstance(relation, ast.Is)
    if isinstance(relation, (ast.Eq, ast.NotEq)):
        if any(
            isinstance(a, Thing) and a.identity == 0 and not isinstance(b, (Thing, type(None)))
            for a, b in ((one, other), (other, one))
        ):
            raise Failed  # only its own word could tell
        first, second = (other, one) if isinstance(other, Approx) else (one, other)
        return (first.holds(second) if isinstance(first, Approx) else same_value(one, other)) is isinstance(
            relation, ast.Eq
        )
    if isinstance(relation, (ast.In, ast.NotIn)):
        found = (
            one in other if isinstance(other, (str, bytes, range)) else any(same_value(one, item) for item in other)
        )
        return found is isinstance(relation, ast.In)
    return bool(RELATIONS[type(relation)](one, other))


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
                return list(getattr(mapping, view)())
        case ast.Call(func=function, args=given, keywords=named) if callable(names.get(dotted(function))):
            if all(word.arg in KEYWORDS for word in named):
                return names[dotted(function)](*map(inside, given), **{word.arg: inside(word.value) for word in named})
        case ast.Name() | ast.Attribute() if dotted(node) in names:
            return names[dotted(node)]
    raise Unknown
