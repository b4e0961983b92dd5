"""Reward models (paper section 2.3.4): `helpful_rm` from pairs, `safety_rm` from labelled responses.

    accelerate launch --config_file recipes/accelerate_configs/cpu.yaml src/open_r1/reward_model.py --config
    recipes/mini/helpful_rm.yaml

Pairwise is TRL's RewardTrainer (Bradley-Terry). Point-wise is a binary classifier with transformers' own Trainer: a
response is safe or not by itself, and a pair would only teach which of two is safer.
"""

from typing import TYPE_CHECKING, Any

from open_r1.core.errors import report_errors
from open_r1.core.rows import Row
from open_r1.training.arguments import RewardModelArguments
from open_r1.training.run import Run, start

if TYPE_CHECKING:
    from transformers import PreTrainedModel, Trainer


def pairwise_trainer(run: Run, model: "PreTrainedModel") -> "Trainer":
    """TRL's trainer over `prompt`, `chosen` and `rejected`."""
    from trl import RewardTrainer, get_peft_config

    from open_r1.data.sources import load_sources

    rows = load_sources(run.args.datasets, ["prompt", "chosen", "rejected"]).select_columns(
        ["prompt", "chosen", "rejected"]
    )
    rows = rows.map(
        lambda row: {side: [{"role": "assistant", "content": row[side]}] for side in ("chosen", "rejected")}
    )
    return RewardTrainer(
        model=model,
        args=run.config,
        train_dataset=rows,
        processing_class=run.tokenizer,
        peft_config=get_peft_config(run.model_args),
    )


def pointwise_trainer(run: Run, model: "PreTrainedModel") -> "Trainer":
    """transformers' trainer over `prompt`, `completion` and `label` (1 safe, 0 unsafe), with binary cross-entropy."""
    from transformers import DataCollatorWithPadding, Trainer

    from open_r1.data.sources import load_sources

    rows = load_sources(run.args.datasets, ["prompt", "completion", "label"])
    tokenizer = run.tokenizer

    def encode(row: Row) -> dict[str, Any]:
        messages = [*row["prompt"], {"role": "assistant", "content": row["completion"]}]
        text = tokenizer.apply_chat_template(messages, tokenize=False)
        ids = tokenizer(text, add_special_tokens=False, truncation=True, max_length=run.config.max_length)["input_ids"]
        return {"input_ids": ids, "labels": [float(row["label"])]}

    model.config.problem_type = "multi_label_classification"  # transformers' name for BCE on float labels
    encoded = rows.map(encode, remove_columns=rows.column_names)
    collator = DataCollatorWithPadding(tokenizer)
    return Trainer(
        model=model, args=run.config, train_dataset=encoded, processing_class=tokenizer, data_collator=collator
    )


ARGUMENTS, TRL = RewardModelArguments, "RewardConfig"


@report_errors
def main(arguments: list[str] | None = None) -> None:
    """Runs one reward-model recipe from the command line."""
    run = start(arguments, ARGUMENTS, TRL)
    if run is None:
        return
    from transformers import AutoModelForSequenceClassification, set_seed

    set_seed(run.config.seed)  # the scalar head starts from random weights
    model = AutoModelForSequenceClassification.from_pretrained(
        run.model_args.model_name_or_path,
        num_labels=1,
        pad_token_id=run.tokenizer.pad_token_id,
        **run.model_init_kwargs,
    )
    make = pairwise_trainer if run.args.objective == "pairwise" else pointwise_trainer
    run.train(make(run, model))


if __name__ == "__main__":
    main()
