"""A seccomp filter as bytes: system calls that no honest program of ours needs fail with EPERM (Linux, x86-64 and arm64)."""

import functools
import platform
import struct

LOAD, JUMP_EQUAL, JUMP_SET, JUMP_AT_LEAST, RETURN = 0x20, 0x15, 0x45, 0x35, 0x06
ALLOW, KILL, EPERM, ENOSYS = 0x7FFF0000, 0x80000000, 0x00050001, 0x00050026
CLONE_THREAD = 0x10000
# architecture -> its audit number, and the numbers of system calls on it
MACHINES = {"x86_64": (0xC000003E, 0), "aarch64": (0xC00000B7, 1)}
DENIED = {  # name -> (x86-64, arm64); -1: does not exist there
    "socket": (41, 198), "ptrace": (101, 117), "unshare": (272, 97), "setns": (308, 268), "mount": (165, 40), "umount2": (166, 39),
    "bpf": (321, 280), "keyctl": (250, 219), "add_key": (248, 217), "request_key": (249, 218), "io_uring_setup": (425, 425),
    "userfaultfd": (323, 282), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271), "perf_event_open": (298, 241),
    "shmget": (29, 194), "msgget": (68, 186), "semget": (64, 190), "mq_open": (240, 180), "memfd_create": (319, 279),
    "open_by_handle_at": (304, 265), "pidfd_getfd": (438, 438), "kexec_load": (246, 104), "init_module": (175, 105),
    "finit_module": (313, 273), "chroot": (161, 51), "pivot_root": (155, 41), "move_mount": (429, 429), "fsopen": (430, 430),
}  # fmt: skip
SIGNALS = {
    "kill": (62, 129), "tkill": (200, 130), "tgkill": (234, 131), "rt_sigqueueinfo": (129, 138), "rt_tgsigqueueinfo": (297, 240),
    "pidfd_send_signal": (424, 424), "fork": (57, -1), "vfork": (58, -1),
}  # fmt: skip
CLONE, CLONE3 = (56, 220), (435, 435)


@functools.cache
def build(alone: bool = False) -> bytes:
    """
    The filter.

    Args:
        alone (`bool`, *optional*, defaults to `False`):
            Whether to deny signals and new processes (not threads) too, for a program that shares its pid namespace.

    Returns:
        `bytes`: instructions of 8 bytes; empty on a machine whose system calls we do not know.
    """
    if platform.machine() not in MACHINES:
        return b""
    architecture, column = MACHINES[platform.machine()]
    calls = {**DENIED, **(SIGNALS if alone else {})}
    numbers = [number[column] for number in calls.values() if number[column] >= 0]
    code = [(LOAD, 0, 0, 4), (JUMP_EQUAL, 1, 0, architecture), (RETURN, 0, 0, KILL), (LOAD, 0, 0, 0)]
    code += [(JUMP_AT_LEAST, 0, 1, 0x40000000), (RETURN, 0, 0, KILL)]  # the x32 table of x86-64
    for number in numbers:
        code += [(JUMP_EQUAL, 0, 1, number), (RETURN, 0, 0, EPERM)]
    if alone:
        code += [(JUMP_EQUAL, 0, 1, CLONE3[column]), (RETURN, 0, 0, ENOSYS)]  # its flags are behind a pointer; libc then uses clone
        code += [(JUMP_EQUAL, 0, 3, CLONE[column]), (LOAD, 0, 0, 16), (JUMP_SET, 1, 0, CLONE_THREAD), (RETURN, 0, 0, EPERM)]
    code += [(RETURN, 0, 0, ALLOW)]
    return b"".join(struct.pack("HBBI", *instruction) for instruction in code)
