"""Says how far a pipeline is: one line per stage, with its state, and the line of its log that says why it failed.

    open-r1 status recipes/mini/pipeline.yaml

It reads what the stages leave on the disk, and asks Slurm for their jobs where there are any (`run --slurm`); `left`
is the time that a stage needs at its pace so far, `limit` the time that its job has. The options are those of the run.
"""

from open_r1.cluster.chain import jobs_of
from open_r1.cluster.standing import standing, table_of
from open_r1.core.errors import report_errors
from open_r1.core.pipelines import read_options, read_pipeline, select

KNOWN = ("root", "seed", "with", "smoke", "from", "to", "only", "debug")
USAGE = "PIPELINE.yaml [--root DIR] [--seed N] [--with FILE] [--smoke] [--from S] [--to S] [--only S] [--debug]"


@report_errors
def main(arguments: list[str]) -> None:
    """Prints where the stages of a pipeline stand."""
    options, file = read_options(arguments, KNOWN, f"open-r1 status {USAGE}")
    stages, *_ = read_pipeline(file, options)
    chosen = select(stages, options)
    jobs = jobs_of(chosen)
    print(table_of([standing(stage, jobs.get(stage.name)) for stage in chosen]))
