"""Decontamination speed beside the plain way, a Python set of 10-grams per row with `datasets.map`; one run, planted
hits and near misses.

python benchmarks/decontaminate.py [--rows 200000] [--questions 5000] [--long 2000000]
"""

import argparse
import random
import resource
import sys
import time

import datasets

from open_r1.data.ngrams import Index

SIZE = 10


def make_text(rng: random.Random, words: list[str]) -> str:
    return " ".join(rng.choices(words, k=rng.randint(30, 90)))


def make_rows(count: int, questions: list[str], words: list[str], seed: int) -> tuple[list[str], set[int], set[int]]:
    """Problems; in 1 of 100 stand ten words of a question, in 1 of 100 nine of them with another word behind."""
    rng, rows, hits, misses = random.Random(seed), [], set(), set()
    for number in range(count):
        text = make_text(rng, words).split()
        kind = rng.random()
        if kind < 0.02:
            question = rng.choice(questions).split()
            start = rng.randrange(len(question) - SIZE + 1)
            piece = question[start : start + SIZE] if kind < 0.01 else [*question[start : start + SIZE - 1], "unseen"]
            place = rng.randrange(len(text))
            text[place:place] = ["other", *piece, "other"]
            (hits if kind < 0.01 else misses).add(number)
        rows.append(" ".join(text))
    return rows, hits, misses


def plain(rows: datasets.Dataset, questions: list[str]) -> list[int]:
    """The way that most scripts do it."""

    def grams(text: str) -> set[str]:
        words = text.lower().split()
        return {" ".join(words[i : i + SIZE]) for i in range(len(words) - SIZE + 1)}

    known = set().union(*map(grams, questions))
    marked = rows.map(lambda row: {"hit": not known.isdisjoint(grams(row["prompt"]))})
    return [n for n, hit in enumerate(marked["hit"]) if hit]


def ours(rows: datasets.Dataset, questions: list[str]) -> list[int]:
    index, found, number = Index([("benchmark", str(n), text, True) for n, text in enumerate(questions)], SIZE), [], 0
    for batch in rows.iter(batch_size=20_000):
        for match in index.check(batch["prompt"]):
            found += [number] if match else []
            number += 1
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--questions", type=int, default=5_000)
    parser.add_argument("--long", type=int, default=2_000_000)
    args, rng = parser.parse_args(), random.Random(0)
    datasets.disable_caching()
    words = ["".join(rng.choices("abcdefghijklmnopqrstuvwxyz", k=rng.randint(2, 9))) for _ in range(5_000)]
    questions = [make_text(rng, words) for _ in range(args.questions)]
    texts, hits, misses = make_rows(args.rows, questions, words, 1)
    rows = datasets.Dataset.from_dict({"prompt": texts})
    del texts
    seconds = {}
    for name, way in (("ours", ours), ("a set per row", plain)):
        before, began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.perf_counter()
        found = set(way(rows, questions))
        seconds[name] = time.perf_counter() - began
        grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
        planted = (
            f"{len(found & hits)} of {len(hits)} planted hits, {len(found & misses)} of {len(misses)} near misses"
        )
        others = len(found - hits - misses)
        print(
            f"{name}: {seconds[name]:.1f} s, {planted}, {others} others; memory of the process grew by {grown:.0f} MB",
            flush=True,
        )
    print(f"ratio {seconds['a set per row'] / seconds['ours']:.1f}")
    index = Index([("benchmark", str(n), text, True) for n, text in enumerate(questions)], SIZE)
    spent, checked = 0.0, 0
    while checked < args.long:
        texts, _, _ = make_rows(100_000, questions, words, 2 + checked)
        began = time.perf_counter()
        index.check(texts)
        spent, checked = spent + time.perf_counter() - began, checked + len(texts)
        if checked in (args.long // 10, args.long // 2, args.long):
            print(f"{checked} rows streamed: {spent:.1f} s", flush=True)
    print(
        f"peak memory of the whole run {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB",
        file=sys.stderr,
    )


if __name__ == "__main__":
    main()
