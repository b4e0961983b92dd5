"""Seconds per 1,000 completions of each reward that needs no model, for docs/rewards.md.

python benchmarks/rewards.py
"""

import asyncio
import inspect
import json
import random
import time
from pathlib import Path
from typing import Any

from open_r1.core.formats import ResponseFormat
from open_r1.rewards import build_rewards

COUNT, FORM = 1000, ResponseFormat("r1")
THOUGHTS = "let us think about the sum of both terms . " * 80  # about 800 tokens
TESTS = json.dumps({"inputs": ["1", "2", "3"], "outputs": ["2", "3", "4"]})
IDS = [random.Random(0).randrange(30_000) for _ in range(800)]
# name -> (settings, kind and gold, what the response says)
CASES: dict[str, tuple[str, dict[str, Any], str, str, Any]] = {
    "accuracy, integers": ("accuracy", {}, "math", "42", lambda n: rf"\boxed{{{n % 84}}}"),
    "accuracy, expressions, all different": (
        "accuracy",
        {},
        "math",
        r"\sqrt{8}",
        lambda n: rf"\boxed{{2\sqrt{{2}}+{n}-{n}}}",
    ),
    "accuracy, choice": ("accuracy", {}, "choice", "C", lambda n: rf"\boxed{{{'ABCD'[n % 4]}}}"),
    "format": ("format", {}, "math", "42", lambda n: "x"),
    "tag_count": ("tag_count", {}, "math", "42", lambda n: "x"),
    "language": ("language", {}, "math", "42", lambda n: "x"),
    "language, varied English": ("language", {}, "math", "42", lambda n: "x"),
    "constraints": ("constraints", {}, "constraints", '[{"id": "punctuation:no_comma"}]', lambda n: f"text {n}"),
    "json": ("json", {}, "json_schema", '{"type": "object"}', lambda n: f'{{"a": {n}}}'),
    "code, 3 inputs, fresh": ("code", {}, "code", TESTS, lambda n: f"```python\nprint(int(input()) + 1)  # {n}\n```"),
    "code, 3 inputs, warm": (
        "code",
        {"sandbox": {"warm": True}},
        "code",
        TESTS,
        lambda n: f"```python\nprint(int(input()) + 1)  # {n}\n```",
    ),
    "cosine": ("cosine", {"max_length": 1000}, "math", "42", lambda n: rf"\boxed{{{n % 84}}}"),
    "repetition": ("repetition", {}, "math", "42", lambda n: "x"),
    "soft_overlong": ("soft_overlong", {"max_length": 1000, "cache": 300}, "math", "42", lambda n: "x"),
}


def varied(count: int) -> list[str]:
    """Stretches of 600 words of this repository's documentation."""
    words = " ".join(path.read_text() for path in sorted(Path(__file__).parents[1].glob("docs/*.md"))).split()
    starts = [n * 17 % (len(words) - 600) for n in range(count)]
    return [" ".join(words[start : start + 600]) for start in starts]


def seconds(thoughts: list[str], name: str, settings: dict[str, Any], kind: str, gold: str, write: Any) -> float:
    """Time of one call on `COUNT` completions, after a first small one that starts processes."""
    (reward,), _ = build_rewards({name: settings}, FORM)
    for count in (8, COUNT):
        columns = {
            "verifier": [kind] * count,
            "answer": [gold] * count,
            "language": ["en"] * count,
            "completion_ids": [IDS] * count,
        }
        completions = [FORM.write(thought, write(n)) for n, thought in enumerate(thoughts[:count])]
        began = time.perf_counter()
        result = reward(prompts=["q"] * count, completions=completions, **columns)
        scores = asyncio.run(result) if inspect.iscoroutine(result) else result
        assert len(scores) == count and None not in scores
    return time.perf_counter() - began


if __name__ == "__main__":
    print("| reward | seconds per 1,000 completions |\n|---|---|")
    for title, case in CASES.items():
        thoughts = varied(COUNT) if "varied" in title else [THOUGHTS] * COUNT
        print(f"| {title} | {seconds(thoughts, *case):.3f} |", flush=True)
