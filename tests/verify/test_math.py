"""The regression corpus of mathematical answers: every label holds."""

import pytest
from corpus import boxed, math_cases
from once_wrong import MATH

from open_r1.verify import Case, equivalent, verify, verify_many
from open_r1.verify.latex import canonical
from open_r1.verify.math import compare
from open_r1.verify.numeric import judge
from open_r1.verify.units import read_number

CASES = list(math_cases())


@pytest.fixture(scope="module")
def verdicts():
    return verify_many([Case("math", gold, boxed(answer)) for _, gold, answer, _ in CASES])


@pytest.mark.parametrize("category", sorted({category for category, *_ in CASES}))
def test_labels_of_the_corpus_hold(verdicts, category):
    found = [(case, verdict) for case, verdict in zip(CASES, verdicts, strict=True) if case[0] == category]
    assert [
        (gold, answer, verdict.outcome) for (_, gold, answer, right), verdict in found if verdict.correct != right
    ] == []


def test_what_was_judged_wrongly_once():
    verdicts = verify_many([Case("math", gold, response) for gold, response, _ in MATH])
    assert [row for row, verdict in zip(MATH, verdicts, strict=True) if verdict.correct != row[2]] == []


def test_the_corpus_is_large_and_has_no_case_twice():
    assert len(CASES) >= 600 and len({case[1:3] for case in CASES}) == len(CASES)


def test_most_cases_need_no_computer_algebra():
    asked = [compare(gold, answer, judge) for _, gold, answer, _ in CASES]
    assert sum(result is None for result in asked) < len(CASES) / 10


@pytest.mark.parametrize(
    ("text", "spelled"),
    [
        (r"$\dfrac12$", r"\frac{1}{2}"),
        (r" 7 . ", "7"),
        (r"\left( 1 , 2 \right)", "(1;2)"),
        (r"1{,}000", "1,000"),
        (r"0{,}5", "0.5"),
        (r"x \leq 3", r"x\le3"),
        (r"\pi r", r"\pi r"),
        ("{{7}}", "7"),
        ("10^10", "10^{10}"),
        ("", ""),
    ],
)
def test_canonical_spelling(text, spelled):
    assert canonical(text) == spelled


@pytest.mark.parametrize("text", ["x", "", "1/0", r"\frac{1}{0}", "7 8 9 x", "1.2.3", "--", "12,34", "five"])
def test_what_is_no_number_is_not_read_as_one(text):
    assert read_number(text) is None


@pytest.mark.parametrize(("one", "other"), [("1/2", "0.5"), (r"\sqrt{8}", r"2\sqrt{2}"), ("a", "a"), ("1,2", "2,1")])
def test_equivalent_answers_vote_together(one, other):
    assert equivalent("math", one, other) and not equivalent("math", one, "17")


@pytest.mark.parametrize(
    ("prompt", "gold", "answer", "outcome"),
    [
        ("What is 12 * 12 ?", "144", "12*12", "no_answer"),
        (r"Simplify $\sqrt{8}$.", r"2\sqrt{2}", r"\sqrt{8}", "no_answer"),
        (r"Simplify $\sqrt{8}$.", r"2\sqrt{2}", r"2\sqrt2", "correct"),
        (r"Simplify $\sqrt{7}$.", r"\sqrt{7}", r"\sqrt7", "correct"),
        ("Is 5 or 7 larger?", "7", "7", "correct"),
        (r"Write $\frac{1}{2}$ as a decimal.", "0.5", r"\frac{1}{2}", "correct"),  # a number is an answer
        ([{"role": "user", "content": "2^{10} = ?"}], "1024", "2^{10}", "no_answer"),
        (None, "1024", "2^{10}", "correct"),
    ],
)
def test_the_question_is_no_answer(prompt, gold, answer, outcome):
    assert verify("math", gold, boxed(answer), prompt=prompt).outcome == outcome
