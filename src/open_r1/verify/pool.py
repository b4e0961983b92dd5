"""Runs a function on many inputs in worker processes with a hard time limit each.

Why no library: signals and threads do not stop a computer algebra system inside one big-integer power, only the end of
its process does; and pools on `multiprocessing` import the user's main script again in every worker (here, the
training stack) and break in scripts without a `__main__` guard. A worker (`worker.py`) is a plain subprocess that
keeps a warm copy of itself.

Safe from any thread. Workers start when first needed, are shared by all callers, and end with this process, however it
ends.
"""

import atexit
import functools
import json
import os
import queue
import select
import signal
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

from ..core.processes import available_cores

START_LIMIT = 120.0  # seconds for a worker's first imports on a busy machine
CHUNK = 8  # items sent to a worker at once
# no tokens
KEPT = ("PATH", "HOME", "LANG", "LC_ALL", "PYTHONPATH", "LD_LIBRARY_PATH", "TMPDIR", "SYSTEMROOT", "VIRTUAL_ENV")


class Result(NamedTuple):
    """
    What became of one item.

    Attributes:
        state (`str`): `done`, `timeout` or `error`.
        value (`Any`): What the function returned, or a note.
    """

    state: str
    value: Any


class Worker:
    """One worker process, used by one thread at a time."""

    def __init__(self, function: str):
        environment = {key: os.environ[key] for key in KEPT if key in os.environ} | {"OMP_NUM_THREADS": "1"}
        command = [sys.executable, "-m", "open_r1.verify.worker", function]
        self.errors = tempfile.TemporaryFile()  # noqa: SIM115  lives as long as the worker
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": self.errors}
        self.process = subprocess.Popen(command, **pipes, env=environment, start_new_session=True)
        self.buffer, self.fresh = b"", True

    def read(self, limit: float) -> dict[str, Any] | None:
        """The next message, `None` after `limit` seconds without one."""
        until = time.monotonic() + limit
        poll = select.poll()
        poll.register(self.process.stdout, select.POLLIN)
        while b"\n" not in self.buffer:
            if not poll.poll(max(0.0, until - time.monotonic()) * 1000):
                return None
            data = os.read(self.process.stdout.fileno(), 65536)
            if not data:
                raise BrokenPipeError(self.last_words())
            self.buffer += data
        line, self.buffer = self.buffer.split(b"\n", 1)
        return json.loads(line)

    def run(self, items: list[list], limit: float) -> list[Result]:
        """Results of the items, in order; what exceeds the limit is killed and the rest goes on."""
        if self.fresh and self.read(START_LIMIT) is None:
            raise BrokenPipeError("the worker does not start")
        self.fresh = False
        results: list[Result] = []
        while len(results) < len(items):
            self.process.stdin.write(json.dumps(items[len(results) :]).encode() + b"\n")
            self.process.stdin.flush()
            while len(results) < len(items):
                message = self.read(limit)
                if message is None:
                    self.end_child()
                    results.append(Result("timeout", f"exceeded {limit:g} s"))
                    break
                if "died" in message:
                    results.append(Result("error", f"the worker died with exit code {message['died']}"))
                    break
                results.append(
                    Result("error", message["error"]) if "error" in message else Result("done", message["value"])
                )
        return results

    def end_child(self) -> None:
        """Kills the child that hangs and waits until its successor can be served."""
        self.process.send_signal(signal.SIGUSR1)
        while "died" not in (message := self.read(START_LIMIT) or {"died": None}):
            pass
        if message["died"] is None:
            raise BrokenPipeError("the worker does not react")

    def last_words(self) -> str:
        """The last line of what the worker printed on stderr."""
        self.errors.seek(max(0, os.fstat(self.errors.fileno()).st_size - 4000))
        return (self.errors.read().decode("utf-8", "replace").strip().splitlines() or ["the worker has ended"])[-1]

    def close(self) -> None:
        """Ends the process; the child follows."""
        self.errors.close()
        self.process.stdin.close()
        self.process.stdout.close()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class Pool:
    """
    Workers for one function.

    Args:
        function (`str`):
            `module:function`. Its module may have a `preload` function, called once per worker. Arguments and results
            are JSON.
        size (`int`, *optional*):
            Number of workers, by default the number of cores this process may use.
    """

    def __init__(self, function: str, size: int | None = None):
        self.function, self.size = function, size or available_cores()
        self.idle: queue.LifoQueue[Worker | None] = queue.LifoQueue()
        for _ in range(self.size):
            self.idle.put(None)  # started when first needed
        # one per worker: callers are served in turn
        self.threads = ThreadPoolExecutor(self.size, thread_name_prefix="verify")
        atexit.register(self.close)

    def run(self, items: list[list], limit: float) -> list[Result]:
        """
        Calls the function on each argument list.

        Args:
            items (`list[list]`):
                Argument lists.
            limit (`float`):
                Seconds for each.

        Returns:
            `list[Result]`: one per item, in order.
        """
        size = min(CHUNK, max(1, -(-len(items) // (2 * self.size))))
        chunks = [items[start : start + size] for start in range(0, len(items), size)]
        return [
            result
            for results in self.threads.map(lambda chunk: self.run_chunk(chunk, limit), chunks)
            for result in results
        ]

    def run_chunk(self, items: list[list], limit: float) -> list[Result]:
        """One chunk on the next free worker; a worker that broke is replaced, and the chunk tried once more."""
        for attempt in range(2):
            worker = self.idle.get()
            try:
                worker = worker or Worker(self.function)
                return worker.run(items, limit)
            except OSError as error:
                reason = worker.last_words() if worker else str(error)
                if worker:
                    worker.process.kill()
                    worker.process.wait()
                worker = None
                if attempt:
                    return [Result("error", f"worker: {reason}")] * len(items)
            except BaseException:  # such as Ctrl-C: its replies would answer the next call
                if worker:
                    worker.process.kill()
                worker = None
                raise
            finally:
                self.idle.put(worker)
        raise AssertionError("unreachable")

    def close(self) -> None:
        """Ends the workers that are idle; busy ones end with this process."""
        while not self.idle.empty():
            if worker := self.idle.get():
                worker.close()


@functools.cache
def make_pool(function: str) -> Pool:
    return Pool(function)


LOCK = threading.Lock()


def shared_pool(function: str) -> Pool:
    """The pool of this process for a function."""
    with LOCK:
        return make_pool(function)


def forget_pools() -> None:
    """A forked process must not talk to its parent's workers."""
    global LOCK
    LOCK = threading.Lock()
    make_pool.cache_clear()


os.register_at_fork(after_in_child=forget_pools)
