"""
Programs and their tests: right ones are paid in every idiom, and no program passes by other means than its values.
"""

import json
import shutil
import sys

import pytest
from code_cheats import CHEATS
from code_idioms import IDIOMS
from code_trial import TRIAL_CHEATS, TRIAL_IDIOMS

from open_r1.sandbox import Limits, LocalSandbox
from open_r1.verify.code import decide_many, extract_program

SANDBOX = pytest.mark.skipif(shutil.which("bwrap") is None, reason="bubblewrap is not installed")
COMPILER = pytest.mark.skipif(shutil.which("g++") is None, reason="g++ is not installed")


def written(gold):
    """A gold as data sets hold it."""
    digits = sys.get_int_max_str_digits()
    sys.set_int_max_str_digits(0)  # some are long
    try:
        return gold if isinstance(gold, str) else json.dumps(gold)
    finally:
        sys.set_int_max_str_digits(digits)


@pytest.fixture(scope="module")
def tables():
    """Verdicts of all idioms and cheats, made once."""
    sandbox = LocalSandbox(warm=True)
    found = {}
    for kind, cases in (("idiom", IDIOMS | TRIAL_IDIOMS), ("cheat", CHEATS | TRIAL_CHEATS)):
        responses = [
            program if name.startswith("response") else f"```{'cpp' if ' cpp ' in name else 'python'}\n{program}\n```"
            for name, (_, program) in cases.items()
        ]
        items = [(written(gold), response) for (gold, _), response in zip(cases.values(), responses, strict=True)]
        verdicts = decide_many(items, sandbox, Limits(seconds=20 if kind == "idiom" else 4))
        found |= {(kind, name): verdict for name, verdict in zip(cases, verdicts, strict=True)}
    sandbox.close()
    return found


@SANDBOX
@pytest.mark.parametrize("name", IDIOMS | TRIAL_IDIOMS)
def test_right_programs_are_paid(tables, name):
    assert tables["idiom", name] == ("correct", "", 1.0)


@SANDBOX
@pytest.mark.parametrize("name", CHEATS | TRIAL_CHEATS)
def test_no_cheat_is_paid(tables, name):
    outcome, note, _ = tables["cheat", name]
    assert outcome in ("wrong", "timeout", "bad_gold") and note


def test_the_tables_are_as_large_as_they_were():
    assert len(IDIOMS) >= 280 and len(CHEATS) >= 220 and len(TRIAL_IDIOMS) >= 200 and len(TRIAL_CHEATS) >= 330


@pytest.mark.parametrize(
    ("final", "found"),
    [
        ("```python\nx = 1\n```", ("python", "x = 1\n")),
        ("First\n```python\nx = 1\n```\nand then\n```python\nx = 2\n```\nDone.", ("python", "x = 2\n")),
        ("```py\nx\n```", ("python", "x\n")),
        ("```Python3\nx\n```", ("python", "x\n")),
        ("```\nx\n```", ("python", "x\n")),
        ("``` python\nx\n```", ("python", "x\n")),
        ("```python title=main.py\nx\n```", ("python", "x\n")),
        ("```python\r\nx\r\n```", ("python", "x\n")),
        ("```cpp\nint x;\n```", ("cpp", "int x;\n")),
        ("```C++\nint x;\n```", ("cpp", "int x;\n")),
        ("```python\nx = 1\n```\nIt prints\n```text\n1\n```", ("python", "x = 1\n")),
        ("```python\n```", ("python", "")),
        ("print(1)", ("python", "print(1)")),
        ("```java\nclass A {}\n```", None),
        ("```python\nx = 1", None),
        ("```", None),
        ("", None),
        (None, None),
    ],
)
def test_the_program_is_the_last_block_of_a_language_we_run(final, found):
    assert extract_program(final) == found


# ---------------------------------------------------------------------------------------------------------- runs

STDIN = {"inputs": ["1\n", "2\n", "3\n", "4\n"], "outputs": ["2\n", "4\n", "6\n", "8\n"]}
CALLS = ["assert f(1) == 2", "assert f(2) == 4", "assert f(3) == 6", "assert f(4) == 8"]
LOOKS = """import sys
def f(x):
    frame = sys._getframe()
    while frame.f_back:
        frame = frame.f_back
    return frame.f_globals.get('expected')
"""
METHOD = "class Solution:\n    def f(self, x):\n        return 2 * x"
TWICE, EQUAL = (
    "def f(x):\n    return 2 * x",
    "class E:\n    __eq__ = __hash__ = lambda *_: True\n    __bool__ = lambda _: True\n",
)
CPP = "#include <iostream>\nint main() { int x; std::cin >> x; std::cout << 2 * x << std::endl; }"
FLOATS = (  # what a test finds where it does arithmetic with a result
    "class E(float):\n    __sub__ = __rsub__ = __abs__ = lambda *_: 0.0\n"
    "    __eq__ = __lt__ = __gt__ = lambda *_: True\ndef f(x):\n    return E()"
)
MATCH = "import re\ndef f(x):\n    return re.match('a', x)"
RUNS = {  # name -> gold, program, outcome, score
    "right, stdin": (STDIN, "print(2 * int(input()))", "correct", 1.0),
    "right, a module's guard": (STDIN, "if __name__ == '__main__':\n    print(2 * int(input()))", "correct", 1.0),
    "right, asserts": (CALLS, TWICE, "correct", 1.0),
    "right, sys.exit": (STDIN, "import sys\nprint(2 * int(input()))\nsys.exit()", "correct", 1.0),
    "right, function": (
        {"inputs": [[1, 2]], "outputs": [[3, 2]], "fn_name": "f"},
        "def f(a, b):\n    return a + b, a * b",
        "correct",
        1.0,
    ),
    "right, method": ({"inputs": [[3]], "outputs": [6], "fn_name": "f"}, METHOD, "correct", 1.0),
    "right, named method": ({"inputs": [[3]], "outputs": [6], "fn_name": "Solution.f"}, METHOD, "correct", 1.0),
    "right, dict and set": (["assert f() == {'a': {1, 2}}"], "def f():\n    return {'a': {2, 1}}", "correct", 1.0),
    "right, prints as well": (CALLS, f"print('hello')\n{TWICE.replace('return', 'print(x); return')}", "correct", 1.0),
    "right, imports": (
        ["import math", "assert f(4) == 2.0", "assert math.isclose(f(2), 1.41421356237)"],
        "import math\ndef f(x):\n    return math.sqrt(x)",
        "correct",
        1.0,
    ),
    "right, distance": (["assert abs(f(2) - 1.5) < 0.1"], "def f(x):\n    return 1.45", "correct", 1.0),
    "half right, a mutation": (
        ["x = [2, 1]", "assert f(x) is None", "assert x == [2, 1]"],
        "def f(x):\n    x.sort()",
        "wrong",
        0.5,
    ),
    "wrong, stdin": (STDIN, "print(3 * int(input()))", "wrong", 0.0),
    "wrong, asserts": (CALLS, TWICE.replace("2", "3"), "wrong", 0.0),
    "partly right, stdin": (STDIN, "x = int(input())\nprint(2 * x if x < 3 else 0)", "wrong", 0.5),
    "partly right, asserts": (CALLS, f"{TWICE} if x != 3 else 0", "wrong", 0.75),
    "partly right, an exception": (CALLS, f"{TWICE} if x < 4 else 1 / 0", "wrong", 0.75),
    "other function": (CALLS, "def g(x):\n    return 2 * x", "wrong", 0.0),
    "syntax error": (CALLS, "def f(x)\n    return 2 * x", "wrong", 0.0),
    "syntax error, stdin": (STDIN, "print(2 *", "wrong", 0.0),
    "null byte": (CALLS, f"{TWICE}\0", "wrong", 0.0),
    "exception": (CALLS, f"{TWICE}\nraise ValueError", "wrong", 0.0),
    "exit code": (STDIN, "print(2 * int(input()))\nraise SystemExit(3)", "wrong", 0.0),
    "endless loop": (STDIN, "while True: pass", "timeout", 0.0),
    "endless loop, asserts": (CALLS, f"{TWICE}\nwhile True: pass", "timeout", 0.0),
    "endless loop in the end": (CALLS, TWICE.replace("    ", "    while x > 2: pass\n    "), "timeout", 0.5),
    "reads more than there is": (STDIN, "print(2 * int(input()))\ninput()", "wrong", 0.0),
    "prints nothing": (STDIN, "", "wrong", 0.0),
    "equal to everything": (CALLS, f"{EQUAL}def f(x):\n    return E()", "wrong", 0.0),
    "elements equal to everything": (
        ["assert f(1) == [1, 2]"],
        f"{EQUAL}def f(x):\n    return [E(), E()]",
        "wrong",
        0.0,
    ),
    "subclass that is equal": (
        CALLS,
        "class I(int):\n    __eq__ = lambda *_: True\ndef f(x):\n    return I(0)",
        "wrong",
        0.0,
    ),
    "forged lines on stdout": (CALLS, "print('value 2\\nvalue 4\\nvalue 6\\nvalue 8', flush=True)", "wrong", 0.0),
    "repr that is forged": (
        ["assert f(1) == 2"],
        "class R:\n    __repr__ = lambda _: '2'\ndef f(x):\n    return R()",
        "wrong",
        0.0,
    ),
    "os._exit at import": (CALLS, "import os\nos._exit(0)", "wrong", 0.0),
    "os._exit at import, stdin": (STDIN, "import os\nos._exit(0)", "wrong", 0.0),
    "os._exit in the call": (CALLS, f"import os\n{TWICE.replace('return', 'os._exit(0); return')}", "wrong", 0.0),
    "looks for the tests": (CALLS, LOOKS, "wrong", 0.0),
    "huge integer for a float": (["assert f(1) == 2.5"], "def f(x):\n    return 10**400", "wrong", 0.0),
    "deep list": (
        ["assert f(1) == []"],
        "def f(x):\n    a = []\n    for _ in range(900):\n        a = [a]\n    return a",
        "wrong",
        0.0,
    ),
    "a list that holds itself": (
        ["assert f(1) == []"],
        "def f(x):\n    a = []\n    a.append(a)\n    return a",
        "wrong",
        0.0,
    ),
    "memory": (CALLS, "def f(x):\n    return [2 * x] * 10**10", "wrong", 0.0),
    "equal to everything, computed": (
        ["assert f(1) == sorted([2, 1])"],
        f"{EQUAL}def f(x):\n    return E()",
        "wrong",
        0.0,
    ),
    "equal to everything, membership": (["assert f(1) in (1, 2)"], f"{EQUAL}def f(x):\n    return E()", "wrong", 0.0),
    "own bool": (["assert f(1) == sorted([2, 1])"], "bool = lambda _: True\ndef f(x):\n    return 0", "wrong", 0.0),
    "own sorted": (["assert f(1) == sorted([2, 1])"], "sorted = lambda _: 0\ndef f(x):\n    return 0", "wrong", 0.0),
    "equal to everything, computed on the left": (
        ["assert sorted([2, 1]) == f(1)"],
        f"{EQUAL}def f(x):\n    return E()",
        "wrong",
        0.0,
    ),
    "equal to everything, inequality": (["assert f(1) != 3"], f"{EQUAL}def f(x):\n    return E()", "wrong", 0.0),
    "holds everything": (
        ["assert 3 in f(1)"],
        "class C(list):\n    __contains__ = lambda *_: True\ndef f(x):\n    return C()",
        "wrong",
        0.0,
    ),
    "equal to everything, distance": (["assert abs(f(1) - 2.5) < 0.1"], FLOATS, "wrong", 0.0),
    "own abs": (["assert abs(f(1) - 2.5) < 0.1"], "abs = lambda _: 0\ndef f(x):\n    return 5", "wrong", 0.0),
    "own isclose": (
        ["from math import isclose", "assert isclose(f(1), 2.5)"],
        "import math\nmath.isclose = lambda *_: True\ndef f(x):\n    return 5",
        "wrong",
        0.0,
    ),
    "right, computed": (["x = [2, 1]", "assert f(x) == sorted(x)"], "def f(x):\n    return [1, 2]", "correct", 1.0),
    "right, computed on the left": (["assert sorted([2, 1]) == f(1)"], "def f(x):\n    return [1, 2]", "correct", 1.0),
    "wrong, computed": (["x = [2, 1]", "assert f(x) == sorted(x)"], "def f(x):\n    return x", "wrong", 0.0),
    "right, computed by the program as well": (
        ["assert f(1) == g(2)"],
        f"{TWICE}\ndef g(x):\n    return x",
        "correct",
        1.0,
    ),
    "wrong, computed by the program as well": (
        ["assert f(1) == g(2)"],
        f"{TWICE}\ndef g(x):\n    return x + 1",
        "wrong",
        0.0,
    ),
    "endless, computed": (["assert f(1) == [x for x in iter(int, 1)]"], TWICE, "bad_gold", 0.0),
    "right, relations": (
        [
            "assert f(1) in (1, 2)",
            "assert f(1) != 3",
            "assert f(1) > 1",
            "assert 2 in [f(1)]",
            "assert 1 < f(1) < 3",
            "assert f(1)",
        ],
        TWICE,
        "correct",
        1.0,
    ),
    "wrong, relations": (
        ["assert f(1) in (1, 3)", "assert f(1) != 2", "assert f(1) > 2", "assert not f(1)"],
        TWICE,
        "wrong",
        0.0,
    ),
    "wide tolerance": (
        ["from math import isclose", "assert isclose(f(1), 2.5, rel_tol=0.1)"],
        "def f(x):\n    return 2.51",
        "correct",
        1.0,
    ),
    "narrow tolerance": (
        ["from math import isclose", "assert isclose(f(1), 2.5)"],
        "def f(x):\n    return 2.5001",
        "wrong",
        0.0,
    ),
    "at a strict distance": (["assert abs(f(1) - 1) < 1"], TWICE, "wrong", 0.0),
    "APPS, results in lists": ({"inputs": [[3]], "outputs": [[6]], "fn_name": "f"}, TWICE, "correct", 1.0),
    "APPS, wrong results in lists": ({"inputs": [[3]], "outputs": [[7]], "fn_name": "f"}, TWICE, "wrong", 0.0),
    "right, infinity": (["assert f(1) == float('inf')"], "def f(x):\n    return float('inf')", "correct", 1.0),
    "own float": (["assert f(1) == float('inf')"], "float = lambda _: 0\ndef f(x):\n    return 0", "wrong", 0.0),
    "own sorted, on the left": (
        ["assert sorted([2, 1]) == f(1)"],
        "sorted = lambda _: 0\ndef f(x):\n    return 0",
        "wrong",
        0.0,
    ),
    "own abs, computed": (
        ["import math", "assert abs(f(1) - math.pi) < 0.1"],
        "abs = lambda _: 0\ndef f(x):\n    return 5",
        "wrong",
        0.0,
    ),
    "any distance, computed": (["import math", "assert abs(f(1) - math.pi) < 0.1"], FLOATS, "wrong", 0.0),
    "equal to everything, and": (
        ["assert f(1) == 2 and f(2) == 4"],
        f"{EQUAL}def f(x):\n    return E()",
        "wrong",
        0.0,
    ),
    "between everything": (["assert 1 < f(1) < 3"], FLOATS, "wrong", 0.0),
    "partly right, and": (["assert f(1) == 2 and f(2) == 5"], TWICE, "wrong", 0.5),
    "wrong, chain": (["assert 1 < f(1) < 2"], TWICE, "wrong", 0.0),
    "wrong, infinity": (["assert f(1) == float('inf')"], "def f(x):\n    return -float('inf')", "wrong", 0.0),
    "right, approx": (
        ["import pytest", "assert f(1) == pytest.approx(2.5)"],
        "def f(x):\n    return 2.5000001",
        "correct",
        1.0,
    ),
    "wrong, approx": (
        ["import pytest", "assert f(1) == pytest.approx(2.5)"],
        "def f(x):\n    return 2.5001",
        "wrong",
        0.0,
    ),
    "own approx": (
        ["from pytest import approx", "assert f(1) == approx(2.5)"],
        "approx = lambda _: 0\ndef f(x):\n    return 0",
        "wrong",
        0.0,
    ),
    "right, approx on the left": (
        ["assert pytest.approx(2.5) == f(1)"],
        "def f(x):\n    return 2.5000001",
        "correct",
        1.0,
    ),
    "right, approx of a list": (
        ["assert f(1) == pytest.approx([2.5, 1])"],
        "def f(x):\n    return [2.5000001, 1]",
        "correct",
        1.0,
    ),
    "right, approx with its tolerance unnamed": (
        ["assert f(1) == pytest.approx(2.5, 0.1)"],
        "def f(x):\n    return 2.51",
        "correct",
        1.0,
    ),
    "right, isclose of a literal": (["import math", "assert math.isclose(2.0, f(1))"], TWICE, "correct", 1.0),
    "wrong, isclose of a literal": (["import math", "assert math.isclose(2.5, f(1))"], TWICE, "wrong", 0.0),
    "right, isclose of what is computed": (
        [
            "from math import isclose, sqrt",
            "assert isclose(f(1), sqrt(4))",
            "assert isclose(sum([1, 1]), f(1))",
            "assert isclose(f(1), g(1))",
        ],
        f"{TWICE}\ng = f",
        "correct",
        1.0,
    ),
    "wrong, isclose of what is computed": (
        [
            "import math",
            "assert math.isclose(f(1), math.pi)",
            "assert math.isclose(sum([1, 2]), f(1))",
            "assert math.isclose(f(1), g(1))",
        ],
        f"{TWICE}\ng = lambda x: x",
        "wrong",
        0.0,
    ),
    "any float, isclose": (
        ["import math", "assert math.isclose(2.5, f(1))", "assert math.isclose(f(1), math.pi)"],
        FLOATS,
        "wrong",
        0.0,
    ),
    "right, a setup that calls the program": (
        ["x, y = f(1), [1, 2]", "assert x == 2", "assert x == max([1, 2])", "assert x == max(y)"],
        TWICE,
        "correct",
        1.0,
    ),
    "wrong, a setup that calls the program": (
        ["x, y = f(1), [1, 3]", "assert x == 3", "assert x == max([1, 3])", "assert x == max(y)"],
        TWICE,
        "wrong",
        0.0,
    ),
    "own max, a setup that calls the program": (
        ["x = f(1)", "assert x == max([1, 3])"],
        f"max = lambda _: 2\n{TWICE}",
        "wrong",
        0.0,
    ),
    "right, a match": (["assert f('a')", "assert not f('b')", "assert f('a') is not None"], MATCH, "correct", 1.0),
    "wrong, a match": (
        ["assert not f('a')", "assert f('b')", "assert f('a') == True", "assert f('a') == 1"],
        MATCH,
        "wrong",
        0.0,
    ),
}
QUICK = Limits(seconds=0.5)


@SANDBOX
@pytest.mark.parametrize("name", RUNS)
def test_programs_get_what_they_earn(name):
    gold, program, outcome, score = RUNS[name]
    limits = QUICK if outcome == "timeout" or name.startswith("endless") else Limits(seconds=10)
    ((found, note, share),) = decide_many(
        [(json.dumps(gold), f"Here it is:\n```python\n{program}\n```\n")], limits=limits
    )
    assert (found, share) == (outcome, score), note
    assert bool(note) == (outcome != "correct")


@SANDBOX
@COMPILER
@pytest.mark.parametrize(
    ("gold", "program", "outcome", "note"),
    [
        (STDIN, CPP, "correct", ""),
        (STDIN, CPP.replace("2 *", "3 *"), "wrong", "0 of 4 passed"),
        (STDIN, CPP.replace(";", ""), "wrong", "compiler"),
        (STDIN, CPP.replace("int x;", "int x; while (true);"), "timeout", "timeout"),
        (CALLS, CPP, "wrong", "cannot be called"),
    ],
)
def test_cpp_programs_are_compiled(gold, program, outcome, note):
    limits = QUICK if outcome == "timeout" else Limits(seconds=10)
    ((found, text, _),) = decide_many([(json.dumps(gold), f"```cpp\n{program}\n```")], limits=limits)
    assert found == outcome and note in text


@SANDBOX
def test_a_batch_keeps_its_order_whatever_is_in_it():
    def block(program):
        return f"```python\n{program}\n```"

    items = [
        (json.dumps(CALLS), block(TWICE)),
        ("", block(TWICE)),
        (json.dumps(CALLS), "no program```"),
        (json.dumps(CALLS), None),
        (json.dumps(CALLS), block("while True: pass")),
        (json.dumps(STDIN), block("print(0)")),
        (json.dumps(CALLS), block(TWICE)),
    ]
    outcomes = [outcome for outcome, _, _ in decide_many(items, limits=QUICK)]
    assert outcomes == ["correct", "bad_gold", "no_answer", "no_answer", "timeout", "wrong", "correct"]


@SANDBOX
def test_stop_ends_a_program_at_its_first_failure():
    gold = json.dumps({"inputs": ["1", "0", "1", "1"], "outputs": ["1", "0", "1", "1"]})
    program = "x = input()\nassert x != '0'\nprint(x)"
    assert [decide_many([(gold, program)], stop=stop)[0][::2] for stop in (False, True)] == [
        ("wrong", 0.75),
        ("wrong", 0.25),
    ]
