"""What `remote.py` sends to a service as text, to run there with nothing but the standard library."""

from .runner import answer, literal, offered

__all__ = ["answer", "drive", "evaluate", "literal", "offered"]


def evaluate(job, mark):
    """
    `evaluations_body` of runner.py with stdout as the channel: there is no other, so the program's own output is
    thrown away.
    """
    import builtins
    import json
    import os
    import sys

    source, steps = json.loads(job)
    results, own = os.fdopen(os.dup(1), "w", encoding="utf-8", errors="backslashreplace"), dict(vars(builtins))
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    try:
        code = compile(source, "main.py", "exec")
    except (SyntaxError, ValueError, RecursionError, MemoryError, OverflowError) as error:
        sys.exit(f"{type(error).__name__}: {error}")
    module = sys.modules["solution"] = type(sys)("solution")
    module.__dict__.update(offered(code))
    sys.argv = ["main.py"]
    getattr(sys, "set_int_max_str_digits", abs)(0)  # early Python 3.10 has no such limit
    try:
        exec(code, module.__dict__)
    except SystemExit as error:
        if error.code:
            raise
    for step in steps:
        results.write(f"{mark} {answer(module.__dict__, own, *step)}\n")
        results.flush()


def drive(job, mark, compile_seconds):
    """One run of a program in a process of its own; prints state, exit code, outputs and seconds after the mark."""
    import contextlib
    import json
    import os
    import resource
    import subprocess
    import sys
    import tempfile
    import time

    job = json.loads(job)
    folder = os.path.join(tempfile.gettempdir(), job["folder"])  # the same for all inputs
    os.makedirs(folder, exist_ok=True)
    os.chdir(folder)

    def attempt(command, stdin, seconds, memory, size):
        def limit():
            values = {resource.RLIMIT_CPU: int(seconds) + 2, resource.RLIMIT_FSIZE: size, resource.RLIMIT_AS: memory}
            stack = {resource.RLIMIT_STACK: memory // 2} if cpp else {}  # Python's threads would each reserve as much
            for kind, value in (values | stack).items():
                most = resource.getrlimit(kind)[1]
                resource.setrlimit(kind, (value if most < 0 else min(value, most),) * 2)

        with open("stdout", "w+b") as out, open("stderr", "w+b") as err:  # files, since the kernel limits their size
            began, pipes = time.monotonic(), {"stdin": subprocess.PIPE, "stdout": out, "stderr": err}
            process, state, code = (
                subprocess.Popen(command, start_new_session=True, preexec_fn=limit, **pipes),
                "done",
                -1,
            )
            try:
                process.communicate(stdin.encode("utf-8", "replace"), seconds)
                code = process.returncode
            except subprocess.TimeoutExpired:
                state = "timeout"
            seconds = time.monotonic() - began
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, 9)  # also what it left behind
            process.wait()
            err.seek(max(0, err.seek(0, 2) - 4096))
            out.seek(0)
            return (
                state,
                code,
                out.read(job["output"] + 1).decode("utf-8", "replace"),
                err.read().decode("utf-8", "replace"),
                seconds,
            )

    cpp, report = job["language"] == "cpp", None
    with open("main.cpp" if cpp else "main.py", "w", encoding="utf-8", errors="replace", newline="") as file:
        file.write(job["source"])
    if cpp and not os.path.exists("main"):  # built once for all inputs
        report = attempt(
            ["g++", "-O2", "-std=c++17", "-o", "main", "main.cpp"], "", compile_seconds, 2 << 30, 64 << 20
        )
        report = None if report[:2] == ("done", 0) else ("compiler", report[1], "", report[3][:1000], 0.0)
    command = ["./main"] if cpp else [sys.executable, "-X", "utf8", "main.py"]
    report = report or attempt(
        command, job["stdin"], job["seconds"], job["memory"], max(job["file"], job["output"] + 1)
    )
    print(f"\n{mark}{json.dumps(report)}", flush=True)
