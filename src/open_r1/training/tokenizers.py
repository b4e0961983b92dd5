"""The tokenizer of a training stage, which it saves with its model."""

from typing import TYPE_CHECKING

from .arguments import StageArguments

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase, TrainingArguments
    from trl import ModelConfig


def make_tokenizer(
    args: StageArguments, config: "TrainingArguments", model_args: "ModelConfig"
) -> "PreTrainedTokenizerBase":
    """The recipe's tokenizer: trained on a corpus or loaded with the model, with the recipe's template and tokens."""
    from ..data.tokenizer import PAD, load_tokenizer, set_ends, train_tokenizer, with_template

    if args.tokenizer:
        from ..data.sources import load_source

        rows = load_source(args.tokenizer["corpus"] | {"raw": True})
        texts = (row["prompt"] + row["completion"] for row in rows)
        tokenizer = with_template(
            train_tokenizer(texts, args.tokenizer["vocab_size"]), args.chat_template, "the new tokenizer"
        )
        set_ends(tokenizer, args.eos_token, args.pad_token, "the new tokenizer")
        return tokenizer
    tokenizer = load_tokenizer(
        model_args.model_name_or_path,
        args.chat_template,
        model_args.model_revision,
        args.eos_token,
        args.pad_token,
        config.trust_remote_code,
    )
    if tokenizer.pad_token is None:  # nothing to spare; `start_model` makes room for it in the embedding
        tokenizer.add_special_tokens({"pad_token": PAD})
    return tokenizer
