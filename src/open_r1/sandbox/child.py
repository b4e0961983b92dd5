"""
One run of a program, inside the sandbox: a forked child with its pipes, its limits, and a look now and then at what it
has used.
"""

import posix as os
import resource
import select
import struct
import sys
import time

from .kernel import SET_DEATH_SIGNAL, SET_DUMPABLE, install, prctl

KILL, CPU_EXCEEDED = 9, 24  # the module `signal` would take longer to import than all others together
WALL = 3  # times its CPU limit that a program may take by the clock: it waits for a core where others run
ROOM = 1 << 30  # bytes of address space beyond the memory limit: stacks of threads and reserves are never all used
QUICK = 0.005  # seconds in which most programs end: one wait for all they do
SLICE = 0.02  # seconds between looks at what a program uses
HEAD = struct.Struct("<BidII")  # of a reply: state, exit code, seconds, bytes of stdout and of stderr
STATES = ("done", "timeout", "memory", "output", "syntax", "compiler", "broken", "died")
# main of runner.py says otherwise where there is no bubblewrap
PLACE = {"home": "/tmp", "contained": True, "filter": b""}


class Program:
    """One child with its pipes: started by `start`, fed and read by `attend`, whose result is a reply."""

    def __init__(self, body, stdin, limits, channel=None):
        self.body, self.stdin, self.limits, self.channel = body, stdin, limits, channel
        self.outputs, self.state, self.code = {}, "done", -1

    def start(self):
        """
        Forks. What can be done before is: after a fork every page that this process writes to costs a page fault.
        """
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
        """Moves data until the program's first process ends, or until it exceeds a limit."""
        live, self.due = set(self.outputs), self.began + SLICE
        running = not select.select([self.exited], [], [], QUICK)[0]  # it was quick: what it wrote is in the pipes
        while running and self.state == "done":
            feed = [] if self.feed is None else [self.feed]
            readable, writable, _ = select.select([self.exited, *live], feed, [], SLICE)
            if writable:
                self.write()
            live -= {fd for fd in readable if fd != self.exited and not self.read(fd)}
            running = self.exited not in readable
            self.look()
        self.end()

    def look(self):
        """Measures, every `SLICE` seconds, what the program has used."""
        now = time.monotonic()
        if now < self.due or self.state != "done":
            return
        self.due = now + SLICE
        # CPU clock of a process
        seconds, memory = used() if PLACE["contained"] else (time.clock_gettime(~self.pid << 3 | 2), 0)
        if seconds > self.limits["seconds"] or now - self.began > WALL * self.limits["seconds"]:
            self.state = "timeout"
        elif memory > self.limits["memory"] and held() > self.limits["memory"]:
            self.state = "memory"

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
        """Takes the exit code, ends whatever is left, and takes the last of the outputs."""
        if self.state == "done":
            self.code = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
            self.state = "timeout" if self.code == -CPU_EXCEEDED else "done"
        end_all(self.pid)
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
        most = 4096 if self.state == "output" else self.limits["output"]  # of a flood the beginning is enough
        out, err = (bytes(text[:most]) for text in self.outputs.values())
        return frame(self.state, self.code, self.seconds, out, err[-4096:])


def frame(state, code=-1, seconds=0.0, out=b"", err=b""):
    """A reply: its head and the two outputs."""
    return HEAD.pack(STATES.index(state), code, seconds, len(out), len(err)) + out + err


def used():
    """CPU seconds and resident bytes of all processes in this process name space but its first, this one."""
    ticks = pages = 0
    for name in processes():
        fields = content(f"/proc/{name}/stat").rpartition(b")")[2].split()
        if len(fields) > 21:  # its own time and that of its ended children
            ticks, pages = ticks + sum(map(int, fields[11:15])), pages + int(fields[21])
    return ticks / os.sysconf("SC_CLK_TCK"), pages * resource.getpagesize()


def held():
    """Resident bytes, where what forked processes share counts once: slower than `used`, which counts it in each."""
    total = 0
    for name in processes():
        lines = content(f"/proc/{name}/smaps_rollup").split(b"\nPss:")
        total += int(lines[1].split()[0]) << 10 if len(lines) > 1 else 0
    return total


def processes():
    return [name for name in os.listdir("/proc") if name.isdigit() and name != "1"]


def content(path):
    """A small file of /proc; nothing where its process has ended."""
    try:
        fd = os.open(path, os.O_RDONLY)
    except OSError:
        return b""
    try:
        return os.read(fd, 4096)
    except OSError:
        return b""
    finally:
        os.close(fd)


def end_all(pid):
    """
    Kills and reaps every process of this sandbox but this one; without a process name space those of the program's
    session.
    """
    try:  # noqa: SIM105  contextlib would cost every program its import
        os.kill(-1, KILL) if PLACE["contained"] else os.killpg(pid, KILL)
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
        restrict(limits)
        os.chdir(PLACE["home"])
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


def restrict(limits):
    """Limits this process for good, in the sandbox that it is in."""
    prctl(SET_DUMPABLE, 1)  # unlike the runner it may be measured, and its files in /proc are its own
    seconds, address_space = int(limits["seconds"]) + 2, limits["memory"] + ROOM
    values = {
        resource.RLIMIT_AS: (address_space, address_space), resource.RLIMIT_CPU: (seconds, seconds + 1),
        resource.RLIMIT_FSIZE: (limits["file"],) * 2, resource.RLIMIT_NOFILE: (64, 64), resource.RLIMIT_CORE: (0, 0),
        resource.RLIMIT_MEMLOCK: (0, 0), resource.RLIMIT_MSGQUEUE: (0, 0), resource.RLIMIT_SIGPENDING: (256, 256),
        resource.RLIMIT_STACK: (resource.getrlimit(resource.RLIMIT_STACK)[1],) * 2,  # address space limits it
    }  # fmt: skip
    if PLACE["contained"]:
        # elsewhere it would count all processes of the user
        values[resource.RLIMIT_NPROC] = (limits["processes"],) * 2
    else:
        prctl(SET_DEATH_SIGNAL, KILL)
    for kind, value in values.items():
        resource.setrlimit(kind, value)
    install(PLACE["filter"])


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
