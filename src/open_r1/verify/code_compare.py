"""Whether what a program printed or returned is what was wanted.

Printed text is compared by tokens. A token that is no decimal has to be the same; a decimal may differ by a millionth
of itself, or by half a unit of its last digit if that is less than a millionth, but a whole number stays the same one;
and where two or three decimals end in 0 they were formatted, so as many are wanted. Returned values are compared as
JSON (calls) or as Python (assertions).
"""

import collections
import decimal
import math
import re
from dataclasses import dataclass
from typing import Any

MILLIONTH, HALF = decimal.Decimal("1e-6"), decimal.Decimal("0.5")
NOISE = 1e-9  # relative, of sums in another order: Python itself would compare exactly
DECIMAL = re.compile(r"[+-]?(?=\.?\d)(\d*)(\.(\d*))?([eE][+-]?\d{1,4})?", re.ASCII)
CONTEXT = decimal.Context(prec=60, traps=[])


@dataclass(frozen=True, eq=False)
class Thing:
    """An object of a program's class: its fields, whether it counts as true, and what it is equal to."""

    name: str
    fields: dict[str, Any]
    truth: bool
    identity: int  # positive where its class has no `==`; 0 where it has; -1 where its fields tell all, as of an Enum

    def __bool__(self) -> bool:
        return self.truth


@dataclass(frozen=True, eq=False)
class Items:
    """What an iterator or a view gave."""

    name: str
    items: list[Any]


def same_output(wanted: str, printed: str, any_case: tuple[str, ...] = ()) -> bool:
    """
    Whether two outputs hold the same tokens; decimals may differ within the bounds above, and words of `any_case`
    (in capitals) in their case.
    """
    one, other = wanted.split(), printed.split()
    return len(one) == len(other) and all(
        a == b or same_decimal(a, b) or (a.upper() in any_case and a.upper() == b.upper())
        for a, b in zip(one, other, strict=True)
    )


def same_decimal(wanted: str, printed: str) -> bool:
    """Whether a number was printed for a decimal, within its bounds."""
    form, other = DECIMAL.fullmatch(wanted), DECIMAL.fullmatch(printed)
    if not form or not other or not (form[2] or form[4]) or max(len(wanted), len(printed)) > 1000:
        return False
    places = len(form[3] or "")
    if places in (2, 3) and wanted.endswith("0") and len(other[3] or "") != places:
        return False
    one = CONTEXT.create_decimal(wanted)
    gap, half = (
        CONTEXT.abs(CONTEXT.subtract(one, CONTEXT.create_decimal(printed))),
        decimal.Decimal((0, (5,), one.as_tuple().exponent - 1)),
    )
    if one == one.to_integral_value() and gap >= HALF:
        return False
    return gap <= max(CONTEXT.multiply(CONTEXT.abs(one), MILLIONTH), min(half, MILLIONTH))


def same_float(wanted: float, got: float) -> bool:
    """Whether two floats are the same but for rounding; a whole number stays the same one."""
    gap = abs(wanted - got)
    return (
        wanted == got or math.isfinite(gap) and gap <= NOISE * abs(wanted) and (gap < 0.5 or not wanted.is_integer())
    )


def same_value(wanted: Any, got: Any) -> bool:
    """
    Whether two values are equal, as Python says of plain ones; floats may differ by rounding, objects are equal in
    their fields.
    """
    if type(wanted) is float and type(got) is float:
        return same_float(wanted, got)
    if isinstance(wanted, Thing) and isinstance(got, Thing):
        if max(wanted.identity, got.identity) > 0:
            return wanted.identity == got.identity
        return wanted.name == got.name and same_value(wanted.fields, got.fields)
    if isinstance(wanted, Items) and isinstance(got, Items):
        return wanted.name == got.name and same_value(wanted.items, got.items)
    if isinstance(got, Items) and got.name in ("dict_keys", "dict_items") and isinstance(wanted, (set, frozenset)):
        return wanted == set(got.items)
    if isinstance(wanted, Items) and isinstance(got, (set, frozenset)):
        return same_value(got, wanted)
    if type(wanted) is type(got) and isinstance(wanted, (list, tuple)):
        return len(wanted) == len(got) and all(map(same_value, wanted, got))
    if isinstance(wanted, dict) and isinstance(got, dict):
        return wanted.keys() == got.keys() and all(same_value(item, got[key]) for key, item in wanted.items())
    return bool(wanted == got)


def same_json(wanted: Any, got: Any) -> bool:
    """
    Whether a value is what JSON says: which knows no tuples, no keys but strings, and of a float only its digits.
    """
    if isinstance(got, (tuple, collections.deque, range, Items)):
        got = list(got.items if isinstance(got, Items) else got)
    if isinstance(wanted, bool) or isinstance(got, bool):
        return wanted is got
    if isinstance(wanted, float) and isinstance(got, (int, float)):
        return (
            got == wanted
            or isinstance(got, float)
            and (got != got and wanted != wanted or same_decimal(repr(wanted), repr(got)))
        )
    if isinstance(wanted, list) and isinstance(got, list):
        return len(wanted) == len(got) and all(map(same_json, wanted, got))
    if isinstance(wanted, dict) and isinstance(got, dict):
        keys = {str(key): item for key, item in got.items()}
        return len(wanted) == len(keys) == len(got) and all(
            key in keys and same_json(item, keys[key]) for key, item in wanted.items()
        )
    if isinstance(got, complex) and not isinstance(wanted, complex):
        return False
    return not isinstance(got, Thing) and bool(wanted == got)
