"""Which reference answers of a dataset could never be matched? They would look like problems that are too hard.

    open-r1 audit-golds gym:basic_arithmetic --limit 200
    open-r1 audit-golds open-r1/OpenR1-Math-220k --split train --columns '{problem: prompt}' --output_dir data/audited

A gold is bad if it is empty, cannot be read as its kind, or does not verify against itself. Prints a table by kind
with examples; with `--output_dir` it writes `good.parquet` (a local data source for recipes) and `bad.jsonl` (with the
reason).
"""

import json
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from open_r1.core.errors import DataError, report_errors
from open_r1.core.recipes import parse_overrides
from open_r1.verify import bad_golds

if TYPE_CHECKING:
    from datasets import Dataset

USAGE = (
    "DATASET [--split S] [--limit N] [--columns '{theirs: ours}'] [--verifier KIND] [--output_dir DIR] "
    "[--key value ...]"
)
EXAMPLES = 10


@report_errors
def main(arguments: list[str] | None = None) -> None:
    """Audits one dataset from the command line."""
    words = sys.argv[1:] if arguments is None else arguments
    if not words or words[0].startswith("--"):
        raise DataError("no dataset given", f"open-r1 audit-golds {USAGE}")
    options = parse_overrides(words[1:])
    options.pop("debug", None)
    output = options.pop("output_dir", None)
    from open_r1.data.sources import load_sources

    rows = load_sources([{"path": words[0], **options}], ["answer"])
    golds = list(zip(rows["verifier"], rows["answer"], strict=True))
    bad = dict(sorted(bad_golds(golds, rows).items()))
    print(table(golds, bad))
    for index in list(bad)[:EXAMPLES]:
        print(f"  row {index}: {golds[index][1]!r:.80}: {bad[index]}")
    if output:
        write(Path(output), rows, bad)


def table(golds: list[tuple[str, str]], bad: dict[int, str]) -> str:
    """Rows, bad rows and their share, by kind."""
    total, wrong = Counter(kind for kind, _ in golds), Counter(golds[index][0] for index in bad)
    lines = [f"{'kind':<14}{'rows':>9}{'bad':>9}{'share':>9}"]
    lines += [f"{kind:<14}{count:>9}{wrong[kind]:>9}{wrong[kind] / count:>9.2%}" for kind, count in total.items()]
    return "\n".join(lines)


def write(folder: Path, rows: "Dataset", bad: dict[int, str]) -> None:
    """The two halves of the dataset."""
    folder.mkdir(parents=True, exist_ok=True)
    rows.select([index for index in range(len(rows)) if index not in bad]).to_parquet(folder / "good.parquet")
    with (folder / "bad.jsonl").open("w", encoding="utf-8") as file:
        for index, reason in bad.items():
            file.write(json.dumps({"row": index, "reason": reason, **rows[index]}, ensure_ascii=False) + "\n")
    print(f"wrote {len(rows) - len(bad)} good and {len(bad)} bad rows to {folder}")


if __name__ == "__main__":
    main()
