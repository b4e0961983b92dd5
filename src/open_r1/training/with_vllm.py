"""GRPO, or on-policy distillation, whose completions vLLM draws, in the training process or as a server: what is
checked before the model is loaded, by the first process for all, and what TRL's tracebacks mean afterwards.
"""

import importlib.metadata
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from ..core.errors import EndpointError, RecipeError
from ..core.hub import split_id
from ..core.inputs import bases
from ..core.processes import is_main_process, process_count
from .models import stored_config
from .preflight import Wanted, check_server
from .ranks import first_decides
from .run import Run
from .vllm_server import longest_prompt, server_url, trained_dtype

if TYPE_CHECKING:
    from datasets import Dataset
    from trl import DistillationConfig, DistillationTrainer, GRPOConfig, GRPOTrainer, ModelConfig

START, PER_GB = 240.0, 10.0  # seconds to wait for a server: TRL's default, and a disk that reads 100 MB a second
LEFT = 60.0  # seconds before the other processes, which wait as well, give up (`ddp_timeout`)
NCCL = "set NCCL_SOCKET_IFNAME to the interface between the machines, or NCCL_P2P_DISABLE=1; NCCL_DEBUG=INFO says more"
NEUTRAL = {"top_p": (1, None), "top_k": (0, -1, None), "min_p": (0, None), "repetition_penalty": (1, None)}


def prepare_vllm(run: Run, rows: "Dataset") -> None:
    """Checks all that can be known of a recipe's vLLM before its model is loaded; all processes end together."""
    config = run.config
    check_sampling(run)
    # the tokenizer's end may not be the one of the model's files, which is all that vLLM knows
    config.generation_kwargs = {"stop_token_ids": [run.tokenizer.eos_token_id]} | (config.generation_kwargs or {})
    notices, config.vllm_server_timeout = first_decides(lambda: look(run, rows))
    if is_main_process():
        version = importlib.metadata.version("vllm")
        for notice in [*version_notice(version), *adapter_notice(run.model_args), *notices]:
            print(f"vLLM: {notice}", flush=True)


def look(run: Run, rows: "Dataset") -> tuple[list[str], float]:
    """Notices, and the time that the server may take to start."""
    size, positions = sizes(run)
    longest, patience = longest_prompt(run.tokenizer, rows), patience_for(run, size)
    if run.config.vllm_mode == "server":
        return check_server(wanted_server(run, longest, patience)), patience
    check_length(run.config, longest, positions)
    return check_colocated(run.config, size, gpu_memory()), patience


def version_notice(version: str) -> list[str]:
    """A notice where this environment's vLLM is none of those that were found to fit (the extra in `setup.cfg`)."""
    from packaging.requirements import Requirement

    needs = [Requirement(line) for line in importlib.metadata.requires("open_r1") or [] if line.startswith("vllm")]
    outside = [need for need in needs if not need.specifier.contains(version)]
    return [f"version {version} is outside of {need.specifier}, which fit TRL and transformers" for need in outside]


def adapter_notice(model_args: "ModelConfig") -> list[str]:
    """A notice where TRL's merging of an adapter, for every rollout, and taking it out again rounds in 16 bit."""
    if not model_args.use_peft or str(model_args.dtype) == "float32":
        return []
    return [
        f"every rollout merges the adapter and takes it out again, which in {model_args.dtype} changes the frozen "
        "weights by rounding (docs/vllm.md): `dtype: float32` keeps them, and computes in bfloat16 with `bf16: true`"
    ]


def check_sampling(run: Run) -> None:
    """Refuses values of `vllm_mode` and of sampling that TRL would stumble over, or train wrongly with."""
    config = run.config
    if config.vllm_mode not in ("server", "colocate"):
        raise RecipeError(f"`vllm_mode: {config.vllm_mode}` is unknown", "use one of server, colocate")
    if config.vllm_mode == "server":
        server_url(vars(config))
    elif process_count() % config.vllm_tensor_parallel_size:
        raise RecipeError(
            f"`vllm_tensor_parallel_size: {config.vllm_tensor_parallel_size}` does not divide {process_count()} "
            "process(es)",
            "use a divisor",
        )
    if run.model_args.use_peft and run.model_args.lora_dropout:
        raise RecipeError(
            f"`lora_dropout: {run.model_args.lora_dropout}`: the trainer would compute log-probabilities with a part "
            "of the adapter left out, of completions that vLLM draws with all of it",
            "set `lora_dropout: 0.0` (TRL's default is 0.05)",
        )
    for key, neutral in NEUTRAL.items() if corrected(config) else ():
        if (value := getattr(config, key)) not in neutral:
            raise RecipeError(
                f"`{key}: {value}`: vLLM's log-probabilities count it and the trainer's do not, so the importance "
                "sampling correction would correct what is right",
                f"remove `{key}`, or set `vllm_importance_sampling_correction: false`",
            )


def corrected(config: "GRPOConfig | DistillationConfig") -> bool:
    """Whether the loss reads vLLM's log-probabilities; that of on-policy distillation reads the teacher's instead."""
    return getattr(config, "vllm_importance_sampling_correction", False)


def wanted_server(run: Run, longest: int, patience: float) -> Wanted:
    """What this run needs of its server."""
    from vllm.utils.network_utils import get_ip

    config, source = run.config, run.source
    values = vars(run.model_args) | vars(config)
    return Wanted(
        url=server_url(values),
        models=names_of(source, run.model_args.model_name_or_path),
        context=longest + config.max_completion_length,
        completion=config.max_completion_length,
        dtype=trained_dtype(values),
        corrected=corrected(config),
        group_port=config.vllm_group_port,
        own_address=get_ip(),  # as TRL tells the server
        version=importlib.metadata.version("vllm"),
        patience=patience,
    )


def names_of(source: str, loaded: str) -> tuple[str, ...]:
    """Names under which a server may serve a start model: the recipe's, what was made of it, and what it stands on."""
    names = [source, split_id(source)[0], loaded, *bases(source)]
    paths = [str(Path(name).resolve()) for name in names if Path(name).exists()]
    return tuple(dict.fromkeys([*names, *paths]))


def sizes(run: Run) -> tuple[int, int]:
    """Bytes of the model's weights in 16 bit, and the tokens of its context, from its configuration alone."""
    import torch
    from transformers import AutoModelForCausalLM

    config = stored_config(run)
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(config, trust_remote_code=run.config.trust_remote_code)
    return 2 * model.num_parameters(), config.get_text_config().max_position_embeddings


def patience_for(run: Run, size: int) -> float:
    """Seconds to wait for a server: the recipe's, else more for a larger model, within the processes' own patience."""
    if "vllm_server_timeout" in run.recipe:
        return run.config.vllm_server_timeout
    return max(START, min(START + PER_GB * size / 1e9, run.config.ddp_timeout - LEFT))


def gpu_memory() -> int | None:
    """Bytes of this process's GPU, `None` without one."""
    import torch

    return torch.cuda.get_device_properties(0).total_memory if torch.cuda.is_available() else None


def check_length(config: "GRPOConfig", longest: int, positions: int) -> None:
    """Refuses a context of a colocated vLLM that cannot hold the longest prompt and a whole completion."""
    needed = longest + config.max_completion_length
    if needed <= (config.vllm_max_model_length or positions):
        return
    key = "`vllm_max_model_length`" if config.vllm_max_model_length else "the model's `max_position_embeddings`"
    raise RecipeError(
        f"{key} is {config.vllm_max_model_length or positions}: the longest prompt of {longest} tokens and "
        f"`max_completion_length: {config.max_completion_length}` need {needed}",
        f"set `vllm_max_model_length: {needed}`" if config.vllm_max_model_length else "lower `max_completion_length`",
    )


def check_colocated(config: "GRPOConfig", size: int, memory: int | None) -> list[str]:
    """
    Whether the share of a GPU that a colocated vLLM gets can hold the weights.

    Args:
        config (`GRPOConfig`): The recipe's.
        size (`int`): Bytes of the weights in 16 bit.
        memory (`int` or `None`): Bytes of one GPU, `None` without one.

    Returns:
        `list[str]`: notices. Raises `RecipeError` where it cannot.
    """
    share, needed = config.vllm_gpu_memory_utilization, size / config.vllm_tensor_parallel_size
    if not 0 < share < 1:
        raise RecipeError(f"`vllm_gpu_memory_utilization: {share}` is no share", "write a number such as 0.3")
    if memory and needed > share * memory:
        raise RecipeError(
            f"`vllm_gpu_memory_utilization: {share}` of {memory / 1e9:.0f} GB is {share * memory / 1e9:.0f} GB, and "
            f"the weights alone take {needed / 1e9:.0f} GB",
            "raise it and set `vllm_enable_sleep_mode: true`, raise `vllm_tensor_parallel_size`, or use `vllm_mode: "
            "server`",
        )
    if share > 0.5 and not config.vllm_enable_sleep_mode:
        left = f"leaves {1 - share:.0%} of each GPU to the training"
        return [f"`vllm_gpu_memory_utilization: {share}` {left}; `vllm_enable_sleep_mode: true` gives it back"]
    return []


def watch_vllm(run: Run, trainer: "GRPOTrainer | DistillationTrainer") -> None:
    """Lets a canary watch over vLLM's weights."""
    from .canary import Canary

    if run.config.use_vllm and run.args.vllm_canary_rollouts:
        trainer.add_callback(Canary(trainer, run.window, run.args.vllm_canary_rollouts))


@contextmanager
def explained_server(run: Run) -> Iterator[None]:
    """Gives what goes wrong between TRL and a vLLM server, at the start or later, as one line."""
    try:
        yield
    except Exception as error:
        frames = [frame for frame in traceback.extract_tb(error.__traceback__) if "vllm_client" in frame.filename]
        if not frames:
            raise
        url = server_url(vars(run.config))
        reason = " ".join(f"{type(error).__name__}: {error}".split())[:300]
        if any(frame.name == "init_communicator" for frame in frames):
            raise EndpointError(f"no connection for the weights with {url}: {reason}", NCCL) from error
        hint = "look at its log, start it again with `open-r1 serve`, and run this again: it continues"
        raise EndpointError(f"the vLLM server at {url} fails: {reason}", hint) from error
