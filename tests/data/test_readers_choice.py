"""Readers of multiple choice, spans and instructions: what becomes of a row, and that it is judged as meant."""

import json
from collections import Counter

import pytest
from test_benchmarks import ROWS, fixture

from open_r1.core.benchmarks import benchmark_names, read_benchmark
from open_r1.core.errors import DataError
from open_r1.data.readers_choice import ceval, cluewsc, drop, gpqa, ifeval, mmlu_redux, put_right
from open_r1.data.sources import load_source
from open_r1.verify import verify

USED = {  # columns that readers need
    "gpqa_diamond": ("Question", "Correct Answer", "Incorrect Answer 2", "Explanation", "Subdomain"),
    "mmlu_redux": ("question", "choices", "answer", "error_type", "correct_answer"),
    "ceval": ("question", "A", "D", "answer"),
    "cluewsc": ("text", "label", "target"),
    "drop": ("passage", "question", "answer", "validated_answers"),
    "ifeval": ("prompt", "instruction_id_list", "kwargs"),
}


def raw(name):
    return [json.loads(line) for line in (ROWS / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()]


def science(number):
    wrong = {f"Incorrect Answer {n}": f"wrong {n} " for n in (1, 2, 3)}
    return {"Question": f"Question {number}?", "Correct Answer": " right", "Explanation": "", "Subdomain": "x"} | wrong


def test_gpqa_draws_the_order_from_the_question_and_each_letter_is_right_as_often():
    rows = [gpqa(science(number), {}) for number in range(2000)]
    assert all(sorted(row["options"]) == ["right", "wrong 1", "wrong 2", "wrong 3"] for row in rows)
    assert all(row["options"]["ABCD".index(row["answer"])] == "right" for row in rows)
    assert all(420 < count < 580 for count in Counter(row["answer"] for row in rows).values())
    assert len({tuple(row["options"]) for row in rows}) == 24
    assert rows[0]["options"] == ["wrong 2", "wrong 3", "wrong 1", "right"]  # in every process


def test_gpqa_is_the_same_in_any_subset():
    whole = load_source(fixture("gpqa_diamond"))
    first = load_source(fixture("gpqa_diamond", limit=1))
    assert first[0] == whole[0]
    last = load_source(fixture("gpqa_diamond", where={"High-level domain": "Biology"}))
    assert (last[0]["options"], last[0]["answer"]) == (whole[2]["options"], whole[2]["answer"])
    assert whole[0]["prompt"][0]["content"].startswith("Which of these waves needs a medium to travel in?\n\nA. ")


def test_mmlu_redux_keeps_right_questions_and_those_whose_label_was_put_right():
    rows = load_source(fixture("mmlu_redux"))
    kept = [(row["prompt"][0]["content"].partition("?")[0], row["answer"]) for row in rows]
    assert kept == [
        ("How many legs has a tripod", "C"),
        ("How many wheels has a bicycle", "B"),
        ("How many wings has a beetle", "D"),
    ]
    assert rows["metadata"][:] == ["anatomy", "virology", "anatomy"]


@pytest.mark.parametrize(
    ("label", "letter"),
    [
        ("B", "B"), (" b ", "B"), ("(C)", "C"), ("0", "A"), ("3", "D"), (2, "C"), ("two", "B"), ("Two.", "B"),
        ("4", None), ("A or B", None), ("E", None), ("eight", None), ("", None), (None, None),
    ],
)  # fmt: skip
def test_labels_of_annotators(label, letter):
    assert put_right(label, ["one", "two", "three", "four"]) == letter


def test_a_label_that_is_the_text_of_an_option_is_no_index():
    assert put_right("1", ["0", "2", "4", "1"]) == "D" and put_right("3", ["0", "2", "4", "1"]) == "D"


@pytest.mark.parametrize("error", ["bad_options_clarity", "expert", "no_correct_answer", "something new"])
def test_mmlu_redux_leaves_out_what_has_no_one_right_answer(error):
    row = {"question": "?", "choices": list("wxyz"), "answer": 0, "error_type": error, "correct_answer": "A"}
    assert mmlu_redux(row, {}) is None


def test_ceval_makes_options_of_columns_and_needs_an_answer():
    row = raw("ceval")[0]
    assert ceval(row, {})["options"] == ["21", "27", "29", "33"]
    assert ceval(row | {"answer": ""}, {}) is None and ceval(row | {"answer": None}, {}) is None


def test_cluewsc_marks_the_pronoun_that_is_meant():
    first, second, _ = (cluewsc(row, {}) for row in raw("cluewsc"))
    assert first["marked"] == "小明把书还给了小红，因为【她】明天要用。" and first["answer"] == "A"
    assert second["marked"] == "老师批评了学生，他很难过，但【他】还是讲完了课。" and second["answer"] == "B"
    hidden = raw("cluewsc")[0] | {"label": -1}
    assert cluewsc(hidden, {}) is None
    shifted = raw("cluewsc")[0] | {"target": raw("cluewsc")[0]["target"] | {"span2_index": 3}}
    assert cluewsc(shifted, {})["marked"] == shifted["text"]


def test_drop_collects_the_answers_of_all_annotators_once():
    golds = [json.loads(drop(row, {})["answer"]) for row in raw("drop")]
    assert golds == [
        [["1200"], ["1,200"]],
        [["Fishers", "weavers"], ["Fishers and weavers"]],
        [["12 May 1851"], ["May 1851"]],
        [["13"]],
    ]


def test_ifeval_keeps_the_arguments_that_are_there():
    gold = json.loads(load_source(fixture("ifeval"))[0]["answer"])
    assert gold == {
        "instruction_id_list": ["punctuation:no_comma", "length_constraints:number_words"],
        "kwargs": [{}, {"num_words": 20, "relation": "at least"}],
    }
    assert ifeval({"question": "?", "instruction_id_list": ["a"], "kwargs": [{"x": 0, "y": None}]}, {})["answer"] == (
        '{"instruction_id_list": ["a"], "kwargs": [{"x": 0}]}'
    )


@pytest.mark.parametrize("name", USED)
def test_a_row_without_a_column_says_which_one_is_missing(name, tmp_path):
    for column in USED[name]:
        row = {key: value for key, value in raw(name)[0].items() if key != column}
        (tmp_path / "rows.jsonl").write_text(json.dumps(row) + "\n")
        with pytest.raises(DataError, match=f"has no column .{column}") as caught:
            load_source(fixture(name, path=str(tmp_path / "rows.jsonl")))
        assert len(str(caught.value).splitlines()) == 1 and caught.value.hint


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("gpqa_diamond", {"Correct Answer": None}),
        ("cluewsc", {"target": None}),
        ("drop", {"answer": None}),
        ("drop", {"validated_answers": [1]}),
        ("ifeval", {"kwargs": None}),
    ],
)
def test_a_row_that_cannot_be_read_is_shown(name, values, tmp_path):
    (tmp_path / "rows.jsonl").write_text(json.dumps(raw(name)[0] | values) + "\n")
    with pytest.raises(DataError, match="a row that `reader: .*` cannot read") as caught:
        load_source(fixture(name, path=str(tmp_path / "rows.jsonl")))
    assert len(str(caught.value).splitlines()) == 1 and caught.value.hint


def ends(row, answer):
    """How a response ends that gives an answer, in the form that the prompt asks for."""
    if row["verifier"] == "math":
        return rf"So \boxed{{{answer.strip('$')}}}."
    return f"答案：{answer}" if row["language"] == "zh" else f"Answer: {answer}"


def answers(row):
    """The right answer, and a wrong one."""
    if row["verifier"] == "choice":
        return row["answer"], "A" if row["answer"] != "A" else "B"
    return ("; ".join(json.loads(row["answer"])[0]) if row["verifier"] == "drop" else row["answer"]), "-1234567"


CLOSED = [name for name in benchmark_names() if read_benchmark(name).get("verifier") in ("math", "choice", "drop")]


@pytest.mark.parametrize("name", CLOSED)
def test_right_wrong_and_missing_answers_are_told_apart(name):
    for row in load_source(fixture(name)):
        right, wrong = (ends(row, answer) for answer in answers(row))
        texts = {
            "correct": f"<think>{wrong}</think>\n\nA summary.\n\n{right}",
            "wrong": f"<think>{right}</think>\n\nA summary.\n\n{wrong}",
            "no_answer": f"<think>I see. {right}",
        }
        options = row.get("options")
        found = {key: verify(row["verifier"], row["answer"], text, options=options) for key, text in texts.items()}
        assert {key: verdict.outcome for key, verdict in found.items()} == {key: key for key in texts}


@pytest.mark.parametrize(
    ("said", "letter"),
    [
        ("Answer: C", "C"), ("answer: c", "C"), ("ANSWER: C", "C"), ("**Answer: (C)**", "C"), ("**Answer:** C.", "C"),
        ("Answer: C) blue", "C"), ("Answer：C", "C"), ("### Answer: C", "C"), (r"Answer: $\boxed{C}$", "C"),
        ("Answer: A\n\nNo, that is wrong.\n\nAnswer: C", "C"), ("A. no\nB. no\n\nAnswer: C", "C"),
        ("答案：C", "C"), ("**答案：（C）**", "C"), ("答案是 C。", "C"), ("Answer: A or C", None), ("Answer: ", None),
        ("答案：A 或 C", None), ("It may be any of them.", None),
    ],
)  # fmt: skip
def test_the_last_line_names_the_letter(said, letter):
    options = ["red", "green", "blue", "grey"]
    found = {wanted: verify("choice", wanted, f"<think>x</think>\n{said}", options=options) for wanted in "ABCD"}
    right = [wanted for wanted, verdict in found.items() if verdict.correct]
    assert right == ([letter] if letter else [])


def test_ten_options_have_ten_letters():
    first, second, _ = load_source(fixture("mmlu_pro"))
    assert second["prompt"][0]["content"].splitlines()[11] == "J. tariff"
    assert verify("choice", second["answer"], "<think>x</think>\nAnswer: J", options=second["options"]).correct
    assert verify("choice", first["answer"], "<think>x</think>\nAnswer: 10 cm", options=first["options"]).correct
