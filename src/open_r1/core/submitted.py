"""Jobs that a stage submits to Slurm itself, by its `executor`: what that must say, and where their numbers stand."""

from collections.abc import Mapping
from typing import Any

from .errors import RecipeError

JOBS = "tasks/jobs"  # in the stage's output: the numbers of the jobs


def require_partition(executor: Mapping[str, Any], where: str) -> None:
    """Raises `RecipeError` for an `executor` that names no partition."""
    if not (executor.get("slurm") or {}).get("partition"):
        raise RecipeError(f"{where} names no partition of Slurm", "add `slurm: {partition: NAME}`; `sinfo` lists them")
