"""How often the 95% intervals hold the truth: simulated evaluations of models and problems whose truth is known.

python benchmarks/intervals.py [--evaluations 2000]

A problem has a difficulty, the chance of a right sample. Of each kind the mean over all problems is the truth:

- even: every problem has this chance;
- spread: Beta(2 m, 2 (1 - m)), from never to always, flat for a mean of 0.5;
- bimodal: Beta(0.1 m, 0.1 (1 - m)): 9 of 10 problems are (nearly) never or (nearly) always right.

Two models are either equally spread over the same problems (`same`: what is hard for one is hard for the other) or not
at all (`other`). An evaluation draws problems and k samples of each.

For k = 1 nothing needs to be drawn: an evaluation is a number of right problems, or of problems that one model alone
solves, and its chance is known. So are the coverages that any interval can have there.
"""

import argparse
import math
from collections.abc import Iterator, Mapping
from functools import cache
from itertools import chain

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


def cells(kind: str, problems: int, evaluations: int) -> dict[str, dict[tuple, float]]:
    """Coverage of every truth and k: of one model, and of two to which other or the same problems are hard."""
    rng = np.random.default_rng([problems, len(kind)])
    found = {"one": {(t, k): coverage(rng, kind, problems, k, t, evaluations) for t in TRUTHS for k in SAMPLES}}
    for same in (False, True)[: 1 if kind == "even" else 2]:
        found["same" if same else "other"] = {
            (pair, k): paired_coverage(rng, kind, problems, k, pair, evaluations, same)
            for pair in PAIRS
            for k in SAMPLES
        }
    return found


def simulated(evaluations: int) -> Iterator[str]:
    """Markdown: the lowest and the highest coverage over all k and truths, then each that is not 93 to 97."""
    yield "| difficulties | problems | one model, truth 0.1 to 0.9 | 0.02 to 0.98 | difference, `other` | `same` |"
    yield "|---|---|---|---|---|---|"
    misses = []
    for kind in KINDS:
        for problems in PROBLEMS:
            found = cells(kind, problems, evaluations)
            inner = {place: value for place, value in found["one"].items() if 0.1 <= place[0] <= 0.9}
            shown = [inner, found["one"], found["other"], found.get("same", {})]
            yield f"| {kind} | {problems} | {' | '.join(map(ends, shown))} |"
            misses += [f"| {what} | {kind} | {problems} | {missed(found[what])} |" for what in found]
    yield from ["", "| interval | difficulties | problems | truth: coverage (k) |", "|---|---|---|---|"]
    yield from (line for line in sorted(misses, key=lambda line: line.split()[1] != "one") if "(" in line)


def outside(value: float) -> bool:
    return not 0.93 <= value <= 0.97


def ends(found: Mapping[tuple, float]) -> str:
    if not found:
        return "-"
    low, high = min(found.values()), max(found.values())
    return f"{100 * low:.1f} to {100 * high:.1f} ({sum(map(outside, found.values()))} of {len(found)})"


def missed(found: Mapping[tuple, float]) -> str:
    """`0.02: 97.9 (1), 97.8 (64); ...`: what is outside, by truth or by the two truths."""
    by: dict[str, list[str]] = {}
    for (truth, k), value in found.items():
        if outside(value):
            by.setdefault(str(truth).strip("()").replace(", ", "/"), []).append(f"{100 * value:.1f} ({k})")
    return "; ".join(f"{truth}: {', '.join(values)}" for truth, values in by.items())


# ------------------------------------------------------------------------------------------------- one sample, exactly


@cache
def whole(problems: int) -> tuple[np.ndarray, np.ndarray]:
    """The interval of every number of right problems."""
    return interval(np.tri(problems + 1, problems, -1))


def chances(problems: int, truth: float) -> np.ndarray:
    """Of 0, 1, ... right problems."""
    return np.array([math.comb(problems, n) * truth**n * (1 - truth) ** (problems - n) for n in range(problems + 1)])


def exact_coverage(problems: int, truth: float) -> float:
    low, high = whole(problems)
    return float(chances(problems, truth)[(low <= truth + 1e-12) & (truth - 1e-12 <= high)].sum())


def attainable(problems: int, truth: float) -> list[float]:
    """The coverages between 0.85 and 1 of all runs of counts: of every interval whose ends rise with the count."""
    below = np.concatenate([[0], np.cumsum(chances(problems, truth))])
    runs = below - below[:, None]
    return np.unique(runs[(runs > 0.85) & (runs < 0.9995)].round(4)).tolist()


def exact_paired(problems: int, rates: np.ndarray, most: int = 60) -> dict[tuple[float, float], float]:
    """Coverage where one model alone is expected to solve so many problems, and the other alone so many or fewer."""
    most, place = min(most, problems), np.arange(problems)
    wins, losses = (grid[..., None] for grid in np.meshgrid(*[np.arange(most + 1)] * 2, indexing="ij"))
    low, high = paired_interval(place < wins, (place >= wins) & (place < wins + losses))
    wins, losses = wins[..., 0], losses[..., 0]
    ties = problems - wins - losses
    logs = np.array([math.lgamma(n + 1) for n in range(problems + 1)])
    ways = np.where(ties < 0, -np.inf, logs[problems] - logs[wins] - logs[losses] - logs[ties.clip(0)])
    found = {}
    for one in rates[rates > 0]:
        for other in rates[rates <= one]:
            p, q, truth = one / problems, other / problems, (one - other) / problems
            if p + q < 1:
                chance = np.exp(ways) * p**wins * q**losses * (1 - p - q) ** ties.clip(0)
                held_here = (low <= truth + 1e-12) & (truth - 1e-12 <= high)
                found[float(one), float(other)] = float(chance[held_here].sum() / chance.sum())
    return found


@cache
def left_out(problems: int, least: float = 0.93) -> np.ndarray:
    """
    Of the patterns of m differing problems, m from 0: at most which share may not hold 0, for two equal models, by an
    interval that holds it with a chance of `least` however many are expected to differ.

    Each pattern of wins is equally likely, and an interval that does not depend on which model is named first leaves
    out sums of 2 C(m, wins) / 2^m; where m problems are likeliest, the sum may not outweigh 1 - `least`.
    """
    top = np.max([chances(problems, rate) for rate in np.arange(0.002, 1, 0.002)], axis=0)
    shares = [0.0]
    for m in range(1, problems + 1):
        bears, sums = (1 - least) / top[m], {0.0}
        for wins in range((m + 1) // 2 if m <= 8 else 0):
            sums |= {share + 2 * math.comb(m, wins) / 2**m for share in sums}
        shares.append(max(share for share in sums if share <= bears) if m <= 8 else min(1.0, bears))
    return np.array(shares)


def floor(problems: int, differing: float) -> float:
    """The coverage that no such interval falls below where so many problems are expected to differ."""
    return 1 - float(chances(problems, differing / problems) @ left_out(problems))


def enumerated() -> Iterator[str]:
    """Markdown: exact coverages of single samples."""
    truths, rates = np.arange(1, 100) / 100, np.arange(0, 15.1, 0.25)
    yield "| problems | one model, truth 0.01 to 0.99 | impossible | difference | above 97 whatever the interval |"
    yield "|---|---|---|---|---|"
    for problems in PROBLEMS:
        one = {(truth,): exact_coverage(problems, truth) for truth in truths}
        never = [t for t in truths if t <= 0.5 and not any(0.93 <= c <= 0.97 for c in attainable(problems, t))]
        forced = max(rate for rate in np.arange(0.1, 3, 0.1) if floor(problems, rate) > 0.97)
        yield (
            f"| {problems} | {ends(one)} | {', '.join(f'{t:g}' for t in never) or '-'} "
            f"| {ends(exact_paired(problems, rates))} | up to {forced:.1f} that differ |"
        )
    for truth in (0.02, 0.05, 0.1):
        yield f"30 problems, truth {truth:g}: {', '.join(f'{100 * c:.1f}' for c in attainable(30, truth))}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--evaluations", type=int, default=2_000)
    evaluations = parser.parse_args().evaluations
    for line in chain(enumerated(), [""], simulated(evaluations)):
        print(line, flush=True)


if __name__ == "__main__":
    main()
