"""Rows: what every stage reads and writes, one mapping from column to value each.

Shared columns are `prompt` (messages), `answer`, `verifier`, `domain`, `language`, `difficulty`, `metadata` and
`problem_id` (`data/sources.py`); a sample adds its text, parts and verdict (`sampling/store.py`).
"""

import json
import re
from typing import Any

Row = dict[str, Any]
COPIED = ("problem_id", "answer", "verifier", "domain", "language", "difficulty", "metadata")  # from problem to sample
OPEN = "open"  # the verifier of prompts without a reference: only preference rewards and comparisons can score them
JUDGE = "judge"  # that of answers which a judge compares with a reference
RULELESS = (JUDGE, OPEN)  # verifiers that are no rule
UNJUDGED = "unjudged"  # the outcome of rows that no rule decides (`verifier: judge`) until `curate` has asked a judge
FAILED = "failed"  # the outcome of a completion that was never drawn


def conversation_of(row: Row) -> list[dict[str, str]]:
    """What a sample was asked, as messages."""
    return row.get("messages") or [{"role": "user", "content": row["question"]}]


def name_of(row: Row) -> str:
    """One name for a row in journals, on the review page and in decisions."""
    return f"{row['problem_id']}/{row['sample']}"


def metadata_of(row: Row) -> dict[str, Any]:
    """What a reader left in a row's metadata; nothing where another text stands there."""
    try:
        found = json.loads(row.get("metadata") or "{}")
    except (TypeError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def natural(value: Any) -> list[tuple[int, float, str]]:
    """
    A sorting key for difficulties and the like of any form: numbers by size, also within texts (`Level 5` before
    `Level 10`), and nothing at the end.
    """
    if value is None or value != value:
        return [(2, 0.0, "")]
    if isinstance(value, (int, float)):
        return [(0, float(value), "")]
    pieces = re.split(r"(^-?\d+(?:\.\d+)?|\d+(?:\.\d+)?)", str(value))
    return [(0, float(piece), "") if n % 2 else (1, 0.0, piece.casefold()) for n, piece in enumerate(pieces) if piece]
