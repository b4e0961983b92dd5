"""Verdicts: right, wrong, missing and unreadable are different outcomes, and no input is a surprise."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from corpus import RESPONSES, THOUGHT, boxed

import open_r1
from open_r1.core.errors import DataError
from open_r1.core.formats import ResponseFormat, read_response
from open_r1.verify import KINDS, OUTCOMES, Case, Verdict, bad_golds, equivalent, verify, verify_many
from open_r1.verify.pool import Pool
from open_r1.verify.text import refuses

ZERO, R1 = ResponseFormat("zero"), ResponseFormat("r1")
SANDBOX = pytest.mark.skipif(shutil.which("bwrap") is None, reason="bubblewrap is not installed")
NO_COMMA, JSON_OBJECT = '[{"id": "punctuation:no_comma"}]', '{"type": "object"}'


@pytest.mark.parametrize("category", RESPONSES)
def test_outcomes_of_the_corpus_hold(category):
    entries = [entry for entry in RESPONSES[category] if entry[0] != "code" or shutil.which("bwrap")]
    verdicts = verify_many([Case(kind, gold, response) for kind, gold, response, _ in entries])
    wrong = [(entry, verdict) for entry, verdict in zip(entries, verdicts, strict=True) if verdict.outcome != entry[3]]
    assert wrong == []
    assert all(verdict.correct == (verdict.outcome == "correct") for verdict in verdicts)


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
        ("exact", "red cat", ZERO.write("a", "red cat ."), "correct"),
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
        ("math", "7", "It is 7.", "correct", "7"),
        ("exact", "hello", "hello", "correct", "hello"),
    ],
)
def test_judged_answer_comes_from_the_summary_in_the_r1_format(kind, gold, final, outcome, answer):
    verdict = verify(kind, gold, R1.read(R1.write(r"maybe \boxed{7}", final)))
    assert (verdict.outcome, verdict.answer) == (outcome, answer)


@pytest.mark.parametrize(
    ("kind", "gold", "text", "verdict"),
    [
        ("math", "7", THOUGHT + r"\boxed{7}", Verdict("correct", "7", 1.0)),
        ("math", "7", THOUGHT + r"\boxed{8}", Verdict("wrong", "8", 0.0)),
        ("math", "7", THOUGHT, Verdict("no_answer", None, 0.0)),
        ("math", "", THOUGHT + r"\boxed{8}", Verdict("bad_gold", "8", 0.0, "the gold is empty")),
        ("choice", "Z", THOUGHT + r"\boxed{A}", Verdict("bad_gold", "A", 0.0, "cannot be read as `choice`")),
        ("f1", "red cat", THOUGHT + "red dog", Verdict("wrong", "red dog", 0.5)),
        (
            "constraints",
            '[{"id": "punctuation:no_comma"}, {"id": "startend:quotation"}]',
            "no",
            Verdict("wrong", "no", 0.5),
        ),
        ("refusal", "perhaps", "no", Verdict("bad_gold", "no", 0.0, "cannot be read as `refusal`")),
        ("json_schema", '{"type": "null"}', "1", Verdict("wrong", "1", 0.0, "1 is not of type 'null'")),
        ("math", "7", THOUGHT + r"\boxed{10^{10^{10}}}", "powers"),
        ("json_schema", "{", "1", "no JSON schema"),
    ],
)
def test_verdicts_have_answer_score_and_note(kind, gold, text, verdict):
    found = verify(kind, gold, text)
    assert found == verdict if isinstance(verdict, Verdict) else verdict in found.note and found.score == 0.0


# --------------------------------------------------------------------------------------------------- many at once


def test_many_cases_keep_their_order_whatever_decides_them():
    finals = [(str(i), rf"\boxed{{{i}}}") for i in range(40)] + [(f"x+{i}", rf"\boxed{{{i}+x}}") for i in range(40)]
    kinds = [Case("math", gold, final) for gold, final in finals] + [
        Case("exact", "a b", "A  B"),
        Case("choice", "B", r"\boxed{C}"),
    ]
    wrong = [Case("math", "x+1", rf"\boxed{{x+{i}}}") for i in range(2, 30)]
    cases = [case for pair in zip(kinds, wrong * 3, strict=False) for case in pair]
    assert [verdict.correct for verdict in verify_many(cases)] == [
        index % 2 == 0 and index < 162 for index in range(len(cases))
    ]


def test_no_cases_have_no_verdicts():
    assert verify_many([]) == []


def test_equal_cases_are_decided_once():
    same = {
        id(verdict)
        for verdict in verify_many([Case("math", "x+1", boxed("1+x"))] * 500 + [Case("math", "x+1", boxed(" 1+x"))])
    }
    assert len(same) == 1


def test_columns_tell_cases_apart():
    options = [["red", "blue"], ["blue", "red"], None]
    verdicts = verify_many([Case("choice", "A", r"\boxed{\text{red}}", {"options": value}) for value in options])
    assert [verdict.outcome for verdict in verdicts] == ["correct", "wrong", "wrong"]


def test_text_and_its_parts_have_one_verdict():
    text = THOUGHT + r"\boxed{7}"
    assert verify("math", "7", text) == verify("math", "7", R1.read(text)) == verify("math", "7", read_response(text))


@pytest.mark.parametrize(
    ("kind", "one", "other", "same"),
    [
        ("math", "7", "7.0", True),
        ("math", "x+1", "1+x", True),
        ("math", "x+1", "1-x", False),
        ("choice", "B", "(B)", True),
        ("choice", "B", "C", False),
        ("exact", "Red cat", "red  cat", True),
        ("math", "", "", True),
        ("math", "7", "", False),
        ("math", "", "7", False),
    ],
)
def test_equivalent_answers(kind, one, other, same):
    assert equivalent(kind, one, other) is same


# ---------------------------------------------------------------------------------------------------- other kinds


@pytest.mark.parametrize("task", ["chain_sum", "spell_backward", "number_sorting", "word_sorting"])
def test_gym_accepts_its_own_answer_and_refuses_another(task):
    gym = pytest.importorskip("reasoning_gym")
    for entry in gym.create_dataset(task, size=3, seed=1):
        metadata = json.dumps({"task": task, "entry": entry}, default=str)
        finals = (entry["answer"], "zzz")
        outcomes = [
            verify("gym", entry["answer"], ZERO.read(ZERO.write("a", text)), metadata=metadata).outcome
            for text in finals
        ]
        assert outcomes == ["correct", "wrong"]


@pytest.mark.parametrize("metadata", [None, "", "{}", "[", '{"task": "no_such_task", "entry": {}}', 7])
def test_gym_without_usable_metadata_is_an_error_not_a_wrong_answer(metadata):
    pytest.importorskip("reasoning_gym")
    verdict = verify("gym", "7", ZERO.write("a", "7"), metadata=metadata)
    assert verdict.outcome == "error" and verdict.note


@SANDBOX
@pytest.mark.parametrize(
    ("program", "outcome"), [("def f(x):\n    return x + 1", "correct"), ("def f(x):\n    return x", "wrong")]
)
def test_code_is_a_kind_like_others(program, outcome):
    verdict = verify("code", ["assert f(1) == 2", "assert f(2) == 3"], f"{THOUGHT}```python\n{program}\n```")
    assert verdict.outcome == outcome and verdict.score == float(outcome == "correct")


# ------------------------------------------------------------------------------------------------------ bad input


def test_unknown_kind_is_a_data_error_that_lists_the_known():
    for ask in (
        lambda: verify("mth", "7", "7"),
        lambda: bad_golds([("mth", "7")]),
        lambda: verify_many([Case("mth", "7", "7")]),
    ):
        with pytest.raises(DataError, match="mth") as caught:
            ask()
        assert all(kind in caught.value.hint for kind in KINDS)


@pytest.mark.parametrize("completion", [None, 7, 7.5, True, ["7"], [], {"content": "7"}, b"7"], ids=repr)
@pytest.mark.parametrize("kind", ["math", "choice", "exact", "f1", "constraints", "json_schema"])
def test_what_is_no_text_is_no_answer(kind, completion):
    gold = {"constraints": NO_COMMA, "json_schema": JSON_OBJECT, "choice": "B"}.get(kind, "7")
    assert verify(kind, gold, completion) == Verdict("no_answer", None)


@pytest.mark.parametrize(
    ("kind", "gold", "final", "outcome"),
    [
        ("math", None, r"\boxed{7}", "bad_gold"),
        ("math", [], r"\boxed{7}", "bad_gold"),
        ("math", 7, r"\boxed{7}", "correct"),
        ("math", 0, r"\boxed{0}", "correct"),
        ("math", 0.5, r"\boxed{1/2}", "correct"),
        ("math", ["7"], r"\boxed{7}", "correct"),
        ("math", ["1", "2"], r"\boxed{2, 1}", "correct"),
        ("math", ("1", "2"), r"\boxed{2}", "wrong"),
        ("math", [1, 2], r"\boxed{\{1, 2\}}", "correct"),
        ("exact", None, "none", "bad_gold"),
        ("constraints", [{"id": "punctuation:no_comma"}], "no", "correct"),
        ("constraints", {"instruction_id_list": ["punctuation:no_comma"], "kwargs": [{}]}, "no", "correct"),
        ("json_schema", {"type": "object"}, "{}", "correct"),
    ],
)
def test_golds_of_other_types(kind, gold, final, outcome):
    assert verify(kind, gold, THOUGHT + final).outcome == outcome


LONE = "\ud800"


@pytest.mark.parametrize(
    ("kind", "gold", "text", "outcome"),
    [
        ("math", "7", rf"\boxed{{{LONE}}}", "wrong"),
        ("math", "x+1", rf"\boxed{{x+{LONE}}}", "wrong"),
        ("math", "x+1", f"<answer> {LONE} </answer>", "wrong"),
        ("math", LONE, rf"\boxed{{{LONE}}}", "correct"),
        ("math", "7", LONE, "no_answer"),
        ("choice", "B", rf"\boxed{{{LONE}}}", "wrong"),
        ("exact", "a", LONE, "wrong"),
        ("f1", "b", LONE, "wrong"),
        ("refusal", "comply", LONE, "correct"),
        ("constraints", NO_COMMA, LONE, "correct"),
        ("json_schema", JSON_OBJECT, LONE, "wrong"),
        ("json_schema", '{"type": "string"}', f'"{LONE}"', "correct"),
        pytest.param("code", ["assert f(1) == 1"], f"```python\nx = '{LONE}'\n```", "wrong", marks=SANDBOX),
        pytest.param("code", ["assert f(1) == 1"], LONE, "wrong", marks=SANDBOX),
    ],
    ids=ascii,
)
def test_lone_surrogates_are_text_like_any_other(kind, gold, text, outcome):
    assert verify(kind, gold, THOUGHT + text).outcome == outcome


@pytest.mark.parametrize(
    "text",
    [r"\boxed{a\0b}".replace(r"\0", "\0"), r"\boxed{7" + "\u202e}", r"\boxed{" + "\u0301" * 500 + "}", "\r\n" * 50],
)
def test_odd_characters_have_an_outcome(text):
    assert verify("math", "7", THOUGHT + text).outcome in OUTCOMES


SENTENCES = '[{"id": "length_constraints:number_sentences", "num_sentences": 1}]'
PARAGRAPHS = '[{"id": "length_constraints:number_paragraphs", "num_paragraphs": 1}]'
BULLETS = '[{"id": "detectable_format:number_bullet_lists", "num_bullets": 1}]'
MARKER = '[{"id": "detectable_content:postscript", "postscript_marker": "P.S."}]'
MANY, HUGE = 10**5, 10**7
SECONDS = 60.0  # the slowest need one or two; minutes if they grew with the square
LONG = {  # name -> kind, gold, text, outcome; choices have ten options
    "10 MB without answer": ("math", "7", THOUGHT + "a" * HUGE, "no_answer"),
    "10 MB of reasoning": ("math", "7", f"<think> {'a b ' * (HUGE // 4)} </think> \\boxed{{7}}", "correct"),
    "10 MB of unfinished reasoning": ("math", "7", "<think>" + "7 " * (HUGE // 2), "no_answer"),
    "10 MB in the box": ("math", "7", rf"{THOUGHT}\boxed{{{'7' * HUGE}}}", "no_answer"),
    "10 MB in the answer": ("math", "7", f"{THOUGHT}<answer>{'7' * HUGE}</answer>", "wrong"),
    "10 MB of lines": ("math", "7", THOUGHT + "a\n" * (HUGE // 2) + r"\boxed{7}", "correct"),
    "10 MB exact": ("exact", "red cat", "red " * (HUGE // 4), "wrong"),
    "10 MB f1": ("f1", "red cat", "red " * (HUGE // 8), "wrong"),
    "10 MB choice": ("choice", "B", "A or B " * (HUGE // 7), "no_answer"),
    "10 MB refusal": ("refusal", "refuse", "I can " * (HUGE // 6), "wrong"),
    "10^5 boxes": ("math", "7", THOUGHT + r"\boxed{7} " * MANY, "correct"),
    "10^5 joined boxes": ("math", "7", THOUGHT + r"\boxed{7}, " * MANY, "correct"),
    "10^5 open boxes": ("math", "7", THOUGHT + r"\boxed{" * MANY, "no_answer"),
    "10^5 nested boxes": ("math", "7", THOUGHT + r"\boxed{" * MANY + "7" + "}" * MANY, "no_answer"),
    "10^5 opened thoughts": ("math", "7", "<think>" * MANY + r"\boxed{7}", "no_answer"),
    "10^5 closed thoughts": ("math", "7", "<think>a</think>" * MANY + r"\boxed{7}", "correct"),
    "10^5 opened answers": ("math", "7", THOUGHT + "<answer>" * MANY + "7</answer>", "correct"),
    "10^5 answers": ("math", "7", THOUGHT + "<answer>7</answer>" * MANY, "correct"),
    "10^5 stated answers": ("math", "7", THOUGHT + "the answer is 8. " * MANY + "\nthe answer is 7.", "correct"),
    "10^5 brackets": ("math", "7", f"{THOUGHT}<answer>{'(' * MANY}7{')' * MANY}</answer>", "wrong"),
    "10^5 dollars": ("math", "7", f"{THOUGHT}<answer>{'$' * MANY}7</answer>", "wrong"),
    "10^5 formulas": ("math", "7", THOUGHT + r"\[ " * MANY, "no_answer"),
    "10^5 fences": ("code", '["assert f(1) == 1"]', THOUGHT + "```python\n" * (2 * (MANY // 20) + 1), "no_answer"),
    # no block holds a program
    "10^6 backticks": ("code", '["assert f(1) == 1"]', THOUGHT + "`" * 10 * MANY, "no_answer"),
    "10^5 spaces in the answer": ("math", "7", f"{THOUGHT}<answer>1{' ' * MANY}2</answer>", "wrong"),
    "10^5 no-break spaces in the choice": ("choice", "B", f"{THOUGHT}<answer>1{'~' * MANY}2</answer>", "wrong"),
    "10^5 dashes, sentences": ("constraints", SENTENCES, "-" * MANY, "correct"),
    "10^5 empty lines, bullets": ("constraints", BULLETS, "a" + "\n" * MANY + "b", "wrong"),
    "10^5 empty lines, postscript": ("constraints", MARKER, "a" + "\n" * MANY + "b", "wrong"),
    "10^5 empty lines, paragraphs": ("constraints", PARAGRAPHS, "a" + "\n" * MANY + "b", "correct"),
    "10^5 stars, paragraphs": ("constraints", PARAGRAPHS, "*" * MANY + "a", "wrong"),
}


@pytest.fixture(scope="module")
def long_results():
    """All of them in two workers, which end those that hang."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(
            "PYTHONPATH", os.pathsep.join([str(Path(__file__).parent), str(Path(open_r1.__file__).parents[1])])
        )
        pool = Pool("pool_functions:outcome", 2)
        pool.run([["math", "7", "7"]] * 16, SECONDS)  # both have started
        cases = {name: case for name, case in LONG.items() if case[0] != "code" or shutil.which("bwrap")}
        yield dict(zip(cases, pool.run([list(case[:3]) for case in cases.values()], SECONDS), strict=True))
        pool.close()


@pytest.mark.parametrize(("name", "outcome"), [pytest.param(name, case[3], id=name) for name, case in LONG.items()])
def test_long_completions_have_an_outcome_in_seconds(long_results, name, outcome):
    if name not in long_results:
        pytest.skip("bubblewrap is not installed")
    assert long_results[name] == ("done", outcome)


# --------------------------------------------------------------------------------------------------------- golds


ROWS = [
    ("math", None, "empty"),
    ("math", "", "empty"),
    ("exact", " ", "empty"),
    ("refusal", None, "empty"),
    ("math", "$$", "cannot be read"),
    ("math", r"\frac{", "cannot be read"),
    ("math", r"x+\sqrt{", "cannot be read"),
    ("math", "9^{9^{9^{9}}}", "limits"),
    ("choice", "Z", "`choice`"),
    ("constraints", "{}", "`constraints`"),
    ("constraints", '[{"id": "unknown:kind"}]', "`constraints`"),
    ("constraints", '[{"id": "keywords:existence"}]', "`constraints`"),
    ("f1", "the", "`f1`"),
    ("code", '{"inputs": [], "outputs": []}', "inputs"),
    ("json_schema", "{not json", "JSON"),
    ("json_schema", '{"type": "no such type"}', "no JSON schema"),
    ("refusal", "perhaps", "`refusal`"),
]


def test_open_prompts_have_no_gold_that_could_be_bad():
    assert list(bad_golds([("open", ""), ("math", ""), ("open", "a reference")])) == [1]


@pytest.mark.parametrize(("kind", "gold", "reason"), ROWS)
def test_gold_that_nothing_can_match_is_found(kind, gold, reason):
    found = bad_golds([("math", "7"), (kind, gold), ("exact", "any words")])
    assert list(found) == [1] and reason in found[1]


@pytest.mark.parametrize(
    ("kind", "gold"),
    [
        ("math", "7"),
        ("math", 7),
        ("math", 0),
        ("math", ["1", "2"]),
        ("math", r"\frac{\sqrt{3}}{2}"),
        ("math", "x^2+1"),
        ("math", "$x=5$"),
        ("math", r"(-\infty, 3]"),
        ("math", r"\text{Tuesday}"),
        ("exact", "any words"),
        ("f1", "red cat"),
        ("refusal", "comply"),
        ("refusal", "refuse"),
        ("choice", "B"),
        ("choice", "(J)"),
        ("constraints", NO_COMMA),
        ("json_schema", JSON_OBJECT),
        ("code", '["assert f(1) == 1"]'),
        ("gym", "anything"),
    ],
)
def test_usable_gold_is_accepted(kind, gold):
    assert bad_golds([(kind, gold)]) == {}


@pytest.mark.parametrize("gold", ["1", "blue"])
def test_choice_golds_that_need_their_options_are_accepted_with_them(gold):
    row = {"options": ["red", "blue"]}
    assert verify("choice", gold, r"\boxed{B}", **row).correct
    assert bad_golds([("choice", gold)] * 2, [row, {"options": ["red", "green"]} if gold == "blue" else {}]) == {
        1: "cannot be read as `choice`"
    }


def test_golds_are_found_by_their_row_also_where_they_repeat():
    rows = [("math", "x+1"), ("math", r"\frac{"), ("math", ""), ("math", "y+1"), ("math", r"\frac{"), ("choice", "Z")]
    assert sorted(bad_golds(rows * 2)) == [1, 2, 4, 5, 7, 8, 10, 11]


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


def test_import_brings_in_nothing_heavy():
    heavy = "'torch', 'sympy', 'math_verify', 'jsonschema', 'reasoning_gym', 'transformers', 'numpy'"
    program = f"import sys, open_r1.verify; print(sorted(name for name in ({heavy}) if name in sys.modules))"
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout == "[]\n"
