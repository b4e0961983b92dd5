"""Equality of mathematical answers: exact where it can be, and never a mere prefix."""

from fractions import Fraction

import pytest

from open_r1.verify.math import equal, number, parses


@pytest.mark.parametrize(
    ("gold", "answer"),
    [
        ("7", "7"),
        ("7", " $7$. "),
        ("7", "7.0"),
        ("7", "+7"),
        ("7", "007"),
        ("1234567", "1,234,567"),
        ("1/2", "0.5"),
        ("1/2", r"\frac{1}{2}"),
        ("1/2", r"\dfrac{2}{4}"),
        ("-1/2", r"-\frac{1}{2}"),
        ("-1/2", r"\frac{-1}{2}"),
        ("1/2", r"50\%"),
        ("x+1", "1+x"),
        (r"2\pi", r"2*\pi"),
        (r"2\sqrt{2}", r"\sqrt{8}"),
        ("(1,2)", "(1, 2)"),
        ("x=5", "5"),
        (r"\text{(A)}", "A"),
        ("9" * 400, "9" * 400 + ".0"),
    ],
)
def test_equivalent_answers_are_equal_both_ways(gold, answer):
    assert equal(gold, answer) is True and equal(answer, gold) is True


@pytest.mark.parametrize(
    ("gold", "answer"),
    [
        ("7", "8"),
        ("7", "-7"),
        ("7", "7.1"),
        ("7", ""),
        ("7", "seven apples"),
        (r"2\pi", "2"),
        ("1/2", "1"),
        ("1/2", "2"),
        ("12", "1,2"),
        ("(1,2)", "(2,1)"),
        ("x+1", "x"),
        ("9" * 400, "9" * 399 + "8"),
        ("5", "1/0"),
        ("5", "99" * 5000),
    ],
)
def test_different_answers_are_not_equal(gold, answer):
    assert equal(gold, answer) is False


@pytest.mark.parametrize("answer", ["5", "x", ""])
@pytest.mark.parametrize("gold", ["", "  ", "$$", "."])
def test_gold_that_cannot_be_read_is_none_and_not_wrong(gold, answer):
    assert equal(gold, answer) is None and not parses(gold)


@pytest.mark.parametrize("gold", ["7", "1/2", r"\frac{a}{b}", "x^2+1", "(1,2)", r"\{1,2\}", "1,000", "0.25"])
def test_usual_golds_parse(gold):
    assert parses(gold)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("-12", Fraction(-12)),
        ("12.000", Fraction(12)),
        ("1,234", Fraction(1234)),
        ("12,34", None),
        ("3/6", Fraction(1, 2)),
        (r"-\tfrac{3}{-6}", Fraction(1, 2)),
        ("1/0", None),
        ("0.5", None),
        ("x", None),
        ("", None),
    ],
)
def test_integers_and_fractions_have_exact_values(text, value):
    assert number(text) == value
