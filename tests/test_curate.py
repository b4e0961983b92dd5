"""Curation: what each filter drops, a funnel that adds up, and rows in the r1 format."""

import json

import pytest

from open_r1.curate import FILTERS, CurateArguments, apply_filters, best_per_problem, curate, funnel_table, repeats, training_row
from open_r1.errors import ArtifactError, DataError, RecipeError
from open_r1.formats import ResponseFormat


def sample(**values):
    row = {"problem_id": "p", "answer": "7", "verifier": "math", "domain": "reasoning", "language": "en", "difficulty": 1, "metadata": ""}
    row |= {"question": "What is 3 + 4 ?", "sample": 0, "text": "so seven", "tokens": 5, "finish_reason": "stop", "valid": True}
    return row | {"reasoning": "so seven", "final": "the answer is 7", "extracted": "7", "outcome": "correct"} | values


@pytest.mark.parametrize(
    ("entry", "values", "kept"),
    [
        ("correct", {"outcome": "correct"}, True),
        ("correct", {"outcome": "wrong"}, False),
        ("correct", {"outcome": "no_answer"}, False),
        ("correct", {"outcome": "bad_gold"}, False),
        ("finished", {"finish_reason": "stop"}, True),
        ("finished", {"finish_reason": "length"}, False),
        ("valid_format", {"valid": True}, True),
        ("valid_format", {"valid": False}, False),
        ("one_language", {"reasoning": "so seven"}, True),
        ("one_language", {"reasoning": "所以", "language": "zh"}, True),
        ("one_language", {"reasoning": "3 + 4 = 7"}, True),
        ("one_language", {"reasoning": "so seven 所"}, False),
        pytest.param("one_language", {"reasoning": "所以"}, False, id="one_language: all of it in the other language"),
        ({"one_language": 0.5}, {"reasoning": "so seven 所"}, True),
        ({"one_language": 0.9}, {"reasoning": "so seven 所"}, False),
        ("no_repetition", {"reasoning": "a b c d e f g h " * 2}, True),
        ("no_repetition", {"reasoning": "a b c d e f g h " * 3}, False),
        ({"no_repetition": 2}, {"reasoning": "a b a b a b"}, False),
        ("max_tokens", {"tokens": 16384}, True),
        ("max_tokens", {"tokens": 16385}, False),
        ({"max_tokens": 5}, {"tokens": 5}, True),
        ({"max_tokens": 5}, {"tokens": 6}, False),
        ({"max_tokens": 0}, {"tokens": 1}, False),
        ("max_paragraph", {"text": "x" * 2000 + "\n \n" + "x" * 2000}, True),
        ("max_paragraph", {"text": "x" * 2001}, False),
        ("max_paragraph", {"text": ""}, True),
        ("no_code", {"reasoning": "`x` is fine"}, True),
        ("no_code", {"reasoning": "```python\nx\n```"}, False),
    ],
)
def test_filter_keeps_the_good_and_drops_the_bad(entry, values, kept):
    row = sample(**values)
    rows, funnel = apply_filters([row], [entry])
    assert rows == ([row] if kept else [])
    assert funnel[0]["removed"] == (not kept) and funnel[0]["example"] == (None if kept else row["text"][:200])


def test_every_filter_lets_a_good_sample_pass():
    assert apply_filters([sample()], list(FILTERS))[0] == [sample()]


@pytest.mark.parametrize(
    ("text", "size", "found"), [("a a a", 1, True), ("a a", 1, False), ("a b a b a b", 2, True), ("", 1, False), ("a", 8, False)]
)
def test_repetition_is_a_sequence_seen_three_times(text, size, found):
    assert repeats(text, size) is found


def test_funnel_adds_up():
    rows = [sample(outcome="wrong"), sample(outcome="wrong", tokens=9), sample(tokens=9), sample()]
    left, funnel = apply_filters(rows, ["correct", {"max_tokens": 8}, "finished"])
    assert left == [sample()]
    assert [(step["filter"], step["before"], step["removed"]) for step in funnel] == [
        ("correct", 4, 2),
        ("max_tokens", 2, 1),
        ("finished", 1, 0),
    ]
    assert "| max_tokens | 2 | 1 |" in funnel_table(funnel).splitlines()


def test_unknown_filter_is_a_recipe_error_that_lists_the_known():
    with pytest.raises(RecipeError, match="`corect`") as caught:
        apply_filters([sample()], ["corect"])
    assert "correct" in caught.value.hint


def test_shortest_samples_of_each_problem_win_and_ties_go_to_the_first():
    rows = [sample(problem_id=p, sample=i, tokens=t) for p, i, t in [("a", 0, 9), ("a", 1, 3), ("b", 0, 4), ("a", 3, 5), ("a", 2, 5)]]
    assert [(row["problem_id"], row["sample"]) for row in best_per_problem(rows, 2)] == [("a", 1), ("a", 2), ("b", 0)]


@pytest.mark.parametrize(
    ("summary", "values", "final"),
    [
        (None, {}, "the answer is 7"),
        (None, {"final": None}, ""),
        ({"en": r"it is \boxed{{answer}} ."}, {}, r"it is \boxed{7} ."),
        ({"en": "x", "zh": r"是 \boxed{{answer}}"}, {"language": "zh", "extracted": r"\frac{1}{2}"}, r"是 \boxed{\frac{1}{2}}"),
    ],
)
def test_training_row_keeps_the_reasoning_and_writes_the_summary(summary, values, final):
    row = training_row(sample(**values), summary)
    assert row["response"] == ResponseFormat("r1").write("so seven", final)
    assert row["prompt"] == [{"role": "user", "content": "What is 3 + 4 ?"}]
    assert (row["answer"], row["domain"], row["problem_id"]) == ("7", "reasoning", "p") and "tokens" not in row


@pytest.fixture
def store(tmp_path):
    rows = [sample(problem_id=p, sample=i, tokens=5 - i, outcome="wrong" if i == 2 else "correct") for p in "ab" for i in range(3)]
    (tmp_path / "part-00000.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return tmp_path


def test_curated_store_holds_the_best_and_the_whole_funnel(store):
    rows, funnel = curate(CurateArguments(filters=["correct"], per_problem=1), store)
    assert [row["problem_id"] for row in rows] == ["a", "b"]
    assert [(step["filter"], step["before"], step["removed"]) for step in funnel] == [("correct", 6, 2), ("best 1 per problem", 4, 2)]
    assert 6 - sum(step["removed"] for step in funnel) == len(rows)


def test_filters_that_leave_nothing_are_a_data_error_with_the_funnel(store):
    with pytest.raises(DataError, match=r"\(correct -2, max_tokens -4\)") as caught:
        curate(CurateArguments(filters=["correct", {"max_tokens": 1}]), store)
    assert "filters" in caught.value.hint


def test_directory_without_samples_is_no_store(tmp_path):
    with pytest.raises(ArtifactError, match="no sample store"):
        curate(CurateArguments(), tmp_path)
