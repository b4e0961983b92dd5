"""The sandbox: honest programs give what they print, hostile ones (attacks.py) get nothing and leave nothing."""

import asyncio
import functools
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from attacks import ATTACKS, LIMITS

import open_r1.sandbox.local as local
from open_r1.errors import UserError
from open_r1.sandbox import Limits, LocalSandbox, Program, cgroup, make_sandbox

SOURCE = Path(local.__file__).parents[2]
NOBODY = 65534
USERS = ["root", "nobody"] if os.getuid() == 0 else ["user"]
WAYS = [("bubblewrap", "fresh"), ("bubblewrap", "warm"), ("landlock", "fresh")]


def require(mode):
    if reason := local.works(mode):
        pytest.skip(f"{mode} does not work here: {reason}")


@functools.cache
def attacked(mode, way, user, folder):
    """Reports of all attacks by name, and what was left running; as another user from a copy of the package that it can read."""
    if user == "nobody":
        copy = Path(folder) / "copy"
        for name in ("__init__.py", "errors.py", "processes.py"):
            (copy / "open_r1").mkdir(parents=True, exist_ok=True)
            shutil.copy(SOURCE / "open_r1" / name, copy / "open_r1")
        shutil.copytree(SOURCE / "open_r1" / "sandbox", copy / "open_r1" / "sandbox", dirs_exist_ok=True)
        shutil.copy(Path(__file__).with_name("attacks.py"), copy)
        for path in (copy, *copy.parents, *copy.rglob("*")):
            if path.stat().st_uid == os.getuid() and path != Path("/"):
                path.chmod(path.stat().st_mode | (0o755 if path.is_dir() else 0o644))
        python, script, path, who = "/usr/bin/python3", copy / "attacks.py", copy, {"user": NOBODY, "group": NOBODY, "extra_groups": []}
    else:
        python, script, path, who = sys.executable, Path(__file__).with_name("attacks.py"), SOURCE, {}
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(path), "PYTHONDONTWRITEBYTECODE": "1"}
    before = leftovers()  # warm sandboxes of other tests
    done = subprocess.run(
        [python, script, mode, way], capture_output=True, text=True, env=environment, timeout=300, cwd=path, start_new_session=True, **who
    )
    assert done.returncode == 0, done.stderr
    return {report["name"]: report for report in map(json.loads, done.stdout.splitlines())}, leftovers() - before


def leftovers():
    """Processes of this machine that run our runner."""
    found = set()
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and b"open_r1_sandbox" in (entry / "cmdline").read_bytes():
                found.add(entry.name)
        except OSError:
            continue
    return found


@pytest.fixture(scope="session")
def shared_folder(tmp_path_factory):
    return str(tmp_path_factory.mktemp("attacks"))


@pytest.mark.parametrize("name", ATTACKS)
@pytest.mark.parametrize("user", USERS)
@pytest.mark.parametrize(("mode", "way"), WAYS)
def test_attack_is_contained(mode, way, user, name, shared_folder):
    require(mode)
    if mode == "landlock" and name == "many files":
        pytest.xfail("open: without a mount of its own nothing caps the folder's total size, only each file's")
    if user == "nobody" and not Path("/usr/bin/python3").exists():
        pytest.skip("there is no system Python that another user could run")
    reports, _ = attacked(mode, way, user, shared_folder)
    report = reports[name]
    assert "ESCAPED" not in report["stdout"], report
    assert report["stdout"].count("HOLDS") * 180 < 2 * 256 + 256, "many processes held more memory than allowed"
    assert report["seconds"] < LIMITS.seconds + 1, report
    assert report["after"] == "[] 42", "the next program found something, or did not run"


@pytest.mark.parametrize("user", USERS)
@pytest.mark.parametrize(("mode", "way"), WAYS)
def test_attacks_leave_no_process(mode, way, user, shared_folder):
    require(mode)
    assert attacked(mode, way, user, shared_folder)[1] == set()


def test_there_are_at_least_forty_attacks():
    assert len(ATTACKS) >= 40


@pytest.fixture(scope="module", params=[*WAYS, ("landlock", "warm")], ids=" ".join)
def sandbox(request):
    mode, way = request.param
    require(mode)
    made = LocalSandbox(mode, warm=way == "warm")
    yield made
    made.close()


@pytest.mark.parametrize(
    ("source", "stdin", "state", "code", "stdout"),
    [
        ("print(int(input()) + 1)", "41\n", "done", 0, "42\n"),
        ("import sys; print(sys.stdin.read()[::-1])", "äö", "done", 0, "öä\n"),
        ("print('红')", "", "done", 0, "红\n"),
        ("raise ValueError('no')", "", "done", 1, ""),
        ("import sys; print(1); sys.exit(3)", "", "done", 3, "1\n"),
        ("import sys; sys.exit('text')", "", "done", 1, ""),
        ("exit()", "", "done", 1, ""),  # `site` is not loaded
        ("print(1)\nimport os; os._exit(0)", "", "done", 0, ""),  # as in any Python: buffers are lost
        ("if __name__ == '__main__': print(__name__)", "", "done", 0, "__main__\n"),
        ("def f(: pass", "", "syntax", 1, ""),
        ("while True: pass", "", "timeout", -1, ""),
        ("import os; os.kill(os.getpid(), 9)", "", "done", -9, ""),
        ("import sys\nsys.stdin.close()\nprint('x' * 100000)", "y" * 300_000, "done", 0, "x" * 100_000 + "\n"),
        ("print('\\ud800')", "", "done", 1, ""),
        ("import sys; sys.stdout.buffer.write(b'\\xff\\x00')", "", "done", 0, "\ufffd\x00"),
        ("from collections import Counter; import numpy", "", "done", 1, ""),
    ],
)
def test_programs(sandbox, source, stdin, state, code, stdout):
    if "os.kill" in source and sandbox.mode == "landlock":
        pytest.skip("no signals in the landlock sandbox")
    (outcome,) = sandbox.run(Program(source, inputs=[stdin], limits=Limits(seconds=1.0)))
    assert (outcome.state, outcome.code, outcome.stdout) == (state, code, stdout), outcome.stderr


def test_each_input_is_a_run_of_its_own_and_stop_ends_at_the_first_failure(sandbox):
    program = "n = int(input())\nopen('kept', 'a').write('x')\nprint(10 // n)"
    outcomes = sandbox.run(Program(program, inputs=["1", "0", "5"]))
    assert [outcome.succeeded for outcome in outcomes] == [True, False, True]
    assert len(sandbox.run(Program(program, inputs=["1", "0", "5"], stop=True))) == 2


def test_a_program_that_prints_a_lot_still_gives_its_values(sandbox):
    (outcome,) = sandbox.run(Program("print('x' * 100_000)\ndef f(): print('y' * 100_000); return 1", evaluations=[("", "f()")] * 2))
    assert outcome.stdout == "value 1\nvalue 1\n" and outcome.code == 0


def test_evaluations_come_back_as_literals(sandbox):
    source = "import collections\nclass A:\n    def __eq__(self, other): return True\ndef f(x): return x * 2\nprint('value 7')"
    wanted = {
        "f(21)": "value 42", "f('a')": "value 'aa'", "[f(1), (f(2),), {f(3): None}]": "value [2, (4,), {6: None}]",
        "collections.Counter('aab')": "value {'a': 2, 'b': 1}", "range(3)": "value [0, 1, 2]", "A()": "error TypeError",
        "[A()]": "error TypeError", "f()": "error TypeError", "1 / 0": "error ZeroDivisionError", "x": "error NameError",
    }  # fmt: skip
    (outcome,) = sandbox.run(Program(source, evaluations=[("", expression) for expression in wanted]))
    lines = outcome.stdout.splitlines()
    assert all(line.startswith(start) for line, start in zip(lines, wanted.values(), strict=True)), lines


@pytest.mark.skipif(shutil.which("g++") is None, reason="there is no C++ compiler")
def test_cpp(sandbox):
    program = Program("#include <iostream>\nint main() { int n; std::cin >> n; std::cout << n + 1; }", inputs=["41", "1"], language="cpp")
    if sandbox.mode == "landlock":
        with pytest.raises(UserError, match="needs? processes"):
            sandbox.run(program)
        return
    assert [outcome.stdout for outcome in sandbox.run(program)] == ["42", "2"]
    (outcome,) = sandbox.run(Program("int main() { return x; }", inputs=[""], language="cpp"))
    assert outcome.state == "compiler" and "x" in outcome.stderr


def test_many_at_once_from_many_callers(sandbox):
    async def all_of_them():
        return await asyncio.gather(*(sandbox.run_async(Program(f"print({n})", inputs=[""])) for n in range(20)))

    assert [outcomes[0].stdout for outcomes in asyncio.run(all_of_them())] == [f"{n}\n" for n in range(20)]


def test_a_warm_sandbox_whose_runner_died_is_replaced():
    require("bubblewrap")
    sandbox = LocalSandbox("bubblewrap", warm=True, concurrency=1)
    sandbox.run(Program("1", inputs=[""]))
    box = sandbox.slots.get()
    box.process.kill()
    sandbox.slots.put(box)
    states = [sandbox.run(Program("print(1)", inputs=[""]))[0].state for _ in range(2)]
    assert states == ["broken", "done"]
    sandbox.close()


def test_without_any_sandbox_it_refuses_unless_told_otherwise(monkeypatch):
    monkeypatch.setattr(local, "works", lambda mode: "not here")
    with pytest.raises(UserError, match="no sandbox"):
        make_sandbox()
    sandbox = make_sandbox(unsafe=True, concurrency=1)
    assert sandbox.run(Program("print(int(input()) + 1)", inputs=["41"]))[0].stdout == "42\n"


def test_no_group_of_a_sandbox_is_left():
    require("bubblewrap")
    code = (
        "import os\nfrom open_r1.sandbox import *\nsandbox = LocalSandbox('bubblewrap')\n"
        "for n in range(5): sandbox.run(Program('1', inputs=['']))\nprint(os.getpid())"
    )
    pid = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
    assert [path for root, _ in cgroup.ROOTS for path in root.glob(f"open_r1_{pid}_*")] == []


def test_unknown_mode_and_provider_are_named():
    with pytest.raises(UserError, match="docker"):
        LocalSandbox("docker")
    with pytest.raises(UserError, match="nowhere"):
        make_sandbox("nowhere")


def test_a_forked_process_has_sandboxes_of_its_own():
    require("bubblewrap")
    sandbox = LocalSandbox("bubblewrap", warm=True)
    program = Program("print(input())", inputs=["7"])
    assert sandbox.run(program)[0].stdout == "7\n"
    child = os.fork()
    if not child:
        os._exit(0 if sandbox.run(program)[0].stdout == "7\n" else 1)
    assert os.waitpid(child, 0)[1] == 0 and sandbox.run(program)[0].stdout == "7\n"
    sandbox.close()
