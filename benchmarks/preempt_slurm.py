"""Interrupts Slurm jobs at random moments, and compares what they compute with a job that nothing interrupts: SFT and
GRPO on two nodes of a test cluster on this machine, which needs root and Slurm; one run.

python benchmarks/preempt_slurm.py [--moments 5] [--steps 60] [--seed 0] [--only sft]
"""

import argparse
import json
import random
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
from slurm_cluster import Cluster
from slurm_site import Site
from test_job_on_slurm import GRPO, MODEL, SFT, SHORT, history, run, weights
from waiting import wait_for

from open_r1.core.artifacts import read_progress

PARTS, SAME = {"sft": SFT, "grpo": GRPO}, {True: "same", False: "DIFFERENT"}


def signal(site: Site, job: str) -> None:
    """As before a time limit."""
    site.cluster.run("scancel", "--batch", "--signal=USR1", job)


def requeue(site: Site, job: str) -> None:
    site.cluster.run("scontrol", "requeue", job)


def node(site: Site, job: str) -> None:
    """The power of a node is cut, and comes back."""
    site.cluster.kill_node("n2")
    site.cluster.wait(lambda: "n2 down" in site.cluster.run("sinfo", "-N", "-h", "-o", "%N %T"))
    site.cluster.start_node("n2")


def train(site: Site, part: str, name: str, steps: int, more: list) -> str:
    words = [*PARTS[part], *SHORT, "--max_steps", steps, "--save_steps", 10, "--output_dir", name, *more]
    return site.submit(*words, "--with", "with_ddp.yaml")


def interrupted(site: Site, job: str, name: str, interrupt, step: int) -> str:
    """Interrupts a job some moment after a step; how it ends."""
    wait_for(lambda: done(site.root / name) >= step, f"step {step} of {name}")
    try:
        interrupt(site, job)
    except subprocess.CalledProcessError as error:  # it has ended already
        print(f"{name}: too late: {error.stderr.strip()}", flush=True)
    return site.finish(job)


def done(output: Path) -> int:
    """The steps that a run has made."""
    return read_progress(output).get("done", 0)


def same(site: Site, name: str, other: str) -> bool:
    """Whether two runs logged the same losses and saved the same weights, bit by bit."""
    one, two = site.root / name, site.root / other
    return history(one) == history(two) and weights(one) == weights(two)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for name, default in (("moments", 5), ("steps", 60), ("seed", 0)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--only", choices=PARTS)
    given = parser.parse_args()
    rng, wrong = random.Random(given.seed), 0
    folder = Path(tempfile.mkdtemp(prefix="preempt-"))
    run("-m", "open_r1.sft", "--config", "recipes/mini/base.yaml", "--smoke", "--output_dir", folder / "start",
        "--model_config", json.dumps(MODEL))  # fmt: skip
    cluster = Cluster(folder / "cluster", gpus=1)
    cluster.start()
    try:
        site = Site(folder / "site", cluster)
        for part in [given.only] if given.only else PARTS:
            model = ["--model_name_or_path", folder / "start"]
            print(
                f"{part}: {site.finish(train(site, part, part, given.steps, model))}, nothing interrupts", flush=True
            )
            for kind in (signal, requeue, node):
                for number in range(given.moments):
                    name, step = f"{part}-{kind.__name__}-{number}", rng.randrange(1, given.steps - 2)
                    job = train(site, part, name, given.steps, model)
                    state = interrupted(site, job, name, kind, step)
                    equal = state.startswith("COMPLETED") and same(site, name, part)
                    wrong += not equal
                    begun = site.log(job).count("resuming ")
                    print(f"{name}: after step {step}, {state}, resumed {begun} x, {SAME[equal]}", flush=True)
    finally:
        cluster.stop()
    sys.exit(f"{wrong} runs differ; {folder} is kept" if wrong else 0)


if __name__ == "__main__":
    main()
