"""A request to stop: noticed whatever the process is doing, made once for signals that belong together."""

import os
import signal
import subprocess
import sys
from contextlib import contextmanager

import pytest
from waiting import PATIENCE

from open_r1.core import processes
from open_r1.core.processes import StopRequest

STUCK = """
import ctypes
from open_r1.core import processes
processes.SAME_REQUEST = {grouping}
mutex, libc = ctypes.create_string_buffer(64), ctypes.CDLL(None)
with processes.StopRequest():
    libc.pthread_mutex_lock(mutex)
    print("stuck", flush=True)
    libc.pthread_mutex_lock(mutex)  # for ever, in C, as in an all-reduce with a rank that is gone
"""
WATCHED = """
import os, signal, time
from open_r1.core.processes import StopRequest
with StopRequest() as request:
    child = os.fork()
    if not child:
        time.sleep(600)
    os.kill(child, signal.SIGTERM)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), request.made, flush=True)
    os.kill(os.getpid(), signal.SIGUSR1)
    while not request.made:
        time.sleep(0.01)
print(signal.getsignal(signal.SIGTERM) is signal.SIG_DFL, request.made)
"""


@contextmanager
def python(code: str):
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    yield process
    process.kill()
    process.communicate()


@pytest.mark.parametrize("second", [signal.SIGTERM, signal.SIGUSR1])
def test_a_second_request_ends_a_process_that_is_stuck_in_c(second):
    with python(STUCK.format(grouping=0.0)) as process:
        assert process.stdout.readline() == "stuck\n"
        process.send_signal(signal.SIGTERM)
        assert process.stdout.readline() == "SIGTERM: stops where it can continue\n" and process.poll() is None
        process.send_signal(second)
        assert process.wait(timeout=PATIENCE) == 128 + second


def test_signals_that_come_together_are_one_request():
    with python(STUCK.format(grouping=600.0)) as process:
        assert process.stdout.readline() == "stuck\n"
        for number in (signal.SIGTERM, signal.SIGUSR1, signal.SIGTERM):
            process.send_signal(number)
        assert process.stdout.readline().endswith(": stops where it can continue\n")
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(timeout=1)


def test_children_take_signals_as_usual_and_what_was_before_comes_back():
    result = subprocess.run([sys.executable, "-c", WATCHED], capture_output=True, text=True, timeout=PATIENCE)
    assert result.stdout == f"{-signal.SIGTERM} False\nSIGUSR1: stops where it can continue\nTrue True\n", (
        result.stderr
    )


def test_handlers_are_restored_after_an_error():
    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGUSR1)
    with pytest.raises(ValueError), StopRequest():
        assert signal.getsignal(signal.SIGTERM) != before[0]
        raise ValueError
    assert (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGUSR1)) == before
    assert signal.set_wakeup_fd(-1) == -1


@pytest.mark.parametrize(
    ("variables", "first", "count"), [({}, True, 1), ({"RANK": "1", "WORLD_SIZE": "2"}, False, 2)]
)
def test_a_process_knows_its_place_among_the_ranks(monkeypatch, variables, first, count):
    for name in ("RANK", "WORLD_SIZE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert processes.is_main_process() == first and processes.process_count() == count


def test_available_cores_are_those_this_process_may_use():
    assert 1 <= processes.available_cores() <= (os.cpu_count() or 1)


def test_peak_memory_is_this_process_own():
    held = bytearray(b"x") * (300 * 2**20)  # a child of `subprocess` begins in its parent's memory
    code = "from open_r1.core.processes import peak_memory; a = bytearray(b'x') * (100 * 2**20); print(peak_memory())"
    peak = int(subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True).stdout)
    assert 100 * 2**20 < peak < len(held)
