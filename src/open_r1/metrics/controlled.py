"""The length-controlled win rate of AlpacaEval 2 (https://arxiv.org/abs/2404.04475), fitted for one model.

A logistic regression explains the judge's preferences p for the response over the reference:

    logit p = a + b tanh(d / s) + c x

d is the reference's length less the response's, in characters, s the standard deviation of d, x the difficulty of the
instruction. The rate is the mean of p over the instructions with d = 0. Two things in it are the authors' and need
their file `df_gamed.csv`, whose parts are in the rows' metadata (`data/readers_judged.py`): the difficulties, which
come from a fit over their whole leaderboard, and the verdicts on the reference model itself when it was told to be
brief or verbose. These are further observations, without a and of weight 0.1: they say how far length alone moves the
judge. Without them b explains what a should: over the 59 models of the leaderboard whose verdicts could be read,
mostly weak ones with short outputs, a and b alone gave 6.4 points more than the authors' rate on average, up to 28.
`terms` says what a number rests on; only one with all three stands beside the leaderboard.

What equals theirs: the formula, the weights of the observations, the win rate. What does not: they add an L1 penalty
whose strength five-fold cross-validation chooses, here there is none; their judge's preference is the probability of a
token, here it is its word, so that a win is 1; they state a standard error, we an interval that resamples
instructions and fits again.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ..core.rows import Row, metadata_of

if TYPE_CHECKING:
    import numpy as np

DRAWS = 200  # fits of an interval
GAMED = 0.1  # weight of a verdict on the reference model in another style: there are two of them
TERMS = ("length", "difficulty", "gamed")


def points(rows: list[Row]) -> dict[str, Any]:
    """What the regression needs of one instruction's judged samples."""
    known = metadata_of(rows[0])
    return {
        "won": [float(row["score"]) for row in rows],
        "shorter": [float(len(row["answer"]) - len(row["final"] or "")) for row in rows],
        "difficulty": known.get("difficulty"),
        "gamed": known.get("gamed") or [],
    }


def win_rate(problems: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """
    The rate at equal lengths.

    Args:
        problems (`Sequence[dict]`):
            From `points`.

    Returns:
        `dict`: `length_controlled`, `length_controlled_ci` and `terms`.
    """
    import numpy as np

    if not problems:
        return {"length_controlled": float("nan"), "length_controlled_ci": [float("nan")] * 2, "terms": []}
    difficult = all(problem["difficulty"] is not None for problem in problems)
    tables = [table(problem, difficult) for problem in problems]
    rng = np.random.default_rng(0)
    draws = (rng.integers(len(tables), size=len(tables)) for _ in range(DRAWS))
    low, high = np.quantile([at_equal_lengths([tables[n] for n in draw]) for draw in draws], [0.025, 0.975])
    known = (True, difficult, any(problem["gamed"] for problem in problems))
    return {
        "length_controlled": at_equal_lengths(tables),
        "length_controlled_ci": [float(low), float(high)],
        "terms": [term for term, there in zip(TERMS, known, strict=True) if there],
    }


def table(problem: dict[str, Any], difficult: bool) -> "np.ndarray":
    """The observations on an instruction: preference, weight, whether it is of this model, difference, difficulty."""
    import numpy as np

    hard = problem["difficulty"] if difficult else 0.0
    own = [(won, 1.0, 1.0, d, hard) for won, d in zip(problem["won"], problem["shorter"], strict=True)]
    return np.array(own + [(won, GAMED, 0.0, d, hard) for won, d in problem["gamed"]], dtype=float)


def at_equal_lengths(tables: Sequence["np.ndarray"]) -> float:
    """The mean preference that the regression expects where there is no difference in length."""
    import numpy as np

    rows = np.concatenate(tables)
    own = rows[:, 2] == 1
    spread = np.std(rows[own, 3], ddof=1) if own.sum() > 1 else 0.0
    scaled = np.where(own, rows[:, 3] / (spread or 1.0), rows[:, 3])  # the others' are scaled already
    design = np.stack([rows[:, 2], np.tanh(scaled), rows[:, 4]], axis=1)
    found = fit(design, rows[:, 0], rows[:, 1])
    return float(np.mean(expected(design[own] * [1.0, 0.0, 1.0], found)))


def expected(design: "np.ndarray", coefficients: "np.ndarray") -> "np.ndarray":
    import numpy as np

    return 1 / (1 + np.exp(-np.clip(design @ coefficients, -30, 30)))


def fit(design: "np.ndarray", wanted: "np.ndarray", weights: "np.ndarray") -> "np.ndarray":
    """
    The coefficients of a logistic regression, by Newton's method in short steps. What all agree on, and what there is
    none of, is held by a ridge that moves no other coefficient.
    """
    import numpy as np

    coefficients, ridge = np.zeros(design.shape[1]), 1e-6 * np.eye(design.shape[1])
    for _ in range(100):
        guess = expected(design, coefficients)
        curvature = design.T @ (design * (weights * guess * (1 - guess))[:, None]) + ridge
        step = np.linalg.solve(curvature, design.T @ (weights * (wanted - guess)) - ridge @ coefficients)
        coefficients += np.clip(step, -1, 1)
        if np.abs(step).max() < 1e-9:
            break
    return coefficients
