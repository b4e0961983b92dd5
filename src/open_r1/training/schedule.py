"""Which prompts GRPO draws at which step, where a recipe's `datasets` say more than "all of them, shuffled".

    datasets:
      - {path: "mini:chain", weight: 2}
      - {path: "mini:general", weight: 1, from_step: 25}

`weight` is a source's share of the prompts among the sources that are being drawn, as it is a share of the rows in
`mix`; without weights a source's share is its size, and 0 means never. `from_step` counts optimiser steps: a source
joins with the first rollout that begins at or after that step.

The unit is the rollout: the prompts for which completions are sampled at once. It feeds `num_iterations` rounds of
optimiser steps, and holds no prompt twice.
"""

import random
from collections.abc import Iterator
from typing import Any, NamedTuple

from ..core.errors import DataError, RecipeError
from ..data.amounts import check_amounts
from ..data.sources import check_source

Source = dict[str, Any]


class Rollouts(NamedTuple):
    """
    The rollouts of a run.

    Attributes:
        prompts (`int`): Prompts of one.
        steps (`int`): Optimiser steps that one feeds.
        number (`int`): How many there are.
    """

    prompts: int
    steps: int
    number: int


def is_scheduled(sources: list[Source]) -> bool:
    """Whether a recipe's sources say when, or in which shares, they are drawn."""
    return any(source.get("from_step") or source.get("weight") is not None for source in sources)


def rollouts_of(config: Any, prompts_per_step: int) -> Rollouts:
    """The rollouts that a `GRPOConfig` makes; raises `RecipeError` where their number is not fixed."""
    if config.max_steps <= 0:
        raise RecipeError("`weight` and `from_step` in `datasets` need `max_steps`", "set `max_steps`")
    prompts = config.generation_batch_size // config.num_generations
    steps = prompts // prompts_per_step * config.num_iterations
    return Rollouts(prompts, steps, -(-config.max_steps // steps))


def check_schedule(sources: list[Source]) -> None:
    """Raises `RecipeError` for shares and steps that are none."""
    for source in sources:
        check_source(source)
        check_amounts(source)
        start = source.get("from_step", 0)
        if isinstance(start, bool) or not isinstance(start, int) or start < 0:
            raise RecipeError(f"`from_step: {start}` of {source['path']}", "give a number of optimiser steps")
    given = [source.get("weight") is not None for source in sources]
    if any(given) and not all(given):
        path = sources[given.index(False)]["path"]
        raise RecipeError(f"`datasets`: {path} has no `weight`, others have", "give every source a weight, or none")


def shares(sources: list[Source], sizes: list[int], step: int) -> dict[int, float]:
    """The weights of the sources that are drawn at a step."""
    weights = {
        n: float(sizes[n] if source.get("weight") is None else source["weight"]) for n, source in enumerate(sources)
    }
    return {n: weight for n, weight in weights.items() if weight and sources[n].get("from_step", 0) <= step}


def check_sizes(sources: list[Source], sizes: list[int], rollouts: Rollouts) -> None:
    """Raises an error where the sources that are drawn at some step cannot fill a rollout as their weights say."""
    for step in sorted({0, *(source.get("from_step", 0) for source in sources)}):
        active = shares(sources, sizes, step)
        if not active:
            raise RecipeError(f"`datasets`: no source is drawn at step {step}", "start one with `from_step: 0`")
        rows = sum(sizes[n] for n in active)
        if rows < rollouts.prompts:
            raise DataError(
                f"`datasets`: {rows} prompts are drawn from at step {step}, fewer than the {rollouts.prompts} of one "
                "rollout",
                "add prompts, or lower prompts_per_step",
            )
        for n, weight in active.items():
            wanted = weight / sum(active.values()) * rollouts.prompts
            if wanted > sizes[n]:
                raise DataError(
                    f"dataset {sources[n]['path']} has {sizes[n]} prompts, fewer than its share of a rollout at step "
                    f"{step}, {wanted:.1f} of {rollouts.prompts}",
                    "lower its `weight`, or add prompts",
                )


def schedule(sources: list[Source], sizes: list[int], rollouts: Rollouts, seed: int) -> list[int]:
    """
    The order of prompts over a whole run.

    Args:
        sources (`list[dict]`):
            The recipe's `datasets`.
        sizes (`list[int]`):
            Their numbers of rows.
        rollouts (`Rollouts`):
            How many prompts, how often.
        seed (`int`):
            Decides the order.

    Returns:
        `list[int]`: row indices into the joined sources, rollout by rollout. Raises an error for sources too small.
    """
    check_schedule(sources)
    check_sizes(sources, sizes, rollouts)
    rng = random.Random(seed)
    decks = [deck(range(sum(sizes[:n]), sum(sizes[: n + 1])), rng) for n in range(len(sizes))]
    order: list[int] = []
    for number in range(rollouts.number):
        order += rollout(shares(sources, sizes, number * rollouts.steps), sizes, decks, rollouts.prompts, rng)
    return order


def deck(rows: range, rng: random.Random) -> Iterator[int]:
    """The rows of a source without end: shuffled, and dealt to the last before they are shuffled again."""
    while True:
        yield from reversed(rng.sample(rows, len(rows)))


def rollout(
    weights: dict[int, float], sizes: list[int], decks: list[Iterator[int]], prompts: int, rng: random.Random
) -> list[int]:
    """The rows of one rollout, all different: the groups of a prompt that came twice would merge."""
    taken: dict[int, set[int]] = {n: set() for n in weights}
    while sum(map(len, taken.values())) < prompts:
        left = [n for n in weights if len(taken[n]) < sizes[n]]
        (n,) = rng.choices(left, [weights[n] for n in left])
        taken[n].add(next(decks[n]))
    rows = sorted(row for found in taken.values() for row in found)
    return rng.sample(rows, len(rows))


def spares(sources: list[Source], sizes: list[int], step: int, seed: int) -> Iterator[int]:
    """
    What a rollout may draw beside its own prompts: every row of the sources that are drawn at its step, each once,
    in their shares at that step as long as they last. The order is the step's own, and no other draw moves it.
    """
    rng, weights = random.Random(f"{seed} {step}"), shares(sources, sizes, step)
    left = {n: rng.sample(range(sum(sizes[:n]), sum(sizes[: n + 1])), sizes[n]) for n in weights}
    while left:
        (n,) = rng.choices(list(left), [weights[n] for n in left])
        yield left[n].pop()
        if not left[n]:
            del left[n]
