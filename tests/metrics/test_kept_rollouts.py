"""Kept rollouts: whole files or none, what they show, and the picture of it."""

import pytest

from open_r1.core.errors import ArtifactError
from open_r1.metrics.kept_rollouts import (
    file_of,
    measure_rollout,
    measure_rollouts,
    read_rollout,
    rollout_files,
    write_rollout,
)


def row(right, tokens, text="so 1", reward=1.0, clipped=False, step=1):
    found = {"step": step, "prompt": [{"role": "user", "content": "1 + 0"}], "completion": text, "rewards": {}}
    return found | {"reward": reward, "advantage": 0.0, "tokens": tokens, "clipped": clipped, "right": right}


ROWS = [
    row(True, 30, "wait , check : 1"),
    row(True, 50, "a line\u2028 and\nanother 等等"),
    row(False, 10, "Wrong, but waiting", reward=0.0),
    row(None, 110, "\ud800 lone", reward=None, clipped=True),
]


def test_what_a_rollout_shows():
    assert measure_rollout(ROWS) == {
        "step": 1, "completions": 4, "reward": pytest.approx(2 / 3), "right": pytest.approx(2 / 3),
        "tokens_right": 40, "tokens_wrong": 10, "clipped": 0.25, "reflection_per_1k": 1000 * 5 / 200,
    }  # fmt: skip
    nothing = measure_rollout([row(None, 0, reward=None)])
    assert {key for key, value in nothing.items() if value is None} == {
        "reward", "right", "tokens_right", "tokens_wrong", "reflection_per_1k",
    }  # fmt: skip


def test_rows_come_back_as_they_were_and_steps_in_order(tmp_path):
    for step in (21, 3, 100):
        write_rollout(file_of(tmp_path, step), [found | {"step": step} for found in ROWS])
    assert [found["step"] for path in rollout_files(tmp_path) for found in read_rollout(path)][::4] == [3, 21, 100]
    back = list(read_rollout(file_of(tmp_path, 3)))
    assert back[:3] == [found | {"step": 3} for found in ROWS[:3]] and back[3]["completion"] == "? lone"
    assert rollout_files(tmp_path / "rollouts") == rollout_files(tmp_path)
    assert [measured["step"] for measured in measure_rollouts(tmp_path)] == [3, 21, 100]


def test_a_file_that_was_not_written_to_its_end_is_not_there(tmp_path):
    def broken():
        yield ROWS[0]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_rollout(file_of(tmp_path, 1), broken())
    assert rollout_files(tmp_path) == []
    write_rollout(file_of(tmp_path, 1), ROWS)  # over what the first attempt left
    assert len(list(read_rollout(file_of(tmp_path, 1)))) == 4
    assert [path.name for path in (tmp_path / "rollouts").iterdir()] == ["step-000001.jsonl.zst"]


@pytest.mark.parametrize("content", [b"", b"not compressed", "half"])
def test_a_file_that_is_no_rollout_is_named(tmp_path, content):
    path = file_of(tmp_path, 7)
    write_rollout(path, ROWS * 50)
    path.write_bytes(path.read_bytes()[:60] if content == "half" else content)
    with pytest.raises(ArtifactError, match="step-000007.jsonl.zst is no kept rollout"):
        list(read_rollout(path))
