"""Reads any data source into the columns that all stages share.

A source is an entry of a recipe's `datasets` list:

    - path: mini:chain            # the mini world; gym:TASK (reasoning-gym); benchmark:NAME (core/benchmarks.py); a
                                  # local file or artifact; or a Hub id
      name: main                  # the configuration of a Hub dataset; "*" for all of them (column `configuration`)
      split: train
      limit: 4000                 # at most this many rows
      revision: 1a2b3c            # of a Hub dataset; or `path: ORG/NAME@1a2b3c`
      columns: {problem: prompt}  # rename columns; usual names are recognised, see `columns.py`
      where: {domain: general}    # only rows with this value, or one of a list, in that column
      between: {date: [2024-08, 2025-01]}   # only rows whose text in that column lies there, by its beginning
      files: [test5.jsonl]        # of a Hub data set: its files with rows, where it names them by a script
      beside: {path: ORG/OTHER, by: link}   # rows of another source, by that column, for the entry's `reader`;
                                            # where a row has a list there, by each of its values
      domain: reasoning           # where the data does not say
      language: en                # likewise; by default the prompt tells it, where it can be told
      weight: 0.5                 # `grpo` and `mix`: share among the sources that are drawn
      from_step: 60               # `grpo`: drawn from that optimiser step on
      count: 1000                 # `mix`: so many rows
      shots: 3                    # `evaluate`: how this one is asked; also few_shot, system, temperature, ...
      max_terms: 8                # further keys go to the generator of mini:* and gym:*

Shared columns: `prompt` (messages), `answer`, `verifier`, `domain`, `language`, `difficulty`, `metadata` and
`problem_id`; `response` or `completion` where there is something to imitate.
"""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..core.benchmarks import KEYS as OF_BENCHMARKS
from ..core.errors import DataError
from ..core.fields import check_keys
from ..core.hub import looks_local, split_id
from ..core.keys import DATA, FILE, Key
from ..core.languages import language_code
from ..core.rows import Row
from .choosing import check_forms, having, lying_between, rename, require_columns
from .columns import CHATS, detected, shared_row
from .generated import GENERATORS
from .readers import BYTES, asked, at_once, fingerprint, known

if TYPE_CHECKING:
    from datasets import Dataset

KEYS = (
    "path",
    "name",
    "split",
    "limit",
    "columns",
    "where",
    "between",
    "domain",
    "verifier",
    "language",
    "raw",
    "revision",
    "files",
    "beside",
    *OF_BENCHMARKS,
)
BESIDE = ("path", "name", "split", "revision", "files")  # of `beside`, with `by`
AMOUNTS = ("weight", "from_step", "count")  # of the commands that draw by them: `training/schedule.py`, `amounts.py`
ASKED = ("system", "few_shot", "shots", "temperature", "top_p", "max_new_tokens")  # of `evaluate`, entry by entry
STORED = {"path": Key(loads=DATA, revision="revision")}
SOURCE = {**STORED, "beside": Key(inside=STORED), "few_shot": Key(loads=FILE)}  # what an entry of `datasets` loads
IN_MEMORY = 100_000  # rows up to which a source is rebuilt in memory; more go through the cache on disk
FILES = {".json": "json", ".jsonl": "json", ".parquet": "parquet", ".csv": "csv"}


def load_source(source: dict[str, Any]) -> "Dataset":
    """
    Loads one source.

    Args:
        source (`dict`):
            An entry of `datasets`, as the module describes it.

    Returns:
        `datasets.Dataset`: its rows in the shared columns.
    """
    import datasets

    check_source(source)
    refuse_amounts(source)
    path, split, limit = source["path"], source.get("split", "train"), source.get("limit")
    generator, _, kind = path.partition(":")
    if generator in GENERATORS and kind:
        dials = {key: value for key, value in source.items() if key not in KEYS}
        dataset = datasets.Dataset.from_list(list(GENERATORS[generator](kind, split, limit or 1000, dials)))
    else:
        check_keys(source, KEYS, f"datasets entry {path}")
        dataset = stored(path, source.get("name"), split, source.get("revision"), source.get("files"))
    dataset = rename(dataset, source.get("columns") or {}, path)
    if source.get("beside"):
        source = source | {"beside": rows_beside(source["beside"], path)}
        dataset = dataset.add_column("number", list(range(len(dataset))))
    for column, value in (source.get("where") or {}).items():
        dataset = having(dataset, column, value, path)
    for column, ends in (source.get("between") or {}).items():
        dataset = lying_between(dataset, column, ends, path)
    if limit:
        dataset = dataset.select(range(min(limit, len(dataset))))
    dataset = asked(dataset, source)
    if len(dataset) == 0:
        raise DataError(f"dataset {path} ({split}) is empty", "check `split` and `limit`, or the filters that made it")
    return dataset if source.get("raw") else shared_columns(dataset, source)


def check_source(source: Any) -> None:
    """Raises `DataError` for an entry of a recipe that names no source."""
    if not isinstance(source, dict) or not isinstance(source.get("path"), str):
        raise DataError(f"`datasets` entry {source!r} has no `path`", "write `- path: mini:chain` or a Hub id or file")
    check_forms(source)
    if source.get("language") is not None and not language_code(source["language"]):
        raise DataError(
            f"datasets entry {source['path']}: unknown language {source['language']!r}",
            "use a code such as `en` or `zh`",
        )


def refuse_amounts(source: dict[str, Any], known: tuple[str, ...] = ()) -> None:
    """Raises `DataError` for an entry that says how it is drawn, and when or how asked, where nothing reads that."""
    for name in (*AMOUNTS, *ASKED):
        if name in source and name not in known:
            hint = "`grpo` draws by `weight` and `from_step`, `mix` by `weight` and `count`; anywhere else use `limit`"
            hint = hint if name in AMOUNTS else f"`evaluate` alone reads it there; elsewhere `{name}` is of the recipe"
            raise DataError(f"datasets entry {source['path']}: `{name}` means nothing here", hint)


def without_amounts(source: Any, known: tuple[str, ...]) -> dict[str, Any]:
    """An entry of `datasets` without these keys, which its command has read; raises `DataError` for others of them."""
    check_source(source)
    refuse_amounts(source, known)
    return {key: value for key, value in source.items() if key not in known}


def rows_beside(source: Any, path: str) -> dict[Any, list[Row]]:
    """The rows of an entry's `beside`, by the column that it names; raises `DataError` where it does not fit."""
    check_source(source)
    check_keys(source, (*BESIDE, "by"), f"`beside` of datasets entry {path}")
    if not isinstance(source.get("by"), str):
        raise DataError(
            f"`beside` of datasets entry {path} has no `by`", "name the column by which its rows are found"
        )
    values = [source.get(key) for key in BESIDE]
    dataset = stored(values[0], values[1], values[2] or "train", *values[3:])
    require_columns(dataset, [source["by"]], source["path"])
    found: dict[Any, list[Row]] = {}
    for row in dataset:
        value = row[source["by"]]
        for one in value if isinstance(value, list) else [value]:
            found.setdefault(one, []).append(row)
    return found


def stored(
    path: str, name: str | None, split: str, revision: str | None = None, files: list[str] | None = None
) -> "Dataset":
    """A dataset from an artifact directory, a local file or the Hub."""
    import datasets

    local = Path(path).expanduser()
    if (local / "data.parquet").is_file():
        local = local / "data.parquet"
    if local.suffix in FILES and local.is_file():
        try:
            return datasets.load_dataset(FILES[local.suffix], data_files=str(local), split="train")
        except (ValueError, StopIteration, datasets.exceptions.DatasetGenerationError) as error:
            reason = str(error.__cause__ or error).splitlines() or ["it holds no rows"]
            raise DataError(
                f"dataset {path} is empty or broken: {reason[0]}",
                f"check that it is valid {local.suffix[1:]} with rows",
            ) from None
    if looks_local(path) or local.suffix in FILES:
        raise DataError(
            f"dataset {path} does not exist",
            f"give a Hub id, a generator like mini:chain, or a file ({', '.join(FILES)})",
        )
    from .published import published_rows

    return published_rows(path, name, split, revision, files)


def shared_columns(dataset: "Dataset", source: dict[str, Any]) -> "Dataset":
    """Fills in the shared columns and turns a prompt text into messages."""
    # as Alpaca has it
    if {"instruction", "input"} <= set(dataset.column_names) and "prompt" not in dataset.column_names:
        dataset = dataset.map(lambda row: {"prompt": "\n\n".join(filter(None, (row["instruction"], row["input"])))})
    dataset = dataset.rename_columns(detected(dataset.column_names))
    if getattr(dataset.features.get("difficulty"), "dtype", "") == "null":  # a column that says nothing of any row
        dataset = dataset.remove_columns("difficulty")
    if not any(name in dataset.column_names for name in ("prompt", *CHATS)):
        require_columns(dataset, ["prompt"], source["path"])
    import datasets

    if len(dataset) <= IN_MEMORY and dataset.data.nbytes <= BYTES:
        rows = [shared_row(row, source) for row in dataset]
        names = dict.fromkeys(name for row in rows for name in row)
        found = datasets.Dataset.from_list([{name: row.get(name) for name in names} for row in rows])
        return found.cast_column("language", datasets.Value("string"))  # also where no prompt tells it
    few = at_once(dataset)
    sample = datasets.Dataset.from_list([shared_row(row, source) for row in dataset.select(range(few))])
    features = datasets.Features({name: known(feature) for name, feature in sample.features.items()})

    def fixed(row: Row) -> dict[str, Any]:
        row = shared_row(row, source)
        return {name: row.get(name) for name in features}

    return dataset.map(
        fixed,
        remove_columns=dataset.column_names,
        features=features,
        writer_batch_size=few,
        new_fingerprint=fingerprint(dataset, source, shared_columns, shared_row),
        desc=f"reading {source['path']}",
    )


def source_names(sources: list[dict[str, Any]]) -> list[str]:
    """
    The names of sources in results: a benchmark's, or the last part of the path with the configuration; numbered where
    they meet.
    """
    names: list[str] = []
    for source in sources:
        of_path = split_id(source["path"])[0].rstrip("/").split("/")[-1]
        name = source.get("benchmark") or of_path + (f":{source['name']}" if source.get("name") else "")
        same = sum(other == name or other.startswith(f"{name} (") for other in names)
        names.append(f"{name} ({same + 1})" if same else name)
    return names


def load_sources(
    sources: list[dict[str, Any]],
    columns: Iterable[str] = (),
    named: bool = False,
    check: Callable[["Dataset", dict[str, Any]], None] | None = None,
) -> "Dataset":
    """
    Loads and joins the sources of a recipe.

    Args:
        sources (`list[dict]`):
            The recipe's `datasets`.
        columns (`Iterable[str]`, *optional*):
            Columns that every source must have; the others that not all share are dropped.
        named (`bool`, *optional*, defaults to `False`):
            Whether a column `dataset` says which source a row is from.
        check (`Callable`, *optional*):
            Looks at every source before they are joined: rows, entry.

    Returns:
        `datasets.Dataset`: all rows.
    """
    if not sources:
        raise DataError("the recipe lists no `datasets`", "add `datasets:` with at least one `- path:`")
    parts = [load_source(source) for source in sources]
    for part, source in zip(parts, sources, strict=True):
        require_columns(part, columns, source["path"])
        if check:
            check(part, source)
    if named:
        parts = [with_name(part, name) for part, name in zip(parts, source_names(sources), strict=True)]
    return joined(parts)


def with_name(rows: "Dataset", name: str) -> "Dataset":
    """Rows with the name of their source, in place of what a column of that name said."""
    others = rows.select_columns([column for column in rows.column_names if column != "dataset"])
    return others.add_column("dataset", [name] * len(rows))


def joined(parts: list["Dataset"]) -> "Dataset":
    """All rows of some sources, with the columns that all of them have."""
    import datasets

    if len({str(part.features.get("difficulty")) for part in parts}) > 1:  # a number here and a text there
        text = datasets.Value("string")
        parts = [
            part.cast(datasets.Features({**part.features, "difficulty": text}), batch_size=at_once(part))
            for part in parts
        ]
    # the verifier of multiple choice needs them; others have none
    if any("options" in part.column_names for part in parts):
        parts = [
            part if "options" in part.column_names else part.add_column("options", [None] * len(part))
            for part in parts
        ]
    common = [name for name in parts[0].column_names if all(name in part.column_names for part in parts)]
    try:
        return datasets.concatenate_datasets([part.select_columns(common) for part in parts])
    except ValueError as error:
        hint = "drop or rename that column in one of them: `columns: {theirs: other_name}`"
        raise DataError(f"the sources' columns have different types: {str(error).splitlines()[0]}", hint) from None
