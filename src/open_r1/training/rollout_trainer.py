"""GRPO's rollouts: groups that teach nothing are drawn again (DAPO, arXiv 2503.14476, section 3.2), and what was
sampled is kept.

A group whose rewards are all equal has no advantage: its tokens were paid for nothing. With `dynamic_sampling` such
groups give way to groups of other prompts, as many as are missing, at most `rounds` times. What no round replaces
stays.

How: TRL samples and scores a rollout in one method. Here the rollout is sampled and scored first, by the same methods
of TRL, as often as it takes; then TRL's method runs once over the rows that remain, and finds their completions and
rewards there. So advantages, the normalisation of the loss, log-probabilities and TRL's metrics are TRL's own, of the
rollout that is trained on. Two things count more than it: `num_tokens` has every token that was sampled, and what
rewards log themselves (`rewards/NAME/seconds`) is the mean over all draws.

Which prompts come next follows from the seed and the step alone (`schedule.spares`), so a run that continues draws the
same ones. A prompt that was spare once may come again in a later rollout.
"""

import inspect
import math
from collections import defaultdict
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import torch
import trl
from accelerate.utils import gather, gather_object
from trl import GRPOTrainer

from ..core.errors import RecipeError
from ..core.formats import completion_text
from ..core.rows import Row
from ..metrics.kept_rollouts import file_of, write_rollout
from .padding import UnpaddedTrainer

# The methods of TRL's trainer that are called or replaced here, and what they take. Of its attributes, `_metrics`,
# `_logs` and `_pending_extra_logs` are read.
PRIVATE = {
    "_generate_and_score_completions": ["self", "inputs"],
    "_generate": ["self", "prompts"],
    "_generate_single_turn": [
        "self", "prompt_ids", "images", "multimodal_fields", "num_generations", "has_tool_images",
    ],
    "_calculate_rewards": ["self", "inputs", "prompts", "completions", "completion_ids_list"],
}  # fmt: skip
TESTED = "1.16."
EQUAL = 1e-6  # rewards nearer to each other than this are equal: sums of the same parts in another order


class Refill(NamedTuple):
    """
    How groups are drawn again.

    Attributes:
        rounds (`int`): At most so many times in one rollout.
        spares (`Callable`): The prompts to draw with, in order: step -> rows.
    """

    rounds: int
    spares: Callable[[int], Iterator[Row]]


class Draw(NamedTuple):
    """
    Sampled and scored rows, group by group.

    Attributes:
        samples (`list[tuple]`): This rank's share, one for each completion: row of the dataset, token ids, and their
            log-probabilities where vLLM tells them.
        rewards (`torch.Tensor`): Those of all ranks, of shape (completions, rewards).
    """

    samples: list[tuple[Row, list[int], list[float] | None]]
    rewards: torch.Tensor


class RolloutTrainer(UnpaddedTrainer):
    """
    TRL's trainer with dynamic sampling and kept rollouts; raises `RecipeError` at a TRL that it does not know.

    Args:
        refill (`Refill`, *optional*):
            Draws groups with equal rewards again.
        keep (`int`, *optional*, defaults to `0`):
            Keeps every so-many-th rollout in `rollouts` of the output directory.
        window (`int`, *optional*, defaults to `1`):
            Optimiser steps that one rollout feeds.
    """

    _metrics: dict[str, dict[str, list[float]]]  # TRL's

    def __init__(self, *args: Any, refill: Refill | None = None, keep: int = 0, window: int = 1, **kwargs: Any):
        require_known_trl()
        super().__init__(*args, **kwargs)
        self.refill, self.keep, self.window = refill, keep, window
        self.drawn: Draw | None = None  # while TRL's method runs over it
        self.lengths: list[tuple[int, bool]] = []  # tokens of each completion, and whether the limit cut it off

    def _generate_and_score_completions(self, inputs: list[Row]) -> dict[str, Any]:
        if not self.model.training:
            return super()._generate_and_score_completions(inputs)
        if self.refill:
            self.drawn = self.refilled(inputs, self.refill)
            inputs = [row for row, _, _ in self.drawn.samples]
        output = super()._generate_and_score_completions(inputs)
        self.drawn = None
        if self.keep and self.state.global_step // self.window % self.keep == 0:
            self.write_rollout()
        return output

    # ------------------------------------------------------------------------ what TRL's method finds there already

    def _generate(self, prompts: list) -> tuple:
        sampled = self.state.num_input_tokens_seen
        found = super()._generate(prompts)
        if self.drawn:  # counted when they were sampled
            self.state.num_input_tokens_seen = sampled
            self._metrics["train"]["num_tokens"] = [sampled]
        return found

    def _generate_single_turn(self, *args: Any, **kwargs: Any) -> tuple:
        if not self.drawn:
            return super()._generate_single_turn(*args, **kwargs)
        _, ids, logprobs = zip(*self.drawn.samples, strict=True)
        return list(ids), None if logprobs[0] is None else list(logprobs)

    def _calculate_rewards(
        self, inputs: list[Row], prompts: list, completions: list, completion_ids_list: list[list[int]]
    ) -> torch.Tensor:
        ends = {*self.eos_token_ids, self._tokenizer.pad_token_id}
        self.lengths = [(len(ids), ids[-1] not in ends) for ids in completion_ids_list]
        if self.drawn:
            return self.drawn.rewards
        return super()._calculate_rewards(inputs, prompts, completions, completion_ids_list)

    # ------------------------------------------------------------------------------------------ drawing groups again

    def refilled(self, inputs: list[Row], refill: Refill) -> Draw:
        """Samples a rollout, and draws its equal groups again; all ranks make the same draws."""
        logged, self._metrics = self._metrics, {"train": defaultdict(list)}  # TRL logs every draw: not here
        batch = self.draw(inputs)
        equal, reward = self.equal(batch.rewards), self.totals(batch.rewards).nanmean().item()
        sampled, rounds = self.state.num_input_tokens_seen, 0
        taken = set(gather_object([str(row["prompt"]) for row in inputs]))
        spares = unused(refill.spares(self.state.global_step), taken)
        while rounds < refill.rounds and (rows := self.share(spares, int(self.equal(batch.rewards).sum()))):
            self.replace(batch, self.draw(rows))
            rounds += 1
        self._metrics = logged
        shares = {"equal_groups": equal, "left": self.equal(batch.rewards)}
        found = {name: groups.float().mean().item() for name, groups in shares.items()}
        found |= {"rounds": rounds, "tokens": self.state.num_input_tokens_seen - sampled, "reward": reward}
        for name, value in found.items():
            self._metrics["train"][f"refill/{name}"].append(value)
        return batch

    def draw(self, rows: list[Row]) -> Draw:
        """Samples and scores this rank's rows, which are `num_generations` for each prompt over all ranks."""
        prompts = [row["prompt"] for row in rows]
        _, ids, _, completions, logprobs, *_ = self._generate(prompts)
        rewards = self._calculate_rewards(rows, prompts, completions, ids)
        self._pending_extra_logs.clear()  # columns of a reward's own, which could not follow their rows
        return Draw(list(zip(rows, ids, logprobs or [None] * len(ids), strict=True)), rewards)

    def totals(self, rewards: torch.Tensor) -> torch.Tensor:
        """The weighted sum for each completion, nan where no reward applies."""
        weighted = (rewards * self.reward_weights.to(rewards.device)).nansum(dim=1)
        return weighted.masked_fill(rewards.isnan().all(dim=1), torch.nan)

    def equal(self, rewards: torch.Tensor) -> torch.Tensor:
        """Which groups have no advantage: their rewards are the same, or those that are given at all."""
        paid = self.totals(rewards).unsqueeze(1)
        if self.multi_objective_aggregation == "normalize_then_sum":  # each reward has advantages of its own
            paid = rewards * self.reward_weights.to(rewards.device)
        groups = paid.view(-1, self.num_generations, paid.shape[1])
        spread = groups.nan_to_num(nan=-torch.inf).amax(1) - groups.nan_to_num(nan=torch.inf).amin(1)
        return ~(spread > EQUAL).any(dim=1)

    def share(self, spares: Iterator[Row], groups: int) -> list[Row]:
        """This rank's rows of so many new groups, or a few more where they would not divide over the ranks."""
        ranks, rank, size = self.accelerator.num_processes, self.accelerator.process_index, self.num_generations
        unit = ranks // math.gcd(ranks, size)
        rows = list(islice(spares, -(-groups // unit) * unit))
        mine = len(rows) // unit * unit * size // ranks
        return [row for row in rows for _ in range(size)][rank * mine : (rank + 1) * mine]

    def replace(self, batch: Draw, new: Draw) -> None:
        """Puts new groups whose rewards differ in the place of equal ones, on whichever rank these are."""
        places = self.equal(batch.rewards).nonzero()[:, 0].tolist()
        good = (~self.equal(new.rewards)).nonzero()[: len(places), 0].tolist()
        sources, targets = self.rows_of(good), self.rows_of(places[: len(good)])
        batch.rewards[targets] = new.rewards[sources]
        rank, size = self.accelerator.process_index, len(new.samples)
        sent = gather_object([new.samples[row - rank * size] for row in sources if row // size == rank])
        size = len(batch.samples)
        for row, sample in zip(targets, sent, strict=True):
            if row // size == rank:
                batch.samples[row - rank * size] = sample

    def rows_of(self, groups: list[int]) -> list[int]:
        """The rows, over all ranks, of some groups."""
        return [group * self.num_generations + n for group in groups for n in range(self.num_generations)]

    # ---------------------------------------------------------------------------------------------- keeping rollouts

    def write_rollout(self) -> None:
        """Writes the rollout that TRL has just logged; once more, and the same, where a run was killed after it."""
        lengths = gather(torch.tensor(self.lengths, device=self.accelerator.device)).tolist()
        if not self.accelerator.is_main_process:
            return
        names, columns, weights = self.reward_func_names, self._logs["rewards"], self.reward_weights.tolist()
        step, rows = self.state.global_step + 1, []
        for index, (tokens, clipped) in enumerate(lengths):
            rewards = {name: number(columns[name][index]) for name in names}
            paid = [w * r for w, r in zip(weights, rewards.values(), strict=True) if r is not None]
            right = rewards["accuracy"] == 1 if rewards.get("accuracy") is not None else None
            row = {"step": step, "prompt": self._logs["prompt"][index]}
            row |= {"completion": completion_text(self._logs["completion"][index]), "rewards": rewards}
            row |= {"reward": sum(paid) if paid else None, "advantage": number(self._logs["advantages"][index])}
            rows.append(row | {"tokens": tokens, "clipped": bool(clipped), "right": right})
        write_rollout(file_of(Path(self.args.output_dir), step), rows)


def unused(spares: Iterator[Row], taken: set[str]) -> Iterator[Row]:
    """Spare prompts that a rollout does not hold yet."""
    for row in spares:
        if str(row["prompt"]) not in taken:
            taken.add(str(row["prompt"]))
            yield row


def number(value: float) -> float | None:
    """A value for JSON, which knows no NaN: a reward that did not apply."""
    return None if value != value else value


def require_known_trl() -> None:
    """Raises `RecipeError` at a TRL whose private methods are not the ones that this module was written for."""
    for name, wanted in PRIVATE.items():
        method = getattr(GRPOTrainer, name, None)
        found = list(inspect.signature(method).parameters) if method else None
        if found != wanted or not trl.__version__.startswith(TESTED):
            raise RecipeError(
                f"`dynamic_sampling` and `keep_rollouts` use private methods of TRL {TESTED}x, and this is "
                f"{trl.__version__}" + (f", whose `{name}` is another" if found != wanted else ""),
                f"install trl {TESTED}x, or remove both keys",
            )
