"""What a saved model must have on disk so that others can use it: its weights, the base of an adapter, a chat template
that fits the response format, and a generation config that samples as the card says and ends where turns do.
"""

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from ..core.errors import ArtifactError, UserError
from ..core.formats import CLOSE, ResponseFormat, check_rendering, render_prompt, turn_end
from ..core.hub import looks_local
from ..core.inputs import ADAPTER, adapter_base, is_adapter
from ..core.notes import RECIPE
from ..data.models import SAMPLING

AGAIN = "train with `chat_template` and `eos_token` of the recipe's model family, or correct the file and push again"


@contextlib.contextmanager
def told(directory: Path, what: str, hint: str = AGAIN) -> Iterator[None]:
    """Tells in one line what the libraries raise: there is no end of kinds, and each is a reason not to publish."""
    try:
        yield
    except ArtifactError:
        raise
    except UserError as error:
        raise ArtifactError(f"{directory} {what}: {error}", error.hint or hint) from None
    except Exception as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise ArtifactError(f"{directory} {what}: {reason}", hint) from None


def read_recipe(directory: Path) -> dict[str, Any]:
    """The recipe beside a model, empty where there is none."""
    file = directory / RECIPE
    return (yaml.safe_load(file.read_text(encoding="utf-8")) or {}) if file.is_file() else {}


def is_classifier(directory: Path) -> bool:
    """Whether a model or an adapter gives scores, not texts."""
    if is_adapter(directory):
        return json.loads((directory / ADAPTER).read_text(encoding="utf-8")).get("task_type") == "SEQ_CLS"
    return any("SequenceClassification" in name for name in read_config(directory).get("architectures") or [])


def read_config(directory: Path) -> dict[str, Any]:
    return json.loads((directory / "config.json").read_text(encoding="utf-8"))


# --------------------------------------------------------------------------------------------------------- weights


def tensors(directory: Path) -> Iterator[tuple[str, Any]]:
    """The weights of a directory, one after the other."""
    from safetensors import safe_open

    for file in sorted(directory.glob("*.safetensors")):
        with safe_open(file, framework="pt") as weights:
            for name in weights.keys():  # noqa: SIM118 - it is no mapping
                yield name, weights.get_tensor(name)


def require_weights(directory: Path) -> None:
    """Raises `ArtifactError` for numbers that are none, and for another precision than the config says."""
    import torch

    config = {} if is_adapter(directory) else read_config(directory)
    wanted = config.get("dtype") or config.get("torch_dtype")
    for name, tensor in tensors(directory):
        if not tensor.is_floating_point():
            continue
        if not torch.isfinite(tensor).all():
            raise ArtifactError(
                f"{directory}: {name} holds NaN or infinite numbers", "publish an earlier step: training has diverged"
            )
        has = str(tensor.dtype).removeprefix("torch.")
        kept = tensor.ndim < 2 and has == "float32"  # such as the biases of routers
        if wanted and has != wanted and not kept:
            message = f"{directory}: {name} is {has} and the config says `dtype: {wanted}`"
            raise ArtifactError(message, "save the model with `save_pretrained` in one precision, which writes both")


def require_tied(directory: Path, model: Any, trusted: bool) -> None:
    """
    Raises `ArtifactError` for weights that the config ties and the files hold twice and different: transformers takes
    them as they are, servers take one for both.
    """
    import torch
    from transformers import AutoConfig

    if is_adapter(directory):
        return
    config = AutoConfig.from_pretrained(directory, trust_remote_code=trusted).get_text_config()
    tied = getattr(type(model), "_tied_weights_keys", None)
    pairs = tied if config.tie_word_embeddings and isinstance(tied, dict) else {}
    found = {name: weight for name, weight in tensors(directory) if name in {*pairs, *pairs.values()}} if pairs else {}
    for name, source in pairs.items():
        if name in found and source in found and not torch.equal(found[name], found[source]):
            message = f"{directory}: the config ties {name} to {source}, and the files hold different ones"
            raise ArtifactError(message, "set `tie_word_embeddings: false` in the config, or save the model again")


def require_base(directory: Path, recipe: dict[str, Any]) -> None:
    """Raises `ArtifactError` for an adapter of which nobody else could find the base."""
    file = directory / ADAPTER
    if not file.is_file():
        return
    base = json.loads(file.read_text(encoding="utf-8")).get("base_model_name_or_path")
    hint = f"give the base's Hub id in `base_model_name_or_path` of {file}"
    if not base:
        raise ArtifactError(f"the adapter in {directory} names no base", hint)
    if base != recipe.get("model_name_or_path") and looks_local(base):
        raise ArtifactError(f"the adapter in {directory} stands on {base}, a folder of this machine", hint)
    if "@" in base and not looks_local(base):
        message = f"the adapter in {directory} stands on {base}, which peft cannot load"
        raise ArtifactError(message, f"{hint}, and what follows the @ in `revision`")


def base_is_here(directory: Path) -> bool:
    """Whether what an adapter stands on can be loaded on this machine; true for whole models."""
    from huggingface_hub import try_to_load_from_cache

    base = adapter_base(str(directory)) if is_adapter(directory) else None
    if not base:
        return True
    name, revision = base
    if looks_local(name):
        return Path(name).expanduser().is_dir()
    return isinstance(try_to_load_from_cache(name, "config.json", revision=revision), str)


# --------------------------------------------------------------------------------------------------- what is beside it


def require_template(directory: Path, tokenizer: Any) -> None:
    """Raises `ArtifactError` unless the chat template renders a conversation, with room for an answer and without."""
    talk = [{"role": "user", "content": "What is 1 + 1?"}, {"role": "assistant", "content": "It is 2."}]
    talk.append({"role": "user", "content": "And 2 + 2?"})
    with told(directory, "has a chat template that does not render a conversation"):
        text, asked = tokenizer.apply_chat_template(talk, tokenize=False), render_prompt(tokenizer, talk)
        missing = [turn["content"] for turn in talk if turn["content"] not in text]
        if missing:
            raise ValueError(f"it leaves out {missing[0]!r}")
        if not asked.startswith(text):
            raise ValueError("with `add_generation_prompt` it does not begin as without")


def require_format(directory: Path, tokenizer: Any, recipe: dict[str, Any]) -> None:
    """Raises `ArtifactError` where the template and the response format disagree about `<think>`."""
    question = [{"role": "user", "content": "What is 1 + 1?"}]
    with told(directory, "has a chat template that does not fit its response format"):
        form = ResponseFormat.of(recipe.get("response_format") or "r1", tokenizer)
        if render_prompt(tokenizer, question).rstrip().endswith(CLOSE):
            raise ValueError(f"the prompt ends with {CLOSE}, before the reasoning has begun")
        if not recipe.get("training_template"):  # else it was another text that was learned
            check_rendering(tokenizer, {"prompt": question, "response": form.write("1 + 1 = 2.", r"\boxed{2}")})


def require_sampling(directory: Path, tokenizer: Any) -> None:
    """Raises `ArtifactError` unless the generation config samples as the card says, and ends where turns do."""
    from transformers import GenerationConfig

    hint = f"correct {directory / 'generation_config.json'}"
    with told(directory, "has no usable generation_config.json", hint):
        found = GenerationConfig.from_pretrained(directory)
    for name, value in SAMPLING.items():
        if getattr(found, name) != value:
            message = f"{directory}: the generation config has `{name}: {getattr(found, name)}`, the card {value}"
            raise ArtifactError(message, hint)
    ends, end = ids_of(found.eos_token_id), turn_end(tokenizer)
    if end is None:
        raise ArtifactError(f"{directory}: the chat template writes no token that ends a turn", AGAIN)
    if tokenizer.convert_tokens_to_ids(end) not in ends:
        message = f"{directory}: turns end with {end}, which is not in `eos_token_id: {sorted(ends)}`"
        raise ArtifactError(f"{message} of the generation config", hint)


def ids_of(value: int | list[int] | None) -> set[int]:
    """The end tokens of a generation config."""
    return {found for found in (value if isinstance(value, list) else [value]) if found is not None}
