"""What a training run must have on disk: a model that loads, and steps that can be made one."""

import contextlib
import copy
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..core.errors import ArtifactError
from ..core.files import write_atomically
from ..core.inputs import is_adapter, require_model
from ..core.processes import is_main_process
from ..core.shards import FOLDER as PIECES

if TYPE_CHECKING:
    import torch
    from datasets import Dataset
    from transformers import Trainer

PROMPTS, TRIED = "prompts.json", 8  # with which a model is tried before it is published
SEARCHED, LONGEST = 1000, 1024  # rows that are looked at; tokens of a completion where the recipe has no limit
FIX = "the checkpoints are kept: mend the cause and run the stage again to save once more"


def save_whole(trainer: "Trainer", directory: Path, dtype: "torch.dtype") -> None:
    """
    Saves model and tokenizer, gathered from all ranks. All of them must call it, after the last step.

    FSDP needs more than `save_model`, which with sharded checkpoints (accelerate's default) writes nothing and says
    nothing. In mixed precision it trains in float32 whatever was loaded, and it keeps both names of a tied weight: the
    file would be twice as large as that of a single process.

    Args:
        trainer (`Trainer`):
            Its training is over: the model's weights are converted in place.
        directory (`Path`):
            Where to.
        dtype (`torch.dtype`):
            Precision of a whole model; an adapter keeps the one in which it was trained.
    """
    from accelerate.utils import is_peft_model

    if not trainer.is_fsdp_enabled:
        trainer.save_model(str(directory), _internal_call=True)  # else it would publish what is not checked yet
        return
    model: Any = trainer.model
    if not is_peft_model(model):
        model.to(dtype)
    weights = trainer.accelerator.get_state_dict(model)  # on the first rank, in its memory
    if is_main_process():
        kept = {name: weight for name, weight in weights.items() if name not in model.all_tied_weights_keys}
        model.save_pretrained(directory, state_dict=kept)
        trainer.processing_class.save_pretrained(directory)


def describe(trainer: "Trainer", checkpoint: Path, dtype: "torch.dtype") -> None:
    """
    Adds to a checkpoint in pieces what FSDP leaves out and other checkpoints have: the configuration of the model or
    the adapter, the generation config, the tokenizer. Each file is there whole, or not at all.

    Args:
        trainer (`Trainer`):
            What it has saved.
        checkpoint (`Path`):
            Where to; one that holds the weights as they are loaded stays as it is.
        dtype (`torch.dtype`):
            Precision of a whole model when it is put together.

    Raises `ValueError` for one that holds neither, as DeepSpeed's.
    """
    if not (checkpoint / PIECES).is_dir():
        if not any(checkpoint.glob("*.safetensors")):
            raise ValueError("its checkpoint holds no weights that others could load")
        return
    draft = checkpoint / ".settings"
    shutil.rmtree(draft, ignore_errors=True)
    config_of(trainer.model, dtype).save_pretrained(draft)
    if trainer.model.can_generate():
        trainer.model.generation_config.save_pretrained(draft)
    trainer.processing_class.save_pretrained(draft)
    for file in filter(Path.is_file, sorted(draft.iterdir())):
        file.replace(checkpoint / file.name)
    shutil.rmtree(draft)


def config_of(model: Any, dtype: "torch.dtype") -> Any:
    """The configuration of a model, or of its adapter, as `save_pretrained` would write it in one process."""
    from accelerate.utils import is_peft_model

    if is_peft_model(model):
        config = copy.copy(model.active_peft_config)
        config.inference_mode = True
    else:
        config = copy.deepcopy(model.config)
        config.dtype, config.architectures = dtype, [type(model).__name__.removeprefix("FSDP")]
    return config


def save_prompts(directory: Path, rows: "Dataset", config: Any) -> None:
    """
    Keeps the prompts with which the model is tried before it is published: those of the first rows that are answered
    most shortly, where the rows have answers, else the shortest.

    Args:
        directory (`Path`):
            Where to, as `prompts.json`.
        rows (`Dataset`):
            Training rows with `prompt`: messages, or a text.
        config (`TrainingArguments`):
            Says how long a completion may be.
    """
    first = rows.select(range(min(SEARCHED, len(rows))))
    answer = next((name for name in ("completion", "chosen") if name in first.column_names), "prompt")
    ordered = sorted(first, key=lambda row: len(str(row[answer])))
    prompts = list({json.dumps(row["prompt"]): row["prompt"] for row in ordered}.values())[:TRIED]
    limit = getattr(config, "max_completion_length", None) or getattr(config, "max_length", None) or LONGEST
    text = json.dumps({"prompts": prompts, "max_new_tokens": limit}, ensure_ascii=False, indent=1)
    write_atomically(directory / PROMPTS, text)


def require_loadable(directory: Path, trust_remote_code: bool = False) -> None:
    """
    Raises `ArtifactError` unless the model or adapter saved in a directory loads, with its tokenizer.

    Weights are read as they are for use, but onto the meta device: each tensor's name and shape is compared with what
    the configuration builds, and no memory is taken.
    """
    from transformers import AutoTokenizer

    adapter = is_adapter(directory)
    try:
        if not adapter:
            require_model(str(directory))
        AutoTokenizer.from_pretrained(directory, trust_remote_code=trust_remote_code)
        problems = adapter_problems(directory) if adapter else weight_problems(directory, trust_remote_code)
    except ArtifactError as error:
        raise ArtifactError(str(error), FIX) from None
    except Exception as error:  # whatever the libraries raise: no such file, a cut header, an unknown class
        reason = " ".join(str(error).split())
        raise ArtifactError(f"what was saved in {directory} does not load: {reason}", FIX) from None
    if problems:
        shown = ", ".join(problems[:3]) + (f" and {len(problems) - 3} more" if len(problems) > 3 else "")
        raise ArtifactError(f"the weights saved in {directory} are not those of the model: {shown}", FIX)


def weight_problems(directory: Path, trust_remote_code: bool) -> list[str]:
    """Parameters that the saved weights lack, have too many, or have in another shape."""
    import transformers

    architecture = json.loads((directory / "config.json").read_text(encoding="utf-8")).get("architectures") or [""]
    loader = getattr(transformers, architecture[0], transformers.AutoModelForCausalLM)
    with quiet():
        _, info = loader.from_pretrained(
            directory,
            device_map="meta",
            output_loading_info=True,
            ignore_mismatched_sizes=True,
            trust_remote_code=trust_remote_code,
        )
    problems = [f"{name} is missing" for name in sorted(info["missing_keys"])]
    problems += [f"{name} is unknown" for name in sorted(info["unexpected_keys"])]
    return problems + [f"{name} has shape {tuple(found)}" for name, found, _ in sorted(info["mismatched_keys"])]


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keeps transformers from printing its own table of the same problems."""
    from transformers.utils import logging

    level = logging.get_verbosity()
    logging.set_verbosity(logging.CRITICAL)
    try:
        yield
    finally:
        logging.set_verbosity(level)


def adapter_problems(directory: Path) -> list[str]:
    """What an adapter's weights lack: they load onto their base only, so it is their own file that is read."""
    from safetensors import safe_open

    with safe_open(directory / "adapter_model.safetensors", framework="pt") as weights:
        return [] if len(weights.keys()) else ["the adapter holds no weights"]
