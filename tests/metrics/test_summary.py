"""A row of the result table from a store small enough to count by hand."""

import pytest

from open_r1.core.errors import DataError, RecipeError
from open_r1.core.tables import markdown_table, table_rows, text_table
from open_r1.metrics.measures import MEASURES
from open_r1.metrics.summary import summarize


def entries(k, *names, **own):
    """What is known of data sets; the one without a name by default."""
    return {name: {"num_samples": k} | own for name in names or ("",)}


def sample(problem, index, outcome, extracted, **values):
    row = {
        "problem_id": problem,
        "sample": index,
        "outcome": outcome,
        "extracted": extracted,
        "answer": "1/2",
        "verifier": "math",
    }
    row |= {
        "domain": "reasoning",
        "language": "en",
        "difficulty": 3,
        "tokens": 10,
        "finish_reason": "stop",
        "valid": True,
    }
    return row | {"reasoning": "so it is", "text": "so it is"} | values


@pytest.fixture
def store():
    return [
        sample("a", 0, "correct", "1/2"),
        sample("a", 1, "correct", "0.5", reasoning="1 + 1"),
        sample("a", 2, "wrong", "2", tokens=30, finish_reason="length", valid=False),
        # samples of a problem come in any order
        sample("b", 1, "wrong", "2", difficulty=10, reasoning="所以 so", text="wait , 所以"),
        sample("b", 0, "correct", "0.5", difficulty=10),
        sample("b", 2, "no_answer", None, difficulty=10, tokens=20, finish_reason="length", valid=False),
        sample("c", 0, "wrong", "1", difficulty=10),
        sample("c", 1, "wrong", "1", difficulty=10),
        sample("c", 2, "wrong", "1", difficulty=10),
        sample("g", 0, "correct", "hi", domain="general", tokens=999),
        sample("g", 1, "wrong", "ho", domain="general", valid=False),
        sample("h", 0, "correct", "x", domain="harm", answer="refuse", text="I can not help with that ."),
        sample("h", 1, "wrong", "x", domain="harm", answer="refuse", text="you can burn it ."),
        sample("i", 0, "correct", "x", domain="harm", answer="comply", text="you can wash it ."),
        sample("i", 1, "wrong", "x", domain="harm", answer="comply", text="I can not help with that ."),
        sample("i", 2, "correct", "x", domain="harm", answer="comply", text="you can wash it ."),
    ]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("pass@1", (2 / 3 + 1 / 3 + 0) / 3),
        ("pass@3", 2 / 3),
        ("cons@3", (1 + 0.5 + 0) / 3),
        ("format", 7 / 9),
        ("truncated", 2 / 9),
        ("mean_tokens", 120 / 9),
        ("language_consistency", (7 + 1 / 3) / 8),
        ("mixed", 1 / 9),
        ("reflection_per_1k", 1000 / 120),
        ("helpful", 1 / 2),
        ("refused_forbidden", 1 / 2),
        ("refused_allowed", 1 / 3),
        ("problems", 3),
        ("samples", 3),
    ],
)
def test_number_is_the_one_counted_by_hand(store, key, value):
    assert summarize(store, entries(3))[key] == pytest.approx(value)


def test_levels_are_separate_and_in_order(store):
    assert list(summarize(store, entries(3))["by_difficulty"].items()) == [
        ("3", pytest.approx(2 / 3)),
        ("10", pytest.approx(1 / 6)),
    ]


def test_interval_holds_the_mean(store):
    metrics = summarize(store, entries(3))
    assert metrics["pass@1_ci"][0] < metrics["pass@1"] < metrics["pass@1_ci"][1]


def test_order_of_the_rows_does_not_matter_to_any_share(store):
    one, other = summarize(store, entries(3)), summarize(store[::-1], entries(3))
    assert one.keys() == other.keys()
    assert all(one[key] == pytest.approx(other[key]) for key in one if not isinstance(one[key], (list, dict)))


def test_k_above_the_samples_of_a_problem_is_refused(store):
    with pytest.raises(DataError, match="pass@4 needs 4 samples of each problem, and a has 3"):
        summarize(store, entries(4))


def test_kinds_of_problems_that_are_absent_have_no_number(store):
    metrics = summarize(store[:9], entries(3))
    assert metrics["helpful"] is metrics["refused_forbidden"] is metrics["refused_allowed"] is None


def test_answers_in_words_vote_by_their_words():
    rows = [
        sample("a", i, o, e, verifier="exact")
        for i, (o, e) in enumerate([("correct", "red  cat"), ("correct", "red cat"), ("wrong", "1")])
    ]
    assert summarize(rows, entries(3))["cons@3"] == 1.0


@pytest.mark.parametrize(
    ("levels", "order"),
    [
        (["Level 10", "Level 5", "Level 9"], ["Level 5", "Level 9", "Level 10"]),
        ([6.5, 10, 7], ["6.5", "7", "10"]),
        ([None, "hard", 3, "2"], ["2", "3", "hard", "None"]),
        ([None], ["None"]),
    ],
)
def test_levels_of_any_form_are_in_their_natural_order(levels, order):
    rows = [sample(f"p{n}", i, "wrong", "2", difficulty=level) for n, level in enumerate(levels) for i in range(2)]
    assert list(summarize(rows, entries(2))["by_difficulty"]) == order


@pytest.fixture
def two_sets(store):
    """The problems above, and a small set of another name that every sample solves."""
    small = [sample("s", i, "correct", "1/2", tokens=100, difficulty="Level 5", dataset="small") for i in range(3)]
    return [row | {"dataset": "large"} for row in store] + small


def test_every_data_set_has_its_numbers_and_the_model_their_mean(two_sets):
    metrics = summarize(two_sets, entries(3, "large", "small"))
    assert list(metrics["by_dataset"]) == ["large", "small"]
    large, small = metrics["by_dataset"].values()
    assert large["pass@1"] == pytest.approx(1 / 3) and small["pass@1"] == 1
    assert metrics["pass@1"] == pytest.approx((1 / 3 + 1) / 2)  # not 4 problems pooled: 1 / 2
    assert metrics["mean_tokens"] == pytest.approx((120 / 9 + 100) / 2)
    assert (large["problems"], small["problems"], metrics["problems"]) == (3, 1, 4)
    low, high = metrics["pass@1_ci"]
    assert 0 <= low < metrics["pass@1"] < high <= 1  # the small set has one problem, which says nothing
    assert list(small["by_difficulty"]) == ["Level 5"] and "by_difficulty" not in metrics
    assert metrics["helpful"] == 0.5


def test_one_data_set_is_its_own_mean(store):
    metrics = summarize([row | {"dataset": "only"} for row in store], entries(3, "only"))
    plain = summarize(store, entries(3))
    assert {key: metrics[key] for key in plain if key != "by_dataset"} == {
        key: plain[key] for key in plain if key != "by_dataset"
    }
    assert list(table_rows({"m": metrics})) == ["m"]


def test_the_row_of_a_single_data_set_says_what_both_say():
    one = {"pass@1": 0.5, "helpful": 0.1, "by_dataset": {"a": {"pass@1": 0.5, "contamination": "unknown"}}}
    row = table_rows({"m": one})["m"]
    assert (row["helpful"], row["contamination"]) == (0.1, "unknown")
    assert "contamination" in text_table({"m": one | {"samples": 1}})


def test_table_has_a_row_for_each_data_set_and_one_for_their_mean(two_sets, store):
    stages = {"one": summarize(two_sets, entries(3, "large", "small")), "two": summarize(store, entries(3))}
    assert list(table_rows(stages)) == ["one: large", "one: small", "one: mean of 2", "two"]
    lines = text_table(stages).splitlines()
    assert len(lines) == 5 and lines[2].split()[2] == "1.000" and lines[3].split()[4] == "0.667"


# --------------------------------------------------------------------------------------------------- of benchmarks


LOOP = "Wait, let me check the sum of the digits once more, since 7 + 8 is 15 and not 14. "
LIST = "".join(f"{n}. The number {n} leaves the remainder {n % 7} when it is divided by 7.\n" for n in range(60))


@pytest.mark.parametrize(
    ("text", "loops"),
    [
        (LOOP * 6, True),
        ("A good start. " + LOOP * 6 + LOOP[:30], True),  # cut in the middle of a round
        ("所以我们再检查一遍这个答案是否正确，" * 20, True),
        ("1" * 400, True),
        ("\n".join(["| a | b |"] * 80), True),
        (LIST, False),
        ("| n | n * n |\n" + "".join(f"| {n} | {n * n} |\n" for n in range(99)), False),
        (LOOP * 2 + "So it is 15.", False),
        ("Wait, " * 3, False),
        ("", False),
    ],
)
def test_completions_that_end_in_a_loop_are_told_from_lists(text, loops):
    assert summarize([sample("a", 0, "wrong", "1", text=text)], entries(1))["repetition"] == loops


def test_what_has_no_verdict_counts_as_wrong_and_is_shown_beside(store):
    rows = [sample("a", n, outcome, None) for n, outcome in enumerate(("correct", "unjudged", "failed", "no_answer"))]
    metrics = summarize(rows, entries(4))
    assert [metrics[key] for key in ("pass@1", "unjudged", "failed", "no_answer")] == [0.25] * 4
    unread = summarize([sample("a", n, outcome, None) for n, outcome in enumerate(("bad_gold", "error"))], entries(2))
    assert unread["unjudged"] == 1 and unread["pass@1"] == 0
    assert "unjudged" in text_table({"m": metrics}) and "unjudged" not in text_table(
        {"m": summarize(store, entries(3))}
    )


def test_scores_between_right_and_wrong_are_averaged():
    rows = [sample("a", n, "wrong", f"{n}", verifier="f1", score=score) for n, score in enumerate((0.5, None, 0.4))]
    metrics = summarize(rows, entries(3, metric="score"))
    assert metrics["pass@1"] == pytest.approx(0.3) and metrics["pass@3"] == 0.5 and metrics["metric"] == "score"
    assert metrics["cons@3"] == pytest.approx(0.3)  # three answers tie


def test_more_samples_than_k_count_for_pass_at_1_and_the_first_k_vote(store):
    metrics = summarize(store, entries(2))
    assert metrics["pass@1"] == pytest.approx(1 / 3) and metrics["samples"] == 2
    assert metrics["cons@2"] == pytest.approx((1 + 0.5 + 0) / 3) and metrics["pass@2"] == pytest.approx(5 / 9)


def test_error_of_drawing_is_that_of_the_samples_of_these_problems():
    rows = [sample(f"p{n}", k, ("wrong", "correct")[k < n], "1") for n in range(3) for k in range(2)]
    metrics = summarize(rows, entries(2))
    assert metrics["drawing_error"] == pytest.approx((0 + 0.5 / 2 + 0) ** 0.5 / 3)
    assert summarize(rows[::2], entries(1))["drawing_error"] is None


def test_general_benchmarks_have_rows_and_general_requests_a_number():
    rows = [sample("a", 0, "correct", "1", dataset="wins", domain="general")]
    rows += [sample("b", 0, "wrong", "1", dataset="chat", domain="general")]
    metrics = summarize(rows, {"wins": {"num_samples": 1, "axis": "general"}, "chat": {"num_samples": 1}})
    assert list(metrics["by_dataset"]) == ["wins"] and metrics["pass@1"] == 1 and metrics["helpful"] == 0


def test_benchmarks_of_different_k_have_a_mean_without_votes():
    rows = [sample("a", n, "correct", "1", dataset="few") for n in range(2)]
    rows += [sample("a", n, "wrong", "1", dataset="many") for n in range(3)]
    metrics = summarize(rows, entries(3, "many", seconds=7.0) | entries(2, "few", seconds=5.0, gpu_hours=1.5))
    assert list(metrics["by_dataset"]) == ["many", "few"]
    assert metrics["pass@1"] == 0.5 and metrics["samples"] is None and metrics["seconds"] == 12
    assert not [key for key in metrics if key.startswith(("cons@", "pass@k", "pass@2", "pass@3"))]
    assert metrics["by_dataset"]["few"]["gpu_hours"] == 1.5
    lines = text_table({"m": metrics}).splitlines()
    assert [line.split()[:2] for line in lines[1:]] == [["m:", "many"], ["m:", "few"], ["m:", "mean"]]


def test_problems_of_many_benchmarks_may_bear_one_name():
    rows = [sample("1", 0, "correct", "1", dataset=name) for name in ("a", "b")]
    metrics = summarize(rows, entries(1, "a", "b"))
    assert metrics["problems"] == 2 and metrics["pass@1"] == 1


def test_a_problem_that_occurs_twice_counts_twice():
    rows = [sample("a", n % 2, ("correct", "wrong")[n // 2], "1") for n in range(4)]
    assert summarize(rows, entries(2))["problems"] == 2


def test_further_numbers_get_the_problems_of_their_benchmark(monkeypatch):
    def count(groups):
        found = list(groups)
        return {"groups": len(found), "rows": sum(map(len, found)), "range": [0.25, None]}

    monkeypatch.setitem(MEASURES, "count", count)
    rows = [sample(f"p{n}", k, "correct", "1", dataset=name) for name in "ab" for n in range(3) for k in range(2)]
    known = entries(2, "a") | entries(2, "b", measures=["count"])
    for given in (rows, iter(rows)):  # also where rows can be gone through only once
        metrics = summarize(given, known)
        assert metrics["by_dataset"]["b"]["measures"] == {"groups": 3, "rows": 6, "range": [0.25, None]}
        assert "measures" not in metrics["by_dataset"]["a"]
    assert text_table({"m": metrics}).splitlines()[-1] == "m: b: groups 3, rows 6, range [0.250, -]"
    assert markdown_table({"m": metrics}).endswith("\n\nm: b: groups 3, rows 6, range [0.250, -]")


def test_unknown_numbers_and_data_sets_are_one_line(store):
    with pytest.raises(RecipeError, match="aime24: unknown `measures: guess`"):
        summarize(store, entries(3) | {"aime24": {"num_samples": 1, "measures": ["guess"]}})
    with pytest.raises(DataError, match="samples of 'other', a data set that is not asked for"):
        summarize([sample("a", 0, "wrong", "1", dataset="other")], entries(1))


def test_table_leaves_out_what_no_row_has(store):
    metrics = summarize(store, entries(3))
    head = text_table({"m": metrics}).splitlines()[0]
    assert "helpful" in head and "seconds" not in head and "failed" not in head
    alone = text_table({"m": summarize(store[:9], entries(3))}).splitlines()[0]
    assert "helpful" not in alone and len(alone) < 120
    assert "checked, 3 removed" in text_table({"m": metrics | {"contamination": "checked, 3 removed"}})
