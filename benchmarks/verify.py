"""Speed and verdicts of our accuracy reward beside TRL's, on batches as GRPO makes them; ratios from one run.

    python benchmarks/verify.py [--problems 64] [--group 16] [--adversarial 0.05]
    python benchmarks/verify.py --soak 60

A batch: problems with golds of mixed kinds, per problem a group of completions of 200 to 2,000 tokens, 40 to 70% of
them right. The second batch has 5% hostile answers. TRL gets every gold in dollars, its best case (bare LaTeX golds it
mostly skips or misreads). Then the hand-labelled corpus of tests/verify: false negatives and false positives by
category.
"""

import argparse
import asyncio
import logging
import multiprocessing
import random
import resource
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "verify"))
from corpus import MATH, boxed, math_cases

TEXT = (
    "so we have that the sum of both terms is then equal to which means for every prime number it follows from this "
    "and hence"
)
WORDS = TEXT.split(" ")
HOSTILE = [
    r"9^{9^{9}}", r"10^{10^{10}}", "1000000!", r"\binom{1000000000}{500000000}", "(x+y+z+w)^{60}", "(x+1)^{1000}",
    "((((" * 12 + "7" + "))))" * 12,
    r"\{" + ",".join(map(str, range(2000))) + r"\}", r"\dfrac{5^{(5^{(5^{(5^5)})}-4)}-5}{16}",
    "x^{" * 40 + "x" + "}" * 40, r"\sum_{k=1}^{10^9} \frac{1}{k^{k}}", r"\prod_{n=1}^{100000} (1+\frac{1}{n^2})",
    r"\int_0^1 x^{x^{x^x}} dx", "9" * 20_000,
    r"\frac{" * 50 + "1" + "}{2}" * 50,
]  # fmt: skip


def make_batch(problems: int, group: int, adversarial: float, seed: int = 0) -> tuple[list[str], list[str]]:
    """Golds and completions of one batch."""
    rng = random.Random(seed)
    entries = [entry for category in MATH.values() for entry in category if entry[1] and entry[2]]
    golds, completions = [], []
    for _ in range(problems):
        gold, right, wrong = rng.choice(entries)
        rate = rng.uniform(0.4, 0.7)
        for _ in range(group):
            answer = rng.choice(right[:3] if rng.random() < rate else wrong)
            if rng.random() < adversarial:
                answer = rng.choice(HOSTILE)
            thoughts = " ".join(
                rng.choice(WORDS) + (f" ${rng.randint(1, 99)}$" if rng.random() < 0.1 else "")
                for _ in range(rng.randint(150, 1500))
            )
            golds.append(gold)
            completions.append(f"<think>\n{thoughts}\n</think>\n\nThe answer is $\\boxed{{{answer}}}$.")
    return golds, completions


def run_ours(golds: list[str], completions: list[str]) -> tuple[list[float | None], float]:
    from open_r1.core.formats import ResponseFormat
    from open_r1.rewards.accuracy import AccuracyReward

    reward = AccuracyReward(ResponseFormat("r1"))
    began = time.perf_counter()
    scores = asyncio.run(
        reward(prompts=["q"] * len(golds), completions=completions, verifier=["math"] * len(golds), answer=golds)
    )
    return scores, time.perf_counter() - began


def run_trl(golds: list[str], completions: list[str]) -> tuple[list[float | None], float]:
    from trl.rewards import accuracy_reward

    wrapped = [gold if "$" in gold.replace(r"\$", "") else f"${gold}$" for gold in golds]
    began = time.perf_counter()
    scores = accuracy_reward([[{"content": text}] for text in completions], wrapped)
    return scores, time.perf_counter() - began


def compare_batch(title: str, golds: list[str], completions: list[str], patience: float) -> None:
    """One line with the ratio, and the different verdicts."""
    ours, our_seconds = run_ours(golds, completions)
    right = sum(score == 1 for score in ours) / len(ours)
    begin = f"{title}: {len(golds)} completions; ours {our_seconds:.2f} s ({right:.0%} right)"
    # a process, since nothing else ends it
    with ProcessPoolExecutor(1, multiprocessing.get_context("forkserver")) as pool:
        try:
            pool.submit(run_trl, golds[:1], completions[:1]).result()  # its imports
            theirs, their_seconds = pool.submit(run_trl, golds, completions).result(patience)
        except TimeoutError:
            for process in list(pool._processes.values()):
                process.kill()
            return print(
                f"{begin}, TRL stopped after {patience:.0f} s, ratio at least {patience / our_seconds:.0f}", flush=True
            )
    print(f"{begin}, TRL {their_seconds:.2f} s, ratio {their_seconds / our_seconds:.1f}", flush=True)
    pairs = zip(golds, completions, ours, theirs, strict=True)
    different = Counter(
        (gold, text[text.rfind("boxed{") + 6 : -3][:60], one, other)
        for gold, text, one, other in pairs
        if bool(one) != bool(other)
    )
    print(f"  different verdicts: {sum(different.values())}, of {len(different)} pairs")
    for (gold, answer, one, other), count in sorted(different.items()):
        print(f"    {count} x gold {gold!r}, answer {answer!r}: ours {one}, TRL {other}")


def compare_corpus() -> None:
    """False negatives and positives on the labelled corpus, by category."""
    cases = list(math_cases())
    golds, completions = [gold for _, gold, _, _ in cases], [boxed(answer) for _, _, answer, _ in cases]
    table: dict[str, Counter] = {}
    for who, scores in (("ours", run_ours(golds, completions)[0]), ("TRL", run_trl(golds, completions)[0])):
        for (category, _, _, right), score in zip(cases, scores, strict=True):
            row = table.setdefault(category, Counter())
            row["cases"] += who == "ours"
            row[f"{who} {'FN' if right else 'FP'}"] += bool(score) != right
    columns = ("cases", "ours FN", "TRL FN", "ours FP", "TRL FP")
    print("| category | " + " | ".join(columns) + " |\n|---|" + "---|" * len(columns))
    table["all"] = sum(table.values(), Counter())
    for category, row in table.items():
        print(f"| {category} | " + " | ".join(str(row[column]) for column in columns) + " |")


def soak(seconds: float, threads: int = 8) -> None:
    """
    Many threads that verify hostile and ordinary answers for some time: nothing hangs, no verdict is lost, memory
    stays.
    """
    from open_r1.verify import LIMIT, verify

    until, cases = (
        time.monotonic() + seconds,
        [("7", text) for text in HOSTILE] + [(gold, answer) for _, gold, answer, _ in math_cases()],
    )

    def work(number: int) -> tuple[Counter, float]:
        rng, outcomes, longest = random.Random(number), Counter(), 0.0
        while time.monotonic() < until:
            gold, answer = rng.choice(cases)
            spaces = " " * rng.randrange(1000)  # a text that nobody asked before
            began = time.monotonic()
            outcomes[verify("math", gold, boxed(answer) + spaces).outcome] += 1
            longest = max(longest, time.monotonic() - began)
        return outcomes, longest

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with ThreadPoolExecutor(threads) as pool:
        results = list(pool.map(work, range(threads)))
    total = sum((outcomes for outcomes, _ in results), Counter())
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    slowest = max(longest for _, longest in results)
    print(f"{threads} threads, {seconds:.0f} s: {total.total()} verdicts {dict(total)}, longest {slowest:.1f} s")
    print(
        f"  (limit {LIMIT:g} s, and {threads} threads wait for the same workers); "
        f"memory of this process grew by {grown:.0f} MB"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--problems", type=int, default=64)
    parser.add_argument("--group", type=int, default=16)
    parser.add_argument("--adversarial", type=float, default=0.05)
    parser.add_argument(
        "--soak", type=float, default=0.0, help="seconds of verifying from 8 threads, in place of the comparison"
    )
    parser.add_argument("--patience", type=float, default=300.0, help="seconds after which TRL is stopped")
    args = parser.parse_args()
    if args.soak:
        return soak(args.soak)
    logging.disable(logging.ERROR)
    began = time.perf_counter()
    run_ours([rf"\int_0^{n} x dx" for n in range(1, 65)], [boxed(r"\frac{1}{2}")] * 64)  # these need workers
    print(f"workers started in {time.perf_counter() - began:.2f} s, once per run")
    compare_batch("ordinary", *make_batch(args.problems, args.group, 0.0), args.patience)
    compare_corpus()
    if args.adversarial:
        compare_batch(
            f"{args.adversarial:.0%} hostile", *make_batch(args.problems, args.group, args.adversarial), args.patience
        )


if __name__ == "__main__":
    main()
