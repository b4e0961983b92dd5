"""What all samples of a problem share stands once beside a part where it is large, and every reader has whole rows."""

import json

import pytest
from samples import sample
from sampling_engines import PROBLEMS, FakeEngine

from open_r1.hub.tables import publish_tables
from open_r1.sampling.parts import MOST
from open_r1.sampling.selection import placed_rows, rows_at
from open_r1.sampling.store import fill_store, read_store, save_part, store_parts

TESTS = json.dumps({"inputs": ["好\u2028" * 3000], "outputs": ["7"]})


def large(number, text=TESTS):
    """A problem whose answer is large, and another one than its neighbours'."""
    return PROBLEMS[number] | {"answer": f"{text} {number}", "verifier": "exact"}


def rows_of(*problems, samples=3):
    return [
        sample(problem_id=problem["problem_id"], sample=n, answer=problem["answer"])
        for problem in problems
        for n in range(samples)
    ]


def test_a_large_answer_is_kept_once_and_read_whole(tmp_path):
    problems = [large(0), PROBLEMS[1], large(2)]
    fill_store(FakeEngine(num_samples=16, batch_size=48), problems, tmp_path)
    rows = list(read_store(tmp_path))
    assert {row["problem_id"]: row["answer"] for row in rows} == {
        problem["problem_id"]: problem["answer"] for problem in problems
    }
    assert len(rows) == 48 and not any("large" in row for row in rows)
    assert sum(path.stat().st_size for path in tmp_path.glob("*.jsonl")) < 4 * len(json.dumps(TESTS)) + 48 * 1000


def test_a_row_is_whole_wherever_it_is_read_from(tmp_path):
    rows = rows_of(large(0), PROBLEMS[1], large(2))
    save_part(tmp_path / "store", 0, rows)
    places = [place for place, _ in placed_rows(tmp_path / "store")]
    assert list(rows_at(reversed(places))) == rows[::-1]


@pytest.mark.parametrize("longer", [0, 1])
def test_what_is_not_large_stays_in_its_row(tmp_path, longer):
    save_part(tmp_path, 0, [sample(answer="x" * (MOST + longer))])
    assert len(list(tmp_path.glob("large-*"))) == longer


def test_an_earlier_writing_of_a_part_stays_readable(tmp_path):
    """A kill can leave the new file of large values beside the old part."""
    first = rows_of(large(0))
    save_part(tmp_path, 0, first)
    old = (tmp_path / "part-00000.jsonl").read_bytes()
    save_part(tmp_path, 0, rows_of(large(5), large(0)))
    (tmp_path / "part-00000.jsonl").write_bytes(old)
    assert list(read_store(tmp_path)) == first


def test_failures_are_tried_again_with_what_is_large(tmp_path):
    problems = [large(0), large(1)]
    fill_store(FakeEngine(fails=[("p0", 1)]), problems, tmp_path / "new")
    fill_store(FakeEngine(), problems, tmp_path / "new")
    fill_store(FakeEngine(), problems, tmp_path / "whole")
    assert list(read_store(tmp_path / "new")) == list(read_store(tmp_path / "whole"))


def test_a_published_store_keeps_it_once_too(tmp_path):
    rows = rows_of(large(0), PROBLEMS[1], large(2), large(0))
    for number in range(2):
        save_part(tmp_path / "drawn", number, rows[number * 6 : number * 6 + 6])
    configs = publish_tables(tmp_path / "drawn", tmp_path / "there")
    assert list(read_store(tmp_path / "there")) == rows
    assert sorted(path.name for path in (tmp_path / "there").iterdir()) == ["large.parquet", "part-00000.parquet"]
    assert [config["data_files"][0]["path"] for config in configs] == ["part-*.parquet"]
    import pyarrow.parquet as pq

    assert pq.read_table(tmp_path / "there/large.parquet").num_rows == 2
    places = [place for place, _ in placed_rows(tmp_path / "there")]
    assert list(rows_at(reversed(places))) == rows[::-1] and len(store_parts(tmp_path / "there")) == 1
