"""Fills the sample store of a stage, in this process or in many, and counts what it holds."""

import sys
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

from ..core.artifacts import Artifact
from ..core.errors import DataError, RecipeError
from ..core.inputs import adapter_base
from ..core.rows import FAILED
from .arguments import GenerateArguments, Sampling, sampling_of
from .engines import Engine
from .store import fill_store, is_published, read_store

ENGINES = ("transformers", "server", "vllm")


def make_engine(model: str, response_format: str, sampling: Sampling, chat_template: str | None = None) -> Engine:
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
        `Engine`: the engine.
    """
    if sampling.engine == "transformers":
        from .in_process import TransformersEngine

        return TransformersEngine(model, response_format, sampling, chat_template)
    if sampling.engine == "server":
        from .server import ServerEngine

        return ServerEngine(model, response_format, sampling, chat_template)
    if sampling.engine == "vllm":
        from .vllm import VllmEngine

        if adapter_base(model):
            hint = "train it with `merge: true`, or use `engine: transformers`"
            raise RecipeError(f"`engine: vllm` serves whole models, and {model} is an adapter alone", hint)
        return VllmEngine(model, response_format, sampling, chat_template)
    raise RecipeError(f"`engine: {sampling.engine}` is unknown", f"use one of {', '.join(ENGINES)}")


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
        `dict`: figures for the manifest. Raises `DataError` where too many completions failed. Says so where k samples
        are k copies for (nearly) all problems: a sharp model does that to some, a server that ignores the temperature
        or the seed to all.
    """
    outcomes: Counter[str] = Counter()
    reasons: Counter[str] = Counter()
    drawn: Counter[str] = Counter()
    texts: dict[str, set[int]] = defaultdict(set)
    tokens = copies = groups = 0
    for row in read_store(directory):
        outcomes[row["outcome"]] += 1
        reasons[row.get("error", "")] += 1
        tokens += row["tokens"]
        drawn[row["problem_id"]] += 1
        texts[row["problem_id"]].add(hash(row["text"]))
    total, failed = outcomes.total(), outcomes[FAILED]
    if failed > max_failed * total:
        del reasons[""]
        why = "; ".join(f"{count} x {reason}" for reason, count in reasons.most_common(3))
        hint = "run again: only these are tried once more; or allow them with `max_failed`"
        raise DataError(f"{failed} of {total} completions failed ({why}); the others are kept in {directory}", hint)
    if fewer := [problem for problem, count in drawn.items() if count < sampling.num_samples]:
        raise DataError(
            f"{len(fewer)} problems of {directory} have fewer samples than k: "
            f"{fewer[0]} has {drawn[fewer[0]]} samples, k is {sampling.num_samples}",
            "lower `num_samples`, or draw it again with --force",
        )
    if sampling.num_samples > 1 and sampling.temperature > 0:
        groups, copies = len(texts), sum(len(found) == 1 for found in texts.values())
        if groups >= 4 and copies > 0.95 * groups:
            print(
                f"warning: the samples of {copies} of {groups} problems are copies of each other, at temperature "
                f"{sampling.temperature}: the model is that sure, or the server ignores `temperature` or `seed`",
                file=sys.stderr,
            )
    return {"samples": total, "correct": outcomes["correct"], "failed": failed, "tokens": tokens, "copies": copies}


def draw_samples(args: GenerateArguments, artifact: Artifact, store: Path) -> dict[str, Any] | None:
    """
    Fills the sample store of a stage, in this process or in the many of its `executor`. A published one is full.

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
    from ..data.sources import load_sources

    sampling, problems = sampling_of(args), load_sources(args.datasets, ["prompt", "answer"], named=True)
    if is_published(store):
        print(f"{store} is a published store: nothing is drawn", flush=True)
    elif args.executor:
        from .at_scale import fill_at_scale

        if not fill_at_scale(args, sampling, problems, artifact, store):
            return None
    else:
        engine = make_engine(args.model, args.response_format, sampling, args.chat_template or None)
        fill_store(engine, problems, store, artifact.progress)
    return check_store(store, sampling, args.max_failed)
