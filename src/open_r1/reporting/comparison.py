"""Models against each other: only on what they share, since a mean over other benchmarks says something else."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from ..metrics.statistics import mean
from ..metrics.summary import mean_of

REASONING, GENERAL = AXES = ("reasoning", "general")
HELPFUL = "helpful"  # share of general requests that were answered well, where an evaluation has no general benchmark


def score(row: Mapping[str, Any]) -> float | None:
    """What a benchmark counts; `None` where nothing was counted."""
    value = row.get("pass@1")
    return None if value is None or value != value else value


def scored(row: Mapping[str, Any]) -> bool:
    return score(row) is not None


def mean_row(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The mean over benchmarks, each counting the same, of every number that all of them have."""
    return mean_of({str(number): dict(row) for number, row in enumerate(rows)})


def shared(stages: Mapping[str, Mapping[str, Any]], names: Iterable[str]) -> list[str]:
    """The benchmarks that all of some models have a score on."""
    parts = [stages[name].get("by_dataset", {}) for name in names]
    return [part for part in (parts[0] if parts else {}) if all(scored(found.get(part, {})) for found in parts)]


def over(row: Mapping[str, Any], benchmarks: Collection[str]) -> dict[str, Any]:
    """A model's row over some of its benchmarks."""
    parts = row["by_dataset"]
    return dict(row) if set(parts) == set(benchmarks) else mean_row([parts[name] for name in benchmarks])


def compared(stages: Mapping[str, Mapping[str, Any]]) -> tuple[dict[str, dict[str, Any]], list[str]]:
    """The rows of all measured models over the benchmarks that they share, and these; none where they share none."""
    names = [name for name, row in stages.items() if any(map(scored, row["by_dataset"].values()))]
    benchmarks = shared(stages, names)
    return ({name: over(stages[name], benchmarks) for name in names}, benchmarks) if benchmarks else ({}, [])


def students(stages: Mapping[str, Mapping[str, Any]], parameters: Mapping[str, int]) -> dict[str, dict[str, Any]]:
    """Rows of the models smaller than the largest, by size, and of the best of these; none where all are alike."""
    rows, _ = compared({name: row for name, row in stages.items() if name in parameters})
    most = max((parameters[name] for name in rows), default=0)
    smaller = sorted((name for name in rows if parameters[name] < 0.95 * most), key=lambda name: parameters[name])
    largest = [name for name in rows if name not in smaller]
    return {name: rows[name] for name in [*smaller, max(largest, key=lambda n: rows[n]["pass@1"])]} if smaller else {}


def axes(stages: Mapping[str, Mapping[str, Any]], about: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """
    Each model's mean on the reasoning and on the general benchmarks, of those that all of these models share.

    Returns:
        `dict`: `benchmarks` by axis, and `models` with both means; empty where no model has both.
    """
    found = {name: scores(row, about) for name, row in stages.items()}
    if any(axis == GENERAL for row in found.values() for part, (axis, _) in row.items() if part != HELPFUL):
        found = {name: {part: value for part, value in row.items() if part != HELPFUL} for name, row in found.items()}
    models = [name for name, row in found.items() if {axis for axis, _ in row.values()} == set(AXES)]
    common = [part for part in found[models[0]] if all(part in found[name] for name in models)] if models else []
    benchmarks = {axis: [part for part in common if found[models[0]][part][0] == axis] for axis in AXES}
    if not all(benchmarks.values()):
        return {}
    means = {n: {axis: mean([found[n][part][1] for part in benchmarks[axis]]) for axis in AXES} for n in models}
    return {"benchmarks": benchmarks, "models": means}


def scores(row: Mapping[str, Any], about: Mapping[str, Mapping[str, Any]]) -> dict[str, tuple[str, float]]:
    """A model's scores by benchmark, each with its axis."""
    parts = {
        name: (about.get(name, {}).get("axis", REASONING), score(part)) for name, part in row["by_dataset"].items()
    }
    parts[HELPFUL] = (GENERAL, row.get(HELPFUL))
    return {name: (of, value) for name, (of, value) in parts.items() if value is not None}
