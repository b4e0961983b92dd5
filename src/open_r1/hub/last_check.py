"""The last check before a model is published: what lies on the disk is loaded as somebody else would load it, asked a
few prompts, and must end its answers by itself.

Most models that disappoint those who download them were saved wrongly, not trained wrongly: an end token that is not
in the generation config, so that they ramble; another precision than the config says; a template that closes the
reasoning; an adapter that names a folder of the machine that it was trained on. All of this is cheap to see here.
"""

import json
from pathlib import Path
from typing import Any, NamedTuple

from ..core.errors import ArtifactError
from ..core.formats import render_prompt
from ..core.inputs import is_adapter
from ..data.models import load_model
from ..training.adapters import FOLDER
from ..training.saving import PROMPTS, quiet, require_loadable
from .saved_files import (
    base_is_here,
    ids_of,
    is_classifier,
    read_recipe,
    require_base,
    require_format,
    require_sampling,
    require_template,
    require_tied,
    require_weights,
    told,
)

SECONDS = 900.0  # that the generation may take; a CPU needs it for a small model, a GPU a moment
SEED = 0
SPARE = 1.3  # times the size of the weights that must be free on the GPUs
SHOWN = 120  # characters of a completion in an error


class Sample(NamedTuple):
    """
    What a model answered.

    Attributes:
        prompt (`list[dict]`): Messages.
        completion (`str`): Its text, or the score of a reward model.
        tokens (`int`): Of the completion; of the whole conversation for a reward model.
        stopped (`bool`): Whether it ended by itself.
    """

    prompt: list[dict[str, str]]
    completion: str
    tokens: int
    stopped: bool


def check_model(directory: Path, must_stop: int = 8) -> list[Sample]:
    """
    Loads a saved model from its directory and makes sure that others can use it.

    Args:
        directory (`Path`):
            The model or adapter, with `prompts.json`.
        must_stop (`int`, *optional*, defaults to 8):
            How many of the completions must end by themselves.

    Returns:
        `list[Sample]`: the completions, or the scores of a reward model; none for an adapter whose base is not on this
        machine. Raises `ArtifactError` with the first reason not to publish it.
    """
    from transformers import AutoTokenizer

    directory = Path(directory)
    recipe = read_recipe(directory)
    trusted = bool(recipe.get("trust_remote_code"))
    require_loadable(directory, trusted)
    require_weights(directory)
    for place in (directory, directory / FOLDER):
        require_base(place, recipe)
    prompts, longest = read_prompts(directory)
    tokenizer: Any = AutoTokenizer.from_pretrained(directory, padding_side="left", trust_remote_code=trusted)
    tokenizer.pad_token = tokenizer.pad_token or tokenizer.eos_token
    require_template(directory, tokenizer)
    scores = is_classifier(directory)
    if not scores:
        require_format(directory, tokenizer, recipe)
        require_sampling(directory, tokenizer)
    if not base_is_here(directory):
        print(
            f"notice: {directory}: the adapter's base is not on this machine, so no completion was drawn", flush=True
        )
        return []
    with told(directory, "does not run"), quiet():
        model = load(directory, scores, trusted)
        require_tied(directory, model, trusted)
        if scores:
            return score(directory, model, tokenizer, prompts)
        samples = draw(model, tokenizer, prompts, longest)
    require_ends(directory, samples, min(must_stop, len(samples)), longest)
    return samples


def read_prompts(directory: Path) -> tuple[list[list[dict[str, str]]], int]:
    """The prompts that training has left for this check, and how many tokens an answer may have."""
    with told(
        directory / PROMPTS, "is not usable", 'it is written by training: {"prompts": [...], "max_new_tokens": N}'
    ):
        found = json.loads((directory / PROMPTS).read_text(encoding="utf-8"))
        prompts, longest = found["prompts"], int(found["max_new_tokens"])
        if not prompts or longest < 1:
            raise ValueError("it has no prompts" if not prompts else f"`max_new_tokens: {longest}`")
        return prompts, longest


def load(directory: Path, scores: bool, trusted: bool) -> Any:
    """The model, as its user would load it: on the GPUs where they have room, else on the CPU."""
    from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification

    kind: Any = AutoModelForSequenceClassification if scores else AutoModelForCausalLM
    options: dict[str, Any] = {"num_labels": 1} if scores and is_adapter(directory) else {}
    options |= {"device_map": "auto"} if gpus_have_room(directory) else {}
    return load_model(str(directory), kind, dtype="auto", trust_remote_code=trusted, **options).eval()


def gpus_have_room(directory: Path) -> bool:
    import torch

    size = sum(file.stat().st_size for file in directory.glob("*.safetensors"))
    free = sum(torch.cuda.mem_get_info(n)[0] for n in range(torch.cuda.device_count()))
    return free > SPARE * size


def draw(model: Any, tokenizer: Any, prompts: list[list[dict[str, str]]], longest: int) -> list[Sample]:
    """One completion of each prompt, in one batch, as the saved generation config says."""
    import torch

    asked = [prompt if isinstance(prompt, str) else render_prompt(tokenizer, prompt) for prompt in prompts]
    inputs = tokenizer(asked, return_tensors="pt", padding=True, add_special_tokens=False).to(model.device)
    inputs.pop("token_type_ids", None)
    ends = ids_of(model.generation_config.eos_token_id)
    with torch.random.fork_rng(), torch.inference_mode():
        torch.manual_seed(SEED)
        output = model.generate(**inputs, max_new_tokens=longest, max_time=SECONDS)
    samples = []
    for prompt, ids in zip(prompts, output[:, inputs["input_ids"].shape[1] :].tolist(), strict=True):
        length = next((n + 1 for n, token in enumerate(ids) if token in ends), 0)
        text = tokenizer.decode(ids[: length or len(ids)], skip_special_tokens=True)
        asked_for = [{"role": "user", "content": prompt}] if isinstance(prompt, str) else prompt
        samples.append(Sample(asked_for, text, length or len(ids), bool(length)))
    return samples


def require_ends(directory: Path, samples: list[Sample], wanted: int, longest: int) -> None:
    """Raises `ArtifactError` where too few completions ended by themselves, and shows one that did not."""
    open_ones = [sample for sample in samples if not sample.stopped]
    if len(samples) - len(open_ones) >= wanted:
        return
    late = max(sample.tokens for sample in open_ones) < longest
    limit = f"within {SECONDS:g} seconds" if late else f"within {longest} tokens"
    begins = " ".join(open_ones[0].completion.split())[:SHOWN]
    message = f"{directory}: {len(samples) - len(open_ones)} of {len(samples)} completions ended by themselves {limit}"
    hint = "push from a machine with a free GPU" if late else "train longer, or with an end token that the loss covers"
    raise ArtifactError(f"{message}, {wanted} must; one that did not begins {begins!r}", hint)


def score(directory: Path, model: Any, tokenizer: Any, prompts: list[list[dict[str, str]]]) -> list[Sample]:
    """The score of each conversation; raises `ArtifactError` for one that is no number."""
    import torch

    texts = [tokenizer.apply_chat_template(prompt, tokenize=False) for prompt in prompts]
    inputs = tokenizer(texts, return_tensors="pt", padding=True, add_special_tokens=False).to(model.device)
    with torch.inference_mode():
        scores = model(input_ids=inputs["input_ids"], attention_mask=inputs["attention_mask"]).logits[:, 0].float()
    if not torch.isfinite(scores).all():
        wrong = int((~torch.isfinite(scores)).sum())
        raise ArtifactError(f"{directory}: {wrong} of {len(scores)} scores are no numbers", "publish an earlier step")
    lengths = inputs["attention_mask"].sum(1).tolist()
    return [
        Sample(prompt, f"{value:.4f}", n, True)
        for prompt, value, n in zip(prompts, scores.tolist(), lengths, strict=True)
    ]
