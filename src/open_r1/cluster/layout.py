"""On which devices a recipe runs, and what its opening comment says of them.

A recipe begins with a comment: its purpose, `Hardware: ...`, and the command that launches it, which names a
configuration of accelerate (`--config_file FILE`). An overlay for some hardware says the same in its comment and in
`launch`.
"""

import re
from pathlib import Path
from typing import NamedTuple

from ..core.errors import RecipeError
from ..core.yaml_files import read_yaml
from .job import GB

DEFAULT_MEMORY = 80.0  # GB of a GPU
CONFIGURATION = r"--config_file(?:[\s,]|- )+([^\s,\]]+)"  # also where a list has a line for each word


class Layout(NamedTuple):
    """
    The devices of a run.

    Attributes:
        devices (`int`): How many.
        sharded (`bool`): Whether FSDP2 divides the model among them; else each holds a copy (DDP).
        offloaded (`bool`): Whether the divided state lies with the CPUs.
        device_memory (`float`): Bytes of each.
    """

    devices: int = 1
    sharded: bool = False
    offloaded: bool = False
    device_memory: float = DEFAULT_MEMORY * GB


def header(file: str | Path) -> str:
    """The comment that opens a recipe, as one line; empty where there is none."""
    path = Path(file)
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    comment = [line for line in lines[: next((n for n, line in enumerate(lines) if line[:1] != "#"), len(lines))]]
    return " ".join(line.lstrip("# ").rstrip("\\ ") for line in comment)


def said(pattern: str, files: list[str]) -> str | None:
    """What the last of some files says, in its opening comment or its text."""
    for file in reversed(files):
        for text in (header(file), Path(file).read_text(encoding="utf-8") if Path(file).is_file() else ""):
            if found := re.search(pattern, text):
                return found[1]
    return None


def read_layout(
    files: list[str], accelerate: str | None = None, gpus: int | None = None, memory: float | None = None
) -> Layout:
    """
    The devices of a run.

    Args:
        files (`list[str]`):
            The recipe and the overlays on it.
        accelerate (`str`, *optional*):
            A configuration of accelerate; by default the one that the files name, else one GPU.
        gpus (`int`, *optional*):
            Number of GPUs; by default that of the configuration. Several where it knows one are divided by FSDP2.
        memory (`float`, *optional*):
            GB of a GPU; by default what the files' comments say (`GPUs with 80 GB`), else 80.

    Returns:
        `Layout`. Raises `RecipeError` for a configuration that cannot be read, or no GPUs.
    """
    name = accelerate or said(CONFIGURATION, files)
    known = read_yaml(Path(name)) if name and (accelerate or Path(name).is_file()) else {}
    kind, options = known.get("distributed_type", "NO"), known.get("fsdp_config") or {}
    devices = gpus if gpus is not None else int(known.get("num_processes", 1))
    if devices < 1:
        raise RecipeError(f"--gpus {devices}", "give at least 1")
    size = memory if memory is not None else float(said(r"GPUs? (?:with|of) (\d+) GB", files) or DEFAULT_MEMORY)
    if size <= 0:
        raise RecipeError(f"--gpu-memory {size:g}", "give the GB of one GPU")
    sharded = kind == "FSDP" or (kind == "NO" and devices > 1)
    return Layout(devices, sharded, sharded and bool(options.get("fsdp_offload_params")), size * GB)
