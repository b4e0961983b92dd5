"""
Tables for the Hub: every row that a store holds comes back from parquet as it was, later stages read a published
artifact as it lies, and `load_dataset` finds the rows by the configs of the card.
"""

import copy
import json
import os
import subprocess
import sys
import tempfile
import tracemalloc
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from samples import curated, refused, sample, write_store

from open_r1.core.rows import FAILED
from open_r1.hub import tables
from open_r1.hub.tables import publish_tables
from open_r1.sampling.draw import draw_samples
from open_r1.sampling.selection import choose, placed_rows, rows_at
from open_r1.sampling.store import read_store, read_stores, store_parts


def exact(value):
    """A value in which 1 is not 1.0 or True, and a NaN is what it is."""
    return json.dumps(value, sort_keys=True)


def published(directory, *parts):
    """A store of these rows, published, and the rows that it then holds."""
    configs = publish_tables(write_store(directory / "drawn", *parts), directory / "published")
    assert [path.suffix for path in store_parts(directory / "published")] == [".parquet"]
    assert configs == [{"config_name": "default", "data_files": [{"split": "train", "path": "part-*.parquet"}]}]
    return list(read_store(directory / "published"))


MESSAGES = [{"role": "system", "content": "short"}, {"role": "user", "content": "What is 3 + 4 ?"}]
COLUMNS = {
    "a number, or not": [{"score": 1.0}, {"score": None}, {"score": 0.5}],
    "integers and floats": [{"difficulty": 1}, {"difficulty": 1.0}, {"difficulty": 2.5}],
    "numbers and texts": [{"difficulty": 1}, {"difficulty": "Level 5"}, {"difficulty": None}],
    "truth and numbers": [{"valid": True}, {"valid": 1}],
    "some have it": [{"options": ["a", "b"]}, {}, {"options": []}],
    "some have it, some nothing in it": [{"options": ["a", "b"]}, {}, {"options": None}],
    "empty lists alone": [{"options": []}, {"options": []}],
    "nothing in any": [{"final": None}, {"final": None}],
    "lists with gaps": [{"options": [None, "a"]}, {"options": [None]}],
    "lists of anything": [{"options": [1, "a", None, [2.5]]}, {"options": [[]]}],
    "messages": [{}, {"messages": MESSAGES}, {"messages": MESSAGES[1:]}],
    "messages that differ": [{"messages": MESSAGES}, {"messages": [{"role": "tool", "name": "x"}]}],
    "mappings": [{"metadata": {"level": 3}}, {"metadata": {}}, {"metadata": ""}],
    "large numbers": [{"answer": 2**63 - 1}, {"answer": 2**63}],
    "numbers that are none": [{"score": float("inf")}, {"score": float("nan")}, {"score": -0.0}],
    "half a surrogate pair": [{"text": "\ud83d"}, {"text": "whole \U0001f600"}],
    "unusual characters": [{"text": "\x00 \u2028 \x85 \r\n \ufeff \x1f"}, {"text": ""}],
    "only the last": [{}, {}, {"error": "status 500", "outcome": FAILED}],
}


@pytest.mark.parametrize("name", COLUMNS)
def test_what_a_column_holds_comes_back(tmp_path, name):
    rows = [sample(sample=n) | values for n, values in enumerate(copy.deepcopy(COLUMNS[name]))]
    lines = [json.loads(json.dumps(row)) for row in rows]
    written = write_store(tmp_path / "drawn")
    (written / "part-00000.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))  # "\\ud83d" as it is
    publish_tables(written, tmp_path / "published")
    assert exact(list(read_store(tmp_path / "published"))) == exact(lines)


TEXTS = st.text() | st.sampled_from(["\ud800", "a\udfffb"])
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXTS
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3), max_leaves=6
)
ALIKE = [st.text(), st.integers(-9, 9), st.floats(), st.lists(st.text(), max_size=2), st.just(MESSAGES)]
ROWS = st.lists(
    st.fixed_dictionaries(
        {"problem_id": st.text()},
        optional={f"column {n}": kind | st.none() for n, kind in enumerate(ALIKE)}
        | {f"wild {n}": VALUES for n in range(3)},
    ),
    min_size=1,
    max_size=6,
)


@given(ROWS)
def test_any_rows_come_back(rows):
    with tempfile.TemporaryDirectory() as place:
        drawn, there = Path(place, "drawn"), Path(place, "published")
        drawn.mkdir()
        (drawn / "part-00000.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        publish_tables(drawn, there)
        assert exact(list(read_store(there))) == exact(rows)


def test_columns_have_the_types_of_their_values(tmp_path):
    published(tmp_path, [sample(options=["7", "8"], score=1.0, messages=MESSAGES), sample(score=None)])
    types = {field.name: str(field.type) for field in pq.read_schema(tmp_path / "published/part-00000.parquet")}
    assert types["tokens"] == "int64" and types["score"] == "double" and types["valid"] == "bool"
    assert types["text"] == types["extracted"] == "string" and types["options"].startswith("list<")
    assert types["messages"].startswith("list<element: struct<content: string, role: string>")


def test_parts_and_failures_are_read_in_their_order(tmp_path):
    store = write_store(tmp_path / "drawn", *([sample(problem_id=f"p{n}")] for n in range(3)))
    failed = sample(problem_id="p3", outcome=FAILED, error="status 500")
    (store / "part-00003.failed.jsonl").write_text(json.dumps(failed) + "\n")
    (store / "part-00001.failed.jsonl").write_text(json.dumps(failed) + "\n")  # a kill: the part was written since
    publish_tables(store, tmp_path / "published")
    rows = list(read_store(tmp_path / "published"))
    assert rows == list(read_store(store)) and [row["problem_id"] for row in rows] == ["p0", "p1", "p2", "p3"]
    assert not list((tmp_path / "published").glob("*.jsonl"))


def test_large_stores_become_several_files_of_several_groups(tmp_path, monkeypatch):
    monkeypatch.setattr(tables, "GROUP", 20_000)
    monkeypatch.setattr(tables, "SHARD", 30_000)
    rows = [sample(problem_id=f"p{n // 4}", sample=n % 4, text=os.urandom(1000).hex(), tokens=n) for n in range(100)]
    publish_tables(write_store(tmp_path / "drawn", rows[:60], rows[60:]), tmp_path / "published")
    parts = store_parts(tmp_path / "published")
    assert len(parts) > 3 and pq.ParquetFile(parts[0]).metadata.num_row_groups > 1
    assert list(read_store(tmp_path / "published")) == rows
    places = [place for place, _ in placed_rows(tmp_path / "published")]
    chosen = choose(places, "random", 0, 2)
    assert [row["tokens"] for row in rows_at(chosen)] == [place.tokens for place in chosen]
    assert [row["tokens"] for row in rows_at(reversed(places))] == list(reversed(range(100)))


def test_memory_does_not_grow_with_the_store(tmp_path, monkeypatch):
    monkeypatch.setattr(tables, "GROUP", 100_000)
    peaks = []
    for parts in (2, 20):
        rows = [sample(sample=n, text="x" * 2000) for n in range(200)]
        store = write_store(tmp_path / f"drawn{parts}", *([rows] * parts))
        tracemalloc.start()
        publish_tables(store, tmp_path / f"published{parts}")
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.5 * peaks[0]


def test_everything_else_keeps_its_bytes_and_shares_them(tmp_path):
    source = write_store(tmp_path / "evaluate/base model", [sample()]).parent
    (source / "base model/metrics.json").write_text("{}")
    for name in ("manifest.json", "recipe.yaml", "summary.txt", "contaminated.jsonl", ".lock"):
        (source / name).write_text(name)
    for name in (".hub/0001-final/files", "tasks/replies"):
        (source / name).mkdir(parents=True)
        (source / name / "000.jsonl").write_text("{}")
    for _ in range(2):  # the second time over what a killed process left
        configs = publish_tables(source, tmp_path / "out/there")
    found = {path.relative_to(tmp_path / "out/there").as_posix() for path in (tmp_path / "out/there").rglob("*")}
    assert found == {
        "manifest.json", "recipe.yaml", "summary.txt", "contaminated.jsonl",
        "base model", "base model/metrics.json", "base model/part-00000.parquet",
    }  # fmt: skip
    assert (source / "manifest.json").samefile(tmp_path / "out/there/manifest.json")
    assert configs == [
        {"config_name": "base model", "data_files": [{"split": "test", "path": "base model/part-*.parquet"}]}
    ]


def test_a_published_artifact_is_published_again_as_it_is(tmp_path):
    rows = published(tmp_path, [sample()])
    configs = publish_tables(tmp_path / "published", tmp_path / "again")
    assert configs[0]["config_name"] == "default" and list(read_store(tmp_path / "again")) == rows
    assert (tmp_path / "published/part-00000.parquet").samefile(tmp_path / "again/part-00000.parquet")


# ------------------------------------------------------------------------------------------------ later stages, others


def rows_to_choose():
    return [
        sample(problem_id=f"p{n // 3}", sample=n % 3, reasoning="so " * (n % 5 + 1), tokens=n % 5) for n in range(12)
    ]


def test_later_stages_read_a_published_store_as_a_drawn_one(tmp_path):
    store = write_store(tmp_path / "store", rows_to_choose()[:7], rows_to_choose()[7:])
    publish_tables(store, tmp_path / "published")
    for pick in ("shortest", "diverse", "random"):
        drawn, _ = curated(tmp_path, store, f"{pick}-drawn", pick=pick, per_problem=2)
        pulled, _ = curated(tmp_path, tmp_path / "published", f"{pick}-published", pick=pick, per_problem=2)
        assert drawn == pulled and len(drawn) == 8


def test_nothing_is_drawn_into_a_published_store(tmp_path, capsys):
    from open_r1.core.artifacts import Artifact
    from open_r1.sampling.arguments import GenerateArguments

    rows = published(tmp_path, [sample(sample=n) for n in range(4)])
    recipe = {"model": "nobody/nothing", "datasets": [{"path": "mini:chain", "limit": 3}], "num_samples": 4}
    args = GenerateArguments(**recipe, output_dir=str(tmp_path / "published"))
    figures = draw_samples(args, Artifact(recipe | {"output_dir": args.output_dir}), tmp_path / "published")
    assert figures["samples"] == 4 and "nothing is drawn" in capsys.readouterr().out
    assert list(read_store(tmp_path / "published")) == rows


def test_published_completions_are_measured_again_without_their_model(tmp_path):
    from open_r1.sampling.evaluating import evaluate_model
    from open_r1.sampling.evaluations import EvaluateArguments, Task
    from open_r1.sampling.models import Model

    rows = [sample(problem_id=f"p{n // 2}", sample=n % 2, outcome=("correct", "wrong")[n % 2]) for n in range(8)]
    write_store(tmp_path / "drawn/base/aime24", [row | {"dataset": "aime24"} for row in rows])
    publish_tables(tmp_path / "drawn", tmp_path / "there")
    task = Task(Model("base", "nobody/nothing"), "aime24", {}, tmp_path / "there/base/aime24", 2, "")
    args = EvaluateArguments(models=["nobody/nothing"], datasets=[{"path": "benchmark:aime24", "benchmark": "aime24"}])
    args.num_samples = 2
    metrics = evaluate_model([task], {"aime24": []}, args)
    assert metrics["pass@1"] == 0.5 and (tmp_path / "there/base/metrics.json").exists()


def test_half_a_table_is_one_line(tmp_path, capsys):
    published(tmp_path, [sample()])
    part = tmp_path / "published/part-00000.parquet"
    part.write_bytes(part.read_bytes()[:500])
    assert "part-00000.parquet is no table" in refused(capsys, tmp_path, tmp_path / "published")


LOAD = """
import json, sys
from datasets import get_dataset_config_names, load_dataset

place, cache = sys.argv[1:]
names = get_dataset_config_names(place)
found = {name: load_dataset(place, name, cache_dir=cache) for name in names}
print(json.dumps({name: {split: rows.to_list() for split, rows in splits.items()} for name, splits in found.items()}))
"""


def load_all(place, configs, scratch):
    """What a user has of a directory whose card has these configs: rows by config and split."""
    (place / "README.md").write_text(f"---\n{yaml.safe_dump({'configs': configs})}---\n")
    done = subprocess.run(
        [sys.executable, "-c", LOAD, str(place), str(scratch)], capture_output=True, text=True, cwd=scratch.parent
    )
    assert not done.returncode, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def without_nothing(rows):
    return [{name: value for name, value in row.items() if value is not None} for row in rows]


def test_load_dataset_finds_data_and_samples(tmp_path):
    rows = [
        sample(sample=0, options=["7", "8"], score=None),
        sample(sample=1, messages=MESSAGES, score=0.5, text="好 <think>"),
        sample(sample=2, error="status 500", outcome=FAILED, score=None),
    ]
    out = tmp_path / "out"
    drawn, _ = curated(tmp_path, write_store(tmp_path / "store", rows), per_problem=0)
    write_store(out / "samples", rows[:2], rows[2:])
    configs = publish_tables(out, tmp_path / "published")
    found = load_all(tmp_path / "published", configs, tmp_path / "cache")
    assert list(found) == ["default", "samples"] and found["default"] == {"train": drawn}
    assert list(found["samples"]) == ["train"]
    assert without_nothing(found["samples"]["train"]) == without_nothing(rows)


def test_load_dataset_finds_the_completions_of_every_model(tmp_path):
    names = ["base", "zero: greedy [2]", "r1*"]
    for n, name in enumerate(names):
        store = write_store(tmp_path / "evaluate" / name / "aime24", [sample(model=name, sample=n)])
        (store.parent / "metrics.json").write_text("{}")
    configs = publish_tables(tmp_path / "evaluate", tmp_path / "published")
    found = load_all(tmp_path / "published", configs, tmp_path / "cache")
    assert set(found) == {"base-aime24", "zero- greedy [2]-aime24", "r1--aime24"}
    assert [rows["test"][0]["model"] for rows in found.values()] == sorted(names)
    assert [len(list(read_stores(tmp_path / "published" / name))) for name in names] == [1, 1, 1]
