"""Rows of a sample store, and a curation of them from the command line."""

import gc
import json

import pyarrow.parquet as pq
import pytest
import yaml

from open_r1 import curate
from open_r1.core.formats import ResponseFormat


def sample(**values):
    """A right and readable row; its text is written from its parts unless given."""
    row = {
        "problem_id": "p",
        "answer": "7",
        "verifier": "math",
        "domain": "reasoning",
        "language": "en",
        "difficulty": 1,
        "metadata": "",
    }
    row |= {"question": "What is 3 + 4 ?", "sample": 0, "tokens": 5, "finish_reason": "stop", "valid": True}
    row |= {"reasoning": "so seven", "final": "the answer is 7", "extracted": "7", "outcome": "correct"} | values
    return {"text": ResponseFormat("r1").write(row["reasoning"], row["final"] or "")} | row


def write_store(directory, *parts):
    """A sample store with one part per list of rows."""
    directory.mkdir(parents=True, exist_ok=True)
    for n, rows in enumerate(parts):
        text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        (directory / f"part-{n:05d}.jsonl").write_text(text, encoding="utf-8")
    return directory


def run(tmp_path, rows, name="out", **recipe):
    """Runs `curate` on a store of these rows (or the directory of one) and returns the output's directory."""
    store = write_store(tmp_path / "store", rows) if isinstance(rows, list) else rows
    recipe = {"samples": str(store), "output_dir": str(tmp_path / name), "decontaminate": False} | recipe
    (tmp_path / "recipe.yaml").write_text(yaml.safe_dump(recipe, allow_unicode=True), encoding="utf-8")
    gc.collect()  # an output's lock ends with its process, or here with the last that refers to it
    curate.main(["--config", str(tmp_path / "recipe.yaml")])
    return tmp_path / name


def curated(tmp_path, rows, name="out", **recipe):
    """Rows and manifest that `curate` makes of these rows."""
    out = run(tmp_path, rows, name, **recipe)
    return pq.read_table(out / "data.parquet").to_pylist(), json.loads(
        (out / "manifest.json").read_text(encoding="utf-8")
    )


def refused(capsys, *arguments, **recipe):
    """Runs `curate`, which must refuse with one line and a fix; returns the line."""
    capsys.readouterr()
    with pytest.raises(SystemExit) as ended:
        run(*arguments, **recipe)
    *_, error, fix = capsys.readouterr().err.strip().splitlines()
    assert ended.value.code == 2 and error.startswith("error: ") and fix.startswith("  fix: ")
    return error


def adds_up(steps, before, after):
    """Whether each step of a funnel starts with what the one before left, and the last leaves what there is."""
    left = [before]
    for step in steps:
        if step["before"] != left[-1]:
            return False
        left.append(step["before"] - step["removed"])
    return left[-1] == after
