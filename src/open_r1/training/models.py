"""The model that a training stage starts from: a trained one, or random weights."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ..core.errors import RecipeError
from .run import Run

if TYPE_CHECKING:
    from transformers import PreTrainedModel


def start_model(run: Run, kind: Any = None, **options: Any) -> "PreTrainedModel":
    """
    The start model of a run, with an embedding that holds its tokenizer's padding.

    Args:
        run (`Run`):
            Names it, and how to load it.
        kind (`type`, *optional*):
            The class that loads it; by default what its configuration says.
        options:
            Further arguments of `from_pretrained`.
    """
    from trl.trainer.utils import create_model_from_path

    check_context(run)
    if run.model_args.use_peft:
        check_embedding(run)
    with explained_errors(run):
        model = create_model_from_path(run.model_args.model_name_or_path, kind, **options | run.model_init_kwargs)
    run.config.model_init_kwargs = None  # they are used; TRL would warn that it ignores them
    if len(run.tokenizer) > model.get_input_embeddings().num_embeddings:
        model.resize_token_embeddings(len(run.tokenizer))
    return model


def stored_config(run: Run) -> Any:
    """The configuration of the start model, as it is stored."""
    from transformers import AutoConfig

    options = {"revision": run.model_args.model_revision, "trust_remote_code": run.config.trust_remote_code}
    return AutoConfig.from_pretrained(run.model_args.model_name_or_path, **options)


def check_context(run: Run) -> None:
    """Refuses texts that are longer than the model has positions for: what it would learn of the rest is nonsense."""
    key = "max_completion_length" if "max_completion_length" in run.recipe else "max_length"
    longest = run.recipe.get(key) or 0
    stored = getattr(stored_config(run).get_text_config(), "max_position_embeddings", None)
    positions = (run.config.model_init_kwargs or {}).get("max_position_embeddings", stored)
    if positions and longest > positions:
        raise RecipeError(
            f"`{key}: {longest}`, and {run.source} has {positions} positions",
            "lower it, or give the model more: `model_init_kwargs` as in recipes/Qwen2.5-Math-7B/distill.yaml",
        )


def check_embedding(run: Run) -> None:
    """Refuses a new padding token where nothing can make room for it: under an adapter, and beside a reference."""
    rows = stored_config(run).get_text_config().vocab_size
    if run.tokenizer.pad_token_id >= rows:
        raise RecipeError(
            f"the tokenizer of {run.source} has no token to spare for padding, and its embedding of {rows} no room",
            "set `pad_token` to one that stands in no text, or start from a model trained by `sft` without use_peft",
        )


@contextmanager
def explained_errors(run: Run) -> Iterator[None]:
    """Gives what a library says about values of the recipe as one line."""
    given = run.config.model_init_kwargs or {}
    try:
        yield
    except TypeError as error:
        if not any(f"unexpected keyword argument '{key}'" in str(error) for key in given):
            raise
        raise RecipeError(f"`model_init_kwargs`: {error}", "remove that key") from None
    except ValueError as error:
        if "Target modules" not in str(error):
            raise
        raise RecipeError(
            f"`lora_target_modules`: {' '.join(str(error).split())[:300]}", "leave it out to adapt all linear layers"
        ) from None


def new_model(run: Run) -> "PreTrainedModel":
    """A model with random weights, from the recipe's `model_config`; the seed decides them."""
    from transformers import AutoConfig, AutoModelForCausalLM, set_seed

    set_seed(run.config.seed)
    values = dict(run.args.model_config)
    special = {
        "eos_token_id": run.tokenizer.eos_token_id,
        "pad_token_id": run.tokenizer.pad_token_id,
        "bos_token_id": None,
    }
    config = AutoConfig.for_model(values.pop("model_type"), vocab_size=len(run.tokenizer), **special, **values)
    return AutoModelForCausalLM.from_config(config)
