"""Draws k completions per problem into a sample store: the one thing that cold start, rejection sampling and
evaluation read.

    open-r1 generate --config RECIPE.yaml

A row per completion: problem id, sample index, prompt, text, tokens, finish reason, seed, model, and the verdict
(`store.py`). A killed run continues where it was. The engine is transformers in this process, servers, or vLLM
(`engines/`), or many jobs (`at_scale.py`).
"""

import sys
from collections import Counter, defaultdict
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from open_r1.core.artifacts import begin
from open_r1.core.endpoints import check_urls
from open_r1.core.errors import DataError, RecipeError, report_errors
from open_r1.core.formats import SHAPES
from open_r1.sampling.engines import make_engine
from open_r1.sampling.store import FAILED, fill_store, read_store


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
        few_shot (`str`, *optional*):
            YAML file of worked examples, `{prompt: ..., response: ...}` each, that stand before the question;
            zero-shot without.
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
            Attempts after the first.
        extra (`dict`, *optional*):
            Further fields of a request (`top_k`, `chat_template_kwargs`, ...), or settings of `vllm.LLM`.
    """

    num_samples: int = 16
    temperature: float = 0.6
    top_p: float = 0.95
    max_new_tokens: int = 32768
    stop: list = field(default_factory=list)
    batch_size: int = 64
    seed: int = 0
    segment: int = 32
    dtype: str = "auto"
    few_shot: str = ""
    prefill: str = ""
    engine: str = "transformers"
    url: Any = ""
    api: str = "chat"
    tokenizer: str = ""
    key_variable: str = "OPENAI_API_KEY"
    concurrency: int = 64
    timeout: float = 1800.0
    retries: int = 6
    extra: dict = field(default_factory=dict)

    def __post_init__(self):
        self.stop = [self.stop] if isinstance(self.stop, str) else list(self.stop or [])
        for key in ("num_samples", "max_new_tokens", "batch_size", "segment"):
            if getattr(self, key) < 1:
                raise RecipeError(f"`{key}: {getattr(self, key)}`", "it must be at least 1")
        if self.url:
            check_urls(self.url)


@dataclass
class GenerateArguments(Sampling):
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
            How the model writes, see `formats.py`.
        max_failed (`float`, *optional*, defaults to `0.0`):
            Share of completions that may have failed for the store to count as complete.
        executor (`dict`, *optional*):
            Many processes or Slurm jobs in place of this one, see `at_scale.py`.
    """

    model: str = ""
    chat_template: str = ""
    datasets: list = field(default_factory=list)
    output_dir: str = ""
    root: str = "data"
    response_format: str = "r1"
    max_failed: float = 0.0
    executor: dict = field(default_factory=dict)

    def __post_init__(self):
        super().__post_init__()
        if self.response_format not in SHAPES:
            raise RecipeError(
                f"`response_format: {self.response_format}` is unknown", f"use one of {', '.join(SHAPES)}"
            )


def sampling_of(arguments: Any) -> Sampling:
    """The sampling settings among the arguments of a stage."""
    return Sampling(**{key: value for key, value in asdict(arguments).items() if key in Sampling.__dataclass_fields__})


def check_store(directory: Path, sampling: Sampling, max_failed: float = 0.0) -> dict[str, Any]:
    """
    Counts what a store holds.

    Args:
        directory (`Path`):
            The store.
        sampling (`Sampling`):
            How it was drawn.
        max_failed (`float`, *optional*, defaults to `0.0`):
            Share of completions that may have failed.

    Returns:
        `dict`: figures for the manifest. Raises `DataError` where too many completions failed. Says so where a server
        gave k copies.
    """
    outcomes, reasons, tokens = Counter(), Counter(), 0
    copies, groups, texts = 0, 0, defaultdict(set)
    for row in read_store(directory):
        outcomes[row["outcome"]] += 1
        reasons[row.get("error", "")] += 1
        tokens += row["tokens"]
        texts[row["problem_id"]].add(hash(row["text"]))
    total, failed = outcomes.total(), outcomes[FAILED]
    if failed > max_failed * total:
        del reasons[""]
        why = "; ".join(f"{count} x {reason}" for reason, count in reasons.most_common(3))
        hint = "run again: only these are tried once more; or allow them with `max_failed`"
        raise DataError(f"{failed} of {total} completions failed ({why}); the others are kept in {directory}", hint)
    if sampling.num_samples > 1 and sampling.temperature > 0:
        groups, copies = len(texts), sum(len(found) == 1 for found in texts.values())
        if groups >= 4 and copies > groups / 2:
            print(
                f"warning: the samples of {copies} of {groups} problems are copies of each other, at temperature "
                f"{sampling.temperature}: does the server ignore `temperature` or `seed`?",
                file=sys.stderr,
            )
    return {"samples": total, "correct": outcomes["correct"], "failed": failed, "tokens": tokens, "copies": copies}


def draw_samples(args: Any, artifact: Any, store: Path) -> dict[str, Any] | None:
    """
    Fills the sample store of a stage, in this process or in the many of its `executor`.

    Args:
        args (`GenerateArguments`):
            The recipe.
        artifact (`Artifact`):
            The stage's output.
        store (`Path`):
            Where the rows go: the output itself, or a folder in it.

    Returns:
        `dict` or `None`: figures of the store; `None` after jobs were submitted. Raises `DataError` where too many
        completions failed.
    """
    from open_r1.data.sources import load_sources

    sampling, problems = sampling_of(args), load_sources(args.datasets, ["prompt", "answer"])
    if args.executor:
        from open_r1.sampling.at_scale import fill_at_scale

        if not fill_at_scale(args, sampling, problems, artifact, store):
            return None
    else:
        engine = make_engine(args.model, args.response_format, sampling, args.chat_template or None)
        fill_store(engine, problems, store, artifact.progress)
    return check_store(store, sampling, args.max_failed)


@report_errors
def main(arguments: list[str] | None = None) -> None:
    """Runs one generation recipe from the command line."""
    stage = begin(GenerateArguments, arguments)
    if stage is None:
        return
    args, _, artifact = stage
    figures = draw_samples(args, artifact, artifact.path)
    if figures is not None:
        artifact.finish(**figures)


if __name__ == "__main__":
    main()
