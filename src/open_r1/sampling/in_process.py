"""Completions drawn in this process with transformers: the engine of a laptop, and of models too small to be worth a
server.

Problems of like length share a batch (`store.py` sorts them), and completions that have ended leave it: on a CPU a
batch costs what its living rows cost, so one long completion among short ones is nearly free.
"""

from typing import Any

from ..core.hub import called
from ..data.models import load_model
from ..data.tokenizer import load_tokenizer
from .arguments import Sampling
from .engines import Draw, Part, Save
from .prompts import cut_at, format_of, part_seed, render


class TransformersEngine:
    """
    A model in this process.

    Args:
        model (`str`):
            Artifact directory or Hub id.
        response_format (`str`):
            `zero` or `r1`.
        sampling (`Sampling`):
            How to draw.
        chat_template (`str`, *optional*):
            A `.jinja` file in place of the model's own template.
    """

    def __init__(self, model: str, response_format: str, sampling: Sampling, chat_template: str | None = None):
        import torch
        from transformers import AutoModelForCausalLM, GenerationConfig

        self.name, self.sampling = called(model), sampling
        trusted: dict[str, Any] = {"trust_remote_code": sampling.trust_remote_code}
        self.tokenizer = load_tokenizer(model, chat_template, **trusted)
        if self.tokenizer.pad_token is None:
            self.tokenizer.pad_token = self.tokenizer.eos_token
        device = "cuda" if torch.cuda.is_available() else "cpu"
        self.model = load_model(model, AutoModelForCausalLM, dtype=sampling.dtype, **trusted).to(device).eval()
        self.response_format = format_of(response_format, self.tokenizer, sampling)
        stops = self.model.generation_config.eos_token_id
        self.stops = {*(stops if isinstance(stops, list) else [stops]), self.tokenizer.eos_token_id} - {None}
        # the recipe says how to draw, all of it: a model's own penalties and limits stay out
        self.model.generation_config = GenerationConfig(eos_token_id=sorted(self.stops))

    def draw_parts(self, parts: list[Part], save: Save) -> None:
        """Draws parts one after the other, each with its own seed."""
        for part in parts:
            seed = part_seed(self.sampling.seed, part.number)
            prompts = [render(self.tokenizer, problem["prompt"], self.sampling) for problem, _ in part.jobs]
            save(
                part,
                [Draw(prompt, *found, seed) for prompt, found in zip(prompts, self.draw(prompts, seed), strict=True)],
            )

    def draw(self, prompts: list[str], seed: int) -> list[tuple[str, int, str]]:
        """Text, number of tokens and finish reason, for one completion of each prompt."""
        import torch

        torch.manual_seed(seed)
        inputs = self.tokenizer(prompts, return_tensors="pt", padding=True, add_special_tokens=False).to(
            self.model.device
        )
        found = []
        for ids in self.sample(inputs["input_ids"], inputs["attention_mask"]):
            length = next((i + 1 for i, token in enumerate(ids) if token in self.stops), len(ids))
            text, stopped = cut_at(self.tokenizer.decode(ids[:length], skip_special_tokens=True), self.sampling.stop)
            found.append((text, length, "stop" if stopped or ids[length - 1] in self.stops else "length"))
        return found

    def sample(self, ids: Any, mask: Any) -> list[list[int]]:
        """New token ids of each row; `ids` and `mask` are (B, prompt tokens), padded on the left."""
        import torch

        chosen, start, left = self.sampling, ids.shape[1], self.sampling.max_new_tokens
        how: dict[str, Any] = {"do_sample": True, "temperature": chosen.temperature, "top_p": chosen.top_p, "top_k": 0}
        how = how if chosen.temperature > 0 else {"do_sample": False}
        how |= {"stop_strings": chosen.stop, "tokenizer": self.tokenizer} if chosen.stop else {}
        how |= {"pad_token_id": self.tokenizer.pad_token_id, "return_dict_in_generate": True}
        rows, cache = list(range(len(ids))), None
        done: dict[int, list[int]] = {}
        while rows:
            step = min(chosen.segment, left)
            with torch.inference_mode():
                output = self.model.generate(
                    input_ids=ids, attention_mask=mask, past_key_values=cache, max_new_tokens=step, **how
                )
            new, ids, cache = output.sequences[:, ids.shape[1] :], output.sequences, output.past_key_values
            mask = torch.cat([mask, mask.new_ones(new.shape)], dim=1)
            left -= step
            living = [n for n in range(len(rows)) if left > 0 and not self.ended(ids[n, start:])]
            done |= {rows[n]: ids[n, start:].tolist() for n in range(len(rows)) if n not in living}
            if rows := [rows[n] for n in living]:
                kept = torch.tensor(living, device=ids.device)
                ids, mask = ids[kept], mask[kept]
                cache.batch_select_indices(kept)
        return [done[row] for row in sorted(done)]

    def ended(self, ids: Any) -> bool:
        """Whether one row's new tokens hold an end."""
        if any(token in self.stops for token in ids[-self.sampling.segment :].tolist()):
            return True
        return (
            bool(self.sampling.stop)
            and cut_at(self.tokenizer.decode(ids, skip_special_tokens=True), self.sampling.stop)[1]
        )
