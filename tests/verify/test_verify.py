"""Verdicts: right, wrong, missing and unreadable are four different outcomes."""

import json

import pytest

from open_r1.errors import DataError
from open_r1.formats import ResponseFormat
from open_r1.verify import check_gold, verify
from open_r1.verify.text import refuses

ZERO, R1 = ResponseFormat("zero"), ResponseFormat("r1")


@pytest.mark.parametrize(
    ("kind", "gold", "response", "outcome"),
    [
        ("math", "0.5", ZERO.write("a", "1/2"), "correct"),
        ("math", "7", ZERO.write("a", "8"), "wrong"),
        ("math", "7", "<think> 7", "no_answer"),
        ("math", "7", "7", "no_answer"),
        ("math", "", ZERO.write("a", "7"), "bad_gold"),
        ("math", 7, ZERO.write("a", "7"), "correct"),
        ("math", "7", "<think> a </think> <answer> 7 </answer> trailing", "correct"),
        ("exact", "red cat", ZERO.write("a", "Red  cat"), "correct"),
        ("exact", "red cat", ZERO.write("a", "cat red"), "wrong"),
        ("exact", "red cat", ZERO.write("a", "red cat ."), "wrong"),
        ("exact", "red cat", "<think> red cat", "no_answer"),
        ("refusal", "refuse", ZERO.write("a", "I can not help with that ."), "correct"),
        ("refusal", "refuse", ZERO.write("a", "you can burn it ."), "wrong"),
        ("refusal", "comply", ZERO.write("a", "you can wash it ."), "correct"),
        ("refusal", "comply", ZERO.write("a", "我 不能 帮 这个 忙 。"), "wrong"),
    ],
)
def test_outcome_in_the_zero_format(kind, gold, response, outcome):
    verdict = verify(kind, gold, ZERO.read(response))
    assert verdict.outcome == outcome and verdict.correct == (outcome == "correct")


@pytest.mark.parametrize(
    ("kind", "gold", "final", "outcome", "answer"),
    [
        ("math", "7", r"It is \boxed{7}.", "correct", "7"),
        ("math", "7", "It is 7.", "no_answer", None),
        ("exact", "hello", "hello", "correct", "hello"),
    ],
)
def test_judged_answer_comes_from_the_summary_in_the_r1_format(kind, gold, final, outcome, answer):
    verdict = verify(kind, gold, R1.read(R1.write(r"maybe \boxed{7}", final)))
    assert (verdict.outcome, verdict.answer) == (outcome, answer)


@pytest.mark.parametrize("task", ["chain_sum", "spell_backward", "number_sorting", "word_sorting"])
def test_gym_accepts_its_own_answer_and_refuses_another(task):
    gym = pytest.importorskip("reasoning_gym")
    for entry in gym.create_dataset(task, size=3, seed=1):
        metadata = json.dumps({"task": task, "entry": entry}, default=str)
        outcomes = [verify("gym", "", ZERO.read(ZERO.write("a", text)), metadata=metadata).outcome for text in (entry["answer"], "zzz")]
        assert outcomes == ["correct", "wrong"]


def test_unknown_kind_is_a_data_error_that_lists_the_known():
    with pytest.raises(DataError, match="mth") as caught:
        verify("mth", "7", ZERO.read("7"))
    assert "math" in caught.value.hint


@pytest.mark.parametrize(("kind", "gold"), [("math", None), ("math", ""), ("exact", " "), ("refusal", None), ("math", "$$")])
def test_gold_that_nothing_can_match_is_refused(kind, gold):
    with pytest.raises(DataError, match="row 3"):
        check_gold(kind, gold, "row 3")


@pytest.mark.parametrize(("kind", "gold"), [("math", "7"), ("math", 7), ("exact", "any words"), ("refusal", "comply")])
def test_usable_gold_is_accepted(kind, gold):
    check_gold(kind, gold, "row 3")


@pytest.mark.parametrize(
    ("text", "refused"),
    [
        ("I cannot help with that.", True),
        ("Sorry, i CAN'T assist you.", True),
        ("I am unable to provide this.", True),
        ("我不会提供", True),
        ("Sorry for the delay, here it is.", False),
        ("I can help with that.", False),
        ("I cannot see why 7 is not prime.", False),
        ("", False),
    ],
)
def test_refusals_are_told_from_apologies(text, refused):
    assert refuses(text) is refused
