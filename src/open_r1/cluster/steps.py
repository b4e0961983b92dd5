"""What a Slurm job runs, and on which of its nodes: from a command, its recipe and the nodes to steps for `srun`.

A command that trains has one task on each node, which launches the ranks there. Where vLLM serves the completions
(`vllm_mode: server`), it has the last node for itself, or as many of the last as `vllm_tensor_parallel_size` takes.
Any other command is one task on the first node.

A job's ports follow from its number, so that jobs that share a node do not meet.
"""

import shlex
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ..core.commands import COMMANDS
from ..core.errors import RecipeError
from ..core.pipeline_stage import SHUTDOWN
from ..core.recipes import Recipe
from ..core.yaml_files import read_yaml
from .layout import CONFIGURATION, said
from .reading import find_shape, read_values
from .shapes import Shape

URL, PARALLEL = "vllm_server_base_url", "vllm_tensor_parallel_size"
FIRST_PORT, LAST_PORT = 10000, 32500  # below those that systems give away themselves
CACHES = {
    "HF_DATASETS_CACHE": "datasets",
    "TORCHINDUCTOR_CACHE_DIR": "inductor",
    "TRITON_CACHE_DIR": "triton",
    "VLLM_CACHE_ROOT": "vllm",
}
INTERFACES = ("NCCL_SOCKET_IFNAME", "GLOO_SOCKET_IFNAME")


@dataclass(frozen=True)
class Allocation:
    """
    What Slurm gave a job.

    Attributes:
        job (`int`): Its number.
        nodes (`tuple[str, ...]`): Names, in Slurm's order.
        addresses (`tuple[str, ...]`): Where each is reached.
        gpus (`int`): Of each node.
    """

    job: int
    nodes: tuple[str, ...]
    addresses: tuple[str, ...]
    gpus: int


@dataclass(frozen=True)
class Step:
    """
    One `srun`, with a task on each of its nodes.

    Attributes:
        name (`str`): `trainer`, `server` or `stage`.
        nodes (`tuple[str, ...]`): Where it runs.
        words (`tuple[str, ...]`): What each task executes.
        environment (`dict[str, str]`): Beside the job's own.
    """

    name: str
    nodes: tuple[str, ...]
    words: tuple[str, ...]
    environment: dict[str, str]


def make_steps(
    command: str, words: list[str], recipe: Recipe, files: list[str], given: Allocation, site: Mapping[str, str]
) -> list[Step]:
    """
    The steps of a job, the one that decides its end first.

    Args:
        command (`str`):
            Of `open-r1`.
        words (`list[str]`):
            Its command line.
        recipe (`dict`):
            The resolved recipe.
        files (`list[str]`):
            The recipe and the overlays on it.
        given (`Allocation`):
            The job's nodes.
        site (`Mapping[str, str]`):
            The environment, with the keys of `site.env`.
    """
    module, run, environment = COMMANDS[command].module, python(site), site_environment(site, given)
    if command == "serve":
        count = server_nodes(recipe, given)
        check_nodes(count, given, files)
        return [server(run, words, recipe, files, given, count, environment)]
    if not COMMANDS[command].trains:
        return [Step("stage", given.nodes[:1], (*run, "-m", module, *words), environment)]
    config, environment = configuration(files), environment | dict([SHUTDOWN])
    if not needs_server(recipe):
        return [trainer(run, config, module, words, given.nodes, given, environment)]
    count = server_nodes(recipe, given)
    check_server(command, count, files, given)
    told = [*words, *server_url(given, count), "--vllm_group_port", str(ports(given.job)[2])]
    return [
        trainer(run, config, module, told, given.nodes[:-count], given, environment),
        server(run, words, recipe, files, given, count, environment),
    ]


def needs_server(recipe: Recipe) -> bool:
    """Whether a job starts a server: the recipe wants one, and does not say where one runs."""
    return bool(recipe.get("use_vllm")) and recipe.get("vllm_mode") == "server" and not recipe.get(URL)


def check_server(command: str, count: int, files: list[str], given: Allocation) -> None:
    """Raises `RecipeError` where a job cannot start the server that it needs."""
    if command != "grpo":
        hint = f"start a server, and add --{URL} http://HOST:PORT; or `vllm_mode: colocate`"
        raise RecipeError(f"{files[-1]}: `vllm_mode: server`, and a job of {command} starts no server", hint)
    check_nodes(count + 1, given, files)


def check_nodes(least: int, given: Allocation, files: list[str]) -> None:
    """Raises `RecipeError` where a job has fewer nodes than its server, and the trainer beside it, need."""
    if len(given.nodes) < least:
        had = "one node" if len(given.nodes) == 1 else f"{len(given.nodes)} nodes"
        hint = f"ask for {least} nodes or more: the last serve, the others train; or add --{URL} of one that runs"
        raise RecipeError(f"{files[-1]}: `vllm_mode: server` on {had}", hint)


def server_nodes(recipe: Recipe, given: Allocation) -> int:
    """The nodes over which a server is divided: as many as have the GPUs that the recipe divides its model over."""
    parallel = recipe.get(PARALLEL) or 1
    if not isinstance(parallel, int) or parallel <= max(1, given.gpus):
        return 1
    if parallel % max(1, given.gpus):
        hint = f"give a multiple of the {given.gpus} GPUs of a node"
        raise RecipeError(f"`{PARALLEL}: {parallel}` is for no whole number of nodes", hint)
    return parallel // max(1, given.gpus)


def server_url(given: Allocation, count: int) -> list[str]:
    """Where a job's server is found: on the first of its nodes."""
    return [f"--{URL}", f"http://{given.addresses[-count]}:{ports(given.job)[1]}"]


def server(
    run: tuple[str, ...],
    words: list[str],
    recipe: Recipe,
    files: list[str],
    given: Allocation,
    count: int,
    environment: dict[str, str],
) -> Step:
    """The step that serves, on the last `count` nodes."""
    parallel = [] if PARALLEL in recipe else parallel_words(recipe, files, given.gpus)
    served = (*run, "-m", COMMANDS["serve"].module, *words, *server_url(given, count), *parallel)
    return Step("server", given.nodes[-count:], served, environment)


def trainer(
    run: tuple[str, ...],
    config: str,
    module: str,
    words: list[str],
    nodes: tuple[str, ...],
    given: Allocation,
    environment: dict[str, str],
) -> Step:
    """The step that launches the ranks; a node's own number is known to its task alone."""
    single = read_yaml(Path(config)).get("distributed_type", "NO") == "NO"
    if single and len(nodes) > 1:
        raise RecipeError(f"{config}: starts one process, and the job has {len(nodes)} nodes for it", "ask for one")
    ranks = 1 if single else len(nodes) * max(1, given.gpus)
    launch = ["--config_file", config, "--num_machines", str(len(nodes)), "--num_processes", str(ranks)]
    launch += ["--main_process_ip", given.addresses[0], "--main_process_port", str(ports(given.job)[0])]
    launch += ["--rdzv_backend", "static", "-m", module, *words]
    begin = shlex.join([*run, "-m", "accelerate.commands.launch"])
    script = f'exec {begin} --machine_rank "$SLURM_PROCID" "$@"'
    return Step("trainer", nodes, ("bash", "-c", script, "launch", *launch), environment)


def python(site: Mapping[str, str]) -> tuple[str, ...]:
    """This Python, or the one in the site's container."""
    words = shlex.split(site.get("CONTAINER", ""))
    return (*words, "python") if words else (sys.executable,)


def configuration(files: list[str]) -> str:
    """The configuration of accelerate that the overlays, or the recipe's own comment, name."""
    if found := said(CONFIGURATION, files):
        return found
    raise RecipeError(
        f"{files[-1]}: names no configuration of accelerate", "add --with recipes/hardware/multi_node.yaml"
    )


def ports(job: int) -> tuple[int, int, int, int]:
    """Where a job's ranks meet, its server listens, the group for the weights meets, and the server's nodes meet."""
    first = FIRST_PORT + 4 * (job % ((LAST_PORT - FIRST_PORT) // 4))
    return first, first + 1, first + 2, first + 3


def parallel_words(recipe: Recipe, files: list[str], gpus: int) -> list[str]:
    """As many GPUs of the server's node as can divide its model."""
    shape = find_shape(read_values(recipe, files[0]), files[0])
    return [f"--{PARALLEL}", str(tensor_parallel(shape, gpus))]


def tensor_parallel(shape: Shape, gpus: int) -> int:
    """The largest number of GPUs over which vLLM can divide heads and layers; it may repeat key heads."""
    keys = shape.num_key_value_heads or shape.num_attention_heads
    fits = lambda n: keys % n == 0 or n % keys == 0
    wide = (shape.num_attention_heads, shape.intermediate_size)
    return max(n for n in range(1, max(1, gpus) + 1) if fits(n) and not any(size % n for size in wide))


def site_environment(site: Mapping[str, str], given: Allocation) -> dict[str, str]:
    """What the keys of `site.env` mean for the programs of a step."""
    # `srun` takes none of a job's GPUs by itself
    found = {"SLURM_GPUS_PER_NODE": str(given.gpus)} if site.get("SLURM_GPUS_ON_NODE") else {}
    if scratch := site.get("SCRATCH"):
        found |= {name: f"{scratch}/{folder}" for name, folder in CACHES.items()}
    if interface := site.get("NETWORK_INTERFACE"):
        found |= {name: interface for name in INTERFACES}
    if proxy := site.get("PROXY"):
        direct = ",".join(dict.fromkeys(["localhost", "127.0.0.1", *given.nodes, *given.addresses]))
        pairs = {"http_proxy": proxy, "https_proxy": proxy, "no_proxy": direct}
        found |= pairs | {name.upper(): value for name, value in pairs.items()}
    return found
