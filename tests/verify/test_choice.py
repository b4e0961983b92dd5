"""Multiple choice: one letter is named, or none."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from open_r1.core.answers import short_answer
from open_r1.core.formats import Response
from open_r1.verify import verify
from open_r1.verify.choice import chosen, judge, part

OPTIONS = ["nucleus", "mitochondria", r"$\frac{1}{2}$", "Both A and B", "7"]


@pytest.mark.parametrize(
    ("answer", "letter"),
    [
        ("B", "B"),
        ("b", "B"),
        (" (B) ", "B"),
        ("[B]", "B"),
        ("B.", "B"),
        ("B)", "B"),
        ("**B**", "B"),
        ("`B`", "B"),
        ("$B$", "B"),
        (r"\text{B}", "B"),
        (r"\textbf{(B)}", "B"),
        (r"\mathrm{B}", "B"),
        ("option B", "B"),
        ("Answer: B", "B"),
        ("选项 B", "B"),
        ("B. mitochondria", "B"),
        ("B: mitochondria", "B"),
        ("B) 42", "B"),
        ("B - the second", "B"),
        ("J", "J"),
        ("故选：B", "B"),
        ("（B）", "B"),
        ("答案：Ｂ", "B"),
        ("选B。", "B"),
        (r"\color{red}{B}", "B"),
        (r"\textcolor{blue}{(B)}", "B"),
        (r"{\color{red} B}", "B"),
        (r"(B) \frac12", "B"),
        (r"\textbf{(B)}\ 42", "B"),
        ("[B] because it fits", "B"),
        ("(B) or (C)", None),
        ("B. or maybe A", None),
        ("B: A", None),
        ("(B) A", None),
        ("故选：AB", None),
        ("K", None),
        ("AB", None),
        ("A or B", None),
        ("A, B", None),
        ("A. and B.", None),
        ("A/B", None),
        ("(A)(B)", None),
        ("2", None),
        ("", None),
        ("Because", None),
        ("B mitochondria", None),
        ("Ä", None),
    ],
)
def test_the_letter_that_an_answer_names(answer, letter):
    assert chosen(answer) == letter


@pytest.mark.parametrize(
    ("answer", "letter"),
    [
        ("nucleus", "A"),
        (" Nucleus. ", "A"),
        (r"\text{mitochondria}", "B"),
        (r"\dfrac12", "C"),
        ("Both A and B", "D"),
        ("7", "E"),
        ("E", "E"),
        ("A. nucleus", "A"),
        ("A. mitochondria", None),
        ("F. nucleus", None),
        ("J. anything", None),
        ("ribosome", None),
        ("(B) mitochondria", "B"),
        ("B mitochondria", "B"),
        ("B nucleus", None),
        ("B) mitochondria, the powerhouse", "B"),
        ("B) mitochondria, not the nucleus", None),
        (r"(C) \frac12", "C"),
        (r"C: $\dfrac{1}{2}$", "C"),
        ("D) both A and B", "D"),
        ("E) 7", "E"),
        ("E) 8", "E"),
        ("F", None),
    ],
)
def test_options_can_be_named_by_their_text(answer, letter):
    assert chosen(answer, OPTIONS) == letter


@pytest.mark.parametrize(
    ("gold", "answer", "options", "right"),
    [
        ("B", "B", None, True),
        ("(B)", "b", None, True),
        ("B", "A", None, False),
        ("B", "both", None, False),
        ("B", "mitochondria", OPTIONS, True),
        ("mitochondria", "B", OPTIONS, True),
        ("1", "B", OPTIONS, True),
        ("0", "A", OPTIONS, True),
        ("4", "7", OPTIONS, True),
        ("5", "E", OPTIONS, None),
        ("1", "B", None, None),
        ("Z", "A", None, None),
        ("ribosome", "A", OPTIONS, None),
        ("3", "C", ["1", "2", "3", "4"], True),
        ("3", "D", ["1", "2", "3", "4"], False),
        ("3", "3", ["1", "2", "3", "4"], True),
        ("3", "D", ["4", "5", "6", "7"], True),
        ("A", "A", ["B", "A"], True),
        ("²", "A", OPTIONS, None),
        ("9" * 5000, "A", OPTIONS, None),
        ("-1", "E", OPTIONS, None),
    ],
)
def test_golds_are_letters_indices_or_texts(gold, answer, options, right):
    assert judge(gold, answer, options and tuple(options)) is right


@pytest.mark.parametrize(
    ("final", "letter"),
    [
        ("The answer is B.", "B"),
        ("the answer is (b)", "B"),
        ("**Answer:** C", "C"),
        ("The correct answer is option D", "D"),
        ("The answer is A. No: the answer is B.", "B"),
        ("I compare them.\n\n(C)", "C"),
        ("I compare them.\n**C**", "C"),
        ("C.", "C"),
        ("因此，故选：B。", "B"),
        ("正确答案是（C）。因为 A 不对。", "C"),
        ("答案是 A 或 B", None),
        ("选项B错误", None),
        ("The answer is A or B", None),
        ("The answer is A, B", None),
        ("The answer is Apple", "Apple"),
        ("The answer is I because it is last", "I"),
        ("Answer: I", "I"),
        ("Answer: I don't know", "I don't know"),
        ("The answer is I am not sure", "I am not sure"),
        ("So A it is", None),
        ("Vitamin C", None),
        ("", None),
        ("   \n ", None),
    ],
)
def test_the_answer_in_a_final_part_without_box(final, letter):
    assert part(Response("", True, "", final, short_answer(final))) == letter


@pytest.mark.parametrize(
    ("text", "outcome"),
    [
        (r"<think> A </think> \boxed{B}", "correct"),
        (r"<think> B </think> \boxed{mitochondria}", "correct"),
        (r"<think> B </think> \boxed{nucleus}", "wrong"),
        ("<think> a </think> <answer> B. mitochondria </answer>", "correct"),
        ("<think> a </think> <answer> B. nucleus </answer>", "wrong"),
        ("<think> a </think> who knows", "no_answer"),
        ("<think> B", "no_answer"),
    ],
)
def test_verdicts_know_the_options(text, outcome):
    assert verify("choice", "B", text, options=OPTIONS).outcome == outcome


@pytest.mark.parametrize(("gold", "right"), [(3, "D"), ("3", "C"), ("D", "D"), (0, "A")])
def test_integers_are_indices_and_digits_are_texts_first(gold, right):
    outcomes = {
        letter: verify("choice", gold, letter, options=["1", "2", "3", "4"]).outcome for letter in ("D", "C", "A")
    }
    assert outcomes == {letter: "correct" if letter == right else "wrong" for letter in outcomes}


PARTS = ["A", "B", "(", ")", "[", "]", "{", "}", " ", ".", ":", "-", "or ", "and ", "answer is ", "选", "（Ｃ）", "²",
         " is correct", "because ", "not ", "I choose ", "\\color{", "\\text{", "$",
         "*", "1", "nucleus", "Both A and B", "\n", "\ud800", "\x00", "\\frac12"]  # fmt: skip


@settings(max_examples=500)
@given(
    st.lists(st.sampled_from(PARTS), max_size=8).map("".join) | st.text(),
    st.sampled_from([*OPTIONS, "A", "1", "²", ""]),
)
def test_any_text_names_one_option_or_none(text, gold):
    assert (
        chosen(text) in {None, *"ABCDEFGHIJ"}
        and chosen(text, OPTIONS) in {None, *"ABCDE"}
        and part(Response("", True, "", text, short_answer(text))) != ""
    )
    assert judge(gold, text, tuple(OPTIONS)) in (None, True, False) and judge(text, gold, tuple(OPTIONS)) in (
        None,
        True,
        False,
    )
    right = [option for option in "ABCDE" if judge(option, text, tuple(OPTIONS))]
    assert len(right) < 2


def test_options_may_be_numbers():
    assert verify("choice", "B", r"\boxed{5}", options=[3, 5]).correct


@pytest.mark.parametrize(
    ("final", "outcome"),
    [
        ("The answer is B because A is wrong.", "correct"),
        ("The answer is **B**, since the others lack it.", "correct"),
        ("The answer is mitochondria.", "correct"),
        ("The answer is A because B is wrong.", "wrong"),
        ("The answer is a mitochondria-like thing.", "wrong"),
        ("The answer is A or B because both fit.", "no_answer"),
        (r"The answer is B. So: \boxed{A or B}", "wrong"),
    ],
)
def test_an_answer_without_a_box_may_begin_a_sentence(final, outcome):
    assert verify("choice", "B", f"<think>hm</think> {final}", options=tuple(OPTIONS)).outcome == outcome
