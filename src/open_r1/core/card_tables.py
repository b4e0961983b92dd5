"""The tables that a data artifact holds, for its card: their files, their columns and what these mean."""

import json
from pathlib import Path
from typing import Any, NamedTuple

MEANINGS = {
    "problem_id": "name of the problem: the same wherever the same problem occurs",
    "prompt": "the question, as messages; in a sample store the text that the model has read",
    "response": "what a model is to imitate: reasoning in `<think>`, then a summary",
    "answer": "the reference answer",
    "verifier": "the rule that compares an answer with it",
    "domain": "kind of problem, such as `reasoning`, `general` or `harm`",
    "language": "language of the problem, as a code",
    "difficulty": "as the source states it",
    "metadata": "what the verifier needs beside the answer, such as tests of a program",
    "options": "choices of a multiple-choice question",
    "pass_rate": "share of the samples of a problem that were right",
    "chosen": "the better response",
    "rejected": "the worse response",
    "score": "verdict as a number; of a pair, how much better the chosen one is",
    "votes": "the verdicts of the judge, one by one, from 2 (much better) to -2",
    "chosen_sample": "number of the sample that was chosen",
    "rejected_sample": "number of the sample that was rejected",
    "dataset": "the data set that a problem is from",
    "question": "the user's last message",
    "messages": "the whole conversation, where it has more than the question",
    "sample": "number of the sample of its problem",
    "text": "what the model wrote, a prefilled tag included",
    "tokens": "number of tokens of the completion",
    "finish_reason": "`stop` where it ended by itself, `length` where it was cut",
    "seed": "random seed of the completion",
    "model": "the model that wrote it",
    "valid": "whether it has the shape of its format",
    "reasoning": "what was thought, without tags",
    "final": "what a user reads: the answer, or the summary",
    "extracted": "the short answer that was compared",
    "outcome": "the verdict: `correct`, `wrong`, `no_answer`, ...",
    "error": "why the completion failed",
    "large": "place of what is large in the row, in the file `large` beside it",
    "completion": "the text to learn",
}
TYPES = {"str": "string", "int": "int64", "float": "double", "bool": "bool", "NoneType": "null"}
HEAD = 50  # rows of a store that tell its columns


class Table(NamedTuple):
    """
    One table of an artifact.

    Attributes:
        config (`dict`): Its entry among a card's `configs`.
        columns (`tuple`): Name, type and meaning of each column.
    """

    config: dict[str, Any]
    columns: tuple[tuple[str, str, str], ...]

    @property
    def name(self) -> str:
        return self.config["config_name"]

    @property
    def quoted(self) -> str:
        return f"`{self.name}`"

    @property
    def splits(self) -> list[str]:
        return [file["split"] for file in self.config["data_files"]]


def row_tables(directory: Path, configs: list[dict[str, Any]] | None = None) -> list[Table]:
    """The tables of an artifact, by its `configs` or as its files lie."""
    found = configs if configs is not None else found_configs(directory)
    return [Table(config, columns_of(first_file(directory, config))) for config in found]


def found_configs(directory: Path) -> list[dict[str, Any]]:
    """A table for a file of rows, and one for each sample store."""
    files = {"default": ("train", "data.parquet")} if (directory / "data.parquet").is_file() else {}
    if any(directory.glob("part-*.jsonl")):
        files["default"] = ("train", "part-*.jsonl")
    for folder in sorted({path.parent for path in directory.glob("[!.]*/**/part-*.jsonl")}):
        split = "test" if any((place / "metrics.json").is_file() for place in (folder, folder.parent)) else "train"
        inside = folder.relative_to(directory).as_posix()
        files[inside.replace("/", "-")] = (split, f"{inside}/part-*.jsonl")
    return [
        {"config_name": name, "data_files": [{"split": split, "path": path}]} for name, (split, path) in files.items()
    ]


def first_file(directory: Path, config: dict[str, Any]) -> Path | None:
    """One of the files of a table."""
    pattern = config["data_files"][0]["path"]
    return next(iter(sorted(directory.glob(pattern))), None)


def columns_of(file: Path | None) -> tuple[tuple[str, str, str], ...]:
    """Name, type and meaning of the columns of a file of rows."""
    if file is None:
        return ()
    if file.suffix == ".parquet":
        import pyarrow.parquet as pq

        kinds = {field.name: str(field.type) for field in pq.read_schema(file)}
    else:
        kinds = {}
        with file.open(encoding="utf-8") as lines:
            for _, line in zip(range(HEAD), lines, strict=False):
                for name, value in json.loads(line).items():
                    if kinds.get(name, "null") == "null":
                        kinds[name] = kind_of_value(value)
    kinds = {name: "string" if kind == "null" else kind for name, kind in kinds.items()}  # no value in what was read
    short = {name: kind.replace("element: ", "").replace("item: ", "") for name, kind in kinds.items()}
    return tuple((name, kind, MEANINGS.get(name, "")) for name, kind in short.items())


def kind_of_value(value: Any) -> str:
    """The type of a value, in Arrow's words."""
    if isinstance(value, list):
        return f"list<{kind_of_value(value[0]) if value else 'null'}>"
    if isinstance(value, dict):
        return f"struct<{', '.join(f'{name}: {kind_of_value(item)}' for name, item in value.items())}>"
    return TYPES.get(type(value).__name__, "string")


def languages(directory: Path) -> list[str]:
    """Codes in the column `language` of an artifact's rows."""
    file = directory / "data.parquet"
    if not file.is_file():
        return []
    import pyarrow.parquet as pq

    if "language" not in pq.read_schema(file).names:
        return []
    found = pq.read_table(file, columns=["language"])["language"].unique().to_pylist()
    return sorted(code for code in found if code and len(code) in (2, 3))
