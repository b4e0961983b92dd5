"""
Prompts as a model reads them: the chat template, a system prompt, worked examples before the question, the start of
the response. The paper evaluates without the first two of these (section 3: few-shot prompting degrades R1).
"""

import functools
import random
from typing import TYPE_CHECKING, Any

from ..core.errors import RecipeError
from ..core.formats import OPEN, ResponseFormat, render_prompt
from ..core.yaml_files import read_entries
from .arguments import Sampling

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


def read_examples(file: str) -> list[dict[str, str]]:
    """
    Worked examples that stand before every question.

    Args:
        file (`str`):
            YAML: a list of `{prompt: ..., response: ...}`; empty for none.

    Returns:
        `list[dict]`: messages, the user's and the assistant's in turn.
    """
    pairs = [tuple(entry.values()) for entry in read_entries(file, ("prompt", "response"), "few_shot")]
    return [
        {"role": role, "content": text}
        for pair in pairs
        for role, text in zip(("user", "assistant"), pair, strict=True)
    ]


@functools.cache
def examples_of(file: str, shots: int | None) -> list[dict[str, str]]:
    """The messages of the first examples of a file; raises `RecipeError` where it has fewer."""
    found = read_examples(file)
    if shots is not None and 2 * shots > len(found):
        raise RecipeError(
            f"`shots: {shots}`, but few_shot {file or '(none)'} has {len(found) // 2} examples",
            "add some, or lower it",
        )
    return found if shots is None else found[: 2 * shots]


def conversation(messages: list[dict[str, str]], sampling: Sampling) -> list[dict[str, str]]:
    """All that a model is shown: the system prompt, if there is one, then the examples, then the rest."""
    head = 1 if messages and messages[0]["role"] == "system" else 0
    system = [{"role": "system", "content": sampling.system}] if sampling.system else messages[:head]
    return [*system, *examples_of(sampling.few_shot, sampling.shots), *messages[head:]]


def render(tokenizer: "PreTrainedTokenizerBase", messages: list[dict[str, str]], sampling: Sampling) -> str:
    """The whole prompt as text, the response's given start included."""
    return render_prompt(tokenizer, conversation(messages, sampling)) + sampling.prefill


def without_bos(tokenizer: "PreTrainedTokenizerBase", prompt: str) -> str:
    """A prompt without the begin token, where servers, which tokenize it, will add that themselves."""
    begin = tokenizer.bos_token
    adds = begin and tokenizer("x")["input_ids"][:1] == [tokenizer.bos_token_id]
    return prompt.removeprefix(begin) if adds else prompt


def format_of(name: Any, tokenizer: "PreTrainedTokenizerBase", sampling: Sampling) -> ResponseFormat:
    """The response format after such prompts: with a prefilled `<think>`, or without."""
    prompt = render(tokenizer, [{"role": "user", "content": "x"}], sampling)
    return ResponseFormat(name, prompt.rstrip().endswith(OPEN))


def part_seed(seed: int, part: int) -> int:
    """Seed of one part: any two parts, of any two seeds, draw different numbers."""
    return random.Random(f"{seed}/{part}").getrandbits(31)


def sample_seed(seed: int, problem: str, sample: int) -> int:
    """Seed of one completion, whatever part it stands in."""
    return random.Random(f"{seed}/{problem}/{sample}").getrandbits(31)


def cut_at(text: str, stops: list[str]) -> tuple[str, bool]:
    """A text up to the first stop string, and whether there was one."""
    places = [place for place in (text.find(stop) for stop in stops) if place >= 0]
    return (text[: min(places)], True) if places else (text, False)
