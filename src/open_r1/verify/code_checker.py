"""Problems with several right answers: their data set has a program, the checker, that judges what was printed.

It is called as open-r1's judges call theirs, `checker.py INPUT EXPECTED PRINTED` with three files, and prints 1 (or
100) for a right output; whatever else it prints, or an exit code that is not 0, refuses. Lines of the files end in
`\\n`, and the outputs have no empty lines: so its authors tried it.

It runs in a sandbox that the judged program has never been in: to it, what that printed is one more file. And nobody
believes a checker that pays for anything, or for nothing: on its problem's largest test it has to accept what is
expected, and to refuse an empty output; else the gold is bad.
"""

import json
from typing import Any

from ..core.errors import DataError
from ..sandbox.types import Limits, Outcome, Program
from .code_tests import Plan

LIMITS = Limits(seconds=10, memory=1 << 30, file=32 << 20)
CALL = """
import json, runpy, sys
files = json.load(sys.stdin)
for name, text in files.items():
    with open(name, "w", encoding="utf-8", errors="replace", newline="") as file:
        file.write(text)
sys.argv = list(files)
runpy.run_path(sys.argv[0], run_name="__main__")
"""
Judged = list[Outcome | None]  # one per output; `None` where there was none to judge


class Lost(Exception):
    """A sandbox that died."""


def lines(text: str) -> str:
    """An output as a file for a checker."""
    return "".join(f"{line}\n" for line in text.replace("\r\n", "\n").split("\n") if line)


def request(tests: Plan, index: int, printed: str) -> str:
    """Stdin of one call."""
    files = {
        "checker.py": tests.checker,
        "input.txt": tests.inputs[index].replace("\r\n", "\n"),
        "correct_output.txt": lines(tests.outputs[index]),
        "solution_output.txt": lines(printed),
    }
    return json.dumps(files)


def judge_outputs(jobs: list[tuple[Plan, list[Outcome]]], sandbox: Any) -> list[Judged]:
    """What checkers say of the outputs of programs, for plans that have one."""
    found: list[Judged] = [[None] * len(outcomes) for _, outcomes in jobs]
    places, programs = [], []
    for number, (tests, outcomes) in enumerate(jobs):
        ended = [k for k, outcome in enumerate(outcomes) if outcome.succeeded] if tests.checker else []
        if ended:
            places.append((number, ended))
            calls = [request(tests, k, outcomes[k].stdout) for k in ended]
            programs.append(Program(CALL, inputs=calls, limits=LIMITS))
    for (number, ended), outcomes in zip(places, sandbox.run_many(programs), strict=True):
        for k, outcome in zip(ended, outcomes, strict=False):
            found[number][k] = outcome
    return found


def accepted(outcome: Outcome | None) -> bool:
    """Whether a checker found an output right; raises `Lost` where it could not be asked."""
    if outcome is not None and outcome.state == "broken":
        raise Lost(outcome.stderr)
    return outcome is not None and outcome.succeeded and outcome.stdout.strip() in ("1", "100")


def check_checker(tests: Plan, sandbox: Any) -> None:
    """Raises `DataError` for a checker that refuses what is expected, or accepts an empty output in its place."""
    sizes = [len(given) + len(wanted) for given, wanted in zip(tests.inputs, tests.outputs, strict=True)]
    index = sizes.index(max(sizes))
    printed = [tests.outputs[index], *([""] if tests.outputs[index].strip() else [])]
    calls = [request(tests, index, text) for text in printed]
    right, *empty = sandbox.run(Program(CALL, inputs=calls, limits=LIMITS))
    if not accepted(right):
        reason = (right.stderr.strip().splitlines() or [right.stdout.strip()[:100] or right.state])[-1]
        raise DataError(f"a checker that refuses the expected output ({reason[:200]})", "leave the problem out")
    if any(map(accepted, empty)):
        raise DataError("a checker that accepts an empty output", "leave the problem out")
