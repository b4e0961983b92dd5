"""What a training recipe may say: TRL's own dataclasses plus the few values below.

Anything that TRL, transformers or accelerate know is theirs (`GRPOConfig`, `SFTConfig`, `RewardConfig`,
`ModelConfig`); this module adds where data come from, how a response is written, and the sizes that should not depend
on the hardware.
"""

import os
from dataclasses import dataclass, field
from typing import ClassVar

from ..core.errors import RecipeError
from ..core.keys import BARE, FILE, LAST, MODEL, RUN, SERVER, WHOLE_BATCH, Key, Keys, key
from ..core.publishing import Publishing
from ..core.recipes import Recipe
from ..data.sources import SOURCE
from .theirs import FOLLOWS, THEIRS

REWARD: Keys = {  # settings of a reward, whichever it is
    "model": Key(loads=MODEL),
    "tokenizer": Key(loads=BARE),
    "batch_tokens": Key(RUN),
    **SERVER,
}


@dataclass
class StageArguments(Publishing):
    """
    Values that all training stages share.

    Args:
        root (`str`, *optional*, defaults to `"data"`):
            Directory that holds the artifacts of a pipeline; recipes write `${root}/NAME`.
        datasets (`list[dict]`):
            Data sources, see `data/sources.py`; also the name of one.
        response_format (`str`, *optional*, defaults to `"r1"`):
            `zero` or `r1`, see `core/formats.py`.
        chat_template (`str`, *optional*):
            A `.jinja` file that replaces the tokenizer's template, and is saved with the model.
        eos_token (`str`, *optional*):
            The token that ends a response, where the template writes another than the tokenizer's own (a base model
            whose texts end with `<|endoftext|>`, trained on turns that end with `<|im_end|>`); saved with the model.
        pad_token (`str`, *optional*):
            The token to pad with; by default the tokenizer's own, or a spare one where that one ends texts.
        eval_datasets (`list[dict]`, *optional*):
            Data of the trainer's own evaluation during training (`eval_strategy`), in the form of `datasets`.
        merge (`bool`, *optional*, defaults to `True`):
            With `use_peft`: whether the result is a whole model, with the adapter in its folder `adapter`. Else it is
            the adapter alone, which later stages and evaluation take as well.
        model_config (`dict`, *optional*):
            Configuration of a model to build from nothing (`model_type` and the keys of its config class), in place of
            `model_name_or_path`.
        tokenizer (`dict`, *optional*):
            Tokenizer to train for it: `vocab_size`, and `corpus`, a data source.
        optimizer (`str`, *optional*):
            `muon` for Muon on matrices and AdamW on the rest; by default what `optim` says.
        optimizer_args (`dict`, *optional*):
            Settings of that optimizer.
        guards (`dict`, *optional*):
            Limits above which a training ends, by guard, see `guards.py`; `null` switches one off. By default:
            `nonfinite` (a loss, a gradient or weights that are NaN or infinite), `truncated_rows: 0.05` (share of rows
            that `max_length` cuts), and in GRPO `clipped: 0.95` (share of completions cut at
            `max_completion_length`, over 10 rollouts), `no_spread: 0.99` (share of groups with one and the same
            reward, 20), `kl: 2` (nats per token, 5), `growth: 100` (mean length, times that at the start, 5) and
            `engine_gap: 0.2` (mean difference of the log-probabilities of vLLM and the trainer, 5).
        benchmarks (`list[str]`, *optional*):
            Names of `recipes/benchmarks`, or YAML files, with which each saved step is evaluated beside the training,
            see `core/saved_steps.py`.
        evaluation (`dict`, *optional*):
            Keys of `open-r1 evaluate` for that: `engine`, `num_samples`, `executor` and the like.
    """

    theirs: ClassVar[Keys] = THEIRS

    root: str = "data"
    datasets: list[dict] = key([], inside=SOURCE)
    response_format: str = field(default="r1", metadata={"choices": ["zero", "r1"]})
    chat_template: str | None = key(None, loads=FILE)
    eos_token: str | None = field(default=None)
    pad_token: str | None = field(default=None)
    eval_datasets: list[dict] = key([], inside=SOURCE)
    merge: bool = key(True, LAST)
    model_config: dict | None = field(default=None)
    tokenizer: dict | None = key(None, inside={"corpus": Key(inside=SOURCE)})
    optimizer: str | None = field(default=None)
    optimizer_args: dict | None = field(default=None)
    guards: dict = key({}, RUN)
    benchmarks: list = key([], RUN)
    evaluation: dict = key({}, RUN)


@dataclass
class SFTArguments(StageArguments):
    """
    Values of supervised fine-tuning beside TRL's.

    Args:
        training_template (`str`, *optional*):
            A `.jinja` file that renders the rows to train on, where it is not `chat_template`. The one that is saved
            may prefill `<think>`, which the one to train with leaves to the response; both must write the same tokens
            up to the first that is sampled.
        rows_per_step (`int`, *optional*):
            Rows of one optimiser step over all devices (128 in the paper); gradient accumulation follows from it.
    """

    training_template: str | None = key(None, loads=FILE)
    rows_per_step: int | None = key(None, WHOLE_BATCH)


@dataclass
class GRPOArguments(StageArguments):
    """
    Values of GRPO beside TRL's.

    Args:
        rewards (`dict`):
            Settings by reward name, see `rewards/__init__.py`.
        prompts_per_step (`int`):
            Prompts of one optimiser step over all devices (32 in the paper); gradient accumulation follows from it.
        dynamic_sampling (`dict`, *optional*):
            `{rounds: N}` draws groups whose rewards are all equal again, with other prompts, at most N times per
            rollout (DAPO), see `training/rollout_trainer.py`.
        keep_rollouts (`int`, *optional*, defaults to `0`):
            `true` keeps every rollout in `OUTPUT/rollouts`, N every N-th; `open-r1 rollouts OUTPUT` reads them.
        vllm_canary_rollouts (`int`, *optional*, defaults to `1`):
            With `use_vllm`: rollouts between two questions whether vLLM's weights still change; 0 for none.
    """

    theirs: ClassVar[Keys] = {**THEIRS, **FOLLOWS}

    rewards: dict = key({}, inside={"soft_overlong": Key(), "*": Key(inside=REWARD)})  # whose `cache` counts tokens
    prompts_per_step: int = field(default=32)
    dynamic_sampling: dict | None = key(None, inside={"rounds": Key()})
    keep_rollouts: int = key(0, RUN)
    vllm_canary_rollouts: int = key(1, RUN)

    def __post_init__(self):
        chosen = self.dynamic_sampling
        if chosen is not None and not (
            isinstance(chosen, dict)
            and set(chosen) == {"rounds"}
            and type(chosen["rounds"]) is int
            and chosen["rounds"] > 0
        ):
            message = f"`dynamic_sampling: {chosen}` is no number of rounds"
            raise RecipeError(message, "write `dynamic_sampling: {rounds: 4}`, or leave it out")
        if self.keep_rollouts < 0:
            raise RecipeError(f"`keep_rollouts: {self.keep_rollouts}` is negative", "write `true`, or N for each N-th")


@dataclass
class RewardModelArguments(StageArguments):
    """
    Values of reward modelling beside TRL's.

    Args:
        objective (`str`, *optional*, defaults to `"pairwise"`):
            `pairwise` (chosen against rejected, the helpful model) or `pointwise` (labels, the safety model).
        rows_per_step (`int`, *optional*):
            Rows, or pairs, of one optimiser step over all devices (256 in the paper); gradient accumulation follows.
    """

    objective: str = field(default="pairwise", metadata={"choices": ["pairwise", "pointwise"]})
    rows_per_step: int | None = key(None, WHOLE_BATCH)


@dataclass
class OnPolicyDistillArguments(StageArguments):
    """
    Values of on-policy distillation beside TRL's, such as its `teacher_model_name_or_path`.

    Args:
        rows_per_step (`int`, *optional*):
            Prompts, with one completion each, of one optimiser step over all devices; gradient accumulation follows.
        vllm_canary_rollouts (`int`, *optional*, defaults to `1`):
            With `use_vllm`: steps between two questions whether vLLM's weights still change; 0 for none.
    """

    rows_per_step: int | None = key(None, WHOLE_BATCH)
    vllm_canary_rollouts: int = key(1, RUN)


def count(recipe: Recipe, name: str, default: int, where: str) -> int:
    """The value of a key that counts something; raises `RecipeError` for what is no positive whole number."""
    value = recipe.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise RecipeError(f"{where}: `{name}: {value}`", "give a positive whole number, or leave it out")
    return value


def with_accumulation(recipe: Recipe, where: str, rows: int, sizes: str) -> Recipe:
    """
    A recipe with the gradient accumulation that makes one optimiser step see all of its rows.

    Args:
        recipe (`dict`):
            The resolved recipe.
        where (`str`):
            Its file, for error messages.
        rows (`int`):
            Rows, or completions, of one optimiser step over all devices.
        sizes (`str`):
            The keys that they follow from, with their values.

    Returns:
        `dict`: the recipe. Raises `RecipeError`, with the arithmetic, for sizes that do not divide.
    """
    world = int(os.environ.get("WORLD_SIZE", 1))
    per_device = count(recipe, "per_device_train_batch_size", 8, where)
    devices = f"{world} device(s) x per_device_train_batch_size {per_device}"
    if rows % (per_device * world):
        raise RecipeError(
            f"{where}: {sizes} per step, which {devices} = {per_device * world} does not divide",
            f"choose per_device_train_batch_size so that it divides {rows // world or 1}",
        )
    accumulation = rows // (per_device * world)
    if recipe.get("gradient_accumulation_steps", accumulation) != accumulation:
        raise RecipeError(
            f"{where}: gradient_accumulation_steps {recipe['gradient_accumulation_steps']} contradicts "
            f"{sizes.partition(' = ')[0]} / ({devices}) = {accumulation}",
            "leave gradient_accumulation_steps out: it follows from the others",
        )
    return recipe | {"gradient_accumulation_steps": accumulation}


def row_sizes(recipe: Recipe, where: str) -> Recipe:
    """Fills in the gradient accumulation of SFT and reward models, where the recipe states `rows_per_step`."""
    if recipe.get("rows_per_step") is None:
        return recipe
    rows = count(recipe, "rows_per_step", 1, where)
    return with_accumulation(recipe, where, rows, f"rows_per_step {rows}")


def grpo_sizes(recipe: Recipe, where: str) -> Recipe:
    """
    Fills in what follows from the group and step sizes, and checks the rest, before TRL sees them.

    TRL keeps no rollout buffer in its checkpoints, so a checkpoint in the middle of a rollout cannot continue as it
    would have: `save_steps` must be a multiple of the optimiser steps that one rollout feeds.
    """
    group = count(recipe, "num_generations", 8, where)
    prompts = count(recipe, "prompts_per_step", 32, where)
    step = prompts * group
    rollout = count(recipe, "generation_batch_size", step, where)
    if rollout % step:
        raise RecipeError(
            f"{where}: generation_batch_size {rollout} is no multiple of prompts_per_step {prompts} x "
            f"num_generations {group} = {step}",
            f"use {max(1, rollout // step) * step}",
        )
    window = rollout // step * count(recipe, "num_iterations", 1, where)
    if recipe.get("save_strategy", "steps") == "steps":
        save = count(recipe, "save_steps", 500, where)
        if save % window:
            raise RecipeError(
                f"{where}: save_steps {save} falls into a rollout, which lasts {window} optimiser steps",
                f"use a multiple of {window}",
            )
    sizes = f"prompts_per_step {prompts} x num_generations {group} = {step} completions"
    return with_accumulation(recipe, where, step, sizes) | {"generation_batch_size": rollout}
