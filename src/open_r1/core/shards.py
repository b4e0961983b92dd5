"""A checkpoint that FSDP has written in pieces, made into the files that others load.

    pytorch_model_fsdp_0/__0_0.distcp, __1_0.distcp ...    # of every weight, what each rank holds
    pytorch_model_fsdp_0/.metadata                         # which piece is where

Gathering a model for each step that it saves would stop all its GPUs, and need one with room for it. So the pieces are
put together beside the training, by the process that publishes or evaluates a step: in the precision that the
configuration names (FSDP trains in float32), without the second name of a tied weight, and by the names of the model's
own files. One file is made after the other: what is held is a file, whatever the size of the model.
"""

import contextlib
import json
import shutil
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .errors import ArtifactError, disk_problem, report_errors
from .inputs import is_adapter

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedModel

FOLDER, DRAFT = "pytorch_model_fsdp_0", ".merging"
PIECES = [f"{FOLDER}/*.distcp", f"{FOLDER}/.metadata"]
LARGEST = "5GB"  # of a file; the Hub's client takes as much by default
ROOT = "model."  # before every name, by accelerate
MODEL, ADAPTER = "model{suffix}.safetensors", "adapter_model{suffix}.safetensors"


def merge(folder: Path) -> None:
    """
    Replaces the pieces in a folder, where it has any, by files that others load. A kill costs the merge only.

    Args:
        folder (`Path`):
            What is kept of a checkpoint: its pieces and the configuration of the model, or of the adapter.

    Raises `ArtifactError` for pieces that do not make a model, and `OSError` where the disk has no room.
    """
    pieces, draft = folder / FOLDER, folder / DRAFT
    if pieces.is_dir():
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir()
        with told(folder):
            write(folder, draft)
        for file in sorted(draft.iterdir()):
            file.replace(folder / file.name)
        pieces.rename(draft / FOLDER)  # all at once: from here on it is merged
    shutil.rmtree(draft, ignore_errors=True)


@contextlib.contextmanager
def told(folder: Path) -> Iterator[None]:
    """Tells in one line what the libraries raise; torch's own exception is no `Exception`."""
    from torch.distributed.checkpoint.api import CheckpointException

    try:
        yield
    except (Exception, CheckpointException) as error:
        cause = next(iter(error.failures.values()))[0] if isinstance(error, CheckpointException) else error
        if isinstance(cause, Exception) and (problem := disk_problem(cause)):
            raise OSError(problem) from None
        reason = " ".join(str(cause).split()) or type(cause).__name__
        hint = "all machines of a training must write its checkpoints to one file system"
        raise ArtifactError(f"{folder}: the pieces of its checkpoint (FSDP) make no model: {reason}", hint) from None


def write(folder: Path, target: Path) -> None:
    """Writes the files, and an index where there are several, in no more memory than the largest takes."""
    from huggingface_hub import split_torch_state_dict_into_shards
    from safetensors.torch import save_file

    weights, model = outlines(folder), skeleton(folder)
    for second in model.all_tied_weights_keys if model else ():
        weights.pop(second, None)
    name, largest = (MODEL, LARGEST) if not is_adapter(folder) else (ADAPTER, sys.maxsize)
    plan = split_torch_state_dict_into_shards(weights, filename_pattern=name, max_shard_size=largest)
    places: dict[str, str] = {}
    for file, names in plan.filename_to_tensors.items():
        part = as_saved(model, load(folder, {name: weights[name] for name in names}))
        save_file(part, target / file, metadata={"format": "pt"})
        places |= dict.fromkeys(part, file)
        del part  # before the next is loaded
    if plan.is_sharded:
        index = json.dumps({"metadata": plan.metadata, "weight_map": places}, indent=2, sort_keys=True)
        (target / f"{name.format(suffix='')}.index.json").write_text(index, encoding="utf-8")


def outlines(folder: Path) -> dict[str, "Tensor"]:
    """Name, shape and precision of each weight; an adapter keeps the precision in which it was trained."""
    import torch
    from torch.distributed.checkpoint import FileSystemReader

    config = {} if is_adapter(folder) else json.loads((folder / "config.json").read_text(encoding="utf-8"))
    wanted = getattr(torch, config["dtype"]) if config else None
    found = {}
    for name, entry in sorted(FileSystemReader(folder / FOLDER).read_metadata().state_dict_metadata.items()):
        held = entry.properties.dtype
        dtype = wanted if wanted and held.is_floating_point else held
        found[name.removeprefix(ROOT)] = torch.empty(entry.size, dtype=dtype, device="meta")
    return found


def load(folder: Path, outlines: dict[str, "Tensor"]) -> dict[str, "Tensor"]:
    """Some of the weights, each converted as soon as a piece of it is read."""
    import torch
    from torch.distributed.checkpoint import FileSystemReader
    from torch.distributed.checkpoint import load as fill

    weights = {name: torch.empty_like(outline, device="cpu") for name, outline in outlines.items()}
    state = {f"{ROOT}{name}": weight for name, weight in weights.items()}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that it is a single process
        fill(state, storage_reader=FileSystemReader(folder / FOLDER), no_dist=True)
    return weights


def skeleton(folder: Path) -> "PreTrainedModel | None":
    """
    The model without its weights, which knows its tied ones and the names in its files; `None` for an adapter, whose
    names are peft's already, and for a model with code of its own, which is not run for this.
    """
    import torch
    import transformers

    if is_adapter(folder):
        return None
    names = json.loads((folder / "config.json").read_text(encoding="utf-8"))["architectures"]
    kind: Any = getattr(transformers, names[0], None)
    if kind is None:
        return None
    with torch.device("meta"):
        return kind(kind.config_class.from_pretrained(folder))


def as_saved(model: "PreTrainedModel | None", weights: dict[str, "Tensor"]) -> dict[str, "Tensor"]:
    """Weights by the names and in the shapes of the model's files: transformers holds experts as one weight."""
    from transformers.core_model_loading import revert_weight_conversion

    saved = revert_weight_conversion(model, weights) if model else weights
    return {name: weight.contiguous() for name, weight in saved.items()}


@report_errors
def main(words: list[str] | None = None) -> None:
    """Merges one folder, in a process whose memory is gone afterwards."""
    merge(Path((sys.argv[1:] if words is None else words)[0]))


if __name__ == "__main__":
    main()
