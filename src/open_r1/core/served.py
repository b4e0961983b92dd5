"""What OpenAI-compatible servers say of the models that they serve, in their reply to /models."""

from pathlib import Path
from typing import Any, NamedTuple

from .errors import EndpointError

UNREADABLE = (ValueError, KeyError, IndexError, TypeError, AttributeError, RecursionError)
LISTS_ALL = ("vllm", "sglang")  # they list all that they serve; `transformers serve` takes any path


class Served(NamedTuple):
    """
    What servers say of a model.

    Attributes:
        context (`int`): The shortest context that one names, 0 if none does.
        software (`str`): `vllm` or `sglang` where all say so, and take their further sampling settings; else empty.
    """

    context: int
    software: str


def listed(reply: Any) -> list[dict[str, Any]]:
    """The models that a server lists, none where it answers something else."""
    try:
        return [entry for entry in reply.json()["data"] if isinstance(entry.get("id"), str)]
    except UNREADABLE:
        return []


def entry_of(model: str, entries: list[dict[str, Any]], url: str) -> dict[str, Any]:
    """A server's words on one model, or none; raises `EndpointError` where it serves others and not this one."""
    found = next((entry for entry in entries if entry["id"] == model), None)
    if found or not entries:
        return found or {}
    takes_paths = not any(entry.get("owned_by") in LISTS_ALL for entry in entries)
    if takes_paths and Path(model).exists():
        return {}
    names = [entry["id"] for entry in entries]
    renamed = next((entry["id"] for entry in entries if entry.get("root") == model), None)
    hint = (
        f"write `model: {renamed}`: the server has that name for it"
        if renamed
        else "correct `model`, or start it there"
    )
    raise EndpointError(f"{url} serves {', '.join(names[:5])}, not {model}", hint)


def combined(entries: list[dict[str, Any]]) -> Served:
    """What several servers say of one model."""
    contexts = [entry["max_model_len"] for entry in entries if entry.get("max_model_len")]
    software = {entry.get("owned_by") for entry in entries}
    alike = len(software) == 1 and software <= set(LISTS_ALL)
    return Served(min(contexts, default=0), str(*software) if alike else "")
