"""The start of a training run: from the command line to a [`Run`], or to the end where there is nothing to do."""

import sys
from collections.abc import Callable

from ..core.inputs import adapter_base
from ..core.processes import is_main_process
from ..core.recipes import Recipe, read_command_line
from ..core.saved_steps import evaluate_result
from ..core.stage import command_of, open_stage
from .adapters import merged_start
from .arguments import StageArguments
from .checks import check_run, notices
from .ranks import first_decides
from .run import Run
from .tokenizers import make_tokenizer


def start(
    words: list[str] | None,
    ours: type[StageArguments],
    config: str,
    adjust: Callable[[Recipe, str], Recipe] | None = None,
) -> Run | None:
    """
    Prepares a training run from the command line.

    Args:
        words (`list[str]` or `None`):
            The command line; `sys.argv` if `None`.
        ours (`type`):
            Our dataclass of the stage.
        config (`str`):
            Name of TRL's configuration of the trainer.
        adjust (`Callable`, *optional*):
            Fills in values of the recipe that follow from others: recipe, file -> recipe.

    Returns:
        `Run` or `None`: `None` if the artifact is complete already. Raises `Halted` where a guard has ended this very
        run before.
    """

    def theirs() -> tuple[type, ...]:
        import trl

        return getattr(trl, config), trl.ModelConfig

    stage = open_stage(words, ours, theirs, adjust, check_run, agree=first_decides)
    if stage is None:
        if is_main_process():
            evaluate_result(read_command_line(sys.argv[1:] if words is None else words, command_of(ours))[0])
        return None
    from .tracking import drop_missing

    args, trainer_config, model_args = stage.arguments
    trainer_config.push_to_hub = False  # the trainer's own way: in the run, without a retry, with a card of its own
    halted_step = first_decides(stage.artifact.halted_step)
    missing = drop_missing(trainer_config)
    tokenizer = make_tokenizer(args, trainer_config, model_args)
    if is_main_process():
        print(f"tokens: responses end with {tokenizer.eos_token}, padding is {tokenizer.pad_token}", flush=True)
        for notice in [*missing, *notices(trainer_config, model_args, tokenizer)]:
            print(f"notice: {notice}", flush=True)
    run = Run(stage.recipe, stage.artifact, args, trainer_config, model_args, tokenizer, halted_step)
    if model_args.model_name_or_path and adapter_base(model_args.model_name_or_path):
        model_args.model_name_or_path = merged_start(
            model_args.model_name_or_path, run.artifact.path, tokenizer, trainer_config.trust_remote_code
        )
    return run
