"""What a real Slurm says of jobs, and what of it is passed on."""

import pytest
from slurm_cluster import Cluster, missing

from open_r1.cluster import queue
from open_r1.core.errors import SlurmError

pytestmark = [pytest.mark.slow, pytest.mark.skipif(bool(missing()), reason=missing())]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    cluster = Cluster(tmp_path_factory.mktemp("queue") / "slurm", nodes=1)
    cluster.start()
    yield cluster
    cluster.stop()


@pytest.fixture
def submit(cluster, tmp_path, monkeypatch):
    """Submits a job of one line of shell."""
    monkeypatch.setenv("SLURM_CONF", cluster.environment["SLURM_CONF"])
    monkeypatch.chdir(tmp_path)

    def submitted(line, *options, **variables):
        (tmp_path / "job.sh").write_text(f"#!/bin/sh\n{line}\n")
        words = ["sbatch", "--parsable", "--job-name=a job", f"--output={tmp_path}/a log", *options, "job.sh"]
        return queue.submit(words, {"SBATCH_PARTITION": "main"} | variables, "stage a")

    return submitted


def test_states_of_jobs(submit, cluster):
    done, failed = submit("true"), submit("exit 3")
    behind = submit("true", f"--dependency=afterok:{failed}", "--kill-on-invalid-dep=yes")
    running = submit("sleep 1000", "--requeue", "--time=60")
    waiting = submit("true", f"--dependency=afterok:{running}")
    find = lambda: {job.id: job for job in queue.find(["a job", "another"])}
    expected = {
        done: ("completed", "", False),
        failed: ("failed", "NonZeroExitCode", False),
        behind: ("cancelled", "DependencyNeverSatisfied", False),
        running: ("running", "", True),
        waiting: ("pending", "Dependency", True),
    }
    cluster.wait(lambda: expected == {n: (job.word, job.reason, job.alive) for n, job in find().items()})
    found = find()
    assert found[done].name == "a job" and found[done].log.endswith("/a log") and list(found) == list(expected)
    assert found[running].nodes == "n1" and ":" in found[running].left
    cluster.run("scontrol", "update", "PartitionName=main", "State=DOWN")  # it would soon run again
    cluster.run("scontrol", "requeue", running)
    cluster.wait(lambda: find()[running].word == "requeued")
    cluster.run("scontrol", "update", "PartitionName=main", "State=UP")
    queue.cancel([running, waiting, done, "99999"])
    cluster.wait(lambda: not any(job.alive for job in find().values()))
    assert find()[done].word == "completed" and find()[waiting].word == "cancelled"


def test_a_job_that_slurm_has_forgotten_is_not_found(submit):
    assert queue.find(["nobody's"]) == queue.find([]) == []


@pytest.mark.parametrize(
    ("options", "variables", "message", "fix"),
    [
        ([], {"SBATCH_PARTITION": "nope"}, "invalid partition specified: nope", "SBATCH_PARTITION"),
        ([], {"SBATCH_CONSTRAINT": "h100"}, "Invalid feature specification", "SBATCH_CONSTRAINT"),
        (["--gpus-per-node=9"], {}, "Invalid generic resource (gres) specification", "GPUS_PER_NODE"),
        (["--mem=900G"], {}, "Memory specification can not be satisfied", "ask for less"),
        (["--time=long"], {}, "Invalid --time specification", "`slurm:`"),
        (["--colour=red"], {}, "unrecognized option '--colour=red'", "`slurm:`"),
    ],
)
def test_what_sbatch_refuses_is_one_line_with_its_fix(submit, options, variables, message, fix):
    with pytest.raises(SlurmError) as caught:
        submit("true", *options, **variables)
    assert message in str(caught.value) and str(caught.value).startswith("stage a: ") and fix in caught.value.hint
    assert "\n" not in str(caught.value)


def test_a_controller_that_does_not_answer_is_no_empty_queue(submit, monkeypatch, tmp_path):
    lines = ("ClusterName=none", "SlurmctldHost=localhost(127.0.0.1)", "SlurmctldPort=1", "MessageTimeout=1")
    (tmp_path / "slurm.conf").write_text("\n".join(lines))
    monkeypatch.setenv("SLURM_CONF", str(tmp_path / "slurm.conf"))
    with pytest.raises(SlurmError, match="squeue: "):
        queue.find(["a"])
