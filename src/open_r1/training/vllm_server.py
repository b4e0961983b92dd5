"""The vLLM server of a GRPO recipe. The recipe is the run file of both sides: `open-r1 serve` starts the server that
it describes, and `grpo` asks whether that is the one which runs (`preflight.py`). The keys are TRL's.

`values` below are the recipe's, with TRL's defaults where it says nothing.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ..core.errors import RecipeError
from ..core.formats import render_prompt
from ..core.hub import is_hub_name
from ..core.inputs import adapter_base
from .network import LOOPBACK, host_of, port_of

if TYPE_CHECKING:
    from datasets import Dataset
    from transformers import PreTrainedTokenizerBase

Values = Mapping[str, Any]
BATCH = 1000  # prompts tokenized at a time
TRANSFER = '{"backend": "nccl"}'  # how weights reach the server: TRL knows no other way
TRL_NEEDS = ["--weight-transfer-config", TRANSFER, "--logprobs-mode", "processed_logprobs", "--max-logprobs", "-1"]


def server_url(values: Values) -> str:
    """Where the trainer finds the server. Raises `RecipeError` for what is no URL, or one that TRL cannot extend."""
    url = values["vllm_server_base_url"] or f"http://{values['vllm_server_host']}:{values['vllm_server_port']}"
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise RecipeError(f"`vllm_server_base_url: {url}` is no URL", "write `http://HOST:PORT`")
    if url.endswith("/") or parts.path.endswith("/v1"):  # TRL would ask for /v1/health, get 404, and ask for ever
        bare = f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/').removesuffix('/v1')}"
        raise RecipeError(
            f"`vllm_server_base_url: {url}` is not where the server's paths begin",
            f"write `vllm_server_base_url: {bare}`",
        )
    return url


def trained_dtype(values: Values) -> str:
    """The precision in which the trainer computes log-probabilities, and vLLM should: by default bfloat16."""
    bf16 = not values["fp16"] if values["bf16"] is None else values["bf16"]
    return "bfloat16" if bf16 else "float16" if values["fp16"] else str(values["dtype"] or "auto")


def longest_prompt(tokenizer: "PreTrainedTokenizerBase", rows: "Dataset") -> int:
    """Tokens of the longest prompt. All are counted: the longest in characters is often another."""
    longest = 0
    for batch in rows.select_columns("prompt").iter(BATCH):
        texts = [render_prompt(tokenizer, messages) for messages in batch["prompt"]]
        longest = max(longest, *map(len, tokenizer(texts, add_special_tokens=False)["input_ids"]))
    return longest


def base_of(model: str) -> tuple[str, str | None]:
    """Name and revision of the whole model below any adapters."""
    found: tuple[str, str | None] = (model, None)
    while base := adapter_base(found[0]):
        found = base
    return found


def serve_command(values: Values, length: int | None, name: str = "") -> list[str]:
    """
    The command line that starts the server of a recipe; the environment must say `VLLM_SERVER_DEV_MODE=1`, which
    opens what TRL changes the weights through.

    Args:
        values (`Mapping`):
            The recipe's, with TRL's defaults.
        length (`int` or `None`):
            Context in tokens, prompt and completion; by default the model's own.
        name (`str`, *optional*):
            How the recipe calls the model, where `values` hold the folder of one on the Hub.
    """
    url, model = server_url(values), values["model_name_or_path"]
    loaded, revision = base_of(model)  # under an adapter: the first step sends the merged weights
    # its port changes the model, so one that is reached from this machine alone listens there alone
    host = "127.0.0.1" if host_of(url) in LOOPBACK else "0.0.0.0"
    port = str(port_of(url))
    words = ["vllm", "serve", loaded, "--served-model-name", name or model, "--host", host, "--port", port]
    revision = values["model_revision"] if loaded == model else revision
    if is_hub_name(loaded) and revision not in (None, "main"):
        words += ["--revision", revision]
    if length:
        words += ["--max-model-len", str(length)]
    words += ["--tensor-parallel-size", str(values["vllm_tensor_parallel_size"]), "--dtype", trained_dtype(values)]
    words += ["--model-impl", values["vllm_model_impl"], "--generation-config", "vllm", *TRL_NEEDS]
    if values["trust_remote_code"]:
        words += ["--trust-remote-code"]
    return words
