"""The rows of the result table from sample stores: one for each benchmark, and of several their mean.

Samples stream, problem by problem: memory holds a few numbers of each, whatever its texts. What a benchmark's file
says of it (`num_samples`, `metric`, `measures`, see `core/benchmarks.py`) decides how it is counted. Data sets of
general and harm problems without such a file have no row of their own, but the numbers `helpful`, `refused_forbidden`
and `refused_allowed`.
"""

import functools
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from ..core.errors import DataError, RecipeError
from ..core.languages import consistency, ends_in_loop, is_mixed, reflections
from ..core.rows import FAILED, UNJUDGED, Row, natural
from ..verify import BAD_GOLD, ERROR, NO_ANSWER, equivalent
from ..verify.text import refuses
from .measures import DECIDED, MEASURES
from .statistics import drawing_error, interval, interval_of_mean, mean, pass_at_1, pass_at_k, vote

NO_VERDICT = (UNJUDGED, BAD_GOLD, ERROR)  # they count as wrong, and are shown beside
Entries = Mapping[str, Mapping[str, Any]]
NO_REASONING = ("the problems are none of domain `reasoning`", "evaluate on problems with answers")
REFUSALS = {"refuse": "refused_forbidden", "comply": "refused_allowed"}
OTHERS = ("helpful", *REFUSALS.values())
ADDED = ("seconds", "gpu_hours")  # what an entry may say of its evaluation; of several data sets their sum
COPIED = (*ADDED, "metric")


def by_problem(rows: Iterable[Row]) -> Iterator[list[Row]]:
    """
    Rows problem by problem, samples in order. Those of a problem stand together, as in every part of a store; one that
    occurs twice counts twice.
    """
    group: dict[int, Row] = {}
    last = None
    for row in rows:
        name = (row.get("dataset"), row["problem_id"])
        if group and (name != last or row["sample"] in group):
            yield [group[sample] for sample in sorted(group)]
            group = {}
        group[row["sample"]], last = row, name
    if group:
        yield [group[sample] for sample in sorted(group)]


def same_answer(kind: str) -> Callable[[str, str], bool]:
    """Equivalence by which answers of this kind vote together."""
    if kind == "math":
        return same_mathematics
    return functools.partial(equivalent, kind) if kind == "choice" else lambda one, other: one.split() == other.split()


def same_mathematics(one: str, other: str) -> bool:
    plain = one.isdecimal() and other.isdecimal()  # most answers, and samples of one problem are many pairs
    return int(one) == int(other) if plain else equivalent("math", one, other)


def score_of(row: Row, metric: str) -> float:
    """What a sample counts; nothing where nobody has judged it, or it was never drawn."""
    return float(row["score"] or 0.0) if metric == "score" else float(row["outcome"] == "correct")


class Tally:
    """
    What is counted of one data set, problem by problem.

    Args:
        name (`str`):
            Of the data set.
        entry (`dict`):
            Its `num_samples`, and what else its benchmark says.
    """

    def __init__(self, name: str, entry: Mapping[str, Any]):
        self.name, self.entry, self.k = name, entry, entry["num_samples"]
        self.scores: list[list[float]] = []
        self.votes: list[float] = []
        self.levels: dict[str, tuple[Any, list[list[float]]]] = {}
        self.counts: dict[str, float] = defaultdict(float)

    def add(self, group: list[Row]) -> None:
        """Counts the samples of one problem; raises `DataError` for fewer than k."""
        if len(group) < self.k:
            message = f"{self.name or 'the data set'}: pass@{self.k} needs {self.k} samples of each problem, and"
            message += f" {group[0]['problem_id']} has {len(group)}"
            raise DataError(message, f"draw the others, or set `num_samples: {len(group)}`")
        scores = [score_of(row, self.entry.get("metric", "correct")) for row in group]
        answers, same = [row["extracted"] for row in group[: self.k]], same_answer(group[0]["verifier"])
        self.scores.append(scores)
        self.votes.append(vote(answers, scores[: self.k], same))
        self.levels.setdefault(str(group[0]["difficulty"]), (group[0]["difficulty"], []))[1].append(scores)
        for row in group:
            self.add_sample(row)

    def add_sample(self, row: Row) -> None:
        """How a response looks: format, length, language, reflection, end."""
        share, counts = consistency(row["reasoning"], row["language"]), self.counts
        counts["samples"] += 1
        counts["worded"] += share is not None
        counts["consistency"] += share or 0.0
        counts["tokens"] += row["tokens"]
        counts["format"] += row["valid"]
        counts["truncated"] += row["finish_reason"] == "length"
        counts["mixed"] += is_mixed(row["reasoning"])
        counts["reflections"] += reflections(row["text"])
        counts["no_answer"] += row["outcome"] == NO_ANSWER
        counts["repetition"] += ends_in_loop(row["text"])
        counts["unjudged"] += row["outcome"] in NO_VERDICT
        counts["failed"] += row["outcome"] == FAILED

    def row(self) -> dict[str, Any]:
        """The numbers of all problems that were counted."""
        counts, samples = self.counts, self.counts["samples"]
        levels = sorted(self.levels.items(), key=lambda item: natural(item[1][0]))
        return {
            "pass@1": pass_at_1(self.scores),
            "pass@1_ci": [float(end) for end in interval([mean(scores) for scores in self.scores])],
            "drawing_error": drawing_error(self.scores),
            f"cons@{self.k}": mean(self.votes),
            f"pass@{self.k}": pass_at_k(self.scores, self.k),
            "format": counts["format"] / samples,
            "truncated": counts["truncated"] / samples,
            "mean_tokens": counts["tokens"] / samples,
            "no_answer": counts["no_answer"] / samples,
            "repetition": counts["repetition"] / samples,
            "language_consistency": counts["consistency"] / counts["worded"] if counts["worded"] else float("nan"),
            "mixed": counts["mixed"] / samples,
            "reflection_per_1k": 1000 * counts["reflections"] / counts["tokens"] if counts["tokens"] else 0.0,
            "unjudged": counts["unjudged"] / samples,
            "failed": counts["failed"] / samples,
            "by_difficulty": {level: pass_at_1(scores) for level, (_, scores) in levels},
            "problems": len(self.scores),
            "samples": self.k,
            **{key: self.entry[key] for key in COPIED if key in self.entry},
        }


def mean_of(measured: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """
    The mean over data sets: each counts the same, whatever its size, as where benchmarks are averaged. Levels of
    difficulty have no mean, nor votes of different k: they mean something else in every data set.
    """
    found = list(measured.values())
    if len(found) == 1:
        return found[0]
    shared = [key for key in found[0] if key != "drawing_error"]
    shared = [key for key in shared if all(isinstance(row.get(key), (int, float)) for row in found)]
    values = {key: [row[key] for row in found] for key in shared}
    return {
        **{key: mean([value for value in numbers if value == value]) for key, numbers in values.items()},
        "pass@1_ci": list(interval_of_mean([(row["pass@1"], row["pass@1_ci"]) for row in found])),
        "problems": sum(values["problems"]),
        "samples": found[0]["samples"] if len(set(values["samples"])) == 1 else None,
        **{key: sum(values[key]) for key in ADDED if key in shared},
    }


def check_measures(entries: Entries) -> None:
    """Raises `RecipeError` for a number that nobody knows how to count, or not of such verdicts."""
    for name, entry in entries.items():
        for measure in entry.get("measures") or []:
            if measure not in MEASURES:
                known = ", ".join(sorted(MEASURES)) or "none"
                raise RecipeError(f"{name}: unknown `measures: {measure}`", f"use some of: {known}")
            wanted, verifier = DECIDED.get(measure), entry.get("verifier")
            if wanted and verifier and verifier != wanted:
                message = f"{name}: `measures: {measure}` counts verdicts of `{wanted}`, not of `{verifier}`"
                raise RecipeError(message, f"remove it, or say `verifier: {wanted}`")


def summarize(rows: Iterable[Row], entries: Entries) -> dict[str, Any]:
    """
    Metrics of one model.

    Args:
        rows (`Iterable[dict]`):
            Its samples, those of a problem together. They are gone through once, and once more for each of `measures`.
        entries (`dict`):
            What is known of each data set, by its name in the column `dataset` (empty without one): `num_samples`, and
            perhaps `metric`, `measures`, `axis`, `seconds` and `gpu_hours`.

    Returns:
        `dict`: metrics, as in `results.json`: the mean over the data sets, and of each in `by_dataset`, with what its
        `measures` say. Raises `DataError` where a problem has fewer samples than `num_samples`.
    """
    check_measures(entries)
    asked = {name: entry.get("measures") or [] for name, entry in entries.items()}
    rows = list(rows) if any(asked.values()) and iter(rows) is rows else rows  # a generator gives them once
    tallies: dict[str, Tally] = {}
    others: dict[str, Counter[bool]] = defaultdict(Counter)
    for group in by_problem(rows):
        name = dataset_of(group)
        if name not in entries:
            raise DataError(f"samples of {name!r}, a data set that is not asked for", "add it to `datasets`")
        if group[0]["domain"] in ("general", "harm") and "axis" not in entries[name]:
            count_others(others, group)
        else:
            tallies.setdefault(name, Tally(name, entries[name])).add(group)
    if not tallies:
        raise DataError(*NO_REASONING)
    measured = {name: tallies[name].row() for name in entries if name in tallies}
    for name, row in measured.items():
        groups = [(group for group in by_problem(rows) if dataset_of(group) == name) for _ in asked[name]]
        found = [MEASURES[measure](part) for measure, part in zip(asked[name], groups, strict=True)]
        row |= {"measures": {key: value for part in found for key, value in part.items()}} if found else {}
    return {**mean_of(measured), **{key: share_of(others[key]) for key in OTHERS}, "by_dataset": measured}


def dataset_of(group: list[Row]) -> str:
    return group[0].get("dataset", "")


def count_others(others: dict[str, Counter[bool]], group: list[Row]) -> None:
    """Counts the samples of a general or a harm problem."""
    for row in group:
        if row["domain"] == "general":
            others["helpful"][row["outcome"] == "correct"] += 1
        elif row["answer"] in REFUSALS:
            others[REFUSALS[row["answer"]]][refuses(row["text"])] += 1


def share_of(counts: Counter[bool]) -> float | None:
    return counts[True] / counts.total() if counts else None
