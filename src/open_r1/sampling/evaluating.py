"""One model of an evaluation: what its stores lack is drawn, judged where a judge decides, and counted."""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from ..core.artifacts import Artifact
from ..core.cards import write_card
from ..core.decontaminated import contamination_of
from ..core.files import write_atomically
from ..core.inputs import MANIFEST, read_manifest
from ..core.notes import read_note
from ..core.pushing import add_final
from ..core.recipes import fingerprint
from ..core.rows import Row
from ..core.tables import text_table
from ..data.sources import ASKED, source_names, without_amounts
from ..metrics.summary import summarize
from .arguments import GenerateArguments, Sampling, sampling_of
from .draw import check_store, make_engine
from .evaluations import EvaluateArguments, Task, folder_names, samples_each
from .models import Model, read_models
from .spent import SPENT, Clock, add_up, gpus_of
from .store import fill_store, is_published, keep_matching, lacks_parts, read_stores

METRICS, SUMMARY = "metrics.json", "summary.txt"


def evaluate_model(
    tasks: list[Task],
    problems: Mapping[str, list[Row]],
    args: EvaluateArguments,
    progress: Callable[..., None] | None = None,
) -> dict[str, Any]:
    """Samples, scores and summarises one model; does what is missing of it, and loads it only for that."""
    folder = tasks[0].store.parent
    fill(tasks, problems, args, progress)
    for task in tasks:
        if task.entry.get("judge"):
            from .judging import judge_store

            judge_store(task.store, task.entry, args.judge)
        check_store(task.store, sampling_for(task, args), args.max_failed)
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


def lacking(tasks: list[Task], problems: Mapping[str, list[Row]], args: Sampling) -> list[Task]:
    """The tasks whose stores are still to be filled."""
    return [
        task
        for task in tasks
        if not is_published(task.store) and lacks_parts(problems[task.name], task.store, sampling_for(task, args))
    ]


def draw_at_scale(
    tasks: list[Task], problems: Mapping[str, list[Row]], args: EvaluateArguments, artifact: Artifact
) -> bool:
    """Draws what the stores lack in the many tasks of `executor`; returns `False` after jobs were submitted."""
    from .at_scale import are_done, check_executor, pipeline, run_here, store_replies
    from .jobs import submit

    check_executor(args.executor)
    waiting = {}
    for task in lacking(tasks, problems, args):
        drawing, sampling = generation_of(task, args), sampling_for(task, args)
        place = artifact.path / "tasks" / task.model.name / f"{task.store.name}-{fingerprint({'': task.identity})}"
        folder = str(place.resolve())
        if not are_done(args.executor, folder):
            if args.executor["kind"] == "slurm":
                waiting[folder] = pipeline(drawing, sampling, folder)
                continue
            run_here(drawing, sampling, folder)
        keep_matching(task.store, task.identity)
        store_replies(drawing, sampling, folder, problems[task.name], task.store, artifact.progress)
        add_up(place, task.store)
    return submit(waiting, args.executor, artifact) if waiting else True


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
    args: Sampling,
    progress: Callable[..., None] | None = None,
) -> None:
    """Draws what the stores of a model lack, with one engine."""
    engine = None
    for task in lacking(tasks, problems, args):
        model = task.model
        chosen = sampling_for(task, args)
        engine = engine or make_engine(model.path, model.writes, chosen, model.chat_template)
        engine.sampling = chosen
        keep_matching(task.store, task.identity)  # not before: what fails at once leaves nothing that `--force` guards
        clock = Clock(task.store / SPENT, gpus_of(args), progress)
        fill_store(engine, problems[task.name], task.store, clock)
