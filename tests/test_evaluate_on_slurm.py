"""
Evaluations in Slurm jobs, on a real cluster of two nodes: the numbers of one process, whatever is cancelled or killed.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import yaml
from benchmark_answers import MODEL, PLAN, Answering, local_file, problems_of
from conftest import REPOSITORY
from faulty import FAULTY
from servers import serving
from slurm_cluster import Cluster, missing

from open_r1.core.rows import name_of
from open_r1.core.submitted import queued
from open_r1.sampling.store import read_stores

pytest.importorskip("datatrove")
pytestmark = [pytest.mark.slow, pytest.mark.skipif(bool(missing()), reason=missing())]
MODELS = (MODEL, "other")
SLURM = {"time": "00:20:00", "partition": "main", "cpus_per_task": 1, "mem_per_cpu_gb": 2}


class TwoModels(Answering):
    """A server of two models, which answers nothing while its gate is closed and so many requests have come."""

    def __init__(self, *files):
        super().__init__(*files)
        self.gate, self.most = threading.Event(), 0
        self.gate.set()

    def reply(self, handler):
        if not hasattr(handler, "body"):
            return handler.answer(200, json.dumps({"data": [{"id": model} for model in MODELS]}).encode())
        if len(self.asked) > self.most:
            self.gate.wait()
        super().reply(handler)


class Evaluation:
    """Runs `open-r1 evaluate` where a cluster is, with two benchmarks."""

    def __init__(self, folder: Path, cluster: Cluster):
        self.folder, self.cluster = folder, cluster
        self.files = [local_file(folder, name) for name in ("aime24", "math_500")]

    def run(self, out: str, code: int = 0, *words: str, **values) -> str:
        """What it prints."""
        recipe = {"datasets": [f"benchmark:{file}" for file in self.files], "engine": "server"}
        recipe |= {"num_samples": len(PLAN), "concurrency": 1, "output_dir": str(self.folder / out)}
        file = self.folder / f"{out}.yaml"
        file.write_text(yaml.safe_dump(recipe | values))
        command = [sys.executable, "-m", "open_r1.evaluate", "--config", str(file), *words]
        environment = self.cluster.environment | {"SBATCH_PARTITION": "nowhere"}  # a site's; the recipe has its own
        done = subprocess.run(command, cwd=REPOSITORY, env=environment, capture_output=True, text=True)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout if not code else done.stderr

    def wait(self) -> None:
        """Until no job is left."""
        self.cluster.wait(lambda: not self.cluster.run("squeue", "-h"))

    def rows(self, out: str, model: str) -> list[dict]:
        return sorted(read_stores(self.folder / out / model), key=lambda row: (row["dataset"], name_of(row)))

    def metrics(self, out: str, model: str) -> dict:
        """Without the seconds of drawing."""
        found = json.loads((self.folder / out / model / "metrics.json").read_text())
        for row in (found, *found["by_dataset"].values()):
            assert row.pop("seconds") > 0
        return found


@pytest.fixture
def evaluation(tmp_path):
    cluster = Cluster(tmp_path / "slurm", cpus=4)
    cluster.start()
    yield Evaluation(tmp_path, cluster)
    cluster.stop()


@pytest.fixture
def server(evaluation):
    with serving(TwoModels(*evaluation.files)) as server:
        try:
            yield server
        finally:
            server.gate.set()


def tasks_of(cluster: Cluster, place: str) -> list[int]:
    """Processes of tasks that write below a place."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it has ended
            words = (entry / "cmdline").read_text() if cluster.owns(entry) else ""
            if "python" in words.partition("\0")[0] and "launch_pickled_pipeline" in words and place in words:
                found.append(int(entry.name))
    return found


def kill_between(evaluation: Evaluation, recipe: dict) -> list[str]:
    """The jobs of an evaluation after what a kill leaves: no note of them, and then no last one, which is mended."""
    note, squeue = evaluation.folder / "many/tasks/jobs", evaluation.cluster.run
    *arrays, last = note.read_text().split()
    assert set(squeue("squeue", "-h", "-o", "%F").split()) == {*arrays, last}  # and none for figures of each
    refused = evaluation.run("many", 2, "--force", **recipe)
    assert f"its jobs are still with Slurm: {arrays[0]}, " in refused and f"{last}` first, or wait" in refused
    note.unlink()
    assert f"still with Slurm: {last} is the last" in evaluation.run("many", **recipe)
    (name,) = squeue("squeue", "-h", "-o", "%j", "-j", last).split()
    squeue("scancel", f"--name={name}")
    evaluation.cluster.wait(lambda: not squeue("squeue", "-h", f"--name={name}"))
    assert "8 tasks are with Slurm" in evaluation.run("many", **recipe)
    assert set(arrays) < set(note.read_text().split())
    assert len(squeue("squeue", "-h", "-t", "R", "-o", "%A").split()) == 8
    return arrays


def test_two_models_and_two_benchmarks_in_jobs_that_are_cancelled_and_killed(evaluation, server):
    cluster, many = evaluation.cluster, {"models": list(MODELS), "url": server.url}
    evaluation.run("alone", **many)
    many["executor"] = {"kind": "slurm", "tasks": 2, "slurm": SLURM}
    wrong = evaluation.run("many", 2, **many | {"executor": {"kind": "slurm", "slurm": {"partition": "nowhere"}}})
    assert "error: sbatch refuses the tasks" in wrong and "fix: " in wrong and "Traceback" not in wrong
    server.requests.clear()
    server.gate.clear()
    assert "8 tasks are with Slurm" in evaluation.run("many", **many)
    cluster.wait(lambda: len(server.asked) == 8)  # each task waits for its first reply
    jobs = kill_between(evaluation, many)
    cancelled, killed = "many/tasks/fake/aime24", "many/tasks/other/math_500"
    cluster.run("scancel", f"{jobs[0]}_0")
    os.kill(tasks_of(cluster, killed)[0], signal.SIGKILL)
    cluster.wait(lambda: len(tasks_of(cluster, cancelled)) == len(tasks_of(cluster, killed)) == 1)
    server.gate.set()
    evaluation.wait()
    assert not (evaluation.folder / "many/manifest.json").exists()
    said = evaluation.run("many", **many)
    assert "CANCELLED" in said and "task 0: Killed" in said and said.count("failed before: ") == 2, said
    evaluation.wait()
    for model in MODELS:
        assert evaluation.rows("many", model) == evaluation.rows("alone", model)
        assert evaluation.metrics("many", model) == evaluation.metrics("alone", model)
    drawn = len(MODELS) * len(PLAN) * sum(len(problems_of(file)) for file in evaluation.files)
    assert len(server.asked) == drawn + 2  # what the two tasks waited for


def test_each_task_with_a_server_of_its_own(evaluation, faulty, monkeypatch):
    url, _ = faulty(0.0)
    evaluation.run("alone", models=[MODEL], url=url)
    own = {"server": "custom", "server_args": {"server_script": str(FAULTY)}, "context": 4096}
    evaluation.run("own", models=[MODEL], executor={"kind": "slurm", "tasks": 1, "slurm": SLURM, **own})
    evaluation.wait()
    with monkeypatch.context() as patch:
        for name, value in evaluation.cluster.environment.items():
            patch.setenv(name, value)
        assert queued("--jobs=999999") == []  # a number that Slurm has forgotten
    assert evaluation.rows("own", MODEL) == evaluation.rows("alone", MODEL)
    assert evaluation.metrics("own", MODEL) == evaluation.metrics("alone", MODEL)
