"""How long a run takes, roughly: what must be multiplied and read, over what a GPU multiplies and reads in a second.

- Training a token costs 6 operations a parameter (2 forward, 4 backward), 8 where blocks are computed again, 2 less
  where the weights are frozen (LoRA), and attention on top; a forward pass of a reference model or of the old policy
  costs 2. GPUs reach `UTILIZATION` of their bfloat16 peak.
- Generating a token reads all weights, and the cache of every row, once for all rows: `BANDWIDTH_USED` of what the
  memory delivers. transformers adds the time in which it launches its kernels, `LAUNCH` seconds a block.

Both shares are assumptions, not measured by us; data loading, rewards and saving are left out.
"""

from typing import Any, NamedTuple

from ..core.inputs import read_manifest
from ..core.recipes import Recipe
from .job import GB, SAMPLING, Job
from .memory import cache
from .reading import Values

UTILIZATION, BANDWIDTH_USED, LAUNCH = 0.4, 0.5, 0.7e-3


class Card(NamedTuple):
    """
    A kind of GPU.

    Attributes:
        name (`str`): Its name.
        memory (`int`): GB.
        operations (`float`): bfloat16 operations a second, dense, by its data sheet.
        bandwidth (`float`): Bytes a second of its memory.
    """

    name: str
    memory: int
    operations: float
    bandwidth: float


CARDS = (
    Card("RTX 4090", 24, 165e12, 1.01e12),
    Card("L40S", 48, 362e12, 0.86e12),
    Card("H100", 80, 989e12, 3.35e12),
    Card("H200", 141, 989e12, 4.8e12),
    Card("B200", 180, 2250e12, 8.0e12),
)


class Length(NamedTuple):
    """
    How long a run is.

    Attributes:
        steps (`int`): Optimiser steps.
        rows (`int`): Rows of one, on all devices; in GRPO completions.
        tokens (`float`): At most so many in all, prompts included.
    """

    steps: int
    rows: int
    tokens: float


def card_of(job: Job) -> Card:
    """The kind of GPU that has such a memory."""
    return next((card for card in CARDS if job.device_memory <= card.memory * GB), CARDS[-1])


def rows_of(sources: Any) -> int | None:
    """Rows of a recipe's data, by their `limit` or by the manifest of an artifact; `None` where one says neither."""
    counts = [source.get("limit") or (read_manifest(source["path"]) or {}).get("rows") for source in sources or []]
    known = [count for count in counts if isinstance(count, int)]
    return sum(known) if known and len(known) == len(counts) else None


def length_of(recipe: Recipe, values: Values, job: Job, rows: int | None = None) -> Length | None:
    """
    How long a run is.

    Args:
        recipe (`dict`):
            The resolved recipe.
        values (`Values`):
            What was read from it.
        job (`Job`):
            What was made from it.
        rows (`int`, *optional*):
            Rows of its data; by default what the data say of themselves.

    Returns:
        `Length` or `None`: `None` without `max_steps` where nobody knows the rows.
    """
    grpo = values.stage == "grpo"
    batch = values.per_device_train_batch_size * job.accumulation * job.devices
    steps, known = values.max_steps, rows or rows_of(recipe.get("datasets"))
    if steps <= 0 and known:
        steps = int(values.num_train_epochs * known / (values.prompts_per_step if grpo else batch))
    texts = job.rows // values.per_device_train_batch_size  # a pair has two
    return Length(steps, batch, float(steps) * batch * texts * job.tokens) if steps > 0 else None


def operations(job: Job) -> float:
    """Operations of one trained token."""
    forward = 2 * job.shape.active + 2 * job.tokens * job.shape.heads_width * job.shape.num_hidden_layers
    passes = (2 if job.rank else 3) + (1 if job.checkpointing else 0)
    read = (1 if job.reference or (job.rank and job.stage == "grpo") else 0) + (1 if job.vllm else 0)
    taught = sum(2 * shape.active for shape, _ in job.scorers) if job.stage != "grpo" else 0  # a teacher reads all
    return forward * (passes + read) + taught


def hours(job: Job, length: Length, values: Values) -> float:
    """Hours of a whole run, roughly."""
    card = card_of(job)
    trained = length.tokens * operations(job) / (card.operations * UTILIZATION * job.devices)
    if job.stage not in SAMPLING:
        return trained / 3600
    rollout = values.generation_batch_size or length.rows
    rollouts = length.steps * length.rows / rollout / values.num_iterations
    rows = rollout / job.devices
    weights = 2.0 * min(job.shape.parameters, rows * job.shape.active)  # many rows meet all experts
    reading = (weights + rows * cache(job, 2) / 2) / (card.bandwidth * BANDWIDTH_USED)
    launching = 0.0 if values.use_vllm else LAUNCH * job.shape.num_hidden_layers
    multiplying = rows * 2 * job.shape.active / (card.operations * UTILIZATION)
    drawn = rollouts * (job.tokens - job.prompt) * max(reading, launching, multiplying)
    return (trained + drawn) / 3600
