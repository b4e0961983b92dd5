"""The pool: every item gets its result, whatever its neighbours do to the worker, and no process is left behind."""

import asyncio
import json
import os
import queue
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import pytest
from waiting import PATIENCE

from open_r1.verify import pool as module
from open_r1.verify.pool import Pool

HERE = str(Path(__file__).parent)
LIMIT = 0.5


@pytest.fixture
def marked(tmp_path, monkeypatch):
    """A folder in the environment of every worker, by which `left_behind` finds them."""
    monkeypatch.setenv("PYTHONPATH", HERE)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    return str(tmp_path)


@pytest.fixture
def make(marked):
    """Makes pools and closes them."""
    made = []

    def make(function="pool_functions:behave", size=1):
        made.append(Pool(function, size))
        return made[-1]

    yield make
    for pool in made:
        pool.close()


@pytest.fixture
def pool(make):
    """One worker that has started, so that a limit is not the sum of itself and the start."""
    pool = make()
    assert pool.run([["double", 1]], PATIENCE) == [("done", 2)]
    return pool


def workers(mark):
    """Processes of the worker command that have this mark in their environment."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and b"open_r1.verify.worker" in (entry / "cmdline").read_bytes():
                found += [int(entry.name)] if mark.encode() in (entry / "environ").read_bytes() else []
        except OSError:  # it has ended
            continue
    return found


def left_behind(mark):
    """Workers that are still there after a while."""
    until = time.monotonic() + PATIENCE
    while (found := workers(mark)) and time.monotonic() < until:
        time.sleep(0.05)
    return found


def newest(pool):
    """The worker that the next call will get."""
    worker = pool.idle.get()
    pool.idle.put(worker)
    return worker


def states(results):
    return [result.state for result in results]


# ------------------------------------------------------------------------------------------------------- results


@pytest.mark.parametrize(("size", "count"), [(1, 1), (1, 2), (1, 40), (2, 3), (2, 100), (4, 7)])
def test_results_come_in_order(make, size, count):
    assert make(size=size).run([["double", i] for i in range(count)], PATIENCE) == [
        ("done", 2 * i) for i in range(count)
    ]


def test_nothing_to_do_is_no_work(make):
    pool = make()
    assert pool.run([], LIMIT) == [] or newest(pool) is None


@pytest.mark.parametrize("value", [None, True, 1.5, "ü\ud800\n\"'", [1, [2, {"a": None}]], {"key": [1]}, 10**30])
def test_json_values_come_back_as_they_went(pool, value):
    assert pool.run([["double", [value]]], PATIENCE) == [("done", [value, value])]


BAD = {
    "exception": (["fail", "missing key"], "error", "KeyError: 'missing key'"),
    "endless loop": (["loop", None], "timeout", "exceeded 0.5 s"),
    "one big power": (["power", 1], "timeout", "exceeded 0.5 s"),
    "os._exit": (["leave", 3], "error", "exit code 3"),
    "segmentation fault": (["crash", None], "error", f"exit code -{signal.SIGSEGV.value}"),
    "memory": (["allocate", 3 << 30], "error", "MemoryError"),
    "recursion": (["recurse", None], "error", "RecursionError"),
    "no JSON": (["object", 1], "error", "TypeError"),
    "long message": (["fail", "\U0001f600" * 5000], "error", "KeyError"),
    "missing argument": (["double"], "error", "TypeError"),
}
FINDINGS = [
    *[pytest.param(*case, id=name) for name, case in BAD.items()],
    pytest.param(["leave", 0], "error", "", id="os._exit(0)"),
    pytest.param(["exit", 0], "error", "", id="sys.exit(0)"),
    pytest.param(["exit", 5], "error", "5", id="sys.exit(5)"),
]


@pytest.mark.parametrize(("item", "state", "note"), FINDINGS)
def test_what_goes_wrong_costs_its_own_item_only(pool, item, state, note):
    results = pool.run(
        [["double", 1], ["double", 2], item, ["double", 4], ["double", 5], ["double", 6], ["double", 7]],
        LIMIT if state == "timeout" else PATIENCE,
    )
    assert states(results) == ["done", "done", state, "done", "done", "done", "done"]
    assert note in str(results[2].value) and [result.value for result in results if result.state == "done"] == [
        2,
        4,
        8,
        10,
        12,
        14,
    ]
    assert pool.run([["double", 8]], PATIENCE) == [("done", 16)]


def test_a_chunk_of_nothing_but_trouble_gets_a_result_each(make):
    pool = make(size=2)
    pool.run([["double", i] for i in range(8)], PATIENCE)
    items = [item for item, _, _ in BAD.values()] * 2
    assert states(pool.run(items, LIMIT)) == [state for _, state, _ in BAD.values()] * 2
    assert pool.run([["double", 8]], PATIENCE) == [("done", 16)]


def test_the_first_item_of_a_fresh_worker_has_no_more_time_than_others(make, monkeypatch):
    monkeypatch.setattr(module, "START_LIMIT", 10 * PATIENCE)
    assert states(make().run([["loop", None]], LIMIT)) == ["timeout"]


def test_what_a_function_prints_is_no_reply(pool):
    assert pool.run([["print", "true"], ["double", 1]], PATIENCE) == [("done", "true"), ("done", 2)]


def test_a_long_value_comes_whole_or_as_an_error(pool):
    (result,) = pool.run([["text", 5000]], PATIENCE)
    assert result.state == "error" or result == ("done", "a" * 5000)


def test_after_an_interrupted_call_the_next_gets_its_own_results(pool):
    def interrupt(*_):
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.2)
        with pytest.raises(KeyboardInterrupt):
            pool.run([["sleep", 1.0]], PATIENCE)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert pool.run([["double", 4], ["double", 5]], PATIENCE) == [("done", 8), ("done", 10)]


def test_workers_get_no_secrets(make, monkeypatch):
    for name in ("HF_TOKEN", "OPENAI_API_KEY", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "secret")
    names = ["HF_TOKEN", "OPENAI_API_KEY", "AWS_SECRET_ACCESS_KEY", "PYTHONPATH"]
    values = [result.value for result in make().run([["environment", name] for name in names], PATIENCE)]
    assert values == [None, None, None, HERE]


@pytest.mark.parametrize(
    ("function", "text"),
    [
        ("no_such_module_anywhere:decide", "No module named 'no_such_module_anywhere'"),
        ("pool_functions:no_such_function", ""),
    ],
)
def test_a_function_that_cannot_be_imported_is_an_error_that_says_so(make, function, text):
    results = make(function).run([["x"], ["y"]], PATIENCE)
    assert states(results) == ["error"] * 2 and all(text in result.value for result in results)


# ----------------------------------------------------------------------------------------------------- processes


def test_the_call_after_a_worker_was_killed_from_outside_works(pool):
    os.kill(newest(pool).process.pid, signal.SIGKILL)
    assert pool.run([["double", 1], ["double", 2]], PATIENCE) == [("done", 2), ("done", 4)]
    for pid in workers(os.environ["TMPDIR"]):
        os.kill(pid, signal.SIGKILL)
    assert pool.run([["double", 3], ["double", 4]], PATIENCE) == [("done", 6), ("done", 8)]


def test_a_worker_that_is_killed_during_a_call_is_replaced(pool, marked):
    pids = workers(marked)
    timer = threading.Timer(0.3, lambda: [os.kill(pid, signal.SIGKILL) for pid in pids])
    timer.start()
    assert pool.run([["sleep", 1.0]], PATIENCE) == [("done", "slept")]
    timer.join()


def test_a_child_does_not_outlive_its_worker(pool, marked, monkeypatch):
    monkeypatch.setattr(module, "START_LIMIT", 3.0)
    os.kill(newest(pool).process.pid, signal.SIGKILL)
    assert pool.run([["loop", None]], LIMIT)[0].state in ("timeout", "error")
    pool.close()
    left = left_behind(marked)
    for pid in left:
        os.kill(pid, signal.SIGKILL)
    assert left == []


def test_closing_a_pool_leaves_no_process(make, marked):
    pool = make(size=2)
    pool.run([["double", i] for i in range(20)], PATIENCE)
    assert len(workers(marked)) in (2, 4)  # one or two, each with its child
    pool.close()
    assert left_behind(marked) == []


def test_many_threads_at_once_lose_nothing(make):
    pool, results = make(size=2), {}

    def call(thread):
        results[thread] = pool.run([["double", 100 * thread + i] for i in range(25)] + [["fail", thread]], PATIENCE)

    threads = [threading.Thread(target=call, args=[thread]) for thread in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for thread in range(16):
        assert results[thread] == [("done", 2 * (100 * thread + i)) for i in range(25)] + [
            ("error", f"KeyError: {thread}")
        ]


def test_asynchronous_callers_use_threads(make):
    pool = make(size=2)

    async def call():
        return await asyncio.gather(*[asyncio.to_thread(pool.run, [["double", i]], PATIENCE) for i in range(20)])

    assert asyncio.run(call()) == [[("done", 2 * i)] for i in range(20)]


def script(text, **options):
    """Starts a script from a file, as a user would: without a guard around its top level."""
    path = Path(os.environ["TMPDIR"], "script.py")
    path.write_text(textwrap.dedent(text))
    return subprocess.Popen(
        [sys.executable, str(path)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options
    )


def test_a_script_without_a_main_guard_works_and_leaves_no_process(marked):
    process = script(r"""
        from open_r1.verify import verify
        print("top level")
        print(verify("math", "x+1", r"\boxed{1+x}").outcome, verify("math", "x+1", r"\boxed{2+x}").outcome)
    """)
    out, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, err) == (0, "") and out.split("\n")[:-1] == ["top level", "correct wrong"]
    assert left_behind(marked) == []


@pytest.mark.parametrize("kill", [signal.SIGKILL, signal.SIGTERM], ids=lambda kill: kill.name)
@pytest.mark.parametrize("last", ["double", "loop"], ids={"double": "idle", "loop": "busy"}.get)
def test_a_parent_that_is_killed_leaves_no_worker(marked, kill, last):
    process = script(f"""
        import time
        from open_r1.verify.pool import Pool
        pool = Pool("pool_functions:behave", 1)
        pool.run([["double", 1]], 30)
        print("ready", flush=True)
        pool.run([["{last}", 1]], 600)
        time.sleep(600)
    """)
    assert process.stdout.readline() == "ready\n"
    time.sleep(0.3)  # it has sent its last item
    assert len(workers(marked)) == 2
    process.send_signal(kill)
    process.communicate()
    assert process.returncode == -kill and left_behind(marked) == []


def test_a_forked_process_has_its_own_pools(marked):
    process = script(r"""
        import os, sys
        from open_r1.verify import Case, verify_many
        def decide(first):
            cases = [Case("math", f"x+{i}", rf"\boxed{{{i}+x}}") for i in range(first, first + 20)]
            return {verdict.outcome for verdict in verify_many(cases)} == {"correct"}
        assert decide(0)
        child = os.fork()
        if not child:
            sys.exit(0 if decide(100) else 1)  # with all exit functions
        assert decide(200)
        assert os.waitpid(child, 0)[1] == 0
        assert decide(300)
        print("all right")
    """)
    out, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, out) == (0, "all right\n"), err
    assert left_behind(marked) == []


def test_a_fork_while_a_thread_holds_the_lock_does_not_hang(marked):
    process = script(r"""
        import os
        from open_r1.verify import pool, verify
        with pool.LOCK:
            child = os.fork()
            if not child:
                os._exit(0 if verify("math", "x+1", r"\boxed{1+x}").correct else 1)
        print(os.waitpid(child, 0)[1])
    """)
    try:
        assert process.communicate(timeout=PATIENCE)[0] == "0\n"
    finally:
        process.kill()
    assert left_behind(marked) == []


def test_a_pool_keeps_as_many_workers_as_it_says(make, marked):
    pool, seen = make(size=2), queue.Queue()
    thread = threading.Thread(target=lambda: seen.put(pool.run([["sleep", 0.05]] * 40, PATIENCE)))
    thread.start()
    most = 0
    while thread.is_alive():
        most = max(most, len(workers(marked)))
        time.sleep(0.01)
    assert states(seen.get()) == ["done"] * 40 and most <= 4  # each worker with its child


def test_items_that_are_no_json_raise_before_anything_is_sent(pool):
    with pytest.raises(TypeError):
        pool.run([[json]], PATIENCE)
    assert pool.run([["double", 1]], PATIENCE) == [("done", 2)]
