"""What evaluations hold: one row for each model, whichever of them measured it, and where its completions lie.

An evaluation is an artifact whose manifest has `metrics` by model. Two may measure one model, and each its benchmarks:
a model is told by its place, not by its name.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any

from ..core.card_facts import sampling_of
from ..core.errors import ArtifactError
from ..core.hub import called, looks_local
from ..core.inputs import read_manifest
from ..core.notes import RECIPE
from ..core.rows import Row
from ..core.yaml_files import read_yaml
from ..data.sources import ASKED, source_names
from ..sampling.models import read_models
from ..sampling.store import read_store, stores_of
from .comparison import mean_row

ALL = "all problems"  # the one data set of an evaluation that names none


@dataclass
class Measured:
    """
    A model of a report.

    Args:
        name (`str`): Of its rows.
        path (`str`): Artifact directory or Hub id.
        row (`dict`): Its metrics, those of each benchmark in `by_dataset`; empty for one that no evaluation measured.
        stores (`list[Path]`): Where its completions lie.
    """

    name: str
    path: str
    row: dict[str, Any] = field(default_factory=dict)
    stores: list[Path] = field(default_factory=list)


def is_evaluation(manifest: Mapping[str, Any] | None) -> bool:
    return bool(manifest and manifest.get("metrics") and manifest.get("recipe", {}).get("models"))


def find_evaluations(folder: Path) -> list[Path]:
    """The complete evaluations in a folder, which may be one itself."""
    places = [folder, *sorted(path.parent for path in folder.glob("*/manifest.json"))]
    return [place for place in places if is_evaluation(read_manifest(place))]


def unfinished_evaluations(folder: Path) -> list[str]:
    """The evaluations in a folder that are not complete."""
    recipes = [file for file in [folder / RECIPE, *sorted(folder.glob(f"*/{RECIPE}"))] if file.is_file()]
    return [str(file.parent) for file in recipes if not read_manifest(file.parent) and read_yaml(file).get("models")]


def read_evaluation(path: str) -> dict[str, Any]:
    """The manifest of an evaluation; raises `ArtifactError` for what is none."""
    manifest = read_manifest(path)
    if not manifest:
        raise ArtifactError(f"{path} is not complete", "run the evaluation first")
    if not is_evaluation(manifest):
        raise ArtifactError(f"{path} is no evaluation", "name outputs of `open-r1 evaluate` in `evaluations`")
    return manifest


def here(path: str, root: Path) -> str:
    """A model's place now: a folder of artifacts may be moved, and the evaluation in it keeps the old paths."""
    moved = root / Path(path).name
    if looks_local(path) and not Path(path).expanduser().exists() and moved.exists():
        return str(moved)
    return path


def identity(path: str) -> str:
    """By what two ways to write one model are seen to be the same."""
    place = Path(path).expanduser()
    return str(place.resolve()) if called(path) == path and place.exists() else called(path)


def measured_models(evaluations: Iterable[str], stages: Mapping[str, str], root: Path) -> dict[str, Measured]:
    """
    The models of a report by their names.

    Args:
        evaluations (`Iterable[str]`):
            Output directories.
        stages (`dict[str, str]`):
            Places of models by the names that they shall have; they come first.
        root (`Path`):
            Where the artifacts lie.

    Returns:
        `dict[str, Measured]`: those of `stages`, measured or not, and the others of the evaluations.
    """
    found = {identity(path): Measured(name, path) for name, path in stages.items()}
    for evaluation in evaluations:
        manifest = read_evaluation(evaluation)
        for model in read_models(manifest["recipe"]["models"]):
            if model.name in manifest["metrics"]:
                place = here(model.path, root)
                name = free_name(model.name, Path(evaluation).name, {known.name for known in found.values()})
                known = found.setdefault(identity(place), Measured(name, place))
                add(known, manifest["metrics"][model.name], Path(evaluation) / model.name)
    return {model.name: model for model in found.values()}


def free_name(name: str, evaluation: str, taken: set[str]) -> str:
    return f"{name} ({evaluation})" if name in taken else name


def add(model: Measured, metrics: Mapping[str, Any], store: Path) -> None:
    """Adds what one evaluation measured of a model; a benchmark that another one measured too bears its name."""
    parts = metrics.get("by_dataset") or {ALL: {key: value for key, value in metrics.items() if key != "by_dataset"}}
    known = model.row.get("by_dataset", {})
    fresh = {free_name(name, store.parent.name, set(known)): row for name, row in parts.items()}
    model.row = {**metrics, **model.row, "by_dataset": known | fresh}
    if known:
        model.row |= mean_row([*known.values(), *fresh.values()])
    model.stores.append(store)


def benchmarks(evaluations: Iterable[str], measured: Iterable[str]) -> dict[str, dict[str, Any]]:
    """
    What the evaluations say of their data sets: axis of the comparison, and how samples were drawn.

    Args:
        evaluations (`Iterable[str]`):
            Output directories.
        measured (`Iterable[str]`):
            Names of benchmarks in rows: of one that a model was measured on twice, the second bears the evaluation's.

    Returns:
        `dict`: by name; the first evaluation speaks for those of one name.
    """
    found: dict[str, dict[str, Any]] = {}
    for evaluation in evaluations:
        manifest = read_evaluation(evaluation)
        recipe, entries = manifest["recipe"], manifest["recipe"].get("datasets") or []
        for name, entry in zip(source_names(entries), entries, strict=True):
            again = free_name(name, Path(evaluation).name, set(found))
            axis = entry.get("axis") or ("general" if entry.get("domain") == "general" else "reasoning")
            own = {key: entry[key] for key in ASKED if key in entry}
            about = {"axis": axis, "path": entry["path"], **sampling_of(manifest), **own}
            about["counts"] = "mean score" if entry.get("metric") == "score" else "pass@1"
            about["num_samples"] = recipe.get("num_samples") or entry.get("num_samples") or about.get("num_samples")
            if again == name or again in measured:
                found[again] = about
    return found


def completions_of(model: Path) -> Iterator[Row]:
    """All rows of a model: of its one store, or of those of its benchmarks; none where only numbers were kept."""
    return chain.from_iterable(map(read_store, stores_of(model)))
