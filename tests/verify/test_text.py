"""Text: the same words, shared words, refusals."""

import pytest

from open_r1.verify import bad_golds, verify
from open_r1.verify.text import exact, f1, refuses, refuses_as_expected, tokens


@pytest.mark.parametrize(
    ("gold", "answer", "score"),
    [
        ("red cat", "red cat", 1.0),
        ("red cat", "cat red", 1.0),
        ("The red cat.", "a RED, cat!", 1.0),
        ("red cat", "red dog", 0.5),
        ("red cat", "red", 2 / 3),
        ("red", "red cat", 2 / 3),
        ("red cat", "red red", 0.5),
        ("red red cat", "red", 0.5),
        ("red cat", "blue dog", 0.0),
        ("red cat", "", 0.0),
        ("red cat", "...", 0.0),
        ("1,000", "1 000", 1.0),
        ("a theory", "theory", 1.0),
        ("theory", "the theory of theories", 0.5),
        ("well-known", "well known", 1.0),
        ("红猫", "红 猫", 1.0),
        ("红猫", "红狗", 0.5),
        ("Straße", "STRASSE", 1.0),
        ("", "red", None),
        ("the", "the", None),
        ("?!", "red", None),
    ],
)
def test_f1_is_the_harmonic_mean_over_words(gold, answer, score):
    assert f1(gold, answer) == (None if score is None else pytest.approx(score))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("The quick, brown fox!", ["quick", "brown", "fox"]),
        ("An apple a day", ["apple", "day"]),
        ("ananas", ["ananas"]),
        ("我爱 NLP", ["我", "爱", "nlp"]),
        (" \n\t", []),
    ],
)
def test_words_of_f1(text, found):
    assert tokens(text) == found


@pytest.mark.parametrize(
    ("gold", "answer", "same"),
    [
        ("red cat", "Red\n cat ", True),
        ("red cat", "red cat.", True),
        ("Paris", r"\text{Paris}", True),
        ("the Eiffel Tower", "Eiffel Tower", True),
        ("Paris, France", '"Paris France"', True),
        ("Straße", "**STRASSE**", True),
        ("1,234,567", "1234567.", True),
        ("$1,000.50", "$1000.50", True),
        ("巴黎", "巴黎。", True),
        ("a", "A.", True),
        ("red cat !", "red cat", True),
        ("red cat !", "red cat ! !", False),
        ("?", "?", True),
        ("?", "!", False),
        ("a", "the", False),
        ("5", "-5", False),
        ("5", ".5", False),
        ("15", "1.5", False),
        ("1,5", "15", False),
        ("5", "5%", False),
        ("C++", "C", False),
        ("C", "C#", False),
        ("[3, 4)", "(3, 4)", False),
        ("f(x)", "fx", False),
        ("well-known", "well known", False),
        ("red cat", "redcat", False),
        ("İ", "i̇", True),
        ("红 猫", "红猫", False),
    ],
)
def test_exact_means_the_same_words(gold, answer, same):
    assert exact(gold, answer) is same


@pytest.mark.parametrize(
    ("text", "refused"),
    [
        ("I cannot help with that.", True),
        ("I can not provide this", True),
        ("I can’t do that.", True),
        ("I'm unable to assist.", True),
        ("I won't help you", True),
        ("我不能帮你", True),
        ("我 不会 提供", True),
        ("I cannot recommend it enough.", False),
        ("She cannot help it.", False),
        ("Hawaii cannot help", False),
        ("我能帮你", False),
        ("", False),
    ],
)
def test_refusals(text, refused):
    assert refuses(text) is refused
    assert refuses_as_expected("refuse", text) is refused and refuses_as_expected("comply", text) is not refused


@pytest.mark.parametrize(
    ("kind", "gold", "text", "outcome", "score"),
    [
        ("exact", "Paris", r"<think>x</think> It is \boxed{Paris}", "correct", 1.0),
        ("exact", "Paris", r"<think>x</think> <answer>\boxed{\text{Paris}}</answer>", "correct", 1.0),
        ("exact", "Paris", r"<think>x</think> Paris? No: \boxed{Rome}", "wrong", 0.0),
        ("exact", "Paris", r"<think>x</think> Paris \boxed{Paris", "no_answer", 0.0),
        ("exact", "Paris", r"<think>\boxed{Paris}</think> Rome", "wrong", 0.0),
        ("exact", "Paris", "<think>x</think> Paris.", "correct", 1.0),
        ("exact", ["Rome", "Paris"], "<think>x</think> Paris", "correct", 1.0),
        ("exact", ["Rome", "Paris"], "<think>x</think> Rome, Paris", "wrong", 0.0),
        ("exact", ("3", 4), "<think>x</think> 4", "correct", 1.0),
        ("exact", '["Rome", "Paris"]', "<think>x</think> Paris", "wrong", 0.0),
        ("exact", "[1, 2]", "<think>x</think> 1", "wrong", 0.0),
        ("exact", [], "<think>x</think> Paris", "bad_gold", 0.0),
        ("f1", "red cat", r"<think>x</think> so it is \boxed{red cat}", "correct", 1.0),
        ("f1", ["blue dog", "red cat", "red"], "<think>x</think> red dog", "wrong", 2 / 3),
        ("f1", ["the", "red cat"], "<think>x</think> red cat", "correct", 1.0),
        ("f1", ["the", "?!"], "<think>x</think> red cat", "bad_gold", 0.0),
    ],
)
def test_boxes_and_references(kind, gold, text, outcome, score):
    verdict = verify(kind, gold, text)
    assert verdict.outcome == outcome and verdict.score == pytest.approx(score)
    assert bool(bad_golds([(kind, gold)])) == (outcome == "bad_gold")
