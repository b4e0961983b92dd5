"""What vLLM on a CPU needs so that a trainer can give it new weights; vLLM loads this plug-in in every process.

Its linear layers repack their weights for the processor and drop the originals, so that nothing can be loaded into
them (and a tied output layer keeps the old ones). Here they stay as they are. TRL starts a colocated vLLM without
saying a precision or an execution mode: on a CPU that means bfloat16, whose log-probabilities are 0.3 away from a
float32 trainer's, and a compilation of a minute.
"""

from typing import Any


def keep_weights(layer: Any, remove_weight: bool) -> None:
    import torch

    layer.cpu_linear = torch.nn.functional.linear


def register() -> None:
    from vllm.engine.arg_utils import EngineArgs
    from vllm.model_executor.layers import utils

    utils.dispatch_cpu_unquantized_gemm = keep_weights
    create = EngineArgs.create_engine_config

    def create_in_float32(self: EngineArgs, *args: Any, **kwargs: Any) -> Any:
        self.dtype = "float32" if self.dtype == "auto" else self.dtype
        self.enforce_eager = True
        return create(self, *args, **kwargs)

    EngineArgs.create_engine_config = create_in_float32
