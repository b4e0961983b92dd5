"""Seconds of a GRPO step, with our trainer and with TRL's own: same recipe, same rollouts, in turn.

    python benchmarks/grpo_step.py recipes/mini/zero.yaml --steps 8 --repeats 3

Needs the recipe's start model (`open-r1 run recipes/mini/pipeline.yaml --to base`). Prints the mean step of each
run and the ratio of the medians.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path


def measure(recipe: str, steps: int, theirs: bool) -> None:
    """Trains for some steps in this process, and prints their seconds and those of generation as JSON."""
    from trl import GRPOTrainer

    from open_r1 import grpo
    from open_r1.training.padding import UnpaddedTrainer

    if theirs:
        name = "_get_per_token_logps_and_entropies"
        setattr(UnpaddedTrainer, name, getattr(GRPOTrainer, name))
    with tempfile.TemporaryDirectory() as folder:
        options = {"output_dir": f"{folder}/out", "max_steps": steps, "save_steps": steps, "logging_steps": steps}
        grpo.main(["--config", recipe, *(word for key, value in options.items() for word in (f"--{key}", str(value)))])
        state = json.loads(Path(folder, "out/trainer_state.json").read_text())
    row = next(row for row in state["log_history"] if "step_time" in row)
    print("RESULT" + json.dumps({"step": row["step_time"]}))


def once(recipe: str, steps: int, theirs: bool) -> float:
    command = [sys.executable, __file__, recipe, "--steps", str(steps), "--alone", "theirs" if theirs else "ours"]
    text = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout
    return json.loads(text.rpartition("RESULT")[2])["step"]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("recipe")
    parser.add_argument("--steps", type=int, default=8)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--alone", choices=["ours", "theirs"])
    args = parser.parse_args()
    if args.alone:
        return measure(args.recipe, args.steps, args.alone == "theirs")
    found = {False: [], True: []}
    for _ in range(args.repeats):
        for theirs in (False, True):
            found[theirs].append(once(args.recipe, args.steps, theirs))
    ours, theirs = (statistics.median(found[key]) for key in (False, True))
    print(f"seconds per step: ours {ours:.2f} of {found[False]}, TRL {theirs:.2f} of {found[True]}")
    print(f"ratio {theirs / ours:.2f}")


if __name__ == "__main__":
    main()
