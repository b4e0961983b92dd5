"""A stage that only steps, and a runner of pipelines of it: for tests of who ends when.

    python -m stepping run PIPELINE.yaml     # `open-r1 run`, where `sft` is this module
    python -m stepping --config RECIPE.yaml  # the stage

Every rank writes its steps, and starts a helper in a session of its own, as some libraries do. Pids go to `pids`.
"""

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from open_r1.core.artifacts import Artifact
from open_r1.core.keys import DATA, key
from open_r1.core.recipes import read_command_line


@dataclass
class ARGUMENTS:
    """What it waits for."""

    after: str = key("", loads=DATA)


SAVES, DEAF, CRASHES = "saves", "deaf", "crashes"  # what a stage does with SIGTERM, or by itself
ENOUGH = "enough"  # a file in its folder, which ends it well


def main(arguments: list[str]) -> None:
    recipe, _, _ = read_command_line(arguments)
    rank, folder, stop = int(os.environ.get("RANK", 0)), Path(recipe["output_dir"]), []
    signal.signal(signal.SIGTERM, lambda *_: stop.append(1))
    artifact = Artifact(recipe)
    folder.mkdir(parents=True, exist_ok=True)  # other ranks do not wait for the first
    if rank == 0:
        artifact.claim()
    helper = subprocess.Popen(["sleep", "1000"], start_new_session=True)
    with (folder / "pids").open("a") as file:
        file.write(f"{os.getpid()}\n{helper.pid}\n")
    (folder / "cores").write_text(str(sorted(os.sched_getaffinity(0))))
    steps = folder / f"steps-{rank}"
    step = len(steps.read_text()) if steps.exists() else 0
    while step < recipe["max_steps"] and not (folder / ENOUGH).exists():
        step += 1
        with steps.open("a") as file:
            file.write(".")
        time.sleep(0.05)
        if recipe["behaviour"] == CRASHES:
            raise RuntimeError("as it was told")
        if stop and recipe["behaviour"] == SAVES:
            time.sleep(0.3)  # a launcher must not cut it short
            (folder / f"saved-{rank}").write_text(str(step))
            sys.exit(75)
    helper.kill()
    if rank == 0:
        artifact.finish()


def run(arguments: list[str]) -> None:
    from open_r1 import pipeline
    from open_r1.core import runner
    from open_r1.core.commands import COMMANDS, Command

    COMMANDS["sft"] = Command("stepping", "", trains=True)
    runner.PRELOAD = []
    pipeline.main(arguments)


if __name__ == "__main__":
    run(sys.argv[2:]) if sys.argv[1] == "run" else main(sys.argv[1:])
