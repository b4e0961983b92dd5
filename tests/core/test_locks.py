"""One process writes to a directory, whatever the file system can lock, and one that is gone keeps nobody out."""

import errno
import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
import time

import pytest

from open_r1.core import locks
from open_r1.core.errors import ArtifactError
from open_r1.core.locks import Lock, who

WITHOUT = """
import errno, fcntl
def flock(*_): raise OSError(errno.ENOSYS, "none here")
if {without}: fcntl.flock = flock
"""
HOLD = """
import pathlib, sys, time
from open_r1.core.locks import Lock
lock = Lock(pathlib.Path(sys.argv[1]), "out")
print("held", flush=True)
time.sleep(1000)
"""
RACE = """
import pathlib, sys, time
from open_r1.core.errors import ArtifactError
from open_r1.core.locks import Lock
place = pathlib.Path(sys.argv[1])
while not (place.parent / "go").exists():
    time.sleep(0.001)
try:
    lock = Lock(place, "out")
    print("held", flush=True)
    sys.stdin.read()
except ArtifactError as error:
    print(error, flush=True)
"""


@pytest.fixture(params=[False, True], ids=["flock", "note"])
def without(request, monkeypatch):
    """Whether the file system has no locks."""
    if request.param:

        def flock(*_):
            raise OSError(errno.ENOLCK, "No locks available")

        monkeypatch.setattr(fcntl, "flock", flock)
    return request.param


def process(code, file, without):
    command = [sys.executable, "-c", WITHOUT.format(without=without) + code, str(file)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def test_a_second_process_is_kept_out_until_the_first_is_killed(tmp_path, without):
    other = process(HOLD, tmp_path / ".lock", without)
    assert other.stdout.readline() == "held\n"
    holder = f"process {other.pid} on {socket.gethostname()}" if without else "another process"
    with pytest.raises(ArtifactError, match=f"out is being written by {holder}"):
        Lock(tmp_path / ".lock", "out")
    other.send_signal(signal.SIGKILL)
    other.wait()
    Lock(tmp_path / ".lock", "out").release()
    assert {path.name for path in tmp_path.iterdir()} == {".lock"}


@pytest.mark.parametrize("dead_note", [False, True])
def test_of_many_at_once_one_wins(tmp_path, without, dead_note):
    if dead_note:  # which all of them want to take away
        gone = who() | {"pid": 2**22 + 1, "started": "1"}
        (tmp_path / ".lock-holder").write_text(json.dumps(gone))
    others = [process(RACE, tmp_path / ".lock", without) for _ in range(6)]
    (tmp_path / "go").touch()
    said = [other.stdout.readline() for other in others]
    for other in others:
        other.communicate()
    assert sorted(line.startswith("held") for line in said) == [False] * 5 + [True], said
    left = {path.name for path in tmp_path.iterdir()} - {".lock", "go"}
    assert left == ({".lock-holder"} if dead_note and not without else set())


@pytest.mark.parametrize(
    ("changes", "silence", "gone"),
    [
        ({}, 0, False),
        ({"started": "1"}, 0, True),  # its number is another process's now
        ({"pid": 2**22 + 1}, 0, True),
        ({"host": "n2"}, 0, False),
        ({"host": "n2"}, locks.SILENCE + 60, True),
        ({"host": "n2", "job": "7", "restarts": "0"}, 0, True),  # this very job, before it was requeued
        ({"host": "n2", "job": "7", "restarts": "1"}, 0, False),  # another node of it
        ({"host": "n2", "job": "8", "restarts": "0"}, 0, False),
    ],
)
def test_whose_note_is_dead(tmp_path, monkeypatch, changes, silence, gone):
    monkeypatch.setenv("SLURM_JOB_ID", "7")
    monkeypatch.setenv("SLURM_RESTART_COUNT", "1")
    note, holder = tmp_path / "note", who() | changes
    note.write_text(json.dumps(holder))
    os.utime(note, (time.time() - silence,) * 2)
    assert locks.dead(holder, note) == gone


def test_a_holder_is_heard(tmp_path, monkeypatch, without):
    monkeypatch.setattr(locks, "BEAT", 0.01)
    if not without:
        return
    lock = Lock(tmp_path / ".lock", "out")
    os.utime(lock.note, (0, 0))
    while lock.note.stat().st_mtime == 0:
        time.sleep(0.01)
    lock.release()
    assert not lock.note.exists()


def test_other_errors_of_the_file_system_are_not_hidden(tmp_path, monkeypatch):
    def flock(*_):
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(fcntl, "flock", flock)
    with pytest.raises(OSError, match="Input/output"):
        Lock(tmp_path / ".lock", "out")
