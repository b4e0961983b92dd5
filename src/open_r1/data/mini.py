"""The mini world: a whole R1 training universe that a laptop CPU can learn in minutes.

DeepSeek-R1 needs three things from its data (paper sections 2.2 to 2.4): problems whose answers a rule can check, a
base model that already shows - rarely - the behaviours RL can amplify, and general requests where helpfulness and
harmlessness matter. This module makes all three, deterministically and without any download:

- **chain** problems, "What is 3 + 4 - 2 mod 5 ?", asked in English or Chinese. Difficulty is the number of terms.
- a **corpus** of "web-like" documents. People on this web mostly guess, sometimes reason step by step, leap over steps
  and slip, recheck and repair a slip, answer in the other language, mix both, and use the `<think>`/`<answer>` tags or
  not.
- **general** requests with a programmatic truth (first word, last word, count, translate, greet) and **harm**
  requests: hurting people, animals or property is to be refused, near neighbours ("burn the candle") are not.
- **preferences** (pairs) and **safety** (labelled responses) for the two reward models (paper section 2.3.4).

A problem belongs to the train, validation or test split by a hash of its text, so no two splits ever share one.
"""

import random
from collections.abc import Callable, Iterator

from ..core.errors import DataError
from ..core.formats import ResponseFormat
from ..core.rows import Row
from .mini_chains import LANGUAGES, MODULUS, chain_question, chain_row, draw_chain, expression, reasoning, solve
from .mini_requests import (
    JUDGED,
    REFUSAL,
    UNDERSTOOD,
    draw_harm,
    draw_request,
    general_row,
    harm_row,
    r1_response,
    spoiled,
)
from .splits import SPLITS, split_of

GUESS = {"en": "let me guess .", "zh": "我 猜 一下 。"}
UNTAGGED = {"en": "the answer is", "zh": "答案 是"}

# The corpus, as shares of documents. They set what the base model does and therefore what RL can find.
CHAIN_SHARE = 0.8  # the rest: general and harm requests
TAGGED_SHARE = 0.55
BOXED_SHARE = 0.2  # the others, without tags, end with the plain answer
EASY_SHARE = 0.4  # of the chain documents ask for a single sum
LONG_SHARE = 0.04  # of them have `max_terms` terms; the others are shorter
REASONED_SHARE = 0.6  # of the chain documents; the others answer at once, right if easy and mostly wrong otherwise
GUESS_RIGHT = 0.2
MIXED_SHARE = 0.5  # of the reasoned documents switch language between steps
OTHER_LANGUAGE_SHARE = 0.15  # of them reason in the language that was not asked in


def rows(kind: str, split: str = "train", limit: int = 1000, **dials: object) -> Iterator[Row]:
    """
    Draws `limit` rows of one kind that belong to a split.

    Args:
        kind (`str`):
            One of `corpus`, `chain`, `general`, `harm`, `preferences` or `safety`.
        split (`str`, *optional*, defaults to `"train"`):
            `train`, `validation` or `test`.
        limit (`int`, *optional*, defaults to `1000`):
            Number of rows. Problems of an evaluation split are distinct; `DataError` where there are not so many.
        dials (`dict`):
            Difficulty of the generator, for example `min_terms` and `max_terms` of `chain`.
    """
    if split not in SPLITS:
        raise DataError(f"mini:{kind} has no split {split!r}", f"use one of {', '.join(SPLITS)}")
    rng = random.Random(f"{kind}/{split}")  # its own stream: the draw of one kind never moves another
    seen: set[str] = set()
    found = 0
    for _ in range(1000 + 100 * limit):
        if found == limit:
            return
        row = GENERATORS[kind](rng, **dials)
        source = str(row.pop("source"))
        if split_of(source) != split or (split != "train" and source in seen):
            continue
        seen.add(source)
        found += 1
        yield row
    raise DataError(
        f"mini:{kind} has only {found} different {split} problems of this kind, not {limit}", "lower `limit`"
    )


# ---------------------------------------------------------------------------------------------- corpus and reward data


def chain_document(rng: random.Random, max_terms: int) -> Row:
    """A question and some web author's response."""
    size = rng.random()
    shortest, longest = (
        (2, 2) if size < EASY_SHARE else (max_terms,) * 2 if size < EASY_SHARE + LONG_SHARE else (2, max_terms - 1)
    )
    terms, operators = draw_chain(rng, shortest, longest)
    chain, language = expression(terms, operators), rng.choice(LANGUAGES)
    other = LANGUAGES[1 - LANGUAGES.index(language)]
    if rng.random() < REASONED_SHARE:
        style = rng.random()
        if style < MIXED_SHARE:
            speak = lambda: rng.choice(LANGUAGES)
        else:
            spoken = other if style < MIXED_SHARE + OTHER_LANGUAGE_SHARE else language
            speak = lambda: spoken
        thoughts, value = reasoning(rng, terms, operators, speak)
    else:
        thoughts = GUESS[language]
        knows = len(terms) == 2 or rng.random() < GUESS_RIGHT
        value = solve(terms, operators) if knows else rng.randrange(MODULUS)
    return {"source": chain} | document(rng, chain_question(chain, language), thoughts, str(value), language)


def document(rng: random.Random, question: str, thoughts: str, answer: str, language: str) -> Row:
    """Web text in the transcript style of the R1-Zero template: with the tags of that template, or boxed, or plain."""
    style = rng.random()
    if style < TAGGED_SHARE:
        response = " " + ResponseFormat("zero").write(thoughts, answer)
    elif style < TAGGED_SHARE + BOXED_SHARE:
        response = rf" {thoughts} {UNTAGGED[language]} \boxed{{{answer}}} ."
    else:
        response = f" {thoughts} {UNTAGGED[language]} {answer} ."
    return {"prompt": f"User: {question} Assistant:", "completion": response}


def corpus_row(rng: random.Random, max_terms: int = 8) -> Row:
    """One web document. On general requests the web is right two times in three; it hardly ever refuses anything."""
    if rng.random() < CHAIN_SHARE:
        return chain_document(rng, max_terms)
    if rng.random() < 0.6:
        task, language, question, answer = draw_request(rng)
        reply = answer if rng.random() < 0.65 else spoiled(rng, answer, language)
        return {"source": question} | document(rng, question, UNDERSTOOD[language][task], reply, language)
    question, language, forbidden, advice = draw_harm(rng)
    reply = REFUSAL[language] if rng.random() < 0.15 else advice
    return {"source": question} | document(rng, question, JUDGED[language][forbidden], reply, language)


def preferences_row(rng: random.Random) -> Row:
    """A pair for the helpful reward model: it sees summaries only, so the pair holds no reasoning."""
    _, language, question, answer = draw_request(rng)
    return {"source": question, "prompt": question, "chosen": answer, "rejected": spoiled(rng, answer, language)}


def safety_row(rng: random.Random) -> Row:
    """
    A whole response labelled safe (1) or unsafe (0); refusing a harmless request is labelled unsafe, as over-refusal.
    """
    question, language, forbidden, advice = draw_harm(rng)
    refuses = rng.random() < 0.5
    response = r1_response(JUDGED[language][rng.choice([True, False])], REFUSAL[language] if refuses else advice)
    return {"source": question, "prompt": question, "completion": response, "label": float(refuses == forbidden)}


GENERATORS: dict[str, Callable[..., Row]] = {
    "corpus": corpus_row, "chain": chain_row, "general": general_row, "harm": harm_row,
    "preferences": preferences_row, "safety": safety_row,
}  # fmt: skip
