"""When a checkpoint counts: once every rank has written its part.

transformers ends a checkpoint with the first rank's `trainer_state.json` and deletes the older ones at once, whether
the other ranks are done or not. Here the ranks wait for each other, then the first marks the checkpoint complete, and
only then are older ones deleted. So a run that is killed at any moment has a checkpoint to continue from.
"""

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch.distributed.checkpoint.state_dict import StateDictOptions, get_model_state_dict, set_model_state_dict
from transformers import Trainer, TrainerCallback
from transformers.trainer_utils import rotate_checkpoints

from ..core.files import write_atomically

COMPLETE, REFERENCE = "complete", "reference.pt"


def newest_checkpoint(directory: Path) -> Path | None:
    """Newest checkpoint that was written to its end; deletes the ones that were not."""
    found = [(int(path.name.split("-")[1]), path) for path in directory.glob("checkpoint-*") if numbered(path)]
    for _, path in found:
        if not (path / COMPLETE).exists():
            shutil.rmtree(path)
    return max(((step, path) for step, path in found if path.exists()), default=(0, None))[1]


def numbered(path: Path) -> bool:
    return re.fullmatch(r"checkpoint-\d+", path.name) is not None


class AllTrained(Exception):
    """The checkpoint holds the last step: what is left is to save the model. transformers would train once more."""


class Checkpoints(TrainerCallback):
    """
    Completes each checkpoint, with GRPO's refreshed reference model in it.

    TRL reloads the reference model from the start model, so a resumed run with `sync_ref_model` would go on against an
    older reference.

    Args:
        trainer (`Trainer`):
            The trainer. Its own deletion of old checkpoints is switched off.
        completed (`Callable`):
            Called in the first process with the step of each checkpoint, before older ones are deleted.
    """

    def __init__(self, trainer: Trainer, completed: Callable[[int], None]):
        self.trainer, self.completed = trainer, completed
        self.limit, trainer.args.save_total_limit = trainer.args.save_total_limit, None
        refreshed = getattr(trainer.args, "sync_ref_model", False)
        self.reference = getattr(trainer, "ref_model", None) if refreshed else None
        self.saved: int | None = None

    def folder(self, step: int) -> Path:
        return Path(self.trainer.args.output_dir) / f"checkpoint-{step}"

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if state.global_step and self.reference is not None:
            weights = torch.load(self.folder(state.global_step) / REFERENCE, weights_only=True, map_location="cpu")
            set_model_state_dict(self.reference, weights, options=StateDictOptions(full_state_dict=True))
        if state.global_step >= state.max_steps:
            raise AllTrained

    def on_save(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        folder, first = self.folder(state.global_step), state.is_world_process_zero
        if self.reference is not None:
            whole = StateDictOptions(full_state_dict=True, cpu_offload=True)
            weights = get_model_state_dict(self.reference, options=whole)
            if first:
                torch.save(weights, folder / REFERENCE)
        self.trainer.accelerator.wait_for_everyone()
        if first:
            write_atomically(folder / COMPLETE, "")
            self.completed(state.global_step)
            rotate_checkpoints(args.output_dir, self.limit, state.best_model_checkpoint)
        self.saved = state.global_step

    def on_epoch_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if self.saved == state.global_step:  # by steps or a signal: complete, and not to be written over
            control.should_save = False
