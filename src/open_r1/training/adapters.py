"""LoRA and QLoRA: a small adapter is trained, and the base model stays as it is.

The adapter is saved, and by default merged at the end into the base in the base's own precision - also where it was
trained on 4-bit weights, because merging into those would round what was learned. A stage that starts from an adapter
alone merges it first, into a folder that it deletes when it is done: then a policy, its reference model and a
resumed run all start from the same files.

The reference model of GRPO is the policy with its adapter switched off, so it cannot be refreshed (`sync_ref_model`):
GRPO says so and keeps the start model as its reference.
"""

import importlib.util
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..core.errors import RecipeError
from ..core.files import write_atomically
from ..core.inputs import ADAPTER
from ..core.notes import START
from ..data.models import load_model, set_generation_defaults
from .arguments import StageArguments
from .ranks import first_decides

if TYPE_CHECKING:
    from peft import PeftConfig
    from transformers import PreTrainedTokenizerBase, TrainingArguments
    from trl import ModelConfig

FOLDER = "adapter"  # in the output
# keys of `model_init_kwargs` that make another model of the same weights; only its configuration keeps them
CONTEXT = ("max_position_embeddings", "rope_parameters")


def check_adapter(where: str, args: StageArguments, config: "TrainingArguments", model: "ModelConfig") -> None:
    """Refuses combinations that cannot train, or that would train something else than the recipe says."""
    quantized = "load_in_4bit" if model.load_in_4bit else "load_in_8bit" if model.load_in_8bit else ""
    if quantized and not model.use_peft:
        message = f"`{quantized}` without `use_peft`: quantised weights cannot be trained themselves"
        raise RecipeError(f"{where}: {message}", f"add `use_peft: true`, or remove `{quantized}`")
    if not model.use_peft:
        return
    if args.model_config:
        message = "`use_peft` with `model_config`: random weights hold nothing that an adapter could correct"
        raise RecipeError(f"{where}: {message}", "train all weights, or start from `model_name_or_path`")
    if args.optimizer == "muon":
        message = "`use_peft` with `optimizer: muon`, which is made for whole matrices, not for an adapter's thin ones"
        raise RecipeError(f"{where}: {message}", "leave `optimizer` out")
    changed = [key for key in CONTEXT if key in (config.model_init_kwargs or {})]
    if changed and not args.merge:
        message = f"`merge: false` with `{changed[0]}` in `model_init_kwargs`, which an adapter does not keep"
        raise RecipeError(f"{where}: {message}", "leave `merge` out: the merged model keeps it")
    if model.lora_r < 1:
        raise RecipeError(f"{where}: `lora_r: {model.lora_r}`", "it must be at least 1; 16 to 64 are usual")
    if quantized:
        check_quantization(where, quantized, config)


def check_quantization(where: str, key: str, config: "TrainingArguments") -> None:
    """Refuses quantised training with what it does not work, and where its kernels are missing."""
    import torch

    if getattr(config, "use_vllm", False):
        message = f"`{key}` with `use_vllm`: vLLM would need the weights unpacked at every step"
        raise RecipeError(f"{where}: {message}", f"set `use_vllm: false`, or remove `{key}`")
    if config.use_cpu or not torch.cuda.is_available():
        message = f"`{key}` needs a GPU, and torch has none to use here"
        raise RecipeError(f"{where}: {message}", f"remove `{key}`: the adapter is then trained on full weights (LoRA)")
    if importlib.util.find_spec("bitsandbytes") is None:
        raise RecipeError(f"{where}: `{key}` needs bitsandbytes", "pip install 'open_r1[quantization]'")


def adapter_config(model: "ModelConfig", task: str = "CAUSAL_LM") -> "PeftConfig | None":
    """The adapter of a recipe, on all linear layers unless it names others; `None` without `use_peft`."""
    from trl import get_peft_config

    model.lora_task_type, model.lora_target_modules = task, model.lora_target_modules or "all-linear"
    return get_peft_config(model)


def merged_start(source: str, directory: Path, tokenizer: "PreTrainedTokenizerBase", trusted: bool) -> str:
    """
    Merges an adapter-only start model, one process for all.

    Args:
        source (`str`):
            The adapter.
        directory (`Path`):
            Output of the run; the model goes to its folder `start`.
        tokenizer (`PreTrainedTokenizerBase`):
            Saved with it.
        trusted (`bool`):
            Whether code that comes with the base may run.

    Returns:
        `str`: where the whole model is.
    """
    path, scratch = directory / START, directory / f".{START}"

    def make() -> None:
        if not path.exists():
            tokenizer.save_pretrained(scratch)
            merge(source, scratch, tokenizer, trusted)
            scratch.rename(path)

    first_decides(make)
    return str(path)


def merge(
    adapter: str | Path,
    target: Path,
    tokenizer: "PreTrainedTokenizerBase",
    trusted: bool,
    context: dict[str, Any] | None = None,
) -> None:
    """Writes the whole model of an adapter, in its base's precision, with the `CONTEXT` that it was trained in."""
    from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification

    kind: Any = AutoModelForCausalLM
    options: dict[str, Any] = {"dtype": "auto", "trust_remote_code": trusted} | (context or {})
    if json.loads((Path(adapter) / ADAPTER).read_text(encoding="utf-8")).get("task_type") == "SEQ_CLS":
        kind, options = AutoModelForSequenceClassification, options | {"num_labels": 1}
    model = load_model(str(adapter), kind, **options)
    config = model.config.get_text_config()  # as the trainer did with the base that it held
    config.eos_token_id, config.pad_token_id = tokenizer.eos_token_id, tokenizer.pad_token_id
    set_generation_defaults(model, tokenizer)
    model.save_pretrained(target)


def point_at_base(directory: Path, base: str, revision: str) -> None:
    """Names an adapter's base as the recipe did, whatever was made of it to load."""
    file = directory / ADAPTER
    settings = json.loads(file.read_text(encoding="utf-8"))
    settings |= {"base_model_name_or_path": base, "revision": revision}
    write_atomically(file, json.dumps(settings, indent=2, sort_keys=True))


def merge_result(
    directory: Path, tokenizer: "PreTrainedTokenizerBase", trusted: bool, given: dict[str, Any] | None = None
) -> None:
    """
    Moves the adapter that a run has left in its output into the folder `adapter`, and merges it from there; `given` is
    the recipe's `model_init_kwargs`.
    """
    tokenizer.save_pretrained(directory / FOLDER)
    for name in (ADAPTER, "adapter_model.safetensors", "generation_config.json"):
        if (directory / name).exists():  # left in the output, they would make it an adapter again
            (directory / name).replace(directory / FOLDER / name)
    context = {key: value for key, value in (given or {}).items() if key in CONTEXT}
    merge(directory / FOLDER, directory, tokenizer, trusted, context)
