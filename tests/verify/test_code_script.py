"""
How tests are read: every form of gold, what goes into the sandbox beside the program, and that what is expected never
does.
"""

import ast
import json
import warnings

import pytest
from code_cheats import CHEATS
from code_idioms import IDIOMS
from hypothesis import given, settings
from hypothesis import strategies as st

from open_r1.core.errors import DataError
from open_r1.verify.code import decide_many, extract_program
from open_r1.verify.code_tests import Plan, read_tests

EITHER = "(Solution().add if 'Solution' in globals() else add)"


def read(gold):
    return read_tests(gold if isinstance(gold, str) else json.dumps(gold))


@pytest.mark.parametrize(
    ("gold", "inputs", "outputs"),
    [
        ({"inputs": ["1\n", "2\n"], "outputs": ["2\n", "4\n"]}, ["1\n", "2\n"], ["2\n", "4\n"]),
        ({"inputs": [["1", "2"], 3], "outputs": [["a", "b"], 4]}, ["1\n2", "3"], ["a\nb", "4"]),
        ({"inputs": [""], "outputs": ["x"], "fn_name": None}, [""], ["x"]),
        ([{"input": "1", "output": "2", "testtype": "stdin"}], ["1"], ["2"]),
        ({"language": "python", "test_cases": [{"input": "1", "output": "2", "fn_name": None}]}, ["1"], ["2"]),
    ],
)
def test_whole_programs_have_inputs_and_outputs(gold, inputs, outputs):
    assert read(gold) == Plan(inputs=inputs, outputs=outputs)


@pytest.mark.parametrize(
    ("gold", "calls", "results", "wrapped"),
    [
        (
            {"inputs": [[1, "a"], [[2]]], "outputs": [3, [4]], "fn_name": "add"},
            [f"{EITHER}(*[1, 'a'])", f"{EITHER}(*[[2]])"],
            [3, [4]],
            False,
        ),
        ({"inputs": [5], "outputs": [None], "fn_name": "add"}, [f"{EITHER}(*[5])"], [None], False),
        (
            {"inputs": [[1], [2]], "outputs": [[3], [4]], "fn_name": "add"},
            [f"{EITHER}(*[1])", f"{EITHER}(*[2])"],
            [[3], [4]],
            True,
        ),
        ({"inputs": [[1]], "outputs": [True], "fn_name": "Solution.add"}, ["Solution().add(*[1])"], [True], False),
        ({"inputs": ["1\n[2]"], "outputs": ['"x"'], "fn_name": "add"}, [f"{EITHER}(*[1, [2]])"], ["x"], False),
        ({"inputs": ["a b"], "outputs": ["x"], "fn_name": "add"}, [f"{EITHER}(*['a b'])"], ["x"], False),
    ],
)
def test_each_call_is_a_run_of_its_own(gold, calls, results, wrapped):
    assert read(gold) == Plan(runs=[[("", [call])] for call in calls], results=results, wrapped=wrapped)


@pytest.mark.parametrize(
    ("gold", "steps", "decided"),
    [
        (
            ["assert f(1) == 2", "assert f([1]) == {'b': (3,)}"],
            [("", ["f(1)"]), ("", ["f([1])"])],
            ["f(1) == 2", "f([1]) == {'b': (3,)}"],
        ),
        ('"assert f(1) == 2"', [("", ["f(1)"])], ["f(1) == 2"]),
        ("expected = 5\nassert f(1) == expected", [("", ["f(1)"])], ["f(1) == 5"]),
        ("x = [1]\nx.append(2)\nassert f(x) == 5", [("x = [1]\nx.append(2)", ["f(x)"])], ["f(x) == 5"]),
        (
            "for x, y in [(1, 5), (2, 6)]:\n    assert f(x) == y",
            [("x = 1", ["f(x)"]), ("x = 2", ["f(x)"])],
            ["f(x) == 5", "f(x) == 6"],
        ),
        ("c = [(1, 5)]\nassert f(c[0][0]) == c[0][1]", [("", ["f(1)"])], ["f(1) == 5"]),
        ("def check(g):\n    assert g(1) == 5\ncheck(f)", [("g = f", ["g(1)"])], ["g(1) == 5"]),
        ("y = f(1)\nassert y == 5", [("y = f(1)", ["y"])], ["y == 5"]),
        ("y = f(1) == 5\nassert y", [("_kept0_0 = f(1)", ["_kept0_0"])], ["_kept0_0 == 5"]),
        ("assert sorted(f(1)) == [5]", [("", ["f(1)", "sorted(_)"])], ["sorted(f(1)) == [5]"]),
        ("assert A().b(2)[0].c == 5", [("", ["A()", "_.b", "_(2)", "_[0]", "_.c"])], ["A().b(2)[0].c == 5"]),
        ("assert (f(7) == 5) is True", [("", ["f(7)"])], ["(f(7) == 5) is True"]),
        ("assert abs(f(1) - 2.5) < 0.1", [("", ["f(1)"])], ["abs(f(1) - 2.5) < 0.1"]),
        ("assert math.isclose(f(1), 2.5)", [("", ["f(1)"])], ["math.isclose(f(1), 2.5)"]),
        ("assert isinstance(f(1), int)", [("", ["f(1)", "issubclass(type(_), int)"])], ["isinstance(f(1), int)"]),
        ("assert A(1) + A(2) == A(3)", [("", ["A(1) + A(2)"]), ("", ["A(3)"])], ["A(1) + A(2) == A(3)"]),
        ("x = [2]\nf(x)\nassert x == [1]", [("x = [2]\nf(x)", ["x"])], ["x == [1]"]),
        ("assert sum(1, 2) == 3", [("", ["sum(1, 2)"])], ["sum(1, 2) == 3"]),
        ("assert f(1) == 1 and f(2) == 2", [("", ["f(1)"]), ("", ["f(2)"])], ["f(1) == 1", "f(2) == 2"]),
        ("import math\nassert f(math.pi) == 3", [("import math\nimport math", ["f(math.pi)"])], ["f(math.pi) == 3"]),
        ("from solution import f as g\nassert g(1) == 2", [("g = f", ["g(1)"])], ["g(1) == 2"]),
        ("def h(a, b):\n    return a == b\nassert h(f(1), 5)", [("", ["f(1)"])], ["h(f(1), 5)"]),
        ("class T: pass\nassert f(T()) == 5", [("class T:\n    pass", ["f(T())"])], ["f(T()) == 5"]),
        ("assert True\nassert f(1) == 2", [("", ["f(1)"])], ["f(1) == 2"]),
    ],
)
def test_of_a_script_only_the_calls_go_in(gold, steps, decided):
    tests = read(gold)
    assert tests.runs == [steps]
    assert [ast.unparse(check.test) for check in tests.checks] == decided


def test_the_tests_own_values_are_computed_without_the_program():
    tests = read(
        "import math\nx = g = [2, 1]\nassert f(x) == [*g]\nx.append(0)\nassert f(2) == helper() + math.tau\n"
        "def helper(): pass"
    )
    assert [text for _, text in tests.values] == ["[*g]", "math.tau"] and [after for after, _ in tests.values] == [
        3,
        4,
    ]


def test_an_exception_is_expected():
    tests = read("import pytest\nwith pytest.raises((ValueError, KeyError)):\n    f(1)")
    assert tests.runs == [[("f(1)", ["None"])]] and tests.checks[0].names == ("ValueError", "KeyError")


SECRET = "48213"


@pytest.mark.parametrize("name", [name for name in CHEATS if "looked for in frames" in name])
def test_what_is_expected_never_goes_in(name):
    gold, _ = CHEATS[name]
    assert SECRET in json.dumps(gold) and SECRET not in str(read(gold).runs) and SECRET not in str(read(gold).inputs)


@pytest.mark.parametrize(
    ("gold", "message"),
    [
        ("", "no assert"),
        ("x = 1", "no assert"),
        ("assert True", "no assert"),
        ([], "no assert"),
        ("assert f((", "never closed"),
        ("some words", "syntax"),
        ("null", ""),
        ("5", ""),
        ([1, 2], ""),
        ([["assert f(1) == 1"]], ""),
        ([{"input": "1"}], "output"),
        ({}, "inputs"),
        ({"inputs": []}, "outputs"),
        ({"inputs": [], "outputs": []}, "no inputs"),
        ({"inputs": ["1"], "outputs": []}, ""),
        ({"inputs": 5, "outputs": 5}, ""),
        ({"inputs": [1], "outputs": [1], "fn_name": 5}, ""),
        ({"inputs": [1], "outputs": [1], "fn_name": "a b"}, "no name"),
        ("for i in g():\n    assert f(i) == i", "For"),
        ("with open('x') as g:\n    assert f(g) == 1", "With"),
        ("try:\n    f(1)\nexcept ValueError:\n    pass\nfinally:\n    assert f(1) == 1", "Try"),
        ("while x:\n    assert f(1) == 1", "While"),
        ("if x:\n    assert f(1) == 1", "If"),
        ("class Test:\n    def check(self):\n        assert f(1) == 1", "ClassDef"),
        ("def test(tmp_path):\n    assert f(1) == 1", "no assert"),
        ("async def test():\n    async for x in f(1):\n        assert x == 1", "AsyncFor"),
        ("import asyncio\nasync def test():\n    assert await asyncio.sleep(f(1)) == 1", "waits"),
        ("for i in range(1000000):\n    assert f(i) == i", "For"),
        ("for i in range(30000):\n    assert f(i) == i", "more than"),
        ("r = []\nr.append(f(1) == 1)\nassert all(r)", "comparison"),
        ("def run(x):\n    y = f(x)\n    return y == 5\nassert run(1)", "comparison"),
        ("assert all(f(x) > y for x, y in g())", "comparison"),
        ("import pytest\n@pytest.mark.parametrize('x')\ndef test(x):\n    assert f(x)", ""),
        ("assert f(1) == " + "(" * 500 + ")" * 500, ""),
    ],
)
def test_other_tests_are_a_data_error(gold, message):
    with pytest.raises(DataError, match=f"(?s)tests .*{message}") as caught:
        read(gold)
    assert caught.value.hint


TEXTS = [gold if isinstance(gold, str) else json.dumps(gold) for gold, _ in CHEATS.values()]
TEXTS += [program for _, program in IDIOMS.values()]
BITS = [
    "assert ", "f(1)", " == ", "(", ")", "[", "]", "{", "}", ":", "\n", "    ", "for x in ", "9**9**9", "lambda: ",
    "not ", "*", '"', "\\", "\0",
    "\ud800", "```", "```python\n", "import ", "pytest.raises(", "with ", "try:", "yield ", "await ", "async ",
    '{"inputs": ', "null", ":=", "...",
    "1e999", "0x", ",", ".", "case ", "return", "global x", "f'{x}'", "range(10**12)", "round(1, -9**9)", "x for x in",
]  # fmt: skip
SPOILT = st.builds(
    lambda text, places,
    bits: "".join(text[a : max(a, b)] + bit for a, b,
        bit in zip([0, *places], [*places, len(text)], [*bits, ""], strict=False)),
    st.sampled_from(TEXTS), st.lists(st.integers(0, 400), min_size=1, max_size=4).map(sorted),
    st.lists(st.sampled_from(BITS), min_size=4, max_size=4),
)  # fmt: skip


@settings(max_examples=2000)
@given(SPOILT | st.text() | st.lists(st.sampled_from(BITS)).map("".join))
def test_no_text_raises_anything_but_a_data_error(text):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        extract_program(text)
        extract_program(f"```python\n{text}\n```")
        try:
            tests = read_tests(text)
        except DataError:
            assert decide_many([(text, "```python\nx\n```")])[0][0] == "bad_gold"
        else:
            assert len(tests) > 0
