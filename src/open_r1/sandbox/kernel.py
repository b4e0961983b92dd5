"""
System calls that the module `posix` lacks, for the processes inside. They go through `_ctypes`: `ctypes` would take 2
ms to import.
"""

import _ctypes
import posix as os
import struct
import sys

LIBC = _ctypes.dlopen(None, 0)
FUNCTIONS = {}
SET_DEATH_SIGNAL, SET_DUMPABLE, SET_SECCOMP, SET_NO_NEW_PRIVILEGES = 1, 4, 22, 38  # of prctl
NEW_SPACES = 0x20000000 | 0x20000 | 0x08000000  # of clone: process numbers, mounts, IPC
SIGCHLD, NO_SET_UID, NO_DEVICES, NO_EXECUTABLES = 17, 2, 4, 8
CAPABILITIES = 0x20080522  # version of the interface


def find():
    """Looks up what `call` will need: to do so in every forked process would cost each some page faults."""
    FUNCTIONS.update((name, _ctypes.dlsym(LIBC, name)) for name in ("prctl", "syscall", "mount", "capset"))


def call(name, *arguments):
    """A function of libc: integers go in as `int`, bytes as a pointer, `None` as NULL."""
    return _ctypes.call_function(FUNCTIONS[name], arguments)


def prctl(option, value=0, pointer=None):
    return call("prctl", option, value, pointer, 0, 0)


def install(rules):
    """Applies a seccomp filter (see seccomp.py) to this process and all it will start; without it nothing goes on."""
    # of its content, in CPython; the module `array` would take 2 ms to import
    address = id(rules) + bytes.__basicsize__ - 1
    program = struct.pack("HxxxxxxQ", len(rules) // 8, address)
    if rules and (prctl(SET_NO_NEW_PRIVILEGES, 1) or prctl(SET_SECCOMP, 2, program)):
        os._exit(126)


def fork_apart(folder, size):
    """
    Forks into new process and mount name spaces, with an empty file system on `folder`. Like fork, it returns twice;
    the child, which is process 1 of its space, has given up the capability that made this possible.
    """
    pid = call("syscall", 56 if os.uname().machine == "x86_64" else 220, NEW_SPACES | SIGCHLD, None, None, None, None)
    if pid < 0:
        sys.exit("no new name spaces")
    if pid == 0:
        flags, options = NO_SET_UID | NO_DEVICES, f"size={size},nr_inodes=8192,mode=0700".encode()
        if call("mount", b"tmpfs", folder.encode(), b"tmpfs", flags, options):
            sys.exit("no file system of its own")
        if call("mount", b"proc", b"/proc", b"proc", flags | NO_EXECUTABLES, None):
            sys.exit("no /proc of its own")
        if call("capset", struct.pack("Ii", CAPABILITIES, 0), bytes(24)):
            sys.exit("capabilities stay")
    return pid
