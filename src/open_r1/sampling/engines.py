"""Where completions come from: this process with transformers, servers, or vLLM offline. All fill parts of the same
sample store.

Here is what they have in common; `draw.py` makes the one that a recipe names.
"""

from collections.abc import Callable
from typing import NamedTuple, Protocol

from ..core.formats import ResponseFormat
from ..core.rows import Row
from .arguments import Sampling


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
        number (`int`): Its place in the store.
        jobs (`list[tuple[dict, int]]`): Problem and sample index of each completion.
    """

    number: int
    jobs: list[tuple[Row, int]]


Save = Callable[[Part, list[Draw]], None]


class Engine(Protocol):
    """
    What fills a store.

    Attributes:
        name (`str`): The model.
        sampling (`Sampling`): How it draws.
        response_format (`ResponseFormat`): How its texts are to be read.
    """

    name: str
    sampling: Sampling
    response_format: ResponseFormat

    def draw_parts(self, parts: list[Part], save: Save) -> None:
        """Calls `save` for each part as soon as all of its completions are there, from any thread."""
