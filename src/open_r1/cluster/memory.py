"""The memory of a training run, by arithmetic: what lies on one device at the moment when most does.

What is counted is what torch 2.13, transformers 5.23 and TRL 1.16 allocate, read from their code and checked against
measured runs (docs/hardware.md). What always lies there is the model state: weights, gradients, the optimizer's
moments (with AdamW and float32 16 bytes a parameter, half of that with bfloat16 weights), and whole other models: the
reference of GRPO, reward models, a teacher. What comes and goes is the larger of two phases:

- *training* one micro-batch: what each block keeps for the backward pass, and the head. TRL projects to the
  vocabulary in tiles, so the logits of a batch never lie there whole, except with `label_smoothing_factor`.
- *generation*, in stages that sample: the keys and values of all completions of a rollout, or the share that vLLM
  takes.

Sizes are in bytes; GB in what is printed is 2^30 bytes, as `nvidia-smi` counts.
"""

from .job import GB, SAMPLING, Job
from .shapes import Shape

TILE = (4096, 32768)  # tokens and words of TRL's projection tiles
# Copies of a tile that the backward pass holds: where Triton folds it into its place, and in plain torch on a CPU.
FOLDED, PLAIN = 1.0, 8.25
CONTEXT, COLLECTIVES = 0.8 * GB, 1.0 * GB  # CUDA itself, its libraries' workspaces; NCCL's buffers
RUNTIME = 0.47 * GB  # Python, torch and the trainer, on a CPU (benchmarks/plan_memory.py)
SLACK = 0.05  # of what comes and goes: pieces that the allocator keeps and that fit nothing


def state(job: Job) -> dict[str, float]:
    """What always lies on one device, by name, in bytes."""
    divided = 0.0 if job.offloaded else 1 / job.parts_of_state
    trained = job.trained * job.trained_bytes
    found = {
        "weights": (trained + job.frozen) * divided,
        "optimizer": job.trained * job.kept_bytes * divided,
        "reference model": job.parameters * job.bits / 8 * divided if job.reference else 0.0,
        "other models": sum(2.0 * shape.parameters for shape, _ in job.scorers),
    }
    if job.cpu:
        found["Python, torch"] = RUNTIME
    else:
        found["CUDA, NCCL"] = CONTEXT + (COLLECTIVES if job.devices > 1 else 0)
    if job.vllm and not job.sleeps:
        found["vLLM"] = job.vllm * job.device_memory
    return found


def gradients(job: Job) -> float:
    """Bytes of the gradients on one device; DDP sends them from buckets, which are a second copy."""
    copies = 2 if job.devices > 1 and not job.sharded else 1
    return 0.0 if job.offloaded else job.trained * job.trained_bytes * copies / job.parts_of_state


# ------------------------------------------------------------------------------------------------------- activations


def kept(job: Job) -> float:
    """Bytes that one block keeps of one token for the backward pass."""
    shape, size = job.shape, job.compute
    # each norm keeps its input in float32, the normalised values and its output, which autocast casts for each reader
    norms = {(4, 4): 24, (2, 2): 16, (4, 2): 26}[job.stream, size] * shape.hidden_size
    heads = shape.heads_width if not shape.latent else 0
    if shape.latent:
        queries = shape.num_attention_heads * (shape.qk_nope_head_dim + shape.qk_rope_head_dim)
        attention = size * (2 * queries + 2 * shape.num_attention_heads * shape.v_head_dim)
    else:
        attention = 4 * size * heads  # queries, keys and values of every head, and what comes out
    if shape.model_type == "qwen3":
        attention += (4 + size) * (heads + shape.keys_width)
    return norms + attention + 4 * size * widths(shape)  # gate, its activation, up, and their product


def widths(shape: Shape) -> int:
    """Features between the two halves of a block's MLP: of a mixture those of the experts that a token meets."""
    if not shape.n_routed_experts:
        return shape.intermediate_size
    return (shape.num_experts_per_tok + shape.n_shared_experts) * shape.moe_intermediate_size


def activations(job: Job) -> float:
    """Bytes of a micro-batch's activations when its backward pass begins."""
    tokens, hidden = job.rows * job.tokens, job.shape.hidden_size
    around = tokens * hidden * (8 + job.stream + 2 * job.compute)  # embedding, last norm, what the head reads
    blocks = job.shape.num_hidden_layers
    if not job.checkpointing:
        return around + tokens * blocks * kept(job)
    return around + tokens * (blocks * job.stream * hidden + kept(job))


def backward(job: Job) -> float:
    """Bytes of the gradients of activations within one block."""
    return job.rows * job.tokens * job.compute * (3 * widths(job.shape) + 2 * job.shape.hidden_size)


def head(job: Job) -> float:
    """Bytes of the projection to the vocabulary and its gradients."""
    shape, scored = job.shape, job.rows * job.scored
    if not scored:
        return 0.0
    learned = 0 if job.rank else shape.embedding * 4
    if job.whole_logits:  # themselves, their logarithms and the gradients of both
        return scored * shape.vocab_size * (2 * job.compute + 8.0) + learned
    tile = min(scored, TILE[0]) * TILE[1] * job.compute * FOLDED
    if job.cpu:
        tile = min(scored, TILE[0]) * min(shape.vocab_size, TILE[1]) * 4 * PLAIN
    return tile + learned + scored * shape.hidden_size * (4 + job.compute)


def gathered(job: Job) -> float:
    """Bytes of what is put together for use: two blocks of FSDP2 and what is outside them, autocast's copies."""
    block, outside = job.shape.block() / job.shape.num_hidden_layers, job.parameters - job.shape.block()
    if job.sharded:
        reduced = 0 if job.rank else 6 * block
        return 2 * 2 * block + 2 * outside + reduced
    copied = job.autocast and job.stream == 4
    return 2.0 * (block if job.checkpointing else job.shape.block()) if copied else 0.0


def training(job: Job) -> dict[str, float]:
    """What the training phase adds at its largest: as the backward pass begins, or when all gradients are there."""
    grads, working, projection = gradients(job), backward(job), head(job)
    begin = {  # the backward pass of the head comes first, and that of the last block after it
        "gradients": grads if job.accumulation > 1 else 0.0,
        "activations": activations(job) + max(working - projection, 0.0),
        "logits": projection,
        "gathered": gathered(job),
    }
    end = {"gradients": grads, "activations": working, "logits": 0.0, "gathered": gathered(job)}
    return max(begin, end, key=lambda parts: sum(parts.values()))


# -------------------------------------------------------------------------------------------------------- generation


def cache(job: Job, size: int) -> float:
    """Bytes of the keys and values of one row; transformers keeps latent attention's whole keys, vLLM the latents."""
    width = job.shape.cached_width
    if job.shape.latent and not job.vllm:
        per_head = job.shape.qk_nope_head_dim + job.shape.qk_rope_head_dim + job.shape.v_head_dim
        width = job.shape.num_attention_heads * per_head
    return float(size * job.tokens * job.shape.num_hidden_layers * width)


def generation(job: Job) -> dict[str, float]:
    """What the generation phase adds."""
    if job.vllm:
        return {"vLLM": job.vllm * job.device_memory if job.sleeps else 0.0}
    if not job.drawn:
        return {}
    size = job.bits // 8 if job.bits >= 16 else 2
    layer = 1 / job.shape.num_hidden_layers  # a cache grows by a copy of one layer
    prompt = job.drawn * job.prompt * size * (3 * widths(job.shape) + 4 * job.shape.hidden_size)
    words = job.drawn * job.shape.vocab_size * (size + 12.0)  # last logits, scaled, sorted or not, and probabilities
    return {
        "keys and values": job.drawn * cache(job, size) * (1 + layer),
        "sampling": max(prompt, words),
        "gathered": gathered(job) if job.sharded else 0.0,
    }


def scoring(job: Job) -> dict[str, float]:
    """What reward models, or a teacher, add while they read."""
    needs = [2.0 * tokens * (4 * shape.hidden_size + 3 * widths(shape)) for shape, tokens in job.scorers]
    return {"their reading": max(needs, default=0.0)}


def phases(job: Job) -> dict[str, dict[str, float]]:
    """The bytes of one device, part by part, in each phase; a part of what comes and goes counts with its slack."""
    fixed = state(job)
    moving = {"training": training(job)}
    if job.stage in SAMPLING:
        moving["generation"] = generation(job)
    if job.scorers:
        moving["scoring"] = scoring(job)
    return {
        name: {**fixed, **{part: size * (1 + SLACK) for part, size in parts.items() if part != "vLLM"}}
        | ({"vLLM": parts["vLLM"]} if parts.get("vLLM") else {})
        for name, parts in moving.items()
    }


def peak(job: Job) -> tuple[str, dict[str, float]]:
    """The phase that needs most, and its parts that are not nothing."""
    found = phases(job)
    name = max(found, key=lambda phase: sum(found[phase].values()))
    return name, {part: size for part, size in found[name].items() if size >= 1}


def total(job: Job) -> float:
    """Bytes of one device at the peak."""
    return sum(peak(job)[1].values())


def room_in_vllm(job: Job) -> float:
    """Bytes that vLLM's share leaves beside its weights and one row of keys and values; negative: it cannot start."""
    weights = 2.0 * job.shape.parameters / job.tensor_parallel
    return job.vllm * job.device_memory - weights - cache(job, 2) / job.tensor_parallel - GB


def fits(job: Job) -> bool:
    """Whether a device holds it."""
    return total(job) <= job.device_memory and (not job.vllm or room_in_vllm(job) >= 0)


def on_disk(job: Job, kept_checkpoints: int, only_model: bool) -> float:
    """Bytes of the finished model and of the checkpoints that lie beside it while the run lasts."""
    whole = job.parameters * (min(job.bits, 32) / 8 if job.bits >= 16 else 2)
    adapter = job.trained * job.trained_bytes
    weights = adapter if job.rank else whole
    return whole + kept_checkpoints * (weights + (0 if only_model else job.trained * job.kept_bytes))
