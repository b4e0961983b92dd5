"""Runs model-written programs. This is the first process INSIDE the sandbox; it and what it imports need only the
standard library.

It forks one child per program and input, with limits of its own (child.py), and afterwards kills everything that the
program left. Requests come on stdin, marshalled; replies are binary frames, because the reader must not trust them.
Expected outputs never come in here: the comparison is made outside.

A fresh sandbox serves one request. In a warm one this process never reads a request: it forks, into name spaces of its
own and with an empty folder, one runner for each, so that no program meets anything that an earlier one, or its
runner, has touched or known.

It refuses to start where it is not contained, since it ends every program with `kill(-1)`.
"""

import builtins
import marshal
import posix as os
import struct
import sys

from .child import PLACE, Program, frame
from .evaluation import evaluations_body, python_body
from .kernel import SET_DUMPABLE, find, fork_apart, install, prctl
from .landlock import confine

COMPILE_SECONDS = 20
ALL_OUTPUT = 4  # times the limit of a run's output that all runs of a program may print together
STANDARDS = ("gnu++20", "gnu++17")  # of C++, in this order: some names are new in each


def compiled(source):
    """Code of a Python program, or the reply for one that has none."""
    try:
        return compile(source.removeprefix("\ufeff"), "main.py", "exec"), None
    except (SyntaxError, ValueError, RecursionError, MemoryError, OverflowError) as error:
        return None, frame("syntax", 1, 0.0, b"", f"{type(error).__name__}: {error}".encode("utf-8", "replace")[:300])


def run_python(request, stdin):
    """One run of a Python program on one input."""
    code, failed = compiled(request["source"])
    if failed:
        return failed
    program = Program(python_body(code), stdin.encode("utf-8", "replace"), request)
    return run(program)


def run_evaluations(request, steps):
    """One run of a Python program on steps, in one process; what they give is its output, in place of stdout."""
    code, failed = compiled(request["source"])
    if failed:
        return failed
    read, write = os.pipe()
    program = Program(evaluations_body(code, steps), b"", request, write)
    program.start()
    os.close(write)
    os.set_blocking(read, False)
    os.dup2(read, next(iter(program.outputs)))
    os.close(read)
    return finished(program)


BUILT = []  # the run of the compiler, once it was made


def run_cpp(request, stdin):
    """Compiles a C++ program, once for all its inputs, and runs it."""
    if not BUILT:
        BUILT.append(build(request["source"], request))
    if BUILT[0].state != "done" or BUILT[0].code:
        return frame("compiler", BUILT[0].code, 0.0, b"", bytes(list(BUILT[0].outputs.values())[1][:1000]))
    main = f"{PLACE['home']}/main"
    return run(Program(lambda: os.execve(main, ["main"], {}), stdin.encode("utf-8", "replace"), request))


def build(source, limits):
    """The run of the compiler: in the first standard that takes the program, else in the last."""
    home, limits = PLACE["home"], limits | {"seconds": COMPILE_SECONDS, "memory": 2 << 30, "file": 64 << 20}
    with open(f"{home}/main.cpp", "w", errors="surrogateescape") as file:
        file.write(source)
    for standard in STANDARDS:
        command = ["/usr/bin/g++", "-O2", "-pthread", f"-std={standard}", "-o", f"{home}/main", f"{home}/main.cpp"]
        compiler = Program(
            lambda command=command: os.execve(command[0], command, {"PATH": "/usr/bin", "TMPDIR": home}), b"", limits
        )
        run(compiler)
        if compiler.state != "done" or not compiler.code:
            break
    return compiler


def finished(program):
    program.attend()
    return program.reply()


def run(program):
    program.start()
    return finished(program)


RUN = {"python": run_python, "cpp": run_cpp}


def serve(request, replies):
    """Answers a request; the empty reply at its end says that nothing more comes."""
    left = ALL_OUTPUT * request["output"]
    run_one = run_evaluations if request["evaluations"] else RUN[request["language"]]
    for given in request["evaluations"] or request["inputs"]:
        reply = run_one(request | {"output": min(left, request["output"])}, given)
        send(replies, reply)
        left -= len(reply)
        if request["stop"] and (reply[0] or reply[1:5] != b"\0\0\0\0"):
            break
    send(replies, b"")


def send(fd, data):
    data = struct.pack("<I", len(data)) + data
    while data:
        data = data[os.write(fd, data) :]


def take(fd):
    """A request: its size and as many bytes, not one more, which would be the next runner's."""
    return marshal.loads(exactly(fd, struct.unpack("<I", exactly(fd, 4))[0]))


def exactly(fd, size):
    data = bytearray()
    while len(data) < size:
        data += os.read(fd, min(size - len(data), 1 << 20)) or os._exit(1)  # nobody asks any more
    return data


def fork_runners(size):
    """
    Returns in a new process, with an empty folder, that awaits a request; after it in the next. Ends when one does not
    end well.
    """
    import bisect  # noqa: F401  what programs import
    import gc

    # the compiler sets itself up only once
    compile("import sys\nprint(sum(int(x) for x in input().split()))", "main.py", "exec")
    gc.freeze()
    while True:
        pid = fork_apart(PLACE["home"], size)
        if pid == 0:
            return
        if os.waitpid(pid, 0)[1]:
            os._exit(1)


def main(mode, warm, rules, readable, size):
    """Serves, confined in the way that local.py says."""
    find()
    if mode == "bubblewrap":
        if os.getpid() != 1 or "etc" in os.listdir("/"):
            sys.exit("runner.py: not inside the sandbox")
    else:  # there is no process name space, and no program may fork
        PLACE.update(home=os.getcwd(), contained=False, filter=rules)
        if mode == "landlock":
            confine(readable, PLACE["home"])
    requests, replies, null = os.dup(0), os.dup(1), os.open("/dev/null", os.O_RDWR)
    for fd in (0, 1, 2):
        os.dup2(null, fd)
    prctl(SET_DUMPABLE, 0)  # lets no program look into this process, or write to its replies
    from _sitebuiltins import Quitter  # `site` itself is not loaded

    builtins.exit, builtins.quit = Quitter("exit", ""), Quitter("quit", "")
    send(replies, b"")  # all is ready: what ends this process from now on is a program
    if PLACE["contained"]:
        install(rules)
    if warm:
        fork_runners(size)
    serve(take(requests), replies)
    os._exit(0)
