r"""What a response looks like: the only place that knows the tags.

- `zero` (R1-Zero, paper section 2.2.3): `<think> reasoning </think> <answer> answer </answer>`
- `r1` (R1, section 2.3): `<think> reasoning </think>` and then a summary, in mathematics with the answer in `\boxed{}`

A chat template may end the prompt with `<think>` ("prefilled"), and then the sampled text starts inside the reasoning.
Rewards, curation and evaluation read responses through `ResponseFormat.read` and nothing else.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from .answers import short_answer
from .errors import RecipeError

OPEN, CLOSE = "<think>", "</think>"
SHAPES = {
    "zero": re.compile(r"\s*<think>(?P<reasoning>.*)</think>\s*<answer>(?P<final>.*)</answer>\s*", re.DOTALL),
    "r1": re.compile(r"\s*<think>(?P<reasoning>.*)</think>\s*(?P<final>\S.*)", re.DOTALL),
}
TAGS = {"zero": (OPEN, CLOSE, "<answer>", "</answer>"), "r1": (OPEN, CLOSE)}


@dataclass(frozen=True)
class Response:
    """
    A response in its parts.

    Attributes:
        text (`str`): The whole response, a prefilled `<think>` included.
        valid (`bool`): Whether it has exactly the shape of its format, with reasoning and an answer that are not
        empty.
        reasoning (`str`): What was thought, without tags; everything but the final part if the shape is not valid.
        final (`str` or `None`): What the user reads - content of `<answer>`, or the summary; `None` if it never comes.
        answer (`str` or `None`): The short answer to check: last `\\boxed{}` of the final part, else all of it in
        `zero`.
    """

    text: str
    valid: bool
    reasoning: str
    final: str | None
    answer: str | None


@dataclass(frozen=True)
class ResponseFormat:
    """
    How one model writes.

    Args:
        name (`str`):
            `zero` or `r1`.
        prefilled (`bool`, *optional*, defaults to `False`):
            Whether the prompt already ends with `<think>`.
    """

    name: Literal["zero", "r1"]
    prefilled: bool = False

    @classmethod
    def of(cls, name: Literal["zero", "r1"], tokenizer: Any) -> "ResponseFormat":
        """The format as this tokenizer's chat template prompts for it."""
        prompt = render_prompt(tokenizer, [{"role": "user", "content": "x"}])
        return cls(name, prompt.rstrip().endswith(OPEN))

    def read(self, completion: str) -> Response:
        """
        Takes a sampled completion apart. Answers are read after the reasoning only: unfinished reasoning has none.
        """
        text = OPEN + completion if self.prefilled else completion
        # first: with repeated tags the pattern takes quadratic time
        once = all(text.count(tag) == 1 for tag in TAGS[self.name])
        match = SHAPES[self.name].fullmatch(text) if once else None
        parts = {name: part.strip() for name, part in match.groupdict().items()} if match else {}
        valid = bool(match) and all(parts.values())
        reasoning, final = (parts["reasoning"], parts["final"]) if valid else self._salvage(text)
        return Response(text, valid, reasoning, final, short_answer(final, tagged=self.name == "zero"))

    def _salvage(self, text: str) -> tuple[str, str | None]:
        """
        Reasoning and final part of a response with another shape: wrong tags cost the format reward, not the answer.
        """
        before, closed, after = text.rpartition(CLOSE)
        if not closed and OPEN in text:
            return text.replace(OPEN, " ").strip(), None
        tail = after if closed else text
        if self.name == "zero":
            opened = tail[: max(tail.rfind("</answer>"), 0)].rpartition("<answer>")
            final = opened[2].strip() if opened[1] else None
        else:
            final = tail.strip() or None
        return (before if closed else tail).replace(OPEN, " ").strip(), final or None

    def write(self, reasoning: str, final: str) -> str:
        """A response of this format, as it stands in training data (a prefilled tag included)."""
        end = f"<answer> {final} </answer>" if self.name == "zero" else final
        return f"{OPEN} {reasoning} {CLOSE} {end}"


def read_response(text: Any) -> Response:
    """
    Reads a text of unknown format: `zero` if it has answer tags, else `r1`. What is no string is an empty response.
    """
    text = text if isinstance(text, str) else ""
    return ResponseFormat("zero" if "<answer>" in text else "r1").read(text)


def completion_text(completion: Any) -> str:
    """Text of a TRL completion or prompt: a string, or the last of its messages."""
    return completion if isinstance(completion, str) else completion[-1]["content"]


def render_prompt(tokenizer: Any, messages: list[dict[str, str]], template: str | None = None) -> str:
    """The prompt exactly as the model reads it; `template` stands in for the tokenizer's own."""
    return tokenizer.apply_chat_template(messages, chat_template=template, tokenize=False, add_generation_prompt=True)


def render_row(tokenizer: Any, row: dict[str, Any], template: str | None = None) -> tuple[str, str]:
    """
    What is trained on one row.

    Args:
        tokenizer (`PreTrainedTokenizer`):
            Renders it.
        row (`dict`):
            With `prompt` (messages) and `response`.
        template (`str`, *optional*):
            Chat template for training, in place of the tokenizer's own.

    Returns:
        `tuple[str, str]`: the prompt, and the whole conversation that begins with it.
    """
    messages = [*row["prompt"], {"role": "assistant", "content": row["response"]}]
    whole = tokenizer.apply_chat_template(messages, chat_template=template, tokenize=False)
    return render_prompt(tokenizer, row["prompt"], template), whole


def check_rendering(tokenizer: Any, row: dict[str, Any], template: str | None = None) -> None:
    """
    Raises `RecipeError` where a model would learn from this row what it is never asked for: without its reasoning or
    its end, or after another prompt than the one that it will be served.
    """
    prompt, text = render_row(tokenizer, row, template)
    reasons = CLOSE in row["response"]
    if reasons and row["response"].partition(CLOSE)[0].rpartition(OPEN)[2].strip() not in text:
        raise RecipeError(
            "the chat template removes the reasoning from the training text",
            "use recipes/templates/chatml/r1.jinja, or that of your model's dialect",
        )
    if not text.startswith(prompt):
        why = f": it prefills {OPEN}, and this row has none" if prompt.rstrip().endswith(OPEN) and not reasons else ""
        raise RecipeError(
            f"the rendered prompt is no prefix of the rendered conversation{why}",
            "set `training_template` to one that prefills nothing, or make the chat template consistent",
        )
    if tokenizer.eos_token not in text[len(prompt) :]:
        end = turn_end(tokenizer)
        raise RecipeError(
            f"the chat template never writes the end token {tokenizer.eos_token}",
            f"set `eos_token: {end}`" if end else "set `eos_token`, or end turns with it",
        )
    check_served_prompt(tokenizer, row, text)


def turn_end(tokenizer: Any) -> str | None:
    """The special token that the chat template writes after a response; `None` where it writes none."""
    marker = "THE-RESPONSE"
    messages = [{"role": "user", "content": "x"}, {"role": "assistant", "content": marker}]
    tail = tokenizer.apply_chat_template(messages, tokenize=False).partition(marker)[2]
    written = filter(tail.count, map(str, tokenizer.added_tokens_decoder.values()))
    return min(written, key=tail.find, default=None)


def check_served_prompt(tokenizer: Any, row: dict[str, Any], text: str) -> None:
    """Raises `RecipeError` unless the trained tokens begin with those of the prompt that the model will be served."""
    served = render_prompt(tokenizer, row["prompt"])
    if CLOSE not in row["response"] and served.rstrip().endswith(OPEN):
        served = served.rstrip().removesuffix(OPEN)  # a row without reasoning cannot hold the prefilled tag
    beginning = text[: len(served) + 100]  # with what may merge with the prompt's last token
    asked, trained = (tokenizer(part, add_special_tokens=False)["input_ids"] for part in (served, beginning))
    for at, (one, other) in enumerate(zip(asked, trained, strict=False)):
        if one != other:
            seen = [repr(tokenizer.decode(ids[max(0, at - 3) : at + 3])) for ids in (asked, trained)]
            raise RecipeError(
                f"the served prompt and the training text part at token {at}: {seen[0]} is served, {seen[1]} trained",
                "let `chat_template` and `training_template` write the same text up to the first sampled token",
            )


def read_template(file: str) -> str:
    """A chat template from a `.jinja` file."""
    if not Path(file).is_file():
        raise RecipeError(f"chat_template {file} does not exist", "give the path of a .jinja file")
    return Path(file).read_text(encoding="utf-8").rstrip("\n")
