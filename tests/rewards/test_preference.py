"""Preference rewards: batches change no value, a served model reads what a loaded one reads, failures are none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from servers import body, status
from students import PLAIN, save_student

from open_r1.core.errors import ArtifactError, EndpointError, RecipeError
from open_r1.core.formats import ResponseFormat
from open_r1.rewards import build_rewards
from open_r1.rewards.preference import batches_by_length

R1 = ResponseFormat("r1")
FINALS = ["7", "the answer is 7", "a much longer reply" * 20, "", "no"]
COMPLETIONS = [f"<think>one two</think>{final}" for final in FINALS]
PROMPT = [{"role": "user", "content": "1+6?"}]


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A reward model with random weights, in float32."""
    import torch
    from transformers import AutoTokenizer, LlamaConfig, LlamaForSequenceClassification

    directory = tmp_path_factory.mktemp("reward_model")
    save_student(directory, PLAIN)
    tokenizer = AutoTokenizer.from_pretrained(directory)
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(tokenizer), hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=2,
        num_labels=1, pad_token_id=tokenizer.pad_token_id,
    )  # fmt: skip
    LlamaForSequenceClassification(config).save_pretrained(directory)
    return str(directory)


def scores_of(**settings):
    (reward,), _ = build_rewards({"helpful": settings}, R1)
    counts = {}
    log = lambda name, value: counts.update({name: value})
    found = reward(prompts=[PROMPT] * len(FINALS), completions=COMPLETIONS, log_metric=log)
    return found, counts


@given(lengths=st.lists(st.integers(1, 50), max_size=40), most=st.integers(1, 120))
def test_batches_hold_each_text_once_and_fit(lengths, most):
    batches = batches_by_length(lengths, most)
    assert sorted(index for batch in batches for index in batch) == list(range(len(lengths)))
    assert all(len(batch) * max(lengths[i] for i in batch) <= most for batch in batches if len(batch) > 1)


def test_the_size_of_a_batch_changes_no_score(model):
    whole, _ = scores_of(model=model)
    single, _ = scores_of(model=model, batch_tokens=1)
    assert whole == pytest.approx(single, abs=1e-5) and whole[3] == 0.0
    assert len({round(score, 4) for score in whole}) == len(FINALS)


def test_a_served_model_is_asked_with_the_same_texts(model, server):
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(model)
    expected = {
        tokenizer.apply_chat_template([*PROMPT, {"role": "assistant", "content": final}], tokenize=False)
        for final in FINALS
        if final
    }
    server.otherwise = body(b'{"data": [{"index": 0, "probs": [0.25], "num_classes": 1}]}')
    found, counts = scores_of(model="helpful", tokenizer=model, url=server.url.removesuffix("/v1"))
    assert found == [0.25, 0.25, 0.25, 0.0, 0.25] and counts["rewards/helpful/failures"] == 0
    assert {request["body"]["input"] for request in server.requests} == expected
    assert {request["path"] for request in server.requests} == {"/classify"}


def test_a_server_that_gives_no_score_gives_none(model, server):
    server.otherwise = body(b'{"data": []}')
    found, counts = scores_of(model="helpful", tokenizer=model, url=server.url)
    assert found == [None, None, None, 0.0, None] and counts["rewards/helpful/failures"] == 4
    assert {request["path"] for request in server.requests} == {"/classify"}  # also where the address ends with /v1


@pytest.mark.parametrize("reply", [status(404), status(401)])
def test_a_wrong_address_or_key_ends_the_run(model, server, reply):
    server.otherwise = reply
    with pytest.raises(EndpointError):
        scores_of(model="helpful", tokenizer=model, url=server.url)


@pytest.mark.parametrize(
    ("settings", "error", "words"),
    [
        ({"batch_tokens": 0}, RecipeError, "batch_tokens: 0"),
        ({"url": "localhost:8000", "tokenizer": "."}, (RecipeError, ArtifactError), "localhost:8000|tokenizer"),
        ({"url": "http://localhost:8000"}, RecipeError, "belong together"),
        ({"model": "./nowhere"}, ArtifactError, "./nowhere"),
        ({"tokenizer": "./nowhere", "url": "http://localhost:8000"}, ArtifactError, "./nowhere"),
    ],
)
def test_bad_settings_are_one_line(model, settings, error, words):
    with pytest.raises(error, match=words):
        build_rewards({"helpful": {"model": model} | settings}, R1)
