r"""Removes training problems that the benchmarks know (paper, supplement D.1: 10-grams of evaluation questions and
solutions).

A problem is contaminated if `size` consecutive words of it stand in a benchmark's question, solution or answer, or if
it is, as a whole, one of the questions: short ones have no ten words. Words are what is left after lower case,
compatibility forms of Unicode, and LaTeX that changes nothing (`\left`, `\dfrac`, `\text`); a character of Chinese or
Japanese is a word. Paraphrases are not found.

A million problems are a few seconds of numpy: the words of a megabyte of text are hashed at once, and only what hits
is compared as text. Memory holds the benchmarks' hashes and one such piece, whatever the size of the training set.
"""

import json
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ..core.errors import RecipeError
from ..core.rows import Row
from .sources import check_source, load_source

SIZES = (0, 8, 10, 13)  # 0: whole questions only
SILENT = re.compile(
    r"\\(?:left|right|displaystyle|text(?:bf|it|rm)?|math(?:rm|bf|it)|operatorname|quad|big[lr]?)(?![a-z])|\\[,;:! ]"
)
SPELLED = (("\\dfrac", "\\frac"), ("\\tfrac", "\\frac"), ("\\leq", "\\le"), ("\\geq", "\\ge"), ("\\neq", "\\ne"))
SINGLE = re.compile("([\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff])")  # each a word of its own
TABLE = bytes(byte if byte >= 128 or chr(byte).isalnum() or byte == 0 else 32 for byte in range(256))
SIGNS = re.compile(r"[^\w\x00-\x7f\u0300-\u036f]")  # punctuation beyond ASCII
APART, IGNORED = re.compile(r"(?<=\d)\s+(?=\d)"), re.compile(r"\.(?!\d)|[^\w+\-*/=<>^!|().]")
PIECE = 1 << 20  # characters that are hashed at once
LETTER, WORD = 0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F  # odd, so that they have an inverse modulo 2^64
# Checked where a recipe names none: four of the paper's. None is of code; GPQA is gated, and wants `hf auth login`.
BENCHMARKS: list[dict[str, Any]] = [
    {"path": "HuggingFaceH4/aime_2024", "split": "train"},
    {"path": "HuggingFaceH4/MATH-500", "split": "test"},
    {
        "path": "Idavidrein/gpqa",
        "name": "gpqa_diamond",
        "split": "train",
        "columns": {"Question": "prompt", "Correct Answer": "answer"},
    },
    {"path": "google/IFEval", "split": "train"},
]


class Match(NamedTuple):
    """
    Why a problem was removed.

    Attributes:
        benchmark (`str`): The benchmark's name.
        entry (`str`): Its entry.
        words (`str`): The words that both have.
    """

    benchmark: str
    entry: str
    words: str


def spelled(text: str) -> str:
    """Lower case, compatibility forms, and one spelling of LaTeX."""
    if not text.isascii():
        text = SIGNS.sub(" ", SINGLE.sub(r" \1 ", unicodedata.normalize("NFKC", text)))
    text = text.lower()
    if "\\" in text:
        text = SILENT.sub(" ", text)
        for spelling, usual in SPELLED:
            text = text.replace(spelling, usual)
    return text


def normalized(texts: list[str]) -> bytes:
    """Texts as words of lower-case letters and digits, with spaces between, and a zero byte between texts."""
    return spelled("\0".join(text.replace("\0", " ") for text in texts)).encode("utf-8", "replace").translate(TABLE)


def exactly(text: str) -> str:
    """A whole text for comparison: "3 + 4" and "3 - 4" have the same words and are not the same."""
    return IGNORED.sub("", APART.sub("_", spelled(text)))


def powers(base: int, count: int) -> np.ndarray:
    """1, base, base^2, ... modulo 2^64; (count,)."""
    values = np.full(count, base, dtype=np.uint64)
    values[:1] = 1
    return np.cumprod(values, dtype=np.uint64)


class Words(NamedTuple):
    """
    The words of some texts: where each starts and ends, its text, and sums of hashes from which any sequence's hash
    follows.
    """

    data: bytes
    starts: np.ndarray  # (W,)
    ends: np.ndarray  # (W,)
    text: np.ndarray  # (W,): index of the text
    sums: np.ndarray  # (W + 1,)

    def hashes(self, first: np.ndarray, last: np.ndarray) -> np.ndarray:
        """Hash of the words `first` to `last`, exclusive, for each pair."""
        value = (self.sums[last] - self.sums[first]) * POWERS.inverse(WORD, len(self.starts) + 1)[first]
        return (value ^ (value >> np.uint64(29))) * np.uint64(LETTER)

    def shown(self, first: int, last: int) -> str:
        return b" ".join(self.data[self.starts[n] : self.ends[n]] for n in range(first, last)).decode(
            "utf-8", "replace"
        )


class Powers:
    """Powers of the two bases and of their inverses, as many as were ever needed."""

    def __init__(self):
        self.known: dict[int, np.ndarray] = {}

    def of(self, base: int, count: int) -> np.ndarray:
        if base not in self.known or len(self.known[base]) < count:
            self.known[base] = powers(base, 2 * count)
        return self.known[base][:count]

    def inverse(self, base: int, count: int) -> np.ndarray:
        return self.of(pow(base, -1, 1 << 64), count)


POWERS = Powers()


def find_words(texts: list[str]) -> Words:
    """The words of some texts, hashed."""
    data = normalized(texts)
    letters = np.frombuffer(data, dtype=np.uint8)
    inside = np.zeros(len(letters) + 2, dtype=np.int8)
    inside[1:-1] = letters > 32
    edges = np.diff(inside)
    starts, ends = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
    sums = np.zeros(len(letters) + 1, dtype=np.uint64)
    np.cumsum((letters.astype(np.uint64) + np.uint64(1)) * POWERS.of(LETTER, len(letters)), out=sums[1:])
    words = (sums[ends] - sums[starts]) * POWERS.inverse(LETTER, len(letters) + 1)[starts]
    words = (words ^ (words >> np.uint64(31))) * np.uint64(WORD)
    total = np.zeros(len(words) + 1, dtype=np.uint64)
    np.cumsum(words * POWERS.of(WORD, len(words)), out=total[1:])
    return Words(data, starts, ends, np.searchsorted(np.flatnonzero(letters == 0), starts), total)


def pieces(texts: Iterable[str]) -> Iterator[list[str]]:
    """Texts in lists of about a megabyte."""
    piece, size = [], 0
    for text in texts:
        piece.append(text)
        size += len(text)
        if size >= PIECE:
            yield piece
            piece, size = [], 0
    if piece:
        yield piece


class Index:
    """
    What the benchmarks hold, by hash.

    Args:
        entries (`Iterable[tuple[str, str, str, bool]]`):
            Benchmark, name of the entry, text, and whether it is a question, which also counts as a whole.
        size (`int`, *optional*, defaults to `10`):
            Consecutive words that count as known.
    """

    def __init__(self, entries: Iterable[tuple[str, str, str, bool]], size: int = 10):
        if size not in SIZES:
            raise RecipeError(f"decontaminate: `size: {size}`", f"use one of {', '.join(map(str, SIZES))}")
        self.size, self.entries = size, list(entries)
        words = find_words([text for _, _, text, _ in self.entries])
        first, owner = self.sequences(words)
        begin, end = whole(words, len(self.entries))
        self.hashes, at = np.unique(words.hashes(first, first + size), return_index=True)
        self.owner = owner[at]
        self.present = np.zeros(1 << 24, dtype=bool)  # by the first 24 bits of a hash: nearly all questions end here
        self.present[self.hashes >> np.uint64(40)] = True
        self.texts = [f" {words.shown(*span)} " for span in zip(begin, end, strict=True)]
        short = [n for n, entry in enumerate(self.entries) if entry[3] and 0 < end[n] - begin[n] < (size or np.inf)]
        self.short = {exactly(self.entries[n][2]): n for n in reversed(short)}

    def sequences(self, words: Words) -> tuple[np.ndarray, np.ndarray]:
        """First word, and text, of every sequence of `size` words within one text."""
        first = np.arange(max(0, len(words.starts) - self.size + 1) if self.size else 0)
        within = words.text[first] == words.text[first + self.size - 1]
        return first[within], words.text[first[within]]

    def check(self, texts: list[str]) -> list[Match | None]:
        """
        Looks for known words.

        Args:
            texts (`list[str]`):
                Problems.

        Returns:
            `list[Match]`: one per text, `None` for clean ones.
        """
        found: list[Match | None] = []
        for piece in pieces(texts):
            found += self.check_piece(piece)
        return found

    def check_piece(self, texts: list[str]) -> list[Match | None]:
        words = find_words(texts)
        first, text = self.sequences(words)
        hashes = words.hashes(first, first + self.size)
        near = np.flatnonzero(self.present[hashes >> np.uint64(40)])
        owners = self.owners(hashes[near])
        found: list[Match | None] = [None] * len(texts)
        for n, owner in zip(near[owners >= 0], owners[owners >= 0], strict=True):
            known = words.shown(first[n], first[n] + self.size)
            if found[text[n]] is None and f" {known} " in self.texts[owner]:  # the words, and not only their hash
                found[text[n]] = self.match(owner, known)
        begin, end = whole(words, len(texts))
        for n in np.flatnonzero((end > begin) & (end - begin < (self.size or np.inf))) if self.short else ():
            if (owner := self.short.get(exactly(texts[n]))) is not None:
                found[n] = self.match(owner, texts[n])
        return found

    def match(self, owner: int, words: str) -> Match:
        benchmark, entry, _, _ = self.entries[owner]
        return Match(benchmark, entry, words)

    def owners(self, hashes: np.ndarray) -> np.ndarray:
        """The entry that each hash is of, -1 for none."""
        if not len(self.hashes):
            return np.full(len(hashes), -1)
        place = np.minimum(np.searchsorted(self.hashes, hashes), len(self.hashes) - 1)
        return np.where(self.hashes[place] == hashes, self.owner[place], -1)


def whole(words: Words, count: int) -> tuple[np.ndarray, np.ndarray]:
    """First word, and the one after the last, of each text; (count,) each."""
    texts = np.arange(count)
    return np.searchsorted(words.text, texts), np.searchsorted(words.text, texts, side="right")


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
            for batch in batches(rows):
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


def report_text(report: dict[str, Any] | None) -> str:
    """The report as Markdown, for a card."""
    if report is None:
        return "Not checked against any benchmark."
    rule = f"{report['size']} consecutive words, or a whole short question" if report["size"] else "the whole question"
    lines = [
        f"{report['checked']} rows checked, {report['removed']} removed ({rule}).",
        "",
    ]
    lines += ["| benchmark | questions | rows removed | such as |", "|---|---|---|---|"]
    for name, found in report["benchmarks"].items():
        example = " ".join((found["example"] or "-").split())[:80].replace("|", " ")
        lines.append(f"| {name} | {found['questions']} | {found['removed']} | {example} |")
    return "\n".join(lines)


def read_benchmark(source: dict[str, Any]) -> Iterator[tuple[str, str, str, bool]]:
    """Entries of one benchmark: its questions, and its solutions and answers."""
    check_source(source)
    name = source["path"].split("/")[-1] + (f":{source['name']}" if source.get("name") else "")
    for number, row in enumerate(load_source(source)):
        yield name, str(number), prompt_text(row), True
        for column in ("answer", "solution"):
            if isinstance(row.get(column), str) and len(row[column].split()) >= min(SIZES[1:]):
                yield name, f"{number}, {column}", row[column], False


def prompt_text(row: Row) -> str:
    """The user's words of a row."""
    return " ".join(message["content"] for message in row["prompt"] if message["role"] == "user")


def batches(rows: Iterable[Row]) -> Iterator[list[Row]]:
    """Rows, as many as make a megabyte of prompts."""
    batch, size = [], 0
    for row in rows:
        batch.append(row)
        size += sum(len(message["content"]) for message in row["prompt"])
        if size >= PIECE or len(batch) == 1000:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


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
