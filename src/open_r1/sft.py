r"""Supervised fine-tuning with TRL, for four stages: `base` (pretraining), `cold_start`, `sft` and `distill`.

    accelerate launch --config_file recipes/accelerate_configs/cpu.yaml \
        src/open_r1/sft.py --config recipes/mini/base.yaml

The loss covers the completion only. Chat data have a `response` column, rendered by the recipe's chat template; web
text (`raw: true`) has `prompt` and `completion` as plain text. Paper sections 2.3.1 (cold start), 2.3.3 (SFT), 2.4
(distillation).
"""

from typing import TYPE_CHECKING, Any

from open_r1.core.errors import RecipeError, report_errors
from open_r1.core.formats import CLOSE, check_rendering, read_template
from open_r1.core.processes import is_main_process
from open_r1.training.adapters import adapter_config
from open_r1.training.arguments import SFTArguments, row_sizes
from open_r1.training.checks import check_lengths
from open_r1.training.models import explained_errors, new_model, start_model
from open_r1.training.ranks import first_decides
from open_r1.training.run import Run
from open_r1.training.starting import start

if TYPE_CHECKING:
    from datasets import Dataset

SEARCHED = 1000  # first rows of a source among which one with reasoning is looked for


def training_rows(run: Run, sources: list[dict[str, Any]], template: str | None) -> "Dataset":
    """Data sources as TRL's prompt-completion rows, after one row of each was checked."""
    from open_r1.data.sources import load_sources

    if all(source.get("raw") for source in sources):
        return load_sources(sources, ["prompt", "completion"]).select_columns(["prompt", "completion"])

    def check(rows: "Dataset", source: dict[str, Any]) -> None:
        first = rows.select(range(min(SEARCHED, len(rows))))
        row = next((row for row in first if CLOSE in str(row["response"])), rows[0])
        try:
            check_rendering(run.tokenizer, row, template)
        except RecipeError as error:
            raise RecipeError(f"dataset {source['path']}: {error}", error.hint) from None

    rows = load_sources(sources, ["prompt", "response"], check=check)
    answer = lambda row: {"completion": [{"role": "assistant", "content": row["response"]}]}
    return rows.map(answer, remove_columns=[name for name in rows.column_names if name != "prompt"])


def tell_lengths(run: Run, rows: "Dataset", template: str | None) -> None:
    """Says what `max_length` cuts off the rows, which is refused above the limit of the guard `truncated_rows`."""
    limit = run.limits.get("truncated_rows")
    found = first_decides(lambda: check_lengths(rows, run.tokenizer, run.config, template, limit))
    if found and is_main_process():
        print(f"notice: {found}", flush=True)


ARGUMENTS, TRL = SFTArguments, "SFTConfig"


@report_errors
def main(arguments: list[str] | None = None) -> None:
    """Runs one SFT recipe from the command line."""
    run = start(arguments, ARGUMENTS, TRL, adjust=row_sizes)
    if run is None:
        return
    from trl import SFTTrainer

    from open_r1.training.muon import make_optimizer

    template = read_template(run.args.training_template) if run.args.training_template else None
    rows = training_rows(run, run.args.datasets, template)
    tell_lengths(run, rows, template)
    run.rows = rows
    held_out = training_rows(run, run.args.eval_datasets, template) if run.args.eval_datasets else None
    model = new_model(run) if run.args.model_config else start_model(run)
    shipped = run.tokenizer.chat_template
    run.tokenizer.chat_template = template or shipped  # the trainer renders its rows when it is made
    with explained_errors(run):
        trainer = SFTTrainer(
            model=model,
            args=run.config,
            train_dataset=rows,
            eval_dataset=held_out,
            processing_class=run.tokenizer,
            peft_config=adapter_config(run.model_args),
            optimizers=make_optimizer(run, model),
        )
    run.tokenizer.chat_template = shipped
    run.train(trainer)


if __name__ == "__main__":
    main()
