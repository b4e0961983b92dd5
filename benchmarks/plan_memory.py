"""Measured against planned memory, on a CPU: the resident memory of real training stages beside what `plan` says.

python benchmarks/plan_memory.py [--only NAME ...]

Each case is a recipe of `sft` or `grpo`, run for two steps in a process of its own, in float32 with AdamW; all rows
have full length. Measured is the process's largest resident memory (`ru_maxrss`) less that of the same stage with a
model of 20k parameters and one short row, which holds Python, torch, the data and the trainer. At most 4 GB and two
minutes each.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from tiny_models import save_tiny_base

from open_r1.cluster.job import GB, Job
from open_r1.cluster.layout import Layout
from open_r1.cluster.memory import RUNTIME, peak, total
from open_r1.cluster.reading import make_job

SHAPES: dict[str, dict[str, Any]] = {
    "least": {"hidden_size": 32, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2},
    "5M": {"hidden_size": 128, "intermediate_size": 384, "num_hidden_layers": 4, "vocab_size": 32768},
    "20M": {"hidden_size": 320, "intermediate_size": 1280, "num_hidden_layers": 8, "vocab_size": 16384},
    "60M": {"hidden_size": 512, "intermediate_size": 2048, "num_hidden_layers": 12, "vocab_size": 16384},
}
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
TEXT = " ".join(["1 + 2 = 3 ."] * 400)
# In the child: the stage, then what the kernel says of it, in bytes.
CHILD = """
import importlib, json, resource, sys, torch
torch.set_num_threads(1)
importlib.import_module("open_r1." + sys.argv[1]).main(json.loads(sys.argv[2]))
print("PEAK", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)
"""


def recipe_of(stage: str, model: str, folder: Path, keys: dict[str, Any]) -> dict[str, Any]:
    """A recipe whose rows all have full length."""
    rows = folder / f"{stage}.jsonl"
    row = {"prompt": "1 + 1", "answer": "2"} if stage == "grpo" else {"prompt": "1 + 1 =", "completion": TEXT}
    rows.write_text((json.dumps(row) + "\n") * 64)
    source = {"path": str(rows), **({} if stage == "grpo" else {"raw": True})}
    recipe = {**SHARED, **(GRPO if stage == "grpo" else SFT), **keys, "datasets": [source]}
    if stage == "grpo":
        recipe |= {"generation_kwargs": {"min_new_tokens": recipe["max_completion_length"]}}
    return recipe | {"model_name_or_path": model, "output_dir": str(folder / "out")}


def measure(stage: str, recipe: dict[str, Any]) -> int:
    """Largest resident bytes of a stage."""
    words = [word for key, value in recipe.items() for word in (f"--{key}", json.dumps(value))]
    command = [sys.executable, "-c", CHILD, stage, json.dumps(words)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=1800)
    found = [line for line in done.stdout.splitlines() if line.startswith("PEAK ")]
    if not found:
        sys.exit(done.stdout + done.stderr)
    return int(found[0].split()[1])


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
    return measure(
        stage, recipe_of(stage, save_tiny_base(folder / "model", "chatml", **SHAPES["least"]), folder, keys)
    )


def run(name: str, folder: Path) -> tuple[Job, int]:
    """A case's plan and its largest resident bytes."""
    stage, shape, keys = CASES[name]
    folder.mkdir()
    sizes = {"num_attention_heads": 4, "num_key_value_heads": 4} | SHAPES[shape]
    recipe = recipe_of(stage, save_tiny_base(folder / "model", "chatml", **sizes), folder, keys)
    return make_job(recipe, "plan_memory", Layout(), prompt_tokens(recipe)), measure(stage, recipe)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=list(CASES), default=list(CASES))
    names = parser.parse_args().only
    with tempfile.TemporaryDirectory() as folder:
        least = {
            stage: baseline(stage, Path(folder) / "least" / stage) for stage in sorted({CASES[n][0] for n in names})
        }
        print(*(f"baseline of {stage}: {size / GB:.2f} GB" for stage, size in least.items()), sep="\n")
        print("| case | parameters | planned GB | measured GB | off by |\n|---|---|---|---|---|")
        for name in names:
            job, found = run(name, Path(folder) / name)
            planned, found = total(job) - RUNTIME, found - least[CASES[name][0]]
            print(f"| {name} | {job.parameters / 1e6:.1f}M | {planned / GB:.2f} | {found / GB:.2f} | ", end="")
            print(f"{planned / found - 1:+.0%} |", flush=True)
            print(peak(job)[0], {part: round(size / GB, 2) for part, size in peak(job)[1].items()}, file=sys.stderr)


if __name__ == "__main__":
    main()
