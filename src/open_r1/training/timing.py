"""Where the time of a step goes: generation, rewards, log-probabilities, update, and the rest.

TRL times its own parts already, but sends the figures to trackers alone; here they are read on their way, with two
looks at the clock per step beside them. They are logged as seconds per optimiser step:

- `time/generation`: sampling, and the weights sent to vLLM for it;
- `time/reward`: all rewards, and the wait for the slowest rank's;
- `time/logps`: log-probabilities of a rollout under the old policy and the reference;
- `time/update`: forward, backward and the optimiser;
- `time/wait`: the rest: data, tokenising, other ranks, logging, saving, evaluation.

A rollout that feeds several steps counts for its first. On a GPU, whose kernels run later than they are called, a part
may include the end of the one before.
"""

import contextlib
import time
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import torch
from transformers import TrainerCallback
from trl.extras.profiling import ProfilingContext

if TYPE_CHECKING:
    from transformers import Trainer

LOGPS, PREPARE = "_get_per_token_logps_and_entropies", "_prepare_inputs"
THEIRS = {  # names of TRL's timers
    "transformers.generate": "generation",
    "transformers.generate_batch": "generation",
    "vLLM.generate": "generation",
    "sync_weights": "generation",
    "_calculate_rewards": "reward",
    LOGPS: "logps",
}
PARTS = ("generation", "reward", "logps", "update", "wait")


class Timing(TrainerCallback):
    """
    Adds the parts of each step to the metrics of a TRL trainer; one of transformers has no place for them.

    Args:
        trainer (`Trainer`):
            The trainer.
    """

    def __init__(self, trainer: "Trainer"):
        self.metrics = getattr(trainer, "_metrics", {}).get("train")
        self.samples = hasattr(trainer, "eos_token_ids")
        self.ended = self.began = time.perf_counter()
        self.clear()

    def clear(self) -> None:
        self.spent, self.prepared = dict.fromkeys(THEIRS.values(), 0.0), 0.0

    def took(self, name: str, seconds: float) -> None:
        """Takes a figure of TRL's; the log-probabilities of a loss, which have gradients, are part of the update."""
        if name == PREPARE:
            self.prepared += seconds
        elif name in THEIRS and not (name == LOGPS and torch.is_grad_enabled()):
            self.spent[THEIRS[name]] += seconds

    def on_train_begin(self, *args: Any, **kwargs: Any) -> None:
        self.ended = time.perf_counter()

    def on_step_begin(self, *args: Any, **kwargs: Any) -> None:
        self.began = time.perf_counter()
        self.clear()  # an evaluation since the last step generates too

    def on_step_end(self, *args: Any, **kwargs: Any) -> None:
        now = time.perf_counter()
        update = now - self.began - self.prepared
        wait = now - self.ended - update - sum(self.spent.values())
        self.ended = now
        if self.metrics is not None:
            for part, seconds in {**(self.spent if self.samples else {}), "update": update, "wait": wait}.items():
                self.metrics[f"time/{part}"].append(seconds)

    @contextlib.contextmanager
    def listening(self) -> Iterator[None]:
        """Reads TRL's figures on their way to the trackers."""
        send = ProfilingContext._log_metrics

        def log(context: ProfilingContext, seconds: float) -> None:
            self.took(context.name.partition(".")[2], seconds)
            send(context, seconds)

        ProfilingContext._log_metrics = log
        try:
            yield
        finally:
            ProfilingContext._log_metrics = send


def shares(history: Iterable[dict[str, Any]]) -> str:
    """A line with the parts' shares of a whole training, from its log; empty where none was logged."""
    totals, step = dict.fromkeys(PARTS, 0.0), 0
    for line in history:
        if "time/update" in line:
            for part in PARTS:  # a line is a mean over the steps since the one before
                totals[part] += line.get(f"time/{part}", 0.0) * (line["step"] - step)
            step = line["step"]
    whole = sum(totals.values())
    found = [f"{part} {seconds / whole:.0%}" for part, seconds in totals.items() if seconds]
    return f"time: {', '.join(found)} of {whole / step:.2g} s per step" if step else ""
