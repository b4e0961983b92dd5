"""What happens beside the steps of a trainer: a note for whoever watches, the answer to a signal, the prompts' order.

Imported once the trainer's libraries are.
"""

from typing import Any

from transformers import TrainerCallback
from trl.trainer.utils import RepeatSampler

from ..core.artifacts import Artifact
from ..core.processes import StopRequest
from .guards import Guards
from .ranks import any_rank


class Progress(TrainerCallback):
    """Leaves the step, and the latest loss or reward, where the pipeline's table reads them."""

    def __init__(self, artifact: Artifact):
        self.artifact = artifact

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if state.is_world_process_zero:
            last: dict[str, float] = next(
                (row for row in reversed(state.log_history) if "loss" in row or "reward" in row), {}
            )
            figures = {key: float(last[key]) for key in ("loss", "reward") if key in last}
            self.artifact.progress(state.global_step, state.max_steps, **figures)


class StopTogether(TrainerCallback):
    """
    Saves and stops all ranks at the same step once a signal has reached any of them, or a guard has tripped.

    A signal reaches the ranks at different moments, and a save is a collective: a rank that acted on its own flag
    would save while another computes.

    Args:
        request (`StopRequest`):
            What the signals set.
        window (`int`):
            Steps between two places where a run can stop and continue exactly: for GRPO the steps that one rollout
            feeds, since its completions are in no checkpoint; 1 elsewhere.
        guards (`Guards`):
            What they have found.
    """

    def __init__(self, request: StopRequest, window: int, guards: Guards):
        self.request, self.window, self.guards = request, window, guards
        self.stopped = False

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if state.global_step % self.window or state.global_step >= state.max_steps:
            return
        if any_rank(self.request.made or self.guards.found is not None, args.device):
            self.stopped = control.should_save = control.should_training_stop = True


class EpochOrder(TrainerCallback):
    """
    Makes GRPO's order of prompts follow from the seed and the epoch alone.

    TRL's sampler shuffles each epoch with a generator that no checkpoint holds, so a run that continues in its second
    epoch would see the first one's order again. Other trainers' samplers are told the epoch.
    """

    def on_epoch_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        batches = kwargs["train_dataloader"].batch_sampler
        while hasattr(batches, "batch_sampler"):  # accelerate's share of one rank
            batches = batches.batch_sampler
        if isinstance(batches.sampler, RepeatSampler) and batches.sampler.shuffle:
            batches.sampler.generator.manual_seed(batches.sampler.seed + int(state.epoch))
