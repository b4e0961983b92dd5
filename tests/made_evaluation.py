"""A folder of models and evaluations of our own invention, as large pipelines leave them: sizes, benchmarks on both
axes, long texts, every verdict; in both layouts of a store.

    python tests/made_evaluation.py FOLDER      # to look at the report of one
"""

import json
import random
import struct
import sys
from pathlib import Path
from typing import Any

from open_r1.metrics.summary import summarize

# skill on each benchmark, parameters as (layers, width), tokens of a mean completion
MODELS = {
    "teacher": (0.85, (8, 64), 9000),
    "student-large": (0.7, (6, 48), 7500),
    "student-small": (0.4, (4, 16), 5200),
}
BENCHMARKS = {  # how hard, axis, problems
    "contest": (0.55, "reasoning", 12),
    "school math": (0.05, "reasoning", 20),
    "science choice": (0.25, "reasoning", 16),
    "instructions": (0.15, "general", 16),
}
SAMPLES = 4
HOSTILE = "</script></pre><img src=x onerror=\"document.title='taken'\"><script>document.title='taken'</script>"
HOSTILE += "\u2028\u2029\u202e <b onclick=alert(1)> ${x} {{ 7 * 7 }} {% raw %} \x00\x1b[31m ]]> <!-- \ud800"
FILLER = "Let the number be n. Then twice n is what we look for, so we count on from there. Wait, check that again. "


def row(model: str, benchmark: str, number: int, sample: int, chance: random.Random) -> dict[str, Any]:
    """One completion of invented words, right as often as the model's skill and the problem's share make it."""
    skill, _, length = MODELS[model]
    hard = BENCHMARKS[benchmark][0]
    gold, right = str(number * 7 % 31), chance.random() < max(0.02, min(0.98, skill - hard + 0.15))
    cut, silent = not right and chance.random() < 0.3, not right and chance.random() < 0.15
    said = None if cut or silent else gold if right else str(number * 5 % 29 + 40)
    reasoning = FILLER * chance.randint(2, 60) + ("所以 答案 是 这 个 数 字 。" * 12 if chance.random() < 0.08 else "")
    final = "" if said is None else f"Counting gives it. The answer is \\boxed{{{said}}}."
    text = f"<think>{reasoning}" + ("" if cut else f"</think>\n{final}")
    return {
        "problem_id": f"{benchmark}-{number:03d}",
        "answer": gold,
        "verifier": "exact",
        "domain": "reasoning",
        "language": "en",
        "difficulty": 1 + number % 4,
        "metadata": "",
        "dataset": benchmark,
        "question": f"A jar holds {number} times seven marbles; how many are left when full boxes of 31 go?",
        "sample": sample,
        "prompt": "...",
        "text": text,
        "tokens": int(length * chance.uniform(0.4, 1.6)) + (20000 if cut else 0),
        "finish_reason": "length" if cut else "stop",
        "seed": 1,
        "model": model,
        "valid": not cut,
        "reasoning": reasoning,
        "final": final,
        "extracted": said,
        "outcome": "no_answer" if said is None else "correct" if right else "wrong",
        "score": float(right),
    }


def write_model(folder: Path, layers: int, width: int) -> None:
    """A directory with the header of weights, whose numbers are not there."""
    folder.mkdir(parents=True)
    shapes = {f"layer.{n}": {"dtype": "F32", "shape": [width, width], "data_offsets": [0, 0]} for n in range(layers)}
    header = json.dumps(shapes | {"__metadata__": {"format": "pt"}}).encode()
    (folder / "model.safetensors").write_bytes(struct.pack("<Q", len(header)) + header)
    (folder / "config.json").write_text(json.dumps({"model_type": "made_up"}))


def write_training(folder: Path, steps: int = 40) -> None:
    """The log of an RL run, with a reward that applies late."""
    from open_r1.metrics.kept_rollouts import file_of, write_rollout

    chance = random.Random(5)
    history = []
    for step in range(1, steps + 1):
        share = 0.2 + 0.6 * step / steps + chance.uniform(-0.03, 0.03)
        found = {"step": step, "reward": share + 0.2, "rewards/accuracy/mean": share}
        found |= {"completions/mean_length": 900 + 120 * step + chance.uniform(-200, 200), "kl": 0.001 * step}
        history.append(found | {"rewards/style/mean": share / 2 if step > 20 else None})
        rows = [
            {"step": step, "prompt": "?", "completion": "Wait, check. " * (n % 3), "rewards": {}, "reward": share}
            | {"advantage": 0.0, "tokens": 700 + 90 * step + 40 * n, "clipped": False, "right": n % 3 > 0}
            for n in range(6)
        ]
        if step % 4 == 1:
            write_rollout(file_of(folder, step), rows)
    (folder / "trainer_state.json").write_text(json.dumps({"log_history": history}))


def write_rows(folder: Path, rows: list[dict[str, Any]]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "part-00000.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


def measured(rows: list[dict[str, Any]]) -> dict[str, Any]:
    return summarize(rows, {row["dataset"]: {"num_samples": SAMPLES} for row in rows})


def write_evaluation(folder: Path, models: list[str], benchmarks: list[str], by_benchmark: bool) -> None:
    """An evaluation with its manifest; a store for each benchmark, or one for all."""
    metrics = {}
    for model in models:
        chance = random.Random(f"{model}{benchmarks}")
        rows = [
            row(model, name, number, sample, chance)
            for name in benchmarks
            for number in range(BENCHMARKS[name][2])
            for sample in range(SAMPLES)
        ]
        rows[0]["text"] = f"<think>{HOSTILE}</think>{HOSTILE}"
        rows[0]["question"] = f"What does {HOSTILE} mean?"
        for name in benchmarks:
            part = [row for row in rows if row["dataset"] == name]
            write_rows(folder / model / name.replace(" ", "_") if by_benchmark else folder / model, part)
        if not by_benchmark:
            write_rows(folder / model, rows)
        metrics[model] = measured(rows)
    recipe = {"root": str(folder.parent), "output_dir": str(folder), "num_samples": SAMPLES, "temperature": 0.6}
    recipe |= {"models": [str(folder.parent / model) for model in models]}
    recipe |= {"datasets": [{"path": f"made/{n}", "benchmark": n, "axis": BENCHMARKS[n][1]} for n in benchmarks]}
    manifest = {"hash": folder.name, "command": "evaluate", "recipe": recipe, "inputs": {}, "metrics": metrics}
    (folder / "manifest.json").write_text(json.dumps(manifest | {"seconds": 61.5, "peak_rss_gb": 0.5, "devices": 1}))


def write_folder(folder: Path) -> Path:
    """Three models, none of which this repository made; two evaluations; one RL run."""
    for name, (_, shape, _) in MODELS.items():
        write_model(folder / name, *shape)
    write_training(folder / "student-small")
    names = list(BENCHMARKS)
    write_evaluation(folder / "evaluate", list(MODELS), names[:3], by_benchmark=True)
    write_evaluation(folder / "evaluate_general", list(MODELS)[:2], names[3:], by_benchmark=False)
    return folder


if __name__ == "__main__":
    write_folder(Path(sys.argv[1]))
