"""Whether the saved steps of a training can be evaluated with its `benchmarks` as its `evaluation` says (the protocol:
paper, section 3): what cannot is said before the first step, and not in a log days later.
"""

import asyncio
import contextlib
from dataclasses import fields
from typing import Any

from ..core.benchmarks import read_benchmark
from ..core.commands import COMMANDS
from ..core.endpoints import Endpoint
from ..core.errors import RecipeError
from ..core.fields import check_keys
from ..core.served import LISTS_ALL, listed
from ..core.submitted import require_partition
from .arguments import RewardModelArguments, StageArguments

ANSWER = 5.0  # seconds for a server's words on what it serves


def check_benchmarks(where: str, args: StageArguments, adapter: bool = False) -> None:
    """Refuses benchmarks that are not there, or that could not be evaluated."""
    given = args.benchmarks
    if not isinstance(given, list) or not all(isinstance(name, str) for name in given):
        raise RecipeError(f"{where}: `benchmarks: {given}` is no list of names", "write `benchmarks: [aime24]`")
    if given and isinstance(args, RewardModelArguments):
        raise RecipeError(f"{where}: `benchmarks` for a reward model, which answers nothing", "remove `benchmarks`")
    for name in given:
        if read_benchmark(name).get("judge") and not args.evaluation.get("judge"):
            fix = "add `evaluation: {judge: {url: ..., model: ...}}`"
            raise RecipeError(f"{where}: benchmark {name!r} needs a judge, and none is given", fix)
    if given:
        check_evaluation(where, args.evaluation, adapter)


def check_evaluation(where: str, how: dict[str, Any], adapter: bool) -> None:
    """Refuses what could draw no saved step."""
    check_keys(how, {field.name for field in fields(COMMANDS["evaluate"].arguments)}, f"{where}: `evaluation`")
    executor = how.get("executor") or {}
    if executor.get("kind") == "slurm":
        require_partition(executor, f"{where}: `executor` of `evaluation`")
    if how.get("url") and (url := asyncio.run(fixed(how["url"]))):
        message = f"{url} serves the models that it was started with, and so none of the saved steps"
        fix = "give `transformers serve`, which takes any path, or a server for each: `executor: {server: vllm, ...}`"
        raise RecipeError(f"{where}: `evaluation`: {message}", fix)
    if adapter and (how.get("engine") != "transformers" or how.get("executor")):
        message = "`benchmarks` with `use_peft`: the saved steps are adapters, which no server loads"
        raise RecipeError(f"{where}: {message}", "add `evaluation: {engine: transformers}`, without `executor`")


async def fixed(urls: str | list[str]) -> str:
    """The first of some servers that lists all that it serves; those that are away may still come."""
    import httpx2 as httpx

    async with Endpoint(urls, timeout=ANSWER) as endpoint:
        for url in endpoint.urls:
            with contextlib.suppress(httpx.HTTPError, OSError):
                if any(entry.get("owned_by") in LISTS_ALL for entry in listed(await endpoint.models(url))):
                    return url
    return ""
