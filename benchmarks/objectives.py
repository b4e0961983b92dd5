"""Variants of GRPO side by side on the mini world, at equal numbers of sampled tokens: pass@1, and what a group costs.

open-r1 run recipes/mini/pipeline.yaml        # once: the base model
python benchmarks/objectives.py '{plain: {}}' '{refill: {dynamic_sampling: {rounds: 4}}}' recipes/objectives/dapo.yaml

A variant is a file of keys, or a mapping from its name to keys; `inherit` there names such a file. The keys go on top
of `--recipe` (recipes/mini/zero.yaml), and before them any `--key value` that all variants share. Each run is trained
until it has sampled `--tokens` (360000; prompts count, and what dynamic sampling throws away), and is evaluated at
`--marks` (6) equal distances on the way, always after a whole rollout, as recipes/mini/evaluate.yaml does: 200
held-out problems, 8 samples. `--seeds '[0, 1, 2]'`, `--output_dir data/objectives`. One run at a time; what is
finished is not run again. Seconds are CPU time of the training process: set OMP_NUM_THREADS=1 to compare them.
"""

import json
import multiprocessing
import sys
import time
from pathlib import Path
from statistics import mean, pstdev
from typing import Any

import yaml

from open_r1.core.recipes import load_recipe, merge, parse_overrides, read_yaml

DEFAULTS = {"recipe": "recipes/mini/zero.yaml", "tokens": 360_000, "marks": 6, "seeds": [0, 1, 2]}
DEFAULTS |= {"output_dir": "data/objectives", "problems": 200, "samples": 8, "max_terms": 9}


class Enough(Exception):
    """All tokens are sampled."""


def variants(words: list[str]) -> dict[str, dict[str, Any]]:
    """Keys of each variant by its name."""
    found: dict[str, dict[str, Any]] = {}
    for word in words:
        given = {Path(word).stem: {"inherit": word}} if Path(word).is_file() else yaml.safe_load(word)
        for name, keys in given.items():
            parent = keys.pop("inherit", None)
            found[name] = merge(read_yaml(Path(parent)), keys) if parent else keys
    return found


def train(recipe: str, keys: dict[str, Any], marks: list[int], directory: Path) -> None:
    """Trains one run, leaves its model at each mark and `log.json`: a row for each rollout."""
    from transformers import TrainerCallback

    from open_r1 import grpo
    from open_r1.training.run import Run

    rows: list[dict[str, float]] = []
    begun = 0.0

    class Watch(TrainerCallback):
        def __init__(self, run: Run, trainer: Any):
            self.run, self.trainer, self.left = run, trainer, list(marks)

        def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, float], **kwargs: Any) -> None:
            if "reward" in logs:
                rows.append(
                    {"step": state.global_step, **{key: logs[key] for key in logs if "/" in key or key in KEPT}}
                )

        def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            tokens = state.num_input_tokens_seen
            if state.global_step % self.run.window or tokens < self.left[0]:
                return
            used = time.process_time() - begun
            while self.left and tokens >= self.left[0]:
                folder = directory / f"at-{self.left.pop(0)}"
                self.trainer.save_model(str(folder))
                (folder / "mark.json").write_text(
                    json.dumps({"tokens": tokens, "step": state.global_step, "seconds": used})
                )

        def on_step_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            if not self.left:
                raise Enough

    def watched(self: Run, trainer: Any) -> None:
        nonlocal begun
        begun = time.process_time()
        trainer.add_callback(Watch(self, trainer))
        trainer.train()

    Run.train = watched  # type: ignore[method-assign]
    fixed = {"output_dir": str(directory / "run"), "save_strategy": "no", "logging_steps": 1, "max_steps": 2000}
    words = [word for key, value in (keys | fixed).items() for word in (f"--{key}", json.dumps(value))]
    try:
        grpo.main(["--config", recipe, "--force", *words])
    except Enough:
        (directory / "log.json").write_text(json.dumps(rows))


KEPT = ("reward", "reward_std", "frac_reward_zero_std", "num_tokens", "entropy", "kl")


def evaluate(directory: Path, marks: list[int], options: dict[str, Any]) -> None:
    """pass@1 at each mark."""
    from open_r1.evaluate import main

    writes = load_recipe(options["recipe"])["response_format"]
    problems = {"path": "mini:chain", "split": "test", "limit": options["problems"], "min_terms": 3}
    recipe = {
        "models": [{"path": str(directory / f"at-{mark}"), "response_format": writes} for mark in marks],
        "datasets": [problems | {"max_terms": options["max_terms"]}],
        "num_samples": options["samples"],
        "workers": 1,
        "output_dir": str(directory / "evaluate"),
    }
    words = [word for key, value in recipe.items() for word in (f"--{key}", json.dumps(value))]
    main(["--config", "recipes/mini/evaluate.yaml", *words])


def result(directory: Path, marks: list[int]) -> dict[str, Any]:
    """What one run came to."""
    ends = [json.loads((directory / f"at-{mark}" / "mark.json").read_text()) for mark in marks]
    rows = json.loads((directory / "log.json").read_text())
    rows = [row for row in rows if row["num_tokens"] <= ends[-1]["tokens"]]
    metrics = json.loads((directory / "evaluate" / "manifest.json").read_text())["metrics"]
    equal = [row["frac_reward_zero_std"] for row in rows]
    useful = mean(1 - share for share in equal) * len(rows)  # rollouts' worth of groups that teach
    return {
        "steps": ends[-1]["step"],
        "tokens": ends[-1]["tokens"],
        "equal before": mean(row.get("refill/equal_groups", share) for row, share in zip(rows, equal, strict=True)),
        "equal after": mean(equal),
        "tokens / rollout of useful groups": ends[-1]["tokens"] / useful,
        "seconds / rollout of useful groups": ends[-1]["seconds"] / useful,
        "mean tokens": metrics[f"at-{marks[-1]}"]["mean_tokens"],
        **{f"pass@1 at {mark:,}": metrics[f"at-{mark}"]["pass@1"] for mark in marks},
    }


def table(results: dict[str, list[dict[str, Any]]]) -> str:
    """Mean and spread over the seeds, as Markdown."""
    columns = list(next(iter(results.values()))[0])
    lines = ["| variant | " + " | ".join(columns) + " |", "|---" * (len(columns) + 1) + "|"]
    for name, runs in results.items():
        cells = []
        for column in columns:
            values = [run[column] for run in runs]
            digits = 0 if mean(values) > 500 else 1 if mean(values) > 20 else 3
            spread = f" ± {pstdev(values):.{digits}f}" if len(values) > 1 else ""
            cells.append(f"{mean(values):,.{digits}f}{spread}")
        lines.append(f"| `{name}` | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> None:
    at = next((n for n, word in enumerate(sys.argv) if word.startswith("--")), len(sys.argv))
    chosen, shared = variants(sys.argv[1:at]), parse_overrides(sys.argv[at:])
    options = {key: shared.pop(key, value) for key, value in DEFAULTS.items()}
    marks = [options["tokens"] * (n + 1) // options["marks"] for n in range(options["marks"])]
    context, results = multiprocessing.get_context("spawn"), {}
    for seed in options["seeds"]:
        for name, keys in chosen.items():
            directory = Path(options["output_dir"]) / f"{name}-seed{seed}"
            jobs = [(train, (options["recipe"], merge(shared, keys) | {"seed": seed}, marks, directory), "log.json")]
            jobs += [(evaluate, (directory, marks, options), "evaluate/manifest.json")]
            for job, arguments, made in jobs:
                if (directory / made).exists():
                    continue
                process = context.Process(target=job, args=arguments)
                process.start()
                process.join()
                if not (directory / made).exists():
                    sys.exit(f"{directory}: {job.__name__} failed")
            results.setdefault(name, []).append(result(directory, marks))
            print(name, seed, json.dumps(results[name][-1]), flush=True)
    print(table(results))


if __name__ == "__main__":
    main()
