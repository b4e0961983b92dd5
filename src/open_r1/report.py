"""Draws what a pipeline did: a self-contained page, figures, `results.json`, and each model's row in its card.

    open-r1 report --config recipes/mini/report.yaml
    open-r1 report data/mine      # any folder of models and evaluations; the page goes to data/mine/report

Reads artifacts only (manifests, evaluation metrics, training logs, samples), so it can be made again at any time. The
page shows every benchmark with intervals and, where it is known, the published number; R1-Zero's curves; reasoning
against general ability; students by size; and completions with their verdicts.
"""

import json
import sys
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from open_r1.core.card_facts import sampling_of
from open_r1.core.cards import add_results
from open_r1.core.environment import versions
from open_r1.core.errors import ArtifactError, RecipeError, report_errors
from open_r1.core.fields import check_keys
from open_r1.core.files import write_atomically
from open_r1.core.hub import called, looks_local
from open_r1.core.inputs import read_manifest
from open_r1.core.keys import BARE, STORE, Key, key
from open_r1.core.publishing import MODEL, Publishing, kind_of
from open_r1.core.pushing import add_card
from open_r1.core.recipes import fingerprint
from open_r1.core.stage import begin
from open_r1.core.tables import text_table
from open_r1.data.sources import source_names
from open_r1.metrics.kept_rollouts import measure_rollouts, rollout_files
from open_r1.metrics.published import published
from open_r1.reporting.comparison import axes, compared, students
from open_r1.reporting.completions import choose
from open_r1.reporting.drawing import Figure, save_png
from open_r1.reporting.evaluations import (
    Measured,
    benchmarks,
    find_evaluations,
    identity,
    measured_models,
    unfinished_evaluations,
)
from open_r1.reporting.figures import axes_figure, bar_figure, curve_figure, rollout_figure
from open_r1.reporting.page import render
from open_r1.reporting.sizes import parameters, shown
from open_r1.reporting.training import curves, default_figure

FIGURE = ("file", "title", "runs", "metrics")
USAGE = "DIRECTORY | --config RECIPE.yaml [--force] [--key value ...]"


@dataclass
class ReportArguments(Publishing):
    """
    A report recipe.

    Args:
        output_dir (`str`):
            Where the report goes.
        evaluations (`list[str]`, *optional*):
            Output directories of evaluations; every model in them has its row.
        stages (`dict`, *optional*):
            Artifact directories by the names that their rows shall have; they come first, and their training is shown
            too.
        figures (`list[dict]`, *optional*):
            Training curves to draw: `file`, `title`, `runs` and `metrics`; by default accuracy and length of all runs.
        title (`str`, *optional*, defaults to `"R1 pipeline"`):
            Heading of the page.
        root (`str`, *optional*, defaults to `"data"`):
            Directory of the pipeline's artifacts.
        seed (`int`, *optional*, defaults to `0`):
            Seed of the run, for the page.
    """

    output_dir: str
    evaluations: list = key([], loads=STORE)
    stages: dict = key({}, inside={"*": Key(loads=BARE)})
    figures: list = key([])
    title: str = "R1 pipeline"
    root: str = "data"
    seed: int = 0

    def __post_init__(self):
        for figure in self.figures:
            check_figure(figure)


def check_figure(figure: Any) -> None:
    """Raises `RecipeError` for an entry of `figures` that cannot be drawn."""
    if not isinstance(figure, dict):
        raise RecipeError(f"`figures`: {figure!r} is no mapping", f"give it {', '.join(FIGURE)}")
    check_keys(figure, FIGURE, f"`figures` entry {figure.get('file', '')}")
    for name in FIGURE:
        if not figure.get(name):
            raise RecipeError(f"`figures`: an entry without `{name}`: {figure}", f"give it {', '.join(FIGURE)}")


def looked_up(words: list[str]) -> list[str]:
    """The command line for a folder: its evaluations, and its artifacts that they measured or that RL made."""
    if not words or words[0].startswith("--"):
        return words
    folder = Path(words[0])
    if not folder.is_dir():
        raise ArtifactError(f"{folder} is no directory", "name the folder that holds models and evaluations")
    evaluations = [str(path) for path in find_evaluations(folder)]
    if unfinished := unfinished_evaluations(folder):
        print(f"notice: not complete, and left out: {', '.join(unfinished)}", flush=True)
    known = {identity(model.path): name for name, model in measured_models(evaluations, {}, folder).items()}
    chosen = [path for path in artifacts(folder) if told_of(path, known)]
    stages = {known.get(identity(str(path)), path.name): str(path) for path in chosen}
    if not evaluations and not stages:
        raise ArtifactError(f"{folder} holds no evaluation and no RL run", "run `open-r1 evaluate` into it first")
    values = {"root": str(folder), "output_dir": str(folder / "report"), "title": folder.resolve().name}
    values |= {"evaluations": json.dumps(evaluations), "stages": json.dumps(stages)}
    return [part for name, value in values.items() for part in (f"--{name}", value)] + words[1:]


def told_of(path: Path, known: Collection[str]) -> bool:
    """Whether there is something to say of an artifact."""
    return kind_of(path) == MODEL and (identity(str(path)) in known or bool(curves(path)) or bool(rollout_files(path)))


def artifacts(folder: Path) -> list[Path]:
    """The complete artifacts in a folder, in the order in which they were made."""
    made = sorted(folder.glob("*/manifest.json"), key=lambda path: path.stat().st_mtime)
    return [path.parent for path in made]


def published_numbers(path: str) -> dict[str, float]:
    """pass@1 of a model as published, by benchmark; nothing of one that is not known."""
    return {name: found.numbers["pass@1"] for name, found in published(path).items() if "pass@1" in found.numbers}


def collect(args: ReportArguments, models: dict[str, Measured]) -> dict[str, Any]:
    """Everything in `results.json`."""
    manifests = {path.name: read_manifest(path) or {} for path in artifacts(Path(args.root))}
    local = {name: Path(model.path) for name, model in models.items() if looks_local(model.path)}
    runs = {name: curves(path) for name, path in local.items()}
    kept = {name: measure_rollouts(path) for name, path in local.items()}
    stages = {name: model.row for name, model in models.items() if model.row}
    sizes = {name: parameters(model.path) for name, model in models.items()}
    return {
        "stages": stages,
        "benchmarks": benchmarks(args.evaluations, {part for row in stages.values() for part in row["by_dataset"]}),
        "published": {name: known for name, model in models.items() if (known := published_numbers(model.path))},
        "parameters": {name: size for name, size in sizes.items() if size},
        "curves": {name: curve for name, curve in runs.items() if curve},
        "rollouts": {name: found for name, found in kept.items() if found},
        "seconds": {name: manifest["seconds"] for name, manifest in manifests.items() if "seconds" in manifest},
        "peak_rss_gb": max((manifest.get("peak_rss_gb", 0) for manifest in manifests.values()), default=0),
        "versions": versions(),
        "seed": args.seed,
    }


def draw(args: ReportArguments, results: dict[str, Any], places: dict[str, int]) -> tuple[list[Figure], list[Figure]]:
    """The figures: of lines and points, which the page shows too, and of bars, for which it has its own."""
    chosen = args.figures or ([default_figure(results["curves"])] if results["curves"] else [])
    drawn = [figure for entry in chosen if (figure := curve_figure(entry, results["curves"], places)).panels]
    if results["rollouts"]:
        drawn.append(rollout_figure(results["rollouts"], places))
    if found := axes(results["stages"], results["benchmarks"]):
        drawn.append(axes_figure(found, places))
    rows, shared = compared(results["stages"])
    title = shared[0] if len(shared) == 1 else f"mean of {len(shared)} benchmarks"
    bars = [bar_figure("stages", f"Every model: {title}", rows, places)] if rows else []
    if small := students(results["stages"], results["parameters"]):
        labels = {name: f"{name} ({shown(results['parameters'][name])})" for name in small}
        sized = {labels[name]: row for name, row in small.items()}
        bars.append(bar_figure("students", "Models by size", sized, {labels[name]: places[name] for name in small}))
    return drawn, bars


def how_measured(args: ReportArguments, model: Measured) -> dict[str, Any]:
    """What a card says about the evaluations of a model beside its row: the data sets, and how samples were drawn."""
    about: dict[str, Any] = {"datasets": {}, "sampling": {}, "inputs": {}}
    for store in reversed(model.stores):  # the first one has the last word
        manifest = read_manifest(store.parent) or {}
        entries = manifest["recipe"]["datasets"]
        about["datasets"] |= dict(zip(source_names(entries), entries, strict=True))
        about["sampling"], about["inputs"] = sampling_of(manifest), about["inputs"] | manifest["inputs"]
    return about


def write_cards(args: ReportArguments, models: dict[str, Measured]) -> None:
    """Each model's row into its card: those that this repository made, and that lie here; others have their owners."""
    for name in args.stages:
        model = models[name]
        place = Path(model.path)
        if model.row and looks_local(called(model.path)) and read_manifest(place):
            about = how_measured(args, model)
            add_results(place, {name: model.row}, about)
            add_card(place, fingerprint({name: model.row} | about))


ARGUMENTS = ReportArguments


@report_errors
def main(arguments: list[str] | None = None) -> None:
    """Writes one report from the command line."""
    import matplotlib

    stage = begin(ReportArguments, looked_up(sys.argv[1:] if arguments is None else arguments))
    if stage is None:
        return
    args, _, artifact = stage
    matplotlib.use("Agg")
    models = measured_models(args.evaluations, args.stages, Path(args.root))
    results = collect(args, models)
    places = {name: place for place, name in enumerate(models)}
    unmeasured = [name for name, model in models.items() if not model.row]
    if unmeasured:
        print(f"notice: no evaluation has {', '.join(unmeasured)}", flush=True)
    write_atomically(artifact.path / "results.json", json.dumps(results, indent=2))
    figures, bars = draw(args, results, places)
    for figure in (*figures, *bars):
        save_png(figure, artifact.path / f"{figure.file}.png")
    completions = choose(models, len(results["benchmarks"]))
    page = render(results, figures, completions, args.title, unmeasured, places)
    write_atomically(artifact.path / "index.html", page)
    write_cards(args, models)
    summary = f"{text_table(results['stages'])}\n\nreport: {artifact.path / 'index.html'}"
    write_atomically(artifact.path / "summary.txt", summary)
    artifact.finish()
    print(summary, flush=True)


if __name__ == "__main__":
    main()
