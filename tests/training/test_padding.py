"""Log-probabilities without the padding are TRL's, and so are their gradients."""

import pytest
import torch
from tiny_models import save_tiny_base

from open_r1.training import padding

PROMPT, COMPLETION, ROWS = 9, 40, 37  # tokens, tokens, rows: no multiple of what goes through the model together


@pytest.fixture(scope="module")
def trainer(tmp_path_factory):
    from datasets import Dataset
    from trl import GRPOConfig

    folder = tmp_path_factory.mktemp("padding")
    config = GRPOConfig(output_dir=str(folder / "out"), use_cpu=True, bf16=False, report_to="none")
    rows = Dataset.from_list([{"prompt": "1 + 1"}] * 8)
    start = save_tiny_base(folder / "base", "chatml")
    return padding.UnpaddedTrainer(start, lambda **_: [0.0] * 8, args=config, train_dataset=rows)


def batch(kind: str) -> tuple[torch.Tensor, torch.Tensor]:
    """Ids and mask of (rows, prompt + completion): lengths at random, with the extremes that a rollout can have."""
    draw = torch.Generator().manual_seed(0)
    before = torch.randint(1, PROMPT + 1, (ROWS, 1), generator=draw)
    after = torch.randint(1, COMPLETION + 1, (ROWS, 1), generator=draw)
    after = {"truncated and masked": after * (after < 30), "all of one length": torch.full_like(after, 5)}.get(
        kind, after
    )
    after = torch.zeros_like(after) if kind == "nothing left" else after
    columns = torch.arange(PROMPT + COMPLETION)
    mask = (columns >= PROMPT - before) & (columns < PROMPT + after)
    return torch.randint(5, 300, mask.shape, generator=draw), mask.long()


@pytest.mark.parametrize("kind", ["any lengths", "truncated and masked", "all of one length", "nothing left"])
@pytest.mark.parametrize("at_once", [None, 5])
def test_values_and_gradients_are_those_of_trl(trainer, kind, at_once):
    ids, mask = batch(kind)
    theirs = super(padding.UnpaddedTrainer, trainer)._get_per_token_logps_and_entropies
    found = []
    for score in (theirs, trainer._get_per_token_logps_and_entropies):
        trainer.model.zero_grad()
        logps, entropies, _ = score(trainer.model, ids, mask, COMPLETION, at_once, compute_entropy=True)
        ((logps + 0.1 * entropies) * mask[:, PROMPT:]).sum().backward()
        gradients = [weight.grad.clone() for weight in trainer.model.parameters() if weight.grad is not None]
        found.append([logps.detach(), entropies.detach(), *gradients])
    assert found[0][0].shape == (ROWS, COMPLETION)
    for before, after in zip(*found, strict=True):
        torch.testing.assert_close(after, before, rtol=1e-4, atol=1e-4)


def test_the_columns_that_go_through_the_model_are_fewer(trainer, monkeypatch):
    ids, mask = batch("any lengths")
    seen = []
    forward = trainer.model.model.forward
    monkeypatch.setattr(
        trainer.model.model, "forward", lambda *args, **kw: seen.append(kw["input_ids"].shape) or forward(*args, **kw)
    )
    trainer._get_per_token_logps_and_entropies(trainer.model, ids, mask, COMPLETION)
    assert sum(rows for rows, _ in seen) == ROWS and len(seen) == 3
    tokens = sum(rows * columns for rows, columns in seen)
    assert mask.sum() <= tokens < 0.8 * ids.numel()
