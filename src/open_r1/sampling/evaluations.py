"""An evaluation's stores: one for each model and benchmark (paper section 3: k samples of each problem).

    OUTPUT/MODEL/BENCHMARK/part-*.jsonl    the completions, and drawn.json: what makes them these and no others
    OUTPUT/MODEL/metrics.json              the numbers of a model over its benchmarks

So a benchmark that joins a recipe, or changes, is drawn alone; what only says how completions are counted draws
nothing. A recipe that would lose completions is refused without `--force`.
"""

import json
import re
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

from ..core.artifacts import Artifact, read_note, write_atomically
from ..core.benchmarks import DESCRIBING
from ..core.cards import write_card
from ..core.decontaminated import contamination_of
from ..core.errors import ArtifactError, DataError, RecipeError
from ..core.inputs import MANIFEST, read_manifest
from ..core.keys import LAST, MODEL, PARTS, RUN, SAMPLES, SERVER, key
from ..core.publishing import Publishing
from ..core.pushing import add_final
from ..core.recipes import fingerprint
from ..core.rows import RULELESS, Row
from ..core.tables import text_table
from ..data.sources import ASKED, SOURCE, load_sources, source_names, without_amounts
from ..metrics.summary import summarize
from ..verify import check_kind
from .arguments import GenerateArguments, Sampling, sampling_of
from .draw import check_store, make_engine
from .models import ENTRY, Model, read_models
from .store import (
    drawn_as,
    fill_store,
    identity_of,
    is_published,
    keep_matching,
    lacks_parts,
    read_stores,
    stores_of,
)

SAMPLES_EACH = 16  # k where neither the recipe nor the benchmark says
METRICS, SUMMARY, SPENT = "metrics.json", "summary.txt", "spent.json"


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
    for store, identity in wanted.items():
        keep_matching(store, identity)


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


# ------------------------------------------------------------------------------------------------------ one model's


def evaluate_model(
    tasks: list[Task],
    problems: Mapping[str, list[Row]],
    args: EvaluateArguments,
    progress: Callable[..., None] | None = None,
) -> dict[str, Any]:
    """Samples, scores and summarises one model; does what is missing of it, and loads it only for that."""
    folder = tasks[0].store.parent
    sampling = sampling_of(args)
    fill(tasks, problems, sampling, progress)
    for task in tasks:
        if task.entry.get("judge"):
            from .judging import judge_store

            judge_store(task.store, task.entry, args.judge)
        check_store(task.store, replace(sampling, num_samples=task.num_samples), args.max_failed)
    return measure(folder, tasks[0].model, {"datasets": args.datasets, "num_samples": args.num_samples})


def measure(folder: Path, model: Model, recipe: Mapping[str, Any]) -> dict[str, Any]:
    """The numbers of a model over the benchmarks of a recipe; they are kept beside its stores."""
    names, numbers = source_names(recipe["datasets"]), samples_each(recipe)
    entries = {
        name: entry | {"num_samples": numbers[name]} | read_note(folder / store / SPENT)
        for name, store, entry in zip(names, folder_names(names), recipe["datasets"], strict=True)
    }
    metrics = summarize(read_stores(folder), entries)
    for name, row in metrics["by_dataset"].items():
        if "benchmark" in entries[name]:
            row["contamination"] = contamination_of(Path(model.path), name)
    write_atomically(folder / METRICS, json.dumps(metrics, indent=2))
    return metrics


def measure_again(output: Path) -> dict[str, dict[str, Any]]:
    """The numbers of a complete evaluation, from the completions as they are now judged; none of an unfinished one."""
    manifest = read_manifest(output)
    if manifest is None:
        return {}
    recipe = manifest["recipe"]
    models = read_models(recipe["models"])
    manifest["metrics"] = {model.name: measure(output / model.name, model, recipe) for model in models}
    write_atomically(output / SUMMARY, text_table(manifest["metrics"]))
    write_card(output, manifest)
    write_atomically(output / MANIFEST, json.dumps(manifest, indent=2, ensure_ascii=False, default=str))
    if recipe.get("push_to_hub"):
        add_final(output, recipe)
    return manifest["metrics"]


def sampling_for(task: Task, args: Sampling) -> Sampling:
    """How a benchmark is drawn: as the recipe says, but for what its entry does."""
    own = {key: task.entry[key] for key in ASKED if key in task.entry}
    return replace(sampling_of(args), num_samples=task.num_samples, **own)


def lacking(tasks: list[Task], problems: Mapping[str, list[Row]], sampling: Sampling) -> list[Task]:
    """The tasks whose stores are still to be filled."""
    return [
        task
        for task in tasks
        if not is_published(task.store) and lacks_parts(problems[task.name], task.store, sampling_for(task, sampling))
    ]


def draw_at_scale(
    tasks: list[Task], problems: Mapping[str, list[Row]], args: EvaluateArguments, artifact: Artifact
) -> bool:
    """Draws what the stores lack in the many tasks of `executor`; returns `False` after jobs were submitted."""
    from .at_scale import are_done, check_executor, pipeline, run_here, store_replies
    from .jobs import submit

    check_executor(args.executor)
    waiting = {}
    for task in lacking(tasks, problems, sampling_of(args)):
        drawing, sampling = generation_of(task, args), sampling_for(task, args)
        place = artifact.path / "tasks" / task.model.name / f"{task.store.name}-{fingerprint({'': task.identity})}"
        folder = str(place.resolve())
        if not are_done(args.executor, folder):
            if args.executor["kind"] == "slurm":
                waiting[folder] = pipeline(drawing, sampling, folder)
                continue
            run_here(drawing, sampling, folder)
        store_replies(drawing, sampling, folder, problems[task.name], task.store, artifact.progress)
    return submit(waiting, args.executor, artifact, "evaluate") if waiting else True


def generation_of(task: Task, args: EvaluateArguments) -> GenerateArguments:
    """The recipe of a generation that draws one store."""
    model = task.model
    return GenerateArguments(
        **asdict(sampling_for(task, args)),
        model=model.path,
        response_format=model.writes,
        chat_template=model.chat_template or "",
        datasets=[without_amounts(task.entry, ASKED)],
        executor=args.executor,
    )


def fill(
    tasks: list[Task],
    problems: Mapping[str, list[Row]],
    sampling: Sampling,
    progress: Callable[..., None] | None = None,
) -> None:
    """Draws what the stores of a model lack, with one engine."""
    engine = None
    for task in lacking(tasks, problems, sampling):
        model = task.model
        chosen = sampling_for(task, sampling)
        engine = engine or make_engine(model.path, model.writes, chosen, model.chat_template)
        engine.sampling = chosen
        clock = Clock(task.store / SPENT, gpus_of(sampling), progress)
        fill_store(engine, problems[task.name], task.store, clock, task.num_samples)


def gpus_of(sampling: Sampling) -> int:
    """GPUs that an engine in this process draws with; those of servers are not known."""
    if sampling.engine == "server":
        return 0
    import torch

    return min(torch.cuda.device_count(), sampling.extra.get("tensor_parallel_size", 1))


class Clock:
    """Keeps beside a store how long its drawing took, kills and all: called after each part."""

    def __init__(self, file: Path, gpus: int, progress: Callable[..., None] | None):
        self.file, self.gpus, self.progress = file, gpus, progress
        self.before, self.began = read_note(file).get("seconds", 0.0), time.monotonic()

    def __call__(self, *done: Any, **figures: Any) -> None:
        seconds = self.before + time.monotonic() - self.began
        cost = {"gpu_hours": seconds * self.gpus / 3600} if self.gpus else {}
        write_atomically(self.file, json.dumps({"seconds": round(seconds, 1)} | cost))
        if self.progress:
            self.progress(*done, **figures)
