"""Judges the rows of a store that no rule decides: the benchmarks with `verifier: judge`.

    judge_store(Path("data/evaluation/r1/simpleqa"), entry, {"url": "http://localhost:8000/v1", "model": "judge"})

Every reply is kept in the store's `judge.jsonl` before it is used, and a part is written anew, in one step, when all
its rows have their verdicts: a run that was killed asks nothing twice. A response that was cut off or has no summary
is wrong, or has lost, without a question; one that equals the output that it is compared with is a tie. A judge whose
reply holds no verdict is asked once more, at temperature 1; then the row stays `unjudged`, its score `None`, and the
run says how many there are. A row has in `judge` what came of it: `model`, `grades` (of two outputs above 0 for
the response), `said` (the judge's words) and, without a verdict of the judge, a `note`.
"""

import asyncio
import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..core.endpoints import Endpoint, RequestError, check_urls, together
from ..core.errors import ArtifactError, EndpointError, RecipeError
from ..core.fields import fill
from ..core.journal import Journal
from ..core.judges import Judge
from ..core.rows import UNJUDGED, Row
from .judge_tasks import TASKS, Ask, Task
from .parts import TABLE, placed
from .store import rewrite_part, store_parts

JOURNAL = "judge.jsonl"
SILENT, WORDY = "without a reply", "without a verdict"


@dataclass
class BenchmarkJudge(Judge):
    """
    The judge of an evaluation.

    Args:
        seed (`int`, *optional*, defaults to `0`):
            Draws the order in which two outputs are shown, and goes to the judge's sampling.
    """

    seed: int = 0


def make_judge(entry: Mapping[str, Any], judge: Mapping[str, Any]) -> BenchmarkJudge:
    """The judge that an entry needs; raises `RecipeError` where it names no task, or the settings cannot work."""
    name = entry.get("benchmark") or entry.get("path")
    if entry.get("judge") not in TASKS:
        raise RecipeError(f"{name}: `judge: {entry.get('judge')}` is no task", f"use one of {', '.join(TASKS)}")
    return fill(BenchmarkJudge, dict(judge), "`judge`")


def check_judge(entry: Mapping[str, Any], judge: Mapping[str, Any]) -> None:
    """
    Makes sure of the judge before anything is drawn.

    Args:
        entry (`Mapping`):
            Of a benchmark; its `judge` names a task.
        judge (`Mapping`):
            Settings of [`BenchmarkJudge`].
    """
    settings = make_judge(entry, judge)

    async def ask() -> None:
        async with settings.endpoint() as endpoint:
            await endpoint.check(settings.model)

    asyncio.run(ask())


def judge_store(store: Path, entry: dict[str, Any], judge: dict[str, Any]) -> None:
    """
    Gives the rows of a store their verdicts, those with outcome `unjudged` that no judge was asked about.

    Args:
        store (`Path`):
            The store.
        entry (`dict`):
            Of the benchmark; its `judge` names a task.
        judge (`dict`):
            Settings of [`BenchmarkJudge`]: `url`, `model`, ...

    Raises:
        `EndpointError`: the judge gave no reply about some rows; the next run asks about these alone.
    """
    settings, task = make_judge(entry, judge), TASKS[entry["judge"]]
    journal, counts = Journal(store / JOURNAL), Counter[str]()
    for part in store_parts(store):
        rows = [row for _, row in placed(part)]
        waiting = [row for row in rows if row["outcome"] == UNJUDGED and "judge" not in row]
        if not waiting:
            continue
        if part.suffix == TABLE:
            raise ArtifactError(f"{store} is published, and its rows stay as they are", "judge it before that")
        found = asyncio.run(verdicts(waiting, task, settings, journal))
        for row, verdict in zip(waiting, found, strict=True):
            row |= verdict
        rewrite_part(part, rows)
        counts.update(came_of(row, task) for row in waiting)
        if not any(found):
            break
    if counts:
        said = ", ".join(f"{count} {outcome}" for outcome, count in counts.items())
        print(f"{store}: {counts.total()} rows judged by {settings.model}: {said}", file=sys.stderr, flush=True)
    if counts[SILENT]:
        place = ", ".join(check_urls(settings.url))
        raise EndpointError(
            f"the judge at {place} gave no reply about {counts[SILENT]} rows of {store}",
            "check `url` and `model`, and run again: its verdicts are kept, and only these are asked about",
        )


def came_of(row: Row, task: Task) -> str:
    """What a line about the run calls what came of a row."""
    if row["outcome"] == UNJUDGED:
        return WORDY if "judge" in row else SILENT
    if task.tie is None:
        return row["outcome"]
    return "tied" if row["score"] == 0.5 else "won" if row["score"] > 0.5 else "lost"


async def verdicts(rows: list[Row], task: Task, settings: BenchmarkJudge, journal: Journal) -> list[Row]:
    """What is to be known of each row, nothing where no server replied. Equal questions are asked once."""
    done = [settled(row, task) for row in rows]
    asks = [[] if known else task.asks(row, settings.seed) for row, known in zip(rows, done, strict=True)]
    texts = list(dict.fromkeys(ask.text for each in asks for ask in each))
    async with settings.endpoint() as endpoint:
        found = await together(reply(endpoint, text, task, settings, journal) for text in texts)
    replies = dict(zip(texts, found, strict=True))
    return [
        known or verdict(each, [replies[ask.text] for ask in each], task, settings.model)
        for known, each in zip(done, asks, strict=True)
    ]


def settled(row: Row, task: Task) -> Row | None:
    """The verdict on a row that needs no judge, else `None`."""
    if row["finish_reason"] == "length" or not (row["final"] or "").strip():
        note = "cut off" if row["finish_reason"] == "length" else "no summary"
        return judged(task, task.lost, {"note": note})
    if task.tie is not None and row["final"].strip() == row["answer"].strip():
        return judged(task, task.tie, {"note": "the same output"})
    return None


def judged(task: Task, grades: list[Any], how: Row) -> Row:
    outcome, score = task.decide(grades)
    return {"outcome": outcome, "score": score, "judge": {"grades": grades, **how}}


def verdict(asks: list[Ask], replies: list[Row | None], task: Task, model: str) -> Row:
    """The verdict in the judge's replies about one row."""
    given = [found for found in replies if found is not None]
    if len(given) < len(asks):
        return {}
    said = {"model": model, "said": [found["said"] for found in given]}
    if any(found["grade"] is None for found in given):
        return {"judge": {"grades": [], "note": "no verdict", **said}}
    grades = [-found["grade"] if ask.swapped else found["grade"] for ask, found in zip(asks, given, strict=True)]
    return judged(task, grades, said)


async def reply(endpoint: Endpoint, text: str, task: Task, settings: BenchmarkJudge, journal: Journal) -> Row | None:
    """The judge's words and the grade in them, `None` where there is none; nothing where no server replies."""

    def read(said: str) -> Row:
        return {"grade": task.read(said), "said": said}

    found = read("")
    for number, asked in enumerate((settings, replace(settings, temperature=1.0))):
        try:
            found = await asked.ask(endpoint, text, settings.seed + number, journal, read)
        except RequestError as error:
            if error.status != 200:  # where it replies, and never in a form that can be read, it has no verdict
                return None
        if found["grade"] is not None:
            break
    return found
