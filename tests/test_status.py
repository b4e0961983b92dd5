"""`open-r1 status` and `open-r1 cancel` of a pipeline that runs here, and what stands in the way of `run --slurm`."""

import os
import sys

import pytest
import yaml
from conftest import REPOSITORY

from open_r1 import cancel, pipeline, status
from open_r1.core.artifacts import Artifact
from open_r1.core.pipelines import read_pipeline

SITE = "SBATCH_PARTITION=gpu\nGPUS_PER_NODE=8\n"


@pytest.fixture
def small(tmp_path, monkeypatch):
    """A folder with a pipeline of two stages, and no program but Python."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", os.path.dirname(sys.executable))
    for name in ("a", "b"):
        (tmp_path / f"{name}.yaml").write_text(yaml.safe_dump({"output_dir": f"${{root}}/{name}"}))
    (tmp_path / "p.yaml").write_text("root: r\nstages: [{name: a, run: mix}, {name: b, run: sft}]\n")
    (tmp_path / "slurm").symlink_to(REPOSITORY / "slurm")
    return tmp_path


def test_status_of_a_run_on_this_machine_asks_no_slurm(small, capsys):
    (first, *_), *_ = read_pipeline(small / "p.yaml", {})
    artifact = Artifact(first.recipe, first.keys)
    artifact.claim()
    artifact.finish()
    status.main(["p.yaml"])
    assert capsys.readouterr().out.splitlines() == ["stage  state", "a      complete", "b      to do"]
    status.main(["p.yaml", "--only", "b", "--root", "other"])
    assert capsys.readouterr().out.splitlines() == ["stage  state", "b      to do"]


def test_cancel_without_jobs_says_so(small, capsys):
    cancel.main(["p.yaml"])
    assert capsys.readouterr().out == "no job of this pipeline is with Slurm\n"


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["p.yaml", "a"], ["p.yaml", "--only", "a"]),
        (["--root", "r", "p.yaml", "a", "--smoke"], ["--root", "r", "p.yaml", "--only", "a", "--smoke"]),
        (["p.yaml", "--root", "r"], ["p.yaml", "--root", "r"]),
        (["p.yaml"], ["p.yaml"]),
    ],
)
def test_the_word_behind_a_pipeline_is_a_stage(words, expected):
    assert cancel.with_only(words) == expected


@pytest.mark.parametrize(
    ("main", "site", "slurm", "message"),
    [
        (pipeline.main, None, {"sft": {"gpus": 8}}, "slurm/site.env: no such file"),
        (pipeline.main, "SBATCH_PARTITION=gpu\n", {"sft": {"gpus": 8}}, "slurm/site.env: lacks `GPUS_PER_NODE`"),
        (pipeline.main, SITE, {"sft": {"gpus": 16}}, "p.yaml, stage b, `slurm`: `gpus: 16`, and a node has 8"),
        (pipeline.main, SITE, {}, "p.yaml, stage b, `slurm`: on how many GPUs `sft` runs is not said"),
        (pipeline.main, SITE, {"sft": {"gpus": 8}}, "sbatch: there is no Slurm here"),
        (cancel.main, SITE, {}, "squeue: there is no Slurm here"),
        (status.main, SITE, {}, "squeue: there is no Slurm here"),
    ],
)
def test_what_slurm_lacks_is_one_line_with_its_fix(small, capsys, main, site, slurm, message):
    (small / "slurm").unlink()
    (small / "slurm").mkdir()
    for name in ("train", "evaluate"):
        (small / f"slurm/{name}.slurm").write_text("#!/bin/bash\n")
    if site:
        (small / "slurm/site.env").write_text(site)
    (small / "p.yaml").write_text((small / "p.yaml").read_text() + yaml.safe_dump({"slurm": slurm}))
    if main is not pipeline.main:
        (small / "r/logs").mkdir(parents=True)
        (small / "r/logs/.chain").touch()
    with pytest.raises(SystemExit) as caught:
        main(["p.yaml", *(["--slurm"] if main is pipeline.main else [])])
    first, fix, *rest = capsys.readouterr().err.splitlines()
    assert caught.value.code == 2 and first.startswith(f"error: {message}") and fix.startswith("  fix: ") and not rest
