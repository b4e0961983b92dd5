"""Which texts share a sequence of words with known ones: exact, and a few seconds of numpy for a million problems.

The idea is that of Karp and Rabin (IBM Journal of Research and Development 31(2), 1987): a word's hash is a polynomial
in its bytes, a sequence's hash one in its words, modulo 2^64. With running sums over all words of a megabyte of text,
the hash of any sequence is one subtraction and one multiplication by the inverse of a power, so all of them are
computed at once. Most miss in a table by their first 24 bits, the others are looked up in the sorted hashes, and what
hits is compared as text: two sequences with one hash make no match.
"""

import re
import unicodedata
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from ..core.batches import batches

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
        self.size, self.entries = size, list(entries)
        self.texts: list[str] = []
        self.short: dict[str, int] = {}
        hashes, owners = [], []
        for piece in [*batches((text for _, _, text, _ in self.entries), len, PIECE)] or [[]]:
            words, start = find_words(piece), len(self.texts)
            first, text = self.sequences(words)
            hashes.append(words.hashes(first, first + size))
            owners.append(text + start)
            for n, (begin, end) in enumerate(zip(*whole(words, len(piece)), strict=True), start):
                self.texts.append(f" {words.shown(begin, end)} ")
                if self.entries[n][3] and 0 < end - begin < (size or np.inf):
                    self.short.setdefault(exactly(self.entries[n][2]), n)
        self.hashes, at = np.unique(np.concatenate(hashes), return_index=True)
        self.owner = np.concatenate(owners)[at]
        self.present = np.zeros(1 << 24, dtype=bool)  # by the first 24 bits of a hash: nearly all questions end here
        self.present[self.hashes >> np.uint64(40)] = True

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
        for piece in batches(texts, len, PIECE):
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
