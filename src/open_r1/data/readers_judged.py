"""Readers of the benchmarks that a judge decides and that need a second file: an entry's `beside` (`sources.py`)."""

import ast
import json
from typing import Any

from ..core.errors import DataError
from ..core.rows import Row


def alpaca_eval(row: Row, entry: dict[str, Any]) -> Row:
    """
    Adds what the length-controlled win rate needs of an instruction (`metrics/controlled.py`): its difficulty, and
    the judge's preferences for the reference model told to be brief or verbose, with the differences in length.
    """
    found = beside(entry, "alpaca_eval").get(row["number"], [])
    if not found:
        return row
    told = [one for one in found if one["preference"] is not None]
    gamed = [[float(one["preference"]), float(one["std_delta_len"])] for one in told]
    known = {"difficulty": float(found[0]["instruction_difficulty"]), "gamed": gamed}
    return row | {"metadata": json.dumps(known)}


def arena_hard(row: Row, entry: dict[str, Any]) -> Row:
    """Takes the baseline's answer to a question from the file of all its answers."""
    found = beside(entry, "arena_hard").get(row["uid"])
    if not found:
        hint = "give `beside` the baseline's answers to these questions"
        raise DataError(f"arena_hard: the baseline has no answer to question {row['uid']}", hint)
    content = found[0]["messages"][-1]["content"]
    return row | {"answer": content["answer"] if isinstance(content, dict) else content}


def frames(row: Row, entry: dict[str, Any]) -> Row:
    """
    Puts the articles of a question into `articles`; one without a text stands there by its link. Links to sections of
    one article are one article.
    """
    texts, links = beside(entry, "frames"), links_of(row)
    rows = [(texts.get(link) or [{"link": link, "text": ""}])[0] for link in links]
    found = {one["link"]: one["text"] for one in rows}
    if not any(found.values()):
        hint = "give `beside` a table of articles with the columns `link` and `text`"
        raise DataError(f"frames: no article of question {row['number']} has a text: {', '.join(links)}", hint)
    articles = "\n\n".join(f"{link}\n{text or '(its text is not at hand)'}" for link, text in found.items())
    return row | {"articles": articles, "metadata": json.dumps({"question": row["question"]}, ensure_ascii=False)}


def links_of(row: Row) -> list[str]:
    """The links of a question, which its table writes as a Python list."""
    try:
        return [link.strip() for link in ast.literal_eval(row["wiki_links"])]
    except (ValueError, SyntaxError, AttributeError, TypeError):
        raise DataError(
            f"frames: `wiki_links` of question {row['number']} is no list of links: {row['wiki_links']!r}"[:300],
            "correct that row, or leave it out",
        ) from None


def beside(entry: dict[str, Any], reader: str) -> dict[Any, list[Row]]:
    """The rows of the second file by their key; raises `DataError` for an entry that names none."""
    if not isinstance(entry.get("beside"), dict):
        raise DataError(
            f"datasets entry {entry['path']}: `reader: {reader}` needs a second file, and there is no `beside`",
            "write `beside: {path: FILE, by: COLUMN}`; the benchmark's own file shows which",
        )
    found: dict[Any, list[Row]] = entry["beside"]
    return found
