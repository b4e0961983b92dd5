"""Evaluation as in the paper (section 3): k samples per problem at temperature 0.6 and top-p 0.95, zero-shot.

    open-r1 evaluate MODEL [MODEL...] --benchmarks aime24,math_500 [--url http://localhost:8000/v1] [--key value ...]
    open-r1 evaluate --config recipes/mini/evaluate.yaml
    open-r1 evaluate ... --check              # and compares with what is published of a known model
    open-r1 evaluate ... --lighteval COMMAND  # and has lighteval, in an environment of its own, measure the same
    open-r1 evaluate --rejudge OUTPUT         # judges the kept completions again: no model, no network
    open-r1 evaluate --compare A B            # two models' folders, problem by problem
    open-r1 evaluate --pending OUTPUT         # the saved steps of a training (`core/saved_steps.py`)

The first form is a recipe in words: the protocol of `recipes/base/evaluate.yaml`, with each benchmark's own k, below
`data/evaluations/MODEL`; asked for a further benchmark later, it draws only that one. `--benchmarks` takes names of
`recipes/benchmarks` or files of one's own.

Every completion is kept, in a store for each model and benchmark (`sampling/evaluations.py`); a killed run goes on.
"""

import multiprocessing
import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, wait
from functools import partial
from itertools import groupby, takewhile
from pathlib import Path
from typing import Any

from open_r1.core import saved_steps
from open_r1.core.artifacts import Artifact
from open_r1.core.benchmarks import FOLDER, PREFIX, read_benchmark
from open_r1.core.errors import ArtifactError, DataError, RecipeError, report_errors
from open_r1.core.fields import fill_all
from open_r1.core.files import write_atomically
from open_r1.core.hub import called
from open_r1.core.inputs import BASES, read_manifest
from open_r1.core.locks import Lock
from open_r1.core.notes import LOCK, RECIPE
from open_r1.core.processes import available_cores, die_with_parent, without_tokens
from open_r1.core.recipes import as_words, parse_overrides, read_command_line
from open_r1.core.rows import Row
from open_r1.core.stage import begin
from open_r1.core.tables import text_table
from open_r1.core.yaml_files import read_yaml
from open_r1.data.sources import source_names
from open_r1.metrics.summary import NO_REASONING
from open_r1.sampling.evaluating import SUMMARY, draw_at_scale, evaluate_model, measure_again
from open_r1.sampling.evaluations import EvaluateArguments, Task, load_problems, plan, prepare
from open_r1.sampling.models import read_models
from open_r1.sampling.store import stores_of

ARGUMENTS = EvaluateArguments
USAGE = "[MODEL ... --benchmarks NAME,NAME] [--config RECIPE.yaml] [--check] [--lighteval COMMAND] [--key value ...]"
PROTOCOL = FOLDER.parent / "base" / "evaluate.yaml"


# ------------------------------------------------------------------------------------------------------------ in words


def in_words(words: list[str]) -> list[list[str]]:
    """
    Command lines of recipes, from models and benchmarks in words: one for each model, or one for all with
    `output_dir`. A command line without them is one itself.
    """
    models = list(takewhile(lambda word: not word.startswith("--"), words))
    given, rest = taken("benchmarks", words[len(models) :], "NAME,NAME")
    if taken("benchmarks", rest, "NAME,NAME")[0]:
        raise RecipeError("`--benchmarks` is given twice", "write `--benchmarks NAME,NAME`")
    if not models and given is None:
        return [rest]
    options = parse_overrides(rest)
    if not models and not {"models", "config"} & set(options):
        raise RecipeError("no model is named", "write `open-r1 evaluate MODEL --benchmarks NAME,NAME`")
    known: dict[str, Any] = {} if "config" in options else {"config": str(PROTOCOL)}
    known |= {"engine": "server"} if "url" in options and "engine" not in options else {}
    if "output_dir" in options or not models:
        known |= {"models": models} if models else {}
        return [[*as_words(known | benchmarks(given, options.get("output_dir", ""))), *rest]]
    outputs = [f"data/evaluations/{model.name}" for model in read_models(models)]
    return [
        [*as_words(known | {"models": [model], "output_dir": output} | benchmarks(given, output)), *rest]
        for model, output in zip(models, outputs, strict=True)
    ]


def taken(option: str, words: list[str], meant: str) -> tuple[str | None, list[str]]:
    """The value of an option, and the command line without it."""
    for at, word in enumerate(words):
        if word.startswith(f"--{option}="):
            return word.partition("=")[2], [*words[:at], *words[at + 1 :]]
        if word == f"--{option}":
            if at + 1 == len(words):
                raise RecipeError(f"`--{option}` without a value", f"write `--{option} {meant}`")
            return words[at + 1], [*words[:at], *words[at + 2 :]]
    return None, words


def benchmarks(given: str | None, output: str) -> dict[str, Any]:
    """The `datasets` of a recipe: what an evaluation that lies there has, and these."""
    if given is None:
        return {}
    names = list(dict.fromkeys(name.strip() for name in given.split(",") if name.strip()))
    if not names:
        raise RecipeError(f"`--benchmarks {given}` names none", "write `--benchmarks NAME,NAME`")
    known = {read_benchmark(name)["benchmark"] for name in names}
    before = Path(output, RECIPE)
    kept = read_yaml(before).get("datasets") or [] if output and before.is_file() else []
    kept = [entry for entry in kept if entry.get("benchmark") not in known]
    return {"datasets": [*kept, *({"path": PREFIX + name} for name in names)]}


# ------------------------------------------------------------------------------------------------------------- the run


def start_worker(workers: int, bases: dict[str, str]) -> None:
    """Gives a worker process its share of the cores, its end with the run, and what adapters stand on."""
    import torch

    die_with_parent()
    BASES.update(bases)
    torch.set_num_threads(max(1, available_cores() // workers))


def evaluate_models(
    args: EvaluateArguments, tasks: list[Task], problems: dict[str, list[Row]], artifact: Artifact
) -> dict[str, dict[str, Any]]:
    """Metrics by model name, with as many models at a time as there are workers."""
    groups = [list(group) for _, group in groupby(tasks, key=lambda task: task.model)]
    if args.workers == 1:
        return {group[0].model.name: evaluate_model(group, problems, args, artifact.progress) for group in groups}
    context = multiprocessing.get_context("forkserver")
    with ProcessPoolExecutor(args.workers, context, start_worker, (args.workers, BASES)) as pool:
        with without_tokens():
            running = [pool.submit(evaluate_model, group, problems, args) for group in groups]
        while not all(future.done() for future in running):
            wait(running, timeout=1)
            artifact.progress(sum(future.done() for future in running), len(running))
        return {group[0].model.name: future.result() for group, future in zip(groups, running, strict=True)}


def models_of(args: EvaluateArguments) -> list[str]:
    """The folders of an evaluation that `prepare` decides about, and not `--force`."""
    return [model.name for model in read_models(args.models)]


def run(words: list[str]) -> Path:
    """Runs one evaluation, and prints its table; returns its directory."""
    recipe, _, force = read_command_line(words, "evaluate")
    stage = begin(EvaluateArguments, words, keep=models_of, later=True)
    if stage is None:
        output = Path(recipe["output_dir"])
        print((output / SUMMARY).read_text(encoding="utf-8"), flush=True)
        return output
    args, _, artifact = stage
    try:
        draw_and_count(args, artifact, force)
    finally:
        artifact.release()
    return artifact.path


def draw_and_count(args: EvaluateArguments, artifact: Artifact, force: bool) -> None:
    """Draws what is missing of all models, or submits the jobs that do, and prints the table."""
    problems = load_problems(args)
    if not any(row["domain"] == "reasoning" for rows in problems.values() for row in rows):
        raise DataError(*NO_REASONING)
    tasks = plan(args, artifact)
    prepare(tasks, artifact, force)
    artifact.begin()  # not before: a benchmark that cannot be had would be in the way of every later command
    if args.executor and not draw_at_scale(tasks, problems, args, artifact):
        return
    results = evaluate_models(args, tasks, problems, artifact)
    write_atomically(artifact.path / SUMMARY, text_table(results))
    artifact.finish(metrics=results)
    saved_steps.let_go(artifact.path)
    print(text_table(results), flush=True)


def rejudge(words: list[str]) -> None:
    """Judges the completions of an evaluation again, and prints what changed and the new table."""
    from open_r1.sampling.rejudging import rejudge as judge_again

    output = Path(words[0]) if len(words) == 1 else Path()
    if not (output / RECIPE).is_file():
        raise RecipeError(
            f"`--rejudge {' '.join(words)}`: no evaluation lies there", "give the `output_dir` of `open-r1 evaluate`"
        )
    lock = Lock(output / LOCK, str(output))
    for store in [store for folder in sorted(output.iterdir()) if folder.is_dir() for store in stores_of(folder)]:
        changes = judge_again(store)
        for (old, new), count in sorted(changes.items()):
            print(f"{store.relative_to(output)}: {count} {old} -> {new}", flush=True)
        print(f"{store.relative_to(output)}: {changes.total()} verdicts changed", flush=True)
    if results := measure_again(output):
        print(text_table(results), flush=True)
    lock.release()


def evaluate_pending(words: list[str]) -> None:
    """Evaluates the saved steps of a training that are not evaluated yet, as its recipe and further words say."""
    output = Path(words[0] if words else "")
    how = read_yaml(output / RECIPE) if words and (output / saved_steps.FOLDER).is_dir() else {}
    if not how.get("benchmarks"):
        raise RecipeError(
            f"`--pending {' '.join(words)}`: no training with `benchmarks` lies there", "give its `output_dir`"
        )
    lock = saved_steps.turn(output)
    failed = saved_steps.evaluate(output, how, words[1:], set())
    lock.release()
    left = saved_steps.left(output)
    if failed:
        raise ArtifactError(left, "the logs say why; run the command again")
    print(left or "nothing is pending", flush=True)


def compare(words: list[str]) -> None:
    """Prints how two models differ, problem by problem."""
    folders = [Path(word) for word in words]
    if len(folders) != 2 or not all(folder.is_dir() for folder in folders):
        raise RecipeError(
            f"`--compare {' '.join(words)}`: not two folders of models that were evaluated",
            "give two, such as data/evaluations/A/A data/evaluations/B/B",
        )
    from open_r1.sampling.comparison import compare_stores

    print(compare_stores(*folders), flush=True)


def expect_published(words: list[str]) -> None:
    """Raises `RecipeError`, before anything is drawn, where nothing is published that `--check` could compare with."""
    from open_r1.metrics.published import published_on

    recipe, _, _ = read_command_line(words, "evaluate")
    for model in read_models(recipe["models"]):
        published_on(model.path, source_names(recipe["datasets"]))


def check(output: Path) -> None:
    """Prints how the numbers of an evaluation stand to what is published of its models."""
    from open_r1.metrics.published import check as compare_with_published

    manifest = read_manifest(output)
    if manifest is None:  # jobs draw it
        return
    for model in read_models(manifest["recipe"]["models"]):
        print(compare_with_published(called(model.path), manifest["metrics"][model.name]), flush=True)


def in_lighteval(words: list[str], command: str) -> Callable[[], str]:
    """What has lighteval measure an evaluation when it is complete; what cannot be is refused now."""
    from open_r1.sampling import lighteval

    recipe, where, _ = read_command_line(words, "evaluate")
    (args,) = fill_all((EvaluateArguments,), recipe, where)
    return partial(lighteval.compare, args, lighteval.find(args, command))


@report_errors
def main(arguments: list[str] | None = None) -> None:
    """Runs evaluations from the command line."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if words[:1] == ["--compare"]:
        return compare(words[1:])
    if words[:1] == ["--rejudge"]:
        return rejudge(words[1:])
    if words[:1] == ["--pending"]:
        return evaluate_pending(words[1:])
    checked = "--check" in words
    command, words = taken("lighteval", [word for word in words if word != "--check"], "le/bin/lighteval")
    lines = in_words(words)
    for line in lines if checked else ():
        expect_published(line)
    for line in lines:
        beside = in_lighteval(line, command) if command else None
        output = run(line)
        if checked:
            check(output)
        if beside:
            print(beside(), flush=True)


if __name__ == "__main__":
    main()
