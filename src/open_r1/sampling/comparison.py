"""Two evaluations side by side: the paired difference of each benchmark that both have, over the same problems.

A problem that both find hard says nothing about which is better, so differences are taken problem by problem, and
their interval (`metrics/statistics.py`) is narrower than those of the two models.
"""

import json
from pathlib import Path
from typing import Any, NamedTuple

from ..core.errors import ArtifactError, DataError
from ..core.notes import read_note
from ..core.rows import FAILED, Row, conversation_of
from ..metrics.statistics import mean, paired_interval
from ..metrics.summary import NO_VERDICT, by_problem, dataset_of, score_of
from .store import read_store, stores_of


class Answered(NamedTuple):
    """
    What a model made of one problem.

    Attributes:
        asked (`int`): Hash of what it was asked, without the words of its chat template.
        score (`float`): Mean of its samples.
        samples (`int`): How many they are.
        missing (`int`): Of these without a verdict, which count as wrong.
    """

    asked: int
    score: float
    samples: int
    missing: int


def compare_stores(one: Path, other: Path) -> str:
    """
    Compares two models that were evaluated on the same problems.

    Args:
        one (`Path`):
            Folder of a model in an evaluation: `OUTPUT/MODEL`, with a store for each benchmark.
        other (`Path`):
            That of the model, or of the other evaluation, that it is compared with.

    Returns:
        `str`: for each benchmark of both the two scores, their difference (`one` less `other`) with a 95% interval,
        and on how many problems it is better and worse; then what only one of them has. Raises `DataError` where they
        were asked different problems, or in other words.
    """
    stores = [benchmark_stores(folder) for folder in (one, other)]
    shared = [name for name in stores[0] if name in stores[1]]
    if not shared:
        known = f"{one} has {', '.join(stores[0])} and {other} has {', '.join(stores[1])}"
        raise DataError(f"no benchmark in common: {known}", "evaluate both on the same `--benchmarks`")
    lines = [f"{one} less {other}"]
    lines += [compared(name, one, other) for name in shared]
    for folder, (mine, theirs) in ((one, (stores[0], stores[1])), (other, (stores[1], stores[0]))):
        alone = [name for name in mine if name not in theirs]
        lines += [f"only {folder} has {', '.join(alone)}"] if alone else []
    return "\n".join(lines)


def benchmark_stores(folder: Path) -> list[str]:
    """The benchmarks whose samples lie in a folder."""
    found = [store.name for store in stores_of(folder) if store != folder]
    if not found:
        hint = "name OUTPUT/MODEL of an evaluation, with a folder for each benchmark"
        raise ArtifactError(f"{folder} holds no samples of benchmarks", hint)
    return found


def compared(name: str, one: Path, other: Path) -> str:
    """The line of one benchmark."""
    known = summary_of(one)
    mine, theirs = answered(one / name, known), answered(other / name, known)
    check_same(name, mine, theirs)
    scores = [[found[problem].score for problem in mine] for found in (mine, theirs)]
    low, high = paired_interval(*scores)
    differences = [a - b for a, b in zip(*scores, strict=True)]
    better, worse = sum(value > 0 for value in differences), sum(value < 0 for value in differences)
    verdict = "better" if low > 0 else "worse" if high < 0 else "no difference shown"
    missing = [sum(answer.missing for answer in found.values()) for found in (mine, theirs)]
    without = f"; wrong, for want of a verdict: {missing[0]} and {missing[1]}" if any(missing) else ""
    samples = " and ".join(str(max(answer.samples for answer in found.values())) for found in (mine, theirs))
    return (
        f"{name}: {mean(scores[0]):.3f} - {mean(scores[1]):.3f} = {mean(differences):+.3f} [{low:+.3f}, {high:+.3f}], "
        f"{verdict}; better on {better} and worse on {worse} of {len(mine)} problems ({samples} samples{without})"
    )


def summary_of(folder: Path) -> dict[str, Any]:
    """By data set, what the summary beside a model's samples says: also whether scores count, or right answers."""
    return read_note(folder / "metrics.json").get("by_dataset", {})


def answered(store: Path, known: dict[str, Any]) -> dict[str, Answered]:
    """What a model made of each problem of a store."""
    found = {}
    for group in by_problem(read_store(store)):
        metric = known.get(dataset_of(group), {}).get("metric", "correct")
        scores = [score_of(row, metric) for row in group]
        missing = sum(row["outcome"] in (FAILED, *NO_VERDICT) for row in group)
        found[group[0]["problem_id"]] = Answered(asked(group[0]), mean(scores), len(scores), missing)
    return found


def asked(row: Row) -> int:
    return hash(json.dumps(conversation_of(row), sort_keys=True))


def check_same(name: str, mine: dict[str, Answered], theirs: dict[str, Answered]) -> None:
    """Raises `DataError` unless both were asked the same problems in the same words."""
    if mine.keys() != theirs.keys():
        alone = [len(a.keys() - b.keys()) for a, b in ((mine, theirs), (theirs, mine))]
        message = f"{name}: different problems: {alone[0]} only in the first, {alone[1]} only in the second"
        raise DataError(message, "evaluate both with the same revision, `limit` and `where`")
    other = sum(mine[problem].asked != theirs[problem].asked for problem in mine)
    if other:
        message = f"{name}: {other} of {len(mine)} problems were asked in other words"
        raise DataError(message, "evaluate both with the same `prompt` and `few_shot`")
