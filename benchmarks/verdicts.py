"""Verdicts on answers that others wrote and on golds written otherwise: ours beside TRL's reward and plain
math-verify.

    python benchmarks/verdicts.py [--list] [--only hand graders] [--seconds 5]

The cases are `tests/verify/public/*.jsonl` (sources in its README) and the rewrites and faults of its golds. Each line
of the table: right and wrong cases, and per judge false negatives / false positives / neither (a gold that it cannot
read, an exception, a timeout; a right case that is not paid counts as a false negative too). TRL gets golds in
dollars, math-verify boxes on both sides, their best cases; they run in processes that are killed after `--seconds` for
one case, some 30 minutes in all (`--seconds 0`: ours only, two minutes). Choices are no mathematics, so ours only.
"""

import argparse
import json
import logging
import multiprocessing
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

TESTS = Path(__file__).parents[1] / "tests" / "verify"
sys.path[:0] = [str(TESTS), str(Path(__file__).parent)]
from corpus import boxed  # noqa: E402
from faults import faults  # noqa: E402
from rewrites import rewrites  # noqa: E402
from verify import run_trl  # noqa: E402

PAID, REFUSED, SKIPPED, FAILED, LATE = "paid", "refused", "skipped", "exception", "timeout"


class Case(NamedTuple):
    """An answer and whether it is right."""

    source: str
    gold: str
    text: str
    right: bool
    shown: str
    note: str = ""
    options: tuple[str, ...] = ()


def public_cases() -> Iterator[Case]:
    """The pairs of the public suites, in whole responses."""
    for path in sorted(TESTS.glob("public/*.jsonl")):
        for row in map(json.loads, path.read_text().splitlines()):
            if "right" in row:
                text = row["response"] if "response" in row else boxed(row["answer"])
                shown = row.get("answer", row.get("response"))
                yield Case(
                    path.stem,
                    row["gold"],
                    text,
                    row["right"],
                    shown,
                    row.get("note", ""),
                    tuple(row.get("options", ())),
                )


def rewritten_cases() -> Iterator[Case]:
    """
    The golds of the public data sets written otherwise, and changed; `later` and `third` golds were drawn after the
    verifier had been mended with the help of those before.
    """
    for later, name in (("", "golds"), ("later ", "golds_later"), ("third ", "golds_third")):
        for row in map(json.loads, (TESTS / "public" / f"{name}.jsonl").read_text().splitlines()):
            gold = row["gold"]
            for rule, answer in rewrites(gold):
                yield Case(f"{later}rewrite: {rule}", gold, answer if rule == "frame" else boxed(answer), True, answer)
            for rule, answer in faults(gold):
                yield Case(f"{later}fault: {rule}", gold, boxed(answer), False, answer)


def ours(cases: list[Case]) -> list[str]:
    """Our verdicts, of many at once; where that raises, of half as many, so that each exception is counted."""
    from open_r1.verify import Case as Asked
    from open_r1.verify import verify_many

    asked = [
        Asked("choice" if case.source == "choice" else "math", case.gold, case.text, {"options": list(case.options)})
        for case in cases
    ]
    try:
        verdicts = verify_many(asked)
    except Exception:
        half = len(cases) // 2
        return ours(cases[:half]) + ours(cases[half:]) if half else [FAILED]
    states = {"correct": PAID, "bad_gold": SKIPPED, "error": FAILED, "timeout": LATE}
    return [states.get(verdict.outcome, REFUSED) for verdict in verdicts]


def trl(gold: str, text: str) -> str:
    score = run_trl([gold], [text])[0][0]
    return SKIPPED if score is None else PAID if score else REFUSED


def math_verify(gold: str, text: str) -> str:
    from math_verify import parse, verify

    reference = parse(rf"\boxed{{{gold}}}", parsing_timeout=None)
    paid = verify(reference, parse(text, parsing_timeout=None), timeout_seconds=None)
    return PAID if paid else REFUSED if reference else SKIPPED


def serve(judge: Callable[[str, str], str], connection: Any) -> None:
    """The loop of a process that judges what it is sent."""
    logging.disable(logging.CRITICAL)
    while True:
        gold, text = connection.recv()
        try:
            connection.send(judge(gold, text))
        except Exception:
            connection.send(FAILED)


class Judge:
    """Verdicts from a process that is killed when one case takes too long."""

    def __init__(self, judge: Callable[[str, str], str], seconds: float) -> None:
        self.judge, self.seconds = judge, seconds
        self.context = multiprocessing.get_context("forkserver")
        self.start()

    def start(self) -> None:
        self.connection, other = self.context.Pipe()
        self.process = self.context.Process(target=serve, args=(self.judge, other), daemon=True)
        self.process.start()
        self.ask("1", boxed("1"), 120.0)  # its imports

    def ask(self, gold: str, text: str, seconds: float) -> str:
        self.connection.send((gold, text))
        try:
            return self.connection.recv() if self.connection.poll(seconds) else LATE
        except EOFError:  # it ended itself, for want of memory or of stack
            return FAILED

    def verdicts(self, cases: list[Case]) -> list[str]:
        found = []
        for case in cases:
            found.append(SKIPPED if case.source == "choice" else self.ask(case.gold, case.text, self.seconds))
            if found[-1] == LATE or not self.process.is_alive():
                self.process.kill()
                self.process.join()
                self.start()
        self.process.kill()
        return found


def judged(cases: list[Case], seconds: float) -> dict[str, list[str]]:
    """Verdicts of each judge; the two others run at the same time, ours after them alone."""
    with ThreadPoolExecutor(2) as pool:
        judges = {"TRL": trl, "math-verify": math_verify} if seconds else {}
        others = {name: pool.submit(Judge(judge, seconds).verdicts, cases) for name, judge in judges.items()}
        waited = {name: future.result() for name, future in others.items()}
    return {
        "ours": [verdict for start in range(0, len(cases), 500) for verdict in ours(cases[start : start + 500])]
    } | waited


def print_table(cases: list[Case], verdicts: dict[str, list[str]]) -> None:
    table: dict[str, Counter] = {}
    for who, found in verdicts.items():
        for case, verdict in zip(cases, found, strict=True):
            total = case.source.split(":")[0] + "s" if ":" in case.source else "suites" * (case.source != "choice")
            for name in (case.source, f"{total}, all") if total else (case.source,):
                row = table.setdefault(name, Counter())
                row["right" if case.right else "wrong"] += who == "ours"
                row[who, "FN"] += case.right and verdict != PAID
                row[who, "FP"] += not case.right and verdict == PAID
                row[who, "neither"] += verdict not in (PAID, REFUSED)
    print("| source | right | wrong | " + " | ".join(f"{who}: FN / FP / neither" for who in verdicts) + " |")
    print("|---|" + "---|" * (2 + len(verdicts)))
    for name, row in sorted(table.items(), key=lambda item: (item[0].split(":")[0], ", all" in item[0], item[0])):
        counts = [f"{row[who, 'FN']} / {row[who, 'FP']} / {row[who, 'neither']}" for who in verdicts]
        print(f"| {name} | {row['right']} | {row['wrong']} | " + " | ".join(counts) + " |")
    for who, found in verdicts.items():
        print(f"{who}: {dict(Counter(found))}")


def print_disagreements(cases: list[Case], verdicts: dict[str, list[str]]) -> None:
    for case, *found in zip(cases, *verdicts.values(), strict=True):
        if (found[0] == PAID) != case.right:
            label = "right" if case.right else "wrong"
            print(f"{case.source}: gold {case.gold!r}, {label} answer {case.shown!r}: {', '.join(found)} {case.note}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--list", action="store_true", help="every disagreement of ours with the label")
    parser.add_argument("--only", nargs="*", default=[""], help="beginnings of sources")
    parser.add_argument("--seconds", type=float, default=5.0, help="for one case of TRL or math-verify; 0: ours only")
    args = parser.parse_args()
    logging.disable(logging.ERROR)
    chosen = tuple(args.only)
    cases = [case for case in dict.fromkeys([*public_cases(), *rewritten_cases()]) if case.source.startswith(chosen)]
    verdicts = judged(cases, args.seconds)
    print_table(cases, verdicts)
    if args.list:
        print_disagreements(cases, verdicts)


if __name__ == "__main__":
    main()
