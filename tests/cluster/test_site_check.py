"""`open-r1 doctor --slurm`: what is said of made-up nodes, and a real cluster of two that are this machine."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from slurm_cluster import Cluster, missing
from slurm_site import Site as Place

from open_r1.cluster import probe, queue, site_check
from open_r1.cluster.health import ERROR, OK, WARNING
from open_r1.cluster.site import Site
from open_r1.core.errors import SlurmError

SITE = Site(Path("slurm/site.env"), 2, {})
VERSIONS = {"python": "3.11.9", "torch": "2.9.1", "trl": "0.25.0"}
NODE = {"versions": VERSIONS, "folder": "", "scratch": None, "given": 2, "use_cpu": False, "gpus": 2, "torch": ""}
LOST = "srun: error: n2: task 1: Exited with exit code 1"
MODULE = "python: Error while finding module specification (ModuleNotFoundError: No module named 'open_r1')"


def node(name="n1", **changes):
    return json.dumps({"node": name} | NODE | changes)


def rank(number, seconds=0.01, **changes):
    told = {"node": f"n{1 + number // 2}", "rank": number, "seconds": seconds, "backend": "nccl", "ranks": 4}
    return json.dumps(told | changes)


BOTH, RANKS = [node(), node("n2")], [rank(number) for number in range(4)]


@pytest.mark.parametrize(
    ("lines", "having", "name", "state", "words"),
    [
        ([*BOTH, *RANKS], {}, "nodes", OK, "n1, n2"),
        ([*BOTH, *RANKS], {"n1": 2, "n2": 2}, "gpus", OK, "2 on each node"),
        ([*BOTH, *RANKS], {}, "versions", OK, "python 3.11.9, torch 2.9.1, trl 0.25.0 on each node"),
        ([*BOTH, *RANKS], {}, "folder", OK, "is written and seen by each node"),
        ([*BOTH, *RANKS[:3], rank(3, 0.02)], {}, "all-reduce", OK, "over 4 ranks with nccl in 20.0 ms, 5.0 GB/s"),
        ([], {}, "nodes", ERROR, "none told anything: the job left no log"),
        (["error: open-r1: command not found on n1"], {}, "nodes", ERROR, "open-r1: command not found on n1"),
        ([node(), rank(0), MODULE, LOST], {}, "nodes", ERROR, "only n1 of 2 told anything: python: Error while"),
        ([node(), rank(0), MODULE, LOST], {}, "nodes", ERROR, "'open_r1'); n2: task 1: Exited with exit code 1"),
        ([node(), node("n2", gpus=1), *RANKS], {}, "gpus", ERROR, "torch sees 1 of the job's 2 on n2"),
        ([node(gpus=0, torch="is built for CPUs alone")], {}, "gpus", ERROR, "on n1, torch is built for CPUs alone"),
        ([node(gpus=0, torch="is built for CPUs alone", use_cpu=True)], {}, "gpus", OK, "2 on each node"),
        ([*BOTH, *RANKS], {"n1": 2, "n2": 8}, "gpus", WARNING, "GPUS_PER_NODE=2, and n2 has 8"),
        (
            [node(), node("n2", versions=VERSIONS | {"torch": "2.8.0", "trl": None})],
            {},
            "versions",
            ERROR,
            "torch 2.9.1 on n1, torch 2.8.0 on n2; trl 0.25.0 on n1, trl missing on n2",
        ),
        ([node(), node("n2", folder="sees files of n2 alone")], {}, "folder", ERROR, ": n2 sees files of n2 alone"),
        ([node(scratch=""), node("n2", scratch="")], {}, "scratch", OK, "SCRATCH can be written"),
        ([node(scratch=""), node("n2", scratch="cannot")], {}, "scratch", ERROR, "n2 cannot"),
        ([*BOTH, rank(0), rank(2, error="DistNetworkError: no")], {}, "all-reduce", ERROR, "rank 2 on n2: Dist"),
        (
            [*BOTH, *RANKS[:3], "srun: error: n2: task 3: Aborted"],
            {},
            "all-reduce",
            ERROR,
            "3 of 4 ranks came to the end: n2: task 3: Aborted",
        ),
    ],
)  # fmt: skip
def test_what_nodes_tell_is_judged(lines, having, name, state, words):
    (found,) = [one for one in site_check.judge(lines, SITE, 2, having) if one.name == name]
    assert found.state == state and words in found.words and bool(found.fix) == (state != OK)


def test_a_folder_that_others_do_not_see(tmp_path):
    assert probe.see_others(tmp_path, "n1", 2, patience=0.0) == "sees files of n1 alone"
    assert probe.see_others(tmp_path, "n2", 2) == ""
    assert probe.see_others(tmp_path / "none", "n1", 1).startswith("cannot write there (No such")


def test_a_scratch_that_cannot_be_written(tmp_path):
    (tmp_path / "file").touch()
    assert probe.write_in(str(tmp_path / "new/folder")) == ""
    assert probe.write_in(str(tmp_path / "file")).startswith("cannot write there (")


@pytest.mark.parametrize(("options", "words"), [({"nodes": 0}, "--nodes 0"), ({"config": "x"}, "--config beside")])
def test_a_wrong_option_is_named(options, words):
    with pytest.raises(SlurmError, match=words):
        site_check.read_options(options)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    root = tmp_path_factory.mktemp("doctor")
    cluster = Cluster(root / "cluster", gpus=1)
    cluster.start()
    yield Place(root / "site", cluster)
    cluster.stop()


def doctor(place, *words, **site):
    """Runs it with more keys in the site's file."""
    lines = {"SBATCH_PARTITION": "main", "GPUS_PER_NODE": 1, "SETUP": "setup.sh"} | site
    (place.root / "slurm/site.env").write_text("".join(f"{name}={value}\n" for name, value in lines.items()))
    command = [sys.executable, "-m", "open_r1.cli", "doctor", "--slurm", *words]
    done = subprocess.run(command, cwd=place.root, env=place.cluster.environment, capture_output=True, text=True)
    assert not place.cluster.run("squeue", "-h", "-t", "PENDING,RUNNING")
    return done


@pytest.mark.slow
@pytest.mark.skipif(bool(missing()), reason=missing())
def test_two_nodes_that_are_well(place):
    scratch = place.root / "scratch"
    done = doctor(place, SCRATCH=scratch)
    lines = done.stdout.splitlines()
    assert done.returncode == 0, done.stdout + done.stderr
    assert [line.split(":")[0].split() for line in lines] == [
        ["ok", name] for name in ("nodes", "gpus", "versions", "folder", "scratch", "all-reduce")
    ]
    assert "nodes: n1, n2" in lines[0] and "over 2 ranks with gloo" in lines[5]
    assert scratch.is_dir() and not list(place.root.glob("doctor-*"))


@pytest.mark.slow
@pytest.mark.skipif(bool(missing()), reason=missing())
@pytest.mark.parametrize(
    ("words", "site", "code", "expected"),
    [
        ([], {"GPUS_PER_NODE": 2}, 1, "asks for what these nodes do not have (PartitionConfig), and is cancelled"),
        (["--nodes", "3"], {}, 1, "asks for what these nodes do not have (PartitionConfig), and is cancelled; fix: "),
        ([], {"GPUS_PER_NODE": 0}, 0, "warning  gpus: GPUS_PER_NODE=0, and n1 has 1, n2 has 1; fix: GPUS_PER_NODE=1"),
        ([], {"SBATCH_PARTITION": "none"}, 2, "error: this check: sbatch refuses it: "),
        ([], {"SETUP": ""}, 1, "error    nodes: none told anything: open-r1: command not found on n1; fix: let SETUP"),
        ([], {"NETWORK_INTERFACE": "none7"}, 1, "error    all-reduce: rank 0 on n1: "),
    ],
)
def test_what_is_wrong_with_a_site(place, words, site, code, expected, monkeypatch):
    monkeypatch.setitem(place.cluster.environment, "PATH", os.defpath)
    done = doctor(place, *words, **site)
    assert done.returncode == code and expected in done.stdout + done.stderr, done.stdout + done.stderr


@pytest.mark.slow
@pytest.mark.skipif(bool(missing()), reason=missing())
def test_a_job_that_does_not_start_is_cancelled(place, monkeypatch):
    monkeypatch.setenv("SLURM_CONF", place.cluster.environment["SLURM_CONF"])
    monkeypatch.chdir(place.root)
    job = queue.submit(["sbatch", "--parsable", "--job-name=doctor", "--hold", "--wrap", "true"], {}, "a job")
    try:
        assert site_check.follow(job, 0) == "has not started within 0 minutes (JobHeldUser)"
    finally:
        queue.cancel([job])
