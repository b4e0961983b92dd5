"""Measured against planned memory: what real training stages take at most, beside what `plan` says.

python benchmarks/plan_memory.py [--gpu] [--only NAME ...]

Each case is a recipe of `sft` or `grpo` in a process of its own, on a model with random weights; all rows have full
length. On a CPU it runs for two steps in float32 with AdamW, and measured is the process's largest resident memory
(`ru_maxrss`) less that of the same stage with a model of 20k parameters and one short row, which holds Python, torch,
the data and the trainer: at most 4 GB and two minutes each. With `--gpu` it runs for six steps in bfloat16 on one GPU
that nothing else uses, and measured is what torch's allocator has given out and has held at most, and the time of a
step; what `plan` counts for CUDA itself stands beside what the device says is taken beyond the allocator.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from tiny_models import save_tiny_base

from open_r1.cluster.job import GB, Job
from open_r1.cluster.layout import Layout
from open_r1.cluster.memory import CONTEXT, RUNTIME, peak, total
from open_r1.cluster.reading import make_job, read_values
from open_r1.cluster.throughput import hours, length_of

SHAPES: dict[str, dict[str, Any]] = {
    "least": {"hidden_size": 32, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2},
    "5M": {"hidden_size": 128, "intermediate_size": 384, "num_hidden_layers": 4, "vocab_size": 32768},
    "20M": {"hidden_size": 320, "intermediate_size": 1280, "num_hidden_layers": 8, "vocab_size": 16384},
    "60M": {"hidden_size": 512, "intermediate_size": 2048, "num_hidden_layers": 12, "vocab_size": 16384},
    # of Qwen2.5-0.5B and -1.5B
    "0.5B": {"hidden_size": 896, "intermediate_size": 4864, "num_hidden_layers": 24, "num_attention_heads": 14},
    "1.5B": {"hidden_size": 1536, "intermediate_size": 8960, "num_hidden_layers": 28, "num_attention_heads": 12},
}
for real in ("0.5B", "1.5B"):
    SHAPES[real] |= {"num_key_value_heads": 2, "vocab_size": 151936, "max_position_embeddings": 32768}
SFT = {"max_length": 256, "per_device_train_batch_size": 8, "packing": False, "completion_only_loss": True}
GRPO = {
    "rewards": {"random": {"weight": 1.0}}, "beta": 0.001, "loss_type": "grpo", "num_generations": 8,
    "prompts_per_step": 1, "per_device_train_batch_size": 8, "max_completion_length": 128,
}  # fmt: skip
SHARED = {
    "use_cpu": True, "bf16": False, "dtype": "float32", "activation_checkpointing": False, "max_steps": 2, "seed": 0,
    "save_strategy": "no", "report_to": "none", "disable_tqdm": True, "response_format": "zero",
    "chat_template": str(Path(__file__).parents[1] / "recipes/templates/chatml/zero.jinja"),
}  # fmt: skip
CASES: dict[str, tuple[str, str, dict[str, Any]]] = {
    "sft 5M": ("sft", "5M", {"max_length": 512, "per_device_train_batch_size": 2}),
    "sft 20M": ("sft", "20M", {}),
    "sft 60M": ("sft", "60M", {"per_device_train_batch_size": 6}),
    "sft 60M, checkpointed": ("sft", "60M", {"per_device_train_batch_size": 6, "activation_checkpointing": True}),
    "sft 20M, accumulated": ("sft", "20M", {"gradient_accumulation_steps": 2, "per_device_train_batch_size": 4}),
    "grpo 5M": ("grpo", "5M", {}),
    "grpo 20M": ("grpo", "20M", {}),
    "grpo 60M": ("grpo", "60M", {"num_generations": 4, "per_device_train_batch_size": 4}),
}
ON_GPU = {
    "use_cpu": False, "bf16": True, "dtype": "bfloat16", "activation_checkpointing": True, "max_steps": 6,
    "logging_steps": 1, "attn_implementation": "sdpa", "save_only_model": False,
}  # fmt: skip
LORA = {"use_peft": True, "lora_r": 32, "lora_alpha": 64, "learning_rate": 1e-4, "merge": False}
GPU_CASES: dict[str, tuple[str, str, dict[str, Any]]] = {
    "sft 1.5B, 1 x 4,096": ("sft", "1.5B", {"max_length": 4096, "per_device_train_batch_size": 1}),
    "sft 1.5B, 4 x 8,192": ("sft", "1.5B", {"max_length": 8192, "per_device_train_batch_size": 4}),
    "sft 1.5B, 4 x 4,096, not checkpointed": (
        "sft", "1.5B", {"max_length": 4096, "per_device_train_batch_size": 4, "activation_checkpointing": False},
    ),
    "sft 1.5B, 2 x 4,096, accumulated": (
        "sft", "1.5B", {"max_length": 4096, "per_device_train_batch_size": 2, "gradient_accumulation_steps": 2},
    ),
    "sft 1.5B, LoRA, 4 x 8,192": ("sft", "1.5B", {"max_length": 8192, "per_device_train_batch_size": 4, **LORA}),
    "grpo 0.5B, 16 x 512": (
        "grpo", "0.5B",
        {"num_generations": 16, "per_device_train_batch_size": 16, "max_completion_length": 512, "max_steps": 3},
    ),
}  # fmt: skip
# In the child: the stage, then what the kernel, or the GPU, says of it, in bytes.
CHILD = """
import importlib, json, resource, sys, torch
torch.set_num_threads(1)
importlib.import_module("open_r1." + sys.argv[1]).main(json.loads(sys.argv[2]))
found = {"resident": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024}
if torch.cuda.is_initialized():
    free, whole = torch.cuda.mem_get_info()
    found |= {"allocated": torch.cuda.max_memory_allocated(), "reserved": torch.cuda.max_memory_reserved()}
    found |= {"beyond": whole - free - torch.cuda.memory_reserved()}
print("PEAK", json.dumps(found))
"""


def recipe_of(stage: str, model: str, folder: Path, keys: dict[str, Any]) -> dict[str, Any]:
    """A recipe whose rows all have full length."""
    rows = folder / f"{stage}.jsonl"
    text = " ".join(["1 + 2 = 3 ."] * max(400, keys.get("max_length", 0) // 5))
    row = {"prompt": "1 + 1", "answer": "2"} if stage == "grpo" else {"prompt": "1 + 1 =", "completion": text}
    rows.write_text((json.dumps(row) + "\n") * 64)
    source = {"path": str(rows), **({} if stage == "grpo" else {"raw": True})}
    recipe = {**SHARED, **(GRPO if stage == "grpo" else SFT), **keys, "datasets": [source]}
    if stage == "grpo":
        recipe |= {"generation_kwargs": {"min_new_tokens": recipe["max_completion_length"]}}
    return recipe | {"model_name_or_path": model, "output_dir": str(folder / "out")}


def measure(stage: str, recipe: dict[str, Any]) -> dict[str, int]:
    """The largest bytes of a stage, by where they are counted."""
    words = [word for key, value in recipe.items() for word in (f"--{key}", json.dumps(value))]
    command = [sys.executable, "-c", CHILD, stage, json.dumps(words)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=1800)
    found = [line for line in done.stdout.splitlines() if line.startswith("PEAK ")]
    if not found:
        sys.exit(done.stdout + done.stderr)
    return json.loads(found[0].partition(" ")[2])


def prompt_tokens(recipe: dict[str, Any]) -> int:
    """Tokens of the prompt, as GRPO renders it."""
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(recipe["model_name_or_path"])
    template = Path(recipe["chat_template"]).read_text(encoding="utf-8")
    text = tokenizer.apply_chat_template(
        [{"role": "user", "content": "1 + 1"}], chat_template=template, add_generation_prompt=True, tokenize=False
    )
    return len(tokenizer(text)["input_ids"])


def baseline(stage: str, folder: Path) -> int:
    """Largest resident bytes of a stage that computes next to nothing."""
    folder.mkdir(parents=True)
    keys = {"max_length": 16, "per_device_train_batch_size": 1}
    if stage == "grpo":
        keys = {"num_generations": 2, "per_device_train_batch_size": 2, "max_completion_length": 4}
    recipe = recipe_of(stage, save_tiny_base(folder / "model", "chatml", **SHAPES["least"]), folder, keys)
    return measure(stage, recipe)["resident"]


def run(name: str, folder: Path) -> tuple[Job, dict[str, int]]:
    """A case's plan and its largest bytes."""
    stage, shape, keys = CASES[name]
    folder.mkdir()
    sizes = {"num_attention_heads": 4, "num_key_value_heads": 4} | SHAPES[shape]
    recipe = recipe_of(stage, save_tiny_base(folder / "model", "chatml", **sizes), folder, keys)
    return make_job(recipe, "plan_memory", Layout(), prompt_tokens(recipe)), measure(stage, recipe)


def tell(job: Job) -> None:
    """The parts of a plan."""
    print(peak(job)[0], {part: round(size / GB, 2) for part, size in peak(job)[1].items()}, file=sys.stderr)


def on_cpu(names: list[str], folder: Path) -> None:
    least = {stage: baseline(stage, folder / "least" / stage) for stage in sorted({CASES[n][0] for n in names})}
    print(*(f"baseline of {stage}: {size / GB:.2f} GB" for stage, size in least.items()), sep="\n")
    print("| case | parameters | planned GB | measured GB | off by |\n|---|---|---|---|---|")
    for name in names:
        job, found = run(name, folder / name)
        planned, measured = total(job) - RUNTIME, found["resident"] - least[CASES[name][0]]
        print(f"| {name} | {job.parameters / 1e6:.1f}M | {planned / GB:.2f} | {measured / GB:.2f} | ", end="")
        print(f"{planned / measured - 1:+.0%} |", flush=True)
        tell(job)


# ------------------------------------------------------------------------------------------------------- on one GPU


def big_base(shape: str, folder: Path) -> str:
    """A model of a real size with random weights, made on the GPU in bfloat16."""
    import torch

    if not folder.is_dir():
        with torch.device("cuda"):
            save_tiny_base(folder, "chatml", dtype="bfloat16", **SHAPES[shape])
        torch.cuda.empty_cache()
    return str(folder)


def seconds_of(output: Path) -> float:
    """Of a median step, the first left out."""
    rows = json.loads((output / "trainer_state.json").read_text())["log_history"]
    steps = [sum(value for name, value in row.items() if name.startswith("time/")) for row in rows if "loss" in row]
    return statistics.median(steps[1:])


def run_on_gpu(name: str, folder: Path) -> str:
    """A case's row of the table."""
    stage, shape, keys = GPU_CASES[name]
    place = folder / name.replace(" ", "_").replace(",", "")
    place.mkdir()
    recipe = recipe_of(stage, big_base(shape, folder / shape), place, ON_GPU | keys)
    job, found = make_job(recipe, "plan_memory", Layout(), prompt_tokens(recipe)), measure(stage, recipe)
    values = read_values(recipe, "plan_memory")
    length = length_of(recipe, values, job)
    assert length
    guessed = hours(job, length, values) * 3600 / length.steps
    planned, measured = total(job) - CONTEXT, found["allocated"]
    tell(job)
    sizes = (planned, measured, found["reserved"], found["beyond"])
    return (
        f"| {name} | {job.parameters / 1e6:.0f}M | {' | '.join(f'{size / GB:.2f}' for size in sizes)} | "
        f"{planned / measured - 1:+.0%} | {guessed:.2f} | {seconds_of(Path(recipe['output_dir'])):.2f} |"
    )


def on_gpu(names: list[str], folder: Path) -> None:
    import torch

    print(torch.cuda.get_device_name(), f"torch {torch.__version__}")
    print(
        "| case | parameters | planned GB without CUDA | allocated | reserved | beyond the allocator | off by "
        "| planned s per step | measured |\n|---|---|---|---|---|---|---|---|---|"
    )
    for name in names:
        try:
            print(run_on_gpu(name, folder), flush=True)
        except SystemExit as failure:  # the others are worth measuring
            print(f"| {name} | failed: {str(failure)[-1500:]}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gpu", action="store_true")
    parser.add_argument("--only", nargs="+", choices=[*CASES, *GPU_CASES], metavar="NAME")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        known, measured = (GPU_CASES, on_gpu) if given.gpu else (CASES, on_cpu)
        measured(given.only or list(known), Path(folder))


if __name__ == "__main__":
    main()
