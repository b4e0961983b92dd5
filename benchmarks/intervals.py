"""How often the 95% intervals hold the truth: simulated evaluations of models and problems whose truth is known.

python benchmarks/intervals.py [--evaluations 2000]

A problem has a difficulty, the chance of a right sample. Of each kind the mean over all problems is the truth:

- even: every problem has this chance;
- spread: Beta(2 m, 2 (1 - m)), from never to always, flat for a mean of 0.5;
- bimodal: Beta(0.1 m, 0.1 (1 - m)): 9 of 10 problems are (nearly) never or (nearly) always right.

Two models are either equally spread over the same problems (`same`: what is hard for one is hard for the other) or not
at all (`other`). An evaluation draws problems and k samples of each.
"""

import argparse
from collections.abc import Collection, Iterator

import numpy as np

from open_r1.metrics.statistics import interval, paired_interval

PROBLEMS = (30, 100, 198, 500)  # AIME, a small set, GPQA-Diamond, MATH-500
SAMPLES = (1, 4, 16, 64)
TRUTHS = (0.02, 0.05, 0.1, 0.2, 0.35, 0.5, 0.65, 0.8, 0.9, 0.95, 0.98)
PAIRS = ((0.02, 0.02), (0.1, 0.05), (0.2, 0.2), (0.3, 0.2), (0.5, 0.5), (0.6, 0.4), (0.95, 0.9), (0.98, 0.98))
KINDS = {"even": None, "spread": 2.0, "bimodal": 0.1}
TABLE = 20_000  # difficulties of which a pair is drawn at the same place
Generator = np.random.Generator


def difficulties(rng: Generator, kind: str, truth: float, shape: tuple[int, ...]) -> np.ndarray:
    """Chances of a right sample, for each problem of each evaluation."""
    scale = KINDS[kind]
    return rng.beta(scale * truth, scale * (1 - truth), shape) if scale else np.full(shape, truth)


def pair(rng: Generator, kind: str, truths: tuple[float, float], shape: tuple[int, int], same: bool):
    """Difficulties of the same problems for two models, and the true difference."""
    if not same or kind == "even":
        one, other = (difficulties(rng, kind, truth, shape) for truth in truths)
        return one, other, truths[0] - truths[1]
    ranks = rng.integers(0, TABLE, shape)
    tables = [np.sort(difficulties(rng, kind, truth, (TABLE,))) for truth in truths]
    return tables[0][ranks], tables[1][ranks], tables[0].mean() - tables[1].mean()


def scores(rng: Generator, chances: np.ndarray, k: int) -> np.ndarray:
    return rng.binomial(k, chances) / k


def held(ends: tuple[np.ndarray, np.ndarray], truth: float) -> float:
    """Share of intervals that hold the truth; the last place of a float is no miss."""
    return float(((ends[0] <= truth + 1e-12) & (truth - 1e-12 <= ends[1])).mean())


def coverage(rng: Generator, kind: str, problems: int, k: int, truth: float, evaluations: int) -> float:
    """How often the interval of one model holds its truth."""
    return held(interval(scores(rng, difficulties(rng, kind, truth, (evaluations, problems)), k)), truth)


def paired_coverage(
    rng: Generator, kind: str, problems: int, k: int, truths: tuple[float, float], evaluations: int, same: bool
) -> float:
    """How often the interval of the difference of two models holds the true one."""
    one, other, difference = pair(rng, kind, truths, (evaluations, problems), same)
    return held(paired_interval(scores(rng, one, k), scores(rng, other, k)), difference)


def lines(evaluations: int) -> Iterator[str]:
    """Markdown: the lowest and the highest coverage over all k and truths, and where they are."""
    yield "| difficulties | problems | truth 0.1 to 0.9 | 0.02 to 0.98 | at truth, k | difference, `other` | `same` |"
    yield "|---|---|---|---|---|---|---|"
    for kind in KINDS:
        for problems in PROBLEMS:
            rng = np.random.default_rng([problems, len(kind)])
            single = {
                (truth, k): coverage(rng, kind, problems, k, truth, evaluations) for truth in TRUTHS for k in SAMPLES
            }
            inner = {place: value for place, value in single.items() if 0.1 <= place[0] <= 0.9}
            low, high = (f"{truth}, {k}" for truth, k in (min(single, key=single.get), max(single, key=single.get)))
            paired = [
                [paired_coverage(rng, kind, problems, k, p, evaluations, same) for p in PAIRS for k in SAMPLES]
                for same in (False, True)[: 1 if kind == "even" else 2]
            ]
            differences = " | ".join([ends(found) for found in paired] + ["-"] * (2 - len(paired)))
            yield (
                f"| {kind} | {problems} | {ends(inner.values())} | {ends(single.values())} | {low}; {high} "
                f"| {differences} |"
            )


def ends(found: Collection[float]) -> str:
    return f"{100 * min(found):.1f} to {100 * max(found):.1f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--evaluations", type=int, default=2_000)
    for line in lines(parser.parse_args().evaluations):
        print(line, flush=True)


if __name__ == "__main__":
    main()
