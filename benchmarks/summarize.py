"""Summary of a large evaluation: seconds of a core and memory beside reading the same store alone, one process each.

python benchmarks/summarize.py [--completions 500000] [--samples 64] [--tokens 100] [--limit 16.0]

Rows are like those of a reasoner on a contest: words, an answer that is right, one of 20 wrong ones, or missing; some
responses end in a loop. It fails where the summary takes more than `limit` times the reading, or 1 GB.
"""

import argparse
import json
import multiprocessing
import random
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from open_r1.metrics.summary import summarize
from open_r1.sampling.store import read_store, save_part

PART = 4096  # completions of a file
WORDS = [
    "so",
    "we",
    "wait",
    "let",
    "check",
    "the",
    "sum",
    "of",
    "these",
    "numbers",
    "is",
    "then",
    "but",
    "again",
    "by",
]


def make_row(rng: random.Random, problem: int, sample: int, tokens: int) -> dict:
    right = rng.random() < 0.6
    answer = str(problem % 1000) if right else None if rng.random() < 0.1 else str(1000 + rng.randrange(20))
    loop = rng.random() < 0.03
    right, answer = right and not loop, None if loop else answer
    words = "wait let me check this sum again , " * (tokens // 8) if loop else " ".join(rng.choices(WORDS, k=tokens))
    text = f"<think> {words}" if loop else f"<think> {words} </think> \\boxed{{{answer}}}"
    return {
        "problem_id": f"p{problem:06d}", "answer": str(problem % 1000), "verifier": "math", "domain": "reasoning",
        "language": "en", "difficulty": problem % 5 + 1, "metadata": "", "dataset": "contest",
        "question": f"What is the remainder of {problem} by 1000?", "sample": sample, "prompt": f"<user> {problem}",
        "text": text, "tokens": tokens, "seed": sample, "model": "m",
        "finish_reason": "length" if loop else "stop", "valid": not loop, "reasoning": words,
        "final": f"\\boxed{{{answer}}}", "extracted": answer, "score": float(right),
        "outcome": "correct" if right else "wrong" if answer else "no_answer",
    }  # fmt: skip


def make_store(directory: Path, completions: int, samples: int, tokens: int) -> None:
    rng, per_part = random.Random(0), max(1, PART // samples)
    problems = completions // samples
    for number, start in enumerate(range(0, problems, per_part)):
        chosen = range(start, min(start + per_part, problems))
        save_part(directory, number, [make_row(rng, p, s, tokens) for p in chosen for s in range(samples)])


def read_alone(directory: Path, samples: int) -> dict:
    return {"rows": sum(1 for _ in read_store(directory))}


def read_and_summarize(directory: Path, samples: int) -> dict:
    return summarize(read_store(directory), {"contest": {"num_samples": samples}})["by_dataset"]["contest"]


def measured(task: Callable[[Path, int], dict], directory: Path, samples: int) -> tuple[dict, float, float]:
    """What a task returns, its seconds and the megabytes of its process."""
    began = time.process_time()  # of a machine that others use too
    found = task(directory, samples)
    return found, time.process_time() - began, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--completions", type=int, default=500_000)
    parser.add_argument("--samples", type=int, default=64)
    parser.add_argument("--tokens", type=int, default=100)
    parser.add_argument("--limit", type=float, default=16.0)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        store = Path(folder)
        make_store(store, args.completions, args.samples, args.tokens)
        size = sum(path.stat().st_size for path in store.iterdir()) / 1e6
        print(f"{args.completions} completions in {size:.0f} MB", flush=True)
        seconds = {}
        for task in (read_alone, read_and_summarize):
            with multiprocessing.get_context("spawn").Pool(1) as pool:  # memory of this task alone
                found, seconds[task], memory = pool.apply(measured, (task, store, args.samples))
            print(f"{task.__name__}: {seconds[task]:.1f} s, {memory:.0f} MB", flush=True)
        print(json.dumps({key: value for key, value in found.items() if key != "by_difficulty"}))
    ratio = seconds[read_and_summarize] / seconds[read_alone]
    print(f"ratio {ratio:.1f}")
    if ratio > args.limit or memory > 1000:
        raise SystemExit("slower, or larger, than it may be")


if __name__ == "__main__":
    main()
