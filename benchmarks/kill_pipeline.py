"""Kills a pipeline with SIGKILL at random moments, runs it again each time, and compares the result with a run left
alone.

    python benchmarks/kill_pipeline.py recipes/mini/pipeline.yaml --kills 10 [--smoke] [--reference data/mini]

Checks: the last run finishes; results.json equals that of the uninterrupted run but for timings; a stage that was
complete at a kill is not run again; and no sample store holds a row twice that the other holds once. Exits with 1 if
any of it fails.
"""

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

TIMINGS = ("seconds", "peak_rss_gb", "versions")


def run(arguments: list[str], kill_after: float | None = None) -> bool:
    """
    Runs the pipeline in a process group of its own; kills the group after some seconds. Returns whether it finished.
    """
    command = [sys.executable, "-m", "open_r1.cli", "run", *arguments]
    process = subprocess.Popen(
        command, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    try:
        _, error = process.communicate(timeout=kill_after)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        return False
    if process.returncode:
        sys.exit(f"the pipeline failed: {error}")
    return True


def manifests(root: Path) -> dict[str, bytes]:
    return {path.parent.name: path.read_bytes() for path in root.glob("*/manifest.json")}


def results(root: Path) -> dict:
    found = json.loads((root / "report/results.json").read_text())
    return {key: value for key, value in found.items() if key not in TIMINGS}


def doubled_rows(root: Path) -> int:
    """Rows beyond the first of each problem and sample, over all stores."""
    extra = 0
    for store in {path.parent for path in root.rglob("part-*.jsonl")}:
        keys = [
            (row["problem_id"], row["sample"])
            for part in store.glob("part-*.jsonl")
            for row in map(json.loads, part.open())
        ]
        extra += len(keys) - len(set(keys))
    return extra


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pipeline")
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--smoke", action="store_true")
    parser.add_argument("--reference", type=Path, help="root of a finished run; without it one is made first")
    parser.add_argument("--seed", type=int, default=0, help="seed of the moments")
    options = parser.parse_args()
    rng, mode = random.Random(options.seed), ["--smoke"] if options.smoke else []
    with tempfile.TemporaryDirectory() as scratch:
        whole, killed = options.reference or Path(scratch) / "whole", Path(scratch) / "killed"
        began = time.time()
        run([options.pipeline, "--root", str(whole), *mode])
        expected = time.time() - began
        if options.reference:
            expected = sum(
                results_seconds
                for results_seconds in json.loads((whole / "report/results.json").read_text())["seconds"].values()
            )
        arguments = [options.pipeline, "--root", str(killed), *mode]
        kills, redone = 0, set()
        while kills < options.kills:
            before = manifests(killed)
            # importing the training stack takes some seconds: earlier kills would hit nothing
            if run(arguments, kill_after=rng.uniform(4, max(11, 0.2 * expected))):
                break
            kills += 1
            after = manifests(killed)
            redone |= {name for name in before if after.get(name) != before[name]}
            print(f"kill {kills}: {len(after)} stages complete", flush=True)
        before = manifests(killed)
        run(arguments)
        redone |= {name for name in before if manifests(killed).get(name) != before[name]}
        same = results(whole) == results(killed)
        doubled = doubled_rows(killed) - doubled_rows(whole)  # a training source may draw a problem twice
        print(
            f"kills {kills}; results equal: {same}; stages run again: {sorted(redone)}; "
            f"rows doubled by kills: {doubled}"
        )
        sys.exit(not same or bool(redone) or doubled != 0)


if __name__ == "__main__":
    main()
