"""Completions drawn with vLLM in this process, for one GPU machine without servers (extra `vllm`). Written after
vLLM's documentation; NOT run by us yet, for want of a GPU.
"""

from typing import Any

from ..core.errors import ArtifactError
from ..core.rows import Row
from ..data.tokenizer import load_tokenizer
from .arguments import Sampling
from .engines import Draw, Part, Save
from .prompts import format_of, read_examples, render, sample_seed, without_bos

GROUP = 16  # parts handed over at once: vLLM schedules their completions itself


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
        try:
            from vllm import LLM
        except ImportError:
            raise ArtifactError(
                "`engine: vllm` needs vLLM", "pip install 'open_r1[vllm]', or use `engine: server`"
            ) from None
        self.name, self.sampling = model, sampling
        trusted: dict[str, Any] = {"trust_remote_code": sampling.trust_remote_code}
        self.tokenizer, self.examples = (
            load_tokenizer(model, chat_template, **trusted),
            read_examples(sampling.few_shot),
        )
        self.response_format = format_of(response_format, self.tokenizer, sampling)
        self.model = LLM(model=model, dtype=sampling.dtype, **trusted | sampling.extra)

    def draw_parts(self, parts: list[Part], save: Save) -> None:
        """Draws some parts at a time; every completion has its own seed."""
        for start in range(0, len(parts), GROUP):
            group = parts[start : start + GROUP]
            jobs = [job for part in group for job in part.jobs]
            draws = iter(self.draw(jobs))
            for part in group:
                save(part, [next(draws) for _ in part.jobs])

    def draw(self, jobs: list[tuple[Row, int]]) -> list[Draw]:
        from vllm import SamplingParams

        chosen = self.sampling
        prompts = [
            without_bos(self.tokenizer, render(self.tokenizer, job[0]["prompt"], chosen, self.examples))
            for job in jobs
        ]
        seeds = [sample_seed(chosen.seed, problem["problem_id"], sample) for problem, sample in jobs]
        how = {
            "temperature": chosen.temperature,
            "top_p": chosen.top_p,
            "max_tokens": chosen.max_new_tokens,
            "stop": chosen.stop or None,
        }
        outputs = self.model.generate(prompts, [SamplingParams(seed=seed, **how) for seed in seeds])
        found = [output.outputs[0] for output in outputs]
        return [
            Draw(prompt, one.text, len(one.token_ids), "length" if one.finish_reason == "length" else "stop", seed)
            for prompt, one, seed in zip(prompts, found, seeds, strict=True)
        ]
