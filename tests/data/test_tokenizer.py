"""The tokenizer: every text survives, digits stand alone, and the end is not the padding."""

import random

import pytest

from open_r1.data.tokenizer import EOS, PAD, train_tokenizer

CORPUS = [
    "User: What is 3 + 8 - 5 mod 7 ? Assistant: <think> so 3 + 8 = 1 .",
    "所以 12 + 34 模 10 等于 几 ？",
    "1234 5678 9012",
] * 20


@pytest.fixture(scope="module")
def tokenizer():
    return train_tokenizer(CORPUS, 400)


def scrambled(seed):
    """Any characters but surrogates, which are no text."""
    rng = random.Random(seed)
    points = [
        rng.choice([rng.randrange(0x80), rng.randrange(0x3000), rng.randrange(0xE000, 0x110000)]) for _ in range(200)
    ]
    return "".join(map(chr, points))


@pytest.mark.parametrize(
    "text",
    [
        *CORPUS[:3],
        "",
        " ",
        "  two  spaces\n\n\tand tabs \r\n",
        "naïve Ωmega 𝔘nicode 👩‍👩‍👧 \u200b\u0301 e\u0301",
        "العربية ไทย हिन्दी ½ ² ٣",
        "don 't n't . , ? !",
        "\x00\x01\x7f\ufffd",
        *[scrambled(seed) for seed in range(20)],
    ],
    ids=range(30),
)
def test_text_survives_a_round_trip(tokenizer, text):
    assert tokenizer.decode(tokenizer(text, add_special_tokens=False).input_ids) == text


def test_digits_stand_alone(tokenizer):
    tokens = tokenizer.convert_ids_to_tokens(tokenizer("1234 + 56, x78y 9.10 12月").input_ids)
    assert all(sum(character.isdigit() for character in token) <= 1 for token in tokens)
    assert all(len(token.lstrip("Ġ")) == 1 for token in tokens if any(map(str.isdigit, token)))
    assert not any(sum(map(str.isdigit, token)) > 1 for token in tokenizer.get_vocab())


def test_padding_and_end_are_two_special_tokens_of_their_own(tokenizer):
    assert (tokenizer.pad_token, tokenizer.eos_token) == (
        PAD,
        EOS,
    ) and tokenizer.pad_token_id != tokenizer.eos_token_id
    assert tokenizer.convert_ids_to_tokens(tokenizer(f"a{EOS}").input_ids)[-1] == EOS
    assert tokenizer.decode(tokenizer(f"a{PAD}{EOS}").input_ids, skip_special_tokens=True) == "a"


def test_batches_are_padded_on_the_left(tokenizer):
    short, long = tokenizer(["a", "a b c d"], padding=True).input_ids
    assert len(short) == len(long) and short[0] == tokenizer.pad_token_id != short[-1]


def test_vocabulary_stays_within_its_bound_and_knows_frequent_words(tokenizer):
    assert 258 < len(tokenizer) <= 400
    assert len(tokenizer(" Assistant:").input_ids) == 1


def test_saved_tokenizer_is_the_same(tokenizer, tmp_path):
    from transformers import AutoTokenizer

    tokenizer.save_pretrained(tmp_path)
    again = AutoTokenizer.from_pretrained(tmp_path)
    text = "  所以 12 ? don 't " + EOS
    assert again(text).input_ids == tokenizer(text).input_ids and again.decode(again(text).input_ids) == text
    assert (again.pad_token, again.eos_token, again.padding_side) == (PAD, EOS, "left")
