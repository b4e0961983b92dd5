"""Runs the stages of a pipeline in order, each as a process of its own or as a Slurm job.

A `pipeline.yaml` is a list of stages: a name, the command that runs it, and a recipe (by default `NAME.yaml` beside
it). What is complete is skipped, what was killed continues, what fails stops the run. Stages know nothing of
pipelines. `jobs: 2` runs two at a time where neither needs the other, each on half of the cores.

`launch: fork` starts stages from a process that has imported the training stack once, which saves every stage some
seconds, `launch: python` without; `launch: [accelerate, launch, --config_file, FILE]` starts those that train as one
would by hand, on all devices of the machine, and so one of them at a time. The
first SIGTERM (or Ctrl-C) lets the running stage save, the second ends it at once, and however the runner ends, nothing
below it stays (`core/keeper.py`).

`--with FILE` lays an overlay over the recipes of all stages that it has a section for, and its `launch`, if it has
one, over the pipeline's; a smoke run keeps the latter.

`--slurm` submits the stages that are not complete as a chain of Slurm jobs, on the nodes that `slurm:` in the pipeline
or in an overlay names, and returns; `open-r1 status` and `open-r1 cancel` know the chain. A stage starts when all that
it needs is done; one that fails cancels what needs it. Run again, it submits what is neither complete nor queued.
"""

import os
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from open_r1.cluster.chain import submit_chain
from open_r1.core.deleting import delete
from open_r1.core.errors import report_errors
from open_r1.core.inputs import needs_hub, read_manifest
from open_r1.core.pipeline_stage import SHUTDOWN, Stage, stage_command
from open_r1.core.pipelines import PUBLISHED, downstream, own_root, read_options, read_pipeline, select
from open_r1.core.pushing import RUNNER, Pusher, require_access
from open_r1.core.recipes import Recipe, place
from open_r1.core.runner import run_stages

KNOWN: tuple[str, ...] = ("root", "seed", "with", "jobs", "smoke", "from", "to", "only", "force", "slurm", "dry-run")
KNOWN += ("debug", "from-hub", *PUBLISHED)
USAGE = "PIPELINE.yaml [--root DIR] [--seed N] [--with FILE] [--jobs N] [--smoke] [--from S] [--to S] [--only S]"
USAGE += " [--force S] [--push_to_hub] [--hub_namespace ORG] [--from-hub ORG] [--slurm] [--dry-run] [--debug]"


@contextmanager
def publishing(stages: list[Stage]) -> Iterator[None]:
    """Sends what the stages publish, beside them and after them."""
    outputs = [stage.output for stage in stages if stage.publishes]
    if not outputs:
        yield
        return
    os.environ[RUNNER] = "1"
    pusher = Pusher(Path(stages[0].recipe["root"]) / "logs" / "hub.log")
    for output in outputs:
        pusher.watch(output)
    try:
        yield
    finally:
        pusher.close()


def from_hub(
    chosen: list[Stage], stages: list[Stage], forced: list[Stage], options: Recipe, file: Path
) -> list[Stage]:
    """The stages that are left to run where some are published; fetches what these load of the others."""
    from open_r1.hub.pulling import fetch
    from open_r1.hub.stages import loaded_by, published

    there = {
        name: item
        for name, (item, changes) in published(stages, options["from-hub"], own_root(file, options)).items()
        if not changes and name not in {stage.name for stage in forced}
    }
    left = [stage for stage in chosen if stage.name not in there or read_manifest(stage.output)]
    read = [stage.name for stage in loaded_by([stage for stage in left if not read_manifest(stage.output)], stages)]
    for name, item in there.items():
        state = "fetched, a stage that runs loads it" if name in read else "not fetched"
        print(f"published: {name} as {item.name}@{item.commit[:8]}; {state}", flush=True)
    if not options.get("dry-run"):
        fetch([item for name, item in there.items() if name in read])
    return left


@report_errors
def main(arguments: list[str]) -> None:
    """Runs a pipeline from the command line."""
    options, file = read_options(arguments, KNOWN, f"open-r1 run {USAGE}")
    stages, launch, jobs = read_pipeline(file, options)
    chosen = select(stages, options)
    forced = downstream(stages, options["force"]) if "force" in options else []
    if "from-hub" in options:
        chosen = from_hub(chosen, stages, forced, options, file)
    if options.get("dry-run") and not options.get("slurm"):
        for stage in chosen:
            state = "complete" if read_manifest(stage.output) else "started" if stage.output.exists() else "to do"
            print(f"{stage.name:<22}{state:<10}{shlex.join(stage_command(stage, launch))}")
        return
    if not any(needs_hub(stage.recipe, stage.keys) for stage in stages):
        os.environ.setdefault("HF_HUB_OFFLINE", "1")  # before the stages import huggingface_hub
    os.environ.setdefault(*SHUTDOWN)
    require_access([stage.repository for stage in chosen if stage.publishes])
    if options.get("slurm"):
        where = place(file, options.get("with", []))
        return submit_chain(chosen, stages, forced, bool(options.get("dry-run")), where)
    delete(stage.output for stage in forced)
    with publishing(chosen):
        run_stages(chosen, stages, launch, jobs)
    final = (chosen or stages)[-1].output / "summary.txt"
    if final.exists():
        print(final.read_text(encoding="utf-8"))
