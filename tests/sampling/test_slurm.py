"""Slurm jobs on a real cluster of two nodes on this machine."""

import subprocess
import sys
import time

import pytest
from conftest import REPOSITORY
from faulty import check_rows, write_recipe
from slurm_cluster import Cluster, missing

pytestmark = [pytest.mark.slow, pytest.mark.skipif(bool(missing()), reason=missing())]


@pytest.fixture
def cluster(tmp_path):
    cluster = Cluster(tmp_path / "slurm")
    cluster.start()
    yield cluster
    cluster.stop()


def test_generation_on_two_nodes_outlives_one_of_them(tmp_path, cluster, faulty):
    pytest.importorskip("datatrove")
    url, log = faulty(0.1, delay=0.2)
    slurm = {"time": "00:20:00", "partition": "main", "cpus_per_task": 1, "mem_per_cpu_gb": 2}
    executor = {"kind": "slurm", "tasks": 4, "chunk": 3, "slurm": slurm}
    recipe = write_recipe(tmp_path, 60, url=url, timeout=2.0, concurrency=2, executor=executor)
    command = [sys.executable, "-m", "open_r1.generate", "--config", str(recipe)]
    submitted = subprocess.run(command, cwd=REPOSITORY, env=cluster.environment, capture_output=True, text=True)
    assert submitted.returncode == 0 and "4 tasks are with Slurm" in submitted.stdout, submitted.stderr
    answered = lambda: len(log.read_text().splitlines()) if log.exists() else 0
    cluster.wait(lambda: answered() > 60)
    running = cluster.run("squeue", "-h", "-t", "R", "-o", "%N")
    assert set(running.split()) == {"n1", "n2"}
    cluster.kill_node("n2")
    cluster.wait(lambda: "n2 down" in cluster.run("sinfo", "-N", "-h", "-o", "%N %T"))
    time.sleep(1)
    cluster.start_node("n2")
    cluster.wait(lambda: (tmp_path / "out" / "manifest.json").exists())
    check_rows(tmp_path, 60)
