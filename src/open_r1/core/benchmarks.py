"""Benchmarks by name: each is one file of `recipes/benchmarks`, an entry of `datasets` with what describes it.

    datasets:
      - benchmark:aime24                             # the file's entry
      - {path: "benchmark:aime24", num_samples: 4}   # with another k
      - {path: "benchmark:my/own.yaml"}              # a file of one's own

A recipe that is read holds the entry itself, and its name as `benchmark`: what follows (hash, pinned revision, `pull`,
offline mode) sees a data source like any other. Keys of a file beside those of `data/sources.py`:

- `reader` (`data/readers.py`), `prompt` (the user's turn, `{column}` replaced), `judge` (which question a judge
  answers, for `verifier: judge`) and `tests` (a folder of further tests of programs, see `data/readers_code.py`) say
  how it is asked and read;
- `num_samples` (k), `metric` (`correct`, or `score` where the verdict's score is averaged), `measures`
  (`metrics/measures.py`) and `axis` (`reasoning` or `general`) say how it is counted;
- `contamination` lists the columns whose text counts as known in `decontaminate`.
"""

import difflib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .errors import RecipeError
from .yaml_files import read_yaml

FOLDER = Path(__file__).parents[3] / "recipes" / "benchmarks"
PREFIX = "benchmark:"
DESCRIBING = ("num_samples", "metric", "measures", "axis", "contamination")
KEYS = ("benchmark", "reader", "prompt", "judge", "tests", *DESCRIBING)


def benchmark_names() -> list[str]:
    """The benchmarks of this repository."""
    return sorted(path.stem for path in FOLDER.glob("*.yaml") if path.stem != "published")


def read_benchmark(name: str) -> dict[str, Any]:
    """
    The entry of a benchmark.

    Args:
        name (`str`):
            Of a file in `recipes/benchmarks`, or the path of another YAML file.

    Returns:
        `dict`: its keys, and its name as `benchmark`. Raises `RecipeError` for one that is not there.
    """
    file = Path(name) if name.endswith((".yaml", ".yml")) else FOLDER / f"{name}.yaml"
    if name == "published" or not file.is_file():
        known = benchmark_names()
        near = difflib.get_close_matches(name, known, n=1)
        hint = f"did you mean `{near[0]}`?" if near else f"use one of {', '.join(known)}, or the path of a .yaml file"
        raise RecipeError(f"benchmark {name!r} does not exist", hint)
    entry = read_yaml(file)
    if not isinstance(entry.get("path"), str):
        raise RecipeError(f"{file}: a benchmark without `path`", "name its data set: `path: ORG/NAME`")
    return entry | {"benchmark": file.stem}


def with_benchmarks(value: Any) -> Any:
    """A value of a recipe in which the entries of benchmarks stand for their names, at any depth."""
    if isinstance(value, list):
        return [with_benchmarks(entry) for entry in value]
    if not isinstance(value, Mapping):
        return value
    path = value.get("path")
    if isinstance(path, str) and path.startswith(PREFIX):
        own = {key: item for key, item in value.items() if key != "path"}
        return read_benchmark(path.removeprefix(PREFIX)) | own
    return {key: with_benchmarks(item) for key, item in value.items()}


def decontaminated() -> list[dict[str, Any]]:
    """
    The entries that training data are checked against where a recipe names none; without what stands beside their
    questions, such as articles, and so without the reader that wants it.
    """
    entries = [read_benchmark(name) for name in benchmark_names()]
    known = [entry for entry in entries if entry.get("contamination")]
    bare = ("beside", "reader", "prompt")
    return [{key: entry[key] for key in entry if "beside" not in entry or key not in bare} for entry in known]
