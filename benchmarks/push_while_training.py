"""What publishing costs a training, measured inside one: an SFT of a tiny model saves every so many steps, and only
every other of these saves is published, to a Hub on this machine.

    python benchmarks/push_while_training.py [--pairs 20] [--every 100] [--delay 0.05] [--gpu]

A window is a save and the steps up to the next one; a pair is two of them in turn, one beside a publication and one
without (the order changes from pair to pair). What makes two runs of a training differ by a tenth, such as where its
memory lies and what the machine did before, is the same in both. Prints the ratio of a pair's seconds, as a geometric
mean with its 95% interval (Student's t over the pairs): of a whole window, of a median step, and of the steps beside
the publication itself against the same ones of the other window. The model is the mini world's; with `--gpu` one of
Qwen2.5-0.5B's shape with random weights, in bfloat16 on rows of 512 tokens, 32 a step, on one GPU of its own.
"""

import argparse
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
from local_hub import LocalHub
from plan_memory import ON_GPU, big_base, recipe_of

from open_r1.metrics.statistics import student

MINI = ["--config", "recipes/mini/base.yaml", "--smoke", "--rows_per_step=32"]
REAL = {**ON_GPU, "max_length": 512, "per_device_train_batch_size": 32, "save_strategy": "steps"}
PUBLISH = ["--push_to_hub", "--hub_namespace", "lab", "--hub_must_stop", "0"]
TRAIN = """
import json, sys
from pathlib import Path
from open_r1 import sft
from open_r1.core.outbox import entries
from open_r1.training import run, timing
publish, chosen, busy = run.add_step, set(map(int, sys.argv.pop(1).split(","))), []
run.add_step = lambda output, recipe, made, step: step in chosen and publish(output, recipe, made, step)
ended = timing.Timing.on_step_end
def on_step_end(self, args, *rest, **more):
    ended(self, args, *rest, **more)
    busy.append(bool(list(entries(Path(args.output_dir)))))
timing.Timing.on_step_end = on_step_end
sft.main(sys.argv[1:])
print("BUSY", json.dumps(busy))
"""


def words_of(model: str | None, root: Path) -> list[str]:
    """The recipe of a run, for the command line."""
    if model is None:
        return [*MINI, "--root", str(root)]
    root.mkdir()
    recipe = recipe_of("sft", model, root, REAL) | {"output_dir": str(root / "base")}
    return [word for key, value in recipe.items() for word in (f"--{key}", json.dumps(value))]


def windows(pairs: int) -> list[bool]:
    """Whether each window publishes: without and with, with and without, in turn."""
    return [publish for pair in range(pairs) for publish in ((False, True) if pair % 2 == 0 else (True, False))]


def train(hub: LocalHub, root: Path, model: str | None, every: int, chosen: list[int], last: int) -> list[bool]:
    """Trains; whether something was being published at each step."""
    words = [sys.executable, "-c", TRAIN, ",".join(map(str, chosen)), *words_of(model, root), *PUBLISH]
    words += ["--logging_steps=1", "--save_total_limit=1", f"--max_steps={last}", f"--save_steps={every}"]
    began = time.perf_counter()
    done = subprocess.run(list(map(str, words)), env=os.environ | hub.environment, capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stdout + done.stderr)
    found = set(hub.repositories["model", f"lab/{root.name}-base"].branches)
    if found != {"main"} | {f"step-{step:06d}" for step in chosen}:  # a run that publishes nothing costs nothing
        sys.exit(f"published: {sorted(found)}")
    print(f"the whole run: {time.perf_counter() - began:.0f} s")
    return json.loads(done.stdout.rpartition("BUSY ")[2].splitlines()[0])


def tell(name: str, pairs: list[tuple[float, float]]) -> None:
    """The ratio of seconds with to those without, with its interval, and what that is in seconds."""
    logs = [math.log(beside / without) for without, beside in pairs]
    mean, reach = statistics.mean(logs), student(len(logs) - 1) * statistics.stdev(logs) / math.sqrt(len(logs))
    low, ratio, high = (math.exp(mean + by) for by in (-reach, 0.0, reach))
    without, beside = map(statistics.mean, zip(*pairs, strict=True))
    print(
        f"{name}: {without:.4f} s without, {beside:.4f} s with, ratio {ratio:.4f}, "
        f"95% interval {low:.4f} to {high:.4f} of {len(pairs)} pairs: "
        f"{(ratio - 1) * without:.3f} s more, {(low - 1) * without:.3f} to {(high - 1) * without:.3f}"
    )


def compare(steps: list[float], busy: list[bool], published: list[bool], every: int) -> None:
    """Compares the windows; the steps before the first save, which warm up, are in none."""
    found: dict[str, list[tuple[float, float]]] = {"window": [], "median step": [], "step while publishing": []}
    shares, late = [], 0
    for first in range(0, len(published), 2):
        places = [slice(every * (first + at), every * (first + at + 1)) for at in (1, 2)]
        without, beside = places[::-1] if published[first] else places
        during = [at for at, now in enumerate(busy[beside]) if now]
        late += any(busy[without])
        shares.append(len(during) / every)
        found["window"].append((sum(steps[without]), sum(steps[beside])))
        found["median step"].append((statistics.median(steps[without]), statistics.median(steps[beside])))
        mean = [statistics.mean(steps[place][at] for at in during) for place in (without, beside)]
        found["step while publishing"].append((mean[0], mean[1]))
    for name, pairs in found.items():
        tell(name, pairs)
    print(f"a publication took {statistics.mean(shares):.0%} of its window; {late} reached into the next one")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=20)
    parser.add_argument("--every", type=int, default=100, help="steps of a window")
    parser.add_argument("--delay", type=float, default=0.05, help="seconds before each answer of the Hub")
    parser.add_argument("--gpu", action="store_true")
    given = parser.parse_args()
    published = windows(given.pairs)
    chosen = [given.every * index for index, publish in enumerate(published, 1) if publish]
    with tempfile.TemporaryDirectory() as folder, LocalHub(Path(folder) / "hf") as hub:
        hub.delay = given.delay
        model, root = big_base("0.5B", Path(folder) / "model") if given.gpu else None, Path(folder) / "run"
        last = given.every * (len(published) + 1)
        busy = train(hub, root, model, given.every, chosen, last)
        rows = json.loads((root / "base" / "trainer_state.json").read_text())["log_history"]
    steps = [row["time/update"] + row["time/wait"] for row in rows if "time/update" in row]
    compare(steps, busy, published, given.every)


if __name__ == "__main__":
    main()
