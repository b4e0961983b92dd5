"""Reads the completions that a GRPO run kept (`keep_rollouts`): prints those that pass all filters, or counts them.

    open-r1 rollouts data/mini/zero --step 21 --wrong --limit 3
    open-r1 rollouts data/mini/zero --contains wait --count

`--right` and `--wrong` are the accuracy reward's word, `--clipped` completions met the length limit, `--contains`
looks in the completion for a text as it is written. `--count` prints for each step: completions, mean reward, share
that is right, mean tokens of the right and of the wrong, share that is clipped, and words of reflection per 1,000
tokens (the paper's ten: wait, mistake, however, but, retry, error, verify, wrong, evaluate, check; and Chinese ones).
"""

import argparse
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from open_r1.core.errors import ArtifactError, report_errors
from open_r1.core.formats import completion_text
from open_r1.core.rows import Row
from open_r1.metrics.kept_rollouts import measure_rollout, read_rollout, rollout_files

USAGE = "DIR [--step N] [--right | --wrong] [--clipped] [--contains TEXT] [--limit N] [--count]"
COLUMNS = {
    "step": "{}",
    "completions": "{}",
    "reward": "{:.3f}",
    "right": "{:.3f}",
    "tokens_right": "{:.1f}",
    "tokens_wrong": "{:.1f}",
    "clipped": "{:.3f}",
    "reflection_per_1k": "{:.2f}",
}


def options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="open-r1 rollouts", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("directory", type=Path)
    parser.add_argument("--step", type=int)
    verdict = parser.add_mutually_exclusive_group()
    verdict.add_argument("--right", dest="right", action="store_true", default=None)
    verdict.add_argument("--wrong", dest="right", action="store_false")
    parser.add_argument("--clipped", action="store_true")
    parser.add_argument("--contains", default="")
    parser.add_argument("--limit", type=int, help="completions to print (10), or to count of each step (all)")
    parser.add_argument("--count", action="store_true")
    return parser.parse_args(sys.argv[1:] if arguments is None else arguments)


def at_step(files: list[Path], step: int) -> list[Path]:
    """The one of the files that holds the rollout of a step."""
    steps = [int(path.name.split("-")[1].split(".")[0]) for path in files]
    if step not in steps:
        kept = ", ".join(map(str, steps[:8])) + (", ..." if len(steps) > 8 else "")
        raise ArtifactError(f"no rollout was kept at step {step}", f"choose one of {kept}")
    return [files[steps.index(step)]]


def chosen(path: Path, wanted: argparse.Namespace) -> Iterator[Row]:
    """The rows of one rollout that pass the filters."""
    for row in read_rollout(path):
        judged = wanted.right in (None, row["right"]) and (row["clipped"] or not wanted.clipped)
        if judged and wanted.contains in row["completion"]:
            yield row


def shown(row: Row) -> str:
    """One completion, under a line of what it was paid."""
    verdict = {True: "right", False: "wrong", None: "no verdict"}[row["right"]]
    paid = ", ".join(f"{name} {value:.3g}" for name, value in row["rewards"].items() if value is not None)
    head = f"step {row['step']}: {verdict}, reward {row['reward']} ({paid}), advantage {row['advantage']:.3f}, "
    head += f"{row['tokens']} tokens" + (", clipped" if row["clipped"] else "")
    return f"# {head}\n{completion_text(row['prompt'])}\n⟶ {row['completion'].strip()}\n"


def counted(files: list[Path], wanted: argparse.Namespace) -> str:
    """The table of `--count`; steps of which no row passes are left out."""
    rollouts = [list(islice(chosen(path, wanted), wanted.limit)) for path in files]
    measured = [measure_rollout(rows) for rows in rollouts if rows]
    table = [list(COLUMNS)] + [
        ["-" if row[key] is None else style.format(row[key]) for key, style in COLUMNS.items()] for row in measured
    ]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    return "\n".join("  ".join(map(str.rjust, cells, widths)) for cells in table)


@report_errors
def main(arguments: list[str] | None = None) -> None:
    """Prints or counts kept completions."""
    wanted = options(arguments)
    files = rollout_files(wanted.directory)
    if not files:
        raise ArtifactError(f"{wanted.directory} holds no rollouts", "train with `keep_rollouts: true`")
    if wanted.step is not None:
        files = at_step(files, wanted.step)
    rows = (row for path in files for row in chosen(path, wanted))
    printed = map(shown, islice(rows, 10 if wanted.limit is None else wanted.limit))
    for text in [counted(files, wanted)] if wanted.count else printed:
        print(text)


if __name__ == "__main__":
    main()
