"""Lets accelerate run FSDP2 without GPUs, which it can but does not: on the CPU it ignores the FSDP settings."""

from accelerate.state import AcceleratorState, PartialState
from accelerate.utils import DistributedType


def allow() -> None:
    """From here on, an FSDP plugin on several CPU processes means FSDP."""
    make = AcceleratorState.__init__

    def __init__(self, *args, **options):
        make(self, *args, **options)
        plugin = options.get("fsdp_plugin")
        if plugin is None or self.distributed_type != DistributedType.MULTI_CPU:
            return
        self.fsdp_plugin, self.distributed_type = plugin, DistributedType.FSDP
        PartialState._shared_state["distributed_type"] = self.distributed_type  # saving asks this one

    AcceleratorState.__init__ = __init__
