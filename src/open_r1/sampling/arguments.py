"""What a recipe may say about drawing completions; each key says whether it decides what is drawn.

`generate` reads these keys, `curate` and `evaluate` add their own. A store inside a larger artifact is drawn again
when a key marked `SAMPLES` changes, and only then.
"""

from dataclasses import asdict, dataclass
from typing import Any

from ..core.endpoints import check_urls
from ..core.errors import RecipeError
from ..core.formats import SHAPES
from ..core.keys import BARE, FILE, MODEL, RUN, SAMPLES, key
from ..core.publishing import Publishing
from ..data.sources import SOURCE


@dataclass
class Sampling:
    """
    How completions are drawn.

    Args:
        num_samples (`int`, *optional*, defaults to `16`):
            Completions per problem (k).
        temperature (`float`, *optional*, defaults to `0.6`):
            Sampling temperature; the paper evaluates at 0.6.
        top_p (`float`, *optional*, defaults to `0.95`):
            Nucleus sampling mass.
        max_new_tokens (`int`, *optional*, defaults to `32768`):
            Longest completion.
        stop (`list[str]`, *optional*):
            Texts at which a completion ends; they are not part of it.
        batch_size (`int`, *optional*, defaults to `64`):
            Completions of one part of the store; with transformers they are drawn at once.
        seed (`int`, *optional*, defaults to `0`):
            Every part (transformers) or completion (servers, vLLM) gets its own from it.
        segment (`int`, *optional*, defaults to `32`):
            With transformers: tokens after which completions that have ended leave their batch. It decides, like the
            batch, what is drawn.
        dtype (`str`, *optional*, defaults to `"auto"`):
            Precision of the weights.
        trust_remote_code (`bool`, *optional*, defaults to `False`):
            Whether code that comes with the model may run.
        system (`str`, *optional*):
            System prompt, in place of one that a row has; none without, as the paper evaluates.
        few_shot (`str`, *optional*):
            YAML file of worked examples, `{prompt: ..., response: ...}` each, that stand before the question;
            zero-shot without.
        shots (`int`, *optional*):
            How many of them; all without.
        prefill (`str`, *optional*):
            Start of every response, such as `"<think>\\n"`, where the template does not write it.
        engine (`str`, *optional*, defaults to `"transformers"`):
            `transformers`, `server` or `vllm`.
        url (`str` or `list[str]`, *optional*):
            Base URLs of the servers, such as `http://localhost:8000/v1`.
        api (`str`, *optional*, defaults to `"chat"`):
            `chat` (/chat/completions) or `text` (/completions, the prompt rendered here).
        tokenizer (`str`, *optional*):
            For servers: artifact directory or Hub id of the tokenizer, where it is not `model`.
        key_variable (`str`, *optional*, defaults to `"OPENAI_API_KEY"`):
            Environment variable with the servers' key.
        concurrency (`int`, *optional*, defaults to `64`):
            Requests at once.
        timeout (`float`, *optional*, defaults to `1800.0`):
            Seconds for one request.
        retries (`int`, *optional*, defaults to `6`):
            Attempts after the first; a server that is being started again is waited for at any rate.
        extra (`dict`, *optional*):
            Further fields of a request (`top_k`, `chat_template_kwargs`, ...), or settings of `vllm.LLM`.
    """

    num_samples: int = key(16, SAMPLES)
    temperature: float = key(0.6, SAMPLES)
    top_p: float = key(0.95, SAMPLES)
    max_new_tokens: int = key(32768, SAMPLES)
    stop: list = key([], SAMPLES)
    batch_size: int = key(64, SAMPLES)
    seed: int = key(0, SAMPLES)
    segment: int = key(32, SAMPLES)
    dtype: str = key("auto", SAMPLES)
    trust_remote_code: bool = False
    system: str = key("", SAMPLES)
    few_shot: str = key("", SAMPLES, loads=FILE)
    shots: int | None = key(None, SAMPLES)
    prefill: str = key("", SAMPLES)
    engine: str = key("transformers", SAMPLES)
    url: Any = key("", RUN)
    api: str = key("chat", SAMPLES)
    tokenizer: str = key("", SAMPLES, loads=BARE)
    key_variable: str = key("OPENAI_API_KEY", RUN)
    concurrency: int = key(64, RUN)
    timeout: float = key(1800.0, RUN)
    retries: int = key(6, RUN)
    extra: dict = key({}, SAMPLES)

    def __post_init__(self):
        self.stop = [self.stop] if isinstance(self.stop, str) else list(self.stop or [])
        for name in ("num_samples", "max_new_tokens", "batch_size", "segment"):
            if getattr(self, name) is not None and getattr(self, name) < 1:
                raise RecipeError(f"`{name}: {getattr(self, name)}`", "it must be at least 1")
        if self.temperature < 0:
            raise RecipeError(f"`temperature: {self.temperature}`", "it must be at least 0")
        if not 0 < self.top_p <= 1:
            raise RecipeError(f"`top_p: {self.top_p}`", "it must be above 0, and at most 1")
        if self.shots is not None and self.shots < 0:
            raise RecipeError(f"`shots: {self.shots}`", "it must be at least 0")
        if self.url:
            check_urls(self.url)


@dataclass
class GenerateArguments(Publishing, Sampling):
    """
    A generation recipe.

    Args:
        model (`str`):
            Artifact directory or Hub id of the model; the name that servers know it by.
        chat_template (`str`, *optional*):
            A `.jinja` file in place of the model's own template.
        datasets (`list[dict]`):
            Problems, see `data/sources.py`.
        output_dir (`str`):
            Where the sample store goes.
        root (`str`, *optional*, defaults to `"data"`):
            Directory of the pipeline's artifacts.
        response_format (`str`, *optional*, defaults to `"r1"`):
            How the model writes, see `core/formats.py`.
        max_failed (`float`, *optional*, defaults to `0.0`):
            Share of completions that may have failed for the store to count as complete.
        executor (`dict`, *optional*):
            Many processes or Slurm jobs in place of this one, see `at_scale.py`.
    """

    model: str = key("", SAMPLES, loads=MODEL)
    chat_template: str = key("", SAMPLES, loads=FILE)
    datasets: list = key([], SAMPLES, inside=SOURCE)
    output_dir: str = ""
    root: str = "data"
    response_format: str = key("r1", SAMPLES)
    max_failed: float = key(0.0, RUN)
    executor: dict = key({}, RUN)

    def __post_init__(self):
        super().__post_init__()
        if self.response_format not in SHAPES:
            raise RecipeError(
                f"`response_format: {self.response_format}` is unknown", f"use one of {', '.join(SHAPES)}"
            )


def sampling_of(arguments: Sampling) -> Sampling:
    """The sampling settings among the arguments of a stage."""
    known = Sampling.__dataclass_fields__
    return Sampling(**{name: value for name, value in asdict(arguments).items() if name in known})
