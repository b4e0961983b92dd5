"""`open-r1 grpo` beside a `vllm serve` on a CPU: weights reach the server over a folder, where GPUs have NCCL.

python tests/vllm_cpu/grpo_over_disk.py --config RECIPE --use_vllm true --vllm_mode server ...

WEIGHTS_SENT=3 loses all weights but those of the first three rollouts.
"""

import itertools
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from trl.generation.vllm_client import VLLMClient

FOLDER = Path(tempfile.mkdtemp())
ROLLOUTS, SENT = itertools.count(1), int(os.environ.get("WEIGHTS_SENT", 1_000_000))


def reload_from_disk(self: VLLMClient, metadata: Any, named_params: Iterator[tuple[str, torch.Tensor]]) -> None:
    # cloned: tied weights share their memory, which the format does not allow
    weights = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in named_params}
    if next(ROLLOUTS) > SENT:
        return
    save_file(weights, FOLDER / "model.safetensors")
    call = {"method": "reload_weights", "kwargs": {"weights_path": str(FOLDER)}}
    self._post(f"{self.base_url}/collective_rpc", json=call)


def over_disk() -> None:
    """From here on, weights go over the folder."""
    VLLMClient.init_communicator = lambda self, device=0: None
    VLLMClient.update_named_params = reload_from_disk


if __name__ == "__main__":
    from open_r1.grpo import main

    over_disk()
    main()
