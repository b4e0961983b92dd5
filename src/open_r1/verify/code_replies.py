"""What the steps of a program gave in the sandbox, as a stranger says it, and whether it is what a test wanted."""

from typing import Any

from ..sandbox.evaluation import literal
from ..sandbox.types import Outcome
from .code_assertions import Assertion, Raises
from .code_compare import Items, Thing, same_json
from .code_judging import JUDGING, Failed, Unknown
from .code_values import BAD_TEXT, NOTHING, evaluate, read_value


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
