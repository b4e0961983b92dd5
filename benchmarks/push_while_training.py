"""What publishing costs a training: the same SFT of a tiny model, with every so many steps a revision that goes to a
Hub on this machine, and without, in turn.

    python benchmarks/push_while_training.py [--pairs 4] [--steps 100] [--every 20] [--delay 0.05]

Prints the seconds of each run and the ratios of the medians: of a step, of the training, and of the whole run, which
checks the token before and waits for what is not published yet at its end.
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

RECIPE = "recipes/mini/base.yaml"
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
    Of a median step; of a training for each step, with its saves; of a processor for the process that trains, which
    other work on the machine changes little; and of the whole run.
    """

    step: float
    training: float
    processor: float
    whole: float


def train(hub: LocalHub, root: Path, steps: int, every: int, publish: bool) -> Seconds:
    words = [sys.executable, "-c", TRAIN, "--config", RECIPE, "--root", root, *(PUBLISH if publish else [])]
    words += ["--smoke", "--rows_per_step=32", "--logging_steps=1", "--save_total_limit=2"]
    words += [f"--max_steps={steps}", f"--save_steps={every}"]
    began = time.perf_counter()
    done = subprocess.run(list(map(str, words)), env=os.environ | hub.environment, capture_output=True, text=True)
    whole = time.perf_counter() - began
    if done.returncode:
        sys.exit(done.stdout + done.stderr)
    rows = json.loads((root / "base" / "trainer_state.json").read_text())["log_history"]
    single = statistics.median(row["time/update"] + row["time/wait"] for row in rows if "time/update" in row)
    runtime = next(row["train_runtime"] for row in rows if "train_runtime" in row)
    processor = float(done.stdout.partition("PROCESSOR ")[2].split()[0])
    return Seconds(single, runtime / steps, processor, whole)


def require_published(hub: LocalHub, root: Path, steps: int, every: int) -> None:
    """A run that publishes nothing costs nothing."""
    found = set(hub.repositories["model", f"lab/{root.name}-base"].branches)
    wanted = {"main"} | {f"step-{step:06d}" for step in range(every, steps + 1, every)}
    if found != wanted:
        sys.exit(f"published: {sorted(found)} of {sorted(wanted)}")


def report(found: dict[bool, list[Seconds]]) -> None:
    for index, name in enumerate(Seconds._fields):
        without, beside = (statistics.median(run[index] for run in found[publish]) for publish in (False, True))
        print(f"{name}: {without:.4f} s without, {beside:.4f} s with, ratio {beside / without:.3f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for name, default in (("pairs", 4), ("steps", 100), ("every", 20)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--delay", type=float, default=0.05, help="seconds before each answer of the Hub")
    given = parser.parse_args()
    found: dict[bool, list[Seconds]] = {False: [], True: []}
    with tempfile.TemporaryDirectory() as folder, LocalHub(Path(folder) / "hf") as hub:
        hub.delay = given.delay
        for pair in range(given.pairs):
            for publish in (False, True):
                root = Path(folder) / f"{'with' if publish else 'without'}-{pair}"
                run = train(hub, root, given.steps, given.every, publish)
                if publish:
                    require_published(hub, root, given.steps, given.every)
                found[publish].append(run)
                words = (f"{name} {seconds:.4f} s" for name, seconds in run._asdict().items())
                print(f"{root.name}: {', '.join(words)}", flush=True)
    report(found)


if __name__ == "__main__":
    main()
