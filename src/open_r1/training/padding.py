"""GRPO's log-probabilities without the padding.

TRL pads all completions of a rollout to its longest and sends that width through the model for the policy, the old
policy and the reference. Lengths within a rollout differ by an order of magnitude, so most columns are padding. Here
rows of like length go through the model together, cut to the columns that one of them uses: the paper's trainer sorts
its batches by length for the same reason (supplement B.1). Values and gradients are the same but for rounding.
"""

from typing import Any

import torch

from .completions import ShownTrainer

ROWS = 16  # at a time: fewer have less padding among them, more fill the device


class UnpaddedTrainer(ShownTrainer):
    """TRL's trainer, whose forward passes leave out columns of padding."""

    def _get_per_token_logps_and_entropies(
        self,
        model: Any,
        input_ids: torch.Tensor,  # (rows, prompt + completion tokens), prompts padded on the left
        attention_mask: torch.Tensor,
        logits_to_keep: int,  # completion tokens
        batch_size: int | None = None,
        compute_entropy: bool = False,
        compute_aux_loss: bool = False,
        **images: Any,
    ) -> tuple[torch.Tensor, torch.Tensor | None, torch.Tensor | None]:
        how = {"compute_entropy": compute_entropy, "compute_aux_loss": compute_aux_loss, **images}
        score = super()._get_per_token_logps_and_entropies
        if compute_aux_loss or any(value is not None for value in images.values()):  # of the batch as a whole
            return score(model, input_ids, attention_mask, logits_to_keep, batch_size, **how)
        order, prompt = attention_mask.sum(1).argsort(), input_ids.shape[1] - logits_to_keep
        logps, entropies = [], []
        for rows in order.split(min(batch_size or ROWS, ROWS)):
            used = attention_mask[rows].any(0).nonzero()[:, 0]
            # at least one token of each: of a completion that is masked as truncated nothing is left
            columns = slice(min(int(used[0]), prompt - 1), max(int(used[-1]), prompt) + 1)
            ids, mask, kept = input_ids[rows, columns], attention_mask[rows, columns], columns.stop - prompt
            logp, entropy, _ = score(model, ids, mask, kept, **how)
            logps.append(widened(logp, logits_to_keep))
            entropies.append(widened(entropy, logits_to_keep) if compute_entropy else logp)
        back = order.argsort()
        return torch.cat(logps)[back], torch.cat(entropies)[back] if compute_entropy else None, None


def widened(values: torch.Tensor, width: int) -> torch.Tensor:
    """Values with zeros for the columns on the right that were left out, as TRL has them for padding."""
    return torch.nn.functional.pad(values, (0, width - values.shape[1]))
