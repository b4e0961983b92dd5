"""Jobs of a generation: which command the last of them runs."""

import sys

import pytest

from open_r1.core.artifacts import Artifact
from open_r1.prefer import PreferArguments
from open_r1.sampling import at_scale, jobs
from open_r1.sampling.arguments import sampling_of


class Executor:
    """datatrove's, which notes what it was given and submits nothing."""

    made: list = []

    def __init__(self, steps, **options):
        self.made.append((steps, options))
        self.job_id = len(self.made)

    def run(self):
        pass


def test_the_last_job_runs_the_command_that_submitted_it(tmp_path, monkeypatch):
    pytest.importorskip("datatrove")
    monkeypatch.setattr("datatrove.executor.SlurmPipelineExecutor", Executor)
    monkeypatch.setattr(Executor, "made", [])
    monkeypatch.setattr(jobs, "queued", lambda which: [])
    monkeypatch.setattr(jobs, "leave_job", lambda: None)
    monkeypatch.delenv("SLURM_JOB_ID", raising=False)
    executor = {"kind": "slurm", "tasks": 2, "slurm": {"partition": "main"}}
    recipe = {"output_dir": str(tmp_path / "pairs"), "executor": executor}
    args, artifact = PreferArguments(**recipe), Artifact(recipe, command="prefer")
    assert not at_scale.fill_at_scale(args, sampling_of(args), [], artifact, artifact.path / "samples")
    (_, tasks), ((last,), options) = Executor.made
    assert tasks["tasks"] == 2 and options["depends_job_id"] == "1"
    assert last.keywords["command"][:3] == [sys.executable, "-m", "open_r1.prefer"]
