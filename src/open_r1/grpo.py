r"""GRPO with TRL, for three stages: `zero` (R1-Zero), `reasoning_rl` and `all_scenarios_rl`.

    accelerate launch --config_file recipes/accelerate_configs/cpu.yaml \
        src/open_r1/grpo.py --config recipes/mini/zero.yaml

Paper sections 2.2 (objective and rule rewards), 2.3.2 (language consistency) and 2.3.4 (all scenarios). The recipe
states every value in which TRL's defaults differ from the paper; group and step sizes are given per optimiser step,
not per device.
"""

import functools
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from open_r1.core.errors import DataError, report_errors
from open_r1.core.processes import is_main_process
from open_r1.core.rows import Row
from open_r1.training.adapters import adapter_config
from open_r1.training.arguments import GRPOArguments, grpo_sizes
from open_r1.training.checks import check_turn_end, require_rows
from open_r1.training.models import check_context, check_embedding, explained_errors
from open_r1.training.run import Run
from open_r1.training.schedule import check_schedule, is_scheduled, rollouts_of, schedule, spares
from open_r1.training.starting import start

if TYPE_CHECKING:
    from datasets import Dataset
    from trl import GRPOTrainer

Spares = Callable[[int], Iterator[Row]]


def training_rows(run: Run) -> tuple["Dataset", Spares]:
    """
    The recipe's prompts, in the order of a schedule where the recipe gives its sources shares or steps; and those
    that a rollout may draw beside them.
    """
    from open_r1.data.sources import joined

    sources = run.args.datasets
    if not sources:
        raise DataError("the recipe lists no `datasets`", "add `datasets:` with at least one `- path:`")
    check_schedule(sources)
    parts = [checked(source) for source in sources]
    rows = joined(parts)
    rows = rows.select_columns([name for name in rows.column_names if name != "response"])
    window = run.config.generation_batch_size // run.config.num_generations
    require_rows(rows, window, "rollout")
    sizes, seed = [len(part) for part in parts], run.config.seed

    def spare(step: int) -> Iterator[Row]:
        return (rows[index] for index in spares(sources, sizes, step, seed))

    if not is_scheduled(sources):
        return rows, spare
    run.config.shuffle_dataset = False
    rollouts = rollouts_of(run.config, run.args.prompts_per_step)
    return rows.select(schedule(sources, sizes, rollouts, seed)), spare


def checked(source: dict[str, Any]) -> "Dataset":
    """One source, if all of its gold answers can be verified."""
    from open_r1.data.sources import load_sources, without_amounts

    part = load_sources([without_amounts(source, ("weight", "from_step"))], ["prompt", "answer"])
    check_golds(part, source)
    return part


def check_golds(part: "Dataset", source: dict[str, Any]) -> None:
    """Refuses a source with gold answers that nothing could match."""
    from open_r1.verify import bad_golds

    golds = list(zip(part["verifier"], part["answer"], strict=True))
    for index, reason in bad_golds(golds, part).items():
        message = f"dataset {source['path']}: the gold answer {golds[index][1]!r} of row {index}: {reason}"
        raise DataError(message, "correct or drop such rows; `open-r1 audit-golds` lists them all")


def held_out_rows(run: Run) -> "Dataset | None":
    """The prompts of the trainer's own evaluation, with the rewards' columns."""
    from open_r1.data.sources import load_sources

    sources = run.args.eval_datasets
    return load_sources(sources, ["prompt", "answer"], check=check_golds) if sources else None


def keep_reference(run: Run) -> None:
    """Switches the refreshed reference off where TRL has none: with an adapter, the base is the reference."""
    if run.model_args.use_peft and run.config.sync_ref_model:
        run.config.sync_ref_model = False
        if is_main_process():
            print("notice: with `use_peft` the reference stays the start model: `sync_ref_model` is off", flush=True)


def trainer_class(run: Run, spare: Spares) -> Callable[..., "GRPOTrainer"]:
    """TRL's trainer without its padding; with more on top where the recipe asks for what TRL has not."""
    from open_r1.training.padding import UnpaddedTrainer

    rounds, keep = (run.args.dynamic_sampling or {}).get("rounds"), run.args.keep_rollouts
    if not rounds and not keep:
        return UnpaddedTrainer
    from open_r1.training.rollout_trainer import Refill, RolloutTrainer

    refill = Refill(rounds, spare) if rounds else None
    return functools.partial(RolloutTrainer, refill=refill, keep=keep, window=run.window)


ARGUMENTS, TRL = GRPOArguments, "GRPOConfig"


@report_errors
def main(arguments: list[str] | None = None) -> None:
    """Runs one GRPO recipe from the command line."""
    run = start(arguments, ARGUMENTS, TRL, adjust=grpo_sizes)
    if run is None:
        return
    if run.config.use_vllm:
        from open_r1.sampling.vllm import require_vllm

        require_vllm("use_vllm: true", "remove it")
    from open_r1.rewards import build_rewards
    from open_r1.rewards.probe import probe
    from open_r1.training.with_vllm import explained_server, prepare_vllm, watch_vllm

    rewards, run.config.reward_weights = build_rewards(run.args.rewards, run.response_format)
    run.config.model_init_kwargs = run.model_init_kwargs
    rows, spare = training_rows(run)
    run.rows = rows
    if run.config.use_vllm:
        prepare_vllm(run, rows)
    for line in probe(rewards, list(rows.select(range(min(4, len(rows))))), run.tokenizer, run.response_format):
        print(f"probe: {line}", flush=True)
    keep_reference(run)
    check_context(run)
    check_embedding(run)
    with explained_server(run), explained_errors(run):
        trainer = trainer_class(run, spare)(
            model=run.model_args.model_name_or_path,
            reward_funcs=rewards,
            args=run.config,
            train_dataset=rows,
            eval_dataset=held_out_rows(run),
            processing_class=run.tokenizer,
            peft_config=adapter_config(run.model_args),
        )
    check_turn_end(run.tokenizer, trainer.eos_token_ids)
    watch_vllm(run, trainer)
    with explained_server(run):
        run.train(trainer)


if __name__ == "__main__":
    main()
