"""
JSON that must match a schema, by the jsonschema library. Runs in a worker: a schema's pattern may meet hostile text.
"""

import functools
import importlib
import json
import math
from typing import Any

FENCE = "```"


def preload() -> None:
    importlib.import_module("jsonschema")


@functools.lru_cache(maxsize=256)
def read_schema(gold: str) -> Any:
    """The validator of a schema, or what is wrong with it as text. References outside the schema are never fetched."""
    import jsonschema
    from jsonschema_specifications import REGISTRY
    from referencing.exceptions import Unresolvable

    try:
        schema = json.loads(gold)
        kind = jsonschema.validators.validator_for(schema)
        kind.check_schema(schema)
        validator = kind(schema, registry=REGISTRY)
        validator.is_valid(None)  # a schema may refer to itself without end
    except (ValueError, TypeError, AttributeError, RecursionError, Unresolvable, jsonschema.SchemaError) as error:
        return f"no JSON schema: {str(error)[:200]}"
    return validator


def decide(gold: str, answer: str) -> list[Any]:
    """Outcome of checking the JSON in an answer against the schema in the gold, and a note."""
    from jsonschema.exceptions import best_match
    from referencing.exceptions import Unresolvable

    validator = read_schema(gold)
    if isinstance(validator, str):
        return ["bad_gold", validator]
    try:
        value = json.loads(unfenced(answer), parse_constant=reject, parse_float=finite)
        error = best_match(validator.iter_errors(value))
    except Unresolvable as error:
        return ["bad_gold", f"no JSON schema: {str(error)[:200]}"]
    except (ValueError, RecursionError) as error:
        return ["wrong", f"no JSON: {str(error)[:200]}"]
    return ["correct", ""] if error is None else ["wrong", error.message[:200]]


def audit(gold: str) -> str:
    """What is wrong with a schema, empty if nothing."""
    outcome, note = decide(gold, "null")
    return note if outcome == "bad_gold" else ""


def unfenced(text: str) -> str:
    """The content of a Markdown code block, where the answer is one."""
    text = text.strip()
    if text.startswith(FENCE) and text.endswith(FENCE) and text.count(FENCE) == 2:
        return text[len(FENCE) : -len(FENCE)].removeprefix("json").strip()
    return text


def reject(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")


def finite(number: str) -> float:
    value = float(number)
    return value if math.isfinite(value) else reject(number)
