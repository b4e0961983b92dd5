"""Journals: what was added is there for the next run, also after a kill in the middle of a line."""

import pytest

from open_r1.core.journal import Journal


def test_values_outlive_the_process_that_added_them(tmp_path):
    path = tmp_path / "new" / "journal.jsonl"
    Journal(path).add({"a": 1, "b": {"text": "等\u2028等\n"}})
    Journal(path).add({"c": None})
    assert Journal(path).known == {"a": 1, "b": {"text": "等\u2028等\n"}, "c": None}


@pytest.mark.parametrize("lost", [1, 5, 12])
def test_a_cut_line_is_left_out_and_the_next_one_kept(tmp_path, lost):
    path = tmp_path / "journal.jsonl"
    Journal(path).add({"a": 1, "b": "long enough"})
    path.write_bytes(path.read_bytes()[:-lost])
    assert Journal(path).known == ({"a": 1, "b": "long enough"} if lost == 1 else {"a": 1})
    Journal(path).add({"c": 2})
    assert {"a": 1, "c": 2}.items() <= Journal(path).known.items()


def test_what_is_no_entry_is_left_out(tmp_path):
    path = tmp_path / "journal.jsonl"
    path.write_text('[1]\n{"key": "a"}\n3\n{"key": "b", "value": 1}\n')
    assert Journal(path).known == {"b": 1}


def test_a_lone_surrogate_can_be_kept(tmp_path):
    path = tmp_path / "journal.jsonl"
    Journal(path).add({"a": "x\ud800y"})
    assert Journal(path).known == {"a": "x?y"}


def test_without_a_file_nothing_is_written(tmp_path):
    journal = Journal()
    journal.add({"a": 1})
    assert journal.known == {"a": 1}
