"""Piston, as a local server that speaks its protocol and runs the programs below."""

import ast
import asyncio
import builtins
import hashlib
import inspect
import json
import re
import socket
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from open_r1.core.errors import UserError
from open_r1.sandbox import Limits, Program, make_sandbox, piston
from open_r1.verify.code import decide_many

ROOMY = Limits(seconds=60.0)


class Service(ThreadingHTTPServer):
    """`faults` are replies (status, headers, body) in place of the next runs; `seen` are the requests' bodies."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.faults, self.seen, self.old, self.busy, self.most = [], [], False, 0, 0
        self.lock = threading.Lock()


class Handler(BaseHTTPRequestHandler):
    """One request."""

    def log_message(self, *args):
        pass

    def reply(self, status, value, headers=()):
        data = value if isinstance(value, bytes) else json.dumps(value).encode()
        self.send_response(status)
        for name, text in (*headers, ("Content-Length", str(len(data)))):
            self.send_header(name, text)
        self.end_headers()
        self.wfile.write(data)

    def do_POST(self):
        assert self.path == "/api/v2/execute"
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.seen.append(body)
        if self.server.faults:
            status, headers, data = self.server.faults.pop(0)
            return self.reply(status, data, headers.items())
        return self.piston(body)

    def piston(self, body):
        limit, (file,) = body["run_timeout"] / 1000, body["files"]
        assert body["version"] == "*" and body["run_memory_limit"] == 512 << 20
        if body["language"] == "c++":
            stage = {"stdout": "", "stderr": "main.cpp:1: error: what", "code": 1, "signal": None, "output": ""}
            return self.reply(200, {"compile": stage, "language": "c++"})
        with self.server.lock:
            self.server.busy += 1
            self.server.most = max(self.server.most, self.server.busy)
        began = time.monotonic()
        try:
            command = [sys.executable, "-I", "-c", file["content"].encode("utf-8", "replace")]
            pipes = {"capture_output": True, "encoding": "utf-8", "errors": "replace"}
            done = subprocess.run(command, input=body["stdin"], timeout=limit, **pipes)
            stage = {
                "stdout": done.stdout,
                "stderr": done.stderr,
                "code": done.returncode,
                "signal": None,
                "status": None,
            }
        except subprocess.TimeoutExpired:
            stage = {"stdout": "", "stderr": "", "code": None, "signal": "SIGKILL", "status": "TO"}
        with self.server.lock:
            self.server.busy -= 1
        stage["wall_time"] = (time.monotonic() - began) * 1000
        if self.server.old:
            del stage["status"], stage["wall_time"]
        self.reply(200, {"run": stage, "language": "python", "version": "3.12.0"})


@pytest.fixture
def service(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    server = Service()
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def connect(url, **settings):
    return make_sandbox("piston", **({"url": url, "backoff": 0.01, "retries": 3, "timeout": 60.0} | settings))


@pytest.fixture
def sandbox(service):
    sandbox = connect(service.url)
    yield sandbox
    sandbox.close()


STDIN = [
    ("right", "print(int(input()) + 1)", ["41", "-1\n"], ("done", 0, ["42\n", "0\n"])),
    (
        "text",
        "import sys\nprint(ascii(sys.stdin.read().strip()), 'é\u2028')",
        ["ü\n\\n"],
        ("done", 0, ["'\\xfc\\n\\\\n' é\u2028\n"]),
    ),
    ("empty", "", [""], ("done", 0, [""])),
    ("exit code", "import sys; sys.exit(3)", [""], ("done", 3, [""])),
    ("its own mark", "print('value 1'); print('{\"state\": 1}')", [""], ("done", 0, ['value 1\n{"state": 1}\n'])),
    ("no input", "input()", [""], ("done", 1, [""])),
]


@pytest.mark.parametrize(("source", "inputs", "wanted"), [case[1:] for case in STDIN], ids=[case[0] for case in STDIN])
def test_programs(sandbox, source, inputs, wanted):
    state, code, outputs = wanted
    outcomes = sandbox.run(Program(source, inputs=inputs, limits=ROOMY))
    assert [(outcome.state, outcome.code, outcome.stdout) for outcome in outcomes] == [
        (state, code, text) for text in outputs
    ]
    assert all(0 < outcome.seconds < 60 for outcome in outcomes)


def test_exception(sandbox):
    (outcome,) = sandbox.run(Program("print('so far')\nprint(1 / 0)", inputs=[""], limits=ROOMY))
    assert (outcome.state, outcome.code, outcome.stdout) == ("done", 1, "so far\n") and not outcome.succeeded
    assert outcome.stderr.strip().endswith("ZeroDivisionError: division by zero")


def test_syntax(sandbox, service):
    outcomes = sandbox.run(Program("def f(:", inputs=["1", "2", "3"], limits=ROOMY))
    assert [outcome.state for outcome in outcomes] == ["syntax"] * 3 and not outcomes[0].succeeded
    raised = sandbox.run(Program("eval('1 +')", inputs=[""], limits=ROOMY))[0]
    assert (raised.state, raised.code) == ("done", 1)  # it was compiled, and failed at run time
    assert len(service.seen) == 3  # the test at construction, one for three inputs, the other


def test_timeout(sandbox):
    source = "import time; print(1, flush=True); time.sleep(100)"
    (outcome,) = sandbox.run(Program(source, inputs=[""], limits=Limits(seconds=0.4)))
    assert (outcome.state, outcome.succeeded) == ("timeout", False)


def test_old_piston_does_not_say_timeout(service):
    service.old = True
    sandbox = connect(service.url)
    (outcome,) = sandbox.run(Program("import time; time.sleep(100)", inputs=[""], limits=Limits(seconds=0.4)))
    assert (outcome.state, outcome.code) == ("timeout", -9) and outcome.seconds >= 0.4
    (outcome,) = sandbox.run(Program("print(1)", inputs=[""], limits=ROOMY))
    assert outcome.succeeded and outcome.seconds > 0


def test_output_limit(sandbox):
    (outcome,) = sandbox.run(Program("print('x' * 5000)", inputs=[""], limits=Limits(seconds=60, output=1000)))
    assert (outcome.state, outcome.stdout, outcome.succeeded) == ("output", "x" * 1000, False)


def test_stop(sandbox):
    program = Program("print(1 // int(input()))", inputs=["1", "0", "1"], limits=ROOMY)
    assert [outcome.code for outcome in sandbox.run(program)] == [0, 1, 0]
    stopped = Program(program.source, inputs=program.inputs, limits=ROOMY, stop=True)
    assert [outcome.code for outcome in sandbox.run(stopped)] == [0, 1]


def test_compile_error(sandbox):
    program = Program("int main() { return what; }", inputs=["1", "2"], language="cpp", limits=ROOMY)
    outcomes = sandbox.run(program)
    assert [outcome.state for outcome in outcomes] == ["compiler"] * 2
    assert "what" in outcomes[0].stderr and outcomes[0].code == 1 and not outcomes[0].succeeded


def test_unknown_language(sandbox):
    (outcome,) = sandbox.run(Program("fn main() {}", inputs=[""], language="rust"))
    assert outcome.state == "broken" and "rust" in outcome.stderr


EVALUATIONS = [
    ("", "add(1, 2)", "value 0 3"),
    ("", "['a', (1,), {2: None}, {3}, b'x', 1.5, 'é\\n']", r"value 0 ['a', (1,), {2: None}, {3}, b'x', 1.5, 'é\n']"),
    ("x = add(40, 2)", "x", "value 0 42"),
    ("", "loud()", "value 0 'quiet'"),
    ("", "1 / 0", "error ZeroDivisionError ArithmeticError Exception BaseException object: division by zero"),
    ("", "Liar() == 1", "value 0 True"),
    ("", "Liar()", "value 0 Thing('Liar', {}, True, 0)"),
    ("", "x", "value 0 42"),
    ("", "y", "error NameError Exception BaseException object: name 'y' is not defined"),
    ("def", "1", "error SyntaxError"),
    ("", "10 ** 5000 > 1 and len(str(10 ** 5000))", "value 0 5001"),
    ("", "__name__", "value 0 'solution'"),
    ("", "exit(3)", "error SystemExit BaseException object: 3"),
]
SOLUTION = """
import sys
print("value 3", flush=True)
def add(a, b):
    return a + b
def loud():
    print("value 'loud'", flush=True)
    sys.stdout.write("error loud\\n" + "no end" * 1000)
    sys.stdout.flush()
    return "quiet"
class Liar:
    def __eq__(self, other):
        return True
if __name__ == "__main__":
    sys.exit(1)
"""


def test_evaluations(sandbox):
    program = Program(
        SOLUTION, evaluations=[[(prelude, [expression]) for prelude, expression, _ in EVALUATIONS]], limits=ROOMY
    )
    (outcome,) = sandbox.run(program)
    assert outcome.succeeded, outcome
    lines = outcome.stdout.splitlines()
    assert len(lines) == len(EVALUATIONS)
    for line, (_, expression, wanted) in zip(lines, EVALUATIONS, strict=True):
        assert line == wanted or (wanted == "error SyntaxError" and line.startswith(wanted)), expression


def test_evaluations_of_programs_that_fail(sandbox):
    cases = [
        ("def f(:", "syntax", 1, "SyntaxError"),
        ("1 / 0", "done", 1, "ZeroDivisionError"),
        ("import sys; sys.exit(3)", "done", 3, ""),
    ]
    for source, state, code, complaint in cases:
        (outcome,) = sandbox.run(Program(source, evaluations=[[("", ["1"])]], limits=ROOMY))
        assert (outcome.state, outcome.code, outcome.stdout) == (state, code, "") and complaint in outcome.stderr
    steps = [("", ["x"]), ("import os", ["os._exit(0)"]), ("", ["x"])]
    outcomes = sandbox.run(Program("x = 1\nimport sys; sys.exit()", evaluations=[steps, steps[:1]], limits=ROOMY))
    assert [outcome.stdout for outcome in outcomes] == ["value 0 1\n"] * 2


def test_large_inputs(sandbox):
    text = "0123456789abcdef" * 5_000
    source = "import hashlib, sys; print(hashlib.md5(sys.stdin.buffer.read()).hexdigest())"
    (outcome,) = sandbox.run(Program(source, [text], limits=ROOMY))
    assert outcome.stdout.strip() == hashlib.md5(text.encode()).hexdigest()


def test_lone_surrogates_do_not_raise(sandbox):
    (outcome,) = sandbox.run(Program("print(len(input()), '\ud800')", inputs=["a\ud800b"], limits=ROOMY))
    assert (outcome.state, outcome.stdout) == ("done", "3 ?\n")


def test_verdicts(sandbox):
    items = [
        ('{"inputs": ["1", "5"], "outputs": ["2", "6"]}', "```python\nprint(int(input()) + 1)\n```"),
        ('{"inputs": ["1", "5"], "outputs": ["2", "6"]}', "```python\nprint(2)\n```"),
        (
            '["assert add(1, 2) == 3", "assert add(0.1, 0.2) == 0.3"]',
            "```python\ndef add(a, b):\n    return a + b\n```",
        ),
    ]
    verdicts = [(verdict, share) for verdict, _, share in decide_many(items, sandbox, ROOMY)]
    assert verdicts == [("correct", 1.0), ("wrong", 0.5), ("correct", 1.0)]


REFUSAL = b'{"message": "run_timeout cannot exceed the configured limit of 3000"}'
TYPES = b'{"run": {"stdout": 1, "stderr": null, "code": 0}, "stdout": 1, "type": "stdout", "text": 1}'
OK = Program("print(int(input()) + 1)", inputs=["41"], limits=ROOMY)
FAULTS = [
    ("500 then ok", [(500, {}, b"oops")], "42\n", ""),
    ("429 then ok", [(429, {"Retry-After": "0"}, b"slow down")], "42\n", ""),
    ("three failures then ok", [(503, {}, b""), (502, {}, b""), (429, {}, b"")], "42\n", ""),
    ("500 for ever", [(500, {}, b'{"message": "oops"}')] * 9, None, "status 500: .*oops"),
    ("429 for ever", [(429, {"Retry-After": "0"}, b"slow down")] * 9, None, "status 429: slow down"),
    ("refused", [(400, {}, REFUSAL)] * 2, None, "status 400: .*limit of 3000"),
    ("html", [(200, {}, b"<html>hello</html>")], None, "unreadable reply"),
    ("nothing", [(200, {}, b"{}")], None, "KeyError|no result"),
    ("list", [(200, {}, b"[1, 2]")], None, "unreadable reply"),
    ("number", [(200, {}, b"7")], None, "unreadable reply"),
    ("wrong types", [(200, {}, TYPES)], None, "unreadable reply"),
    ("bytes", [(200, {}, b"\xff\xfe\x00")], None, "unreadable reply"),
]


@pytest.mark.parametrize(
    ("faults", "printed", "reason"), [case[1:] for case in FAULTS], ids=[case[0] for case in FAULTS]
)
def test_failures_of_the_service(sandbox, service, faults, printed, reason):
    before = len(service.seen)
    service.faults = list(faults)
    (outcome,) = sandbox.run(OK)
    if printed:
        assert outcome.succeeded and outcome.stdout == printed
    else:
        assert (outcome.state, outcome.code, outcome.stdout, outcome.seconds) == ("broken", -1, "", 0.0)
        assert re.search(reason, outcome.stderr) and "\n" not in outcome.stderr
    tried = service.seen[before:]
    assert len(tried) == (4 if "ever" in str(reason) or len(faults) == 9 else len(faults) + 1 if printed else 1)
    service.faults = []
    assert sandbox.run(OK)[0].stdout == "42\n"


def test_marks_are_never_the_same(sandbox, service):
    """What a program printed in one run is worth nothing in the next."""
    for _ in range(2):
        sandbox.run(Program("pass", evaluations=[[("", ["1"])]], limits=ROOMY))
    marks = [set(re.findall(r"\b[0-9a-f]{32}\b", json.dumps(body))) for body in service.seen[1:]]
    assert len(marks) == 2 and all(marks) and not marks[0] & marks[1]


def test_server_goes_away(service):
    server = Service()
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    sandbox = connect(server.url, retries=1)
    server.shutdown()
    server.server_close()
    (outcome,) = sandbox.run(OK)
    assert outcome.state == "broken" and "Connect" in outcome.stderr
    verdict = decide_many([('{"inputs": ["1"], "outputs": ["2"]}', "```python\nprint(2)\n```")], sandbox)[0]
    assert verdict[0] == "error"  # not the program's fault


def test_no_answer_in_time(service):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        with pytest.raises(UserError, match="ReadTimeout"):
            connect(f"http://127.0.0.1:{silent.getsockname()[1]}", timeout=0.3)
        silent.settimeout(0.2)
        silent.accept()[0].close()
        with pytest.raises(TimeoutError):  # it was asked once: a service that hangs would only be asked to hang again
            silent.accept()


def test_reply_without_end(service, monkeypatch):
    sandbox = connect(service.url)
    monkeypatch.setattr(piston, "LARGEST", 1000)
    service.faults = [(200, {}, b'{"a": "' + b"x" * 100_000 + b'"}')]
    assert "too large" in sandbox.run(OK)[0].stderr


def test_connection_refused(service):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(UserError, match=f"127.0.0.1:{port}.*Connect") as caught:
        connect(f"http://user:password@127.0.0.1:{port}", retries=1)
    assert caught.value.hint and "\n" not in str(caught.value) and "password" not in str(caught.value)


@pytest.mark.parametrize("url", ["", "localhost", "ftp://localhost", "http://", "http://[", None])
def test_bad_url(service, url):
    with pytest.raises(UserError):
        connect(url, retries=0)


def test_piston_without_python(service):
    service.faults = [(400, {}, b'{"message": "python-* runtime is unknown"}')]
    with pytest.raises(UserError, match="python-. runtime is unknown") as caught:
        connect(service.url)
    assert "PISTON_RUN_TIMEOUT" in caught.value.hint


def test_wrong_service(service):
    service.faults = [(200, {}, b"<html>a web page</html>")]
    with pytest.raises(UserError, match="unreadable reply"):
        connect(service.url)


@pytest.mark.parametrize("settings", [{"colour": "red"}, {"concurrency": 0}, {"template": "x"}])
def test_bad_settings(service, settings):
    with pytest.raises(UserError, match="sandbox piston: ") as caught:
        connect(service.url, **settings)
    assert "\n" not in str(caught.value) and "PistonSandbox" in caught.value.hint


def test_many_at_once(service):
    sandbox = connect(service.url, concurrency=2)
    programs = [
        Program("import time; time.sleep(0.3); print(input())", inputs=[str(index)], limits=ROOMY)
        for index in range(6)
    ]
    service.most = 0
    assert [outcomes[0].stdout.strip() for outcomes in sandbox.run_many(programs)] == [
        str(index) for index in range(6)
    ]

    async def both():
        return await asyncio.gather(*(sandbox.run_async(program) for program in programs[:3]))

    assert [outcomes[0].stdout.strip() for outcomes in asyncio.run(both())] == ["0", "1", "2"]
    threads = [threading.Thread(target=sandbox.run, args=(program,)) for program in programs]  # `run` from any thread
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert service.most == 2
    sandbox.close()
    assert sandbox.run(OK)[0].state == "broken"  # closed, and no exception


def test_what_is_sent_needs_nothing_but_the_standard_library():
    """It is sent as text: a name of this module in it would fail there."""
    sent = (piston.evaluate, piston.answer, piston.literal, piston.offered)
    for function in sent:
        nodes = list(ast.walk(ast.parse(inspect.getsource(function))))
        bound = {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
        bound |= {node.arg for node in nodes if isinstance(node, ast.arg)}
        bound |= {node.name for node in nodes if isinstance(node, (ast.FunctionDef, ast.ExceptHandler, ast.alias))}
        used = {node.id for node in nodes if isinstance(node, ast.Name)}
        assert used - bound - {other.__name__ for other in sent} <= set(dir(builtins)), function.__name__
