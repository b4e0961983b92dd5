"""How a job ends after Slurm's signal, with programs named `srun` and `scontrol` that do as a step and Slurm would."""

import os
import socket
import subprocess
import sys

import pytest
from conftest import REPOSITORY

from open_r1.cluster.steps import ports

SRUN = """#!/bin/sh
case "$*" in *--overlap*) exit 0;; esac
{before}
kill -USR1 $PPID
sleep 1
exit 143
"""
SCONTROL = """#!/bin/sh
echo "$*" >> asked
case "$*" in *hostnames*) echo n1;; *node*) echo NodeName=n1 NodeAddr=127.0.0.1;; esac
"""


def write_program(file, text):
    file.parent.mkdir(exist_ok=True)
    file.write_text(text)
    file.chmod(0o755)


def run_job(folder, srun, *words):
    """Runs a job in a folder, whose steps are this program."""
    write_program(folder / "bin/srun", srun)
    write_program(folder / "bin/scontrol", SCONTROL)
    environment = {"SLURM_JOB_ID": "7", "SLURM_JOB_NODELIST": "n1", "GPUS_PER_NODE": "1"}
    environment |= {"PATH": f"{folder}/bin:{os.environ['PATH']}"}
    command = [sys.executable, "-m", "open_r1.cli", "job", *words]
    return subprocess.run(command, cwd=folder, env=os.environ | environment, capture_output=True, text=True)


@pytest.mark.parametrize(
    ("before", "code", "queued"),
    [('mkdir out && echo \'{"hash": "x"}\' > out/manifest.json', 0, False), ("", 75, True)],
    ids=["done when it came", "in the middle"],
)
def test_a_signal_queues_again_what_is_not_done(tmp_path, before, code, queued):
    done = run_job(tmp_path, SRUN.format(before=before), "mix", "--output_dir", "out")
    assert done.returncode == code, done.stdout + done.stderr
    assert ("requeue 7" in (tmp_path / "asked").read_text().splitlines()) == queued
    assert ("job: 7 is queued again" in done.stdout) == ("stopped: mix by a signal" in done.stderr) == queued


def test_a_stage_that_ends_without_its_result_fails_the_job(tmp_path):
    """Else what needs it would start."""
    done = run_job(tmp_path, "#!/bin/sh\necho look at the page first\n", "mix", "--output_dir", "out")
    assert done.returncode == 2 and "error: mix is not complete yet: look at the page first\n" in done.stderr


def test_a_port_in_use_is_one_line(tmp_path):
    for name in ("recipes", "with.yaml"):
        (tmp_path / name).symlink_to(REPOSITORY / ("recipes" if name == "recipes" else "recipes/hardware/8x80gb.yaml"))
    with socket.socket() as taken:
        taken.bind(("", ports(7)[0]))
        taken.listen()
        done = run_job(
            tmp_path, "#!/bin/sh\n", "sft", "--config", "recipes/Qwen2.5-7B/sft.yaml", "--with", "with.yaml"
        )
    assert done.returncode == 2 and len(done.stderr.splitlines()) == 2
    assert done.stderr.startswith(f"error: port {ports(7)[0]} of this node, where the ranks meet: ")
