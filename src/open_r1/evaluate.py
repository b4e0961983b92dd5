"""Evaluation as in the paper (section 3): k samples per problem at temperature 0.6 and top-p 0.95, zero-shot.

    open-r1 evaluate --config recipes/mini/evaluate.yaml

Draws a sample store per model, keeps every completion, and reports pass@1 with a 95% interval, pass@k, cons@k,
format, truncation, length, language and, where the data hold general and harm problems, helpfulness and refusals.
"""

import json
import multiprocessing
from concurrent.futures import ProcessPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from open_r1.core.artifacts import Artifact, write_atomically
from open_r1.core.errors import DataError, report_errors
from open_r1.core.inputs import BASES
from open_r1.core.keys import MODEL, RUN, SAMPLES, key
from open_r1.core.processes import available_cores, die_with_parent, without_tokens
from open_r1.core.publishing import Publishing
from open_r1.core.rows import Row
from open_r1.core.stage import begin
from open_r1.core.tables import text_table
from open_r1.data.sources import SOURCE
from open_r1.metrics.summary import NO_REASONING, summarize
from open_r1.sampling.arguments import Sampling, sampling_of
from open_r1.sampling.draw import check_store, make_engine
from open_r1.sampling.models import ENTRY, Model, read_models
from open_r1.sampling.store import fill_store, is_published, read_store


@dataclass
class EvaluateArguments(Publishing, Sampling):
    """
    An evaluation recipe.

    Args:
        models (`list`):
            Artifact directories or Hub ids; `{path: ..., name: ..., response_format: ..., chat_template: FILE}` for a
            model not of ours, for another template, or where two would bear one name.
        workers (`int`, *optional*, defaults to `1`):
            Processes that share the models; each gets its share of the cores. Small models gain from it, and GPUs do
            not.
        datasets (`list[dict]`):
            Problems, see `data/sources.py`.
        output_dir (`str`):
            One folder per model goes there, with samples and `metrics.json`. A model has a row for each data set of
            reasoning problems and, of several, their mean.
        root (`str`, *optional*, defaults to `"data"`):
            Directory of the pipeline's artifacts.
    """

    models: list = key([], SAMPLES, loads=MODEL, inside=ENTRY)
    workers: int = key(1, RUN)
    datasets: list = key([], SAMPLES, inside=SOURCE)
    output_dir: str = ""
    root: str = "data"

    def __post_init__(self):
        super().__post_init__()
        if not self.models:
            raise DataError("the recipe lists no `models`", "add `models:` with artifact directories or Hub ids")
        read_models(self.models)


def evaluate_model(model: Model, problems: list[Row], directory: Path, sampling: Sampling) -> dict[str, Any]:
    """Samples, scores and summarises one model; does what is missing of it."""
    target = directory / model.name
    if not (target / "metrics.json").exists():
        if not is_published(target):
            fill_store(make_engine(model.path, model.writes, sampling, model.chat_template), problems, target)
        check_store(target, sampling)
        names = {row.get("dataset", "") for row in read_store(target)}
        entries = {name: {"num_samples": sampling.num_samples} for name in sorted(names)}
        metrics = summarize(read_store(target), entries)
        write_atomically(target / "metrics.json", json.dumps(metrics, indent=2))
    return json.loads((target / "metrics.json").read_text(encoding="utf-8"))


def start_worker(workers: int, bases: dict[str, str]) -> None:
    """Gives a worker process its share of the cores, its end with the run, and what adapters stand on."""
    import torch

    die_with_parent()
    BASES.update(bases)
    torch.set_num_threads(max(1, available_cores() // workers))


def evaluate_models(args: EvaluateArguments, problems: list[Row], artifact: Artifact) -> dict[str, dict[str, Any]]:
    """Metrics by model name, with as many models at a time as there are workers."""
    models = read_models(args.models)
    jobs = [(model, problems, artifact.path, sampling_of(args)) for model in models]
    context = multiprocessing.get_context("forkserver")
    with ProcessPoolExecutor(args.workers, context, start_worker, (args.workers, BASES)) as pool:
        with without_tokens():
            running = [pool.submit(evaluate_model, *job) for job in jobs]
        while not all(future.done() for future in running):
            wait(running, timeout=1)
            artifact.progress(sum(future.done() for future in running), len(running))
        return {model.name: future.result() for model, future in zip(models, running, strict=True)}


ARGUMENTS = EvaluateArguments


@report_errors
def main(arguments: list[str] | None = None) -> None:
    """Runs one evaluation recipe from the command line."""
    from open_r1.data.sources import load_sources

    stage = begin(EvaluateArguments, arguments)
    if stage is None:
        return
    args, recipe, artifact = stage
    problems = load_sources(args.datasets, ["prompt", "answer"], named=True).to_list()
    if not any(problem["domain"] == "reasoning" for problem in problems):
        raise DataError(*NO_REASONING)
    results = evaluate_models(args, problems, artifact)
    write_atomically(artifact.path / "summary.txt", text_table(results))
    artifact.finish(metrics=results)
    print(text_table(results), flush=True)


if __name__ == "__main__":
    main()
