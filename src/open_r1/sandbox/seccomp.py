"""
A seccomp filter as bytes: system calls that no honest program of ours needs fail with EPERM (Linux, x86-64 and arm64).
"""

import functools
import platform
import struct

LOAD, AND, JUMP_EQUAL, JUMP_AT_LEAST, RETURN = 0x20, 0x54, 0x15, 0x35, 0x06
ALLOW, KILL, EPERM, ENOSYS = 0x7FFF0000, 0x80000000, 0x00050001, 0x00050026
WORD = 0xFFFFFFFF
# architecture -> its audit number, and the column of its system calls below
MACHINES = {"x86_64": (0xC000003E, 0), "aarch64": (0xC00000B7, 1)}
DENIED = {  # name -> (x86-64, arm64); -1: does not exist there
    "socket": (41, 198), "connect": (42, 203), "bind": (49, 200), "listen": (50, 201), "accept": (43, 202),
    "accept4": (288, 242),
    # larger buffers, descriptors kept in messages
    "setsockopt": (54, 208), "sendmsg": (46, 211), "sendmmsg": (307, 269),
    "ptrace": (101, 117), "unshare": (272, 97), "setns": (308, 268), "mount": (165, 40), "umount2": (166, 39),
    "chroot": (161, 51),
    "pivot_root": (155, 41), "open_tree": (428, 428), "move_mount": (429, 429), "fsopen": (430, 430),
    "fsconfig": (431, 431),
    "fsmount": (432, 432), "fspick": (433, 433), "mount_setattr": (442, 442), "open_tree_attr": (467, 467),
    "bpf": (321, 280), "keyctl": (250, 219), "add_key": (248, 217), "request_key": (249, 218),
    "perf_event_open": (298, 241),
    "io_uring_setup": (425, 425), "io_setup": (206, 0), "userfaultfd": (323, 282), "memfd_create": (319, 279),
    "memfd_secret": (447, 447),
    "process_vm_readv": (310, 270), "process_vm_writev": (311, 271), "process_madvise": (440, 440),
    "pidfd_getfd": (438, 438),
    "kcmp": (312, 272), "move_pages": (279, 239), "migrate_pages": (256, 238),
    "shmget": (29, 194), "msgget": (68, 186), "semget": (64, 190), "mq_open": (240, 180),
    "inotify_init": (253, -1), "inotify_init1": (294, 26), "fanotify_init": (300, 262), "sync": (162, 81),
    "syncfs": (306, 267),
    "open_by_handle_at": (304, 265), "kexec_load": (246, 104), "init_module": (175, 105), "finit_module": (313, 273),
    "modify_ldt": (154, -1),
    # attributes of files in memory, which no size of the file system limits
    "setxattr": (188, 5), "lsetxattr": (189, 6), "fsetxattr": (190, 7), "setxattrat": (463, 463),
}  # fmt: skip
ALONE_DENIED = {  # other processes, and what Landlock lets through: the attributes of the user's files
    "kill": (62, 129), "tkill": (200, 130), "tgkill": (234, 131), "rt_sigqueueinfo": (129, 138),
    "rt_tgsigqueueinfo": (297, 240),
    "pidfd_open": (434, 434), "pidfd_send_signal": (424, 424), "fork": (57, -1), "vfork": (58, -1),
    "prctl": (157, 167),
    "chmod": (90, -1), "fchmod": (91, 52), "fchmodat": (268, 53), "fchmodat2": (452, 452), "chown": (92, -1),
    "fchown": (93, 55),
    "lchown": (94, -1), "fchownat": (260, 54), "utime": (132, -1), "utimes": (235, -1), "futimesat": (261, -1),
    "utimensat": (280, 88),
    "removexattr": (197, 14), "lremovexattr": (198, 15), "fremovexattr": (199, 16), "removexattrat": (466, 466),
    "file_setattr": (469, 469),
}  # fmt: skip
NAMESPACES, THREAD, SIGNALLING = 0x7E020000, 0x10000, (8, 10, 15)  # of clone; of fcntl: whom and how to signal
# name -> (x86-64, arm64), conditions (argument, mask, value, whether it must be this value)
LIMITED = {
    "socketpair": ((53, 199), [(0, WORD, 1, True), (1, 0xF, 1, True)]),  # of streams, which reach nobody else
    "clone": ((56, 220), [(0, NAMESPACES, 0, True)]),
    "fcntl": ((72, 25), [(1, WORD, command, False) for command in SIGNALLING]),
    "prlimit64": ((302, 261), [(0, WORD, 0, True)]),  # of oneself
    "setpriority": ((141, 140), [(0, WORD, 0, True), (1, WORD, 0, True)]),
    "ioprio_set": ((251, 30), [(0, WORD, 1, True), (1, WORD, 0, True)]),
    **{
        name: (numbers, [(0, WORD, 0, True)])
        for name, numbers in {
            "sched_setaffinity": (203, 122), "sched_setscheduler": (144, 119), "sched_setparam": (142, 118),
            "sched_setattr": (314, 274),
        }.items()
    },
}  # fmt: skip
ALONE_LIMITED = {
    "clone": ((56, 220), [(0, NAMESPACES | THREAD, THREAD, True)]),
    "ioctl": ((16, 29), [(1, 0xFFFFFF00, 0x5400, True)]),  # is it a terminal
}
FOR_WARM, CLONE3 = ("mount", "clone"), (435, 435)


@functools.cache
def build(alone: bool = False, warm: bool = False) -> bytes:
    """
    The filter.

    Args:
        alone (`bool`, *optional*, defaults to `False`):
            Whether to deny, too, what name spaces make harmless: new processes (not threads), signals, attributes of
            files.
        warm (`bool`, *optional*, defaults to `False`):
            Whether to allow new name spaces and mounts, which the first process of a warm sandbox makes and no process
            without its capability can. To install one filter for all programs costs a sixth less than one for each.

    Returns:
        `bytes`: instructions of 8 bytes; empty on a machine whose system calls we do not know.
    """
    if platform.machine() not in MACHINES:
        return b""
    architecture, column = MACHINES[platform.machine()]
    code = [(LOAD, 0, 0, 4), (JUMP_EQUAL, 1, 0, architecture), (RETURN, 0, 0, KILL), (LOAD, 0, 0, 0)]
    code += [(JUMP_AT_LEAST, 0, 1, 0x40000000), (RETURN, 0, 0, KILL)]  # the x32 table of x86-64
    # its flags are behind a pointer; libc then uses clone
    code += [(JUMP_EQUAL, 0, 1, CLONE3[column]), (RETURN, 0, 0, ENOSYS)]
    denied, limited = DENIED | (ALONE_DENIED if alone else {}), LIMITED | (ALONE_LIMITED if alone else {})
    for name in FOR_WARM if warm else ():
        denied.pop(name, None), limited.pop(name, None)
    for numbers in denied.values():
        code += [(JUMP_EQUAL, 0, 1, numbers[column]), (RETURN, 0, 0, EPERM)] if numbers[column] >= 0 else []
    for numbers, conditions in limited.values():
        body = [instruction for condition in conditions for instruction in checked(*condition)] + [
            (RETURN, 0, 0, ALLOW)
        ]
        code += [(JUMP_EQUAL, 0, len(body), numbers[column]), *body]
    code += [(RETURN, 0, 0, ALLOW)]
    return b"".join(struct.pack("HBBI", *instruction) for instruction in code)


def checked(argument: int, mask: int, value: int, wanted: bool) -> list[tuple[int, int, int, int]]:
    """
    Instructions that deny a call unless an argument (its low half: all of these are integers) is, or is not, a value.
    """
    equal, other = (1, 0) if wanted else (0, 1)
    return [
        (LOAD, 0, 0, 16 + 8 * argument),
        (AND, 0, 0, mask),
        (JUMP_EQUAL, equal, other, value),
        (RETURN, 0, 0, EPERM),
    ]
