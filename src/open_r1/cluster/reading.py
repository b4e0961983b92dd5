"""From a recipe and a layout of devices to a `Job`: nothing is loaded but a model's configuration.

The model of a stage may not be there yet: a recipe beside it says what it will be made from (`output_dir`), and where
none does, its directory's name says which model it began as, because folders are models (`data/Qwen2.5-7B/zero`).
"""

import contextlib
import functools
import json
import os
import re
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from ..core.errors import ArtifactError, RecipeError
from ..core.fields import fill
from ..core.hub import looks_local, split_id
from ..core.inputs import adapter_base, is_offline
from ..core.recipes import Recipe, load_recipe
from .job import SAMPLING, Job
from .layout import Layout
from .shapes import Shape, shape_of, table

BITS = {"float32": 32, "bfloat16": 16, "float16": 16, "auto": 16}
OPTIMIZERS = {"8bit": "8bit", "adafactor": "none", "sgd": "none", "muon": "muon"}  # by part of their names; else AdamW
PROMPT = 512  # tokens at most, where nobody says: as many as a completion may have
ROW = 1024  # tokens of a row without `max_length`, as TRL's own default
BATCH = 32768  # tokens that a reward model reads at once, see `PreferenceReward`


@dataclass
class Values:
    """The keys of a recipe that decide memory and time, with TRL's defaults."""

    model_name_or_path: str | None = None
    model_config: dict | None = None
    tokenizer: Any = None
    root: str = ""
    output_dir: str = ""
    dtype: str | None = "float32"
    bf16: bool | None = None
    fp16: bool = False
    use_cpu: bool = False
    activation_checkpointing: bool | None = None
    gradient_checkpointing: bool = True
    per_device_train_batch_size: int = 8
    gradient_accumulation_steps: int = 1
    rows_per_step: int | None = None
    max_length: int | None = 1024
    max_steps: int = -1
    num_train_epochs: float = 3.0
    label_smoothing_factor: float = 0.0
    optim: str = "adamw_torch_fused"
    optimizer: str | None = None
    use_peft: bool = False
    lora_r: int = 16
    load_in_4bit: bool = False
    load_in_8bit: bool = False
    save_total_limit: int | None = None
    save_only_model: bool = False
    save_steps: float = 500
    objective: str | None = None
    teacher_model_name_or_path: str | None = None
    rewards: dict = field(default_factory=dict)
    beta: float = 0.0
    num_generations: int = 8
    num_iterations: int = 1
    prompts_per_step: int = 32
    generation_batch_size: int | None = None
    max_completion_length: int = 512
    use_vllm: bool = False
    vllm_mode: str = "colocate"
    vllm_gpu_memory_utilization: float = 0.3
    vllm_tensor_parallel_size: int = 1
    vllm_enable_sleep_mode: bool = False

    @property
    def stage(self) -> str:
        """The command that the recipe is for."""
        if self.rewards:
            return "grpo"
        return "on-policy-distill" if self.teacher_model_name_or_path else "reward-model" if self.objective else "sft"

    @property
    def step(self) -> int | None:
        """Rows of an optimiser step on all devices, where the recipe states them."""
        return self.prompts_per_step * self.num_generations if self.stage == "grpo" else self.rows_per_step

    @property
    def checkpoints(self) -> bool:
        """Whether blocks are computed again; TRL's own default says yes."""
        chosen = self.activation_checkpointing
        return self.gradient_checkpointing if chosen is None else chosen


def trains(recipe: Recipe) -> bool:
    """Whether a recipe trains a model."""
    return bool(recipe.get("model_name_or_path") or recipe.get("model_config"))


def read_values(recipe: Recipe, where: str) -> Values:
    """A recipe's values; raises `RecipeError` for one that trains nothing."""
    if not trains(recipe):
        raise RecipeError(
            f"{where} trains no model: it has neither `model_name_or_path` nor `model_config`",
            "plan a recipe of `sft`, `grpo`, `on-policy-distill` or `reward-model`",
        )
    known = {one.name for one in fields(Values)}
    return fill(Values, {key: value for key, value in recipe.items() if key in known}, where)


def read_overlaid(file: str, overrides: Recipe) -> tuple[Recipe, list[str]]:
    """A training recipe under the overlays that its overrides name (`with`), and the files that it was read from."""
    keys = {key: value for key, value in overrides.items() if key != "with"}
    overlays, recipe = overrides.get("with", []), load_recipe(file, keys)
    if overlays:
        command = read_values(recipe, file).stage
        recipe = load_recipe(file, keys, overlays=overlays, command=command)
    return recipe, [file, *overlays]


def make_job(recipe: Recipe, where: str, layout: Layout, prompt: int | None = None) -> Job:
    """
    What memory and time of a recipe depend on.

    Args:
        recipe (`dict`):
            The resolved recipe.
        where (`str`):
            Its file, for error messages and for the recipes beside it.
        layout (`Layout`):
            The devices.
        prompt (`int`, *optional*):
            Tokens of a prompt, which no recipe states; by default those of a completion, at most 512.

    Returns:
        `Job`. Raises `RecipeError` for a recipe that trains nothing, sizes that do not divide, an unknown model.
    """
    values = read_values(recipe, where)
    grpo, samples = values.stage == "grpo", values.stage in SAMPLING
    prompt = (min(PROMPT, values.max_completion_length) if prompt is None else prompt) if samples else 0
    rows, accumulation = values.per_device_train_batch_size, accumulation_of(values, where, layout.devices)
    drawn = (values.generation_batch_size if grpo else None) or rows * accumulation * layout.devices
    tokens = prompt + values.max_completion_length if samples else values.max_length or ROW
    quantized = 4 if values.load_in_4bit else 8 if values.load_in_8bit else 0
    colocated = samples and values.use_vllm and values.vllm_mode == "colocate"
    return Job(
        shape=find_shape(values, where),
        stage=values.stage,
        rows=rows * (2 if values.objective == "pairwise" else 1),
        tokens=tokens,
        prompt=prompt,
        bits=quantized or bits_of(values.dtype, where),
        autocast=values.fp16 or values.bf16 is None or values.bf16,
        rank=values.lora_r if values.use_peft else 0,
        optimizer=next(
            (kept for part, kept in OPTIMIZERS.items() if part in (values.optimizer or values.optim)), "adamw"
        ),
        accumulation=accumulation,
        checkpointing=values.checkpoints,
        whole_logits=values.label_smoothing_factor > 0 and values.stage == "sft",
        reference=grpo and values.beta > 0 and not values.use_peft,
        scorers=tuple(scorers(values, where, rows * tokens)) if samples else (),
        drawn=-(-drawn // layout.devices) if samples and not values.use_vllm else 0,
        vllm=values.vllm_gpu_memory_utilization if colocated else 0.0,
        sleeps=values.vllm_enable_sleep_mode,
        tensor_parallel=values.vllm_tensor_parallel_size,
        devices=layout.devices,
        sharded=layout.sharded,
        offloaded=layout.offloaded,
        cpu=values.use_cpu,
        device_memory=layout.device_memory,
    )


def accumulation_of(values: Values, where: str, devices: int) -> int:
    """Micro-batches of an optimiser step; raises `RecipeError` where its rows do not divide."""
    rows = values.step
    at_once = values.per_device_train_batch_size * devices
    if rows is None:
        return values.gradient_accumulation_steps
    if rows % at_once:
        raise RecipeError(
            f"{where}: {rows} rows per step, which {devices} device(s) x per_device_train_batch_size "
            f"{values.per_device_train_batch_size} = {at_once} does not divide",
            f"choose --gpus and per_device_train_batch_size so that they divide {rows}",
        )
    return rows // at_once


def bits_of(dtype: str | None, where: str) -> int:
    """Of one weight."""
    if (dtype or "float32") not in BITS:
        raise RecipeError(f"{where}: `dtype: {dtype}` is unknown", f"use one of {', '.join(BITS)}")
    return BITS[dtype or "float32"]


def scorers(values: Values, where: str, batch: int) -> list[tuple[Shape, int]]:
    """The reward models, or the teacher, that every device holds, and the tokens that each reads at once."""
    if teacher := values.teacher_model_name_or_path:
        return [(named_shape(teacher, where, values.root), batch)]
    held = [one for one in values.rewards.values() if one and one.get("model") and not one.get("url")]
    return [(named_shape(one["model"], where, values.root), one.get("batch_tokens", BATCH)) for one in held]


# ------------------------------------------------------------------------------------------------------------ models


def find_shape(values: Values, where: str) -> Shape:
    """The shape of the model that a recipe trains."""
    if not values.model_config:
        return named_shape(str(values.model_name_or_path), where, values.root)
    words = values.tokenizer.get("vocab_size") if isinstance(values.tokenizer, dict) else None
    return shape_of({"vocab_size": words, **values.model_config}, where)


@functools.cache
def named_shape(name: str, where: str, root: str) -> Shape:
    """The shape of a model on this disk, in the table, made by a recipe beside `where`, or on the Hub."""
    config = Path(name).expanduser() / "config.json"
    if base := adapter_base(name):
        return named_shape(base[0], where, root)
    if config.is_file():
        return shape_of(json.loads(config.read_text(encoding="utf-8")), str(config))
    if split_id(name)[0] in table():
        return table()[split_id(name)[0]]
    return made_shape(name, where, root) if looks_local(name) else hub_shape(name)


def made_shape(name: str, where: str, root: str) -> Shape:
    """The shape of a model that is not made yet: that of what a recipe beside `where` makes it from."""
    for file in sorted(Path(where).parent.glob("*.yaml")) if Path(where).is_file() else []:
        with contextlib.suppress(RecipeError):  # of a file there that is no recipe
            recipe = load_recipe(file, {"root": root} if root else {})
            begun = recipe.get("model_name_or_path") or recipe.get("model_config")
            output = Path(recipe.get("output_dir") or "")
            if begun and output in (Path(name), Path(name).parent) and begun != name:
                return find_shape(read_values(recipe, str(file)), str(file))
    short = {key.rpartition("/")[2]: shape for key, shape in table().items()}
    for part in reversed(Path(name).parts):
        if part in short:
            return short[part]
    raise ArtifactError(
        f"{where}: {name} does not exist, and no recipe beside makes it",
        "run the stage that makes it, or add --model_name_or_path of a model of the same shape",
    )


@functools.cache
def hub_shape(name: str) -> Shape:
    """The shape of a model on the Hub."""
    message = f"{name} is none of the models that a plan knows, and"
    hint = f"give a directory with its config.json, or one of {', '.join(list(table())[:4])}, ..."
    if is_offline(os.environ):
        raise ArtifactError(f"{message} the Hub is switched off (HF_HUB_OFFLINE)", hint)
    from transformers import AutoConfig

    base, revision = split_id(name)
    try:
        return shape_of(AutoConfig.from_pretrained(base, revision=revision).to_dict(), name)
    except (OSError, ValueError) as error:
        reason = re.split(r"(?<=[.!])\s", " ".join(str(error).split()))[0]
        raise ArtifactError(f"{message} the Hub did not give it: {reason}", hint) from None
