"""Why a step has ended, and whether a stage moves."""

import pytest

from open_r1.cluster import watch
from open_r1.cluster.srun import reason
from open_r1.cluster.watch import Pulse, stall_minutes
from open_r1.core.errors import SlurmError

FAILED = "torch.distributed.elastic.multiprocessing.errors.ChildFailedError:"
CASES = {
    "our own line, before what follows from it": (
        ["error: the disk is full", "fix: free space", "ValueError: x", FAILED, "exitcode  : 2 (pid: 7)"],
        143,
        (2, "the disk is full"),
    ),
    "a rank that the kernel killed": (
        [FAILED, "exitcode  : -9 (pid: 7)", "srun: error: n1: task 0: Exited with exit code 1"],
        1,
        (137, "a process was killed (SIGKILL), as the kernel does when a node is out of memory"),
    ),
    "a step that Slurm saw run out of memory": (
        ["step 3", "srun: error: n1: task 0: Out Of Memory"],
        1,
        (1, "out of memory: a node's was full, and the kernel killed a process"),
    ),
    "a GPU that was full": (
        ["torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2 GiB", FAILED, "exitcode  : 1 (pid: 7)"],
        1,
        (1, "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2 GiB"),
    ),
    "a task alone that was killed": (
        ["srun: error: n1: task 0: Killed"],
        137,
        (137, "a process was killed (SIGKILL), as the kernel does when a node is out of memory"),
    ),
    "an exception of a rank": (
        ["[rank1]: RuntimeError: NCCL", FAILED, "exitcode  : 1 (pid: 7)", "===="],
        1,
        (1, "[rank1]: RuntimeError: NCCL"),
    ),
    "the last line of a server": (["loading", "no such model", "srun: error: n2"], 3, (3, "no such model")),
    "nothing": ([], 1, (1, "no output")),
}


@pytest.mark.parametrize("name", CASES)
def test_the_reason_of_an_end(name):
    lines, code, found = CASES[name]
    assert reason(lines, code) == found


def test_a_stage_stands_still_when_its_note_does(tmp_path, monkeypatch):
    now = [0.0]
    monkeypatch.setattr(watch.time, "monotonic", lambda: now[0])
    note = tmp_path / "progress.json"
    trains, other = Pulse(note, 2, True), Pulse(note, 2, False)
    now[0] = 121
    assert trains.gone() and not other.gone()  # not every stage leaves notes
    note.write_text('{"done": 1}')
    assert not trains.gone() and not other.gone()
    now[0] = 241
    assert not trains.gone()
    now[0] = 242
    assert trains.gone() and other.gone()
    note.write_text('{"done": 2}')
    assert not trains.gone() and not other.gone()


def test_the_site_says_how_long_a_stage_may_stand_still():
    assert stall_minutes({}) == stall_minutes({"STALL_MINUTES": ""}) == 180
    assert stall_minutes({"STALL_MINUTES": "2.5"}) == 2.5
    with pytest.raises(SlurmError, match="`STALL_MINUTES=soon` is no number"):
        stall_minutes({"STALL_MINUTES": "soon"})
