"""What the memory and the time of a training run depend on."""

from dataclasses import dataclass

from .shapes import Shape

GB = 2**30
SAMPLING = ("grpo", "on-policy-distill")  # the stages that generate


@dataclass(frozen=True)
class Job:
    """
    What the memory of a run depends on.

    Args:
        shape (`Shape`):
            The model.
        stage (`str`):
            `sft`, `grpo`, `on-policy-distill` or `reward-model`.
        rows (`int`):
            Rows of a micro-batch on one device.
        tokens (`int`):
            Tokens of a row, its prompt included.
        prompt (`int`):
            Tokens of a prompt, where the model generates.
        bits (`int`):
            Of a weight as it is loaded: 32, 16, and with quantisation 8 or 4.
        autocast (`bool`):
            Whether matrices multiply in bfloat16 (`bf16`), whatever the weights are.
        rank (`int`):
            Of the LoRA adapter that is trained; 0 trains all weights.
        optimizer (`str`):
            What is kept of each trained parameter: `adamw` two values as precise as it, `muon` one, `8bit` two bytes,
            `none` nothing.
        accumulation (`int`):
            Micro-batches of an optimiser step: from 2 on gradients lie there during the forward pass.
        checkpointing (`bool`):
            Whether blocks are computed again in the backward pass.
        whole_logits (`bool`):
            Whether the logits lie there whole.
        reference (`bool`):
            Whether GRPO holds a reference model.
        scorers (`tuple`):
            Reward models, or the teacher, on every device, and tokens of their batches.
        drawn (`int`):
            Completions that one device generates at once; 0 where no model generates here.
        vllm (`float`):
            Share of the device that vLLM takes (`vllm_gpu_memory_utilization`, colocated).
        sleeps (`bool`):
            Whether vLLM gives its share back while the trainer works.
        tensor_parallel (`int`):
            Devices that hold one vLLM together.
        devices (`int`):
            Devices of the run.
        sharded (`bool`):
            Whether the state is divided among them (FSDP2); else each holds a copy (DDP).
        offloaded (`bool`):
            Whether the divided state lies in the memory of the CPUs.
        cpu (`bool`):
            Whether the device is a CPU.
        device_memory (`float`):
            Bytes of a device.
    """

    shape: Shape
    stage: str
    rows: int
    tokens: int
    prompt: int = 0
    bits: int = 32
    autocast: bool = False
    rank: int = 0
    optimizer: str = "adamw"
    accumulation: int = 1
    checkpointing: bool = False
    whole_logits: bool = False
    reference: bool = False
    scorers: tuple[tuple[Shape, int], ...] = ()
    drawn: int = 0
    vllm: float = 0.0
    sleeps: bool = False
    tensor_parallel: int = 1
    devices: int = 1
    sharded: bool = False
    offloaded: bool = False
    cpu: bool = False
    device_memory: float = 80 * GB

    @property
    def parameters(self) -> int:
        """Of the model as this stage loads it: a reward model has one output in place of the vocabulary."""
        head = 0 if self.shape.tie_word_embeddings else self.shape.embedding
        return self.shape.parameters - (head if self.stage == "reward-model" else 0)

    @property
    def scored(self) -> int:
        """Tokens of a row that the head projects: where Triton is missing also those that do not count."""
        return 0 if self.stage == "reward-model" else self.tokens if self.cpu else self.tokens - self.prompt

    @property
    def trained(self) -> int:
        return self.shape.adapter(self.rank) if self.rank else self.parameters

    @property
    def trained_bytes(self) -> int:
        """
        Of a trained weight: as it is loaded, but peft makes adapters float32, TRL those of quantised models bfloat16,
        and accelerate what FSDP2 trains in mixed precision float32.
        """
        if self.sharded and self.autocast:
            return 4
        if self.rank:
            return 2 if self.bits < 16 else 4
        return self.bits // 8

    @property
    def kept_bytes(self) -> float:
        """Of the optimizer for each trained parameter."""
        size = self.trained_bytes
        return {"adamw": 2.0 * size, "muon": 1.0 * size, "8bit": 2.0, "none": 0.0}[self.optimizer]

    @property
    def frozen(self) -> float:
        """Bytes of the weights that an adapter stands on; quantisation leaves embeddings, and adds its constants."""
        outside = self.parameters - self.shape.block()
        constants = 0.5 if self.bits < 16 else 0.0  # bits a weight
        return (self.shape.block() * (self.bits + constants) + outside * max(self.bits, 16)) / 8 if self.rank else 0.0

    @property
    def compute(self) -> int:
        """Bytes of an activation."""
        return 2 if self.autocast or self.bits <= 16 else 4

    @property
    def stream(self) -> int:
        """Bytes of a value between blocks: as the embedding, which autocast leaves, and FSDP2 casts."""
        return 4 if self.bits == 32 and not (self.sharded and self.autocast) else 2

    @property
    def parts_of_state(self) -> int:
        return self.devices if self.sharded else 1
