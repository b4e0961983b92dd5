"""The measures of benchmarks: IF-Eval's four numbers, counted by hand."""

import json

import pytest

from open_r1.metrics.measures import MEASURES
from open_r1.verify import verify

NO_COMMA, WORDS = ("punctuation:no_comma", {}), ("length_constraints:number_words", {"num_words": 3})
HELLO, QUOTED = ("keywords:existence", {"keywords": ["hello"]}), ("startend:quotation", {})


def sample(*instructions, final):
    names, arguments = zip(*instructions, strict=True)
    gold = json.dumps({"instruction_id_list": names, "kwargs": arguments})
    text = "<think>hm" if final is None else f"<think>hm</think>\n{final}"
    return {"answer": gold, "final": final, "outcome": verify("constraints", gold, text).outcome}


def measured(*groups):
    return MEASURES["ifeval"](list(groups))


@pytest.mark.parametrize(
    ("groups", "expected"),
    [  # prompt strict and loose, instruction strict and loose
        # what the authors' test of their evaluation holds: one response that follows, one that is empty
        ([[sample(HELLO, final="hello")], [sample(HELLO, final="")]], (1 / 2, 1 / 2, 1 / 2, 1 / 2)),
        ([[sample(HELLO, final="hello")], [sample(HELLO, final=None)]], (1 / 2, 1 / 2, 1 / 2, 1 / 2)),
        # a prompt counts if all of its instructions are followed, an instruction by itself
        ([[sample(NO_COMMA, WORDS, final="so, short it is")]], (0, 0, 1 / 2, 1 / 2)),
        (
            [[sample(NO_COMMA, WORDS, HELLO, final="a, b, c hello")], [sample(NO_COMMA, final="fine")]],
            (1 / 2, 1 / 2, 3 / 4, 3 / 4),
        ),
        # a frame around the response: its first line, its last, stars
        ([[sample(QUOTED, final='Here it is:\n"So be it."')]], (0, 1, 0, 1)),
        ([[sample(QUOTED, final='"So be it."\nDone!')]], (0, 1, 0, 1)),
        ([[sample(QUOTED, NO_COMMA, final='Yes, of course:\n**"So be it."**\nThat, I hope, is it')]], (0, 1, 0, 1)),
        ([[sample(QUOTED, HELLO, final='Hello!\n"So be it."')]], (0, 1, 1 / 2, 1)),
        ([[sample(QUOTED, final="So be it.")]], (0, 0, 0, 0)),
        # over all samples of all prompts
        (
            [[sample(HELLO, final="hello"), sample(HELLO, final="no")], [sample(NO_COMMA, HELLO, final="hello")] * 2],
            (3 / 4, 3 / 4, 5 / 6, 5 / 6),
        ),
    ],
)
def test_four_numbers_of_ifeval(groups, expected):
    names = ("prompt_strict", "prompt_loose", "instruction_strict", "instruction_loose")
    assert measured(*groups) == pytest.approx(dict(zip(names, expected, strict=True)))


def test_strict_by_prompt_is_the_share_of_correct_verdicts():
    finals = ["hello you there", "hello, you there", "you there my dear", "hello", None]
    group = [sample(NO_COMMA, WORDS, HELLO, final=final) for final in finals]
    right = sum(row["outcome"] == "correct" for row in group)
    assert right == 1 and measured(group)["prompt_strict"] == right / len(group)


def test_a_gold_that_cannot_be_read_counts_nowhere():
    bad = {"answer": "{}", "final": "hello"}
    assert measured([bad], [sample(HELLO, final="hello")])["prompt_strict"] == 1 and measured([bad]) == {}


def test_groups_are_read_once():
    assert MEASURES["ifeval"](iter([[sample(HELLO, final="hello")]]))["instruction_loose"] == 1
