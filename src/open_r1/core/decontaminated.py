"""Which benchmarks the training data of a model were checked against, as far as manifests on this disk say it.

`decontaminate`, `mix` and `curate` leave in their manifest what they checked and removed (`data/contamination.py`);
what is made from checked data is checked. This is about the stages of the pipeline: what the model below them was
pretrained on, nobody here knows.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .inputs import read_manifest
from .lineage import ARTIFACT, Source, base_of, data_of

UNKNOWN, UNCHECKED = "unknown", "not checked"


def contamination_of(model_path: Path, benchmark: str) -> str:
    """
    Whether a model's training data were checked against a benchmark.

    Args:
        model_path (`Path`):
            Directory of the model.
        benchmark (`str`):
            Its name, as in `recipes/benchmarks`.

    Returns:
        `str`: `checked, N removed` (rows, in all its stages together), `not checked` where some of its data were not,
        or `unknown` for a model that no stage of ours has made.
    """
    manifest = read_manifest(model_path)
    found = [removed_from(source, benchmark) for source in training_data(manifest)] if manifest else []
    if not found:
        return UNKNOWN
    return UNCHECKED if None in found else f"checked, {sum(filter(None, found))} removed"


def training_data(manifest: Mapping[str, Any] | None) -> list[Source]:
    """What a model and the models below it were trained on, each once."""
    found: dict[str, Source] = {}
    while manifest:
        recipe, inputs = manifest.get("recipe") or {}, manifest.get("inputs") or {}
        found |= {source.name: source for source in data_of(recipe, inputs)}
        base = base_of(recipe, inputs)
        manifest = read_manifest(base.name) if base and base.origin == ARTIFACT else None
    return list(found.values())


def removed_from(source: Source, benchmark: str) -> int | None:
    """Rows that a check of some data removed, or of the data that they were made from; `None` without any check."""
    manifest = (read_manifest(source.name) if source.origin == ARTIFACT else None) or {}
    report = (manifest.get("contamination") or {}).get("benchmarks") or {}
    if benchmark in report:
        return report[benchmark]["removed"]
    below = [
        removed_from(part, benchmark) for part in data_of(manifest.get("recipe") or {}, manifest.get("inputs") or {})
    ]
    return None if not below or None in below else sum(filter(None, below))
