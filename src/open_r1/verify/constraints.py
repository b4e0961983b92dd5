"""Verifiable instructions ("at least 3 bullet points", "no commas"), in the names and arguments of IF-Eval (arXiv
2311.07911).

A gold is a JSON object `{"instruction_id_list": [...], "kwargs": [...]}`, as google/IFEval and its descendants store
it, or a list of objects with an `id` and its arguments. The score is the share of the instructions that are followed;
all of them is correct.

The rules are those of the authors' checkers, quirks included (a keyword counts inside a longer word, "[]" is a
placeholder, "---" is a bullet), so that a score here is a score there. Where they differ, the reason stands beside the
rule (`counting.py` counts words and sentences). They are written anew because the packages that hold them
(`if-verifiable` 0.1.2, lm-eval, lighteval) fetch NLTK data at run time, bring a harness or `datasets` along, and take
keywords as patterns. Every rule is linear in the text.
"""

import json
import operator
import re
from collections.abc import Callable
from typing import Any

from ..core.languages import guess_language, language_code
from .counting import WORD, count_bullets, count_capitals, count_highlights, count_sentences, has_title, holds_word

RELATIONS = {
    "at least": operator.ge,
    "at most": operator.le,
    "less than": operator.lt,
    "more than": operator.gt,
    "exactly": operator.eq,
}


def related(count: int, wanted: Any, relation: Any) -> bool:
    """Whether a count is as wanted, by default at least so much."""
    return RELATIONS["at least" if relation is None else relation](count, number(wanted))


def number(value: Any) -> int:
    """
    A count among the arguments; `ValueError` for anything else. Tables store it as a float where others are missing.
    """
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < 1e9:
        raise ValueError(f"{value!r} is no count")
    return int(value)


def phrase(value: Any) -> str:
    """A text among the arguments, stripped and in small letters; `ValueError` for anything else."""
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"{value!r} is no text")
    return value.strip().lower()


def phrases(values: Any) -> list[str]:
    if not isinstance(values, list) or not values:
        raise ValueError(f"{values!r} is no list")
    return [phrase(value) for value in values]


def letter(value: Any) -> str:
    if len(found := phrase(value)) != 1:
        raise ValueError(f"{value!r} is no letter")
    return found


def parts_between(text: str, divider: str) -> list[str]:
    """What stands between dividers, empty only if nothing does between two; the outer ends may be empty."""
    parts = [part.strip() for part in text.split(divider)]
    return parts[not parts[0] : len(parts) - (len(parts) > 1 and not parts[-1])]


def has_paragraphs(text: str, count: int) -> bool:
    parts = parts_between(text, "***")
    return all(parts) and len(parts) == count


def two_responses(text: str) -> bool:
    parts = parts_between(text, "******")
    return all(parts) and len(parts) == 2 and parts[0] != parts[1]


def paragraph_starts(text: str, count: int, nth: int, word: str) -> bool:
    """Whether there are so many paragraphs, parted by empty lines, and one of them begins with a word."""
    parts = [part.strip() for part in text.split("\n\n")]
    filled = sum(map(bool, parts))
    first = parts[nth - 1].split()[0].lstrip("'").lstrip('"').lower() if 0 < nth <= filled and parts[nth - 1] else ""
    return filled == count and re.split(r"[.,?!'\"]", first)[0] == word


def has_postscript(text: str, marker: str) -> bool:
    """Whether a marker occurs, "P.S." and "P.P.S" also with spaces inside."""
    pattern = {"p.p.s": r"p\.\s?p\.\s?s", "p.s.": r"p\.\s?s\."}.get(marker) or re.escape(marker)
    return bool(re.search(pattern, text.lower()))


def count_sections(text: str, marker: Any) -> int:
    phrase(marker)
    return len(re.findall(re.escape(marker.strip()) + r"\s?\d+", text))


def is_json(text: str) -> bool:
    """Whether a text is JSON, in a code block or not."""
    text = re.sub(r"^```(?:json|Json|JSON)?", "", text.strip()).removesuffix("```")
    try:
        json.loads(text.strip())
    except (ValueError, RecursionError):
        return False
    return True


def in_language(text: str, code: Any) -> bool:
    """
    Whether a text is most likely in a language. Not the authors': a text without words is in none, theirs is in each.
    """
    if language_code(code) is None:
        raise ValueError(f"unknown language {code!r}")
    return guess_language(text.lower())[0] == language_code(code)


def bare(text: str) -> str:
    return text.strip().strip('"').lower()


# instruction -> (text, its arguments) -> followed or not
CHECKS: dict[str, Callable[[str, dict], bool]] = {
    "keywords:existence": lambda t, a: all([word in t.lower() for word in phrases(a["keywords"])]),
    "keywords:forbidden_words": lambda t, a: (
        not any([holds_word(t.lower(), word) for word in phrases(a["forbidden_words"])])
    ),
    "keywords:frequency": lambda t, a: related(
        t.lower().count(phrase(a["keyword"])), a["frequency"], a.get("relation")
    ),
    "keywords:letter_frequency": lambda t, a: related(
        t.lower().count(letter(a["letter"])), a["let_frequency"], a.get("let_relation")
    ),
    "language:response_language": lambda t, a: in_language(t, a["language"]),
    "length_constraints:number_words": lambda t, a: related(len(WORD.findall(t)), a["num_words"], a.get("relation")),
    "length_constraints:number_sentences": lambda t, a: related(
        count_sentences(t), a["num_sentences"], a.get("relation")
    ),
    "length_constraints:number_paragraphs": lambda t, a: has_paragraphs(t, number(a["num_paragraphs"])),
    "length_constraints:nth_paragraph_first_word": lambda t, a: paragraph_starts(
        t, number(a["num_paragraphs"]), number(a["nth_paragraph"]), phrase(a["first_word"])
    ),
    "detectable_content:number_placeholders": lambda t, a: (
        sum(map(bool, re.findall(r"\[[^\]\n]*(\]?)", t))) >= number(a["num_placeholders"])
    ),
    "detectable_content:postscript": lambda t, a: has_postscript(t, phrase(a["postscript_marker"])),
    "detectable_format:number_bullet_lists": lambda t, a: count_bullets(t) == number(a["num_bullets"]),
    "detectable_format:number_highlighted_sections": lambda t, a: count_highlights(t) >= number(a["num_highlights"]),
    "detectable_format:multiple_sections": lambda t, a: (
        count_sections(t, a["section_spliter"]) >= number(a["num_sections"])
    ),
    "detectable_format:constrained_response": lambda t, a: any(
        f"My answer is {word}." in t for word in ("yes", "no", "maybe")
    ),
    "detectable_format:json_format": lambda t, a: is_json(t),
    "detectable_format:title": lambda t, a: has_title(t),
    "combination:two_responses": lambda t, a: two_responses(t),
    "combination:repeat_prompt": lambda t, a: t.strip().lower().startswith(phrase(a["prompt_to_repeat"])),
    "startend:end_checker": lambda t, a: bare(t).endswith(phrase(a["end_phrase"])),
    "startend:start_checker": lambda t, a: bare(t).startswith(phrase(a["start_phrase"])),  # a descendants' counterpart
    "startend:quotation": lambda t, a: len(t.strip()) > 1 and t.strip()[0] == t.strip()[-1] == '"',
    "change_case:capital_word_frequency": lambda t, a: related(
        count_capitals(t), a["capital_frequency"], a.get("capital_relation")
    ),
    "change_case:english_capital": lambda t, a: t.isupper() and in_language(t, "en"),
    "change_case:english_lowercase": lambda t, a: t.islower() and in_language(t, "en"),
    "punctuation:no_comma": lambda t, a: "," not in t and "，" not in t,  # the latter is not the authors'
}


def read_gold(gold: str) -> list[tuple[str, dict[str, Any]]] | None:
    """The instructions of a gold with their arguments; `None` if it cannot be read or holds an unknown one."""
    try:
        value = json.loads(gold)
        if isinstance(value, dict):
            value = [
                {"id": name, **(arguments or {})}
                for name, arguments in zip(value["instruction_id_list"], value["kwargs"], strict=True)
            ]
        found = [(entry["id"], {key: item for key, item in entry.items() if item is not None}) for entry in value]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    if not all(isinstance(name, str) for name, _ in found):
        return None
    return found if found and all(name in CHECKS for name, _ in found) else None


def followed(gold: str, text: str, loose: bool = False) -> list[bool] | None:
    """
    Which instructions of a gold a text follows.

    Args:
        gold (`str`):
            The instructions, as the module describes them.
        text (`str`):
            The response.
        loose (`bool`, *optional*, defaults to `False`):
            Whether it is enough that one of the authors' eight variants of the text follows an instruction: without
            asterisks, without its first line, its last, or both. They report it beside the strict score.

    Returns:
        `list[bool]` or `None`: one per instruction; `None` if the gold cannot be read.
    """
    instructions = read_gold(gold)
    if instructions is None:
        return None
    texts = [text]
    if loose:
        lines = text.split("\n")
        texts += ["\n".join(part).strip() for part in (lines[1:], lines[:-1], lines[1:-1])]
        texts += [variant.replace("*", "") for variant in texts]
    try:
        return [
            any([bool(variant.strip()) and CHECKS[name](variant, arguments) for variant in texts])
            for name, arguments in instructions
        ]
    except (KeyError, TypeError, ValueError):
        return None  # arguments missing or of another type


def judge(gold: str, text: str) -> float | None:
    """Share of the instructions that a text follows; `None` if the gold cannot be read."""
    found = followed(gold, text)
    return None if found is None else sum(found) / len(found)
