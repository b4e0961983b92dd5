"""Draws what a pipeline did: a self-contained page, figures, `results.json`, and each model's row in its card.

    open-r1 report --config recipes/mini/report.yaml

Reads artifacts only (manifests, evaluation metrics, training logs, samples), so it can be made again at any time.
"""

import base64
import html
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from open_r1.core.artifacts import versions, write_atomically
from open_r1.core.card_facts import sampling_of
from open_r1.core.cards import add_results
from open_r1.core.errors import ArtifactError, report_errors
from open_r1.core.hub import called, looks_local
from open_r1.core.inputs import read_manifest
from open_r1.core.keys import BARE, STORE, Key, key
from open_r1.core.publishing import Publishing
from open_r1.core.pushing import add_card
from open_r1.core.recipes import fingerprint
from open_r1.core.stage import begin
from open_r1.core.tables import COLUMNS, cell, table_rows, text_table
from open_r1.data.sources import source_names
from open_r1.metrics.kept_rollouts import draw_rollouts, measure_rollouts
from open_r1.sampling.models import read_models
from open_r1.sampling.store import read_stores

# name in results.json -> key in the log of TRL's GRPOTrainer
CURVES = {
    "reward": "reward",
    "accuracy": "rewards/accuracy/mean",
    "format": "rewards/format/mean",
    "language_consistency": "rewards/language/mean",
    "helpful": "rewards/helpful/mean",
    "safety": "rewards/safety/mean",
    "mean_tokens": "completions/mean_length",
    "truncated": "completions/clipped_ratio",
    "kl": "kl",
    "entropy": "entropy",
}


@dataclass
class ReportArguments(Publishing):
    """
    A report recipe.

    Args:
        output_dir (`str`):
            Where the report goes.
        stages (`dict`):
            Artifact directory of each model, by its name in the table.
        evaluation (`str`):
            Output directory of the evaluation.
        figures (`list[dict]`, *optional*):
            Training curves to draw: `file`, `title`, `runs` and `metrics`.
        title (`str`, *optional*, defaults to `"R1 pipeline"`):
            Heading of the page.
        root (`str`, *optional*, defaults to `"data"`):
            Directory of the pipeline's artifacts.
        seed (`int`, *optional*, defaults to `0`):
            Seed of the run, for the page.
    """

    output_dir: str
    stages: dict = key(inside={"*": Key(loads=BARE)})
    evaluation: str = key(loads=STORE)
    figures: list = key([])
    title: str = "R1 pipeline"
    root: str = "data"
    seed: int = 0


def curves(directory: Path) -> dict[str, list[float | None]] | None:
    """Training curves of a GRPO run, `None` for any other artifact."""
    path = directory / "trainer_state.json"
    if not path.exists():
        return None
    history = [row for row in json.loads(path.read_text(encoding="utf-8"))["log_history"] if "reward" in row]
    if not history:
        return None
    found: dict[str, list[float | None]] = {"step": [row["step"] for row in history]}
    for name, logged in CURVES.items():
        values = [row.get(logged) for row in history]  # None while a reward does not apply yet
        if any(value is not None for value in values):
            found[name] = [None if value is None else round(float(value), 6) for value in values]
    return found


def evaluated(args: ReportArguments) -> dict[str, str]:
    """By the names of the report, the names that the models have in the evaluation."""
    manifest = read_manifest(args.evaluation) or {"recipe": {"models": []}}
    known = {called(model.path): model.name for model in read_models(manifest["recipe"].get("models", []))}
    return {name: known.get(called(path), Path(called(path)).name) for name, path in args.stages.items()}


def collect(args: ReportArguments) -> dict[str, Any]:
    """Everything in `results.json`."""
    manifest = read_manifest(args.evaluation)
    if manifest is None:
        raise ArtifactError(f"{args.evaluation} is not complete", "run the evaluation first")
    measured, rows = manifest["metrics"], evaluated(args)
    found = {path.name: read_manifest(path) for path in sorted(Path(args.root).iterdir())}
    manifests = {name: content for name, content in found.items() if content}
    missing = [name for name, row in rows.items() if row not in measured]
    if missing:
        raise ArtifactError(
            f"{args.evaluation} lacks {', '.join(missing)}", "add them to `models` of the evaluation recipe"
        )
    runs = {name: curves(Path(path)) for name, path in args.stages.items()}
    kept = {name: measure_rollouts(Path(path)) for name, path in args.stages.items()}
    return {
        "stages": {name: measured[row] for name, row in rows.items()},
        "curves": {name: curve for name, curve in runs.items() if curve},
        "rollouts": {name: found for name, found in kept.items() if found},
        "seconds": {name: manifest["seconds"] for name, manifest in manifests.items()},
        "peak_rss_gb": max(manifest["peak_rss_gb"] for manifest in manifests.values()),
        "versions": versions(),
        "seed": args.seed,
    }


def how_measured(evaluation: str) -> dict[str, Any]:
    """What a card says about an evaluation beside the row: the data sets by name, and how samples were drawn."""
    manifest = read_manifest(evaluation) or {}
    recipe = manifest["recipe"]
    return {
        "datasets": dict(zip(source_names(recipe["datasets"]), recipe["datasets"], strict=True)),
        "sampling": sampling_of(manifest),
        "inputs": manifest["inputs"],
    }


# ------------------------------------------------------------------------------------------------ figures

LABELS = {
    "accuracy": "accuracy reward",
    "mean_tokens": "mean response length (tokens)",
    "language_consistency": "language consistency",
}


def draw_curves(figure: dict[str, Any], results: dict[str, Any], path: Path) -> None:
    """One panel per metric, one line per run, over training steps."""
    from matplotlib import pyplot

    panels, axes = pyplot.subplots(
        1, len(figure["metrics"]), figsize=(5.5 * len(figure["metrics"]), 3.8), squeeze=False
    )
    for axis, metric in zip(axes[0], figure["metrics"], strict=True):
        for run in figure["runs"]:
            curve = results["curves"].get(run, {})
            if metric in curve:
                values = [float("nan") if value is None else value for value in curve[metric]]
                axis.plot(curve["step"], values, label=run)
        axis.set_xlabel("training step")
        axis.set_ylabel(LABELS.get(metric, metric))
        axis.grid(alpha=0.3)
        axis.legend()
    panels.suptitle(figure["title"])
    panels.tight_layout()
    panels.savefig(path, dpi=110)
    pyplot.close(panels)


def draw_bars(stages: dict[str, dict[str, Any]], title: str, path: Path) -> None:
    """pass@1 of some models with 95% intervals."""
    from matplotlib import pyplot

    names = list(stages)
    panel, axis = pyplot.subplots(figsize=(8, 0.42 * len(names) + 1.4))
    for place, name in enumerate(names):
        row = stages[name]
        low, high = row["pass@1_ci"]
        axis.barh(place, row["pass@1"], color="tab:blue", alpha=0.8)
        axis.errorbar(
            row["pass@1"], place, xerr=[[row["pass@1"] - low], [high - row["pass@1"]]], color="black", capsize=3
        )
        axis.text(high + 0.01, place, f"{row['pass@1']:.3f}", va="center", fontsize=9)
    axis.set_yticks(range(len(names)), names)
    axis.invert_yaxis()
    axis.set_xlim(0, 1.05)
    axis.set_xlabel("pass@1 with 95% bootstrap interval")
    axis.set_title(title)
    panel.tight_layout()
    panel.savefig(path, dpi=110)
    pyplot.close(panel)


def draw(args: ReportArguments, results: dict[str, Any], directory: Path) -> list[Path]:
    """All figures of the report."""
    import matplotlib

    matplotlib.use("Agg")
    paths = []
    for figure in args.figures:
        paths.append(directory / f"{figure['file']}.png")
        draw_curves(figure, results, paths[-1])
    if results["rollouts"]:
        paths.append(directory / "rollouts.png")
        draw_rollouts(results["rollouts"], paths[-1])
    for file, title, chosen in (
        ("stages", "Every stage on held-out problems", list(results["stages"])),
        (
            "students",
            "Students: distilled, and by RL alone",
            [n for n in results["stages"] if n.startswith(("distill", "student"))],
        ),
    ):
        paths.append(directory / f"{file}.png")
        draw_bars({name: results["stages"][name] for name in chosen}, title, paths[-1])
    return paths


# ------------------------------------------------------------------------------------------------ page

STYLE = """body{font-family:system-ui,sans-serif;max-width:1250px;margin:2em auto;padding:0 1em;line-height:1.45}
table{border-collapse:collapse;font-size:.85em}td,th{padding:.25em .6em;border-bottom:1px solid #ddd;text-align:right}
td{white-space:nowrap}td:first-child,th:first-child{text-align:left}img{max-width:100%}pre{background:#f6f6f6;padding:.6em;white-space:pre-wrap}
.correct{border-left:4px solid #2a2}.wrong,.no_answer{border-left:4px solid #c33}.scroll{overflow-x:auto}"""


def html_table(stages: dict[str, dict[str, Any]]) -> str:
    head = "".join(f"<th>{name}</th>" for name in ("model", *COLUMNS))
    body = "".join(
        f"<tr><td>{name}</td>" + "".join(f"<td>{cell(row, *column)}</td>" for column in COLUMNS.values()) + "</tr>"
        for name, row in table_rows(stages).items()
    )
    return f"<div class=scroll><table><tr>{head}</tr>{body}</table></div>"


def examples(args: ReportArguments, per_domain: int = 2) -> str:
    """The same problems answered by every model: the first sample of the first problems of each domain."""
    stores = {name: list(read_stores(Path(args.evaluation) / row)) for name, row in evaluated(args).items()}
    wanted: dict[str, list[str]] = {}
    for row in next(iter(stores.values())):
        seen = wanted.setdefault(row["domain"], [])
        if row["problem_id"] not in seen:
            seen.append(row["problem_id"])
    domains = sorted(wanted, key=lambda domain: domain != "reasoning")  # reasoning first
    picked = [wanted[domain][len(wanted[domain]) * i // per_domain] for domain in domains for i in range(per_domain)]
    parts = []
    for problem in picked:
        rows = {
            name: next(r for r in store if r["problem_id"] == problem and r["sample"] == 0)
            for name, store in stores.items()
        }
        first = next(iter(rows.values()))
        parts.append(
            f"<h3>{html.escape(first['question'])} <small>(answer: {html.escape(first['answer'])})</small></h3>"
        )
        parts += [
            f"<pre class={row['outcome']}><b>{name}</b> {html.escape(row['text'].strip())}</pre>"
            for name, row in rows.items()
        ]
    return "".join(parts)


def page(args: ReportArguments, results: dict[str, Any], figures: list[Path]) -> str:
    """The whole report as one HTML file, pictures included."""
    pictures = "".join(
        f'<img alt="{path.stem}" src="data:image/png;base64,{base64.b64encode(path.read_bytes()).decode()}">'
        for path in figures
    )
    first = next(iter(results["stages"].values()))
    facts = f"{first['problems']} held-out problems, {first['samples']} samples each, seed {args.seed}; "
    facts += (
        f"{sum(results['seconds'].values()) / 60:.1f} minutes of stages, {results['peak_rss_gb']} GB peak per process"
    )
    seconds = "".join(f"<tr><td>{name}</td><td>{value}</td></tr>" for name, value in results["seconds"].items())
    versions = ", ".join(f"{name} {version}" for name, version in results["versions"].items())
    return (
        f"<!doctype html><html lang=en><meta charset=utf-8><title>{html.escape(args.title)}</title>"
        f"<style>{STYLE}</style>"
        f"<h1>{html.escape(args.title)}</h1><p>{facts}</p>{html_table(results['stages'])}{pictures}"
        f"<h2>Sampled completions</h2>{examples(args)}<h2>Seconds per stage</h2><table>{seconds}</table>"
        f"<h2>Versions</h2><p>{versions}</p></html>"
    )


ARGUMENTS = ReportArguments


@report_errors
def main(arguments: list[str] | None = None) -> None:
    """Writes one report from the command line."""
    stage = begin(ReportArguments, arguments)
    if stage is None:
        return
    args, recipe, artifact = stage
    results = collect(args)
    write_atomically(artifact.path / "results.json", json.dumps(results, indent=2))
    figures = draw(args, results, artifact.path)
    write_atomically(artifact.path / "index.html", page(args, results, figures))
    about = how_measured(args.evaluation)
    for name, path in recipe["stages"].items():
        if looks_local(path):  # what is on the Hub is its owner's
            row = {name: results["stages"][name]}
            add_results(Path(path), row, about)
            add_card(Path(path), fingerprint(row | about))
    summary = f"{text_table(results['stages'])}\n\nreport: {artifact.path / 'index.html'}"
    write_atomically(artifact.path / "summary.txt", summary)
    artifact.finish()
    print(summary, flush=True)


if __name__ == "__main__":
    main()
