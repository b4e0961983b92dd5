"""What to change in a recipe that does not fit, found by trying.

Some changes cost only time: blocks computed again, smaller micro-batches of the same global batch. They are tried by
themselves, and beside each of the others, which cost more: other devices, an adapter, shorter texts.
"""

from collections.abc import Iterator
from typing import NamedTuple

from ..core.errors import RecipeError
from ..core.recipes import Recipe
from .job import SAMPLING, Job
from .layout import Layout
from .memory import fits, total
from .reading import make_job, read_values

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
    again = setting("activation_checkpointing", True)
    sizes = halves(values.per_device_train_batch_size, 1)
    smaller = [(setting("per_device_train_batch_size", size),) for size in sizes]
    if values.checkpoints:
        return [(), *smaller]
    return [(), (again,), *smaller, *((again, *one) for one in smaller)]


def setting(key: str, value: object) -> Change:
    """The change of a single key."""
    return Change(f"{key}: {str(value).lower() if isinstance(value, bool) else value}", {key: value})


def others(recipe: Recipe, where: str, job: Job) -> list[list[Changes]]:
    """Changes that cost more, by kind; of one kind the mildest first: the first that fits is the one to tell."""
    values = read_values(recipe, where)
    samples, step = values.stage in SAMPLING, values.step
    lora = () if job.rank else (Change("LoRA (use_peft: true, lora_r: 32)", LORA),)
    quantized = Change("load_in_4bit: true", {"load_in_4bit": True})
    powers = [2**n for n in range(1, MOST_GPUS.bit_length())]
    wider = [n for n in powers if n > job.devices or (n == job.devices and not job.sharded)]
    spread = [Change(f"FSDP2 on {n} GPUs (--gpus {n})", {}, n) for n in wider]
    key = "max_completion_length" if samples else "max_length"
    length = values.max_completion_length if samples else values.max_length or job.tokens
    kinds: list[list[Changes]] = []
    if job.vllm:
        kinds.append([(setting("vllm_enable_sleep_mode", True),)])
        kinds.append([(setting("vllm_gpu_memory_utilization", share / 10),) for share in range(1, 10)])
    elif job.drawn:
        kinds.append([(setting("generation_batch_size", step),)] if values.generation_batch_size else [])
        kinds.append([(setting("use_vllm", True),)])
        kinds.append([(*lora, setting("use_vllm", True))] if lora else [])
    kinds.append([(setting("dtype", "bfloat16"),)] if job.bits == 32 else [])
    kinds.append([(setting(key, size),) for size in halves(length, length // 4)])
    kinds.append([(change,) for change in spread])
    kinds.append([lora] if lora else [])
    kinds.append([(*lora, quantized)] if job.bits >= 16 else [])
    kinds.append([(*lora, change) for change in spread] if lora else [])
    return kinds


def after(changes: Changes, recipe: Recipe, where: str, layout: Layout) -> tuple[Recipe, Layout]:
    """
    A recipe and its devices after some changes; an optimiser step keeps its rows (in GRPO it does so by itself).
    Raises `RecipeError` where they do not divide, or the changes do not go together.
    """
    changed = recipe | {key: value for change in changes for key, value in change.keys.items()}
    if changed.get("load_in_4bit") and changed.get("use_vllm"):
        raise RecipeError("vLLM reads no weights of 4 bits that are being trained")
    devices = max(change.devices for change in changes) if changes else 0
    wider = layout._replace(devices=devices, sharded=True) if devices else layout
    before, now = read_values(recipe, where), read_values(changed, where)
    if now.stage != "grpo" and not now.rows_per_step:
        step = before.per_device_train_batch_size * before.gradient_accumulation_steps * layout.devices
        at_once = now.per_device_train_batch_size * wider.devices
        if step % at_once:
            raise RecipeError(f"{step} rows per step on {wider.devices} devices")
        changed["gradient_accumulation_steps"] = step // at_once
    return changed, wider


def told(changes: Changes, recipe: Recipe, changed: Recipe) -> str:
    """Changes as a user would write them."""
    words = [change.text for change in changes]
    key = "gradient_accumulation_steps"
    if changed.get(key, 1) != recipe.get(key, 1):
        words.append(f"{key}: {changed[key]}")
    return ", ".join(words)


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
    nothing: list[Changes] = [()]
    for kind in [nothing, *others(recipe, where, make_job(recipe, where, layout, prompt))]:
        fitting = first_fit(kind, cheap, recipe, where, layout, prompt)
        if fitting:
            changes, text, size = fitting
            found.append((text, size))
            if kind is nothing:  # it is enough: the others are told only with less than that beside them
                cheap = cheap[: cheap.index(changes)]
    return found


def first_fit(
    kind: list[Changes], cheap: list[Changes], recipe: Recipe, where: str, layout: Layout, prompt: int | None
) -> tuple[Changes, str, float] | None:
    """The mildest of a kind after which a recipe fits, with what costs only time, and the bytes it then holds."""
    for changes in kind:
        for beside in cheap:
            both = (*beside, *changes)
            try:
                changed, wider = after(both, recipe, where, layout)
                job = make_job(changed, where, wider, prompt)
            except RecipeError:  # it is no recipe
                continue
            if fits(job):
                return both, told(both, recipe, changed), total(job)
    return None
