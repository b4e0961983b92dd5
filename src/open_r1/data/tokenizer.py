"""Trains the tokenizer of a model that starts from nothing: byte-level BPE on the corpus it will be pretrained on.

Byte level, so every text survives a round trip; digits stand alone, so that arithmetic is learned once and not per
number. The padding and end-of-sequence tokens are different: a padding token that doubles as the end masks the end out
of the SFT loss, and the model never learns to stop.
"""

from collections.abc import Iterable

PAD, EOS = "<|pad|>", "<|end|>"


def train_tokenizer(texts: Iterable[str], vocab_size: int):
    """
    Trains a byte-level BPE tokenizer.

    Args:
        texts (`Iterable[str]`):
            The corpus.
        vocab_size (`int`):
            Upper bound of the vocabulary, the 256 bytes and the two special tokens included.

    Returns:
        `PreTrainedTokenizerFast`: left-padding tokenizer, ready for `save_pretrained`.
    """
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    words = Regex(r" ?\d| ?[^\s\d]+|\s+")  # one digit or one word, each with the space before it
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Split(words, "isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        special_tokens=[PAD, EOS],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token=PAD,
        eos_token=EOS,
        padding_side="left",
        clean_up_tokenization_spaces=False,
    )
