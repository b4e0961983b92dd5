"""Planned memory against what others have published, and how it answers to each key.

Sources: "Qwen" is the table "Profiling of Memory and Speed" in the README of github.com/QwenLM/Qwen (one A100 80 GB,
batch 1, accumulation 8, LoRA of rank 64, checkpointed, whole logits; 72B: ZeRO-3 on four, per GPU a quarter of the sum
stated); "PEFT" is docs/source/accelerate/fsdp.md of github.com/huggingface/peft (Llama-2-70B, LoRA of rank 8 on
float32 weights, FSDP on 8 x H100: 72 to 80 GB); "TRL" is github.com/huggingface/trl/issues/3456 (GRPO, batch 4,
prompts of 2048, completions of 1024, a TRL that held the logits whole; not stated there and assumed: float32 weights,
bfloat16 autocast, no checkpointing); "open-r1" is recipes/OpenR1-Distill-7B of
github.com/huggingface/open-r1 (8 x H100 80 GB, ZeRO-3).
"""

from dataclasses import replace

import pytest

from open_r1.cluster.job import GB, Job
from open_r1.cluster.memory import cache, fits, head, on_disk, peak, room_in_vllm, total
from open_r1.cluster.shapes import Shape, table


def shape(kind, hidden, width, layers, heads, keys, words, head_dim=0, tied=False):
    return Shape(kind, hidden, width, layers, heads, words, keys, head_dim, tied)


QWEN_7B = shape("llama", 4096, 11008, 32, 32, 32, 151936)
QWEN_14B = shape("llama", 5120, 13696, 40, 40, 40, 152064)
QWEN_72B = shape("llama", 8192, 24576, 80, 64, 64, 152064)
LLAMA_2_70B = shape("llama", 8192, 28672, 80, 64, 8, 32000)
QWEN3_600M = shape("qwen3", 1024, 3072, 28, 16, 8, 151936, 128, True)
QWEN3_1700M = shape("qwen3", 2048, 6144, 28, 16, 8, 151936, 128, True)
LENGTHS = (256, 512, 1024, 2048, 4096, 8192)
LORA = {"bits": 16, "rank": 64, "autocast": True, "checkpointing": True, "accumulation": 8, "whole_logits": True}
ZERO_3 = {"devices": 4, "sharded": True}
MEASURED = {
    "Qwen 7B": (QWEN_7B, {}, (20.1, 20.4, 21.5, 23.8, 29.7, 36.6)),
    "Qwen 14B": (QWEN_14B, {}, (34.6, 35.1, 35.3, 37.4, 42.5, 55.2)),
    "Qwen 72B": (QWEN_72B, ZERO_3, (53.9, 54.4, 55.7, 57.2, 62.3, 72.3)),
}
GRPO = {"bits": 32, "autocast": True, "whole_logits": True, "prompt": 2048, "drawn": 4}


@pytest.mark.parametrize("name", MEASURED)
@pytest.mark.parametrize("place", range(len(LENGTHS)), ids=[str(length) for length in LENGTHS])
def test_lora_needs_what_qwen_has_measured(name, place):
    model, layout, published = MEASURED[name]
    job = Job(model, "sft", rows=1, tokens=LENGTHS[place], **LORA, **layout)
    assert total(job) / GB == pytest.approx(published[place], rel=0.15)


def test_lora_of_70b_on_eight_gpus_needs_what_peft_has_measured():
    settings = {**LORA, "bits": 32, "rank": 8, "devices": 8, "sharded": True}
    assert 72 <= total(Job(LLAMA_2_70B, "sft", rows=8, tokens=2048, **settings)) / GB <= 80


@pytest.mark.parametrize(("model", "mib"), [(QWEN3_600M, 49273), (QWEN3_1700M, 78147)], ids=["0.6B", "1.7B"])
def test_grpo_needs_what_a_user_of_trl_has_measured(model, mib):
    assert total(Job(model, "grpo", rows=4, tokens=3072, **GRPO)) / GB == pytest.approx(mib / 1024, rel=0.15)


DISTILL_7B = {"rows": 2, "tokens": 32768, "bits": 16, "autocast": True, "checkpointing": True, "accumulation": 8}


@pytest.mark.parametrize(
    ("job", "good"),
    [
        pytest.param(
            Job(table()["Qwen/Qwen2.5-Math-7B"], "sft", **DISTILL_7B, devices=8, sharded=True),
            True,
            id="open-r1 7B, ZeRO-3",
        ),
        pytest.param(Job(table()["Qwen/Qwen2.5-Math-7B"], "sft", **DISTILL_7B), False, id="open-r1 7B, one GPU"),
        pytest.param(Job(QWEN_72B, "sft", rows=1, tokens=256, **LORA, **ZERO_3), True, id="Qwen 72B LoRA, ZeRO-3"),
        pytest.param(Job(QWEN_72B, "sft", rows=1, tokens=256, **LORA, devices=4), False, id="Qwen 72B LoRA, copies"),
        pytest.param(Job(QWEN_72B, "sft", rows=1, tokens=8192, **LORA | {"bits": 4}), True, id="Qwen 72B QLoRA"),
        pytest.param(Job(QWEN_7B, "sft", rows=1, tokens=1024, bits=16, checkpointing=True), True, id="7B, bfloat16"),
        pytest.param(Job(table()["Qwen/Qwen3-4B"], "grpo", rows=4, tokens=3072, **GRPO), False, id="TRL 4B"),
        pytest.param(Job(QWEN3_600M, "grpo", rows=4, tokens=3072, **GRPO), True, id="TRL 0.6B"),
    ],
)
def test_what_is_known_to_fit_into_80_gb_does(job, good):
    assert fits(job) is good


# ------------------------------------------------------------------------------------------------- how keys change it

SMALL = Job(table()["Qwen/Qwen2.5-1.5B"], "sft", rows=4, tokens=4096, bits=16, autocast=True, accumulation=2)


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        ({"rows": 8}, "activations"),
        ({"tokens": 8192}, "activations"),
        ({"checkpointing": True}, "activations"),
        ({"bits": 32}, "weights"),
        ({"optimizer": "8bit"}, "optimizer"),
        ({"devices": 8, "sharded": True}, "optimizer"),
        ({"devices": 8}, "gradients"),
        ({"whole_logits": True}, "logits"),
        ({"rank": 16}, "gradients"),
        ({"rank": 16, "bits": 4}, "weights"),
    ],
    ids=str,
)
def test_each_key_changes_its_part(changes, part):
    before, after = peak(SMALL)[1].get(part, 0), peak(replace(SMALL, **changes))[1].get(part, 0)
    grows = changes.keys() & {"rows", "tokens", "whole_logits"} or changes in ({"bits": 32}, {"devices": 8})
    assert after > before if grows else after < before


def test_the_state_of_mixed_precision_is_16_bytes_a_parameter():
    job = replace(SMALL, devices=8, sharded=True)  # FSDP2 trains in float32
    parts = peak(job)[1]
    assert parts["weights"] + parts["optimizer"] + parts["gradients"] / 1.05 == pytest.approx(16 * job.parameters / 8)


def test_trl_tiles_make_the_logits_independent_of_the_length():
    long = replace(SMALL, rows=1, tokens=32768, rank=16)
    hidden = long.scored * long.shape.hidden_size * 6
    assert head(long) - hidden == head(replace(long, tokens=8192)) - hidden / 4  # a tile, however long the row
    assert head(replace(long, whole_logits=True)) > 20 * head(long)


def test_generation_holds_the_cache_of_all_completions():
    job = Job(table()["Qwen/Qwen2.5-7B"], "grpo", rows=1, tokens=8704, prompt=512, bits=16, drawn=256)
    assert cache(job, 2) == 8704 * 2 * 28 * 4 * 128 * 2  # tokens, keys and values, layers, heads, features, bytes
    assert peak(job)[0] == "generation" and peak(job)[1]["keys and values"] > 256 * cache(job, 2)


def test_vllm_takes_its_share_and_gives_it_back_when_it_sleeps():
    job = Job(table()["Qwen/Qwen2.5-1.5B"], "grpo", rows=8, tokens=2560, prompt=512, bits=16, autocast=True, vllm=0.5)
    awake, asleep = peak(job), peak(replace(job, sleeps=True))
    assert awake[1]["vLLM"] == 40 * GB and awake[0] == "training"
    assert sum(asleep[1].values()) < sum(awake[1].values())
    assert room_in_vllm(job) > 0 > room_in_vllm(replace(job, vllm=0.04))
    assert not fits(replace(job, vllm=0.04))


def test_reference_and_reward_models_are_counted():
    job = Job(table()["Qwen/Qwen2.5-1.5B"], "grpo", rows=1, tokens=1024, prompt=512, bits=16, autocast=True)
    held = replace(job, reference=True, scorers=((table()["Qwen/Qwen2.5-1.5B"], 32768),))
    parts = peak(held)[1]
    assert parts["reference model"] == 2 * job.parameters == parts["other models"]
    assert "reference model" not in peak(job)[1]


def test_latent_attention_caches_little_in_vllm():
    job = Job(table()["deepseek-ai/DeepSeek-V3-Base"], "grpo", rows=1, tokens=1000, prompt=0, vllm=0.9)
    assert cache(job, 2) == 2 * 1000 * 61 * 576 < cache(replace(job, vllm=0.0), 2) / 50


def test_disk_holds_the_model_and_whole_checkpoints():
    size = SMALL.parameters
    assert on_disk(SMALL, 2, only_model=False) == size * (2 + 2 * (2 + 4))
    assert on_disk(SMALL, 2, only_model=True) == size * (2 + 2 * 2)
