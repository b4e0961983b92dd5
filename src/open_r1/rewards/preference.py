"""Reward models (paper section 2.3.4): helpful reads the final summary only, safety reads the whole response."""

from typing import Any

from ..core.artifacts import require_model
from ..core.formats import Response, ResponseFormat
from ..data.models import load_model
from .base import Reward, Row


class PreferenceReward(Reward):
    """
    Scores responses with a sequence classifier of one output, squashed to (0, 1).

    Args:
        response_format (`ResponseFormat`):
            How the policy writes.
        model (`str`):
            Directory or Hub id of the reward model.
        options (`dict`):
            Settings of [`Reward`].
    """

    def __init__(self, response_format: ResponseFormat, model: str, **options: Any):
        super().__init__(response_format, **options)
        require_model(model)
        self.path, self._loaded = model, None

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_loaded": None}  # weights stay behind when the reward is pickled

    def visible(self, response: Response) -> str | None:
        """The part of a response that this reward model may see."""
        raise NotImplementedError

    def score_batch(self, responses: list[Response], rows: list[Row]) -> list[float]:
        import torch

        model, tokenizer = self._load()
        parts = [self.visible(response) for response in responses]
        texts = [
            tokenizer.apply_chat_template(
                [*row["prompt"], {"role": "assistant", "content": part or ""}], tokenize=False
            )
            for row, part in zip(rows, parts, strict=True)
        ]
        inputs = tokenizer(texts, return_tensors="pt", padding=True, padding_side="right", add_special_tokens=False)
        with torch.inference_mode():
            scores = model(**inputs.to(model.device)).logits[:, 0].float().sigmoid().tolist()  # (B,)
        # nothing to read pays nothing
        return [score if part else 0.0 for score, part in zip(scores, parts, strict=True)]

    def _load(self) -> tuple[Any, Any]:
        if self._loaded is None:
            import torch
            from transformers import AutoModelForSequenceClassification, AutoTokenizer

            device = "cuda" if torch.cuda.is_available() else "cpu"
            model = load_model(self.path, AutoModelForSequenceClassification, num_labels=1).to(device).eval()
            tokenizer = AutoTokenizer.from_pretrained(self.path)  # its padding as it was trained, whatever that is
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
