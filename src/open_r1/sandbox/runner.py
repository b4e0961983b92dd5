"""Runs model-written programs. This file is the first process INSIDE the sandbox; it needs nothing but the standard library.

It forks one child per program and input, with limits of its own, and afterwards kills everything that the program left and
empties the only folder it could write to. Requests come on stdin, marshalled; replies are binary frames (see `reply`), because
the reader must not trust them. Expected outputs never come in here: the comparison is made outside.

It refuses to start where it is not contained, since it ends every program with `kill(-1)`.
"""

import marshal
import posix as os  # what `os` is made of: programs that do not need the rest do not wait for it
import resource
import select
import struct
import sys
import time

KILL = 9  # the module `signal` would take longer to import than all others together
HOME = "/tmp"  # the sandbox's own
QUICK = 0.005  # seconds in which most programs end: one wait for all they do
SLICE = 0.02  # seconds between looks at the memory of a program with several processes
COMPILE_SECONDS = 20
MARSHAL = 2  # version of the format: the same for every Python 3
HEAD = struct.Struct("<BidII")  # of a reply: state, exit code, seconds, bytes of stdout and of stderr
STATES = ("done", "timeout", "memory", "output", "syntax", "compiler", "broken")


class Program:
    """One child with its pipes: started by `start`, fed and read by `attend`, whose result is a reply."""

    def __init__(self, body, stdin, limits, channel=None):
        self.body, self.stdin, self.limits, self.channel = body, stdin, limits, channel
        self.outputs, self.state, self.code = {}, "done", -1

    def start(self):
        """Forks. What can be done before is: after a fork every page that this process writes to costs a page fault."""
        into, out, err = os.pipe(), os.pipe(), os.pipe()
        self.feed, self.left = into[1], memoryview(self.stdin)
        self.outputs = {out[0]: bytearray(), err[0]: bytearray()}
        for fd in (self.feed, *self.outputs):
            os.set_blocking(fd, False)
        self.write()
        self.began = time.monotonic()
        self.pid = os.fork()
        if self.pid == 0:
            become(self.body, (into[0], out[1], err[1]), self.channel, self.limits)
        for fd in (into[0], out[1], err[1]):
            os.close(fd)
        self.exited = os.pidfd_open(self.pid)

    def attend(self):
        """Moves data until the program ends or exceeds a limit."""
        live = set(self.outputs)
        if select.select([self.exited], [], [], QUICK)[0]:
            live = set()  # it was quick: what it wrote is in the pipes
        while live and self.state == "done":
            wait = self.began + self.limits["seconds"] - time.monotonic()
            if wait <= 0:
                self.state = "timeout"
                break
            feed = [] if self.feed is None else [self.feed]
            readable, writable, _ = select.select(list(live), feed, [], min(wait, SLICE))
            if writable:
                self.write()
            live -= {fd for fd in readable if not self.read(fd)}
            if not readable and memory_used() > self.limits["memory"]:
                self.state = "memory"
        self.end()

    def write(self):
        """Feeds what the program's stdin takes, and closes it after the last of it."""
        try:
            while self.left:
                self.left = self.left[os.write(self.feed, self.left[:65536]) :]
        except BlockingIOError:
            return
        except BrokenPipeError:
            pass
        os.close(self.feed)
        self.feed = None

    def read(self, fd):
        """Takes some output; false at its end."""
        data = os.read(fd, 65536)
        self.outputs[fd] += data
        if len(self.outputs[fd]) > self.limits["output"]:
            self.state = "output"
        return bool(data)

    def end(self):
        """Waits for the exit code, then ends whatever is left and takes the last of the outputs."""
        if self.state == "done":
            wait = max(0.0, self.began + self.limits["seconds"] - time.monotonic())
            if select.select([self.exited], [], [], wait)[0]:
                self.code = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
            else:
                self.state = "timeout"
        end_all()
        for fd in self.outputs:
            try:
                while self.state in ("done", "timeout") and self.read(fd):
                    pass
            except BlockingIOError:  # held open by a process that is not contained
                pass
            os.close(fd)
        for fd in (self.exited, self.feed):
            if fd is not None:
                os.close(fd)
        self.seconds = time.monotonic() - self.began

    def reply(self):
        out, err = (bytes(text[: self.limits["output"]]) for text in self.outputs.values())
        return frame(self.state, self.code, self.seconds, out, err[-4096:])


def frame(state, code=-1, seconds=0.0, out=b"", err=b""):
    """A reply: its head and the two outputs."""
    return HEAD.pack(STATES.index(state), code, seconds, len(out), len(err)) + out + err


def memory_used():
    """Resident bytes of all processes here but this one."""
    total = 0
    for name in os.listdir("/proc") if CONTAINED else ():
        if name.isdigit() and name != "1":
            try:
                with open(f"/proc/{name}/statm") as file:
                    total += int(file.read().split()[1]) * resource.getpagesize()
            except (OSError, ValueError, IndexError):
                continue
    return total


def end_all():
    """Kills and reaps every process of this sandbox but this one."""
    try:  # noqa: SIM105  contextlib would cost every program its import
        os.kill(-1 if CONTAINED else CHILD[0], KILL)
    except ProcessLookupError:
        pass
    try:
        while True:
            os.waitpid(-1, 0)
    except ChildProcessError:
        pass


def become(body, stdio, channel, limits):
    """Turns the forked child into the program; never returns."""
    try:
        os.setsid()
        for target, fd in enumerate(stdio):
            os.dup2(fd, target)
        if channel is not None:
            os.dup2(channel, 3)
        os.closerange(4 if channel is not None else 3, 1024)
        if FILTER:
            install_filter()
        seconds = int(limits["seconds"]) + 2
        for kind, value in (
            (resource.RLIMIT_AS, limits["memory"]), (resource.RLIMIT_CPU, seconds), (resource.RLIMIT_FSIZE, limits["file"]),
            (resource.RLIMIT_NOFILE, 64), (resource.RLIMIT_CORE, 0), (resource.RLIMIT_NPROC, limits["processes"]),
            (resource.RLIMIT_STACK, limits["memory"]),
        ):  # fmt: skip
            resource.setrlimit(kind, (value, value))
        os.chdir(HOME)
        body()
        code = 0
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else 0 if error.code is None else 1
        if code == 1 and error.code != 1:
            print(error.code, file=sys.stderr)
    except BaseException:
        import traceback

        traceback.print_exc(limit=-5)
        code = 1
    finish(code)


def install_filter():
    """Denies system calls, where no sandbox around this process does it already (see seccomp.py)."""
    import ctypes

    libc, code = ctypes.CDLL(None, use_errno=True), ctypes.create_string_buffer(FILTER, len(FILTER))
    rules = struct.pack("HxxxxxxQ", len(FILTER) // 8, ctypes.addressof(code))
    if libc.prctl(38, 1, 0, 0, 0) or libc.prctl(22, 2, rules, 0, 0):  # NO_NEW_PRIVS, SECCOMP_MODE_FILTER
        os._exit(126)


def finish(code):
    """Ends a Python program as the interpreter would: threads, exit functions, buffers."""
    try:
        if "threading" in sys.modules:
            sys.modules["threading"]._shutdown()
        if "atexit" in sys.modules:
            sys.modules["atexit"]._run_exitfuncs()
        sys.stdout.flush()
        sys.stderr.flush()
    except BaseException:
        code = code or 1
    os._exit(code & 255)


def python_body(code, name="__main__"):
    """A program as the main module of a fresh namespace."""

    def body():
        module = type(sys)(name)
        module.__dict__["__builtins__"] = __builtins__
        sys.modules[name] = module
        sys.argv = ["main.py"]
        exec(code, module.__dict__)

    return body


def evaluations_body(code, evaluations):
    """Evaluates expressions in a program's namespace and writes each value, as a literal, to file descriptor 3."""

    def body():
        os.dup2(os.open("/dev/null", os.O_WRONLY), 1)  # what the program prints is nobody's business
        python_body(code, "solution")()
        sys.set_int_max_str_digits(100_000)
        with open(3, "w", encoding="utf-8", errors="surrogateescape") as results:
            for prelude, expression in evaluations:
                space = dict(sys.modules["solution"].__dict__)
                try:
                    exec(prelude, space)
                    line = "value " + literal(eval(expression, space))
                except Exception as error:
                    line = f"error {type(error).__name__}: {error}"[:300].replace("\n", " ")
                results.write(line + "\n")
                results.flush()

    return body


def literal(value):
    """Source text of a plain value; anything else has none (`TypeError`): an object could claim to equal everything."""
    if value is None or type(value) in (bool, int, float, str, bytes, complex):
        return {"inf": "1e999", "-inf": "-1e999"}.get(repr(value), repr(value))
    if type(value) in (list, tuple, set, frozenset):
        inner = ", ".join(map(literal, value))
        if type(value) is list:
            return f"[{inner}]"
        if type(value) is tuple:
            return f"({inner}{',' if len(value) == 1 else ''})"
        return f"{{{inner}}}" if inner else "set()"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{literal(key)}: {literal(item)}" for key, item in value.items()) + "}"
    if hasattr(value, "__iter__") and type(value).__module__ in ("builtins", "collections", "itertools", "array"):
        return literal(list(value))
    raise TypeError(f"returned a {type(value).__name__}, not a plain value")


def compiled(source):
    """Code of a Python program, or the reply for one that has none."""
    try:
        return compile(source, "main.py", "exec"), None
    except (SyntaxError, ValueError, RecursionError, MemoryError, OverflowError) as error:
        return None, frame("syntax", 1, 0.0, b"", f"{type(error).__name__}: {error}".encode("utf-8", "replace")[:300])


def run_python(request, stdin):
    """One run of a Python program on one input."""
    code, failed = compiled(request["source"])
    if failed:
        return failed
    program = Program(python_body(code), stdin.encode("utf-8", "replace"), request)
    return run(program)


def run_evaluations(request):
    """All evaluations in one process; their values are its output, in place of stdout."""
    code, failed = compiled(request["source"])
    if failed:
        return failed
    read, write = os.pipe()
    program = Program(evaluations_body(code, request["evaluations"]), b"", request, write)
    program.start()
    os.close(write)
    os.set_blocking(read, False)
    os.dup2(read, next(iter(program.outputs)))
    os.close(read)
    return finished(program)


def run_cpp(request, stdin):
    """Compiles a C++ program, once for all its inputs, and runs it."""
    if request["source"] not in BUILT:
        with open(f"{HOME}/main.cpp", "w", errors="surrogateescape") as file:
            file.write(request["source"])
        limits = request | {"seconds": COMPILE_SECONDS, "memory": 2 << 30, "processes": 64, "file": 64 << 20}
        command = ["/usr/bin/g++", "-O2", "-std=c++17", "-o", f"{HOME}/main", f"{HOME}/main.cpp"]
        compiler = Program(lambda: os.execve(command[0], command, {"PATH": "/usr/bin", "TMPDIR": HOME}), b"", limits)
        run(compiler)
        BUILT[request["source"]] = compiler
    compiler = BUILT[request["source"]]
    if compiler.state != "done" or compiler.code:
        return frame("compiler", compiler.code, 0.0, b"", bytes(list(compiler.outputs.values())[1][:1000]))
    return run(Program(lambda: os.execve(f"{HOME}/main", ["main"], {}), stdin.encode("utf-8", "replace"), request))


BUILT = {}
CHILD = [0]


def run(program):
    program.start()
    return finished(program)


def finished(program):
    CHILD[0] = program.pid
    program.attend()
    return program.reply()


def wipe():
    """Empties the writable folder; where that fails, this sandbox ends and is replaced."""
    BUILT.clear()
    for entry in os.scandir(HOME):
        if entry.is_dir(follow_symlinks=False):
            import shutil

            os.chmod(entry.path, 0o700)
            shutil.rmtree(entry.path)
        else:
            os.unlink(entry.path)


def serve(requests, replies):
    """Answers requests until the input ends."""
    while True:
        try:
            request = marshal.load(requests)
        except EOFError:
            return
        if request["evaluations"]:
            send(replies, run_evaluations(request))
        else:
            for stdin in request["inputs"]:
                answer = {"python": run_python, "cpp": run_cpp}[request["language"]](request, stdin)
                send(replies, answer)
                if request["stop"] and (answer[0] or answer[1:5] != b"\0\0\0\0"):
                    break
        if WARM and os.listdir(HOME):
            wipe()
        send(replies, b"")  # nothing more for this request


def send(fd, data):
    data = struct.pack("<I", len(data)) + data
    while data:
        data = data[os.write(fd, data) :]


CONTAINED, WARM, FILTER = os.getpid() == 1, "warm" in sys.argv, b""


def hide():
    """Lets no program look into this process, or write to its replies: prctl(PR_SET_DUMPABLE, 0)."""
    import _ctypes  # `ctypes` would take 2 ms, a fifth of what a program costs

    _ctypes.call_function(_ctypes.dlsym(_ctypes.dlopen(None, 0), "prctl"), (4, 0, 0, 0, 0))


def main(requests):
    """Serves; `requests` is the open file that this code came from (see `START` in local.py)."""
    global HOME, FILTER, CONTAINED
    if "locked" in sys.argv:  # by landlock.py: there is no pid namespace, and no program may fork
        HOME, FILTER, CONTAINED = os.getcwd(), bytes.fromhex(sys.argv[-1]), False
    elif not CONTAINED or "etc" in os.listdir("/"):
        sys.exit("runner.py: not inside the sandbox")
    replies = os.dup(1)
    null = os.open("/dev/null", os.O_RDWR)
    for fd in (0, 1, 2):
        os.dup2(null, fd)
    hide()
    if WARM:
        import bisect  # noqa: F401  what programs import
        import gc

        gc.freeze()
    serve(requests, replies)
