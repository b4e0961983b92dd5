"""How a job ends after Slurm's signal, with programs named `srun` and `scontrol` that do as a step and Slurm would."""

import os
import subprocess
import sys

import pytest

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


@pytest.mark.parametrize(
    ("before", "code", "queued"),
    [('mkdir out && echo \'{"hash": "x"}\' > out/manifest.json', 0, False), ("", 75, True)],
    ids=["done when it came", "in the middle"],
)
def test_a_signal_queues_again_what_is_not_done(tmp_path, before, code, queued):
    write_program(tmp_path / "bin/srun", SRUN.format(before=before))
    write_program(tmp_path / "bin/scontrol", SCONTROL)
    environment = {"SLURM_JOB_ID": "7", "SLURM_JOB_NODELIST": "n1", "GPUS_PER_NODE": "1"}
    environment |= {"PATH": f"{tmp_path}/bin:{os.environ['PATH']}"}
    command = [sys.executable, "-m", "open_r1.cli", "job", "mix", "--output_dir", "out"]
    done = subprocess.run(command, cwd=tmp_path, env=os.environ | environment, capture_output=True, text=True)
    assert done.returncode == code, done.stdout + done.stderr
    assert ("requeue 7" in (tmp_path / "asked").read_text().splitlines()) == queued
    assert ("job: 7 is queued again" in done.stdout) == ("stopped: mix by a signal" in done.stderr) == queued
