"""What was published of known models (`recipes/benchmarks/published.yaml`), beside what was measured here.

Both evaluations had the same problems, so two things are asked: whether the published number is inside our interval,
which is that of other problems of the kind, and whether it is nearer than chance in drawing k samples explains. Where
it is inside and not so near, prompt, harness or budget of tokens differ.
"""

import functools
import math
from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

import yaml

from ..core.benchmarks import FOLDER
from ..core.errors import RecipeError
from ..core.hub import called

FILE = FOLDER / "published.yaml"


class Published(NamedTuple):
    """
    What was published of a model on one benchmark.

    Attributes:
        numbers (`dict`): Shares from 0 to 1, by the names of our metrics, such as `pass@1`.
        samples (`int`): Of each problem.
        source (`str`): Where it stands.
    """

    numbers: dict[str, float]
    samples: int
    source: str


@functools.cache
def read_file() -> dict[str, Any]:
    return yaml.safe_load(FILE.read_text(encoding="utf-8"))


def published(model: str) -> dict[str, Published]:
    """What was published of a model, by benchmark; nothing for one that the file does not know."""
    found = read_file().get(called(model))
    if not found:
        return {}
    samples = found["samples"]
    return {
        name: Published(
            {key: round(value / 100, 6) for key, value in numbers.items()},
            samples[name] if isinstance(samples, dict) else samples,
            found["source"],
        )
        for name, numbers in found["numbers"].items()
    }


def published_on(model: str, benchmarks: Collection[str]) -> dict[str, Published]:
    """What was published of a model on these benchmarks; raises `RecipeError` where nothing was."""
    known = published(model)
    if not known:
        raise RecipeError(f"no published numbers of {called(model)}", f"{FILE.name} has {', '.join(read_file())}")
    found = {name: known[name] for name in benchmarks if name in known}
    if not found:
        message = f"of {called(model)} nothing was published on {', '.join(benchmarks)}"
        raise RecipeError(message, f"evaluate on some of {', '.join(known)}")
    return found


def check(model: str, metrics: Mapping[str, Any]) -> str:
    """
    Compares a model's metrics with what was published of it.

    Args:
        model (`str`):
            Its Hub id.
        metrics (`dict`):
            As `summarize` gives them.

    Returns:
        `str`: a line for each benchmark of both. Raises `RecipeError` where nothing was published of the model, or not
        on these benchmarks.
    """
    known, measured = published_on(model, metrics["by_dataset"]), metrics["by_dataset"]
    lines = [f"{called(model)}, published in: {next(iter(known.values())).source}"]
    return "\n".join([*lines, *(line(name, found, measured[name]) for name, found in known.items())])


def line(name: str, theirs: Published, ours: Mapping[str, Any]) -> str:
    """Published and measured numbers of one benchmark."""
    low, high = ours["pass@1_ci"]
    value = theirs.numbers["pass@1"]
    place = "inside" if low <= value <= high else "outside"
    others = [
        f", {key} {number:.3f} and {ours[key]:.3f}"
        for key, number in theirs.numbers.items()
        if key != "pass@1" and key in ours
    ]
    return (
        f"{name}: pass@1 published {value:.3f} ({theirs.samples} samples), measured {ours['pass@1']:.3f} "
        f"({ours['samples']} samples of {ours['problems']} problems): {place} the interval [{low:.3f}, {high:.3f}]"
        f"{chance(theirs, ours)}{''.join(others)}"
    )


def chance(theirs: Published, ours: Mapping[str, Any]) -> str:
    """Whether drawing other samples of the same problems explains the distance; nothing for one sample of each."""
    error = ours.get("drawing_error")
    if error is None:
        return ""
    reach = 1.96 * error * math.sqrt(1 + ours["samples"] / theirs.samples)
    near = abs(ours["pass@1"] - theirs.numbers["pass@1"]) <= reach
    return f", {'no further' if near else 'further'} than drawing explains (+-{reach:.3f})"
