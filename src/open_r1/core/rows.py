"""Rows: what every stage reads and writes, one mapping from column to value each.

Shared columns are `prompt` (messages), `answer`, `verifier`, `domain`, `language`, `difficulty`, `metadata` and
`problem_id` (`data/sources.py`); a sample adds its text, parts and verdict (`sampling/store.py`).
"""

from typing import Any

Row = dict[str, Any]
COPIED = ("problem_id", "answer", "verifier", "domain", "language", "difficulty", "metadata")  # from problem to sample
UNJUDGED = "unjudged"  # the outcome of rows that no rule decides (`verifier: judge`) until `curate` has asked a judge
FAILED = "failed"  # the outcome of a completion that was never drawn


def name_of(row: Row) -> str:
    """One name for a row in journals, on the review page and in decisions."""
    return f"{row['problem_id']}/{row['sample']}"
