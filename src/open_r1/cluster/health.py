"""Checks of a machine and of what a recipe wants from it: each gives one line, and what to do where it fails.

No check changes anything, and none prints a token. A check that needs what is not there (a Hub, a GPU) says so.
"""

import asyncio
import os
import shutil
import socket
from collections.abc import Iterator, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any, NamedTuple

from ..core.endpoints import Endpoint
from ..core.errors import RecipeError, UserError
from ..core.inputs import is_offline
from ..core.recipes import Recipe
from ..sandbox.local import works
from ..training.network import why_taken
from ..training.vllm_server import server_url
from .job import GB, Job
from .memory import on_disk, total

OK, WARNING, ERROR = "ok", "warning", "error"
CHECKOUT = Path(__file__).parents[3]  # it holds the tested sets; where the package alone is installed, nothing does
TOLD = ("torch", "transformers", "trl", "accelerate", "peft", "vllm")  # of all versions
PORTS = {"vllm_server_port": 8000, "vllm_group_port": 51216}  # TRL's defaults
ADDRESS = {"vllm_server_base_url": None, "vllm_server_host": "0.0.0.0", "vllm_server_port": PORTS["vllm_server_port"]}


class Finding(NamedTuple):
    """
    What a check has found.

    Attributes:
        name (`str`): What was checked.
        state (`str`): `ok`, `warning` or `error`.
        words (`str`): What it is.
        fix (`str`): What to do about it.
    """

    name: str
    state: str
    words: str
    fix: str = ""


# ----------------------------------------------------------------------------------------------------------- versions


def installed(name: str) -> str | None:
    """The installed version of a distribution."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def versions(requirements: list[str] | None = None, checkout: Path = CHECKOUT) -> Finding:
    """The installed versions: whether they lie in the package's ranges, and are those that were tested together."""
    from packaging.requirements import Requirement

    tested = checkout / ("constraints-gpu.txt" if installed("vllm") else "constraints.txt")
    wanted = [Requirement(line) for line in (requirements or metadata.requires("open_r1") or [])]
    core = [one for one in wanted if one.marker is None]
    found = {one.name: installed(one.name) for one in wanted}
    missing = [one for one in core if found[one.name] is None]
    outside = [
        one for one in wanted if found[one.name] and not one.specifier.contains(found[one.name], prereleases=True)
    ]
    if missing or outside:
        words = ", ".join(
            f"{one.name} {found[one.name] or 'is missing'} (wanted: {one.specifier})" for one in missing + outside
        )
        pins = " ".join(f"'{one.name}{one.specifier}'" for one in missing + outside)
        return Finding("versions", ERROR, words, f"pip install {pins}")
    pinned = read_pins(tested)
    other = [
        f"{name} {version}, not {pinned[name.lower()]}"
        for name, version in found.items()
        if version and pinned.get(name.lower(), version) != version
    ]
    if other:
        return Finding(
            "versions", WARNING, f"not those tested together: {', '.join(other)}", f"pip install -c {tested} -e ."
        )
    told = ", ".join(f"{name} {found[name]}" for name in TOLD if found.get(name))
    words = f"{len(core)} packages, as tested" if pinned else f"{len(core)} packages within their ranges"
    return Finding("versions", OK, f"{words}: {told}" if told else words)


def read_pins(file: Path) -> dict[str, str]:
    """The versions of a constraints file; none where there is no such file."""
    lines = file.read_text(encoding="utf-8").splitlines() if file.is_file() else []
    pairs = [line.split("==") for line in lines if "==" in line and not line.startswith("#")]
    return {name.replace("_", "-").lower(): version.strip() for name, version in pairs}


# ------------------------------------------------------------------------------------------------------------ machine


def gpus(recipe: Recipe, wanted: int = 1) -> Finding:
    """The GPUs, and whether they compute in the recipe's precision."""
    import torch

    if recipe.get("use_cpu"):
        return Finding("gpus", OK, "the recipe runs on the CPU")
    count = torch.cuda.device_count()
    if not count:
        state = ERROR if recipe.get("bf16") or recipe.get("use_vllm") or wanted > 1 else WARNING
        return Finding(
            "gpus", state, "torch sees none", "add --use_cpu true --bf16 false, or install a CUDA build of torch"
        )
    kinds = ", ".join(sorted({torch.cuda.get_device_name(n) for n in range(count)}))
    if count < wanted:
        return Finding("gpus", ERROR, f"{count} x {kinds}, and the launch wants {wanted}", f"--num_processes {count}")
    if recipe.get("dtype") == "bfloat16" or recipe.get("bf16"):
        old = [n for n in range(count) if torch.cuda.get_device_capability(n) < (8, 0)]
        if old:
            fix = "set `dtype: float32`, `bf16: false`, `fp16: true`"
            return Finding("gpus", ERROR, f"{count} x {kinds}: no bfloat16 below compute capability 8.0", fix)
    return Finding("gpus", OK, f"{count} x {kinds}")


def memory(job: Job | None) -> Finding:
    """Memory that is free beside what the plan of the recipe says; that of the GPU where the recipe uses one."""
    import psutil
    import torch

    on_gpu = (job is None or not job.cpu) and torch.cuda.is_available()
    free = float(torch.cuda.mem_get_info()[0] if on_gpu else psutil.virtual_memory().available)
    place = "on the GPU" if on_gpu else "of the machine"
    words = f"{free / GB:.1f} GB free {place}"
    if job is None or (not on_gpu and not job.cpu):
        return Finding("memory", OK, words)
    if total(job) > free:
        return Finding(
            "memory", ERROR, f"{words}, {total(job) / GB:.1f} planned", "`open-r1 plan RECIPE` says what would fit"
        )
    return Finding("memory", OK, f"{words}, {total(job) / GB:.1f} planned")


def disk(recipe: Recipe, job: Job | None) -> Finding:
    """Space where the recipe writes."""
    output = Path(recipe.get("output_dir") or ".").absolute()
    place = next(path for path in (output, *output.parents) if path.exists())
    free = shutil.disk_usage(place).free
    needed = on_disk(job, recipe.get("save_total_limit") or 1, bool(recipe.get("save_only_model"))) if job else GB
    words = f"{free / GB:.1f} GB free at {place}, {needed / GB:.1f} needed"
    if not os.access(place, os.W_OK):
        return Finding("disk", ERROR, f"{place} cannot be written", "choose another `--root`")
    if free < needed:
        return Finding("disk", ERROR, words, "free space, choose another `--root`, or lower `save_total_limit`")
    return Finding("disk", OK, words)


def sandbox(recipe: Recipe) -> Finding:
    """Whether model-written programs can be contained here; an error where the recipe pays for code."""
    reason = works("bubblewrap")
    if not reason:
        return Finding("sandbox", OK, "bubblewrap isolates programs")
    state = ERROR if "code" in (recipe.get("rewards") or {}) else WARNING
    return Finding("sandbox", state, f"bubblewrap: {reason}", "apt-get install bubblewrap, or allow user namespaces")


# ------------------------------------------------------------------------------------------------------------ network


def hub(recipe: Recipe) -> Finding:
    """Whether the Hub knows this user; its token is never shown."""
    import httpx2 as httpx
    from huggingface_hub import HfApi, get_token
    from huggingface_hub.errors import HfHubHTTPError

    publishes = bool(recipe.get("push_to_hub"))
    bad = ERROR if publishes else WARNING
    if is_offline(os.environ):
        return Finding(
            "hub", bad if publishes else OK, "offline (HF_HUB_OFFLINE)", "unset HF_HUB_OFFLINE" if publishes else ""
        )
    token = recipe.get("hub_token") or get_token()
    if not token:
        return Finding("hub", bad, "not logged in", "hf auth login")
    try:
        name = HfApi(endpoint=os.environ.get("HF_ENDPOINT"), token=token).whoami()["name"]
    except HfHubHTTPError as error:
        code = error.response.status_code
        if code in (401, 403):
            return Finding("hub", ERROR, f"the token is refused (status {code})", "hf auth login")
        return Finding("hub", bad, f"answers with status {code}", "try again later")
    except (httpx.HTTPError, OSError, ValueError) as error:
        return Finding(
            "hub", bad, f"does not answer ({type(error).__name__})", "check the network, or set HF_HUB_OFFLINE=1"
        )
    return Finding("hub", OK, f"logged in as {name}")


def ports(recipe: Recipe) -> Finding:
    """Whether the ports that GRPO and its vLLM server talk over are free where this runs."""
    served = bool(recipe.get("use_vllm")) and recipe.get("vllm_mode") == "server"
    numbers = {key: int(recipe.get(key) or default) for key, default in PORTS.items()}
    if served:  # the server itself is asked by `servers`
        del numbers["vllm_server_port"]
    taken = {key: number for key, number in numbers.items() if why_taken(number)}
    if not taken:
        return Finding("ports", OK, ", ".join(f"{number} is free" for number in numbers.values()))
    words = ", ".join(f"{number} ({key}) is in use" for key, number in taken.items())
    fix = " ".join(f"--{key} {free_port()}" for key in taken)
    return Finding("ports", ERROR if served else WARNING, words, f"if it is not yours: {fix}")


def free_port() -> int:
    """A port that is free now."""
    with socket.socket() as one:
        one.bind(("", 0))
        return one.getsockname()[1]


def named_servers(value: Any, name: str = "") -> Iterator[tuple[str, Any, str, str]]:
    """The servers that a recipe names: where, their URLs, the model that they must serve, the variable of the key."""
    if not isinstance(value, Mapping):
        return
    if value.get("url"):
        yield name or "url", value["url"], str(value.get("model") or ""), value.get("key_variable") or "OPENAI_API_KEY"
    if value.get("use_vllm") and value.get("vllm_mode") == "server":
        yield "vLLM", f"{server_url({**ADDRESS, **value})}/v1", str(value.get("model_name_or_path") or ""), ""
    for key, inside in value.items():
        yield from named_servers(inside, key)


def servers(recipe: Recipe) -> list[Finding]:
    """Whether each server that a recipe names answers, and serves its model."""
    try:
        return [ask(*server) for server in named_servers(recipe)]
    except RecipeError as error:
        return [Finding("server of vLLM", ERROR, str(error), error.hint)]


def ask(name: str, urls: Any, model: str, variable: str) -> Finding:
    """What a server says of a model."""

    async def check() -> None:
        async with Endpoint(urls, variable, timeout=10.0) as endpoint:
            await endpoint.check(model)

    try:
        asyncio.run(check())
    except UserError as error:
        return Finding(f"server of {name}", ERROR, str(error), error.hint)
    return Finding(f"server of {name}", OK, f"{urls} serves {model}")
