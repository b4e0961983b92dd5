"""Completions drawn with vLLM in this process: for one machine without servers (extra `vllm`).

vLLM schedules the completions itself, so many are handed over at once. Each has a seed of its own and draws what a
server of the same vLLM draws for it.
"""

import importlib.util
from typing import TYPE_CHECKING, Any

from ..core.errors import ArtifactError, RecipeError
from ..core.hub import called
from ..core.rows import Row
from ..data.tokenizer import load_tokenizer
from .arguments import Sampling
from .engines import Draw, Part, Save
from .prompts import format_of, render, sample_seed

if TYPE_CHECKING:
    from vllm import SamplingParams
    from vllm.outputs import CompletionOutput

GROUP = 16  # parts handed over at once


class VllmEngine:
    """
    A model in this process, run by vLLM.

    Args:
        model (`str`):
            Artifact directory or Hub id.
        response_format (`str`):
            `zero` or `r1`.
        sampling (`Sampling`):
            How to draw; its `extra` goes to `vllm.LLM`, such as `tensor_parallel_size`.
        chat_template (`str`, *optional*):
            A `.jinja` file in place of the model's own template.
    """

    def __init__(self, model: str, response_format: str, sampling: Sampling, chat_template: str | None = None):
        require_vllm("engine: vllm", "use `engine: transformers` or `engine: server`")
        from vllm import LLM

        self.name, self.sampling = called(model), sampling
        trusted: dict[str, Any] = {"trust_remote_code": sampling.trust_remote_code}
        self.tokenizer = load_tokenizer(model, chat_template, **trusted)
        self.response_format = format_of(response_format, self.tokenizer, sampling)
        try:
            self.model = LLM(model=model, dtype=sampling.dtype, **trusted | sampling.extra)
        except TypeError as error:
            raise RecipeError(f"`extra`: {error}", "with `engine: vllm` these are settings of `vllm.LLM`") from None
        self.context = self.model.model_config.max_model_len

    def draw_parts(self, parts: list[Part], save: Save) -> None:
        """Draws some parts at a time; every completion has its own seed."""
        for start in range(0, len(parts), GROUP):
            group = parts[start : start + GROUP]
            jobs = [job for part in group for job in part.jobs]
            draws = iter(self.draw(jobs))
            for part in group:
                save(part, [next(draws) for _ in part.jobs])

    def draw(self, jobs: list[tuple[Row, int]]) -> list[Draw]:
        """One completion for each; a prompt that leaves nothing of the context comes back as failed."""
        prompts = [render(self.tokenizer, problem["prompt"], self.sampling) for problem, _ in jobs]
        ids = [self.tokenizer(prompt, add_special_tokens=False)["input_ids"] for prompt in prompts]
        seeds = [sample_seed(self.sampling.seed, problem["problem_id"], sample) for problem, sample in jobs]
        fitting = [n for n in range(len(jobs)) if len(ids[n]) < self.context]
        outputs = self.model.generate(
            [{"prompt_token_ids": ids[n]} for n in fitting],
            [self.parameters(seeds[n], self.context - len(ids[n])) for n in fitting],
            use_tqdm=False,
        )
        found = {n: output.outputs[0] for n, output in zip(fitting, outputs, strict=True)}
        return [
            Draw(prompt, *read(found[n]), seeds[n])
            if n in found
            else Draw(prompt, "", 0, "failed", seeds[n], f"prompt of {len(ids[n])} tokens, context of {self.context}")
            for n, prompt in enumerate(prompts)
        ]

    def parameters(self, seed: int, left: int) -> "SamplingParams":
        """How to draw one completion, in what its prompt has left of the context."""
        from vllm import SamplingParams

        return SamplingParams(
            seed=seed,
            temperature=self.sampling.temperature,
            top_p=self.sampling.top_p,
            max_tokens=min(self.sampling.max_new_tokens, left),
            stop=self.sampling.stop or None,
        )


def read(output: "CompletionOutput") -> tuple[str, int, str]:
    """Text, number of tokens and finish reason."""
    return output.text, len(output.token_ids), "length" if output.finish_reason == "length" else "stop"


def require_vllm(what: str, instead: str) -> None:
    """Raises `ArtifactError` where vLLM is not installed and a recipe wants it."""
    if importlib.util.find_spec("vllm") is None:
        hint = f"pip install -e '.[vllm]' -c constraints-gpu.txt, or {instead}"
        raise ArtifactError(f"`{what}` needs vLLM", hint)
