"""The probe: it is silent for a recipe that can work, and stops one whose rewards could never be paid."""

from pathlib import Path

import pytest

from open_r1.core.errors import RecipeError
from open_r1.core.formats import ResponseFormat
from open_r1.data.tokenizer import train_tokenizer
from open_r1.rewards import build_rewards
from open_r1.rewards.probe import as_trained, probe, responses

TEMPLATES = Path(__file__).resolve().parents[2] / "recipes" / "templates" / "chatml"
CORPUS = [
    "User: What is 3 + 4 ? Assistant: <think> so 3 + 4 = 7 . </think> <answer> 7 </answer>",
    "所以 12 + 34 等于 几 ？",
] * 20
ROW = {
    "prompt": [{"role": "user", "content": "What is 3 + 4 ?"}],
    "answer": "7",
    "verifier": "math",
    "domain": "reasoning",
    "language": "en",
}


def trained(template, *special):
    """A byte-level tokenizer with a chat template of the recipes and these special tokens."""
    tokenizer = train_tokenizer(CORPUS, 400)
    tokenizer.chat_template = (TEMPLATES / f"{template}.jinja").read_text()
    tokenizer.add_special_tokens({"additional_special_tokens": list(special)})
    return tokenizer


def word_level():
    """A tokenizer that splits tags at their brackets and puts spaces between all tokens."""
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    splitter = pre_tokenizers.Whitespace()
    words = sorted(
        {
            word
            for text in CORPUS
            for word, _ in splitter.pre_tokenize_str(text + " let us think step by step let ? boxed")
        }
    )
    tokenizer = Tokenizer(
        models.WordLevel({word: index for index, word in enumerate(["[UNK]", *words])}, unk_token="[UNK]")
    )
    tokenizer.pre_tokenizer = splitter
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, unk_token="[UNK]", eos_token="[UNK]", clean_up_tokenization_spaces=False
    )
    fast.chat_template = (TEMPLATES / "zero.jinja").read_text()
    return fast


@pytest.fixture(scope="module")
def tokenizers():
    return {
        "zero": trained("zero"),
        "r1": trained("r1"),
        "swallows": trained("r1", "<think>", "</think>"),
        "splits": word_level(),
    }


def tried(tokenizer, form, rewards, rows):
    return probe(build_rewards(rewards, form)[0], rows, tokenizer, form)


def row(**changes):
    return ROW | changes


@pytest.mark.parametrize("template", ["zero", "r1"])
@pytest.mark.parametrize("name", ["accuracy", "format", "tag_count", "language"])
def test_a_good_tokenizer_and_template_pass(tokenizers, template, name):
    form = ResponseFormat.of(template, tokenizers[template])
    assert form == ResponseFormat(template, prefilled=template == "r1")
    (line,) = tried(tokenizers[template], form, {name: {"from_step": 5}}, [row()] * 4)
    assert name in line


@pytest.mark.parametrize(
    "changes",
    [
        {"answer": r"\frac{1}{2}"},
        {"answer": "x^2+1"},
        {"answer": "(1,2)"},
        {"answer": "red cat", "verifier": "exact"},
        {"answer": "B", "verifier": "choice"},
        {"answer": "7", "language": "zh"},
        {"answer": ["1", "2"]},
        {"answer": [1, 2]},
    ],
    ids=str,
)
@pytest.mark.parametrize("template", ["zero", "r1"])
def test_golds_of_all_kinds_pass(tokenizers, template, changes):
    form = ResponseFormat.of(template, tokenizers[template])
    assert len(tried(tokenizers[template], form, {"accuracy": {}, "format": {}}, [row(**changes)])) == 2


@pytest.mark.parametrize("language", ["en", "fr", "zh", "ja", "ko", "ru"])
def test_reasoning_is_made_up_in_the_language_of_the_row(language):
    (reward,), _ = build_rewards({"language": None}, ResponseFormat("zero"))
    right = responses(row(language=language), ResponseFormat("zero"))["right"]
    assert reward.score(ResponseFormat("zero").read(right), row(language=language)) == 1.0


@pytest.mark.parametrize("language", ["uk", "ar", "hi", "th"])
def test_languages_that_we_cannot_write_are_left_out(tokenizers, language):
    assert tried(tokenizers["zero"], ResponseFormat("zero"), {"language": {}}, [row(language=language)])
    with pytest.raises(RecipeError, match="`format` pays 0.0"):  # by the reward for language only
        tried(tokenizers["splits"], ResponseFormat("zero"), {"format": {}, "language": {}}, [row(language=language)])


def test_a_tokenizer_that_swallows_the_tags_stops_the_run(tokenizers):
    tokenizer = tokenizers["swallows"]
    form = ResponseFormat.of("r1", tokenizer)
    assert as_trained("<think> a </think> b", tokenizer).split() == ["a", "b"]
    with pytest.raises(RecipeError, match="reward `format` pays 0.0 for a right response to 'What is 3") as caught:
        tried(tokenizer, form, {"format": {}}, [row()])
    assert (
        "special tokens" in caught.value.hint
        and "step by step" in caught.value.hint
        and "<think>" in caught.value.hint
    )
    with pytest.raises(RecipeError, match="`accuracy` pays 0.0"):
        tried(tokenizer, form, {"accuracy": {}}, [row()])


def test_a_tokenizer_that_splits_the_tags_stops_the_run(tokenizers):
    with pytest.raises(RecipeError, match="`format` pays 0.0") as caught:
        tried(tokenizers["splits"], ResponseFormat("zero"), {"format": {}}, [row()])
    assert "</ think >" in caught.value.hint


@pytest.mark.parametrize(
    ("template", "gold", "paid", "hint"),
    [
        ("r1", r"\frac{", 0.0, repr(r"\frac{")),
        ("r1", "7}", None, "'7}'"),
        ("zero", "", None, "gold is empty"),
        ("r1", None, None, "gold is empty"),
    ],
)
def test_a_gold_that_does_not_verify_stops_the_run(tokenizers, template, gold, paid, hint):
    form = ResponseFormat.of(template, tokenizers[template])
    with pytest.raises(RecipeError, match=f"`accuracy` pays {paid} for a right response to 'What is 3") as caught:
        tried(tokenizers[template], form, {"accuracy": {}}, [row(), row(answer=gold)])
    assert hint in caught.value.hint and "audit-golds" in caught.value.hint


@pytest.mark.parametrize(
    ("name", "settings", "column"),
    [
        ("accuracy", {}, "verifier"),
        ("accuracy", {}, "answer"),
        ("constraints", {}, "verifier"),
        ("json", {}, "answer"),
        ("cosine", {"max_length": 9}, "verifier"),
        ("judge", {"url": "http://127.0.0.1:9", "model": "m"}, "answer"),
        ("judge_helpful", {"url": "http://127.0.0.1:9", "model": "m"}, "reference"),
        ("language", {}, "language"),
    ],
)
def test_a_missing_column_stops_the_run(tokenizers, name, settings, column):
    rows = [{key: value for key, value in ROW.items() if key != column}]
    with pytest.raises(RecipeError, match=f"`{name}` needs the column `{column}`") as caught:
        tried(tokenizers["zero"], ResponseFormat("zero"), {name: settings}, rows)
    assert caught.value.hint


def test_a_reward_that_pays_for_nothing_stops_the_run(tokenizers):
    form = ResponseFormat("zero")
    (reward,), _ = build_rewards({"accuracy": {}}, form)
    reward.score_batch = lambda responses, rows: [1.0] * len(responses)
    with pytest.raises(RecipeError, match="pays 1.0 for a (wrong|malformed) response"):
        probe([reward], [row()], tokenizers["zero"], form)


@pytest.mark.parametrize(
    ("settings", "rows"),
    [
        ({}, []),
        ({"domains": ["general"]}, [row(answer="")]),
        ({}, [row(verifier="code", answer="[]"), row(verifier="gym", answer="x")]),
        ({"kinds": ["exact"]}, [row(), row(answer="")]),
        ({}, [row(verifier="choice", answer=gold, options=["red", "blue"]) for gold in ("1", "blue", "AB", "Z")]),
    ],
)
def test_rows_to_which_a_reward_does_not_apply_are_left_out(tokenizers, settings, rows):
    assert tried(tokenizers["zero"], ResponseFormat("zero"), {"accuracy": settings}, rows)


def test_rewards_that_no_made_up_response_can_earn_are_left_out(tokenizers):
    names = {
        "random": {},
        "repetition": {},
        "cosine": {"max_length": 9},
        "constraints": {},
        "judge": {"url": "http://127.0.0.1:9", "model": "m"},
    }
    assert tried(tokenizers["zero"], ResponseFormat("zero"), names, [row()]) == []
