"""Which checkpoint a run continues from."""

from open_r1.training.checkpoints import COMPLETE, newest_checkpoint


def test_newest_checkpoint_that_was_written_to_its_end(tmp_path):
    for step, complete in ((2, True), (10, True), (12, False)):
        (tmp_path / f"checkpoint-{step}").mkdir()
        (tmp_path / f"checkpoint-{step}/trainer_state.json").write_text("{}")
        if complete:
            (tmp_path / f"checkpoint-{step}" / COMPLETE).touch()
    (tmp_path / "checkpoint-notes").mkdir()
    assert newest_checkpoint(tmp_path) == tmp_path / "checkpoint-10"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["checkpoint-10", "checkpoint-2", "checkpoint-notes"]


def test_no_checkpoint(tmp_path):
    assert newest_checkpoint(tmp_path) is None
