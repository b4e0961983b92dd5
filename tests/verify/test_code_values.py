"""
Values of programs: printed text by tokens, returned values as JSON or as Python, and text from a program that may be
anything.
"""

import ast
import collections
import datetime
import decimal
import fractions
import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from open_r1.sandbox.evaluation import literal
from open_r1.sandbox.types import Outcome
from open_r1.verify.code import read_replies
from open_r1.verify.code_compare import Items, Thing, same_json, same_output, same_value
from open_r1.verify.code_judging import JUDGING, Failed, Unknown
from open_r1.verify.code_values import NOTHING, evaluate, read_value


@pytest.mark.parametrize(
    ("wanted", "printed", "same"),
    [
        ("1 2\n3\n", "1 2\n3", True),
        ("1 2 3", " 1\n2   3 \r\n\n", True),
        ("", "\n", True),
        ("YES", "yes", False),
        ("1 2", "1", False),
        ("1", "1 2", False),
        ("0.333333333", "0.3333333", True),
        ("0.333333333", "0.33333", False),
        ("3.1415926536", "3.14159265", True),
        ("0.5", "1/2", False),
        ("2", "2.0", False),
        ("2", "+2", False),
        ("007", "7", False),
        ("2.0", "2", True),
        ("2.0", "2.0000001", True),
        ("2.0", "2.00001", False),
        ("1e3", "1000", True),
        ("1E3", "1000.0", True),
        ("1e-7", "0", False),
        ("9e-7", "0.0", False),
        ("0.0000009", "0.0", False),
        ("0.0", "0.0000009", True),
        ("0.0", "-0.0", True),
        ("0.00000000", "0.0000001", False),
        ("100000000", "100000001", False),
        ("100000000", "100000000.0", False),
        ("1000000.0", "1000000.4", True),
        ("1000000.0", "1000000.5", False),
        ("50000005000000.0", "50000015000000.0", False),
        ("123456789.123456", "123456789.123457", True),
        ("1.10", "1.1", False),
        ("1.10", "1.10", True),
        ("1.100", "1.1", False),
        ("1.1", "1.10", True),
        ("1.25", "1.250", True),
        ("1.50000000", "1.5", True),
        ("a.b", "a.c", False),
        ("nan", "nan", True),
        ("1.5", "nan", False),
        ("1.5", "1_0.5", False),
        ("1.5", "inf", False),
        ("1e9999", "1e9998", False),
        ("1e99999", "1e99998", False),
        ("." + "1" * 2000, "." + "1" * 1999, False),
    ],
)
def test_outputs_are_compared_by_tokens(wanted, printed, same):
    assert same_output(wanted, printed) is same


POINT, OTHER = Thing("Point", {"x": 1}, True, 0), Thing("Point", {"x": 2}, True, 0)


@pytest.mark.parametrize(
    ("wanted", "got", "python", "json"),
    [
        (1, 1, True, True),
        (1, 2, False, False),
        (1, 1.0, True, True),
        (1.0, 1, True, True),
        (0.1 + 0.2, 0.3, True, True),
        (0.5, 0.5000001, False, True),
        (1.0, 1.01, False, False),
        (10**20, 10**20 + 1, False, False),
        (50000005000000, 50000015000000.0, False, False),
        (50000005000000.0, 50000015000000.0, False, False),
        (9e-7, 0.0, False, False),
        (0.0, 1e-7, False, True),
        (2.5, 10**400, False, False),
        (True, True, True, True),
        (True, 1, True, False),
        (False, 0, True, False),
        (False, None, False, False),
        (None, None, True, True),
        (None, 0, False, False),
        ("a", "a", True, True),
        ("1", 1, False, False),
        (b"a", "a", False, False),
        ([1, 2], (1, 2), False, True),
        ([1, 2], [2, 1], False, False),
        ([1, 2], [1, 2, 3], False, False),
        ([1, 2], collections.deque([1, 2]), False, True),
        ([0, 1], range(2), False, True),
        ([1], Items("map", [1]), False, True),
        ([], None, False, False),
        ([[0.3], "a"], [[0.1 + 0.2], "a"], True, True),
        ([1, 2], {1, 2}, False, False),
        ({"a": 1}, {"a": 1.0}, True, True),
        ({"a": 1}, {"a": 1, "b": 2}, False, False),
        ({"1": "x"}, {1: "x"}, False, True),
        ({"1": "x"}, {1: "x", "1": "x"}, False, False),
        ({}, [], False, False),
        ({"a": 1}, collections.Counter("a"), True, True),
        (math.inf, math.inf, True, True),
        (math.inf, 1e308, False, False),
        (math.nan, math.nan, False, True),
        (1 + 2j, 1 + 2j, True, True),
        (decimal.Decimal("0.30"), decimal.Decimal("0.3"), True, True),
        (0.5, fractions.Fraction(1, 2), True, True),
        (datetime.date(2024, 1, 1), datetime.date(2024, 1, 2), False, False),
        (POINT, Thing("Point", {"x": 1}, True, 0), True, False),
        (POINT, OTHER, False, False),
        (POINT, Thing("Pair", {"x": 1}, True, 0), False, False),
        (Thing("Node", {}, True, 7), Thing("Node", {}, True, 8), False, False),
        (Thing("Node", {}, True, 7), Thing("Node", {}, True, 7), True, False),
        (1, POINT, False, False),
    ],
    ids=lambda value: ascii(value)[:20],
)
def test_values_are_compared_as_python_or_as_json(wanted, got, python, json):
    assert same_value(wanted, got) is python
    assert same_json(wanted, got) is json


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary() | st.dates()
    | st.timedeltas() | st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**9), max_value=10**9)
    | st.fractions(),
    lambda inner: st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(st.text() | st.integers(), inner),
    max_leaves=10,
)  # fmt: skip


@given(PLAIN)
@example(10**5000)
@example(-(10**5000))
@example(
    [
        math.inf,
        {-math.inf: set()},
        frozenset({1}),
        bytearray(b"a"),
        range(3),
        collections.deque([1]),
        collections.Counter("a"),
    ]
)
def test_plain_values_come_out_as_they_are(value):
    found = read_value(literal(value))
    assert found == value and (type(found) is type(value) or isinstance(value, frozenset))


@pytest.mark.parametrize(
    "text",
    [
        "", "(", "1\\", "\0", "\ud800", "f()", "__import__('os')", "().__class__", "9**9**9", "[1] * 10**9",
        "'a' + 'b'", "[x for x in (1,)]",
        "range(0, 10**9)", "range(0, 1000000000)", "bytearray(1000000000)", "Decimal('1e999999')", "Counter(5)",
        "datetime.date(0, 0, 0)", "datetime.date.today()", "[1][5]", "{[]: 1}", "{{}}", "lambda: 1", "1 if 1 else 2",
        "f'{1}'", "Fraction(1, 0)",
        "[" * 50_000, "-" * 50_000 + "1", "3" * 2_000_000, "3" * 5000, "'" + "a" * 2_000_000 + "'", "Thing()",
        "Thing(1)", "set(5)", "nan.x", "**",
    ],
    ids=lambda text: ascii(text)[:20],
)  # fmt: skip
def test_other_text_is_no_value(text):
    assert read_value(text) is NOTHING


@pytest.mark.parametrize(
    ("stdout", "replies"),
    [
        ("value 0 1\nvalue 0 2\n", [(0, 1), (0, 2), NOTHING]),
        (
            "value 1 [1]\nerror KeyError LookupError: 'x'\nvalue 0 'a b'",
            [(1, [1]), {"KeyError", "LookupError"}, (0, "a b")],
        ),
        ("value 2\nvalue\nvalue x 1", [NOTHING] * 3),
        ("value 0 1\n" * 9, [(0, 1)] * 3),
        ("error\nerror \n1", [set(), set(), NOTHING]),
        ("value \u0662 1", [(2, 1), NOTHING, NOTHING]),
        ("value -1 1\nvalue 0 \ud800\nvalue 0 __import__('os')", [NOTHING] * 3),
        ("", [NOTHING] * 3),
    ],
    ids=lambda value: ascii(value)[:30] if isinstance(value, str) else "",  # the same in every process
)
def test_what_a_program_sends_is_text_that_may_be_anything(stdout, replies):
    assert read_replies(Outcome("done", 0, stdout, "", 0.1), 3) == replies


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("1 + 2 - 4", -1),
        ("(1, [2.5, 'a'], {3: {4}})", (1, [2.5, "a"], {3: {4}})),
        ("1 < 2 <= 2 != 3", True),
        ("1 < 2 > 2", False),
        ("not 1 == 2 and (0 or 'a')", "a"),
        ("3 in (1, 3) and 'b' in 'abc' and 5 not in [1]", True),
        ("None is None and 1 is not None", True),
        ("True is 1", False),
        ("abs(1 - 2.5) < 1.6", True),
        ("isclose(1.0, 1.001, rel_tol=0.01) and not math.isclose(1.0, 1.1)", True),
        ("isclose(0.0, 1e-9, abs_tol=1e-6)", True),
        ("2.0000001 == approx(2.0) and approx(2.0) == 2.0000001", True),
        ("2.1 == pytest.approx(2.0, abs=0.2) and 2.1 != pytest.approx(2.0)", True),
        ("[1.0, 2.0] == approx([1.0000001, 2])", True),
        ("[1.0] == approx([1.0, 2.0])", False),
        ("2.01 == approx(2.0, 0.1)", True),
        ("sorted({3, 1}, reverse=True)", [3, 1]),
        ("list({1: 2}.items())", [(1, 2)]),
        ("isinstance(1, (int, str)) and isinstance([], list)", True),
        ("type(1) == int and type('a') is str", True),
        ("round(2.567, 1)", 2.6),
        ("list(zip([1], 'a')) + 0 if 0 else 1", Unknown),
        ("[1, 2][-1]", 2),
        ("f(1)", Unknown),
        ("2 * 3", Unknown),
        ("'a' + 'b'", Unknown),
        ("round(5, -1000000000)", Unknown),
        ("missing == 1", Failed),
        ("1 == 1 or missing", True),
        ("thing == 1", Failed),
        ("not thing != 1", Failed),
        ("thing != None and thing is not None", True),
        ("isinstance(thing, int)", Unknown),
        ("1 == approx(2.0, rel=0.1) or thing == thing", True),
    ],
)
def test_assertions_are_decided_on_plain_data(expression, value):
    node = ast.parse(expression, mode="eval").body
    given = {"missing": NOTHING, "thing": POINT}
    known = {id(part): given[part.id] for part in ast.walk(node) if isinstance(part, ast.Name) and part.id in given}
    if value in (Unknown, Failed):
        with pytest.raises(value):
            evaluate(node, known, JUDGING)
    else:
        found = evaluate(node, known, JUDGING)
        assert found == value and type(found) is type(value)
