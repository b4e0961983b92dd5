r"""Removes training problems that the benchmarks know (paper, supplement D.1: 10-grams of evaluation questions and
solutions).

A problem is contaminated if `size` consecutive words of it stand in a benchmark's question, solution or answer, or if
it is, as a whole, one of the questions: short ones have no ten words. Words are what is left after lower case,
compatibility forms of Unicode, and LaTeX that changes nothing (`\left`, `\dfrac`, `\text`); a character of Chinese or
Japanese is a word. Paraphrases are not found.

`ngrams.py` finds them: memory holds the benchmarks' hashes and a megabyte of text, whatever the size of the training
set.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from ..core.batches import batches
from ..core.benchmarks import decontaminated
from ..core.errors import RecipeError
from ..core.keys import Key
from ..core.rows import Row
from .ngrams import PIECE, SIZES, Index
from .sources import SOURCE, check_source, load_source, source_names

BENCHMARKS = decontaminated()  # checked where a recipe names none; gated ones want `hf auth login`
AGAINST = Key(inside=SOURCE, default=BENCHMARKS)  # what `against` loads


class Decontaminator:
    """
    The benchmarks of a recipe, and what they removed.

    Args:
        against (`list[dict]`, *optional*):
            Data sources, see `data/sources.py`; the benchmarks that this repository reports by default.
        size (`int`, *optional*, defaults to `10`):
            Consecutive words that count as known: 8, 10 or 13; 0 for whole questions only, where generated problems
            share words by design.
    """

    def __init__(self, against: list[dict[str, Any]] | None = None, size: int = 10):
        if size not in SIZES:
            raise RecipeError(f"decontaminate: `size: {size}`", f"use one of {', '.join(map(str, SIZES))}")
        entries = [
            entry for source in (BENCHMARKS if against is None else against) for entry in read_benchmark(source)
        ]
        if not entries:
            raise RecipeError("decontaminate: `against` is empty", "list benchmarks, or write `decontaminate: false`")
        self.index, self.checked = Index(entries, size), 0
        self.counts: Counter[str] = Counter()
        self.sizes = Counter(benchmark for benchmark, _, _, question in entries if question)
        self.examples: dict[str, str] = {}  # words that matched, by benchmark

    def rows(self, rows: Iterable[Row], aside: Path) -> Iterator[Row]:
        """The clean rows; the others go into a file, each with what matched."""
        with aside.open("w", encoding="utf-8", errors="replace") as file:
            for batch in batches(rows, prompt_size, PIECE):
                for row, match in zip(batch, self.index.check([prompt_text(row) for row in batch]), strict=True):
                    self.checked += 1
                    if match is None:
                        yield row
                        continue
                    self.counts[match.benchmark] += 1
                    self.examples.setdefault(match.benchmark, match.words)
                    file.write(
                        json.dumps(row | {"contamination": match._asdict()}, ensure_ascii=False, default=str) + "\n"
                    )

    def report(self) -> dict[str, Any]:
        """What was checked and found, for the manifest."""
        removed = {
            name: {"questions": size, "removed": self.counts[name], "example": self.examples.get(name)}
            for name, size in self.sizes.items()
        }
        return {
            "size": self.index.size,
            "checked": self.checked,
            "removed": self.counts.total(),
            "benchmarks": removed,
        }


def read_benchmark(source: dict[str, Any]) -> Iterator[tuple[str, str, str, bool]]:
    """
    Entries of one benchmark: its questions, and its solutions and answers. Where it says which columns count, the
    first holds the question, without the words of the prompt that every question shares.
    """
    check_source(source)
    (name,) = source_names([source])
    question, *others = source.get("contamination") or ("", "answer", "solution")
    for number, row in enumerate(load_source(source)):
        yield name, str(number), str(row[question]) if question in row else prompt_text(row), True
        for column in others:
            for text in row[column] if isinstance(row.get(column), list) else [row.get(column)]:
                if isinstance(text, str) and has_words(text):
                    yield name, f"{number}, {column}", text, False


def has_words(text: str) -> bool:
    """Whether a text may have as many words as count as known; of Chinese each character is one."""
    return (len(text.split()) if text.isascii() else len(text)) >= min(SIZES[1:])


def prompt_text(row: Row) -> str:
    """The user's words of a row."""
    return " ".join(message["content"] for message in row["prompt"] if message["role"] == "user")


def prompt_size(row: Row) -> float:
    """Characters of a prompt; an empty one counts too, so that a thousand rows at most are in memory together."""
    return max(PIECE / 1000, sum(len(message["content"]) for message in row["prompt"]))


def make_decontaminator(settings: Any) -> Decontaminator | None:
    """The decontaminator of a recipe's `decontaminate`: on unless it is `false`."""
    if settings is False:
        return None
    settings = {} if settings in (None, True) else settings
    if (
        not isinstance(settings, dict)
        or set(settings) - {"against", "size"}
        or not isinstance(settings.get("against", []), (list, type(None)))
    ):
        raise RecipeError(f"`decontaminate: {settings}`", "give `against` and `size`, or `false`")
    return Decontaminator(**settings)
