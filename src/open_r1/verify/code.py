"""Does a program pass its tests? It runs in a sandbox; what it should print or return never goes in, the comparison is made here."""

import ast
import dataclasses
import functools
import math
import operator
from typing import Any

from ..errors import DataError
from ..sandbox.types import Limits, Outcome, Program
from .code_tests import NOTHING, OPAQUE, Check, Pending, is_own, read_tests

LANGUAGES = {"": "python", "python": "python", "python3": "python", "py": "python", "cpp": "cpp", "c++": "cpp", "cc": "cpp"}
RELATIVE = 1e-6
LIMITS = Limits()
NO_LITERAL = "error TypeError: returned a "  # as runner.py says it of an object
MAX_TEXT = 200_000  # characters of a returned value that are still read


def extract_program(final: str | None) -> tuple[str, str] | None:
    """Language and source of the last code block of a final part; all of it, as Python, if it has no fences."""
    if not final:
        return None
    parts = final.split("```")
    if len(parts) == 1:
        return "python", final
    blocks = [part.partition("\n") for part in parts[1::2][: len(parts) // 2 - (len(parts) % 2 == 0)]]  # the last may have no end
    named = [((name.casefold().split() or [""])[0], source) for name, _, source in blocks]
    known = [(LANGUAGES[name], source) for name, source in named if name in LANGUAGES]
    return known[-1] if known else None


# ---------------------------------------------------------------------------------------------------- comparison


def same_output(wanted: str, printed: str) -> bool:
    """Whether two outputs hold the same tokens; numbers with a decimal point may differ by a millionth."""
    one, other = wanted.split(), printed.split()
    return len(one) == len(other) and all(a == b or close_text(a, b) for a, b in zip(one, other, strict=True))


def close_text(one: str, other: str) -> bool:
    if "." not in one + other and "e" not in (one + other).casefold():
        return False
    try:
        return near(float(one), float(other), (RELATIVE, RELATIVE))
    except ValueError:
        return False


def same_value(wanted: Any, got: Any) -> bool:
    """Whether two plain values are the same; JSON knows no tuples, so lists and tuples are, and floats may differ by a millionth."""
    if isinstance(wanted, bool) or isinstance(got, bool):
        return wanted is got
    if isinstance(wanted, (int, float)) and isinstance(got, (int, float)):
        if isinstance(wanted, int) and isinstance(got, int):
            return wanted == got
        return wanted == got or near(wanted, got, (RELATIVE, RELATIVE))
    if isinstance(wanted, (list, tuple)) and isinstance(got, (list, tuple)):
        return len(wanted) == len(got) and all(same_value(a, b) for a, b in zip(wanted, got, strict=True))
    if isinstance(wanted, dict) and isinstance(got, dict):
        keys = {str(key): item for key, item in got.items()}  # JSON's keys are strings
        return len(wanted) == len(keys) == len(got) and all(str(k) in keys and same_value(v, keys[str(k)]) for k, v in wanted.items())
    return type(wanted) is type(got) and wanted == got


def near(wanted: Any, got: Any, tolerance: tuple[float, float], strict: bool = False) -> bool:
    """Whether two numbers, or lists of them, are within a relative or an absolute tolerance."""
    if isinstance(wanted, (list, tuple)) and isinstance(got, (list, tuple)):
        return len(wanted) == len(got) and all(near(a, b, tolerance, strict) for a, b in zip(wanted, got, strict=True))
    if isinstance(got, bool):
        return False
    try:
        gap, scale = abs(got - wanted), max(abs(wanted), abs(got))
        most = max(tolerance[1], tolerance[0] * scale)
    except OverflowError:  # an integer beyond all floats
        return False
    if math.isinf(scale):
        return wanted == got
    return gap < most if strict else gap <= most


def holds(check: Check, wanted: Any, got: Any) -> bool:
    """Whether a value stands in the wanted relation to what was expected."""
    if check.relation == "truth":
        return bool(got) is wanted
    if got is OPAQUE:
        return False
    if check.relation.startswith("near"):
        return near(wanted, got, check.tolerance, strict=check.relation == "near <")
    if check.relation == "== or [0]":
        return same_value(wanted, got) or same_value(wanted[0], got)
    if check.relation in ("==", "!="):
        return same_value(wanted, got) is (check.relation == "==")
    if check.relation in ("in", "not in"):
        found = got in wanted if isinstance(wanted, str) else any(same_value(value, got) for value in wanted)
        return found is (check.relation == "in")
    return {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}[check.relation](got, wanted)


def passed(checks: list[Check], outcomes: list[Outcome], wanted: list[Any]) -> list[bool]:
    """Which checks the outcomes of a program fulfil; `wanted` holds the expected values, computed ones in their place."""
    if checks[0].stdin is not None:
        given = zip(checks, outcomes, strict=False)
        return [outcome.succeeded and same_output(check.expected, outcome.stdout) for check, outcome in given]
    values = read_values(outcomes[0], len(checks)) if outcomes else []
    return [fulfils(*one) for one in zip(checks, wanted, values, strict=False)]


def read_values(outcome: Outcome, count: int) -> list[Any]:
    """The values that evaluations came back with; `NOTHING` for those that failed. The text is the program's: it may be anything."""
    values = []
    for line in outcome.stdout.split("\n")[:count]:
        try:
            if line.startswith(("value ", NO_LITERAL)) and len(line) <= MAX_TEXT:
                values.append(ast.literal_eval(line[6:]) if line.startswith("value ") else OPAQUE)
            else:
                values.append(NOTHING)
        except (ValueError, SyntaxError, MemoryError, RecursionError, TypeError):
            values.append(NOTHING)
    return values


def fulfils(check: Check, wanted: Any, got: Any) -> bool:
    try:
        return got is not NOTHING and wanted is not NOTHING and holds(check, wanted, got)
    except (TypeError, ValueError, OverflowError, RecursionError):
        return False


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
            checks = read_tests(gold)
        except DataError as error:
            verdicts[index] = ("bad_gold", str(error), 0.0)
            continue
        if found is None:
            verdicts[index] = ("no_answer", "no code block", 0.0)
        elif found[0] != "python" and checks[0].stdin is None:
            verdicts[index] = ("wrong", f"{found[0]} cannot be called from Python tests", 0.0)
        else:
            jobs.append((index, checks, make_program(*found, checks, limits, stop)))
    sandbox = (sandbox or default_sandbox()) if jobs else None
    ran = sandbox.run_many([program for _, _, program in jobs]) if jobs else []
    computed: dict[str, list[Any]] = {}  # expected values by gold
    for (index, checks, program), outcomes in zip(jobs, ran, strict=True):
        gold = items[index][0]
        if gold not in computed:
            computed[gold] = expected_values(checks, sandbox, limits)
        wanted = computed[gold]
        if NOTHING in wanted:  # an expected value that calls the program
            wanted = beside_program(checks, wanted, program, sandbox)
        verdicts[index] = verdict(checks, outcomes, wanted)
    return verdicts


def expected_values(checks: list[Check], sandbox: Any, limits: Limits) -> list[Any]:
    """The expected values, those that need computing from a sandbox without the program; `NOTHING` where that fails."""
    values = [NOTHING if isinstance(check.expected, Pending) else check.expected for check in checks]
    pending = [alone(check) for check in checks if isinstance(check.expected, Pending)]
    return fill(values, pending, Program("", limits=limits), sandbox) if pending else values


def beside_program(checks: list[Check], wanted: list[Any], program: Program, sandbox: Any) -> list[Any]:
    """Expected values that need the program, such as in `decode(encode(x)) == normal(x)`."""
    missing = [(check.prelude, check.expected.expression) for check, value in zip(checks, wanted, strict=True) if value is NOTHING]
    return fill(wanted, missing, Program(program.source, limits=program.limits), sandbox)


def fill(values: list[Any], evaluations: list[tuple[str, str]], program: Program, sandbox: Any) -> list[Any]:
    """The values, those that are `NOTHING` evaluated beside a program."""
    outcomes = sandbox.run(dataclasses.replace(program, evaluations=evaluations))
    found = iter([*read_values(outcomes[0], len(evaluations)), *[NOTHING] * len(evaluations)])
    return [next(found) if value is NOTHING else value for value in values]


def alone(check: Check) -> tuple[str, str]:
    """A computed value's setup and expression. One of builtins only needs no setup, which may call the program."""
    expression = check.expected.expression
    return ("import math" if is_own(ast.parse(expression, mode="eval").body) else check.prelude), expression


def make_program(language: str, source: str, checks: list[Check], limits: Limits, stop: bool) -> Program:
    if checks[0].stdin is not None:
        return Program(source, inputs=[check.stdin or "" for check in checks], language=language, stop=stop, limits=limits)
    return Program(source, evaluations=[(check.prelude, check.expression) for check in checks], limits=limits)


def verdict(checks: list[Check], outcomes: list[Outcome], wanted: list[Any]) -> tuple[str, str, float]:
    """Outcome, note and share of passed checks of one program."""
    flags = passed(checks, outcomes, wanted)
    share = sum(flags) / len(checks)
    if share == 1:
        return "correct", "", 1.0
    failed = next((outcome for outcome in outcomes if not outcome.succeeded), None)
    if failed and failed.state == "broken":
        return "error", f"sandbox: {failed.stderr}", 0.0
    note = f"{sum(flags)} of {len(checks)} passed" + (f"; {failed.state}: {failed.stderr.strip().splitlines()[-1:]}" if failed else "")
    return ("timeout" if failed and failed.state == "timeout" else "wrong"), note, share
