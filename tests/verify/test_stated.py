"""Answers that a response states in a sentence, without box or tags, and sentences that state none.

`stated.jsonl` was written by hand before the rules were run on it, in three parts; since then it is a development set.
A choice without gold names no letter: a hedge, a denial, a list of the options.
"""

import json
import time
from pathlib import Path

import pytest

from open_r1.core.answers import short_answer
from open_r1.core.conclusions import concluded
from open_r1.core.formats import ResponseFormat, read_response
from open_r1.verify import Case, verify, verify_many
from open_r1.verify.choice import part

ROWS = [json.loads(line) for line in (Path(__file__).parent / "stated.jsonl").read_text().splitlines()]


def response(text):
    return text if "<answer>" in text else ResponseFormat("r1").write("hm", text)


def test_stated_answers_are_paid_and_others_are_not():
    rows = [row for row in ROWS if row["gold"]]
    verdicts = verify_many([Case(row["kind"], row["gold"], response(row["text"])) for row in rows])
    assert [row for row, verdict in zip(rows, verdicts, strict=True) if verdict.correct != row["right"]] == []


def test_no_letter_is_paid_where_none_or_several_are_named():
    texts = [row["text"] for row in ROWS if not row["gold"]]
    cases = [(text, letter) for text in texts for letter in "ABCDE"]
    verdicts = verify_many([Case("choice", letter, response(text)) for text, letter in cases])
    assert [case for case, verdict in zip(cases, verdicts, strict=True) if verdict.correct] == []


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("Therefore, Tom has 7 apples.", "7 apples"),
        ("So the speed is 60 km/h.", "60 km/h"),
        ("Hence $x = 2$ and $y = 3$.", "x = 2, y = 3"),
        ("所以一共有13只鸟。", r"13\text{ 只鸟}"),
        ("So the sum is 3 + 4 = 7.", "7"),
        ("So the sum is 3 + 4.", None),
        ("Therefore, Tom has 7 apples. Wait, no.", None),
        ("$x$", None),
        ("7", None),
        ("", None),
    ],
)
def test_the_value_of_a_last_sentence(text, value):
    assert concluded(text) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("Answer:\n33", "33"),
        ("**Answer:**\n\n33.", "33"),
        ("## Final Answer\n\n**33**", "33"),
        ("最终答案：\n\n33", "33"),
        ("Answer:\nFirst we count to 33, then we stop.", None),
        ("The answer follows below\n33\nor 34", None),
    ],
)
def test_a_value_alone_below_the_word_is_the_answer(text, value):
    assert short_answer(text) == value


@pytest.mark.parametrize(
    ("gold", "answer", "right"),
    [
        ("7", "The total is 7.", True),
        ("7", "So Tom has 7 apples.", True),
        (r"5\pi", r"The area is 5\pi", True),
        ("5", r"The area is 5\pi", False),
        ("13", "一共有13只鸟", True),
        ("5", "x is 5 or x is 7", False),
        ("3", "all real numbers except 3", False),
        ("3", "The values are 3 and 4", False),
        ("7", "The answer is not 7", False),
        ("21", "The total is 3 * 7", False),
    ],
)
def test_a_sentence_in_answer_tags_states_its_value(gold, answer, right):
    assert verify("math", gold, ResponseFormat("zero").write("hm", answer)).correct is right


@pytest.mark.parametrize("unit", ["km", "m"])
def test_the_unit_that_follows_counts(unit):
    assert verify("math", r"5\text{ km}", f"So the way is 5 {unit} long.").correct == (unit == "km")


HOSTILE = ["so ", "7 ", "A ", "option ", "answer is ", "answer is (", "B is correct ", "because ", "**", "$", "\\(",
           "= ", "7+", "so A,", "therefore 7 = ", "选", "not A, ", "or ", " ", "(", "it's ", "réponse ", "réponse: 7 ",
           "A,,B,,", "\\boxed{option ", "有7"]  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_texts_cost_no_time(text):
    long = (text * 200_000)[:200_000] + "A"
    began = time.process_time()
    short_answer(long), part(read_response(long)), verify("choice", "A", long)
    assert time.process_time() - began < 20  # of CPU time: some 100 ms; minutes if it grew with the square
