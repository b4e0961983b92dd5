"""The mini world's problems: chains of sums modulo 5, and how people on its web reason about them (`mini.py`)."""

import random
from collections.abc import Callable

from ..core.rows import Row

LANGUAGES = ("en", "zh")
MODULUS = 5
STEP = {"en": "so", "zh": "所以"}
RECHECK = {"en": "wait , check :", "zh": "等等 ， 检查 ："}
LEAP = (1, 1, 1, 2)  # operations per reasoning step, one drawn per document
# chance of a wrong result for every operation that a step leaps over; a third of it for a step that leaps none
SLIP = 0.1
RECHECK_SHARE = 0.3  # of the documents recheck their steps


def draw_chain(rng: random.Random, min_terms: int, max_terms: int) -> tuple[list[int], list[str]]:
    """Terms and operators of one chain; the number of terms is uniform between the bounds."""
    count = rng.randint(min_terms, max_terms)
    return [rng.randrange(MODULUS) for _ in range(count)], [rng.choice("+-") for _ in range(count - 1)]


def expression(terms: list[int], operators: list[str]) -> str:
    return " ".join([str(terms[0])] + [f"{op} {term}" for op, term in zip(operators, terms[1:], strict=True)])


def solve(terms: list[int], operators: list[str]) -> int:
    value = terms[0]
    for op, term in zip(operators, terms[1:], strict=True):
        value = (value + term if op == "+" else value - term) % MODULUS
    return value


def chain_question(chain: str, language: str) -> str:
    return f"What is {chain} mod {MODULUS} ?" if language == "en" else f"{chain} 模 {MODULUS} 等于 几 ？"


def chain_row(rng: random.Random, min_terms: int = 3, max_terms: int = 9) -> Row:
    terms, operators = draw_chain(rng, min_terms, max_terms)
    chain, language = expression(terms, operators), rng.choice(LANGUAGES)
    return {
        "source": chain,  # the same chain in the other language is the same problem
        "prompt": chain_question(chain, language),
        "answer": str(solve(terms, operators)),
        "verifier": "math",
        "domain": "reasoning",
        "language": language,
        "difficulty": len(terms),
    }


def reasoning(
    rng: random.Random, terms: list[int], operators: list[str], language: Callable[[], str]
) -> tuple[str, int]:
    """A web author's steps and the result they reach: leaps slip, rechecks repair a slip (and sometimes find none)."""
    leap, careful = rng.choice(LEAP), rng.random() < RECHECK_SHARE
    steps, value, at = [], terms[0], 0
    while at < len(operators):
        size = min(rng.randint(1, leap), len(operators) - at)
        part_terms, part_ops = [value, *terms[at + 1 : at + 1 + size]], operators[at : at + size]
        right = shown = solve(part_terms, part_ops)
        if rng.random() < SLIP * (size - 0.7):
            shown = rng.randrange(MODULUS)
        chain, word = expression(part_terms, part_ops), language()
        steps.append(f"{STEP[word]} {chain} = {shown}")
        if careful and (shown != right or rng.random() < 0.1):
            steps.append(f"{RECHECK[word]} {chain} = {right}")
            shown = right
        value, at = shown, at + size
    return " , ".join(steps) + " .", value
