"""The completions that a report shows: few of many, chosen by a rule that looks at no answer.

Of each model and benchmark, sample 0 of the problems whose names hash lowest: the same problems for every model. Then,
so that each verdict can be looked at, up to `EACH` of every verdict that these show less often, lowest hash first. A
long text keeps its beginning and its end.
"""

import hashlib
import heapq
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from ..core.languages import is_mixed
from ..core.rows import FAILED, UNJUDGED, Row
from ..core.tables import plain
from ..verify import CORRECT, NO_ANSWER
from .evaluations import ALL, Measured, completions_of

FAIR, EACH, MOST = 24, 4, 1200  # problems, more of a verdict, and completions of the whole page (about)
ASKED = 60  # rows that are looked through for mixed languages
BEGINNING, END = 1500, 2500  # characters that stay of a longer text
VERDICTS = {CORRECT: "right", NO_ANSWER: "no answer", UNJUDGED: "not judged", FAILED: "not drawn"}
MIXED = "mixed"
TAGS = ("right", "wrong", "no answer", "cut", MIXED, "not judged", "not drawn")


class Shown(NamedTuple):
    """
    A completion on the page.

    Attributes:
        model (`str`): Who wrote it.
        benchmark (`str`): Of its problem.
        row (`dict`): As the store has it, with its texts cut.
        tags (`list[str]`): Its verdict, `cut` and `mixed`.
        fair (`bool`): Whether it is of the fair part, or was added for its verdict.
    """

    model: str
    benchmark: str
    row: Row
    tags: list[str]
    fair: bool


def verdict_of(row: Row) -> list[str]:
    """The verdict on a completion, and whether it was cut."""
    found = [VERDICTS.get(row.get("outcome", UNJUDGED), "wrong")]
    return found + (["cut"] if row.get("finish_reason") == "length" else [])


def tags_of(row: Row) -> list[str]:
    """What is said of a completion: its verdict, and whether it was cut and mixes languages."""
    return verdict_of(row) + ([MIXED] if is_mixed(row.get("reasoning") or "") else [])


def rank(*words: Any) -> int:
    """The place of something in an order that is the same everywhere and follows nothing."""
    return int.from_bytes(hashlib.sha1("/".join(map(str, words)).encode("utf-8", "replace")).digest()[:8], "big")


class Lowest:
    """The rows of lowest rank, in memory no more than these."""

    def __init__(self, size: int):
        self.size, self.seen, self.heap = size, 0, list[tuple[int, int, Row]]()

    def add(self, place: int, row: Row) -> None:
        self.seen += 1
        if len(self.heap) < self.size or -place > self.heap[0][0]:
            heapq.heappush(self.heap, (-place, self.seen, row))
            if len(self.heap) > self.size:
                heapq.heappop(self.heap)

    def rows(self) -> list[Row]:
        return [row for _, _, row in sorted(self.heap, key=lambda entry: -entry[0])]


class Choice:
    """What is shown of one model on one benchmark, chosen in one pass. Only some rows are asked for their languages,
    which takes the longest.
    """

    def __init__(self, fair: int):
        self.fair, self.some = Lowest(fair), Lowest(ASKED)
        self.tagged = {tag: Lowest(EACH) for tag in TAGS}

    def add(self, row: Row) -> None:
        place = rank(row.get("problem_id"), row.get("sample", 0))
        if row.get("sample", 0) == 0:
            self.fair.add(rank(row.get("problem_id")), row)
        self.some.add(place, row)
        for tag in verdict_of(row):
            self.tagged[tag].add(place, row)

    def chosen(self) -> Iterator[tuple[Row, list[str], bool]]:
        """The rows, each with its tags and whether it is of the fair part."""
        found = [(row, tags_of(row), True) for row in self.fair.rows()]
        mixed = [row for row in self.some.rows() if MIXED in tags_of(row)]
        for tag in TAGS:
            lacking = EACH - sum(tag in tags for _, tags, _ in found)
            more = mixed if tag == MIXED else self.tagged[tag].rows()
            more = [row for row in more if not any(row is known for known, _, _ in found)]
            found += [(row, tags_of(row), False) for row in more[: max(0, lacking)]]
        yield from found


def choose(models: Mapping[str, Measured], benchmarks: int) -> list[Shown]:
    """
    The completions of a report.

    Args:
        models (`dict[str, Measured]`):
            The models by name.
        benchmarks (`int`):
            How many benchmarks there are: many of them have fewer completions each.

    Returns:
        `list[Shown]`: benchmark by benchmark, and there problem by problem.
    """
    fair = max(2, min(FAIR, MOST // max(1, len(models) * benchmarks) - EACH))
    found: list[Shown] = []
    for name, model in models.items():
        choices: dict[str, Choice] = defaultdict(lambda: Choice(fair))
        for store in model.stores:
            for row in completions_of(store):
                choices[row.get("dataset") or ALL].add(row)
        for part, choice in choices.items():
            found += [Shown(name, part, short(row), tags, is_fair) for row, tags, is_fair in choice.chosen()]
    order = {name: place for place, name in enumerate(models)}
    return sorted(found, key=lambda one: (one.benchmark, rank(one.row["problem_id"]), order[one.model]))


def short(row: Row) -> Row:
    """A row with nothing but what is shown."""
    texts = {name: shortened(row.get(name)) for name in ("question", "answer", "text", "extracted", "error")}
    return {"problem_id": row.get("problem_id"), "sample": row.get("sample", 0), "tokens": row.get("tokens")} | texts


def shortened(value: Any) -> str:
    """Any value as a text that is not too long."""
    text = "" if value is None else plain(str(value))
    left_out = len(text) - BEGINNING - END
    if left_out <= 0:
        return text
    return f"{text[:BEGINNING]}\n[… {left_out:,} characters left out …]\n{text[-END:]}"


def by_problem(found: Iterable[Shown]) -> dict[str, dict[str, list[Shown]]]:
    """Completions by benchmark and problem."""
    groups: dict[str, dict[str, list[Shown]]] = {}
    for one in found:
        groups.setdefault(one.benchmark, {}).setdefault(str(one.row["problem_id"]), []).append(one)
    return groups
