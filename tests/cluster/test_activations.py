"""What the plan says that a block keeps for the backward pass is what autograd saves, tensor by tensor."""

import contextlib

import pytest

from open_r1.cluster.job import Job
from open_r1.cluster.memory import gathered, kept
from open_r1.cluster.shapes import Shape

ROWS, TOKENS = 2, 64
PRECISIONS = {"float32": (32, False), "bfloat16": (16, True), "autocast": (32, True)}


def job_of(kind: str, layers: int, precision: str, checkpointing: bool) -> Job:
    bits, autocast = PRECISIONS[precision]
    shape = Shape(kind, 64, 160, layers, 4, 300, 2, 16, True)
    return Job(shape, "sft", ROWS, TOKENS, bits=bits, autocast=autocast, checkpointing=checkpointing)


def saved(job: Job) -> int:
    """Bytes that autograd keeps after a forward pass, parameters left out."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    shape = job.shape
    sizes = {name: getattr(shape, name) for name in ("hidden_size", "intermediate_size", "num_hidden_layers")}
    config = AutoConfig.for_model(
        shape.model_type, num_attention_heads=4, num_key_value_heads=2, head_dim=16, vocab_size=300, **sizes
    )
    model = AutoModelForCausalLM.from_config(config, dtype=torch.bfloat16 if job.bits == 16 else torch.float32)
    if job.checkpointing:
        model.activation_checkpointing_enable()
    model.train()
    own, found = {weight.untyped_storage().data_ptr() for weight in model.parameters()}, {}

    def keep(tensor):
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            found[storage.data_ptr()] = (storage.nbytes(), tensor)  # the tensor too, so that its place is not reused
        return tensor

    ids = torch.randint(0, 300, (ROWS, TOKENS))
    mask = torch.ones_like(ids)
    mask[0, :5] = 0  # padding, so that the mask is not left out
    precision = torch.autocast("cpu", torch.bfloat16) if job.autocast and job.bits == 32 else contextlib.nullcontext()
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor), precision:
        model.base_model(input_ids=ids, attention_mask=mask, use_cache=False)
    return sum(size for size, _ in found.values())


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("kind", ["llama", "qwen2", "qwen3"])
def test_a_block_keeps_what_is_planned(kind, precision):
    jobs = [job_of(kind, layers, precision, False) for layers in (2, 4)]
    block = (saved(jobs[1]) - saved(jobs[0])) / 2
    copies = (gathered(jobs[1]) - gathered(jobs[0])) / 2  # those that autocast makes of the weights
    assert ROWS * TOKENS * kept(jobs[0]) + copies == pytest.approx(block, rel=0.06)


@pytest.mark.parametrize("precision", PRECISIONS)
def test_a_checkpointed_block_keeps_its_input(precision):
    jobs = [job_of("llama", layers, precision, True) for layers in (2, 4)]
    assert (saved(jobs[1]) - saved(jobs[0])) / 2 == ROWS * TOKENS * jobs[0].stream * 64
