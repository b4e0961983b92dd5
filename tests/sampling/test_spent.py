"""What a drawing took: of one process, kills and all, and of many tasks together."""

import json

import pytest

from open_r1.sampling import spent
from open_r1.sampling.spent import SPENT, Clock, add_up, task_clock


@pytest.fixture
def clock(monkeypatch):
    """A clock that the test sets."""
    now = {"time": 0.0}
    monkeypatch.setattr(spent.time, "monotonic", lambda: now["time"])
    return lambda value: now.update(time=float(value))


def test_a_drawing_that_goes_on_counts_what_was_before(tmp_path, clock):
    told = []
    first = Clock(tmp_path / SPENT, 2, lambda *done, **figures: told.append((done, figures)))
    clock(9)
    first(1, 4, failed=0)
    clock(100)  # killed, and started again
    again = Clock(tmp_path / SPENT, 2)
    clock(109)
    again()
    assert json.loads((tmp_path / SPENT).read_text()) == {"seconds": 18.0, "gpu_hours": 0.01}
    assert told == [((1, 4), {"failed": 0})]


@pytest.mark.parametrize(("slurm", "more"), [({"gpus_per_task": 4}, {"gpu_hours": 0.06}), ({}, {})])
def test_tasks_add_up(tmp_path, clock, slurm, more):
    first, second = (task_clock(str(tmp_path / "tasks"), rank, {"slurm": slurm}) for rank in range(2))
    clock(18)
    first()
    clock(36)
    second()
    add_up(tmp_path / "tasks", tmp_path)
    assert json.loads((tmp_path / SPENT).read_text()) == {"seconds": 54.0} | more
