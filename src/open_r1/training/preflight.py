"""Is the vLLM server of a GRPO recipe there, and the right one?

It is asked what TRL will ask it (`trl/generation/vllm_client.py`), in the order in which things go wrong; every cause
has a line of its own that says how to mend it. A server that is still starting is waited for. The requests go through
`requests`, as TRL's do, so that they meet the same proxies.
"""

import os
import time
from typing import Any, NamedTuple

from ..core.errors import EndpointError
from ..core.served import listed
from .network import check_group_port, check_way, host_of, is_here, port_of
from .vllm_server import TRANSFER

SLEEP, CLOCK = time.sleep, time.monotonic
RETRY = 2.0  # seconds between two looks at a server that is starting
ANSWER = 60.0  # seconds for one reply: for /server_info, vLLM first looks at all that is installed
START_IT = "start it with `open-r1 serve --config` and this recipe"


class Wanted(NamedTuple):
    """
    What a recipe needs of its server.

    Attributes:
        url (`str`): Where it is.
        models (`tuple[str, ...]`): Names under which it may serve the model, first the recipe's own.
        context (`int`): Tokens of the longest prompt and a whole completion.
        completion (`int`): Tokens of a whole completion.
        dtype (`str`): The precision of the trainer.
        corrected (`bool`): Whether TRL compares log-probabilities with the server's.
        group_port (`int`): Where the group that carries the weights meets, on this machine.
        own_address (`str`): Where the server is told to find that.
        version (`str`): vLLM's, of this environment.
        patience (`float`): Seconds for a server that is starting.
    """

    url: str
    models: tuple[str, ...]
    context: int
    completion: int
    dtype: str
    corrected: bool
    group_port: int
    own_address: str
    version: str
    patience: float


def check_server(wanted: Wanted) -> list[str]:
    """
    Looks at everything that TRL needs of the server. Raises `EndpointError` for the first that is missing.

    Returns:
        `list[str]`: notices; the last says what was found.
    """
    check_way(wanted.url, wanted.own_address)
    check_group_port(wanted.group_port, wanted.url)
    wait_for_server(wanted)
    check_version(wanted)
    entry = check_model(wanted)
    settings = check_settings(wanted)
    notices = [*precision_notice(wanted, settings), *shared_gpus(port_of(wanted.url), is_here(host_of(wanted.url)))]
    found = f"vLLM {wanted.version} at {wanted.url} serves {entry['id']}, context {entry.get('max_model_len')}"
    return [*notices, f"{found} of {wanted.context} needed"]


def wait_for_server(wanted: Wanted) -> None:
    """Waits until the server is healthy; raises `EndpointError` when time is over, or for what no waiting mends."""
    import requests

    until, told = CLOCK() + wanted.patience, False
    while True:
        try:
            reply = requests.get(f"{wanted.url}/health", timeout=ANSWER)
            if reply.status_code == 200:
                return
            state = f"it answers /health with status {reply.status_code}"
            if reply.status_code < 500:
                raise EndpointError(f"{wanted.url} is no vLLM server: {state}", f"correct the URL; {START_IT}")
        except requests.exceptions.SSLError as error:
            raise EndpointError(f"{wanted.url} does not speak TLS: {error}", "write http:// for https://") from None
        except requests.exceptions.Timeout:
            state = "no answer: a firewall, or the wrong machine"
        except requests.exceptions.RequestException:
            state = f"nothing listens on port {port_of(wanted.url)} of {host_of(wanted.url)}"
        if CLOCK() >= until:
            raise EndpointError(
                f"no vLLM server at {wanted.url} after {wanted.patience:.0f} s: {state}",
                f"{START_IT}; set `vllm_server_timeout` where it needs longer",
            )
        if not told:
            print(f"waiting up to {wanted.patience:.0f} s for the vLLM server at {wanted.url}: {state}", flush=True)
        told = True
        SLEEP(RETRY)


def get(wanted: Wanted, path: str) -> Any:
    """A reply of the server; raises `EndpointError` where it gives none."""
    import requests

    try:
        return requests.get(wanted.url + path, timeout=ANSWER)
    except requests.exceptions.RequestException as error:
        kind = type(error).__name__
        raise EndpointError(f"{wanted.url}{path} fails: {kind}", "look at the server's log") from None


def check_version(wanted: Wanted) -> None:
    """Both sides run the same minor version of vLLM: between two, what they tell each other changes."""
    reply = get(wanted, "/version")
    try:
        version = str(reply.json()["version"])
    except (ValueError, KeyError, TypeError):
        raise EndpointError(f"{wanted.url} does not say its version, as vLLM does", START_IT) from None
    if minor(version) != minor(wanted.version):
        raise EndpointError(
            f"{wanted.url} runs vLLM {version}, this environment has {wanted.version}",
            f"install the same for both: pip install 'vllm=={wanted.version.partition('+')[0]}'",
        )


def minor(version: str) -> list[str]:
    """The first two numbers of a version."""
    return version.split(".")[:2]


def check_model(wanted: Wanted) -> dict[str, Any]:
    """What the server says of the model that TRL will use there, which is the first that it lists."""
    reply = get(wanted, "/v1/models")
    if reply.status_code in (401, 403):
        raise EndpointError(f"{wanted.url} wants a key, and TRL sends none", "start it without --api-key")
    entries = listed(reply)
    if not entries:
        raise EndpointError(f"{wanted.url} lists no model", START_IT)
    entry = entries[0]
    if not {entry["id"], entry.get("root")} & set(wanted.models):
        raise EndpointError(
            f"{wanted.url} serves {entry['id']}, this run trains {wanted.models[0]}",
            f"{START_IT}; `--served-model-name {wanted.models[0]}` where it lies elsewhere there",
        )
    length = entry.get("max_model_len")
    if length and length < wanted.context:
        raise EndpointError(
            f"{wanted.url} has a context of {length} tokens; a prompt of {wanted.context - wanted.completion} and "
            f"`max_completion_length: {wanted.completion}` need {wanted.context}",
            f"start it with --max-model-len {wanted.context}, or lower `max_completion_length`",
        )
    return entry


def check_settings(wanted: Wanted) -> dict[str, Any]:
    """The server's own configuration, which it tells in development mode only."""
    reply = get(wanted, "/server_info?config_format=json")
    if reply.status_code == 404:
        raise EndpointError(
            f"{wanted.url} lets no one change its weights: it is not in development mode",
            f"start it with VLLM_SERVER_DEV_MODE=1 in its environment; {START_IT}",
        )
    try:
        settings = reply.json()["vllm_config"]
        transfer, mode = settings["weight_transfer_config"], settings["model_config"]["logprobs_mode"]
    except (ValueError, KeyError, TypeError):
        raise EndpointError(f"{wanted.url} does not say its settings (/server_info)", "look at its log") from None
    if transfer is None:
        raise EndpointError(
            f"{wanted.url} cannot receive weights", f"start it with --weight-transfer-config '{TRANSFER}'"
        )
    if wanted.corrected and mode != "processed_logprobs":
        raise EndpointError(
            f"{wanted.url} has `--logprobs-mode {mode}`, which is not what the trainer compares with",
            "start it with --logprobs-mode processed_logprobs",
        )
    return settings


def precision_notice(wanted: Wanted, settings: dict[str, Any]) -> list[str]:
    dtype = str(settings["model_config"].get("dtype", "")).removeprefix("torch.")
    if not dtype or dtype == wanted.dtype or wanted.dtype == "auto":
        return []
    return [f"the server computes in {dtype}, the trainer in {wanted.dtype}: start it with --dtype {wanted.dtype}"]


def shared_gpus(port: int, here: bool) -> list[str]:
    """A notice where a server on this machine sees the same GPUs: NCCL connects no GPU with itself."""
    import torch

    if not here or not torch.cuda.is_available():
        return []
    ours, theirs = os.environ.get("CUDA_VISIBLE_DEVICES"), visible_to(port)
    if theirs is None or (ours or "") != theirs:
        return []
    return [f"trainer and server both have CUDA_VISIBLE_DEVICES={theirs or '(all)'}: give them different GPUs"]


def visible_to(port: int) -> str | None:
    """CUDA_VISIBLE_DEVICES of the process that listens on a port of this machine, empty for all GPUs."""
    import psutil

    try:
        found = [one.pid for one in psutil.net_connections("tcp") if one.status == "LISTEN" and one.laddr.port == port]
        return psutil.Process(found[0]).environ().get("CUDA_VISIBLE_DEVICES", "") if found and found[0] else None
    except psutil.Error:  # of another user
        return None
