"""Readers of multiple choice, of answers in spans, and of instructions: from a row as its data set has it to one with
`question`, `options` and `answer` (a letter, or JSON that `verify` reads).
"""

import json
import random
from collections.abc import Iterator
from typing import Any

from ..core.rows import Row
from ..verify.choice import LETTERS, chosen

TRUE, FALSE = "是", "否"  # the options of CLUEWSC


def gpqa(row: Row, entry: dict[str, Any]) -> Row:
    """
    GPQA names the right answer and three wrong ones: their order is drawn by the question itself, so that it is the
    same in any subset, and each letter is right as often.
    """
    options = [row["Correct Answer"], *(row[f"Incorrect Answer {number}"] for number in (1, 2, 3))]
    options = [option.strip() for option in options]
    order = random.Random(row["Question"]).sample(range(4), 4)
    return {
        "question": row["Question"].strip(),
        "options": [options[place] for place in order],
        "answer": LETTERS[order.index(0)],
        "solution": row["Explanation"],
        "metadata": row["Subdomain"],
    }


def mmlu_redux(row: Row, entry: dict[str, Any]) -> Row | None:
    """
    MMLU-Redux as ZeroEval, the paper's harness for it, selects it: questions that its annotators found right, and
    those of which only the label was wrong, with theirs; an unclear question, or one with no or several right answers,
    is left out.
    """
    right = {"ok": row["answer"], "wrong_groundtruth": put_right(row["correct_answer"], row["choices"])}
    letter = right.get(row["error_type"])
    if letter is None:
        return None
    return {
        "question": row["question"],
        "options": row["choices"],
        "answer": letter if isinstance(letter, str) else LETTERS[letter],
        "metadata": row.get("configuration"),
    }


def put_right(label: Any, options: list[str]) -> str | None:
    """The letter of an annotator's label: a letter, an option's text, or an index where no option reads like it."""
    label = str(label or "").strip()
    if label.isdecimal() and label not in options:
        return LETTERS[int(label)] if int(label) < len(options) else None
    return chosen(label, options)


def ceval(row: Row, entry: dict[str, Any]) -> Row | None:
    """C-Eval, whose options are columns; rows of a split without answers are left out."""
    if not row["answer"]:
        return None
    options = [row[letter] for letter in "ABCD"]
    found = {"question": row["question"], "options": options, "answer": row["answer"]}
    return found | {"metadata": row.get("configuration")}


def cluewsc(row: Row, entry: dict[str, Any]) -> Row | None:
    """CLUEWSC, with the pronoun that is meant marked where the data set says that it stands; label 0 is `true`."""
    if row["label"] not in (0, 1):  # the test split hides them
        return None
    target, text = row["target"], row["text"]
    pronoun, start = target["span2_text"], target["span2_index"]
    end = start + len(pronoun)
    marked = f"{text[:start]}【{pronoun}】{text[end:]}" if text[start:end] == pronoun else text
    return {
        "text": text,
        "marked": marked,
        "question": f"句中的“{pronoun}”指的是“{target['span1_text']}”吗？",
        "options": [TRUE, FALSE],
        "answer": LETTERS[row["label"]],
    }


def drop(row: Row, entry: dict[str, Any]) -> Row:
    """DROP: the answer and those of further annotators, each a number, spans of the passage, or a date."""
    more = row["validated_answers"]
    columns = {key: more[key] for key in ("number", "spans", "date")}
    others = [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]
    references = [found for answer in (row["answer"], *others) if (found := spans_of(answer))]
    return {
        "passage": row["passage"],
        "question": row["question"],
        "answer": json.dumps(list(unique(references)), ensure_ascii=False),
    }


def spans_of(answer: dict[str, Any]) -> list[str]:
    """The spans that an answer of DROP consists of, as its authors read them; none where it is empty."""
    date = answer["date"] or {}
    day = " ".join(part for part in (date.get("day"), date.get("month"), date.get("year")) if part)
    found = [str(answer["number"])] if answer["number"] else list(answer["spans"] or [day])
    return found if found[0].strip() else []


def unique(references: list[list[str]]) -> Iterator[list[str]]:
    """Lists without those that occurred before."""
    seen = set()
    for reference in references:
        if tuple(reference) not in seen:
            seen.add(tuple(reference))
            yield reference


def ifeval(row: Row, entry: dict[str, Any]) -> Row:
    """IF-Eval: the instructions and their arguments, without the empty ones that a table needs."""
    arguments = [{key: value for key, value in found.items() if value is not None} for found in row["kwargs"]]
    gold = {"instruction_id_list": row["instruction_id_list"], "kwargs": arguments}
    return {"question": row["question"], "answer": json.dumps(gold, ensure_ascii=False)}
