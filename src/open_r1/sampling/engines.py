"""Where completions come from: this process with transformers, servers, or vLLM offline. All fill parts of the same
sample store.

An engine has `name`, `sampling`, `response_format` (how its texts are to be read) and `draw_parts(parts, save)`, which
calls `save(part, draws)` for each part as soon as all of its completions are there, from any thread.
"""

from typing import Any, NamedTuple

from ..core.errors import RecipeError

ENGINES = ("transformers", "server", "vllm")


class Draw(NamedTuple):
    """
    One completion.

    Attributes:
        prompt (`str`): What the model read; for a chat endpoint the question, since only the server knows the rest.
        text (`str`): What it wrote, without special tokens.
        tokens (`int`): How many tokens that was.
        finish_reason (`str`): `stop`, `length`, or `failed`: there is no completion, and `error` says why.
        seed (`int`): Of this completion, or of the part it was drawn with.
        error (`str`): Empty unless it failed.
    """

    prompt: str
    text: str
    tokens: int
    finish_reason: str
    seed: int
    error: str = ""


class Part(NamedTuple):
    """
    What is drawn and saved together: whole problems, so that a reader never sees half of one.

    Attributes:
        index (`int`): Its number in the store.
        jobs (`list[tuple[dict, int]]`): Problem and sample index of each completion.
    """

    index: int
    jobs: list[tuple[dict[str, Any], int]]


def make_engine(model: str, response_format: str, sampling: Any, chat_template: str | None = None) -> Any:
    """
    The engine that a recipe names.

    Args:
        model (`str`):
            Artifact directory or Hub id; for servers the name they serve it by.
        response_format (`str`):
            `zero` or `r1`.
        sampling (`Sampling`):
            How to draw; its `engine` is one of [`ENGINES`].
        chat_template (`str`, *optional*):
            A `.jinja` file in place of the model's own template.

    Returns:
        the engine.
    """
    if sampling.engine == "transformers":
        from .in_process import TransformersEngine as kind
    elif sampling.engine == "server":
        from .server import ServerEngine as kind
    elif sampling.engine == "vllm":
        from .vllm import VllmEngine as kind
    else:
        raise RecipeError(f"`engine: {sampling.engine}` is unknown", f"use one of {', '.join(ENGINES)}")
    return kind(model, response_format, sampling, chat_template)
