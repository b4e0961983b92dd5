"""What to change in a recipe that does not fit, found by trying.

Some changes cost only time: blocks computed again, smaller micro-batches of the same global batch. They are tried by
themselves, and beside each of the others, which cost more: other devices, an adapter, shorter texts.
"""

from collections.abc import Iterator
from typing import NamedTuple

from ..core.errors import RecipeError
from ..core.recipes import Recipe
from .job import Job
from .memory import fits, total
from .reading import Layout, make_job, read_values

MOST_GPUS = 1024
LORA = {"use_peft": True, "lora_r": 32}

Changes = tuple["Change", ...]


class Change(NamedTuple):
    """
    A change of a recipe or of its devices.

    Attributes:
        text (`str`): What a user would write.
        keys (`dict`): The keys that it sets.
        devices (`int`): GPUs of FSDP2; 0 leaves the devices as they are.
    """

    text: str
    keys: Recipe
    devices: int = 0


def halves(start: int, least: int) -> Iterator[int]:
    """Half of a number, a quarter, and so on."""
    while (start := start // 2) >= least:
        yield start


def mild(recipe: Recipe, where: str) -> list[Changes]:
    """Changes that cost only time, the cheapest first."""
    values = read_values(recipe, where)
    again = () if values.checkpoints else (Change("activation_checkpointing: true", {"activation_checkpointing": True}),)
    rows, accumulation = values.per_device_train_batch_size, values.gradient_accumulation_steps
    smaller = [batch(size, rows * accumulation // size, values.stage == "grpo") for size in halves(rows, 1)]
    tried = [(), again, *((one,) for one in smaller), *((*again, one) for one in smaller)]
    return list(dict.fromkeys(tried))


def batch(size: int, accumulation: int, grpo: bool) -> Change:
    """Smaller micro-batches; in GRPO their number follows."""
    change = setting("per_device_train_batch_size", size)
    if grpo:
        return change
    keys = {**change.keys, "gradient_accumulation_steps": accumulation}
    return Change(f"{change.text}, gradient_accumulation_steps: {accumulation}", keys)


def setting(key: str, value: object) -> Change:
    """The change of a single key."""
    return Change(f"{key}: {str(value).lower() if isinstance(value, bool) else value}", {key: value})


def others(recipe: Recipe, where: str, job: Job) -> list[list[Changes]]:
    """Changes that cost more, by kind; of one kind the mildest first, so that the first that fits is the one to tell."""
    values = read_values(recipe, where)
    grpo, step = values.stage == "grpo", values.prompts_per_step * values.num_generations
    lora = () if job.rank else (Change("LoRA (use_peft: true, lora_r: 32)", LORA),)
    quantized = Change("load_in_4bit: true", {"load_in_4bit": True})
    powers = [2**n for n in range(1, MOST_GPUS.bit_length())]
    wider = [n for n in powers if n > job.devices or (n == job.devices and not job.sharded)]
    spread = [Change(f"FSDP2 on {n} GPUs (--gpus {n})", {}, n) for n in wider]
    key = "max_completion_length" if grpo else "max_length"
    length = values.max_completion_length if grpo else values.max_length or job.tokens
    kinds: list[list[Changes]] = []
    if job.vllm:
        kinds.append([(setting("vllm_enable_sleep_mode", True),)])
        kinds.append([(setting("vllm_gpu_memory_utilization", share / 10),) for share in range(1, 10)])
    elif job.drawn:
        kinds.append([(setting("generation_batch_size", step),)] if values.generation_batch_size else [])
        kinds.append([(setting("use_vllm", True),)])
    kinds.append([(setting("dtype", "bfloat16"),)] if job.bits == 32 else [])
    kinds.append([(setting(key, size),) for size in halves(length, length // 4)])
    kinds.append([(change,) for change in spread])
    kinds.append([lora] if lora else [])
    kinds.append([(*lora, quantized)] if job.bits >= 16 else [])
    kinds.append([(*lora, change) for change in spread] if lora else [])
    return kinds


def halves(start: int, least: int) -> Iterator[int]:
    """Half of a number, a quarter, and so on."""
    while (start := start // 2) >= max(least, 1):
        yield start


def after(changes: Changes, recipe: Recipe, where: str, layout: Layout, prompt: int | None) -> Job | None:
    """The run with some changes; `None` where they do not go together."""
    keys = recipe | {key: value for change in changes for key, value in change.keys.items()}
    for change in changes:
        if change.devices:
            layout = layout._replace(devices=change.devices, sharded=True)
    if keys.get("load_in_4bit") and keys.get("use_vllm"):
        return None
    try:
        return make_job(keys, where, layout, prompt)
    except RecipeError:  # sizes that do not divide
        return None


def nearest(recipe: Recipe, where: str, layout: Layout, prompt: int | None) -> list[tuple[str, float]]:
    """
    Changes after which a recipe fits, found by trying.

    Args:
        recipe (`dict`):
            The resolved recipe.
        where (`str`):
            Its file.
        layout (`Layout`):
            The devices.
        prompt (`int`, *optional*):
            Tokens of a prompt.

    Returns:
        `list[tuple[str, float]]`: what to write, and the bytes that a device then holds; the mildest first.
    """
    cheap, found = mild(recipe, where), []
    for kind in [[()], *others(recipe, where, make_job(recipe, where, layout, prompt))]:
        fitting = first_fit(kind, cheap, recipe, where, layout, prompt)
        if fitting:
            changes, size = fitting
            found.append((", ".join(change.text for change in changes), size))
            if kind == [()]:  # it is enough: the others are told only with less than that beside them
                cheap = cheap[: cheap.index(changes)]
    return found


def first_fit(
    kind: list[Changes], cheap: list[Changes], recipe: Recipe, where: str, layout: Layout, prompt: int | None
) -> tuple[Changes, float] | None:
    """The mildest change of a kind after which a recipe fits, with what costs only time, and the bytes it then holds."""
    for changes in kind:
        for beside in cheap:
            job = after((*beside, *changes), recipe, where, layout, prompt)
            if job and fits(job):
                return (*beside, *changes), total(job)
    return None
