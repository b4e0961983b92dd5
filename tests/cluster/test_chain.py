"""Pipelines as chains of jobs, on a real Slurm of two nodes: what is submitted, and what is said of it."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from conftest import REPOSITORY
from faulty import write_recipe
from slurm_cluster import Cluster, missing

from open_r1.cluster.chain import cancel_chain
from open_r1.core.locks import Lock
from open_r1.core.pipeline_stage import Stage
from open_r1.core.yaml_files import read_yaml

pytestmark = [pytest.mark.slow, pytest.mark.skipif(bool(missing()), reason=missing())]

# Each checks some rows; `fails` lacks a file at first, and `last` needs it.
STAGES = {"first": [], "fails": ["first"], "last": ["fails"], "beside": ["first"]}
ROW = {"prompt": "What is two and two?", "answer": "four"}


class Site:
    """A folder as a user's clone is, on a cluster of its own, with a pipeline of small stages."""

    def __init__(self, folder: Path):
        self.folder, self.root = folder / "clone", folder / "clone/data/small"
        self.folder.mkdir()
        shutil.copytree(REPOSITORY / "slurm", self.folder / "slurm")
        (self.folder / "recipes").symlink_to(REPOSITORY / "recipes")
        (self.folder / "slurm/site.env").write_text("SBATCH_PARTITION=main\nGPUS_PER_NODE=0\n")
        self.cluster = Cluster(folder / "slurm")
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
        self.cluster.environment |= {"PATH": path, "OMP_NUM_THREADS": "1"}
        self.cluster.start()

    def write_small(self) -> str:
        """The small pipeline."""
        for name, needs in STAGES.items():
            sources = [f"${{root}}/{other}/data.parquet" for other in needs] or ["mini:chain"]
            sources += ["extra.jsonl"] if name == "fails" else []
            data = [{"path": source, **({"limit": 4} if ":" in source else {})} for source in sources]
            against = [{"path": "mini:chain", "split": "test", "limit": 1}]
            recipe = {"root": "", "output_dir": f"${{root}}/{name}", "datasets": data, "against": against, "size": 0}
            (self.folder / f"{name}.yaml").write_text(yaml.safe_dump(recipe))
        stages = [{"name": name, "run": "decontaminate"} for name in STAGES]
        (self.folder / "small.yaml").write_text(yaml.safe_dump({"root": "data/small", "stages": stages}))
        return "small.yaml"

    def call(self, *words, code: int = 0) -> list[str]:
        """Runs `open-r1`; returns the lines that it prints, of both kinds."""
        command = [sys.executable, "-m", "open_r1.cli", *map(str, words)]
        environment = self.cluster.environment
        done = subprocess.run(command, cwd=self.folder, env=environment, capture_output=True, text=True)
        assert done.returncode == code, done.stdout + done.stderr
        return (done.stdout + done.stderr).splitlines()

    def submitted(self, *words) -> list[str]:
        """The stages that a run submits."""
        lines = [line.split() for line in self.call("run", *words, "--slurm")]
        return [words[0].rstrip(":") for words in lines if words[1] == "job" and len(words) == 3]

    def states(self, *words) -> dict[str, str]:
        """The states in the table of `status`."""
        return {line.split()[0]: line.split()[1] for line in self.call("status", *words)[1:]}

    def wait(self) -> None:
        """Until no job is left; each has the patience of a test for itself."""
        queued = lambda: len(self.cluster.run("squeue", "-h", "-o", "%i").split())
        while before := queued():
            self.cluster.wait(lambda before=before: queued() < before)

    def hold(self, state: str) -> None:
        """Lets no job start (`DOWN`), or lets them (`UP`)."""
        self.cluster.run("scontrol", "update", "PartitionName=main", f"State={state}")


@pytest.fixture
def site(tmp_path):
    site = Site(tmp_path)
    yield site
    site.cluster.stop()


def test_the_mini_pipeline_runs_from_one_command_to_its_report_and_then_submits_nothing(site):
    words = ["recipes/mini/pipeline.yaml", "--smoke", "--root", "data/mini"]
    names = [entry["name"] for entry in read_yaml(REPOSITORY / words[0])["stages"]]
    assert site.submitted(*words) == names
    site.wait()
    table = site.call("status", *words)
    assert [line.split()[:2] for line in table[1:]] == [[name, "complete"] for name in names], table
    assert "zero" in json.loads((site.folder / "data/mini/report/results.json").read_text())["stages"]
    assert site.submitted(*words) == []


def test_a_failed_stage_cancels_what_needs_it_and_is_made_good_by_the_same_command(site):
    small = site.write_small()
    assert site.submitted(small) == list(STAGES)
    site.wait()
    table = site.call("status", small)
    states = {line.split()[0]: line.split()[1] for line in table[1:]}
    assert states == {"first": "complete", "fails": "failed", "last": "cancelled", "beside": "complete"}, table
    line = next(line for line in table if line.startswith("fails"))
    log, number, words = line.partition("data/small/logs/")[2].split(":", 2)
    said = (site.root / "logs" / log).read_text().splitlines()[int(number) - 1]
    assert log == "fails.log" and said.strip() == words.strip() and "extra.jsonl" in said
    assert "a stage that it needs was not done" in next(line for line in table if line.startswith("last"))
    (site.folder / "extra.jsonl").write_text(json.dumps(ROW))
    assert site.submitted(small) == ["fails", "last"]
    site.wait()
    assert set(site.states(small).values()) == {"complete"}
    assert site.submitted(small) == []
    assert site.submitted(small, "--force", "fails") == ["fails", "last"]


def test_what_is_queued_is_not_submitted_twice_and_can_be_cancelled(site):
    small = site.write_small()
    site.hold("DOWN")
    assert site.submitted(small, "--to", "last") == ["first", "fails", "last"]
    lock = Lock(site.root / "logs/.chain", "")  # another command is submitting
    assert "jobs of data/small is being written by another process" in site.call("run", small, "--slurm", code=2)[0]
    lock.release()
    assert site.submitted(small) == ["beside"]
    assert "is with Slurm" in site.call("run", small, "--slurm", "--force", "last", code=2)[0]
    lines = [line.split() for line in site.cluster.run("squeue", "-h", "-o", "%j %E %i").splitlines()]
    after, number = {name: job for name, job, _ in lines}, {name: job for name, _, job in lines}
    first, fails = (f"afterok:{number[f'small-{name}']}(unfulfilled)" for name in ("first", "fails"))
    assert after == {"small-first": "(null)", "small-fails": first, "small-last": fails, "small-beside": first}
    table = site.call("status", small)
    assert set(site.states(small).values()) == {"pending"} and "PartitionDown" in table[1], table
    assert site.call("cancel", small, "fails") != ["no job of this pipeline is with Slurm"]
    site.cluster.wait(lambda: site.states(small)["last"] == "cancelled")
    assert site.states(small) == {"first": "pending", "fails": "cancelled", "last": "cancelled", "beside": "pending"}
    site.call("cancel", small)
    assert site.call("cancel", small) == ["no job of this pipeline is with Slurm"]
    assert site.call("run", small, "--slurm", "--only", "last", code=2)[0].startswith("error: stage last needs")
    assert not (site.root / "first").exists()


def test_a_stage_with_jobs_of_its_own_is_waited_for(site, faulty):
    """Its job holds no node while they run: on these two nodes of one core their tasks could not run beside it."""
    pytest.importorskip("datatrove")
    url, _ = faulty(0.0)
    executor = {"kind": "slurm", "tasks": 2, "slurm": {"partition": "main", "cpus_per_task": 1, "mem_per_cpu_gb": 2}}
    write_recipe(site.folder, 6, url=url, executor=executor, output_dir="${root}/samples")
    kept = {"samples": "${root}/samples", "output_dir": "${root}/kept", "decontaminate": False, "filters": []}
    (site.folder / "kept.yaml").write_text(yaml.safe_dump(kept))
    stages = [{"name": "samples", "run": "generate", "recipe": "recipe.yaml"}, {"name": "kept", "run": "curate"}]
    (site.folder / "p.yaml").write_text(yaml.safe_dump({"root": "data/small", "stages": stages}))
    assert site.submitted("p.yaml") == ["samples", "kept"]
    log = site.root / "logs/samples.log"
    site.cluster.wait(lambda: log.exists() and "2 tasks are with Slurm" in log.read_text())
    assert site.submitted("p.yaml") == []
    site.wait()
    assert log.read_text().rstrip().endswith("is complete")  # its second life
    assert site.states("p.yaml") == {"samples": "complete", "kept": "complete"}, site.call("status", "p.yaml")


def test_cancel_reaches_the_jobs_that_a_stage_has_submitted(site, monkeypatch):
    monkeypatch.setenv("SLURM_CONF", site.cluster.environment["SLURM_CONF"])
    stages = []
    for name, command, own, place in (
        ("samples", "generate", {"executor": {"kind": "slurm"}}, "samples"),
        ("zero", "grpo", {"benchmarks": ["aime24"]}, "zero/evaluations/step-000002"),
    ):
        number = site.cluster.run("sbatch", "--parsable", "--hold", "--wrap=true").strip()
        (site.root / place / "tasks").mkdir(parents=True)
        (site.root / place / "tasks/jobs").write_text(f"None {number}")
        recipe = {"output_dir": str(site.root / name), **own}
        stages.append(Stage(name, command, [], recipe, site.root / f"logs/{name}.log"))
    cancel_chain(stages)
    site.wait()


def test_dry_run_prints_the_commands_and_submits_nothing(site):
    lines = site.call("run", site.write_small(), "--slurm", "--dry-run")
    expected = [
        f"sbatch --parsable --job-name=small-{name} --nodes=1 --output={site.root}/logs/{name}.log "
        f"--kill-on-invalid-dep=yes {after}slurm/evaluate.slurm decontaminate --config {name}.yaml "
        "--root data/small --seed 0"
        for name, needs in STAGES.items()
        for after in ["".join(f"'--dependency=afterok:<job of {other}>' " for other in needs)]
    ]
    assert lines == expected
    assert not site.root.exists() and not site.cluster.run("squeue", "-h")
