"""What publishing costs a training: the same SFT of a tiny model, with every so many steps a revision that goes to a
Hub on this machine, and without, in turn.

    python benchmarks/push_while_training.py [--pairs 4] [--steps 100] [--every 20] [--delay 0.05] [--gpu]

Prints the seconds of each run and the ratios, of each pair and of the medians: of a step, of the training with its
saves, and of the whole run, which checks the token before and waits for what is not published yet at its end. The
model is the mini world's; with `--gpu` one of Qwen2.5-0.5B's shape with random weights, in bfloat16 on rows of 512
tokens, 32 a step, on one GPU that nothing else uses.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
from local_hub import LocalHub
from plan_memory import ON_GPU, big_base, recipe_of

MINI = ["--config", "recipes/mini/base.yaml", "--smoke", "--rows_per_step=32"]
REAL = {**ON_GPU, "max_length": 512, "per_device_train_batch_size": 32, "save_strategy": "steps"}
PUBLISH = ["--push_to_hub", "--hub_namespace", "lab", "--hub_must_stop", "0"]
TRAIN = """
import resource, sys
from open_r1 import sft
sft.main(sys.argv[1:])
used = resource.getrusage(resource.RUSAGE_SELF)
print("PROCESSOR", used.ru_utime + used.ru_stime)
"""


class Seconds(NamedTuple):
    """
    Of a median step; of a mean step; of a training for each step, with its saves; of a processor for the process that
    trains, which other work on the machine changes little; and of the whole run.
    """

    step: float
    mean: float
    training: float
    processor: float
    whole: float


def words_of(model: str | None, root: Path) -> list[str]:
    """The recipe of a run, for the command line."""
    if model is None:
        return [*MINI, "--root", str(root)]
    root.mkdir()
    recipe = recipe_of("sft", model, root, REAL) | {"output_dir": str(root / "base")}
    return [word for key, value in recipe.items() for word in (f"--{key}", json.dumps(value))]


def train(hub: LocalHub, root: Path, model: str | None, steps: int, every: int, publish: bool) -> Seconds:
    words = [sys.executable, "-c", TRAIN, *words_of(model, root), *(PUBLISH if publish else [])]
    words += ["--logging_steps=1", "--save_total_limit=2", f"--max_steps={steps}", f"--save_steps={every}"]
    began = time.perf_counter()
    done = subprocess.run(list(map(str, words)), env=os.environ | hub.environment, capture_output=True, text=True)
    whole = time.perf_counter() - began
    if done.returncode:
        sys.exit(done.stdout + done.stderr)
    rows = json.loads((root / "base" / "trainer_state.json").read_text())["log_history"]
    taken = [row["time/update"] + row["time/wait"] for row in rows if "time/update" in row][1:]  # the first warms up
    runtime = next(row["train_runtime"] for row in rows if "train_runtime" in row)
    processor = float(done.stdout.partition("PROCESSOR ")[2].split()[0])
    return Seconds(statistics.median(taken), statistics.mean(taken), runtime / steps, processor, whole)


def require_published(hub: LocalHub, root: Path, steps: int, every: int) -> None:
    """A run that publishes nothing costs nothing."""
    found = set(hub.repositories["model", f"lab/{root.name}-base"].branches)
    wanted = {"main"} | {f"step-{step:06d}" for step in range(every, steps + 1, every)}
    if found != wanted:
        sys.exit(f"published: {sorted(found)} of {sorted(wanted)}")


def report(found: dict[bool, list[Seconds]]) -> None:
    """The ratios; after each pair, so that a run that is ended early has told something."""
    for index, name in enumerate(Seconds._fields):
        without, beside = (statistics.median(run[index] for run in found[publish]) for publish in (False, True))
        pairs = [after[index] / before[index] for before, after in zip(found[False], found[True], strict=True)]
        print(f"{name}: {without:.4f} s without, {beside:.4f} s with, ratio {beside / without:.3f}, ", end="")
        print(f"of the pairs {', '.join(f'{ratio:.3f}' for ratio in sorted(pairs))}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for name, default in (("pairs", 4), ("steps", 100), ("every", 20)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--delay", type=float, default=0.05, help="seconds before each answer of the Hub")
    parser.add_argument("--gpu", action="store_true")
    given = parser.parse_args()
    found: dict[bool, list[Seconds]] = {False: [], True: []}
    with tempfile.TemporaryDirectory() as folder, LocalHub(Path(folder) / "hf") as hub:
        hub.delay = given.delay
        model = big_base("0.5B", Path(folder) / "model") if given.gpu else None
        for pair in range(given.pairs):
            for publish in (False, True) if pair % 2 == 0 else (True, False):
                root = Path(folder) / f"{'with' if publish else 'without'}-{pair}"
                run = train(hub, root, model, given.steps, given.every, publish)
                if publish:
                    require_published(hub, root, given.steps, given.every)
                    hub.repositories.clear()  # it keeps everything in memory
                    hub.objects.clear()
                found[publish].append(run)
                words = (f"{name} {seconds:.4f} s" for name, seconds in run._asdict().items())
                print(f"{root.name}: {', '.join(words)}", flush=True)
            report(found)


if __name__ == "__main__":
    main()
