"""What is looked at before a training begins, so that it does not fail, or learn something else, hours later.

What cannot work is an error, one line with its fix. What works badly is a notice.
"""

import json
import random
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..core.errors import ArtifactError, DataError, RecipeError
from ..core.formats import CLOSE, render_row, turn_end
from ..core.inputs import ADAPTER, require_model
from .adapters import check_adapter
from .arguments import StageArguments
from .benchmarks import check_benchmarks

if TYPE_CHECKING:
    from datasets import Dataset
    from transformers import PreTrainedModel, PreTrainedTokenizerBase, TrainingArguments
    from trl import ModelConfig

SAMPLED = 1000  # rows of which the length is measured
LORA_RATE = 5e-6  # below it adapters were seen not to learn; ten times the rate of full training is usual
SELDOM = 20  # steps between two lines of the log, above which guards are blind for long
MARK = re.compile(r"<[|｜][^<>|｜\s]+[|｜]>")  # how the model families write their special tokens
SHAPE = """model_type vocab_size hidden_size intermediate_size num_hidden_layers num_attention_heads
num_key_value_heads"""


def check_run(where: str, args: StageArguments, config: "TrainingArguments", model_args: "ModelConfig") -> None:
    """
    Refuses a recipe whose start model is not there or cannot be trained as it says, or whose checkpoints could not
    continue it.
    """
    from .guards import limits_of
    from .tracking import check_trackers

    check_benchmarks(where, args, model_args.use_peft)
    limits_of(args.guards, where)
    check_trackers(where, config)
    for refused, problem, fix in combinations(args, config):
        if refused:
            raise RecipeError(f"{where}: {problem}", fix)
    for name in (model_args.model_name_or_path, getattr(config, "teacher_model_name_or_path", None)):
        if name:
            require_model(name)
    if not model_args.model_name_or_path and not args.model_config:
        raise RecipeError(f"{where}: neither `model_name_or_path` nor `model_config`", "name the model to start from")
    check_adapter(where, args, config, model_args)
    check_precision(where, config)


def combinations(args: StageArguments, config: "TrainingArguments") -> list[tuple[Any, str, str]]:
    """Keys that do not go together, or not with this project: whether they are there, why not, and the fix."""
    strategy = getattr(config.eval_strategy, "value", config.eval_strategy)
    return [
        (
            hasattr(config, "teacher_model_name_or_path") and not config.teacher_model_name_or_path,
            "no `teacher_model_name_or_path`",
            "name the model to learn from",
        ),
        (
            config.enable_jit_checkpoint,
            "`enable_jit_checkpoint` saves each rank by itself",
            "remove it: a signal saves all ranks anyway",
        ),
        (
            getattr(config, "chat_template_path", None),
            "`chat_template_path` would train with another template than the one that is saved",
            "use `chat_template`, and `training_template` for one that only renders the rows",
        ),
        (
            config.save_only_model,
            "`save_only_model: true` leaves checkpoints that cannot continue",
            "write `save_only_model: false`",
        ),
        (
            config.auto_find_batch_size,
            "`auto_find_batch_size` would change the batch that the recipe states",
            "lower `per_device_train_batch_size` and raise `gradient_accumulation_steps`",
        ),
        (
            getattr(config, "sync_ref_model", False) and not getattr(config, "beta", 0.0),
            "`sync_ref_model: true` with `beta: 0` refreshes a reference model that nothing reads",
            "write `sync_ref_model: false`, or give `beta`",
        ),
        (
            args.eval_datasets and strategy == "no",
            "`eval_datasets` without `eval_strategy`",
            "add `eval_strategy: steps`",
        ),
        (
            not args.eval_datasets and strategy != "no",
            f"`eval_strategy: {strategy}` without `eval_datasets`",
            "add `eval_datasets:` with at least one `- path:`",
        ),
    ]


def check_precision(where: str, config: "TrainingArguments") -> None:
    """Refuses bfloat16 on a GPU that only emulates it, which transformers takes for support."""
    import torch

    gpu = not config.use_cpu and torch.cuda.is_available()
    if gpu and config.bf16 and not torch.cuda.is_bf16_supported(including_emulation=False):
        raise RecipeError(
            f"{where}: `bf16: true` (the default), and {torch.cuda.get_device_name()} has no bfloat16",
            "write `bf16: false`, `fp16: true` and `dtype: float32`",
        )


def notices(config: "TrainingArguments", model: "ModelConfig", tokenizer: "PreTrainedTokenizerBase") -> list[str]:
    """What will work, but probably not as it is meant."""
    found = []
    if model.use_peft and config.learning_rate < LORA_RATE:
        rate = f"`use_peft` with `learning_rate: {config.learning_rate:g}`"
        found.append(f"{rate}: adapters need about ten times the rate of full training; try 1e-5 to 1e-4")
    steps = config.logging_steps if config.logging_strategy == "steps" else float("inf")
    if hasattr(config, "num_generations") and steps > SELDOM:
        found.append("the guards read the log, which is rare here; `logging_steps: 5` lets them see a failure in time")
    if pieces := split_marks(tokenizer):
        mark, count = max(pieces.items(), key=lambda item: item[1])
        found.append(
            f"the chat template writes {mark}, which this tokenizer splits into {count} pieces; use the templates of "
            "the model's own dialect (recipes/templates)"
        )
    return found


def split_marks(tokenizer: "PreTrainedTokenizerBase") -> dict[str, int]:
    """The marks of special tokens that the chat template writes and the tokenizer does not know, with their sizes."""
    row = {"prompt": [{"role": "user", "content": "x"}], "response": "y"}
    sizes = {
        mark: len(tokenizer(mark, add_special_tokens=False)["input_ids"])
        for mark in MARK.findall("".join(render_row(tokenizer, row)))
    }
    return {mark: size for mark, size in sizes.items() if size > 1}


def check_lengths(
    rows: "Dataset",
    tokenizer: "PreTrainedTokenizerBase",
    config: Any,
    template: str | None,
    limit: float | None,
) -> str:
    """
    Measures on tokenised rows what `max_length` cuts off.

    Args:
        rows (`Dataset`):
            TRL's prompt-completion rows, as messages. Raw text may be cut anywhere, and is not measured.
        tokenizer (`PreTrainedTokenizerBase`):
            Renders and tokenises them.
        config (`SFTConfig`):
            Says how rows are cut.
        template (`str`, *optional*):
            Chat template for training, in place of the tokenizer's own.
        limit (`float`, *optional*):
            Share of rows that may be cut; `None` for any.

    Returns:
        `str`: a line on what was found, empty where nothing is cut. Raises `DataError` above the limit.
    """
    whole = config.packing and config.packing_strategy != "bfd"  # cuts rows into pieces, and keeps all of them
    if not config.max_length or whole or isinstance(rows[0]["completion"], str):
        return ""
    chosen = random.Random(0).sample(range(len(rows)), min(SAMPLED, len(rows)))
    picked = [{"prompt": row["prompt"], "response": row["completion"][0]["content"]} for row in rows.select(chosen)]
    texts = [render_row(tokenizer, row, template)[1] for row in picked]
    ids = tokenizer(texts, add_special_tokens=False)["input_ids"]
    most = config.max_length
    kept = slice(None, most) if config.truncation_mode == "keep_start" else slice(-most, None)
    cut = [(row, tokens) for row, tokens in zip(picked, ids, strict=True) if len(tokens) > most]
    lost = sum(CLOSE in row["response"] and CLOSE not in tokenizer.decode(tokens[kept]) for row, tokens in cut)
    if not cut:
        return ""
    share, longest = len(cut) / len(ids), max(map(len, ids))
    found = f"`max_length: {most}` cuts {len(cut)} of {len(ids)} rows ({share:.0%}), and {CLOSE} with it "
    found += f"from {lost} of them; the longest has {longest} tokens"
    if limit is not None and share > limit:
        raise DataError(
            found,
            f"raise `max_length`, filter long rows in `datasets`, or allow it with `guards: {{truncated_rows: "
            f"{min(1.0, share + 0.01):.2f}}}`",
        )
    return found


def require_rows(rows: "Dataset", wanted: int, unit: str) -> None:
    """Raises `DataError` for fewer prompts than one step or rollout takes: TRL would train for none, silently."""
    if len(rows) < wanted:
        raise DataError(
            f"`datasets` hold {len(rows)} prompts, fewer than the {wanted} of one {unit}",
            "add prompts, or lower `prompts_per_step` or `rows_per_step`",
        )


def check_turn_end(tokenizer: "PreTrainedTokenizerBase", ends: list[int]) -> None:
    """Refuses a template whose responses end with a token at which sampling goes on, to the length limit."""
    end = turn_end(tokenizer)
    if end and tokenizer.convert_tokens_to_ids(end) not in ends:
        message = f"the chat template ends responses with {end}, and sampling only with {tokenizer.eos_token}"
        raise RecipeError(message, f"set `eos_token: {end}`")


def check_checkpoint(checkpoint: Path, model: "PreTrainedModel", trusted: bool = False) -> None:
    """Raises `ArtifactError` where a checkpoint is another model's: some of its weights would be taken silently."""
    adapter, whole = checkpoint / ADAPTER, checkpoint / "config.json"
    adapted = getattr(model, "peft_config", None) and hasattr(model, "active_peft_config")
    if not adapter.exists() and not whole.exists():
        return  # sharded weights: torch compares them itself
    if adapter.exists() != bool(adapted):
        found, wanted = {"adapter": adapter.exists()}, {"adapter": bool(adapted)}
    elif adapted:
        names = ("peft_type", "r", "target_modules")
        found = {name: plain(json.loads(adapter.read_text(encoding="utf-8"))[name]) for name in names}
        wanted = {name: plain(getattr(model.active_peft_config, name)) for name in names}
    else:
        from transformers import AutoConfig

        configs = (AutoConfig.from_pretrained(checkpoint, trust_remote_code=trusted), model.config)
        found, wanted = ({name: plain(getattr(config.get_text_config(), name, None)) for name in SHAPE.split()}
                         for config in configs)  # fmt: skip
    if other := [f"{name} {found[name]}, not {wanted[name]}" for name in found if found[name] != wanted[name]]:
        raise ArtifactError(
            f"{checkpoint} is a checkpoint of another model: {'; '.join(other)}",
            "delete it, or choose another `output_dir`",
        )


def plain(value: Any) -> Any:
    """A value of a configuration, to compare with what was read from JSON."""
    return sorted(value) if isinstance(value, (list, set, tuple)) else getattr(value, "value", value)
