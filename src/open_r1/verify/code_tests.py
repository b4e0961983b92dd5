"""What the tests of a program expect of it: golds of all forms become runs beside the program and checks of what they
give.

A gold is JSON, in the forms that datasets use:
- `{"inputs": [...], "outputs": [...]}`: stdin and stdout of whole programs (APPS, TACO, LiveCodeBench);
- the same with `"fn_name": "solve"` (or `"Solution.solve"`): arguments and results of a function, each call a run of
  its own;
- a list of such cases with `input` and `output`, also as `test_cases`;
- such a table with more of them in `encoded` (`code_encoded.py`); with a `checker` (`code_checker.py`); with limits of
  its own, `seconds` and `memory_mb`; with `stop: true` where a program that crashed once need not run again; with
  words of the output whose case does not matter, in capitals, as `any_case`;
- statements with assertions, a list or a string of them (MBPP, HumanEval, KodCode): one run in order, see
  `code_script.py`.
"""

import functools
import io
import json
import re
import tokenize
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from ..core.errors import DataError
from ..sandbox.evaluation import literal
from ..sandbox.types import Limits
from .code_assertions import Assertion, Raises
from .code_encoded import decode
from .code_script import Script

LARGE = 1 << 20  # characters of a gold from which on few plans are kept
LONG = re.compile(r"\d{4300}")  # digits that Python does not read


@dataclass(frozen=True)
class Plan:
    """
    What is run, and what is decided.

    Attributes:
        inputs (`list[str]`), outputs (`list[str]`): Stdin of whole programs and what they should print.
        runs (`list[list]`): In their place, steps beside the program (see `Program.evaluations`).
        results (`list`): What calls should return, one run each.
        wrapped (`bool`): Whether each of these may be the list that holds it.
        checks (`list`): What a script asserts of its only run.
        setup (`list[str]`), values (`list`): Of a script, its own statements and values.
        checker (`str`): The program that judges outputs in place of a comparison.
        limits (`Limits` or `None`), stop (`bool`): Of its runs, where the gold says so.
        any_case (`tuple[str, ...]`): Words of an output that may be written in any case.
    """

    inputs: list[str] = field(default_factory=list)
    outputs: list[str] = field(default_factory=list)
    runs: list[list[tuple[str, list[str]]]] = field(default_factory=list)
    results: list[Any] = field(default_factory=list)
    wrapped: bool = False
    checks: list[Assertion | Raises] = field(default_factory=list)
    setup: list[str] = field(default_factory=list)
    values: list[tuple[int, str]] = field(default_factory=list)
    checker: str = ""
    limits: Limits | None = None
    stop: bool = False
    any_case: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.outputs or self.results or self.checks)


def read_tests(gold: str) -> Plan:
    """The tests of a gold; raises `DataError` where it has another form."""
    return (of_large if len(gold) > LARGE else of_small)(gold)


def plan(gold: str) -> Plan:
    """The tests of a gold, read anew."""
    try:
        value = json.loads(gold, parse_int=integer)
    except (ValueError, RecursionError):
        value = gold
    try:
        if isinstance(value, dict):
            value = value.get("test_cases", value)
        if isinstance(value, list) and value and all(isinstance(case, dict) for case in value):
            value = gathered(value)
        if isinstance(value, dict):
            return table(value)
        return script("\n".join(value) if isinstance(value, list) else value)
    except (
        KeyError, TypeError, ValueError, SyntaxError, IndexError, AttributeError, ArithmeticError, RecursionError,
        MemoryError,
        tokenize.TokenError,
    ) as error:  # fmt: skip
        raise DataError(
            f"tests {gold[:80]!r}: {error}", "see open_r1/verify/code_tests.py for the forms that are known"
        ) from None


# a group's completions share their tests
of_small, of_large = functools.lru_cache(maxsize=64)(plan), functools.lru_cache(maxsize=2)(plan)


def unreadable(gold: str) -> str:
    """Why a gold cannot be read, empty if it can."""
    try:
        read_tests(gold)
    except DataError as error:
        return str(error)
    return ""


def integer(text: str) -> int:
    return int(text) if len(text) < 4300 else int(Decimal(text))


def gathered(cases: list[dict[str, Any]]) -> dict[str, Any]:
    """A list of cases as one table."""
    name = cases[0].get("fn_name") or cases[0].get("func_name")
    return {
        "inputs": [case["input"] for case in cases],
        "outputs": [case["output"] for case in cases],
        "fn_name": name,
    }


def table(value: dict[str, Any]) -> Plan:
    """Tests from inputs and outputs."""
    pairs = list(zip(value["inputs"], value["outputs"], strict=True))
    pairs += [(case["input"], case["output"]) for case in (decode(value["encoded"]) if value.get("encoded") else [])]
    if not pairs:
        raise ValueError("no inputs")
    name, more = value.get("fn_name"), settings(value)
    if name and more["checker"]:
        raise ValueError("a checker judges what whole programs print, and `fn_name` is a function's")
    if not name:
        inputs, outputs = (
            ["\n".join(map(str, text)) if isinstance(text, list) else str(text) for text in side]
            for side in zip(*pairs, strict=True)
        )
        return Plan(inputs=inputs, outputs=outputs, **more)
    owner, _, method = name.rpartition(".")
    if not all(part.isidentifier() for part in name.split(".")):
        raise ValueError(f"fn_name {name!r} is no name")
    function = f"{owner}().{method}" if owner else f"(Solution().{method} if 'Solution' in globals() else {method})"
    pairs = [lines_of_json(*pair) for pair in pairs]
    results = [out for _, out in pairs]
    # APPS wraps results; a function that returns lists does not
    wrapped = all(isinstance(out, list) and len(out) == 1 for out in results)
    calls = [f"{function}(*{literal(given if isinstance(given, list) else [given])})" for given, _ in pairs]
    return Plan(runs=[[("", [call])] for call in calls], results=results, wrapped=wrapped, **more)


def settings(value: dict[str, Any]) -> dict[str, Any]:
    """What a table says beside its tests."""
    usual = Limits()
    seconds, memory = value.get("seconds"), value.get("memory_mb")
    own = Limits(seconds=float(seconds or usual.seconds), memory=int(memory or usual.memory >> 20) << 20)
    return {
        "checker": value.get("checker") or "",
        "limits": own if seconds or memory else None,
        "stop": bool(value.get("stop")),
        "any_case": tuple(value.get("any_case") or ()),
    }


def lines_of_json(given: Any, out: Any) -> tuple[Any, Any]:
    """Arguments in lines of JSON, and a result in JSON, as LiveCodeBench writes them."""
    if isinstance(given, str) and isinstance(out, str):
        try:
            return [json.loads(line, parse_int=integer) for line in given.splitlines()], json.loads(
                out, parse_int=integer
            )
        except ValueError:
            pass
    return given, out


def script(source: str) -> Plan:
    """Tests from assertions."""
    if LONG.search(source):
        found = tokenize.generate_tokens(io.StringIO(source).readline)
        source = tokenize.untokenize(
            [(kind, hexadecimal(text) if kind == tokenize.NUMBER else text) for kind, text, *_ in found]
        )
    read = Script(source)
    if not read.checks:
        raise ValueError("no assert that asks something of the program")
    return Plan(runs=[read.steps], checks=read.checks, setup=read.setup, values=read.values)


def hexadecimal(text: str) -> str:
    return hex(integer(text)) if LONG.fullmatch(text[:4300]) and text.isdigit() else text
