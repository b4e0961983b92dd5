"""Tokenizers: loads a model's, with the template that a recipe names, and trains one for a model made from nothing.

The latter is byte-level BPE on the corpus that the model will be pretrained on.

Byte level, so every text survives a round trip; digits stand alone, so that arithmetic is learned once and not per
number. The padding and end-of-sequence tokens are different, here and in what is loaded: whoever masks padding by its
id - some losses, and classifiers that read the last token that is no padding - would mask the end with it, and the
model would never learn to stop.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from ..core.errors import ArtifactError, RecipeError
from ..core.formats import read_template
from ..core.inputs import require_model

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

PAD, EOS = "<|pad|>", "<|end|>"
# what the model families keep for padding, best first; none of them ever stands in a text
SPARE = ("<|fim_pad|>", "<|finetune_right_pad_id|>", "<|pad|>", "<pad>", "[PAD]", "<|reserved_special_token_0|>")


def load_tokenizer(
    model: str,
    template: str | None = None,
    revision: str | None = None,
    eos_token: str | None = None,
    pad_token: str | None = None,
    trust_remote_code: bool = False,
) -> "PreTrainedTokenizerBase":
    """
    A model's tokenizer, padding on the left, with a padding token that ends nothing.

    Args:
        model (`str`):
            Artifact directory or Hub id.
        template (`str`, *optional*):
            A `.jinja` file in place of its own chat template.
        revision (`str`, *optional*):
            Of a Hub model.
        eos_token (`str`, *optional*):
            The token that ends a response, where the template writes another than the tokenizer's own.
        pad_token (`str`, *optional*):
            The token to pad with; by default the tokenizer's own, or a spare one where that one ends texts.
        trust_remote_code (`bool`, *optional*, defaults to `False`):
            Whether code that comes with the model may run.

    Returns:
        `PreTrainedTokenizerBase`: the tokenizer; without a padding token where it has none to spare. Raises
        `ArtifactError` where neither brings a template, `RecipeError` for a token that it does not know.
    """
    from transformers import AutoTokenizer

    require_model(model)
    found = AutoTokenizer.from_pretrained(
        model, revision=revision or "main", padding_side="left", trust_remote_code=trust_remote_code
    )
    set_ends(found, eos_token, pad_token, f"model {model}")
    return with_template(found, template, f"model {model}")


def set_ends(tokenizer: "PreTrainedTokenizerBase", eos_token: str | None, pad_token: str | None, what: str) -> None:
    """Gives a tokenizer its end and padding tokens; raises `RecipeError` for tokens that cannot be these."""
    vocabulary = tokenizer.get_vocab()
    for name, token in (("eos_token", eos_token), ("pad_token", pad_token)):
        if token is not None and token not in vocabulary:
            known = ", ".join(map(str, tokenizer.added_tokens_decoder.values())) or "none"
            raise RecipeError(f"`{name}: {token}` is no token of {what}", f"its special tokens are {known[:300]}")
    ends = {tokenizer.eos_token, eos_token or tokenizer.eos_token}
    if pad_token in ends:
        raise RecipeError(
            f"`pad_token: {pad_token}` ends texts: masked as padding, the end would not be learned",
            "leave `pad_token` out, and a spare token is used",
        )
    if eos_token:
        tokenizer.eos_token = eos_token
    if pad_token:
        tokenizer.pad_token = pad_token
    elif tokenizer.pad_token is None or tokenizer.pad_token in ends:
        tokenizer.pad_token = spare_token(tokenizer, ends)


def spare_token(tokenizer: "PreTrainedTokenizerBase", ends: set[str]) -> str | None:
    """
    A token to pad with that the embedding already holds: one made for it, else the unknown token, which byte-level
    texts never contain, else the begin token, which stands where no padding is looked for. `None` where all of them
    end texts.
    """
    vocabulary = tokenizer.get_vocab()
    candidates = [token for token in SPARE if token in vocabulary] + [tokenizer.unk_token, tokenizer.bos_token]
    return next((token for token in candidates if token and token not in ends), None)


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
