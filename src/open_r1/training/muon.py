"""Muon for the matrices, AdamW for everything else: reaches a given loss in about half of AdamW's steps on our base
model.

torch ships both; transformers offers no combination of them, hence these few lines. Real recipes use `optim`.
"""

from typing import TYPE_CHECKING, Any

import torch

from ..core.errors import RecipeError
from ..core.processes import fsdp_asked

if TYPE_CHECKING:
    from .run import Run


class MuonWithAdamW(torch.optim.Optimizer):
    """
    One optimizer made of two, so that the trainer, its scheduler and its checkpoints see a single one.

    Args:
        model (`torch.nn.Module`):
            The model to train. Muon takes its two-dimensional weights but the embeddings.
        lr (`float`):
            Learning rate of AdamW.
        muon_lr (`float`, *optional*, defaults to `0.02`):
            Learning rate of Muon.
        betas (`tuple[float, float]`, *optional*, defaults to `(0.9, 0.95)`):
            Decay rates of AdamW.
    """

    def __init__(
        self, model: torch.nn.Module, lr: float, muon_lr: float = 0.02, betas: tuple[float, float] = (0.9, 0.95)
    ):
        matrices: list[torch.Tensor] = []
        others: list[torch.Tensor] = []
        for name, weight in model.named_parameters():
            (matrices if weight.ndim == 2 and "embed" not in name else others).append(weight)
        self.parts = [
            torch.optim.Muon(matrices, lr=muon_lr, weight_decay=0.0),
            torch.optim.AdamW(others, lr=lr, betas=tuple(betas), weight_decay=0.0),
        ]
        super().__init__([group for part in self.parts for group in part.param_groups], {})
        self._share_groups()

    def _share_groups(self) -> None:
        """Lets the parts read the learning rates that a scheduler sets here."""
        for part, group in zip(self.parts, self.param_groups, strict=True):
            part.param_groups = [group]

    def step(self, closure: Any = None) -> None:
        for part in self.parts:
            part.step()

    def state_dict(self) -> dict[str, Any]:
        return {"parts": [part.state_dict() for part in self.parts]}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        for part, saved in zip(self.parts, state["parts"], strict=True):
            part.load_state_dict(saved)
        self.param_groups = [part.param_groups[0] for part in self.parts]


def make_optimizer(run: "Run", model: torch.nn.Module) -> tuple[Any, None]:
    """The `optimizers` argument of a trainer: Muon where the recipe asks for it, else the trainer's own."""
    if run.args.optimizer != "muon":
        return None, None
    if fsdp_asked():
        raise RecipeError(
            "`optimizer: muon` needs whole matrices, FSDP has pieces", "use `optim: adamw_torch`, or DDP"
        )
    return MuonWithAdamW(model, run.config.learning_rate, **(run.args.optimizer_args or {})), None
