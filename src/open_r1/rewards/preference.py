"""
Reward models (paper section 2.3.4): helpful reads the final summary only, safety reads the whole response.

A model is loaded once per rank; one that is too large for that is served (`url`), and every rank asks the server.
"""

import asyncio
from typing import Any

from ..core.endpoints import Endpoint, RequestError, check_urls
from ..core.errors import RecipeError
from ..core.formats import Response, ResponseFormat
from ..core.inputs import require_model
from ..data.models import load_model
from .base import Reward, Row


def batches_by_length(lengths: list[int], most: int) -> list[list[int]]:
    """
    Groups texts of like length, so that padding costs little and no batch is larger than the memory allows.

    Args:
        lengths (`list[int]`):
            Tokens of each text.
        most (`int`):
            Tokens of a batch, padding included; a longer text is a batch by itself.

    Returns:
        `list[list[int]]`: indices of the texts, each once.
    """
    batches: list[list[int]] = []
    for index in sorted(range(len(lengths)), key=lengths.__getitem__, reverse=True):
        if batches and lengths[batches[-1][0]] * (len(batches[-1]) + 1) <= most:
            batches[-1].append(index)
        else:
            batches.append([index])
    return batches


class PreferenceReward(Reward):
    """
    Scores responses with a sequence classifier of one output, squashed to (0, 1).

    Args:
        response_format (`ResponseFormat`):
            How the policy writes.
        model (`str`):
            Directory or Hub id of the reward model; with `url`, its name there.
        batch_tokens (`int`, *optional*, defaults to `32768`):
            Tokens of one forward pass, padding included.
        url (`str` or `list[str]`, *optional*):
            Servers of the model with vLLM's `/classify`, such as `http://localhost:8000`; the model is then not loaded
            here.
        tokenizer (`str`, *optional*):
            With `url`: directory or Hub id of the model's tokenizer, which holds the chat template.
        key_variable (`str`), concurrency (`int`), timeout (`float`), retries (`int`), *optional*:
            How the servers are asked, see [`Endpoint`].
        options (`dict`):
            Settings of [`Reward`].
    """

    def __init__(
        self,
        response_format: ResponseFormat,
        model: str,
        batch_tokens: int = 32768,
        url: str | list[str] | None = None,
        tokenizer: str | None = None,
        key_variable: str = "OPENAI_API_KEY",
        concurrency: int = 16,
        timeout: float = 60.0,
        retries: int = 4,
        **options: Any,
    ):
        super().__init__(response_format, **options)
        if batch_tokens < 1:
            raise RecipeError(f"reward `{self.__name__}`: `batch_tokens: {batch_tokens}`", "give a positive number")
        if bool(url) != bool(tokenizer):
            raise RecipeError(
                f"reward `{self.__name__}`: `url` and `tokenizer` belong together",
                "give the servers' `url` and the `tokenizer` whose chat template is rendered here, or neither",
            )
        # /classify is beside /v1
        self.urls = [one.removesuffix("/v1") for one in check_urls(url)] if url else []
        require_model(tokenizer or model)
        self.path, self.tokenizer_path, self.batch_tokens = model, tokenizer or model, batch_tokens
        self.asking = (key_variable, concurrency, timeout, retries)
        self._loaded: tuple[Any, Any] | None = None

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_loaded": None}  # weights stay behind when the reward is pickled

    def visible(self, response: Response) -> str | None:
        """The part of a response that this reward model may see."""
        raise NotImplementedError

    def score_batch(self, responses: list[Response], rows: list[Row]) -> list[float | None]:
        model, tokenizer = self._load()
        parts = [self.visible(response) for response in responses]
        texts = [
            tokenizer.apply_chat_template([*row["prompt"], {"role": "assistant", "content": part}], tokenize=False)
            for row, part in zip(rows, parts, strict=True)
            if part
        ]
        scores = iter(asyncio.run(self._ask(texts)) if self.urls else self._forward(model, tokenizer, texts))
        return [next(scores) if part else 0.0 for part in parts]  # nothing to read pays nothing

    def _forward(self, model: Any, tokenizer: Any, texts: list[str]) -> list[float | None]:
        import torch

        rows = [tokenizer(text, add_special_tokens=False) for text in texts]
        scores: list[float | None] = [None] * len(texts)
        for batch in batches_by_length([len(row["input_ids"]) for row in rows], self.batch_tokens):
            inputs = tokenizer.pad([rows[i] for i in batch], padding_side="right", return_tensors="pt")
            with torch.inference_mode():
                logits = model(**inputs.to(model.device)).logits[:, 0]  # (B,)
            for index, score in zip(batch, logits.float().sigmoid().tolist(), strict=True):
                scores[index] = score
        return scores

    async def _ask(self, texts: list[str]) -> list[float | None]:
        """Scores from the servers; `None` where none came. A wrong address or key ends the run."""
        async with Endpoint(self.urls, *self.asking) as endpoint:
            scores = await asyncio.gather(*(self._ask_one(endpoint, text) for text in texts))
        self.counts |= {"failures": sum(score is None for score in scores)}
        return list(scores)

    async def _ask_one(self, endpoint: Endpoint, text: str) -> float | None:
        # the template has written the special tokens
        body = {"model": self.path, "input": text, "add_special_tokens": False}
        try:
            return await endpoint.post("/classify", body, lambda reply: float(reply["data"][0]["probs"][0]))
        except RequestError:
            return None

    def _load(self) -> tuple[Any, Any]:
        if self._loaded is None:
            import torch
            from transformers import AutoModelForSequenceClassification, AutoTokenizer

            model, tokenizer = None, AutoTokenizer.from_pretrained(self.tokenizer_path)
            if not self.urls:
                model = load_model(self.path, AutoModelForSequenceClassification, num_labels=1).eval()
                model.to("cuda" if torch.cuda.is_available() else "cpu")
                model.config.get_text_config().pad_token_id = tokenizer.pad_token_id  # an adapter's base knows none
            self._loaded = model, tokenizer
        return self._loaded


class HelpfulReward(PreferenceReward):
    """Judges the summary; the reasoning stays out of it, so that pleasing does not bend the reasoning."""

    def visible(self, response: Response) -> str | None:
        return response.final


class SafetyReward(PreferenceReward):
    """Judges everything that was written: harm can hide in the reasoning too."""

    def visible(self, response: Response) -> str | None:
        return response.text.strip()
