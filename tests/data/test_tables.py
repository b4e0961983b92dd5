"""Rows reach the disk whatever their number, in an order that the seed decides, and what does not fit is one line."""

import json
import random

import datasets
import pyarrow.parquet as pq
import pytest

from open_r1.core.artifacts import Artifact, read_manifest
from open_r1.core.errors import DataError
from open_r1.core.tables import statistics_table
from open_r1.data.contamination import make_decontaminator
from open_r1.data.tables import CHUNK, Statistics, tables, write_result, write_shuffled, write_table

SIZES = [1, 2, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK + 7]


def numbered(count):
    return [{"n": n, "text": f"{n} 好\n", "prompt": [{"role": "user", "content": f"{n} ?"}]} for n in range(count)]


@pytest.mark.parametrize("count", SIZES)
def test_table_holds_the_rows_in_order_and_nothing_else_stays(tmp_path, count):
    assert write_table(iter(numbered(count)), tmp_path / "data.parquet") == count
    assert pq.read_table(tmp_path / "data.parquet").to_pylist() == numbered(count)
    assert [file.name for file in tmp_path.iterdir()] == ["data.parquet"]


@pytest.mark.parametrize("count", SIZES)
@pytest.mark.parametrize("seed", [0, 7])
def test_shuffled_table_has_the_order_of_a_shuffled_list_and_nothing_else_stays(tmp_path, count, seed):
    expected = numbered(count)
    random.Random(seed).shuffle(expected)
    assert write_shuffled(iter(numbered(count)), tmp_path / "data.parquet", seed) == count
    assert pq.read_table(tmp_path / "data.parquet").to_pylist() == expected
    assert [file.name for file in tmp_path.iterdir()] == ["data.parquet"]


def test_same_seed_writes_the_same_bytes(tmp_path):
    for name in ("one", "two"):
        write_shuffled(numbered(50), tmp_path / f"{name}.parquet", 3)
    assert (tmp_path / "one.parquet").read_bytes() == (tmp_path / "two.parquet").read_bytes()


def test_earlier_file_is_replaced(tmp_path):
    for count in (5, 3):
        write_shuffled(numbered(count), tmp_path / "a.parquet", 0)
        write_table(numbered(count), tmp_path / "b.parquet")
    assert len(pq.read_table(tmp_path / "a.parquet")) == len(pq.read_table(tmp_path / "b.parquet")) == 3


@pytest.mark.parametrize(
    "write", [write_table, lambda rows, path: write_shuffled(rows, path, 0)], ids=["in order", "shuffled"]
)
def test_no_rows_write_nothing(tmp_path, write):
    assert write([], tmp_path / "data.parquet") == 0 and not list(tmp_path.iterdir())


def test_rows_are_taken_chunk_by_chunk():
    taken = []
    rows = ({"n": taken.append(n) or n} for n in range(10 * CHUNK))
    assert next(iter(tables(rows))).num_rows == CHUNK and len(taken) <= CHUNK + 1


@pytest.mark.parametrize(
    ("first", "later"),
    [
        pytest.param({"a": None}, {"a": "x"}, id="null, then text"),
        pytest.param({"a": "x"}, {"a": None}, id="text, then null"),
        pytest.param({"a": None}, {"a": None}, id="only nulls"),
        pytest.param({"a": 1}, {"a": None}, id="number, then null"),
        pytest.param({"a": 0.5}, {"a": 1.0}, id="floats"),
        pytest.param({"a": []}, {"a": ["x"]}, id="empty list, then texts"),
        pytest.param({"a": {"b": None}}, {"a": {"b": "x"}}, id="null in a mapping, then text"),
    ],
)
def test_later_chunks_may_have_what_the_first_lacks(tmp_path, first, later):
    rows = [first] * CHUNK + [later]
    write_table(rows, tmp_path / "data.parquet")
    assert pq.read_table(tmp_path / "data.parquet").to_pylist() == rows


def test_column_of_nulls_is_text(tmp_path):
    write_table([{"a": None, "b": 1}] * 2, tmp_path / "data.parquet")
    assert [str(field.type) for field in pq.read_schema(tmp_path / "data.parquet")] == ["string", "int64"]


@pytest.mark.parametrize("later", [1, CHUNK, 2 * CHUNK + 1])
@pytest.mark.parametrize(
    ("one", "other"), [(1, "x"), ("x", 1), (1, [1]), ([1], "x"), ("x", {"b": 1}), ({"b": 1}, {"b": "x"})], ids=str
)
@pytest.mark.parametrize(
    "write", [write_table, lambda rows, path: write_shuffled(rows, path, 0)], ids=["in order", "shuffled"]
)
def test_mixed_types_are_one_line(tmp_path, write, one, other, later):
    with pytest.raises(DataError, match="different types") as caught:
        write([{"a": one}] * later + [{"a": other}], tmp_path / "data.parquet")
    assert len(str(caught.value).splitlines()) == 1 and caught.value.hint and not (tmp_path / "data.parquet").exists()


class Words:
    """One token per word."""

    def __call__(self, text, add_special_tokens):
        return {"input_ids": text.split()}


def labelled(domain, response, *prompt):
    roles = ("user", "assistant")
    return {
        "domain": domain,
        "response": response,
        "prompt": [{"role": roles[n % 2], "content": text} for n, text in enumerate(prompt)],
    }


MATH = [labelled("math", "a b c", "x"), labelled("math", "a b c d e", "x")]
ROWS = [*MATH, labelled("code", "a", "x y", "z", "w"), labelled("chat", None, "x")]


def test_statistics_add_up():
    statistics = Statistics(Words())
    assert [statistics.seen(row) for row in ROWS] == ROWS
    lines = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in statistics_table(statistics.counts()).splitlines()
    ]
    assert lines[2:] == [
        ["chat", "1", "1.0", "1.0", "25.0%", "6.2%"],
        ["code", "1", "2.0", "5.0", "25.0%", "31.2%"],
        ["math", "2", "1.0", "5.0", "50.0%", "62.5%"],
        ["all", "4", "1.2", "4.0", "100.0%", "100.0%"],
    ]


def test_statistics_without_a_tokenizer_count_no_tokens():
    statistics = Statistics()
    for row in ROWS:
        statistics.seen(row)
    assert statistics_table(statistics.counts()).splitlines()[-1] == "| all | 4 | 1.2 | - | 100.0% | - |"


@pytest.mark.parametrize("count", [1, 999, 2500])
def test_statistics_of_random_rows_are_theirs(count):
    rng, statistics = random.Random(count), Statistics(Words())
    rows = [labelled(rng.choice("abc"), "w " * rng.randrange(9), *["q"] * rng.choice([1, 3])) for _ in range(count)]
    assert [statistics.seen(row) for row in rows] == rows
    cells = [line.strip("| ").split(" | ") for line in statistics_table(statistics.counts()).splitlines()[2:]]
    domains, total = cells[:-1], cells[-1]
    assert [int(line[1]) for line in domains] == [sum(row["domain"] == line[0] for row in rows) for line in domains]
    assert int(total[1]) == count and abs(sum(float(line[5].rstrip("%")) for line in domains) - 100) < 0.2


@pytest.fixture
def benchmark(tmp_path, monkeypatch):
    """Settings that know one question."""
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    (tmp_path / "benchmark.jsonl").write_text(json.dumps({"problem": "x y w"}) + "\n")
    return {"against": [{"path": str(tmp_path / "benchmark.jsonl")}]}


@pytest.fixture
def artifact(tmp_path):
    found = Artifact({"output_dir": str(tmp_path / "mixture"), "seed": 5})
    found.claim()
    return found


def test_result_is_rows_card_and_manifest(artifact):
    step = {"filter": "max_length: 9", "before": 5, "removed": 1, "examples": ["so long"]}
    write_result(iter(ROWS), artifact, artifact.recipe, [step], None, Words())
    expected = list(ROWS)
    random.Random(5).shuffle(expected)
    assert pq.read_table(artifact.path / "data.parquet").to_pylist() == expected
    card, manifest = (artifact.path / "README.md").read_text(), read_manifest(artifact.path)
    assert (
        "| all | 4 | 1.2 | 4.0 |" in card
        and "| max_length: 9 | 5 | 1 | `so long` |" in card
        and "Not checked against" in card
    )
    assert (manifest["rows"], manifest["domains"]) == (4, {"math": 2, "code": 1, "chat": 1}) and manifest[
        "contamination"
    ] is None


def test_result_without_the_contaminated_rows(artifact, benchmark):
    write_result(iter(ROWS), artifact, artifact.recipe, [], make_decontaminator(benchmark), Words())
    manifest, aside = read_manifest(artifact.path), (artifact.path / "contaminated.jsonl").read_text().splitlines()
    assert manifest["rows"] == 3 and manifest["domains"] == {"math": 2, "chat": 1} and len(aside) == 1
    assert (
        manifest["contamination"]["checked"] == 4
        and "4 rows checked, 1 removed" in (artifact.path / "README.md").read_text()
    )


@pytest.mark.parametrize("rows", [[], [labelled("math", "a", "x y w")]], ids=["none given", "none left"])
def test_no_result_is_an_error_and_is_not_complete(artifact, benchmark, rows):
    with pytest.raises(DataError, match="no row is left"):
        write_result(rows, artifact, artifact.recipe, [], make_decontaminator(benchmark))
    assert read_manifest(artifact.path) is None and not (artifact.path / "data.parquet").exists()
