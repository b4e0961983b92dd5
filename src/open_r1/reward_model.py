r"""Reward models (paper section 2.3.4): `helpful_rm` from pairs, `safety_rm` from labelled responses.

    accelerate launch --config_file recipes/accelerate_configs/cpu.yaml \
        src/open_r1/reward_model.py --config recipes/mini/helpful_rm.yaml

Pairwise is TRL's RewardTrainer (Bradley-Terry). Point-wise is a binary classifier with transformers' own Trainer: a
response is safe or not by itself, and a pair would only teach which of two is safer.
"""

from typing import TYPE_CHECKING, Any

from open_r1.core.errors import DataError, report_errors
from open_r1.core.rows import Row
from open_r1.training.adapters import adapter_config
from open_r1.training.arguments import RewardModelArguments, row_sizes
from open_r1.training.models import explained_errors, start_model
from open_r1.training.run import Run
from open_r1.training.starting import start

if TYPE_CHECKING:
    from datasets import Dataset
    from transformers import PreTrainedModel, Trainer


def pairs(sources: list[dict[str, Any]]) -> "Dataset":
    """Data sources as TRL's rows: `prompt`, `chosen` and `rejected`, each a list of messages."""
    from open_r1.data.sources import load_sources

    columns = ["prompt", "chosen", "rejected"]
    rows = load_sources(sources, columns).select_columns(columns)
    return rows.map(
        lambda row: {side: [{"role": "assistant", "content": row[side]}] for side in ("chosen", "rejected")}
    )


def pairwise_trainer(run: Run, model: "PreTrainedModel", rows: "Dataset") -> "Trainer":
    """TRL's trainer over `prompt`, `chosen` and `rejected`."""
    from trl import RewardTrainer

    return RewardTrainer(
        model=model,
        args=run.config,
        train_dataset=rows,
        eval_dataset=pairs(run.args.eval_datasets) if run.args.eval_datasets else None,
        processing_class=run.tokenizer,
        peft_config=adapter_config(run.model_args, "SEQ_CLS"),
    )


def labelled_rows(sources: list[dict[str, Any]]) -> "Dataset":
    """Data sources with `prompt`, `completion` and `label` (1 safe, 0 unsafe)."""
    from open_r1.data.sources import load_sources

    return load_sources(sources, ["prompt", "completion", "label"])


def labelled(run: Run, rows: "Dataset") -> "Dataset":
    """Rows as token ids and `labels`."""
    tokenizer = run.tokenizer

    def encode(row: Row) -> dict[str, Any]:
        messages = [*row["prompt"], {"role": "assistant", "content": row["completion"]}]
        text = tokenizer.apply_chat_template(messages, tokenize=False)
        ids = tokenizer(text, add_special_tokens=False, truncation=True, max_length=run.config.max_length)["input_ids"]
        return {"input_ids": ids, "labels": [safety(row["label"])]}

    return rows.map(encode, remove_columns=rows.column_names)


def safety(label: Any) -> float:
    """A label as a number; raises `DataError` for one that is neither true (1, safe) nor false (0, unsafe)."""
    if label not in (0, 1):
        raise DataError(f"column `label`: {label!r} is neither 1 (safe) nor 0 (unsafe)", "map one with 1 and 0")
    return float(label)


def pointwise_trainer(run: Run, model: "PreTrainedModel", rows: "Dataset") -> "Trainer":
    """transformers' trainer over labelled responses, with binary cross-entropy."""
    from transformers import DataCollatorWithPadding, Trainer

    model.config.problem_type = "multi_label_classification"  # transformers' name for BCE on float labels
    if config := adapter_config(run.model_args, "SEQ_CLS"):
        from peft import get_peft_model

        model = get_peft_model(model, config)
        if run.config.gradient_checkpointing:
            model.enable_input_require_grads()  # else no gradient passes the frozen embedding
    trainer = Trainer(
        model=model,
        args=run.config,
        train_dataset=labelled(run, rows),
        eval_dataset=labelled(run, labelled_rows(run.args.eval_datasets)) if run.args.eval_datasets else None,
        processing_class=run.tokenizer,
        data_collator=DataCollatorWithPadding(run.tokenizer),
    )
    # the loss is a mean over the batch: without this it is multiplied by the ranks and by the accumulated batches, as
    # a loss would need that is divided by all of a step's tokens
    trainer.model_accepts_loss_kwargs = False
    return trainer


ARGUMENTS, TRL = RewardModelArguments, "RewardConfig"


@report_errors
def main(arguments: list[str] | None = None) -> None:
    """Runs one reward-model recipe from the command line."""
    run = start(arguments, ARGUMENTS, TRL, adjust=row_sizes)
    if run is None:
        return
    from transformers import AutoModelForSequenceClassification, set_seed

    set_seed(run.config.seed)  # the scalar head starts from random weights
    model = start_model(run, AutoModelForSequenceClassification, num_labels=1, pad_token_id=run.tokenizer.pad_token_id)
    make, read = (pairwise_trainer, pairs) if run.args.objective == "pairwise" else (pointwise_trainer, labelled_rows)
    run.rows = rows = read(run.args.datasets)
    with explained_errors(run):
        trainer = make(run, model, rows)
    run.train(trainer)


if __name__ == "__main__":
    main()
