"""Cancels the Slurm jobs of a pipeline, or of one stage: those that wait and those that run.

    open-r1 cancel recipes/mini/pipeline.yaml zero

What needs a cancelled stage is cancelled by Slurm. What a stage has saved stays: `open-r1 run --slurm` continues. The
options are those of the run.
"""

from open_r1.cluster.chain import cancel_chain
from open_r1.core.errors import report_errors
from open_r1.core.pipelines import is_pipeline, read_options, read_pipeline, select

KNOWN = ("root", "seed", "with", "smoke", "from", "to", "only", "debug")
USAGE = "PIPELINE.yaml [STAGE] [--root DIR] [--seed N] [--with FILE] [--smoke] [--from S] [--to S] [--debug]"


def with_only(words: list[str]) -> list[str]:
    """A command line where the stage that stands behind the pipeline is the value of an option."""
    for number, (before, word) in enumerate(zip(words, words[1:], strict=False), 1):
        if is_pipeline(before) and not word.startswith("--"):
            return [*words[:number], "--only", *words[number:]]
    return words


@report_errors
def main(arguments: list[str]) -> None:
    """Cancels the jobs of a pipeline."""
    options, file = read_options(with_only(arguments), KNOWN, f"open-r1 cancel {USAGE}")
    stages, *_ = read_pipeline(file, options)
    cancelled = cancel_chain(select(stages, options))
    for name, job in cancelled:
        print(f"{name}: job {job.id} was {job.word}, and is cancelled", flush=True)
    if not cancelled:
        print("no job of this pipeline is with Slurm", flush=True)
