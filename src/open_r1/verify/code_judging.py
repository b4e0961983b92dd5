"""
What assertions do with plain values: comparisons as Python makes them, and the few functions that tests use most. None
of it runs code of a program, or can take long.
"""

import ast
import decimal
import fractions
import itertools
import math
import operator
from dataclasses import dataclass
from typing import Any

from .code_compare import Items, Thing, same_value

MAX_ITEMS = 100_000  # of a value that is still read


class Unknown(Exception):
    """An expression of a kind that is not evaluated here."""


class Failed(Exception):
    """A value that did not come."""


def short(values: Any) -> Any:
    """Something with few items."""
    if not isinstance(values, (list, bytes, dict, range)) or len(values) > MAX_ITEMS:
        raise ValueError("too many items")
    return values


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
            pairs = zip(wanted, got, strict=False)
            return len(wanted) == len(got) and all(Approx(one, self.rel, self.abs).holds(item) for one, item in pairs)
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
    **KINDS, **MATHEMATICS, **{f"math.{name}": value for name, value in MATHEMATICS.items()}, "approx": Approx,
    "pytest.approx": Approx,
    "abs": abs, "len": len, "sorted": sorted, "round": rounded, "min": min, "max": max, "any": any, "all": all,
    "repr": repr,
    "sum": lambda values: sum(values), "isinstance": is_instance, "type": kind_of,
    "range": lambda *bounds: short(range(*bounds)),
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
