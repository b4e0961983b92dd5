"""Confines a process, where there is no bubblewrap, to reading the interpreter's folders and writing one (Linux 5.13
or newer).

Landlock knows files and, on newer kernels, TCP, abstract sockets and signals; the rest is left to the seccomp filter.
"""

import posix as os
import struct
import sys

from .kernel import SET_NO_NEW_PRIVILEGES, call, prctl

CREATE, ADD, RESTRICT = 444, 445, 446  # system calls, the same on x86-64 and arm64
READ = 1 << 0 | 1 << 2 | 1 << 3  # execute, read files, list folders


def confine(readable, writable):
    """Applies the rules to this process and all it starts, for good."""
    version = call("syscall", CREATE, None, 0, 1)
    if version < 1:
        sys.exit("Landlock is not available")
    rights = (1 << 13) - 1
    for least, bit in ((2, 13), (3, 14), (5, 15)):  # refer, truncate, device ioctl
        rights |= (version >= least) << bit
    network, scopes = (3 if version >= 4 else 0), (3 if version >= 6 else 0)  # TCP; abstract sockets and signals
    size = 8 if version < 4 else 16 if version < 6 else 24
    rules = call("syscall", CREATE, struct.pack("QQQ", rights, network, scopes)[:size], size, 0)
    for path, access in [(path, READ) for path in readable] + [("/dev/null", 1 << 1 | 1 << 2), (writable, rights)]:
        try:
            fd = os.open(path, os.O_PATH | os.O_CLOEXEC)
        except FileNotFoundError:
            continue
        if call("syscall", ADD, rules, 1, struct.pack("=Qi", access & rights, fd), 0):
            sys.exit(f"Landlock refuses a rule for {path}")
        os.close(fd)
    if prctl(SET_NO_NEW_PRIVILEGES, 1) or call("syscall", RESTRICT, rules, 0):
        sys.exit("Landlock refuses the rules")
    os.close(rules)
