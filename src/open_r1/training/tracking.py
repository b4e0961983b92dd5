"""Trackers: `report_to: trackio`, `wandb` or `tensorboard`, one key for all.

The stages of a pipeline share a project (W&B: a group too), which has the name of the pipeline's root. A run bears the
name of its stage and the time at which it began (`TRACKING` in its output): one that continues from a checkpoint is
the same run, one that begins anew another. The names of the recipe (`project`, `run_name`, `trackio_space_id`) and the
variables of a site (`WANDB_PROJECT`, ...) win.

A tracker is a spectator: one that is not installed is a notice, and one that fails is switched off, and the training
goes on. All that it is told stands in `trainer_state.json` as well.
"""

import functools
import json
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from transformers.integrations.integration_utils import INTEGRATION_TO_CALLBACK as TRACKERS
from transformers.integrations.integration_utils import TensorBoardCallback

from ..core.errors import RecipeError
from ..core.files import write_atomically
from ..core.notes import TRACKING
from ..core.processes import is_main_process
from ..core.recipes import Recipe

if TYPE_CHECKING:
    from transformers import Trainer, TrainingArguments

INSTALL = {"trackio": "pip install 'open_r1[tracking]'"}  # of others the package has their name
EVENTS = "runs"  # folder of an output for TensorBoard's
GIVEN = frozenset(os.environ)  # the variables that a site has set


def check_trackers(where: str, config: "TrainingArguments") -> None:
    """Raises `RecipeError` for a `report_to` that transformers does not know."""
    for name in config.report_to:
        if name not in TRACKERS:
            raise RecipeError(f"{where}: `report_to: {name}` is unknown", "use trackio, wandb, tensorboard or none")


def drop_missing(config: "TrainingArguments") -> list[str]:
    """Takes trackers that are not installed out of a configuration; a line for each, with its fix."""
    missing = [name for name in config.report_to if not is_installed(name)]
    config.report_to = [name for name in config.report_to if name not in missing]
    return [
        f"`report_to: {name}` is not installed, so nothing is sent there; {INSTALL.get(name, f'pip install {name}')}"
        for name in missing
    ]


def is_installed(name: str) -> bool:
    try:
        TRACKERS[name]()
    except (RuntimeError, ImportError):
        return False
    return True


def follow(trainer: "Trainer", recipe: Recipe, output: Path, continues: bool) -> None:
    """
    Names a run for its trackers, and makes them harmless.

    Args:
        trainer (`Trainer`):
            Before its training begins.
        recipe (`dict`):
            The resolved recipe.
        output (`Path`):
            Its output directory.
        continues (`bool`):
            Whether it starts from a checkpoint.
    """
    if trainer.args.report_to and is_main_process():
        name_run(trainer.args, recipe, output, continues)
    kinds = {TRACKERS[name]: name for name in trainer.args.report_to}
    handler = trainer.callback_handler
    for tracker in handler.callbacks:
        if isinstance(tracker, TensorBoardCallback) and tracker.logging_dir is None:
            tracker.logging_dir = str(output / EVENTS)  # one for a run, not one for each of its processes
    handler.callbacks = [Harmless(kinds[type(one)], one) if type(one) in kinds else one for one in handler.callbacks]


def name_run(config: "TrainingArguments", recipe: Recipe, output: Path, continues: bool) -> None:
    """Sets what trackers read: fields of the configuration, and the variables of W&B."""
    pipeline, stage = output.resolve().parts[-2:]
    note = output / TRACKING
    if not continues or not note.exists():
        write_atomically(note, json.dumps({"run": f"{stage}-{time.strftime('%Y%m%d-%H%M%S')}"}))
    run = json.loads(note.read_text(encoding="utf-8"))["run"]
    config.project = recipe.get("project") or pipeline
    config.run_name = recipe.get("run_name") or run
    names = {"PROJECT": config.project, "RUN_GROUP": pipeline, "RUN_ID": run, "RESUME": "allow"}
    os.environ.update({f"WANDB_{key}": value for key, value in names.items() if f"WANDB_{key}" not in GIVEN})


class Harmless:
    """
    A tracker's callback that, where it fails, ends itself and not the training.

    Args:
        name (`str`):
            Its name in `report_to`.
        tracker (`TrainerCallback`):
            Transformers' own.
    """

    def __init__(self, name: str, tracker: Any):
        self.name, self.tracker = name, tracker

    def __getattr__(self, event: str) -> Any:
        if not event.startswith("on_"):
            raise AttributeError(event)
        return functools.partial(self.tell, event)

    def tell(self, event: str, config: "TrainingArguments", *state: Any, **more: Any) -> None:
        """Hands an event on, unless an earlier one has failed."""
        if self.name not in config.report_to:
            return
        try:
            getattr(self.tracker, event)(config, *state, **more)
        except Exception as error:  # anything: of its network, its login, its disk
            config.report_to = [name for name in config.report_to if name != self.name]  # TRL asks it too
            reason = (str(error).splitlines() or [type(error).__name__])[0]
            print(f"notice: {self.name} is off for the rest of this run: {reason}", flush=True)
