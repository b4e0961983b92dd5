"""What makes a sample fit to train on: small filters by name, for the `filters` list of a curation recipe.

The paper names them without thresholds: correct and readable samples for the cold start (supplement B.3.2), no mixed
languages, long paragraphs or code blocks after rejection sampling (B.3.3). A filter is a function of a row, of its
limit where it has one, and, for duplicates, of a memory of its own for the whole run; every default is ours.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from ..core.errors import DataError, RecipeError
from ..core.languages import consistency, ends_in_loop, main_language
from ..core.rows import Row
from .splits import text_hash

EXAMPLES = 3  # removed rows that a report shows
SPOKEN_OF = re.compile(r"thought process|thinking process|the reasoning above|思考过程", re.IGNORECASE)


def correct(row: Row) -> bool:
    """Right by rule, or by the judge where no rule decides."""
    return row["outcome"] == "correct" or row["outcome"] == "unjudged" and row.get("judged") is True


def judge_agrees(row: Row) -> bool:
    """The judge says what the rule says; rows without a rule pass."""
    return row["outcome"] == "unjudged" or row.get("judged") is (row["outcome"] == "correct")


def finished(row: Row) -> bool:
    return row["finish_reason"] == "stop"


def valid_format(row: Row) -> bool:
    return row["valid"]


def one_language(row: Row, share: float) -> bool:
    """
    At least this share of the reasoning's words is written as the question's language is; reasoning without words
    passes.
    """
    found = consistency(row["reasoning"], row["language"])
    return found is None or found >= share


def prompt_language(row: Row) -> bool:
    """The reasoning is in the language that the question is in, also among languages of one script."""
    asked, answered = main_language(row["question"]), main_language(row["reasoning"])
    return asked is None or answered is None or asked == answered


def repeats(text: str, size: int, times: int = 3) -> bool:
    """Whether some sequence of `size` words occurs `times` times or more."""
    words = text.split()
    counts = Counter(tuple(words[i : i + size]) for i in range(len(words) - size + 1))
    return any(count >= times for count in counts.values())


def no_repetition(row: Row, size: int) -> bool:
    """No sequence of so many words three times."""
    return not repeats(row["reasoning"], size)


def no_loop(row: Row, times: int) -> bool:
    return not ends_in_loop(row["text"], times)


def min_tokens(row: Row, limit: int) -> bool:
    return row["tokens"] >= limit


def max_tokens(row: Row, limit: int) -> bool:
    return row["tokens"] <= limit


def max_paragraph(row: Row, limit: int) -> bool:
    """No paragraph of more characters."""
    return max(map(len, re.split(r"\n\s*\n", row["text"]))) <= limit


def no_code(row: Row) -> bool:
    """No code block in the reasoning."""
    return "```" not in row["reasoning"]


def summary(row: Row, words: int) -> bool:
    """
    A final part of at least so many words (characters in Chinese), in the question's language, that does not speak of
    the reasoning.
    """
    final = row["final"] or ""
    size = len(final.split()) + len(re.findall(r"[\u3040-\u30ff\u4e00-\u9fff]", final))
    share = consistency(final, row["language"])
    return size >= words and (share is None or share >= 0.9) and not SPOKEN_OF.search(final)


def pass_rate(row: Row, limits: list[float]) -> bool:
    """
    The share of right samples of this row's problem, among all that were drawn, lies within the limits (both
    included).
    """
    return limits[0] <= row["pass_rate"] <= limits[1]


def no_duplicates(row: Row, column: str, memory: dict) -> bool:
    """
    The first row with this text: of `text`, of one response; of `question`, of one problem, all of whose samples stay.
    """
    key = text_hash(" ".join(row[column].casefold().split()))
    owner = row["problem_id"] if column == "question" else (row["problem_id"], row["sample"])
    return memory.setdefault(key, owner) == owner


def near_duplicates(row: Row, threshold: float, memory: dict) -> bool:
    """
    No earlier problem's question is about as similar (Jaccard similarity of its three-word sequences, estimated by
    MinHash).
    """
    if "index" not in memory:
        try:
            from rensa import RMinHashDeduplicator
        except ImportError:
            raise RecipeError("filter `near_duplicates` needs rensa", "pip install 'open_r1[dedup]'") from None
        memory["index"], memory["kept"] = RMinHashDeduplicator(threshold=threshold, num_perm=128, use_lsh=True), {}
    if row["problem_id"] not in memory["kept"]:
        words = re.findall(r"\w+", row["question"].casefold())
        shingles = [" ".join(words[i : i + 3]) for i in range(max(1, len(words) - 2))]
        memory["kept"][row["problem_id"]] = memory["index"].add_pairs([(row["problem_id"], shingles)])[0]
    return memory["kept"][row["problem_id"]]


class Filter(NamedTuple):
    """
    A filter.

    Attributes:
        passes (`Callable`): Tells whether a row passes.
        default (`Any`): Its limit where the recipe names none; `None`: it takes none.
        remembers (`bool`): Whether it knows the rows before.
    """

    passes: Callable[..., bool]
    default: Any = None
    remembers: bool = False


FILTERS = {
    "correct": Filter(correct),
    "judge_agrees": Filter(judge_agrees),
    "finished": Filter(finished),
    "valid_format": Filter(valid_format),
    "one_language": Filter(one_language, 1.0),
    "prompt_language": Filter(prompt_language),
    "no_repetition": Filter(no_repetition, 8),
    "no_loop": Filter(no_loop, 4),
    "min_tokens": Filter(min_tokens, 1),
    "max_tokens": Filter(max_tokens, 16384),
    "max_paragraph": Filter(max_paragraph, 2000),
    "no_code": Filter(no_code),
    "summary": Filter(summary, 3),
    "pass_rate": Filter(pass_rate, [0.1, 0.9]),
    "no_duplicates": Filter(no_duplicates, "text", remembers=True),
    "near_duplicates": Filter(near_duplicates, 0.8, remembers=True),
}


class Funnel:
    """
    Passes rows through filters in order and counts what each removes.

    Args:
        filters (`list`):
            Names of [`FILTERS`], or one-entry mappings from name to limit.
    """

    def __init__(self, filters: list[Any]):
        self.filters: list[tuple[Callable[..., bool], list[Any]]] = []  # with what it is told beside a row
        self.steps: list[Row] = []
        for entry in filters:
            name, limit = next(iter(entry.items())) if isinstance(entry, dict) and len(entry) == 1 else (entry, None)
            if not isinstance(name, str) or name not in FILTERS:
                raise RecipeError(f"`filters`: unknown filter `{name}`", f"use some of {', '.join(FILTERS)}")
            passes, default, remembers = FILTERS[name]
            limit = check_limit(name, default if limit is None else limit)
            self.filters.append((passes, ([] if limit is None else [limit]) + ([{}] if remembers else [])))
            self.steps.append(new_step(name if limit is None else f"{name}: {limit}"))

    def names(self) -> list[str]:
        return [step["filter"].partition(":")[0] for step in self.steps]

    def rows(self, rows: Iterable[Row]) -> Iterator[Row]:
        """The rows that pass all filters."""
        for row in rows:
            for (passes, told), step in zip(self.filters, self.steps, strict=True):
                if not count(step, passes(row, *told), row["text"]):
                    break
            else:
                yield row

    def add(self, name: str) -> dict[str, Any]:
        """A further step of the report, counted by the caller with `count`."""
        self.steps.append(new_step(name))
        return self.steps[-1]

    def line(self) -> str:
        """The funnel in one line, for an error."""
        return ", ".join(f"{step['filter']} -{step['removed']}" for step in self.steps)


def check_limit(name: str, limit: Any) -> Any:
    """A limit that a filter can use; raises `RecipeError` for another."""
    default = FILTERS[name].default
    number = lambda value: isinstance(value, (int, float)) and not isinstance(value, bool)
    fits = isinstance(limit, type(default)) and not isinstance(limit, bool)
    if isinstance(default, float):  # a share
        fits = number(limit) and 0 <= limit <= 1
    elif isinstance(default, int):
        fits = fits and limit >= (1 if name in ("no_repetition", "no_loop") else 0)
    elif isinstance(default, list):
        fits = fits and len(limit) == 2 and all(map(number, limit)) and limit[0] <= limit[1]
    elif isinstance(default, str):
        fits = limit in ("text", "question")
    if not fits:
        hint = f"write it like `{name}: {default}`" if default is not None else f"write `{name}`, without a limit"
        raise RecipeError(f"`filters`: `{name}: {limit}` has no such limit", hint)
    return limit


def new_step(name: str) -> dict[str, Any]:
    return {"filter": name, "before": 0, "removed": 0, "examples": []}


def count(step: dict[str, Any], passed: bool, text: str) -> bool:
    """Counts one row in a step of the funnel; returns `passed`."""
    step["before"] += 1
    if not passed:
        step["removed"] += 1
        if len(step["examples"]) < EXAMPLES:
            step["examples"].append(text if len(text) <= 200 else f"{text[:100]} ... {text[-95:]}")
    return passed


def require_rows(found: int, funnel: Funnel, where: Any) -> None:
    """Raises `DataError`, with the funnel, where nothing is left."""
    if not found:
        raise DataError(
            f"no sample of {where} is left ({funnel.line()})", "loosen `filters`, or sample a better model"
        )
