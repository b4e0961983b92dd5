"""Where a stage stands, by what it has left behind and what Slurm says of its job."""

import fcntl
import json

import pytest

from open_r1.cluster.queue import Job
from open_r1.cluster.standing import Standing, is_written, standing, table_of
from open_r1.core.notes import LOCK
from open_r1.core.pipeline_stage import Stage

NOTE = {"done": 4, "total": 12, "seconds": 60}
STOPPED, HALT = NOTE | {"stopped": True}, {"message": "rewards are all the same", "hint": "", "step": 4, "recipe": {}}
FAILED = "step 1\nTraceback\nerror: no space left\n  fix: free some\n"


def job(state, reason="", nodes="n1", restarts=0):
    return Job("7", "x", "x.log", state, reason, nodes, "1:00:00", restarts)


@pytest.fixture
def stage(tmp_path):
    """A stage with these files in its output and this log."""

    def made(files=None, log="", **recipe):
        stage = Stage("zero", "grpo", [], {"output_dir": str(tmp_path / "zero")} | recipe, tmp_path / "logs/zero.log")
        for name, content in (files or {}).items():
            stage.output.mkdir(exist_ok=True)
            (stage.output / name).write_text(json.dumps(content))
        stage.log.parent.mkdir()
        stage.log.write_text(log)
        return stage

    return made


@pytest.mark.parametrize(
    ("files", "log", "job", "expected"),
    [
        ({}, "", None, ["to do"]),
        ({"manifest.json": {}}, "error: before", None, ["complete"]),
        ({"manifest.json": {}}, "", job("COMPLETED"), ["complete", "7"]),
        ({}, "", job("PENDING", "Priority", ""), ["pending", "7", "", "", "", "", "Priority"]),
        ({"progress.json": NOTE}, FAILED, job("RUNNING"), ["running", "7", "n1", "4/12", "2:00", "1:00:00"]),
        (
            {"progress.json": STOPPED},
            "",
            job("PENDING", "BeginTime", "", 1),
            ["requeued", "7", "", "4/12", "", "", "BeginTime"],
        ),
        (
            {"progress.json": NOTE},
            FAILED,
            job("FAILED", "NonZeroExitCode"),
            ["failed", "7", "n1", "4/12", "", "", "LOG:3: error: no space left"],
        ),
        ({}, "a\nKilled\n", job("OUT_OF_MEMORY"), ["out of memory", "7", "n1", "", "", "", "LOG:2: Killed"]),
        (
            {},
            "",
            job("CANCELLED", "DependencyNeverSatisfied", ""),
            ["cancelled", "7", "", "", "", "", "a stage that it needs was not done"],
        ),
        ({}, "look\n", job("COMPLETED"), ["waiting", "7", "n1", "", "", "", "LOG:1: look"]),
        (
            {"halted.json": HALT, "progress.json": NOTE},
            FAILED,
            job("FAILED"),
            ["halted", "7", "n1", "4/12", "", "", HALT["message"]],
        ),
        ({"progress.json": STOPPED}, "saved\n", None, ["stopped", "", "", "4/12", "", "", "LOG:1: saved"]),
        ({"progress.json": NOTE}, FAILED, None, ["failed", "", "", "4/12", "", "", "LOG:3: error: no space left"]),
        ({"progress.json": NOTE}, "b\n", None, ["started", "", "", "4/12", "", "", "LOG:1: b"]),
    ],
)
def test_a_stage_stands_where_its_files_and_its_job_say(stage, files, log, job, expected):
    found = stage(files, log)
    assert standing(found, job) == Standing("zero", *(text.replace("LOG", str(found.log)) for text in expected))


def test_a_stage_that_is_written_is_running(stage):
    found = stage({"progress.json": NOTE}, FAILED)
    with open(found.output / LOCK, "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert is_written(found.output) and standing(found, None).state == "running"
    assert not is_written(found.output) and standing(found, None).state == "failed"


def test_tasks_that_failed_are_told_from_a_stage_that_did(stage):
    found = stage(executor={"kind": "slurm"})
    assert standing(found, job("CANCELLED", "DependencyNeverSatisfied")).words.endswith("zero/tasks")


def test_the_table_leaves_out_what_nothing_stands_in():
    rows = [Standing("zero", "complete"), Standing("sft", "pending", job="12", words="Priority")]
    assert table_of(rows).splitlines() == [
        "stage  state     job  last words",
        "zero   complete",
        "sft    pending   12   Priority",
    ]


def test_what_waits_for_the_hub_is_counted(stage):
    one = stage({"manifest.json": {"hash": "a"}})
    for name in ("0001-step-000004", "0002-step-000008", "0003-final"):
        (one.output / ".hub" / name).mkdir(parents=True)
    (one.output / ".hub/0003-final/refused").touch()
    assert table_of([standing(one, None)]).splitlines() == [
        "stage  state     for the Hub",
        "zero   complete  2 pending, 1 refused",
    ]
