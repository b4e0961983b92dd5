"""Says what a training recipe needs before anything loads: memory per GPU, disk, steps, tokens and rough hours.

    open-r1 plan recipes/Qwen2.5-1.5B/distill_lora.yaml --gpus 1 --gpu-memory 24
    open-r1 plan --all --write

Only the model's configuration is read. The devices are those of the recipe's launch command (`--config_file` in its
header) unless `--gpus` or `--accelerate` say otherwise; `--prompt-tokens` is the length of GRPO's prompts and `--rows`
the number of rows, where the recipe does not tell. What does not fit is told with the changes after which it does, and
ends with exit code 1. How it is counted: docs/hardware.md.
"""

import argparse
import sys
from pathlib import Path

from open_r1.cluster.changes import nearest
from open_r1.cluster.job import GB, Job
from open_r1.cluster.layout import Layout, read_layout
from open_r1.cluster.memory import fits, on_disk, peak, phases, room_in_vllm, total
from open_r1.cluster.overview import write_overview
from open_r1.cluster.reading import Values, make_job, read_overlaid, read_values
from open_r1.cluster.throughput import BANDWIDTH_USED, UTILIZATION, Length, card_of, hours, length_of
from open_r1.core.errors import RecipeError, report_errors
from open_r1.core.recipes import Recipe, parse_overrides

USAGE = (
    "RECIPE.yaml [--with FILE.yaml] [--gpus N] [--gpu-memory GB] [--accelerate FILE.yaml] "
    "[--prompt-tokens N] [--rows N] [--key value ...] | --all [--write]"
)
EXPLAINED = {
    "logits": "TRL projects in tiles",
    "gathered": "blocks put together, bfloat16 copies",
    "activations": "of one micro-batch",
    "keys and values": "of all completions of a rollout",
}


def number(count: float) -> str:
    """A number of parameters or tokens, short."""
    for size, unit in ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "k")):
        if count >= size:
            return f"{count / size:.2f}{unit}"
    return f"{count:.0f}"


def title(where: str, recipe: Recipe, job: Job, layout: Layout) -> str:
    """One line: what is trained, on what."""
    name = recipe.get("model_name_or_path") or "a new model"
    trained = f"{number(job.trained)} of " if job.rank else ""
    model = f"{job.stage} of {name}, {trained}{number(job.parameters)} parameters"
    if job.cpu:
        return f"{where}: {model}, on a CPU"
    spread = "" if job.devices == 1 else ", FSDP2" if job.sharded else ", a copy on each (DDP)"
    return f"{where}: {model}, on {job.devices} x {layout.device_memory / GB:g} GB{spread}"


def memory_lines(job: Job) -> list[str]:
    """The table of the phase that needs most, and one line for each other."""
    name, parts = peak(job)
    lines = [f"  {f'GB per device, {name}':<34}"]
    for part, size in parts.items():
        lines.append(f"    {part:<24}{size / GB:>8.1f}  {EXPLAINED.get(part, '')}".rstrip())
    limit = "" if job.cpu else f"  of {job.device_memory / GB:g}: {'fits' if fits(job) else 'does not fit'}"
    lines.append(f"    {'in all':<24}{total(job) / GB:>8.1f}{limit}")
    sums = {phase: sum(found.values()) / GB for phase, found in phases(job).items() if phase != name}
    lines += [f"  {phase} needs {size:.1f}" for phase, size in sums.items()]
    if job.vllm and room_in_vllm(job) < 0:
        lines.append(f"  vLLM's share of {job.vllm * job.device_memory / GB:.1f} holds not even its weights and a row")
    return lines


def course_lines(values: Values, job: Job, length: Length | None) -> list[str]:
    """Disk, steps, tokens and hours."""
    kept = values.save_total_limit or 1
    lines = [f"  disk: {on_disk(job, kept, values.save_only_model) / GB:.1f} GB with {kept} checkpoint(s)"]
    if length is None:
        return [*lines, "  steps: unknown without `max_steps` or the rows of the data: add --rows N"]
    lines.append(f"  {length.steps} steps of {length.rows} rows, at most {number(length.tokens)} tokens")
    if not job.cpu:
        card = card_of(job)
        assumed = f"{UTILIZATION:.0%} of the operations and {BANDWIDTH_USED:.0%} of the bandwidth of one {card.name}"
        lines.append(f"  very roughly {hours(job, length, values):.1f} hours, at full length and {assumed}")
    return lines


def report(recipe: Recipe, where: str, layout: Layout, prompt: int | None, rows: int | None) -> bool:
    """Prints the plan of one recipe; returns whether it fits."""
    job, values = make_job(recipe, where, layout, prompt), read_values(recipe, where)
    lines = [title(where, recipe, job, layout), *memory_lines(job)]
    if job.prompt and prompt is None:
        lines.append(f"  assumed: prompts of {job.prompt} tokens (--prompt-tokens)")
    if not job.prompt and values.max_length is None:
        lines.append(f"  assumed: rows of {job.tokens} tokens (--max_length)")
    lines += course_lines(values, job, length_of(recipe, values, job, rows))
    good = fits(job) or job.cpu
    if not good:
        changes = nearest(recipe, where, layout, prompt)
        lines += [f"  fits with {text}: {size / GB:.1f} GB" for text, size in changes]
        if not changes:
            lines.append("  nothing that was tried fits: not with LoRA, and not with FSDP2 on any number of GPUs")
    print("\n".join(lines))
    return good


@report_errors
def main(arguments: list[str] | None = None) -> None:
    """Prints the plan of a recipe, or of all."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False, usage=f"open-r1 plan {USAGE}")
    parser.add_argument("recipe", nargs="?")
    for name, kind in (("gpus", int), ("gpu-memory", float), ("prompt-tokens", int), ("rows", int)):
        parser.add_argument(f"--{name}", type=kind)
    parser.add_argument("--accelerate")
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--write", action="store_true")
    known, rest = parser.parse_known_args(sys.argv[1:] if arguments is None else arguments)
    if known.all:
        return print(write_overview(Path("recipes"), known.write))
    if not known.recipe:
        raise RecipeError("no recipe given", "open-r1 plan recipes/Qwen2.5-1.5B/distill_lora.yaml")
    recipe, files = read_overlaid(known.recipe, parse_overrides(rest))
    layout = read_layout(files, known.accelerate, known.gpus, known.gpu_memory)
    if not report(recipe, known.recipe, layout, known.prompt_tokens, known.rows):
        sys.exit(1)


if __name__ == "__main__":
    main()
