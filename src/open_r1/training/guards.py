r"""Guards: a training that has failed ends, keeps what it has, and says in one line why and what to do.

    guards: {clipped: 0.5, kl: null}  # another limit, and one that is off; the rest as in the table below

All but two read what the trainer logs. One trips when its metric was above the limit in every line of the log over so
many rollouts (optimiser steps, where there are no rollouts): a line is the mean of `logging_steps` steps, so a rare
log only makes a guard slower. The run then ends as after a signal, all ranks at the same step with a checkpoint. As
everything is read from the log, which is in the checkpoints, a run that was killed and continues trips where it would
have. `nonfinite` looks at every step before its update and ends the run there: what is not finite is never saved, and
the newest checkpoint is from before. `truncated_rows` is measured when the run starts (`checks.py`).

Run again as it is, a halted run only says why again (exit code 78). After a change of a key of how it runs, such as
`guards`, it goes on from its checkpoint, and what the guards count begins anew.
"""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch.distributed.tensor import DTensor
from transformers import TrainerCallback

from ..core.errors import Halted, RecipeError
from ..core.fields import check_keys
from .ranks import any_rank

if TYPE_CHECKING:
    from transformers import Trainer


class Guard(NamedTuple):
    """
    One way to fail.

    Attributes:
        metric (`str`): Column of the trainer's log; empty for a guard that reads no log.
        limit (`float` or `True`): Above it is bad; `True` for a guard without one.
        rollouts (`int`): For how many in a row.
        reason (`str`): What it means; `{value}` is the last one that was logged.
        fix (`str`): What helps.
        relative (`bool`): Whether the limit is a multiple of the first value that was logged.
    """

    metric: str
    limit: float
    rollouts: int
    reason: str
    fix: str
    relative: bool = False


GUARDS = {
    "nonfinite": Guard(
        "",
        True,
        0,
        "",
        "lower `learning_rate`, or compute in bf16 or float32 where it is fp16, and start again (`--force`)",
    ),
    "truncated_rows": Guard("", 0.05, 0, "", "raise `max_length`, or filter long rows in `datasets`"),
    # many may be cut at first, and some always; nearly all for long are a limit too low, or a model that never stops
    "clipped": Guard(
        "completions/clipped_ratio",
        0.95,
        10,
        "{value:.0%} of completions reach `max_completion_length` and are cut before their answer",
        "give them more tokens, or see why none ends (`eos_token`, the template), and start again (`--force`)",
    ),
    # a model that solves most of its prompts has 0.9 and learns from the rest; rewards that are all 0 have 1
    "no_spread": Guard(
        "frac_reward_zero_std",
        0.99,
        20,
        "in {value:.0%} of groups all completions have the same reward, which teaches nothing",
        "use prompts that are solved sometimes (`open-r1 curate`), or mend the rewards, and start again (`--force`)",
    ),
    # nats per token (TRL's estimator); a run that learns stays well below 1
    "kl": Guard(
        "kl",
        2.0,
        5,
        "the policy is {value:.1f} nats per token away from its reference",
        "lower `learning_rate`, or raise `beta`, and start again (`--force`)",
    ),
    # R1-Zero's responses grow from hundreds of tokens to 10,000 and more (paper figure 1b): that is no failure
    "growth": Guard(
        "completions/mean_length",
        100.0,
        5,
        "completions are {value:.0f} times as long as at the start",
        "see what pays for length, lower `max_completion_length`, and start again (`--force`)",
        relative=True,
    ),
    # nats per token; other kernels make about 0.01, old or wrong weights in vLLM far more
    "engine_gap": Guard(
        "sampling/sampling_logp_difference/mean",
        0.2,
        5,
        "vLLM and the trainer differ by {value:.2f} nats per token: they do not hold the same weights",
        "use versions of vLLM and TRL that were tested together (constraints-gpu.txt), or `use_vllm: false`, and "
        "start again (`--force`)",
    ),
}


def limits_of(given: Mapping[str, Any], where: str) -> dict[str, float]:
    """The limits of the guards that are on; raises `RecipeError` for a name or value that is none."""
    check_keys(given, GUARDS, f"{where}, guards")
    for name, limit in given.items():
        switch = GUARDS[name].limit is True
        fits = (
            limit is True if switch else isinstance(limit, int | float) and not isinstance(limit, bool) and limit >= 0
        )
        if limit is not None and not fits:
            wanted = "`true`" if switch else "a number from 0"
            raise RecipeError(f"{where}: `guards: {{{name}: {limit}}}`", f"give {wanted}, or `null` to switch it off")
    limits = {name: guard.limit for name, guard in GUARDS.items()} | dict(given)
    return {name: limit for name, limit in limits.items() if limit is not None}


def tripped(
    history: Iterable[dict[str, Any]], limits: Mapping[str, float], window: int = 1, since: int = 0
) -> Halted | None:
    """
    The first guard that the log of a training has tripped.

    Args:
        history (`Iterable[dict]`):
            Lines of the log, `log_history` of the trainer's state.
        limits (`dict`):
            By guard, see `limits_of`.
        window (`int`, *optional*, defaults to 1):
            Optimiser steps that one rollout feeds.
        since (`int`, *optional*, defaults to 0):
            Step from which on it is read.
    """
    lines = [line for line in history if line["step"] > since]
    for name, limit in limits.items():
        guard = GUARDS[name]
        found = [(line["step"], line[guard.metric]) for line in lines if line.get(guard.metric) is not None]
        if not found:
            continue
        unit = found[0][1] if guard.relative else 1.0
        good = max((step for step, value in found if not value > limit * unit), default=since)
        step, value = found[-1]
        if -(-(step - good) // window) >= guard.rollouts:
            reason = f"at step {step}, for {guard.rollouts} rollouts: {guard.reason.format(value=value / unit)}"
            return halted(name, reason)
    return None


def halted(name: str, reason: str) -> Halted:
    """The end of a run by a guard, in one line, with the fix."""
    return Halted(f"{reason} (guard `{name}`)", f"{GUARDS[name].fix}; or go on with `guards: {{{name}: null}}`")


class Guards(TrainerCallback):
    """
    Watches one training.

    Args:
        trainer (`Trainer`):
            The trainer.
        limits (`dict`):
            By guard, see `limits_of`.
        window (`int`):
            Optimiser steps that one rollout feeds.
        since (`int`):
            The step at which a guard has ended this run before; what was logged until then does not count.

    Attributes:
        found (`Halted` or `None`): Why the run must end where it can continue.
    """

    def __init__(self, trainer: "Trainer", limits: Mapping[str, float], window: int, since: int):
        self.trainer, self.limits, self.window, self.since = trainer, limits, window, since
        self.found: Halted | None = None
        if "nonfinite" in limits:
            trainer.args.logging_nan_inf_filter = False  # it puts the mean of earlier losses in the place of NaN

    def on_log(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self.found = self.found or tripped(state.log_history, self.limits, self.window, self.since)

    def on_pre_optimizer_step(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        # with fp16 an overflow is part of the method: the scaler leaves out that step and takes a smaller scale
        scaled = self.trainer.accelerator.scaler is not None
        gradients = [] if scaled else [weight.grad for weight in kwargs["model"].parameters()]
        step = state.global_step + 1
        self.require_finite(step, args.device, {"loss": [self.trainer._tr_loss], "gradient": gradients})

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if control.should_save or state.global_step >= state.max_steps:
            self.require_finite(state.global_step, args.device, {"weights": kwargs["model"].parameters()})

    def on_epoch_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if control.should_save:
            self.require_finite(state.global_step, args.device, {"weights": kwargs["model"].parameters()})

    def require_finite(self, step: int, device: torch.device, numbers: dict[str, Iterable]) -> None:
        """Raises `Halted` in all ranks where in one of them some numbers are not finite."""
        if "nonfinite" not in self.limits:
            return
        bad = [name for name, tensors in numbers.items() if not finite(tensors)]
        if any_rank(bool(bad), device):
            what = " and ".join(bad or numbers)
            raise halted("nonfinite", f"at step {step} the {what} became NaN or infinite")


def finite(tensors: Iterable[torch.Tensor | None]) -> bool:
    """Whether the norm of all that this rank holds of some tensors is a number: one pass, and one wait for the GPU."""
    local = [tensor.to_local() if isinstance(tensor, DTensor) else tensor for tensor in tensors if tensor is not None]
    norm = torch.nn.utils.get_total_norm([tensor.detach() for tensor in local if tensor.is_floating_point()])
    return bool(norm.isfinite())
