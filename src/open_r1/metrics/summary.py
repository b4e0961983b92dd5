"""One row of the result table from a sample store: what a model does on reasoning, general and harm problems."""

import functools
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from ..core.errors import DataError
from ..core.languages import consistency, is_mixed, reflections
from ..core.rows import Row, natural
from ..verify import equivalent
from ..verify.text import refuses
from .statistics import bootstrap_interval, mean, pass_at_1, pass_at_k, vote

NO_REASONING = ("the problems are none of domain `reasoning`", "evaluate on problems with answers")


def by_problem(rows: Iterable[Row]) -> list[list[Row]]:
    """Rows grouped by problem, samples in order."""
    groups: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        groups[row["problem_id"]].append(row)
    return [sorted(group, key=lambda row: row["sample"]) for group in groups.values()]


def same_answer(kind: str) -> Any:
    """Equivalence by which answers of this kind vote together."""
    return (
        functools.partial(equivalent, kind)
        if kind in ("math", "choice")
        else lambda one, other: one.split() == other.split()
    )


def solved(groups: list[list[Row]]) -> list[list[bool]]:
    """Whether each sample of each problem is right."""
    return [[row["outcome"] == "correct" for row in group] for group in groups]


def accuracy(groups: list[list[Row]], k: int) -> dict[str, Any]:
    """pass@1 with its interval, pass@k and cons@k over problems with k samples each."""
    right = solved(groups)
    low, high = bootstrap_interval([mean(samples) for samples in right])
    votes = [
        vote([row["extracted"] for row in group[:k]], flags[:k], same_answer(group[0]["verifier"]))
        for group, flags in zip(groups, right, strict=True)
    ]
    return {
        "pass@1": pass_at_1(right),
        "pass@1_ci": [low, high],
        f"cons@{k}": mean(votes),
        f"pass@{k}": pass_at_k(right, k),
    }


def behaviour(rows: list[Row]) -> dict[str, float]:
    """How the responses look: format, length, language, reflection."""
    shares = [consistency(row["reasoning"], row["language"]) for row in rows]
    tokens = sum(row["tokens"] for row in rows)
    return {
        "format": mean([row["valid"] for row in rows]),
        "truncated": mean([row["finish_reason"] == "length" for row in rows]),
        "mean_tokens": tokens / len(rows),
        "language_consistency": mean([share for share in shares if share is not None]),
        "mixed": mean([is_mixed(row["reasoning"]) for row in rows]),
        "reflection_per_1k": 1000 * sum(reflections(row["text"]) for row in rows) / max(1, tokens),  # 0: not reported
    }


def measure(rows: list[Row], k: int) -> dict[str, Any]:
    """Metrics of one data set of reasoning problems."""
    groups = by_problem(rows)
    levels: dict[str, list[list[Row]]] = defaultdict(list)
    for group in sorted(groups, key=lambda group: natural(group[0]["difficulty"])):
        levels[str(group[0]["difficulty"])].append(group)
    return {
        **accuracy(groups, k),
        **behaviour(rows),
        "by_difficulty": {level: pass_at_1(solved(found)) for level, found in levels.items()},
        "problems": len(groups),
        "samples": k,
    }


def mean_of(measured: dict[str, dict[str, Any]], rows: dict[str, list[Row]]) -> dict[str, Any]:
    """
    The mean over data sets: each counts the same, whatever its size, as where benchmarks are averaged. Levels of
    difficulty have no mean: they mean something else in every data set.
    """
    found = list(measured.values())
    if len(found) == 1:
        return found[0]
    shared = [
        key for key in found[0] if key not in ("by_difficulty", "pass@1_ci") and all(key in row for row in found)
    ]
    values = {key: [row[key] for row in found] for key in shared}
    shares = [[mean(samples) for samples in solved(by_problem(part))] for part in rows.values()]
    return {
        **{key: mean([value for value in numbers if value == value]) for key, numbers in values.items()},
        "pass@1_ci": list(bootstrap_interval(*shares)),
        "problems": sum(values["problems"]),
        "samples": found[0]["samples"],
    }


def summarize(rows: Iterable[Row], k: int | Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """
    Metrics of one model.

    Args:
        rows (`Iterable[dict]`):
            Its sample store.
        k (`int` or `dict`):
            Samples per problem, or entries of data sets with `num_samples`; pass@k and cons@k are refused where a
            problem has fewer (`ValueError`).

    Returns:
        `dict`: metrics, as in `results.json`: of all reasoning problems (the mean over their data sets), and of each
        data set in `by_dataset`.
    """
    domains: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        domains[row["domain"]].append(row)
    reasoning: dict[str, list[Row]] = defaultdict(list)
    for row in domains["reasoning"]:
        reasoning[row.get("dataset", "")].append(row)
    if not reasoning:
        raise DataError(*NO_REASONING)
    measured = {
        name: measure(part, k[name]["num_samples"] if isinstance(k, Mapping) else k)
        for name, part in sorted(reasoning.items())
    }
    harm = {gold: [row for row in domains["harm"] if row["answer"] == gold] for gold in ("refuse", "comply")}
    return {
        **mean_of(measured, dict(sorted(reasoning.items()))),
        "helpful": mean([row["outcome"] == "correct" for row in domains["general"]]) if domains["general"] else None,
        "refused_forbidden": mean([refuses(row["text"]) for row in harm["refuse"]]) if harm["refuse"] else None,
        "refused_allowed": mean([refuses(row["text"]) for row in harm["comply"]]) if harm["comply"] else None,
        "by_dataset": measured,
    }
