"""Supervised fine-tuning with TRL, for four stages: `base` (pretraining), `cold_start`, `sft` and `distill`.

    accelerate launch --config_file recipes/accelerate_configs/cpu.yaml src/open_r1/sft.py --config
    recipes/mini/base.yaml

The loss covers the completion only. Chat data have a `response` column, rendered by the recipe's chat template; web
text (`raw: true`) has `prompt` and `completion` as plain text. Paper sections 2.3.1 (cold start), 2.3.3 (SFT), 2.4
(distillation).
"""

from typing import TYPE_CHECKING

from open_r1.core.errors import report_errors
from open_r1.core.formats import check_rendering
from open_r1.training.arguments import SFTArguments
from open_r1.training.run import Run, make_optimizer, new_model, start

if TYPE_CHECKING:
    from datasets import Dataset


def training_rows(run: Run) -> "Dataset":
    """The recipe's data as TRL's prompt-completion rows."""
    from open_r1.data.sources import load_sources

    if all(source.get("raw") for source in run.args.datasets):
        return load_sources(run.args.datasets, ["prompt", "completion"]).select_columns(["prompt", "completion"])
    rows = load_sources(run.args.datasets, ["prompt", "response"])
    check_rendering(run.tokenizer, rows[0])
    answer = lambda row: {"completion": [{"role": "assistant", "content": row["response"]}]}
    return rows.map(answer, remove_columns=[name for name in rows.column_names if name != "prompt"])


ARGUMENTS, TRL = SFTArguments, "SFTConfig"


@report_errors
def main(arguments: list[str] | None = None) -> None:
    """Runs one SFT recipe from the command line."""
    run = start(arguments, ARGUMENTS, TRL)
    if run is None:
        return
    from trl import SFTTrainer, get_peft_config
    from trl.trainer.utils import create_model_from_path

    rows = training_rows(run)
    model = (
        new_model(run)
        if run.args.model_config
        else create_model_from_path(run.model_args.model_name_or_path, **run.model_init_kwargs)
    )
    trainer = SFTTrainer(
        model=model,
        args=run.config,
        train_dataset=rows,
        processing_class=run.tokenizer,
        peft_config=get_peft_config(run.model_args),
        optimizers=make_optimizer(run, model),
    )
    run.train(trainer)


if __name__ == "__main__":
    main()
