"""What a data artifact holds as the Hub wants it: sample stores as parquet, everything else as it is.

    samples/part-00000.jsonl ...  ->  samples/part-00000.parquet    config `samples`; the rows, verdicts and all
    base/aime24/part-00000.jsonl  ->  base/aime24/part-00000.parquet   of an evaluation: config `base-aime24`, split
                                                                      `test`
    data.parquet                  ->  the same file                 config `default`

A published artifact is one to read from: `sampling/store.py` gives the same rows of either form.
"""

import glob
import hashlib
import json
import math
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from ..core.batches import batches
from ..core.outbox import link
from ..core.rows import Row
from ..sampling.parts import LARGE, TABLE, Columns, apart, as_table
from ..sampling.store import is_published, read_store

GROUP = 16 << 20  # characters of a row group: what a writer or a reader holds
SHARD = 100 << 20  # bytes of a file
METRICS = "metrics.json"  # beside the completions of a model that was evaluated
LEFT_OUT = ("tasks",)  # what the jobs of a generation leave; the store has it all


def publish_tables(source: Path, target: Path) -> list[dict[str, Any]]:
    """
    Makes the directory that is published of an artifact.

    Args:
        source (`Path`):
            A complete artifact that is no model; it is left as it is.
        target (`Path`):
            The directory to fill.

    Returns:
        `list[dict]`: the `configs` of its card, by which `load_dataset` finds the rows; none for a report.
    """
    target.mkdir(parents=True, exist_ok=True)
    configs = [config(".", "train", "data.parquet")] if (source / "data.parquet").is_file() else []
    for folder in [source, *sorted(path for path in source.rglob("*") if path.is_dir())]:
        inside = folder.relative_to(source)
        if not is_left_out(inside):
            publish_folder(folder, target / inside)
        if is_published(target / inside):
            split = "test" if any((place / METRICS).is_file() for place in (folder, folder.parent)) else "train"
            configs.append(config(inside.as_posix(), split, f"part-*{TABLE}"))
    return configs


def publish_folder(source: Path, target: Path) -> None:
    """What lies in a folder itself."""
    target.mkdir(exist_ok=True)
    link_files(source, target)
    if any(source.glob("part-*.jsonl")) and not is_published(source):
        write_store(source, target)


def config(folder: str, split: str, files: str) -> dict[str, Any]:
    """The entry of a card's `configs` for the tables of a folder, with its name but for what may not be in one."""
    name, place = re.sub(r"[<>:/\\|?*]", "-", folder), glob.escape(folder).replace(":", "?")  # `:` starts a protocol
    if folder == ".":
        name, place = "default", ""
    path = f"{place}/{files}" if place else files
    return {"config_name": name, "data_files": [{"split": split, "path": path}]}


def is_left_out(inside: Path) -> bool:
    """Whether a file or folder of an artifact is not published: a hidden one, or scratch."""
    return any(name.startswith(".") or name in LEFT_OUT for name in inside.parts)


def link_files(source: Path, target: Path) -> None:
    """Gives the files of a folder a second name, but for the parts of a store that become tables."""
    for file in sorted(source.iterdir()):
        table = any(file.match(f"{name}-*.jsonl") for name in ("part", LARGE))
        if file.is_file() and not is_left_out(Path(file.name)) and not table:
            (target / file.name).unlink(missing_ok=True)
            link(file.resolve(), target / file.name)


def write_store(source: Path, target: Path) -> None:
    """Writes the rows of a store as tables of some size. Memory holds one row group, however many rows there are."""
    # what is large first, and in one table: the rows refer to it by number
    write_tables(lambda: (large for _, large in split_rows(source) if large), target, LARGE, math.inf)
    write_tables(lambda: (row for row, _ in split_rows(source)), target, "part-{:05d}", SHARD)


def split_rows(source: Path) -> Iterator[tuple[Row, Row]]:
    """The rows of a store, each without what is large in it, and that where it is new."""
    numbers, last, digest = dict[bytes, int](), Row(), b""
    for whole in read_store(source):
        row, large = apart(whole)
        if not large:
            yield row, large
            continue
        if large != last:
            last, digest = large, hashlib.sha256(json.dumps(large, sort_keys=True).encode()).digest()
        new = digest not in numbers
        yield row | {LARGE: numbers.setdefault(digest, len(numbers))}, large if new else {}


def write_tables(rows_of: Callable[[], Iterator[Row]], target: Path, name: str, size: float) -> None:
    """Writes rows as tables of some size. Memory holds one row group, however many rows there are."""
    import pyarrow.parquet as pq

    columns = Columns()
    for row in rows_of():
        columns.see(row)
    schema, waiting = columns.schema(), batches(rows_of(), text_size, GROUP)
    shard, rows = 0, next(waiting, None)
    while rows:
        path = target / f"{name.format(shard)}{TABLE}"
        scratch = path.with_name(f".{path.name}")
        # chunks by content: of a store that is published again, the Hub's client sends what has changed
        with (
            scratch.open("wb") as file,
            pq.ParquetWriter(
                file, schema, compression="zstd", use_content_defined_chunking=True, write_page_index=True
            ) as writer,
        ):
            while rows and file.tell() < size:
                writer.write_table(as_table(rows, schema))
                rows = next(waiting, None)
        scratch.replace(path)
        shard += 1


def text_size(row: Row) -> int:
    """Characters of a row's texts."""
    return sum(len(value) for value in row.values() if isinstance(value, str))
