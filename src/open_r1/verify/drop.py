"""Answers in spans, as DROP's authors score them (arXiv 1903.00161): F1 over the words of spans that are matched
one to one.

A gold is a JSON list of references, each a list of spans; the best one counts. Words are compared without case,
articles and punctuation, hyphens part them, and numbers by their value. A span of the reference with a number is worth
nothing beside one without any of its numbers. Of several spans, the matching that is best counts, and a span too many
or too few is worth 0. The score is rounded to two places, as theirs is.

Their metric is given lists of spans; here a text is split. It is read as one span and as a list (at semicolons, else
at commas and "and"), and the better reading counts.
"""

import json
import re
import string

from ..core.formats import Response

ANSWER = re.compile(r"answer\W{0,3}:[\s*]*(?P<said>[^\s*][^\n]*)", re.IGNORECASE)
WRAPPER = re.compile(r"\\(?:boxed|text\w*|mathrm|mathbf)\s*\{([^{}]*)\}")
FORMULA = re.compile(r"\$([^$]+)\$")
ARTICLES = re.compile(r"\b(?:a|an|the)\b")
PUNCTUATION = str.maketrans(dict.fromkeys(string.punctuation))
LISTED = re.compile(r",(?!(?<=\d,)\d{3}\b)|\band\b")  # not at the comma of 1,000
WINDOW, MOST = 2000, 100  # characters of an answer and spans of a list that are read


def part(response: Response) -> str | None:
    """What follows the last "Answer:", up to the line's end; else the short answer of the response, else all of it."""
    said = [match["said"] for match in ANSWER.finditer(response.final or "")]
    return said[-1] if said else response.answer or response.final


def judge(gold: str, answer: str) -> float | None:
    """F1 of an answer with the best reference; `None` for a gold that holds none."""
    references = read_gold(gold)
    if not references:
        return None
    return max(f1(reference, reading) for reference in references for reading in readings(answer[:WINDOW]))


def read_gold(gold: str) -> list[list[str]]:
    """The references of a gold, without empty ones; none if it cannot be read."""
    try:
        references = json.loads(gold)
    except (ValueError, RecursionError):
        return []
    if not isinstance(references, list) or not all(isinstance(spans, list) for spans in references):
        return []
    if not all(isinstance(span, str) for spans in references for span in spans):
        return []
    return [spans for spans in references if spans and spans[0].strip()]


def readings(answer: str) -> list[list[str]]:
    """A text as one span, and as a list of them; marks at its ends would make other numbers of numbers."""
    answer = WRAPPER.sub(r"\1", answer).strip("*` \n").rstrip("*`. \n")
    answer = FORMULA.sub(r"\1", answer) if FORMULA.fullmatch(answer) else answer
    listed = answer.split(";") if ";" in answer else LISTED.split(answer)
    listed = [span.strip() for span in listed if span.strip()][:MOST]
    return [[answer], listed] if len(listed) > 1 else [[answer]]


def f1(gold: list[str], answer: list[str]) -> float:
    """F1 of two lists of spans."""
    wanted, said = [words(span) for span in gold], [words(span) for span in answer]
    scores = [[shared(one, other) for other in said] for one in wanted]
    return round(best_match(scores) / max(len(wanted), len(said)) * 100) / 100  # halves as numpy rounds them


def shared(gold: set[str], answer: set[str]) -> float:
    """F1 of two spans' words; two spans without any are the same."""
    numbers = {word for word in gold if is_number(word)}
    if numbers and not numbers & answer:
        return 0.0
    if not gold & answer:
        return float(gold == answer)
    precision, recall = len(gold & answer) / len(answer), len(gold & answer) / len(gold)
    return 2 * precision * recall / (precision + recall)


def words(span: str) -> set[str]:
    """The words of a span, numbers in one form."""
    return {word for token in re.split("[ -]", span.lower()) for word in plain(token).split()}


def plain(token: str) -> str:
    """A token without punctuation, unless that makes it a number, and without articles."""
    token = token if is_number(token) else token.translate(PUNCTUATION)
    return ARTICLES.sub(" ", str(float(token)) if is_number(token) else token)


def is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def best_match(scores: list[list[float]]) -> float:
    """
    The largest sum of scores whose rows and columns are matched one to one, by the Hungarian method: row after row is
    matched along the cheapest way to change what is matched already.
    """
    if len(scores) > len(scores[0]):
        scores = [list(column) for column in zip(*scores, strict=True)]
    prices = ([0.0] * (len(scores) + 1), [0.0] * (len(scores[0]) + 1))  # of rows and columns, counted from 1
    matched = [0] * (len(scores[0]) + 1)  # the row of each column; column 0 is where a new row begins
    for row in range(1, len(scores) + 1):
        matched[0] = row
        column, before = cheapest_way(scores, prices, matched)
        while column:
            matched[column], column = matched[before[column]], before[column]
    return sum(scores[row - 1][column] for column, row in enumerate(matched[1:]) if row)


def cheapest_way(scores: list[list[float]], prices: tuple, matched: list[int]) -> tuple[int, list[int]]:
    """The free column that the new row's way ends in, and from which column the way comes to each; prices change."""
    of_row, of_column = prices
    least, before, seen, column = [float("inf")] * len(matched), [0] * len(matched), {0}, 0
    while matched[column]:
        row = matched[column]
        for other in set(range(1, len(matched))) - seen:
            cost = -scores[row - 1][other - 1] - of_row[row] - of_column[other]
            if cost < least[other]:
                least[other], before[other] = cost, column
        following = min((other for other in range(1, len(matched)) if other not in seen), key=least.__getitem__)
        step = least[following]
        for other in range(len(matched)):
            if other in seen:
                of_row[matched[other]] += step
                of_column[other] -= step
            else:
                least[other] -= step
        column = following
        seen.add(column)
    return column, before
