"""The scripts of `slurm/`: they help, refuse to run without a site, and hold nothing of one."""

import subprocess
import sys
from pathlib import Path

import pytest
from conftest import REPOSITORY

from open_r1.core.commands import COMMANDS

SCRIPTS = sorted((REPOSITORY / "slurm").glob("*.slurm"))
EXAMPLE = REPOSITORY / "slurm/site.env.example"


def run(*command, folder=REPOSITORY):
    return subprocess.run(list(map(str, command)), cwd=folder, capture_output=True, text=True)


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.name)
def test_help(script):
    done = run("bash", script, "--help")
    assert done.returncode == 0 and "sbatch" in done.stdout and f"slurm/{script.name}" in done.stdout
    assert "#SBATCH" not in done.stdout and "shellcheck" not in done.stdout


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.name)
def test_without_a_site_it_says_what_to_do(script, tmp_path):
    done = run("bash", script, "sft", folder=tmp_path)
    assert done.returncode == 2 and done.stderr.count("\n") == 2
    assert "error: slurm/site.env: no such file" in done.stderr and "cp slurm/site.env.example" in done.stderr


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.name)
def test_shellcheck_finds_nothing(script):
    done = run(Path(sys.executable).with_name("shellcheck"), script)
    assert done.returncode == 0, done.stdout


def test_the_trainings_that_the_help_names_are_all():
    text = run("bash", REPOSITORY / "slurm/train.slurm", "--help").stdout
    assert all(name in text for name, command in COMMANDS.items() if command.trains)


def test_the_example_is_what_bash_reads():
    """Every key has a comment, and the file can be sourced as it is."""
    done = run("bash", "-euc", f"set -a; . {EXAMPLE}; env")
    assert done.returncode == 0 and "GPUS_PER_NODE=8\n" in done.stdout
    blocks = EXAMPLE.read_text().split("\n\n")
    assert all(block.startswith("#") for block in blocks)
