"""What `--force` may delete."""

import pytest

from open_r1.core import deleting, saved_steps, submitted
from open_r1.core.errors import ArtifactError


@pytest.fixture
def outputs(tmp_path):
    """Two outputs; the second one's saved steps have been jobs."""
    found = [tmp_path / "first", tmp_path / "second"]
    for output in found:
        (output / saved_steps.FOLDER).mkdir(parents=True)
    note = found[1] / saved_steps.FOLDER / "step-000001" / submitted.JOBS
    note.parent.mkdir(parents=True)
    note.write_text("7 8 -1")
    return found


def test_none_is_deleted_where_a_process_works_on_one(outputs):
    lock = saved_steps.turn(outputs[1])
    with pytest.raises(ArtifactError, match="second/evaluations is being written by another process"):
        deleting.delete(outputs)
    assert all(output.is_dir() for output in outputs)
    lock.release()


def test_notes_of_jobs_mean_nothing_on_a_machine_without_slurm(outputs, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    deleting.delete(output for output in outputs)
    assert not any(output.exists() for output in outputs)


def test_jobs_of_an_output_are_its_own_and_those_of_its_steps(outputs):
    (outputs[1] / submitted.JOBS).parent.mkdir()
    (outputs[1] / submitted.JOBS).write_text("9")
    assert submitted.jobs_below(outputs[1]) == ["9", "7", "8"]
