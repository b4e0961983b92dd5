"""Golds with a checker, limits of their own and encoded tests: what they pay for, and what they never do."""

import json
import shutil

import pytest

from open_r1.core.errors import DataError
from open_r1.verify import Case, code, code_encoded, verify_many
from open_r1.verify.code_encoded import decode, encode

SANDBOX = pytest.mark.skipif(shutil.which("bwrap") is None, reason="bubblewrap is not installed")
READ = "import sys\ngiven, wanted, printed = (open(name).read() for name in sys.argv[1:])\n"
DIVIDES = READ + "print({right} if printed.strip().isdigit() and int(given) % int(printed) == 0 else {wrong})"


def outcome(program, inputs=("12",), outputs=("3",), language="python", **gold):
    """The outcome of a program on a gold, and the note."""
    gold = json.dumps({"inputs": list(inputs), "outputs": list(outputs)} | gold)
    (verdict,) = verify_many([Case("code", gold, f"```{language}\n{program}\n```")])
    return verdict.outcome, verdict.note


@SANDBOX
@pytest.mark.parametrize(("right", "wrong"), [("1", "0"), ("100", "0"), ("'1 \\n'", "'no'"), ("1", "sys.exit(1)")])
@pytest.mark.parametrize(("printed", "expected"), [("4", "correct"), ("3", "correct"), ("5", "wrong"), ("x", "wrong")])
def test_a_checker_says_it_in_these_ways(right, wrong, printed, expected):
    assert outcome(f"print('{printed}')", checker=DIVIDES.format(right=right, wrong=wrong))[0] == expected


HONEST = DIVIDES.format(right=1, wrong=0)


@SANDBOX
@pytest.mark.parametrize(
    ("checker", "reason"),
    [
        ("print(1)", "accepts an empty output"),
        ("print(0)", "refuses the expected output"),
        ("this is no Python", "refuses the expected output"),
        ("raise ValueError('my fault')", "ValueError: my fault"),
        ("print(1); import sys; sys.exit(1)", "refuses the expected output"),
        ("import os; os.kill(os.getppid(), 9)", "refuses the expected output"),
        ("import urllib.request; urllib.request.urlopen('http://127.0.0.1:1')", "refuses the expected output"),
        ("print(0.99)", "refuses the expected output"),
    ],
    ids=["all", "none", "syntax", "crash", "exit code", "kills", "network", "share"],
)
def test_a_checker_that_pays_for_anything_or_nothing_is_a_bad_gold(checker, reason):
    found, note = outcome("print(3)", checker=checker)
    assert found == "bad_gold" and reason in note


@SANDBOX
@pytest.mark.parametrize(
    "program",
    [
        "print(1)\nimport sys\nsys.exit(1)",
        "print('100')",
        "print('4\\n1')",
        "for name in ('checker.py', 'correct_output.txt', 'sys.py'): open(name, 'w').write('print(1)')\nprint(5)",
        "import os\nif os.fork(): print(5)\nelse: os.setsid(); print(4)",
        "print('4' * 20_000_000)",
    ],
    ids=["exit code", "verdict", "two lines", "files", "fork", "flood"],
)
def test_a_program_cannot_speak_for_its_checker(program):
    assert outcome(program, checker=HONEST)[0] == "wrong"


@SANDBOX
def test_files_have_the_lines_that_checkers_were_tried_with():
    checker = (
        READ + "print(int((given, wanted, printed) == ('1\\n\\n2\\n', 'a\\nb\\n', 'b\\na\\n') or printed == wanted))"
    )
    assert outcome("print('b\\r\\n\\na')", ["1\r\n\r\n2\r\n"], ["a\r\n\r\nb"], checker=checker)[0] == "correct"


@SANDBOX
def test_a_checker_judges_each_test():
    assert outcome("print(4)", ["12", "8", "6"], ["3", "2", "1"], checker=HONEST) == ("wrong", "2 of 3 passed")


@SANDBOX
@pytest.mark.parametrize(
    ("program", "gold", "expected"),
    [
        ("while True: pass", {"seconds": 0.2}, ("timeout", "0 of 2 passed; timeout: []")),
        ("x = bytearray(200 << 20)\nprint(3)", {"memory_mb": 64}, ("wrong", None)),
        ("x = bytearray(200 << 20)\nprint(3)", {"memory_mb": 512}, ("correct", "")),
        ("print('no' if input() == '2' else 'YeS')", {"outputs": ["Yes", "NO"], "any_case": ["YES", "NO"]}, None),
        ("print('no' if input() == '2' else 'YeS')", {"outputs": ["Yes", "NO"]}, ("wrong", "0 of 2 passed")),
        ("print(3)", {"encoded": encode([{"input": "5", "output": "4"}])}, ("wrong", "2 of 3 passed")),
        ("print(3)", {"encoded": "!!"}, ("bad_gold", None)),
        ("print(3)", {"fn_name": "f", "checker": HONEST}, ("bad_gold", None)),
        ("print(3)", {"seconds": "soon"}, ("bad_gold", None)),
    ],
)
def test_what_a_gold_says_beside_its_tests(program, gold, expected):
    found = outcome(program, ["1", "2"], gold.pop("outputs", ["3", "3"]), **gold)
    wanted = expected or ("correct", "")
    assert found == wanted or (found[0] == wanted[0] and wanted[1] is None and found[1])


def test_large_golds_are_not_judged_all_at_once(monkeypatch):
    monkeypatch.setattr(code, "TOGETHER", 5)
    assert list(code.rounds(["aaa", "b", "aaa", "cc", "d"])) == [[0, 2, 1], [3, 4]]
    assert list(code.rounds(["a" * 9, "b" * 9])) == [[0], [1]] and list(code.rounds([])) == []


def test_encoded_cases_that_would_fill_the_memory_are_refused(monkeypatch):
    monkeypatch.setattr(code_encoded, "LARGEST", 1 << 20)
    text = encode([{"input": "0" * (2 << 20), "output": ""}])
    assert len(text) < 10_000
    with pytest.raises(DataError, match="larger than 1 MB"):
        decode(text)


def test_encoded_cases_come_back():
    cases = [{"input": "1\n", "output": "#\u00e4\n", "testtype": "stdin"}] * 3
    assert decode(encode(cases)) == cases == decode(json.dumps(cases))
