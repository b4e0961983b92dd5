"""What happens beside the steps of a trainer: a note for whoever watches, and GRPO's reference model beside its
checkpoints.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..core.artifacts import Artifact

if TYPE_CHECKING:
    from transformers import TrainerCallback
    from trl import GRPOTrainer


def progress_callback(artifact: Artifact) -> "TrainerCallback":
    """A callback that leaves the step, and the latest loss or reward, where the pipeline's table reads them."""
    from transformers import TrainerCallback

    class Progress(TrainerCallback):
        def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            if state.is_world_process_zero:
                last: dict[str, float] = next(
                    (row for row in reversed(state.log_history) if "loss" in row or "reward" in row), {}
                )
                figures = {key: float(last[key]) for key in ("loss", "reward") if key in last}
                artifact.progress(state.global_step, state.max_steps, **figures)

    return Progress()


def reference_callback(trainer: "GRPOTrainer", directory: Path) -> "TrainerCallback":
    """
    A callback that keeps the refreshed reference model with the checkpoints.

    TRL reloads the reference model from the start model, so a resumed run with `sync_ref_model` would go on against an
    older reference. The file is written before its checkpoint and the older one is deleted after it.
    """
    import torch
    from torch.distributed.checkpoint.state_dict import StateDictOptions, get_model_state_dict, set_model_state_dict
    from transformers import TrainerCallback

    whole = StateDictOptions(full_state_dict=True, cpu_offload=True)

    class KeepReference(TrainerCallback):
        def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            if state.global_step:
                weights = torch.load(directory / f"reference-{state.global_step}.pt", weights_only=True)
                set_model_state_dict(trainer.ref_model, weights, options=StateDictOptions(full_state_dict=True))

        def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            if control.should_save:
                weights = get_model_state_dict(trainer.ref_model, options=whole)
                if state.is_world_process_zero:
                    scratch = directory / ".reference.pt"
                    torch.save(weights, scratch)
                    scratch.replace(directory / f"reference-{state.global_step}.pt")

        def on_save(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            if state.is_world_process_zero:
                for path in directory.glob("reference-*.pt"):
                    if path.stem != f"reference-{state.global_step}":
                        path.unlink()

    return KeepReference()
