"""
Does a program pass its tests? It runs in a sandbox; what it should print or return never goes in, the comparison is
made outside it.
"""

import ast
import functools
from typing import Any

from ..core.errors import DataError
from ..sandbox.evaluation import literal
from ..sandbox.types import Limits, Outcome, Program
from .code_assertions import Assertion, Raises
from .code_blocks import extract_program
from .code_compare import Items, Thing, same_json, same_output
from .code_judging import JUDGING, Failed, Unknown
from .code_names import exchanged
from .code_tests import Plan, read_tests
from .code_values import BAD_TEXT, NOTHING, evaluate, read_value

LIMITS = Limits()


class Lost(Exception):
    """A sandbox that died."""


def make_program(language: str, source: str, tests: Plan, limits: Limits, stop: bool) -> Program:
    return Program(source, inputs=tests.inputs, evaluations=tests.runs, language=language, stop=stop, limits=limits)


# ---------------------------------------------------------------------------------------------------- what came back


def read_replies(outcome: Outcome, count: int) -> list[Any]:
    """
    Of each step the level and the value, or the classes of its exception, or `NOTHING`. The text may be anything.
    """
    replies: list[Any] = []
    for line in outcome.stdout.split("\n")[:count]:
        kind, _, rest = line.partition(" ")
        level, _, text = rest.partition(" ")
        if kind == "value" and level.isdecimal() and (value := read_value(text)) is not NOTHING:
            replies.append((int(level), value))
        else:
            replies.append(set(rest.partition(":")[0].split()) if kind == "error" else NOTHING)
    return replies + [NOTHING] * (count - len(replies))


def called_right(wanted: Any, reply: Any, wrapped: bool) -> bool:
    """Whether a call returned what it should."""
    try:
        return type(reply) is tuple and (same_json(wanted, reply[1]) or wrapped and same_json(wanted[0], reply[1]))
    except BAD_TEXT:
        return False


def known_parts(check: Assertion, replies: list[Any], own: list[Any]) -> dict[int, Any]:
    """Values of the parts of an assertion, by the `id` of their expressions."""
    known = {id(node): own[index] for index, node in check.own if own[index] is not NOTHING}
    for step, levels in check.holes:
        level, value = replies[step] if type(replies[step]) is tuple else (0, NOTHING)
        known[id(levels[min(level, len(levels) - 1)])] = value
    return known


def holds(check: Assertion | Raises, replies: list[Any], own: list[Any]) -> bool | None:
    """Whether an assertion holds; `None` where that needs code of the test."""
    if isinstance(check, Raises):
        return type(replies[check.step]) is set and bool(replies[check.step] & set(check.names))
    try:
        if not check.here:
            return None
        return bool(evaluate(check.test, known_parts(check, replies, own), JUDGING))
    except (Unknown, ValueError):  # such as integers too long for `str`
        return None
    except (*BAD_TEXT, Failed):
        return False


def as_text(value: Any) -> str:
    """A value as the code of a test finds it."""
    if isinstance(value, Thing):
        return f"SimpleNamespace(**{as_text(value.fields)})"
    if isinstance(value, Items):
        return f"iter({as_text(value.items)})"
    if isinstance(value, dict) and type(value) is dict:
        return "{" + ", ".join(f"{as_text(key)}: {as_text(item)}" for key, item in value.items()) + "}"
    if type(value) in (list, tuple):
        inner = "".join(f"{as_text(item)}, " for item in value)
        return f"[{inner}]" if type(value) is list else f"({inner})"
    return literal(value)


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
    own: dict[str, list[Any]] = {}  # a test's own values, by gold
    for (index, tests, program), outcomes in zip(jobs, ran, strict=True):
        gold = items[index][0]
        try:
            if gold not in own:
                own[gold] = own_values(tests, sandbox, limits)
            verdicts[index] = verdict(passed(tests, program, outcomes, own[gold], sandbox), outcomes)
        except DataError as error:
            verdicts[index] = ("bad_gold", str(error), 0.0)
        except Lost as error:
            verdicts[index] = ("error", f"sandbox: {error}", 0.0)
    return verdicts


def passed(tests: Plan, program: Program, outcomes: list[Outcome], own: list[Any], sandbox: Any) -> list[bool]:
    """Which tests the outcomes of a program pass."""
    if tests.outputs:
        flags = [
            outcome.succeeded and same_output(out, outcome.stdout)
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
