"""Filters: what each keeps and drops, limits that do not fit, and a funnel that adds up."""

import random

import pytest
from samples import adds_up, sample

from open_r1.core.errors import DataError, RecipeError
from open_r1.core.tables import funnel_table
from open_r1.data.filters import FILTERS, Funnel, repeats, require_rows

LOOP = "wait, let me see this once more from the start: so seven. "


@pytest.mark.parametrize(
    ("entry", "values", "kept"),
    [
        ("correct", {"outcome": "correct"}, True),
        ("correct", {"outcome": "wrong"}, False),
        ("correct", {"outcome": "wrong", "judged": True}, False),
        ("correct", {"outcome": "no_answer"}, False),
        ("correct", {"outcome": "bad_gold"}, False),
        ("correct", {"outcome": "unjudged"}, False),
        ("correct", {"outcome": "unjudged", "judged": True}, True),
        ("correct", {"outcome": "unjudged", "judged": False}, False),
        ("correct", {"outcome": "unjudged", "judged": None}, False),
        ("judge_agrees", {"outcome": "correct", "judged": True}, True),
        ("judge_agrees", {"outcome": "correct", "judged": False}, False),
        ("judge_agrees", {"outcome": "correct", "judged": None}, False),
        ("judge_agrees", {"outcome": "wrong", "judged": False}, True),
        ("judge_agrees", {"outcome": "wrong", "judged": True}, False),
        ("judge_agrees", {"outcome": "unjudged", "judged": False}, True),
        ("finished", {"finish_reason": "stop"}, True),
        ("finished", {"finish_reason": "length"}, False),
        ("valid_format", {"valid": True}, True),
        ("valid_format", {"valid": False}, False),
        ("one_language", {"reasoning": "so seven"}, True),
        ("one_language", {"reasoning": "所以", "language": "zh"}, True),
        ("one_language", {"reasoning": "3 + 4 = 7"}, True),
        ("one_language", {"reasoning": "so seven 所"}, False),
        ("one_language", {"reasoning": "所以"}, False),
        ({"one_language": 0.5}, {"reasoning": "so seven 所"}, True),
        ({"one_language": 0.9}, {"reasoning": "so seven 所"}, False),
        (
            "prompt_language",
            {"question": "What is the sum of 3 and 4?", "reasoning": "I add the two and it is 7"},
            True,
        ),
        (
            "prompt_language",
            {"question": "What is the sum of 3 and 4?", "reasoning": "Die Summe von drei und vier ist sieben"},
            False,
        ),
        ("prompt_language", {"question": "Was ist die Summe von 3 und 4?", "reasoning": "Die Summe ist sieben"}, True),
        ("prompt_language", {"question": "What is the sum of 3 and 4?", "reasoning": "所以是七"}, False),
        ("prompt_language", {"question": "三加四是多少", "reasoning": "所以是七"}, True),
        ("prompt_language", {"question": "3 + 4 = ?", "reasoning": "所以是七"}, True),
        ("prompt_language", {"question": "三加四是多少", "reasoning": "3 + 4 = 7"}, True),
        ("no_repetition", {"reasoning": "a b c d e f g h " * 2}, True),
        ("no_repetition", {"reasoning": "a b c d e f g h " * 3}, False),
        ({"no_repetition": 2}, {"reasoning": "a b a b a b"}, False),
        ("no_loop", {"text": " ".join(map(str, range(2000)))}, True),
        ("no_loop", {"text": LOOP * 3}, True),
        ("no_loop", {"text": LOOP * 5}, False),
        ("no_loop", {"text": "所以答案是七，等等，让我再检查一下。" * 50 + "\n"}, False),
        ("no_loop", {"text": "7" * 49}, True),
        ("no_loop", {"text": LOOP * 9 + " ".join(map(str, range(2000)))}, True),
        ({"no_loop": 1000}, {"text": LOOP * 5}, True),
        ("min_tokens", {"tokens": 1}, True),
        ("min_tokens", {"tokens": 0}, False),
        ({"min_tokens": 10}, {"tokens": 9}, False),
        ("max_tokens", {"tokens": 16384}, True),
        ("max_tokens", {"tokens": 16385}, False),
        ({"max_tokens": 5}, {"tokens": 5}, True),
        ({"max_tokens": 0}, {"tokens": 1}, False),
        ("max_paragraph", {"text": "x" * 2000 + "\n \n" + "x" * 2000}, True),
        ("max_paragraph", {"text": "x" * 2001}, False),
        ("max_paragraph", {"text": ""}, True),
        ({"max_paragraph": 3}, {"text": "four"}, False),
        ("no_code", {"reasoning": "`x` is fine"}, True),
        ("no_code", {"reasoning": "```python\nx\n```"}, False),
        ("summary", {"final": "the answer is 7"}, True),
        ("summary", {"final": None}, False),
        ("summary", {"final": "7"}, False),
        ("summary", {"final": "答案是七", "language": "zh"}, True),
        ("summary", {"final": "答案是七"}, False),
        ("summary", {"final": "As my thought process shows, it is 7"}, False),
        ("summary", {"final": "如思考过程所示，答案是七", "language": "zh"}, False),
        ({"summary": 1}, {"final": "7"}, True),
        ({"summary": 5}, {"final": "the answer is 7"}, False),
        ("pass_rate", {"pass_rate": 0.1}, True),
        ("pass_rate", {"pass_rate": 0.9}, True),
        ("pass_rate", {"pass_rate": 0.0}, False),
        ("pass_rate", {"pass_rate": 1.0}, False),
        ({"pass_rate": [0.5, 1]}, {"pass_rate": 1.0}, True),
        ({"pass_rate": [0.5, 1]}, {"pass_rate": 0.25}, False),
    ],
)
def test_filter_keeps_the_good_and_drops_the_bad(entry, values, kept):
    row = sample(**values)
    funnel = Funnel([entry])
    assert list(funnel.rows([row])) == ([row] if kept else [])
    (step,) = funnel.steps
    assert (step["before"], step["removed"], len(step["examples"])) == (1, not kept, not kept)


def test_every_filter_lets_a_good_sample_pass():
    pytest.importorskip("rensa")
    row = sample(judged=True, pass_rate=0.5)
    assert list(Funnel(list(FILTERS)).rows([row])) == [row]


@pytest.mark.parametrize(
    ("text", "size", "found"),
    [("a a a", 1, True), ("a a", 1, False), ("a b a b a b", 2, True), ("", 1, False), ("a", 8, False)],
)
def test_repetition_is_a_sequence_seen_three_times(text, size, found):
    assert repeats(text, size) is found


@pytest.mark.parametrize(
    ("entry", "rows", "kept"),
    [
        ("no_duplicates", [("p", 0, "q", "So  seven"), ("r", 0, "q", "so seven\n"), ("p", 1, "q", "so 7")], [0, 2]),
        ({"no_duplicates": "text"}, [("p", 0, "q", "a"), ("p", 1, "q", "a"), ("p", 2, "q", "b")], [0, 2]),
        (
            {"no_duplicates": "question"},
            [("p", 0, "Q", "a"), ("r", 0, "q", "b"), ("p", 1, "Q", "a"), ("s", 0, "s", "a")],
            [0, 2, 3],
        ),
    ],
)
def test_of_equal_texts_the_first_is_kept(entry, rows, kept):
    rows = [sample(problem_id=p, sample=n, question=question, text=text) for p, n, question, text in rows]
    assert list(Funnel([entry]).rows(rows)) == [rows[n] for n in kept]


def test_of_problems_that_are_nearly_the_same_the_first_is_kept_with_all_samples():
    pytest.importorskip("rensa")
    tom = (
        "Tom has three apples and buys four more apples on the market of his town, "
        "where one apple costs two coins this year"
    )
    bus = (
        "A bus with forty seats leaves the town at noon with twelve people, "
        "and at every stop three more of them come in"
    )
    questions = [
        ("a", tom),
        ("b", f"{tom.upper()} ?"),
        ("c", bus),
        ("a", tom),
        ("d", f"{tom} again"),
        ("b", tom),
        ("e", "3 + 4 ?"),
    ]
    rows = [sample(problem_id=problem, sample=n, question=question) for n, (problem, question) in enumerate(questions)]
    assert [row["problem_id"] for row in Funnel(["near_duplicates"]).rows(rows)] == ["a", "c", "a", "e"]


@pytest.mark.parametrize(
    "entry",
    [
        {"max_tokens": "many"},
        {"max_tokens": [90]},
        {"max_tokens": {"limit": 90}},
        {"max_tokens": True},
        {"no_repetition": 2.5},
        {"no_repetition": 0},
        {"one_language": "all"},
        {"correct": True},
        {"correct": False},
        {"no_code": 3},
        {"pass_rate": 0.5},
        {"pass_rate": [0.5]},
        {"pass_rate": ["low", "high"]},
        {"no_duplicates": "answer"},
        {"no_duplicates": 3},
        {"near_duplicates": "high"},
        {"near_duplicates": 80},
    ],
    ids=str,
)
def test_limit_that_does_not_fit_is_one_line(entry):
    with pytest.raises(RecipeError) as caught:
        Funnel([entry])
    ((name, limit),) = entry.items()
    assert (
        f"`{name}: {limit}`" in str(caught.value)
        and caught.value.hint
        and "\n" not in f"{caught.value}{caught.value.hint}"
    )


@pytest.mark.parametrize(
    "entry", ["corect", {"corect": 1}, 3, None, {}, ["correct"], {"max_tokens": 90, "min_tokens": 3}], ids=str
)
def test_entry_that_is_no_filter_is_one_line(entry):
    with pytest.raises(RecipeError, match="`filters`"):
        Funnel([entry])


def test_unknown_filter_lists_the_known():
    with pytest.raises(RecipeError, match="`corect`") as caught:
        Funnel(["corect"])
    assert "correct, judge_agrees, finished" in caught.value.hint


def random_row(chance, number):
    words = [chance.choice(["so", "seven", "wait", "所", "```", "\n\n", "7"]) for _ in range(chance.randrange(40))]
    reasoning, final = " ".join(words), chance.choice([None, "7", "the answer is 7", "答案是七"])
    values = {
        "outcome": chance.choice(["correct", "wrong", "unjudged"]),
        "finish_reason": chance.choice(["stop", "length"]),
    }
    values |= {"valid": chance.random() < 0.8, "language": chance.choice(["en", "zh"]), "tokens": chance.randrange(20)}
    values |= {
        "judged": chance.choice([True, False, None]),
        "pass_rate": chance.random(),
        "reasoning": reasoning,
        "final": final,
    }
    return sample(problem_id=f"p{chance.randrange(50)}", sample=number, **values)


@pytest.mark.parametrize("seed", range(20))
def test_funnel_adds_up_for_any_rows_and_filters(seed):
    chance = random.Random(seed)
    rows = [random_row(chance, n) for n in range(300)]
    tight = {
        "max_tokens": {"max_tokens": 15},
        "max_paragraph": {"max_paragraph": 90},
        "one_language": {"one_language": 0.5},
    }
    names = chance.sample([name for name in FILTERS if name != "near_duplicates"], chance.randrange(1, 6))
    funnel = Funnel([tight.get(name, name) for name in names])
    kept = list(funnel.rows(rows))
    assert adds_up(funnel.steps, len(rows), len(kept)) and funnel.names() == names
    assert kept == [row for row in rows if row in kept]
    assert all(len(step["examples"]) == min(3, step["removed"]) for step in funnel.steps)


def test_examples_are_three_at_most_and_long_ones_are_cut():
    funnel = Funnel(["finished", {"max_tokens": 8}])
    rows = [sample(finish_reason="length", text=f"<think> {n} {'x' * 10**n}") for n in range(5)]
    assert list(funnel.rows([*rows, sample()])) == [sample()]
    assert (
        funnel.steps[0]["removed"] == 5 and len(funnel.steps[0]["examples"]) == 3 and funnel.steps[1]["examples"] == []
    )
    assert (
        all(len(text) <= 200 for text in funnel.steps[0]["examples"])
        and funnel.steps[0]["examples"][0] == "<think> 0 x"
    )


def test_funnel_is_shown_as_a_table_and_in_one_line():
    funnel = Funnel(["correct", {"max_tokens": 8}, "finished"])
    rows = [sample(outcome="wrong", text="a | b\nc"), sample(outcome="wrong"), sample(tokens=9), sample()]
    assert list(funnel.rows(rows)) == [sample()]
    assert funnel_table(funnel.steps).splitlines()[2:] == [
        "| correct | 4 | 2 | `a \\| b c` |",
        "| max_tokens: 8 | 2 | 1 | `<think> so seven </think> the answer is 7` |",
        "| finished | 1 | 0 | - |",
    ]
    with pytest.raises(DataError, match="^no sample of here is left .correct -2, max_tokens: 8 -1, finished -0.$"):
        require_rows(0, funnel, "here")
    require_rows(1, funnel, "here")
