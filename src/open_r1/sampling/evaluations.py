"""An evaluation's stores: one for each model and benchmark (paper section 3: k samples of each problem).

    OUTPUT/MODEL/BENCHMARK/part-*.jsonl    the completions, and drawn.json: what makes them these and no others
    OUTPUT/MODEL/metrics.json              the numbers of a model over its benchmarks

So a benchmark that joins a recipe, or changes, is drawn alone; what only says how completions are counted draws
nothing. A recipe that would lose completions is refused without `--force`.
"""

import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from ..core.artifacts import Artifact
from ..core.benchmarks import DESCRIBING
from ..core.errors import ArtifactError, DataError, RecipeError
from ..core.keys import LAST, MODEL, PARTS, RUN, SAMPLES, SERVER, key
from ..core.publishing import Publishing
from ..core.rows import RULELESS, Row
from ..data.sources import ASKED, SOURCE, load_sources, source_names, without_amounts
from ..verify import check_kind
from .arguments import Sampling
from .models import ENTRY, Model, read_models
from .store import drawn_as, identity_of, stores_of

SAMPLES_EACH = 16  # k where neither the recipe nor the benchmark says


@dataclass
class EvaluateArguments(Publishing, Sampling):
    """
    An evaluation recipe.

    Args:
        models (`list`):
            Artifact directories or Hub ids; `{path: ..., name: ..., response_format: ..., chat_template: FILE}` for a
            model not of ours, for another template, or where two would bear one name.
        num_samples (`int`, *optional*):
            Completions per problem (k), of every benchmark; by default each benchmark's own, or 16.
        workers (`int`, *optional*, defaults to `1`):
            Processes that share the models; each gets its share of the cores. Small models gain from it, and GPUs do
            not.
        datasets (`list[dict]`):
            Problems, see `data/sources.py`; `benchmark:NAME` for one of `recipes/benchmarks`.
        judge (`dict`, *optional*):
            Settings of the judge (`url`, `model`, ...), for benchmarks that one decides.
        max_failed (`float`, *optional*, defaults to `0.0`):
            Share of completions that may have failed.
        executor (`dict`, *optional*):
            Many processes or Slurm jobs in place of this one, see `at_scale.py`: some tasks for each store.
        output_dir (`str`):
            One folder per model goes there, with a store for each benchmark and `metrics.json`.
        root (`str`, *optional*, defaults to `"data"`):
            Directory of the pipeline's artifacts.
    """

    models: list = key([], PARTS, loads=MODEL, inside=ENTRY)
    num_samples: int | None = key(None, SAMPLES)  # type: ignore[assignment]  # here a benchmark may say it
    workers: int = key(1, RUN)
    datasets: list = key([], PARTS, inside=SOURCE)
    judge: dict = key({}, LAST, inside=SERVER)
    max_failed: float = key(0.0, RUN)
    executor: dict = key({}, RUN)
    output_dir: str = ""
    root: str = "data"

    def __post_init__(self):
        super().__post_init__()
        if not self.models:
            raise DataError("the recipe lists no `models`", "add `models:` with artifact directories or Hub ids")
        read_models(self.models)
        for entry in self.datasets:
            if isinstance(entry, dict) and entry.get("judge") and not self.judge:
                name = entry.get("benchmark") or entry.get("path")
                raise DataError(f"{name} needs a judge, and none is given", "add `judge: {url: ..., model: ...}`")


class Task(NamedTuple):
    """
    What is drawn of one model for one benchmark.

    Attributes:
        model (`Model`): The model.
        name (`str`): Of the benchmark or data set, as in results.
        entry (`dict`): Its entry of `datasets`.
        store (`Path`): Where the completions go.
        num_samples (`int`): Completions per problem.
        identity (`str`): What makes them these and no others.
    """

    model: Model
    name: str
    entry: dict[str, Any]
    store: Path
    num_samples: int
    identity: str


# ------------------------------------------------------------------------------------------------ what is to be drawn


def plan(args: EvaluateArguments, artifact: Artifact) -> list[Task]:
    """All that an evaluation draws, model by model."""
    names = source_names(args.datasets)
    folders, recipe, numbers = folder_names(names), artifact.recipe, samples_each(artifact.recipe)
    tasks = []
    for model, given in zip(read_models(args.models), recipe["models"], strict=True):
        entry = {"path": given} if isinstance(given, str) else given
        drawn_of = {key: entry[key] for key in ("path", "chat_template") if key in entry}
        drawn_of["response_format"] = model.writes
        for name, folder, source, raw in zip(names, folders, args.datasets, recipe["datasets"], strict=True):
            asked = {key: value for key, value in raw.items() if key not in DESCRIBING}
            identity = identity_of(args, artifact, models=[drawn_of], datasets=[asked], num_samples=numbers[name])
            tasks.append(Task(model, name, source, artifact.path / model.name / folder, numbers[name], identity))
    return tasks


def samples_each(recipe: Mapping[str, Any]) -> dict[str, int]:
    """k of each benchmark: the recipe's, or its own."""
    entries, stated = recipe["datasets"], recipe.get("num_samples")
    each = [entry.get("num_samples", SAMPLES_EACH) if stated is None else stated for entry in entries]
    for number, entry in zip(each, entries, strict=True):
        if not isinstance(number, int) or number < 1:
            raise RecipeError(f"`num_samples: {number}` of {entry['path']}", "it must be at least 1")
    return dict(zip(source_names(entries), each, strict=True))


def folder_names(names: list[str]) -> list[str]:
    """Names of data sets, fit for folders; numbered where they meet."""
    found: list[str] = []
    for name in names:
        plain = re.sub(r"[^\w.() -]+", "-", name).strip(". -") or "data"
        same = sum(other == plain or other.startswith(f"{plain} (") for other in found)
        found.append(f"{plain} ({same + 1})" if same else plain)
    return found


def prepare(tasks: list[Task], artifact: Artifact, force: bool) -> None:
    """Removes stores that the recipe does not draw; raises `ArtifactError` where `--force` does not allow it."""
    wanted = {task.store: task.identity for task in tasks}
    there = [store for folder in artifact.path.iterdir() if folder.is_dir() for store in stores_of(folder)]
    others = [store for store in there if drawn_as(store) != wanted.get(store)]
    if others and not force:
        names = ", ".join(str(store.relative_to(artifact.path)) for store in others)
        raise ArtifactError(
            f"{artifact.path} holds completions that this recipe would not draw: {names}",
            "go back to the recipe that drew them, choose another `output_dir`, or add --force to replace them",
        )
    for store in others:
        shutil.rmtree(store)


def load_problems(args: EvaluateArguments) -> dict[str, list[Row]]:
    """The problems of each benchmark."""
    found = {}
    for name, entry in zip(source_names(args.datasets), args.datasets, strict=True):
        if entry.get("judge"):
            from .judging import check_judge

            check_judge(entry, args.judge)
        rows = load_sources([without_amounts(entry, ASKED)], ["prompt", "answer"], named=True).to_list()
        for kind in {row["verifier"] for row in rows} - set(RULELESS):
            check_kind(kind)
        found[name] = [row | {"dataset": name} for row in rows]
    return found
