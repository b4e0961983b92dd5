"""Models as directories: loads the weights, whether all of them or an adapter (LoRA) on another model's, and says how
to sample from a model that is saved.

An adapter is merged as soon as it is loaded: adding its product of two thin matrices to the weights costs seconds,
once, and what follows need not know that there ever was one. The base may stand on an adapter itself, and so on.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..core.hub import at
from ..core.inputs import BASES, adapter_base

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

SAMPLING: dict[str, Any] = {"do_sample": True, "temperature": 0.6, "top_p": 0.95}  # of the paper's evaluation


def load_model(name: str, kind: Any, **options: Any) -> "PreTrainedModel":
    """
    A model with all its weights.

    Args:
        name (`str`):
            Artifact directory or Hub id; a directory may hold an adapter only.
        kind (`type`):
            The class that loads it, such as `AutoModelForCausalLM`.
        options:
            What its `from_pretrained` takes. A `revision` is that of `name`; an adapter knows its base's.

    Returns:
        `PreTrainedModel`: the model, in the base's precision unless `dtype` says otherwise.
    """
    base = adapter_base(name)
    if not base:
        return kind.from_pretrained(name, **options)
    from peft import PeftConfig, PeftModel
    from transformers import GenerationConfig

    place = BASES.get(at(*base), base[0])
    model = load_model(place, kind, **options | {"revision": base[1] or "main"})
    config = PeftConfig.from_pretrained(name)
    if config.task_type == "CAUSAL_LM":
        config.task_type = None  # else a classifier that stands on this adapter would be asked to generate
    merged = PeftModel.from_pretrained(model, name, config=config).merge_and_unload()
    if merged.can_generate() and (Path(name) / "generation_config.json").is_file():
        merged.generation_config = GenerationConfig.from_pretrained(name)  # with the ends that the adapter was taught
    return merged


def set_generation_defaults(model: "PreTrainedModel", tokenizer: "PreTrainedTokenizerBase") -> None:
    """
    Gives a model the sampling settings of the paper's evaluation, and every token that ends a response: the
    tokenizer's, and those that the model came with.
    """
    from transformers import GenerationConfig

    if not model.can_generate():
        return
    before = model.generation_config.eos_token_id
    ends = [tokenizer.eos_token_id, *(before if isinstance(before, list) else [before])]
    model.generation_config = GenerationConfig(
        **SAMPLING,
        eos_token_id=[end for end in dict.fromkeys(ends) if end is not None],
        pad_token_id=tokenizer.pad_token_id,
    )
