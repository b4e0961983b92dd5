"""Recognises the usual column names and chat forms of public datasets, so that most need no `columns:` in a recipe.

Only what is missing is looked for, and a recipe's own `columns` always win: `problem` or `question` become `prompt`,
`expected_answer` or a boxed `solution` become `answer`, the last turn of `messages` or of a ShareGPT `conversations`
becomes `response`. Where neither row nor recipe names a language (a code such as `zh`; some columns of that name hold
a programming language), the prompt tells it.
"""

import json
from typing import Any

from ..core.answers import last_boxed
from ..core.errors import DataError
from ..core.formats import completion_text
from ..core.languages import language_code, main_language
from ..core.rows import OPEN, Row
from .splits import text_hash

ALIASES = {
    "prompt": ("problem", "question", "query", "instruction", "input"),
    "answer": ("final_answer", "expected_answer", "reference_answer", "ground_truth", "gold", "target", "solution"),
    "response": ("output", "generation", "generated_solution"),
}
CHATS = ("messages", "conversations", "conversation")
ROLES = {
    "human": "user",
    "user": "user",
    "gpt": "assistant",
    "assistant": "assistant",
    "chatgpt": "assistant",
    "system": "system",
}
DEFAULTS = {"verifier": "math", "domain": "reasoning", "difficulty": 0, "metadata": ""}


def detected(names: list[str]) -> dict[str, str]:
    """Which columns stand for shared ones that are missing: {column: shared name}."""
    found = {}
    for shared, aliases in ALIASES.items():
        if shared not in names and (
            alias := next((name for name in aliases if name in names and name not in found), None)
        ):
            found[alias] = shared
    return found


def as_messages(turns: Any, where: str) -> list[dict[str, str]]:
    """A chat in the form of `role` and `content`, also from ShareGPT's `from` and `value`."""
    try:
        pairs = [
            (turn.get("role") or turn["from"], turn["content"] if "content" in turn else turn["value"])
            for turn in turns
        ]
        return [{"role": ROLES[role], "content": content or ""} for role, content in pairs]
    except (KeyError, TypeError, AttributeError) as error:
        hint = "turns must have role and content, or from and value, with roles user, assistant, system"
        raise DataError(f"dataset {where}: a chat that cannot be read ({error}): {str(turns)[:200]}", hint) from None


def shared_row(row: Row, source: dict[str, Any]) -> Row:
    """One row in the shared columns."""
    chats = [row[name] for name in CHATS if row.get(name)]
    prompt, response = row.get("prompt"), row.get("response")
    if chats and (prompt is None or response is None):
        turns = as_messages(chats[0], source["path"])
        ends = bool(turns) and turns[-1]["role"] == "assistant"
        if response is None and ends and "response" not in row:
            response, prompt = turns[-1]["content"], prompt if prompt is not None and len(turns) <= 2 else turns[:-1]
        prompt = prompt if prompt is not None else turns[:-1] if ends else turns
    prompt = [{"role": "user", "content": prompt}] if isinstance(prompt, str) else as_messages(prompt, source["path"])
    fixed = {key: source.get(key, default) if row.get(key) is None else row[key] for key, default in DEFAULTS.items()}
    if "difficulty" in row and "difficulty" not in source:  # it may be a text, and of one row unknown
        fixed["difficulty"] = row["difficulty"]
    fixed["language"] = (
        language_code(row.get("language")) or language_code(source.get("language")) or language_of(prompt)
    )
    name = row.get("problem_id")  # a number too, and 0 is one
    fixed |= {
        "prompt": prompt,
        "problem_id": text_hash(json.dumps(prompt, ensure_ascii=False)) if name in (None, "") else str(name),
    }
    fixed |= {"answer": ""} if fixed["verifier"] == OPEN and row.get("answer") is None else {}
    fixed |= {"response": response} if response is not None or any(name in row for name in CHATS) else {}
    if source.get("judge") and row.get("answer") is not None:  # a judge's reference is the whole text
        return row | fixed | {"answer": str(row["answer"])}
    return row | fixed | ({} if fixed["verifier"] == "code" and row.get("answer") else answer_of(row))


def language_of(prompt: list[dict[str, str]]) -> str | None:
    """The language that a question is written in; `None` where it cannot be told."""
    return main_language(completion_text(prompt)) if prompt else None


def answer_of(row: Row) -> Row:
    """The answer as text, and the solution that it was cut from; also where verl's datasets have it."""
    answer = row.get("answer")
    if answer is None and isinstance(row.get("reward_model"), dict):
        answer = row["reward_model"].get("ground_truth")
    if answer is None:
        return {}
    options = row.get("options")
    if isinstance(answer, int) and not isinstance(answer, bool) and options and 0 <= answer < len(options):
        answer = chr(ord("A") + answer)  # as text, it could be taken for the text of an option
    short = plain_answer(answer)
    return {"answer": short} | (
        {"solution": answer} if short != answer and isinstance(answer, str) and row.get("solution") is None else {}
    )


def plain_answer(answer: Any) -> Any:
    """
    An answer without the solution that some datasets give with it: what is boxed, or follows GSM8K's `####`; numbers
    as text.
    """
    if not isinstance(answer, str):
        return str(answer) if isinstance(answer, (int, float)) and not isinstance(answer, bool) else answer
    if "####" in answer:
        return answer.rpartition("####")[2].strip()
    if "\\boxed" in answer and len(answer.split()) > 10:
        return last_boxed(answer) or answer
    return answer
