"""Puts the results of several runs of one pipeline side by side, as the Markdown table of docs/mini.md.

open-r1 run recipes/mini/pipeline.yaml
open-r1 run recipes/mini/pipeline.yaml --seed 1
open-r1 run recipes/mini/pipeline.yaml --seed 2
python benchmarks/seeds.py data/mini data/mini-seed1 data/mini-seed2
"""

import json
import sys
from pathlib import Path
from statistics import mean, pstdev

METRICS = (
    "pass@1", "cons@16", "pass@16", "format", "mean_tokens", "language_consistency", "mixed", "helpful",
    "refused_forbidden", "refused_allowed",
)  # fmt: skip


def main() -> None:
    runs = [json.loads((Path(root) / "report/results.json").read_text()) for root in sys.argv[1:]]
    print("| model | " + " | ".join(METRICS) + " |")
    print("|---" * (len(METRICS) + 1) + "|")
    for name in runs[0]["stages"]:
        cells = []
        for metric in METRICS:
            values = [run["stages"][name][metric] for run in runs]
            digits = 1 if metric == "mean_tokens" else 3
            cells.append(f"{mean(values):.{digits}f} ± {pstdev(values):.{digits}f}")
        print(f"| {name} | " + " | ".join(cells) + " |")
    print(
        "\npass@1 of each seed: "
        + "; ".join(
            f"{name} " + " ".join(f"{run['stages'][name]['pass@1']:.3f}" for run in runs) for name in runs[0]["stages"]
        )
    )


if __name__ == "__main__":
    main()
