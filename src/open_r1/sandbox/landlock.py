"""Runs before `runner.py` in the same process, where there is no bubblewrap: Landlock confines it to reading the interpreter's folders and
writing one (Linux 5.13 or newer). The program itself gets the seccomp filter, which leaves it alone: no processes, no signals.

Started as a user other than root: `python -c SOURCE_OF_THIS_FILE_AND_RUNNER READABLE... locked FILTER`, in the writable folder.
"""

import ctypes
import os
import struct
import sys

CREATE, ADD, RESTRICT = 444, 445, 446  # system calls, the same on x86-64 and arm64
READ = 1 << 0 | 1 << 2 | 1 << 3  # execute, read files, list folders


def confine(readable, writable):
    """Applies the rules to this process and all it starts, for good."""
    libc = ctypes.CDLL(None, use_errno=True)
    version = libc.syscall(CREATE, None, ctypes.c_size_t(0), 1)
    if version < 1:
        sys.exit("Landlock is not available")
    rights = (1 << 13) - 1
    for least, bit in ((2, 13), (3, 14), (5, 15)):  # refer, truncate, device ioctl
        rights |= (version >= least) << bit
    network, scopes = (3 if version >= 4 else 0), (3 if version >= 6 else 0)  # TCP; abstract sockets and signals
    size = 8 if version < 4 else 16 if version < 6 else 24
    rules = libc.syscall(CREATE, struct.pack("QQQ", rights, network, scopes)[:size], ctypes.c_size_t(size), 0)
    for path, access in [(path, READ) for path in readable] + [("/dev/null", 1 << 1 | 1 << 2), (writable, rights)]:
        if os.path.exists(path):
            fd = os.open(path, os.O_PATH | os.O_CLOEXEC)
            if libc.syscall(ADD, rules, 1, struct.pack("=Qi", access & rights, fd), 0):
                sys.exit(f"Landlock refuses a rule for {path}")
            os.close(fd)
    if libc.prctl(38, 1, 0, 0, 0) or libc.syscall(RESTRICT, rules, 0):
        sys.exit("Landlock refuses the rules")
    os.close(rules)


if __name__ == "__main__":
    confine(sys.argv[1 : sys.argv.index("open_r1_sandbox")], os.getcwd())
