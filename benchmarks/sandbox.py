"""Programs per second in the sandbox, beside a plain `python -I -S` subprocess without any isolation; ratios from one
run.

python benchmarks/sandbox.py [--programs 300] [--soak 60]

With `--soak`, that many seconds of hostile and honest programs from 8 threads instead (tests/sandbox/soak.py).
"""

import argparse
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from open_r1.core.processes import available_cores
from open_r1.sandbox import LocalSandbox, Program
from open_r1.sandbox.command import interpreter
from open_r1.sandbox.local import works

SOURCE = "n = int(input())\nprint(sum(range(n)))\n"


def plain(_: int) -> bool:
    done = subprocess.run(
        [interpreter()[0], "-I", "-S", "-c", SOURCE], input="100", capture_output=True, text=True, env={}, check=True
    )
    return done.stdout == "4950\n"


def rate(run, programs: int, workers: int) -> float:
    """Programs per second; every result is checked."""
    with ThreadPoolExecutor(workers) as threads:
        list(threads.map(run, range(workers)))  # start
        began = time.perf_counter()
        assert all(threads.map(run, range(programs)))
        return programs / (time.perf_counter() - began)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--programs", type=int, default=300)
    parser.add_argument("--soak", type=float)
    arguments = parser.parse_args()
    if arguments.soak:
        script = Path(__file__).parents[1] / "tests" / "sandbox" / "soak.py"
        sys.exit(subprocess.run([sys.executable, script, str(arguments.soak)]).returncode)
    programs, workers = arguments.programs, available_cores() + 1
    before = rate(plain, programs, workers)
    rows = []
    for mode, warm in (("bubblewrap", False), ("bubblewrap", True), ("landlock", False)):
        if reason := works(mode, warm):
            print(f"{mode}: {reason}", file=sys.stderr)
            continue
        sandbox = LocalSandbox(mode, warm=warm)
        run = lambda _, sandbox=sandbox: sandbox.run(Program(SOURCE, inputs=["100"]))[0].stdout == "4950\n"
        rows.append((f"{mode}, {'warm' if warm else 'fresh'}", rate(run, programs * (4 if warm else 1), workers)))
        sandbox.close()
    reference = (before + rate(plain, programs, workers)) / 2  # before and after, since the machine may drift
    print(f"{workers} workers\n\n| way | programs/s | against a plain subprocess |\n|---|---|---|")
    print(f"| `python -I -S`, no isolation | {reference:.0f} | 1.00 |")
    for name, value in rows:
        print(f"| {name} | {value:.0f} | {value / reference:.2f} |")


if __name__ == "__main__":
    main()
