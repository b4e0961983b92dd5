"""
Does a program pass its tests? It runs in a sandbox; what it should print or return never goes in, the comparison is
made outside it.
"""

import ast
import functools
from collections.abc import Iterator
from typing import Any

from ..core.errors import DataError
from ..sandbox.types import Limits, Outcome, Program
from .code_assertions import Assertion
from .code_blocks import extract_program
from .code_checker import Judged, Lost, accepted, check_checker, judge_outputs
from .code_compare import same_output
from .code_names import exchanged
from .code_replies import as_text, called_right, holds, known_parts, read_replies
from .code_tests import Plan, read_tests
from .code_values import NOTHING

LIMITS = Limits()
TOGETHER = 64 << 20  # bytes of golds whose tests are in memory at once


def make_program(language: str, source: str, tests: Plan, limits: Limits, stop: bool) -> Program:
    """A program with its tests, in their own limits where they have them."""
    return Program(
        source,
        inputs=tests.inputs,
        evaluations=tests.runs,
        language=language,
        stop=stop or tests.stop,
        limits=tests.limits or limits,
    )


def outside(steps: list[tuple[str, list[str]]], sandbox: Any, limits: Limits) -> list[Any]:
    """What steps of a test give in a sandbox without the program."""
    outcome = sandbox.run(Program("", evaluations=[steps], limits=limits))[0]
    if outcome.state == "broken":
        raise Lost(outcome.stderr)
    return read_replies(outcome, len(steps))


PREPARED = (
    "import datetime\nfrom collections import *\nfrom decimal import Decimal\nfrom fractions import Fraction\n"
    "from types import SimpleNamespace\ninf, nan = float('inf'), float('nan')"
)


def judged(checks: list[Assertion], tests: Plan, replies: list[Any], sandbox: Any, limits: Limits) -> list[bool]:
    """Whether assertions hold that need code of the test: it runs in a sandbox without the program, on plain data."""
    given, steps, before = [PREPARED], [("", ["0"])], 0
    for number, check in enumerate(checks):
        parts = {}
        for part, value in known_parts(check, replies, [NOTHING] * len(tests.values)).items():
            parts[part] = ast.Name(f"_value_{number}_{len(parts)}", ast.Load())
            given += [] if value is NOTHING else [f"{parts[part].id} = {as_text(value)}"]
        steps.append(
            ("\n".join(tests.setup[before : check.after]), [f"not not ({ast.unparse(exchanged(check.test, parts))})"])
        )
        before = max(before, check.after)
    steps[0] = ("\n".join(given), ["0"])
    replies = outside(steps, sandbox, limits)[1:]
    if any("ImportError" in reply for reply in replies if type(reply) is set):
        raise DataError("tests that import what the sandbox lacks", "use the standard library alone")
    return [reply == (0, True) for reply in replies]


def own_values(tests: Plan, sandbox: Any, limits: Limits) -> list[Any]:
    """
    The values of a test's own expressions, from a sandbox without the program; raises `DataError` where they have
    none.
    """
    steps, before = [], 0
    for after, expression in tests.values:
        steps.append(("\n".join(tests.setup[before:after]), [expression]))
        before = after
    replies = outside(steps, sandbox, limits) if steps else []
    for reply, (_, expression) in zip(replies, tests.values, strict=True):
        if type(reply) is not tuple:
            raise DataError(
                f"a test's own {expression[:60]!r} has no value",
                "it is computed without the program and within its limits",
            )
    return [reply[1] for reply in replies]


# ------------------------------------------------------------------------------------------------------ verdicts


@functools.cache
def default_sandbox() -> Any:
    """The sandbox of verdicts that were asked for without naming one."""
    from ..sandbox import make_sandbox

    return make_sandbox()


def decide_many(
    items: list[tuple[str, str]], sandbox: Any = None, limits: Limits = LIMITS, stop: bool = False
) -> list[tuple[str, str, float]]:
    """
    Runs programs on their tests.

    Args:
        items (`list[tuple[str, str]]`):
            Gold and final part of a response each.
        sandbox (`LocalSandbox` or a remote one, *optional*):
            Where to run them.
        limits (`Limits`, *optional*):
            Of each run.
        stop (`bool`, *optional*, defaults to `False`):
            Whether to stop at the first input that fails, where only full marks count.

    Returns:
        `list[tuple[str, str, float]]`: outcome, note and share of passed checks.
    """
    verdicts: list[Any] = [None] * len(items)
    for indices in rounds([gold for gold, _ in items]):
        found = decide_together([items[index] for index in indices], sandbox, limits, stop)
        for index, verdict in zip(indices, found, strict=True):
            verdicts[index] = verdict
    return verdicts


def rounds(golds: list[str]) -> Iterator[list[int]]:
    """Indices of golds, equal ones together, and not more different ones at once than `TOGETHER` says."""
    places: dict[str, list[int]] = {}
    for index, gold in enumerate(golds):
        places.setdefault(gold, []).append(index)
    indices, size = [], 0
    for gold, found in places.items():
        if indices and size + len(gold) > TOGETHER:
            yield indices
            indices, size = [], 0
        indices, size = indices + found, size + len(gold)
    if indices:
        yield indices


def decide_together(
    items: list[tuple[str, str]], sandbox: Any, limits: Limits, stop: bool
) -> list[tuple[str, str, float]]:
    """`decide_many` for programs whose tests fit into memory together."""
    verdicts: list[Any] = [None] * len(items)
    jobs = []
    for index, (gold, final) in enumerate(items):
        found = extract_program(final)
        try:
            tests = read_tests(gold)
        except DataError as error:
            verdicts[index] = ("bad_gold", str(error), 0.0)
            continue
        if found is None:
            verdicts[index] = ("no_answer", "no code block", 0.0)
        elif found[0] != "python" and tests.runs:
            verdicts[index] = ("wrong", f"{found[0]} cannot be called from Python tests", 0.0)
        else:
            jobs.append((index, tests, make_program(*found, tests, limits, stop)))
    sandbox = (sandbox or default_sandbox()) if jobs else None
    ran = sandbox.run_many([program for _, _, program in jobs]) if jobs else []
    plans = [tests for _, tests, _ in jobs]
    said = judge_outputs(list(zip(plans, ran, strict=True)), sandbox) if jobs else []
    own: dict[str, list[Any]] = {}  # a test's own values, by gold
    for (index, tests, program), outcomes, replies in zip(jobs, ran, said, strict=True):
        gold = items[index][0]
        try:
            if gold not in own:
                if tests.checker:
                    check_checker(tests, sandbox)
                own[gold] = own_values(tests, sandbox, limits)
            verdicts[index] = verdict(passed(tests, program, outcomes, own[gold], replies, sandbox), outcomes)
        except DataError as error:
            verdicts[index] = ("bad_gold", str(error), 0.0)
        except Lost as error:
            verdicts[index] = ("error", f"sandbox: {error}", 0.0)
    return verdicts


def passed(
    tests: Plan, program: Program, outcomes: list[Outcome], own: list[Any], said: Judged, sandbox: Any
) -> list[bool]:
    """Which tests the outcomes of a program pass."""
    if tests.checker:
        flags = list(map(accepted, said))
    elif tests.outputs:
        flags = [
            outcome.succeeded and same_output(out, outcome.stdout, tests.any_case)
            for outcome, out in zip(outcomes, tests.outputs, strict=False)
        ]
    elif tests.results:
        replies = [read_replies(outcome, 1)[0] for outcome in outcomes]
        flags = [called_right(out, reply, tests.wrapped) for reply, out in zip(replies, tests.results, strict=False)]
    else:
        replies = read_replies(outcomes[0], len(program.evaluations[0]))
        flags = [holds(check, replies, own) for check in tests.checks]
        if None in flags:
            rest = [check for check, flag in zip(tests.checks, flags, strict=True) if flag is None]
            found = iter(judged(rest, tests, replies, sandbox, program.limits))
            flags = [next(found) if flag is None else flag for flag in flags]
    return flags + [False] * (len(tests) - len(flags))


def verdict(flags: list[bool], outcomes: list[Outcome]) -> tuple[str, str, float]:
    """Outcome, note and share of passed tests of one program."""
    share = sum(flags) / len(flags)
    if share == 1:
        return "correct", "", 1.0
    failed = next((outcome for outcome in outcomes if not outcome.succeeded), None)
    if failed and failed.state == "broken":
        return "error", f"sandbox: {failed.stderr}", 0.0
    note = f"{sum(flags)} of {len(flags)} passed" + (
        f"; {failed.state}: {failed.stderr.strip().splitlines()[-1:]}" if failed else ""
    )
    return ("timeout" if failed and failed.state == "timeout" else "wrong"), note, share
