"""What the processes of one training run decide together.

Every process reads the disk at another moment: where one of them finds a run complete, or an older checkpoint than the
others, they wait for each other for ever. So the first process looks, and tells the rest.
"""

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from ..core.errors import RecipeError, UserError
from ..core.processes import fsdp_asked, process_count

if TYPE_CHECKING:
    import torch
    from transformers import Trainer

T = TypeVar("T")


def first_decides(decide: Callable[[], T]) -> T:
    """
    Lets the first process decide and gives its answer to all; where it fails, the others end with it.

    Args:
        decide (`Callable`):
            Called in the first process only; its result is pickled.
    """
    if process_count() == 1:
        return decide()
    from accelerate import PartialState
    from accelerate.utils import broadcast_object_list

    state = PartialState()  # made by TRL's arguments, with the recipe's device and backend
    if state.num_processes != process_count():
        raise RecipeError(
            f"{process_count()} processes were started, but accelerate does not connect them",
            "on a machine without GPUs set `use_cpu: true` in the recipe",
        )
    error, answer = None, None
    if state.is_main_process:
        try:
            answer = decide()
        except Exception as caught:
            error = caught
    code = getattr(error, "exit_code", UserError.exit_code) if error else 0
    code, answer = broadcast_object_list([code, answer])
    if error:
        raise error
    if code:
        sys.exit(code)
    return answer  # type: ignore[return-value]


def any_rank(flag: bool, device: "torch.device") -> bool:
    """Whether the flag is set in any of the processes; all of them must ask at the same step."""
    import torch
    import torch.distributed as dist

    if process_count() == 1:
        return flag
    shared = torch.tensor(float(flag), device=device)
    dist.all_reduce(shared, op=dist.ReduceOp.MAX)
    return bool(shared.item())


def require_sharding(trainer: "Trainer") -> None:
    """Raises `RecipeError` where FSDP was asked for and accelerate, which knows it on accelerators only, runs DDP."""
    wanted = fsdp_asked() and process_count() > 1
    if wanted and not trainer.is_fsdp_enabled:
        raise RecipeError(
            "the launch configuration asks for FSDP, which accelerate ignores without GPUs", "launch with ddp.yaml"
        )
