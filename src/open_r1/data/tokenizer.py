"""Tokenizers: loads a model's, with the template that a recipe names, and trains one for a model made from nothing.

The latter is byte-level BPE on the corpus that the model will be pretrained on.

Byte level, so every text survives a round trip; digits stand alone, so that arithmetic is learned once and not per
number. The padding and end-of-sequence tokens are different: a padding token that doubles as the end masks the end out
of the SFT loss, and the model never learns to stop.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from ..core.artifacts import require_model
from ..core.errors import ArtifactError
from ..core.formats import read_template

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

PAD, EOS = "<|pad|>", "<|end|>"


def load_tokenizer(model: str, template: str | None = None, revision: str | None = None) -> "PreTrainedTokenizerBase":
    """
    A model's tokenizer, padding on the left.

    Args:
        model (`str`):
            Artifact directory or Hub id.
        template (`str`, *optional*):
            A `.jinja` file in place of its own chat template.
        revision (`str`, *optional*):
            Of a Hub model.

    Returns:
        `PreTrainedTokenizerBase`: the tokenizer. Raises `ArtifactError` where neither brings a template.
    """
    from transformers import AutoTokenizer

    require_model(model)
    found = AutoTokenizer.from_pretrained(model, revision=revision or "main", padding_side="left")
    return with_template(found, template, f"model {model}")


def with_template(tokenizer: "PreTrainedTokenizerBase", template: str | None, what: str) -> "PreTrainedTokenizerBase":
    """The tokenizer with the chat template of a file, or with its own; raises `ArtifactError` where there is none."""
    if template:
        tokenizer.chat_template = read_template(template)
    if tokenizer.chat_template is None:
        raise ArtifactError(
            f"{what} has no chat template", "add `chat_template:` with a .jinja file, or use an instruct model"
        )
    return tokenizer


def train_tokenizer(texts: Iterable[str], vocab_size: int) -> "PreTrainedTokenizerBase":
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
