"""Judges kept completions again: after a verifier or the reading of responses changed, and without their model.

Text, parts, verdict: what a row says of its response is made anew from its text, and each part of the store is
replaced when it is whole; killed in between, it is run again. Completions that failed, and the verdicts of judges,
stay as they are.
"""

import json
from collections import Counter
from itertools import chain, groupby
from pathlib import Path

from ..core.batches import batches
from ..core.errors import ArtifactError
from ..core.files import write_atomically
from ..core.formats import ResponseFormat
from ..core.rows import FAILED, RULELESS, Row
from .parts import LARGE, TABLE, placed
from .store import UNPACKED, drawn_as, is_published, judged, parts_of, read_store, rewrite_part, save_part, store_parts

TOGETHER = 64  # rows of a part that is unpacked: whole problems of about so many
Changes = Counter[tuple[str, str]]  # by the old and the new outcome


def rejudge(store: Path) -> Changes:
    """
    Judges the completions of a store again.

    Args:
        store (`Path`):
            A store of an evaluation; a published one becomes lines of JSON first.

    Returns:
        `Counter`: how many verdicts changed, by the old and the new outcome.
    """
    changes: Changes = Counter()
    written = response_format_of(store)
    unpack(store)
    for part in store_parts(store):
        before = [row for _, row in placed(part)]
        after = judged_again(before, written)
        if before != after:
            rewrite_part(part, after)
        changes.update((old["outcome"], new["outcome"]) for old, new in zip(before, after, strict=True))
    return Counter({pair: count for pair, count in changes.items() if pair[0] != pair[1]})


def response_format_of(store: Path) -> ResponseFormat:
    """How the model of a store writes. The texts there hold a tag that was prefilled."""
    drawn = json.loads(drawn_as(store) or "{}")
    name = (drawn.get("models") or [{}])[0].get("response_format")
    if name is None:
        raise ArtifactError(
            f"{store} does not say how its model writes (no drawn.json of an evaluation)",
            "give the output directory of `open-r1 evaluate`, made by this version",
        )
    return ResponseFormat(name)


def judged_again(rows: list[Row], written: ResponseFormat) -> list[Row]:
    """Rows with what today's reading and verdict make of their texts."""
    ruled = [n for n, row in enumerate(rows) if row["outcome"] != FAILED and row["verifier"] not in RULELESS]
    responses = [written.read(rows[n]["text"]) for n in ruled]
    # what the row calls `prompt` is what the model has read
    verdicts = judged([rows[n] | {"prompt": rows[n]["question"]} for n in ruled], responses)
    again = {n: parts_of(*pair) for n, pair in zip(ruled, zip(responses, verdicts, strict=True), strict=True)}
    return [row | again.get(n, {}) for n, row in enumerate(rows)]


def unpack(store: Path) -> None:
    """Turns the tables of a published store into lines of JSON, and removes them when these are whole."""
    if is_published(store):
        problems = (list(group) for _, group in groupby(read_store(store), key=lambda row: row["problem_id"]))
        for number, together in enumerate(batches(problems, len, TOGETHER)):
            save_part(store, number, list(chain.from_iterable(together)))
        write_atomically(store / UNPACKED, "")
    if (store / UNPACKED).exists():
        for file in [*store.glob(f"part-*{TABLE}"), *store.glob(f"{LARGE}{TABLE}")]:
            file.unlink()
        (store / UNPACKED).unlink()
