"""Checks this machine, and what a recipe wants from it: versions, GPUs, memory, disk, Hub, sandbox, ports, servers.

    open-r1 doctor --config recipes/Qwen2.5-7B/zero.yaml
    open-r1 doctor --slurm --nodes 2 --wait 10  # the cluster of slurm/site.env, from its login node

One line for each check, with what to do where it fails; an error ends with exit code 1. Nothing is changed or loaded.

With `--slurm` one small job looks at `--nodes` nodes (2): the GPUs of each, whether versions are equal, whether all
share the current directory and can write SCRATCH, and how fast their ranks add up a tensor. A job that has not started
after `--wait` minutes (10) is cancelled.
"""

import sys

from open_r1.cluster.health import ERROR, Finding, disk, gpus, hub, memory, ports, sandbox, servers, versions
from open_r1.cluster.layout import read_layout
from open_r1.cluster.reading import make_job, read_overlaid, trains
from open_r1.cluster.site_check import check, read_options
from open_r1.core.errors import report_errors
from open_r1.core.recipes import Recipe, parse_overrides

USAGE = "[--config RECIPE.yaml] [--with FILE.yaml] [--key value ...] | --slurm [--nodes N] [--wait MINUTES]"


def examine(recipe: Recipe, files: list[str]) -> list[Finding]:
    """All checks; without a recipe those of the machine."""
    layout, where = read_layout(files), files[0]
    job = make_job(recipe, where, layout) if trains(recipe) else None
    found = [versions(), gpus(recipe, layout.devices), memory(job), disk(recipe, job), hub(recipe), sandbox(recipe)]
    return [*found, ports(recipe), *servers(recipe)]


def line(finding: Finding) -> str:
    """One finding as it is printed."""
    fix = f"; fix: {finding.fix}" if finding.fix else ""
    return f"{finding.state:<8} {finding.name}: {finding.words}{fix}"


@report_errors
def main(arguments: list[str] | None = None) -> None:
    """Prints what every check found."""
    overrides = parse_overrides(sys.argv[1:] if arguments is None else arguments)
    overrides.pop("debug", None)
    if overrides.pop("slurm", False):
        found = check(*read_options(overrides))
    else:
        where = overrides.pop("config", "")
        found = examine(*(read_overlaid(where, overrides) if where else (overrides, [""])))
    print("\n".join(map(line, found)))
    if any(finding.state == ERROR for finding in found):
        sys.exit(1)


if __name__ == "__main__":
    main()
