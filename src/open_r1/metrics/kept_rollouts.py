"""The rollouts that a GRPO run keeps (`keep_rollouts`): one compressed file each, and what they show.

    OUTPUT/rollouts/step-000011.jsonl.zst     # the rollout that the optimiser first used at step 11

A row is a completion: `step`, `prompt`, `completion`, `rewards` by name (null where one does not apply), `reward`
(their weighted sum), `advantage`, `tokens`, `clipped` (the limit cut it off), and `right`, by the accuracy reward.

What the paper shows over training: the length of responses, and words of reflection (section 2.2.4, supplement C.2).
"""

import io
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from ..core.errors import ArtifactError
from ..core.languages import reflections
from ..core.rows import Row
from .statistics import mean

FOLDER, PATTERN = "rollouts", "step-*.jsonl.zst"


def file_of(output: Path, step: int) -> Path:
    """The file of the rollout that is first used at a step."""
    return output / FOLDER / f"step-{step:06d}.jsonl.zst"


def write_rollout(path: Path, rows: Iterable[Row]) -> None:
    """Writes a rollout: whole, or not at all."""
    import pyarrow

    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_name(f".{path.name}")
    with pyarrow.CompressedOutputStream(str(scratch), "zstd") as stream:
        for row in rows:
            stream.write((json.dumps(row, ensure_ascii=False) + "\n").encode("utf-8", errors="replace"))
    scratch.replace(path)


def rollout_files(directory: Path) -> list[Path]:
    """The rollouts of an output directory, or of its folder of them, step by step."""
    return sorted((directory / FOLDER).glob(PATTERN)) or sorted(directory.glob(PATTERN))


def read_rollout(path: Path) -> Iterator[Row]:
    """The rows of one rollout; raises `ArtifactError` for a file that is none."""
    import pyarrow

    try:
        if not path.stat().st_size:
            raise ValueError("it is empty")
        with pyarrow.CompressedInputStream(str(path), "zstd") as stream:
            for line in io.TextIOWrapper(io.BufferedReader(stream), encoding="utf-8"):
                yield json.loads(line)
    except (OSError, ValueError) as error:
        message = f"{path} is no kept rollout: {str(error).splitlines()[0]}"
        raise ArtifactError(message, "delete it; a run that is continued from before writes it again") from None


def average(values: list[float]) -> float | None:
    return mean(values) if values else None


def measure_rollout(rows: list[Row]) -> dict[str, Any]:
    """What one rollout shows; `None` where there is nothing to average."""
    lengths = {right: [row["tokens"] for row in rows if row["right"] is right] for right in (True, False)}
    words, tokens = sum(reflections(row["completion"]) for row in rows), sum(row["tokens"] for row in rows)
    return {
        "step": rows[0]["step"],
        "completions": len(rows),
        "reward": average([row["reward"] for row in rows if row["reward"] is not None]),
        "right": average([row["right"] for row in rows if row["right"] is not None]),
        "tokens_right": average(lengths[True]),
        "tokens_wrong": average(lengths[False]),
        "clipped": average([row["clipped"] for row in rows]),
        "reflection_per_1k": 1000 * words / tokens if tokens else None,
    }


def measure_rollouts(directory: Path) -> list[dict[str, Any]]:
    """What the kept rollouts of a run show, step by step."""
    return [measure_rollout(list(read_rollout(path))) for path in rollout_files(directory)]
