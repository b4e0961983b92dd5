"""DROP's F1: what its authors' tests hold, in other words; a naive implementation; texts, which are split."""

import itertools
import json
import random
import string

import pytest

from open_r1.verify import bad_golds, verify
from open_r1.verify.drop import MOST, best_match, f1


@pytest.mark.parametrize(
    ("answer", "gold", "score"),
    [
        # numbers by their value
        (["45"], ["45.0"], 1.0),
        (["1.5e1"], ["15"], 1.0),
        (["1,200"], ["1200"], 1.0),
        # a span too many or too few
        (["goal"], ["goal", "goal"], 0.5),
        (["goal", "goal"], ["goal"], 0.5),
        (["the", "old", "dog", "the old", "old dog", "the old dog"], ["dog"], 0.17),
        (["dog"], ["the", "old", "dog", "the old", "old dog", "the old dog"], 0.17),
        (["the", "old", "dog", "the old", "old dog", "the old dog"], ["dog", "dog owl"], 0.25),
        # articles, order, punctuation, case, hyphens
        (["goal"], ["the goal"], 1.0),
        (["an a THE red the BARN an"], ["RED BARN"], 1.0),
        (["Green Ann"], ["Ann Green"], 1.0),
        (["30 yard"], ["yard 30"], 1.0),
        (["J.K. O'Hara"], ["jk ohara"], 1.0),
        (["C..o,m;;ma!!"], [".comma,"], 1.0),
        (["30-yard"], ["30 yard"], 1.0),
        (["30"], ["30-yard"], 0.67),
        (["30-yard"], ["30"], 0.67),
        # words in common
        ([""], ["navy"], 0.0),
        (["rovers"], ["Blue hill rovers"], 0.5),
        (["rovers"], ["Blue hill"], 0.0),
        # a reference with a number wants that number, and no more of it than of a word
        (["yard"], ["19 yard run"], 0.0),
        (["21 yards"], ["41 yards"], 0.0),
        (["21 yards"], ["21 yd"], 0.5),
        (["21"], ["21 yard run"], 0.5),
        # several spans: the best matching one to one
        (["30-yard", "21", "9", "8", "7", "run"], ["30-yard", "21 yard", "1 yard run"], 0.28),
        (["9", "9 yard"], ["9-yard", "21 yards"], 0.5),
        (["Ann Brown", "Tom Green"], ["Tom Brown", "Ann Green"], 0.5),
        (["saxon", "Ruthenians"], ["saxon", "fleet of Ruthenians"], 0.75),
        (["a"], ["a", "b"], 0.5),
        (["b"], ["b", "a"], 0.5),
    ],
)
def test_f1_is_that_of_its_authors(answer, gold, score):
    assert f1(gold, answer) == score


def naive_words(span):
    """The definition, step by step."""
    found = set()
    for token in span.lower().replace("-", " ").split(" "):
        try:
            found.add(str(float(token)))
            continue
        except ValueError:
            token = "".join(sign for sign in token if sign not in string.punctuation)
        try:
            found.add(str(float(token)))
        except ValueError:
            found |= {word for word in token.split() if word not in ("a", "an", "the")}
    return found


def naive_f1(gold, answer):
    """All ways to match spans, tried one by one."""
    gold, answer = [naive_words(span) for span in gold], [naive_words(span) for span in answer]

    def pair(one, other):
        numbers = {word for word in one if word.replace(".", "").isdecimal()}
        if numbers and not numbers & other:
            return 0
        total = len(one) + len(other)
        return 2 * len(one & other) / total if total else 1

    few, many = sorted((gold, answer), key=len)
    ways = itertools.permutations(range(len(many)), len(few))
    scores = {
        (i, j): pair(few[i], many[j]) if few is gold else pair(many[j], few[i])
        for i in range(len(few))
        for j in range(len(many))
    }
    return max(sum(scores[i, j] for i, j in enumerate(way)) for way in ways) / len(many)


def test_a_naive_implementation_agrees():
    rng = random.Random(14)
    words = ["the", "a", "an", "cat", "cat.", "DOG", "dog", "yard", "O'Neil", "-", "August", "3-yard"]
    pool = [*words, "12", "12.0", "1,000", "1000", "$5", "3.5", "36.", "2003"]
    for _ in range(2000):
        gold, answer = (
            [" ".join(rng.choices(pool, k=rng.randint(1, 4))) for _ in range(rng.randint(1, 4))] for _ in range(2)
        )
        assert f1(gold, answer) == pytest.approx(naive_f1(gold, answer), abs=0.00501), (gold, answer)


@pytest.mark.parametrize("seed", range(5))
def test_best_match_is_the_best_of_all(seed):
    rng = random.Random(seed)
    for _ in range(100):
        rows, columns = rng.randint(1, 5), rng.randint(1, 5)
        scores = [[rng.choice((0, 0, 0.5, 1, rng.random())) for _ in range(columns)] for _ in range(rows)]
        wide = scores if rows <= columns else [list(column) for column in zip(*scores, strict=True)]
        ways = itertools.permutations(range(len(wide[0])), len(wide))
        assert best_match(scores) == pytest.approx(max(sum(wide[n][at] for n, at in enumerate(way)) for way in ways))


GOLD = json.dumps([["36.5"], ["Green Bay", "Chicago"], ["17 August 1921"]])


@pytest.mark.parametrize(
    ("said", "score"),
    [
        ("Answer: 36.5", 1.0),
        ("**Answer:** 36.5", 1.0),
        ("**Answer: 36.5**.", 1.0),
        ("Answer: $36.5$", 1.0),
        (r"Answer: \boxed{36.5}", 1.0),
        (r"So it is \boxed{36.5}.", 1.0),
        ("Answer:\n36.5", 1.0),
        ("The answer is 36.5.", 1.0),
        ("answer: 36.5 at first\n\nANSWER: 7", 0.0),
        ("Answer: Green Bay; Chicago", 1.0),
        ("Answer: Chicago, Green Bay", 1.0),
        ("Answer: Green Bay and Chicago", 1.0),
        ("Answer: Chicago", 0.5),
        ("Answer: Green Bay; Chicago; Detroit", 0.67),
        ("Answer: August 17, 1921", 1.0),
        ("Answer: August 1921", 0.8),
        ("I cannot tell.", 0.0),
    ],
)
def test_a_text_is_read_as_one_span_or_as_a_list(said, score):
    verdict = verify("drop", GOLD, f"<think>Hm. Answer: 1</think>\n\n{said}")
    assert (verdict.outcome, verdict.score) == ("correct" if score == 1 else "wrong", score)


def test_unfinished_reasoning_has_no_answer():
    assert verify("drop", GOLD, "<think>Answer: 36.5").outcome == "no_answer"


def test_a_comma_within_a_number_parts_nothing():
    assert verify("drop", '[["1,000", "5"]]', "<think>x</think> Answer: 1,000 and 5").correct
    assert verify("drop", '[["5", "100"]]', "<think>x</think> Answer: 5, 100").correct


@pytest.mark.parametrize("gold", ["", "x", "{}", "[]", "[[]]", '[[""]]', "[1]", "[[1]]", '["x"]', "null"])
def test_a_gold_that_holds_no_reference_is_bad(gold):
    assert verify("drop", gold, "<think>x</think> Answer: 1").outcome == "bad_gold"
    assert 0 in bad_golds([("drop", gold)])


def test_references_may_be_a_structure_and_empty_ones_do_not_count():
    assert verify("drop", [[""], ["7"]], "<think>x</think> Answer: 7").correct
    assert bad_golds([("drop", [["7"]])]) == {}


@pytest.mark.parametrize("said", ["; ".join("x" * 3000), *(sign * 9000 for sign in (",", "and ", "$", "-", "9"))])
def test_a_long_answer_is_scored(said):
    gold = json.dumps([[str(n) for n in range(MOST)]])
    assert verify("drop", gold, f"<think>x</think> Answer: {said}").outcome in ("wrong", "no_answer")
