"""Does vLLM draw from weights that follow the training's?

Weights reach vLLM before every rollout, by ways that have failed without a word (FSDP2, adapters, a server that took
none), and a run then trains for hours on what an old policy wrote. So after each rollout's steps vLLM is asked for the
log-probabilities of one short text. They depend on nothing but its weights: where the training's weights have moved
and these numbers are bit for bit the same, twice in a row, vLLM has kept the old ones: no tolerance to choose. One
case looks the same and is none: weights in float32 here and in 16 bits there, and a learning rate that has decayed to
almost nothing; `vllm_canary_rollouts: 0` switches the question off. How far vLLM's log-probabilities are from the
trainer's is another question, which TRL's `sampling/sampling_logp_difference` answers in the log.
"""

from typing import TYPE_CHECKING, Any

import torch
from transformers import TrainerCallback

from ..core.errors import EndpointError
from ..core.formats import render_prompt
from .ranks import any_rank

if TYPE_CHECKING:
    from trl import GRPOTrainer

LENGTH = 64  # tokens of the text
PATIENCE = 2  # the same answer so many times in a row is no chance


class Canary(TrainerCallback):
    """
    Stops all ranks, with a checkpoint, once vLLM's weights no longer change although the training's do.

    Args:
        trainer (`GRPOTrainer`): With vLLM.
        window (`int`): Steps that one rollout feeds.
        every (`int`): Rollouts between two questions.

    Attributes:
        found (`EndpointError` or `None`): Why the run was stopped.
    """

    def __init__(self, trainer: "GRPOTrainer", window: int, every: int):
        self.trainer, self.window, self.every = trainer, window, every
        self.text = prompt_ids(trainer)
        self.found: EndpointError | None = None
        self.now = 0.0  # what the training's weights add up to at the end of the last rollout's steps: vLLM has these
        # what the weights that vLLM should have had at the last question add up to; its answer
        self.asked: tuple[float, list[float]] | None = None
        self.since, self.same = 0, 0  # the step whose weights it was seen to have first, and how often again

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self.now = weights_sum(self.trainer.model)

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if state.global_step % self.window:
            return
        expected, self.now = self.now, weights_sum(self.trainer.model)
        if state.global_step % (self.window * self.every):
            return
        answer, before = answers(self.trainer, self.text), self.asked
        self.asked = (expected, answer)
        moved = any_rank(before is not None and expected != before[0], args.device)
        kept = moved and before is not None and answer == before[1] != []
        if not any_rank(kept, args.device):
            self.since, self.same = state.global_step - self.window, 0
            return
        self.same += 1
        if self.same == PATIENCE:
            message = f"vLLM's weights have not changed since step {self.since}, and the training's have"
            hint = "the checkpoint is kept: see the log of vLLM, start it again, and run this again"
            self.found = EndpointError(message, hint)
            control.should_save = control.should_training_stop = True


def prompt_ids(trainer: "GRPOTrainer") -> list[int]:
    """The text: the start of the first prompt."""
    text = render_prompt(trainer.processing_class, trainer.train_dataset[0]["prompt"])
    return trainer.processing_class(text, add_special_tokens=False)["input_ids"][:LENGTH]


def weights_sum(model: torch.nn.Module) -> float:
    """A number that changes with the weights that are trained, of the part that this rank holds."""
    trained = [weight.detach() for weight in model.parameters() if weight.requires_grad]
    parts = [weight.to_local() if hasattr(weight, "to_local") else weight for weight in trained]
    return float(sum(part.sum(dtype=torch.float64) for part in parts))


def answers(trainer: "GRPOTrainer", text: list[int]) -> list[float]:
    """vLLM's log-probabilities of a text; none on a rank that asks no vLLM, and while it sleeps without weights."""
    generation = trainer.vllm_generation
    if generation.mode == "server":
        if not trainer.accelerator.is_main_process:
            return []
        found = generation.vllm_client.get_sequence_logprobs([text], prompt_lengths=[1], top_logprobs=1)
        return [value for (value,) in found["actual_logprobs"][0]]
    if generation.enable_sleep_mode:
        return []
    from vllm import SamplingParams

    sampling = SamplingParams(max_tokens=1, temperature=0.0, prompt_logprobs=0)
    (output,) = generation.llm.generate([{"prompt_token_ids": text}], sampling, use_tqdm=False)
    positions = zip(text[1:], output.prompt_logprobs[1:], strict=True)
    return [position[token].logprob for token, position in positions]
