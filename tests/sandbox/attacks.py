"""Hostile programs for the sandbox, and a runner that hands them to it and to nothing else.

DANGER: never run any of these programs outside the sandbox, not even once "as a control"; some send signals to every
process they may reach, or call mount(2). `main` hands them over only after a harmless program has shown that the
sandbox is in force. Every program ends by itself, even if no limit holds. A program prints ESCAPED if it got what it
should not get.

Where a program needs a victim outside, it is a canary made for it: CANARY is a folder with a file `file` and a
datagram socket `socket`, VICTIM the number of a process, all of the user that programs run as.

    python attacks.py bubblewrap|landlock fresh|warm
"""

import contextlib
import ctypes
import glob
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from open_r1.sandbox import Limits, LocalSandbox, Program

SECRET = "hunter2-not-to-be-found"
LIMITS = Limits(seconds=0.5, memory=256 << 20)
WORKERS = 6  # most attacks wait for their end
TRY = (
    "def attempt(what):\n    try:\n        got = what()\n    except BaseException as error:\n"
    "        print('blocked', type(error).__name__)\n    else:\n        print('ESCAPED', str(got)[:80])\n"
)
LIBC = (
    "import ctypes\nlibc = ctypes.CDLL(None, use_errno=True)\ndef call(*a):\n    if libc.syscall(*a) < 0:\n"
    "        raise OSError(ctypes.get_errno(), 'denied')\n"
)
SPIN = "import time\nend = time.time() + 20\nwhile time.time() < end: pass\n"

ATTACKS: dict[str, str] = {
    # network
    "tcp": TRY + "import socket\nattempt(lambda: socket.create_connection(('1.1.1.1', 53), 1))",
    "tcp to this machine": TRY + "import socket\nattempt(lambda: socket.create_connection(('127.0.0.1', 22), 1))",
    "udp": TRY + "import socket\nattempt(lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', "
        "('1.1.1.1', 53)))",
    "dns": TRY + "import socket\nattempt(lambda: socket.getaddrinfo('example.com', 80))",
    "unix socket": TRY + "import socket\nattempt(lambda: socket.socket(socket.AF_UNIX).connect('/run/docker.sock'))",
    "abstract unix socket": TRY + "import socket\nattempt(lambda: "
        "socket.socket(socket.AF_UNIX).bind('\\0open_r1_test'))",
    "netlink": TRY + "import socket\nattempt(lambda: socket.socket(16, 3, 0))",
    # files and secrets
    "home": TRY + "import os\nattempt(lambda: os.listdir('/root'))\nattempt(lambda: os.listdir('/home'))",
    "passwd": TRY + "attempt(lambda: open('/etc/passwd').read())",
    "shadow": TRY + "attempt(lambda: open('/etc/shadow').read())",
    "var": TRY + "import os\nattempt(lambda: os.listdir('/var'))",
    "environment": f"import os\nprint('ESCAPED' if '{SECRET}' in str(os.environ) else 'clean')",
    "environment of others": (
        "import os\nfor p in os.listdir('/proc'):\n    try:\n"
        "        data = open(f'/proc/{p}/environ', 'rb').read() + open(f'/proc/{p}/cmdline', 'rb').read()\n"
        f"    except OSError:\n        continue\n    if b'{SECRET[:6]}' + b'{SECRET[6:]}' in data:\n"
        "        print('ESCAPED', p)"
    ),
    "processes of others": "import os\nn = sum(p.isdigit() for p in os.listdir('/proc'))\n"
        "print('ESCAPED' if n > 5 else n)",
    "write outside": (
        "import os\nfor d in ('/', '/usr', '/usr/lib', '/dev', '/dev/shm', '/proc', '/run', '/var/tmp', '/etc', "
        "'/bin'):\n"
        "    try:\n        open(d + '/open_r1_test', 'w').write('x'); print('ESCAPED', d)\n    except OSError as e:\n"
        "        print('blocked', d)"
    ),
    "symlink": TRY + "import os\nos.symlink('/etc/passwd', 'link')\nattempt(lambda: open('link').read())",
    "hard link": TRY + "import os\nattempt(lambda: os.link('/usr/bin/env', 'linked'))",
    "devices": TRY + "attempt(lambda: open('/dev/mem', 'rb').read(1))\n"
        "attempt(lambda: open('/dev/sda', 'rb').read(1))\nattempt(lambda: open('/dev/kmsg').read(1))",
    "make a device": TRY + "import os, stat\nattempt(lambda: os.mknod('dev', 0o600 | stat.S_IFBLK, os.makedev(8, 0)))",
    "sys": TRY + "import os\nattempt(lambda: os.listdir('/sys/fs'))",
    "kernel settings": TRY + "attempt(lambda: open('/proc/sys/kernel/core_pattern', 'w').write('|/tmp/x'))",
    # privileges
    "become root": TRY + "import os\nattempt(lambda: os.setuid(0))\nattempt(lambda: os.setgid(0))",
    "capabilities": "print('ESCAPED' if any(line.startswith('CapEff') and int(line.split()[1], 16) for line in "
        "open('/proc/self/status')) else 'none')",
    "user namespace": TRY + LIBC + "attempt(lambda: call(272, 0x10000000))",
    "mount": TRY + LIBC + "attempt(lambda: call(165, b'none', b'/tmp', b'tmpfs', 0, None))",
    "chroot": TRY + "import os\nattempt(lambda: os.chroot('/tmp'))",
    "ptrace": TRY + LIBC + "import os\nattempt(lambda: call(101, 16, os.getppid(), 0, 0))",
    "memory of the runner": TRY + LIBC + "import os\nattempt(lambda: open(f'/proc/{os.getppid()}/mem', "
        "'rb').read(1))\nattempt(lambda: call(310, os.getppid(), None, 0, None, 0, 0))",
    "files of the runner": TRY + "import os\nattempt(lambda: os.listdir(f'/proc/{os.getppid()}/fd'))" ,
    "keyring": TRY + LIBC + "attempt(lambda: call(248, b'user', b'x', b'y', 1, -2))",
    "shared memory": TRY + LIBC + "attempt(lambda: call(29, 1, 1 << 20, 0o1600))",
    "memory file": TRY + "import os\nattempt(lambda: os.memfd_create('x'))",
    "raise limits": TRY + "import resource as r\nattempt(lambda: r.setrlimit(r.RLIMIT_AS, (-1, -1)))\n"
        "attempt(lambda: r.setrlimit(r.RLIMIT_CPU, (999, 999)))",
    "set-uid programs": "import subprocess\nfor p in ('/usr/bin/su', '/usr/bin/passwd', '/usr/bin/mount'):\n    try:\n"
        "        r = subprocess.run([p, '--version'], capture_output=True, timeout=0.5)\n"
        "        print('ran', r.returncode)\n    except Exception as e:\n        print('blocked', type(e).__name__)",
    # exhaustion
    "fork bomb": "import os, time\nn = 0\ntry:\n    for i in range(200):\n        if os.fork() == 0:\n"
        "            time.sleep(3); os._exit(0)\n        n += 1\nexcept OSError:\n    pass\n"
        "print('ESCAPED' if n > 64 else n)",
    "thread bomb": "import threading, time\nn = 0\ntry:\n    for i in range(300):\n"
        "        threading.Thread(target=time.sleep, args=(0.5,), daemon=True).start(); n += 1\nexcept RuntimeError:\n"
        "    pass\nprint('ESCAPED' if n > 200 else n)",
    "memory bomb": "b = []\ntry:\n    for i in range(40):\n        b.append(bytearray(b'x') * (64 << 20))\n"
        "    print('ESCAPED')\nexcept MemoryError:\n    print('stopped', len(b))",
    "memory bomb in many processes": "import os, time\nfor i in range(6):\n    if os.fork() == 0:\n"
        "        b = bytearray(180 << 20)\n        time.sleep(0.8); os.write(1, b'HOLDS '); os._exit(0)\n"
        "time.sleep(0.9)",
    "flood stdout": "import sys\nfor i in range(4000):\n    sys.stdout.write('x' * 65536)\nprint('ESCAPED')",
    "flood stderr": "import sys\nfor i in range(4000):\n    sys.stderr.write('x' * 65536)\nprint('ESCAPED')",
    "huge file": TRY + "def write():\n    with open('big', 'wb') as f:\n        for i in range(100):\n"
        "            f.write(bytes(1 << 20))\nattempt(write)",
    "many files": TRY + "def write():\n    for i in range(40):\n        open(f'f{i}', 'wb').write(bytes(4 << 20))\n"
        "attempt(write)",
    "many descriptors": TRY + "keep = []\ndef many():\n    for i in range(1000):\n"
        "        keep.append(open('/dev/null'))\nattempt(many)",
    "deep recursion": "import sys\nsys.setrecursionlimit(10**7)\ndef f(n):\n    return f(n + 1)\nf(0)\n"
        "print('ESCAPED')",
    "big integer": "print(len(str(9 ** (9 ** 8))))\nprint('ESCAPED')",
    "slow pattern": "import re\nre.match('(a+)+$', 'a' * 40 + '!')\nprint('ESCAPED')",
    # time
    "sleep": "import time\ntime.sleep(20)\nprint('ESCAPED')",
    "spin": SPIN + "print('ESCAPED')",
    "ignore signals": "import signal, time\nfor s in range(1, 65):\n    try: signal.signal(s, signal.SIG_IGN)\n"
        "    except (OSError, ValueError): pass\ntime.sleep(20)\nprint('ESCAPED')",
    "hang at exit": "import atexit, time\natexit.register(time.sleep, 20)",
    "hang in a thread": "import threading, time\nthreading.Thread(target=time.sleep, args=(20,)).start()",
    "hang in an import": "import sys\nsys.path.insert(0, '.')\n"
        "open('slow.py', 'w').write('import time; time.sleep(20)')\nimport slow\nprint('ESCAPED')",
    "wait for input": "import sys\nsys.stdin.read()\ninput()\nprint('ESCAPED')",
    # leaving something behind
    "daemon": "import os, time\nif os.fork() == 0:\n    os.setsid()\n    if os.fork() == 0:\n"
        "        time.sleep(20); os._exit(0)\n    os._exit(0)\nprint('parent ends')",
    "daemon without files": "import os, time\nif os.fork() == 0:\n    os.setsid(); os.closerange(0, 64)\n"
        "    if os.fork() == 0:\n        time.sleep(20); os._exit(0)\n    os._exit(0)\nprint('parent ends')",
    "new program": "import os, sys\nos.execv('/usr/bin/sleep', ['sleep', '20'])",
    "kill the runner": "import os, signal\nfor s in (9, 15, 19):\n    try: os.kill(os.getppid(), s)\n"
        "    except OSError: pass\nprint('alive')",
    "kill everything": "import os, signal\ntry: os.kill(-1, 9)\nexcept OSError: pass\nprint('alive')",
    "corrupt the runner": "import os\nfor fd in range(3, 64):\n    try: os.write(fd, b'\\xff' * 4096)\n"
        "    except OSError: pass\nprint('wrote')",
    "deep folders": "import os\nfor i in range(1000):\n    os.mkdir('d'); os.chdir('d')\nprint('made')",
    "folder without rights": "import os\nos.makedirs('a/b'); open('a/b/c', 'w').write('x'); os.chmod('a/b', 0); "
        "os.chmod('a', 0)",
    "replace the interpreter's parts": "import sys, builtins, os\nbuiltins.print = builtins.exec = builtins.eval = "
        "lambda *a, **k: 42\nsys.modules['json'] = sys.modules['os'] = None",
    "close everything": "import os\nos.closerange(0, 64)",
    # below: acting on the runner, and so on every later program of a sandbox that serves many
    "limits of the runner": TRY + "import resource as r, os\nfor pid in (os.getppid(), 1):\n"
        "    for kind in (r.RLIMIT_FSIZE, r.RLIMIT_AS, r.RLIMIT_NPROC, r.RLIMIT_STACK, r.RLIMIT_CPU, "
        "r.RLIMIT_NOFILE):\n        attempt(lambda: r.prlimit(pid, kind, (1, 1)))",
    "address space of the runner, then stay": "import resource as r, os, time\n"
        "try: r.prlimit(os.getppid(), r.RLIMIT_AS, (1, 1))\nexcept OSError: pass\ntime.sleep(20)",
    "scheduling of the runner": TRY + LIBC + "import os\nfor pid in (os.getppid(), 1):\n"
        "    attempt(lambda: os.sched_setscheduler(pid, 5, os.sched_param(0)))\n"
        "    attempt(lambda: os.sched_setaffinity(pid, {0}))\n"
        "    attempt(lambda: os.setpriority(os.PRIO_PROCESS, pid, 19))\n"
        "    attempt(lambda: call(251, 1, pid, 3 << 13))",
    "scheduling of all": TRY + "import os\nattempt(lambda: os.setpriority(os.PRIO_USER, 0, 19))\n"
        "attempt(lambda: os.setpriority(os.PRIO_USER, os.getuid(), 19))\n"
        "attempt(lambda: os.setpriority(os.PRIO_PGRP, 1, 19))",
    "score of the runner": TRY + "import os\nattempt(lambda: open(f'/proc/{os.getppid()}/oom_score_adj', "
        "'w').write('1000'))\nattempt(lambda: open('/proc/1/comm', 'w').write('x'))",
    "signal by a descriptor": TRY + "import fcntl, os\nr, w = os.pipe()\n"
        "fcntl.fcntl(r, fcntl.F_SETFL, os.O_ASYNC | os.O_NONBLOCK)\n"
        "attempt(lambda: fcntl.fcntl(r, fcntl.F_SETSIG, 9))\n"
        "attempt(lambda: fcntl.fcntl(r, fcntl.F_SETOWN, os.getppid()))\nos.write(w, b'x')\nprint('alive')",
    "mode of the folder": "import os\ntry: os.chmod('.', 0)\nexcept OSError: pass\nprint('alive')",
    "attributes of the folder": "import os\nfor f in (lambda: os.utime('.', (0, 0)), lambda: os.setxattr('.', "
        "'user.x', b'y'), lambda: os.chmod('.', 0o1777)):\n    try: f()\n    except OSError: pass",
    "folder under a mask": "import os\nos.umask(0o777)\nos.mkdir('a')\nopen('b', 'w').close()",
    "link in place of a folder": "import os\nos.mkdir('a')\nos.symlink('/usr', 'a/usr')\nos.symlink('..', 'up')",
    "names that are hard to remove": "import os\nfor n in (b'-rf', b'\\xff\\n', b'*', b'a' * 255):\n    os.mkdir(n)",
    # canaries of the same user
    "mode of a file": TRY + "import os\nattempt(lambda: os.chmod('CANARY/file', 0))\n"
        "attempt(lambda: os.chmod('CANARY', 0))\n"
        "attempt(lambda: os.chmod('CANARY/file', 0o777, follow_symlinks=True))",
    "owner of a file": TRY + "import os\nattempt(lambda: os.chown('CANARY/file', os.getuid(), os.getgid()))\n"
        "attempt(lambda: os.lchown('CANARY/file', -1, os.getgid()))",
    "times of a file": TRY + "import os\nattempt(lambda: os.utime('CANARY/file', (0, 0)))\n"
        "attempt(lambda: os.utime('CANARY'))",
    "attribute of a file": TRY + "import os\nattempt(lambda: os.setxattr('CANARY/file', 'user.x', b'y'))\n"
        "attempt(lambda: os.removexattr('CANARY/file', 'user.canary'))",
    "content of a file": TRY + "import os\nattempt(lambda: open('CANARY/file').read())\n"
        "attempt(lambda: open('CANARY/file', 'a'))\nattempt(lambda: os.truncate('CANARY/file', 0))\n"
        "attempt(lambda: os.unlink('CANARY/file'))\nattempt(lambda: os.rename('CANARY/file', 'CANARY/other'))\n"
        "attempt(lambda: os.link('CANARY/file', 'here'))\nattempt(lambda: os.mkdir('CANARY/new'))",
    "datagram to a path": TRY + "import socket\nfor kind in (socket.SOCK_DGRAM, socket.SOCK_SEQPACKET, "
        "socket.SOCK_STREAM):\n    attempt(lambda: socket.socketpair(socket.AF_UNIX, kind)[0].sendto(b'x', "
        "'CANARY/socket'))\n    attempt(lambda: socket.socketpair(socket.AF_UNIX, kind)[0].connect('CANARY/socket'))",
    "limits of a process": TRY + "import resource as r\nfor kind in (r.RLIMIT_AS, r.RLIMIT_CPU, r.RLIMIT_NOFILE):\n"
        "    attempt(lambda: r.prlimit(VICTIM, kind, (1, 1)))",
    "scheduling of a process": TRY + LIBC + "import os\nattempt(lambda: os.sched_setscheduler(VICTIM, 5, "
        "os.sched_param(0)))\nattempt(lambda: os.sched_setaffinity(VICTIM, {0}))\n"
        "attempt(lambda: os.setpriority(os.PRIO_PROCESS, VICTIM, 19))\nattempt(lambda: call(251, 1, VICTIM, 3 << 13))",
    "signal to a process": TRY + LIBC + "import os\nfor s in (0, 15, 19, 9):\n"
        "    attempt(lambda: os.kill(VICTIM, s))\nattempt(lambda: os.pidfd_open(VICTIM))\n"
        "attempt(lambda: call(129, VICTIM, 15, bytes(128)))",
    "signal to a process by a descriptor": TRY + "import fcntl, os\nr, w = os.pipe()\n"
        "attempt(lambda: fcntl.fcntl(r, fcntl.F_SETOWN, VICTIM))",
    # memory and other things that the kernel holds
    "memory bomb behind a flood": "import os, time\nfor i in range(5):\n    if os.fork() == 0:\n"
        "        b = bytearray(b'x') * (90 << 20)\n        time.sleep(20); os._exit(0)\nfor i in range(1400):\n"
        "    os.write(1, b'x' * 100); time.sleep(0.001)\nprint('ESCAPED')",
    "aio contexts": TRY + LIBC + "attempt(lambda: call(206, 60000, ctypes.byref(ctypes.c_ulong())))",
    "buffers of sockets": TRY + "import socket\na, b = socket.socketpair()\n"
        "attempt(lambda: a.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 30))\n"
        "attempt(lambda: socket.send_fds(a, [b'x'], [0]))",
    "many socket pairs": "import socket\nkeep, n = [], 0\ntry:\n    while True:\n"
        "        keep.append(socket.socketpair())\nexcept OSError:\n    pass\nfor a, b in keep:\n"
        "    for s in (a, b):\n        s.setblocking(False)\n        try:\n"
        "            while True: n += s.send(bytes(4096))\n        except OSError: pass\n"
        "print('ESCAPED' if n > 32 << 20 else n)",
    "many pipes": "import os, fcntl\nn = 0\ntry:\n    while True:\n"
        "        r, w = os.pipe(); fcntl.fcntl(w, fcntl.F_SETPIPE_SZ, 1 << 20); os.set_blocking(w, False)\n"
        "        try:\n            while True: n += os.write(w, bytes(1 << 16))\n"
        "        except BlockingIOError: pass\nexcept OSError:\n    pass\nprint('ESCAPED' if n > 64 << 20 else n)",
    "many timers": "import ctypes\nlibc = ctypes.CDLL(None, use_errno=True)\nn = 0\n"
        "while n < 5000 and libc.syscall(222, 0, None, ctypes.byref(ctypes.c_int())) == 0: n += 1\n"
        "print('ESCAPED' if n >= 5000 else n)",
    "watches": TRY + LIBC + "attempt(lambda: call(294, 0))",
    "locked memory": TRY + LIBC + "attempt(lambda: call(151, 3))",
    "many empty files": "import os\nn = 0\ntry:\n    for n in range(300000): os.close(os.open(f'f{n}', os.O_CREAT))\n"
        "except OSError:\n    pass\nprint(n)",
    "many processors": "import os\nfor i in range(8):\n    if os.fork() == 0:\n        while True: pass\n"
        "while True: pass",
    "orphans that compute": "import os, time\nif os.fork() == 0:\n    os.setsid()\n    for i in range(4):\n"
        "        if os.fork() == 0:\n            while True: pass\n    os._exit(0)\ntime.sleep(20)\nprint('ESCAPED')",
    "zombies": "import os\nfor i in range(30):\n    if os.fork() == 0: os._exit(0)\nprint('alive')",
    "processes as fast as they end": "import os, signal\nsignal.signal(signal.SIGCHLD, signal.SIG_IGN)\nwhile True:\n"
        "    try:\n        if os.fork() == 0: os._exit(0)\n    except OSError: pass",
    # a second round: other families of sockets, older and newer doors of the kernel, what a program may still own
    "other families of sockets": TRY + "import socket\nfor family in (17, 29, 31, 38, 40, 44):\n"
        "    # packets, CAN, Bluetooth, crypto, vsock, XDP\n    for kind in (1, 2, 3, 5):\n"
        "        attempt(lambda: socket.socket(family, kind))",
    "interfaces of the kernel": TRY + LIBC + "for number in (425, 321, 298, 323, 300, 304, 312, 447, 249, 250, "
        "246, 175, 313, 308, 155, 440, 438, 279, 256):\n    attempt(lambda: call(number, 0, 0, 0, 0, 0))",
    "mounts of the new kind": TRY + LIBC + "for number in (428, 429, 430, 431, 432, 433, 442, 467):\n"
        "    attempt(lambda: call(number, -100, b'/', 1, 0, 0))",
    "new name spaces by clone": TRY + LIBC + "import os\nfor flag in (0x10000000, 0x20000, 0x20000000, 0x40000000, "
        "0x4000000, 0x2000000):\n    def clone():\n        pid = libc.syscall(56, flag | 17, 0, 0, 0, 0)\n"
        "        if pid == 0: os._exit(0)\n        if pid < 0: raise OSError\n    attempt(clone)\n"
        "attempt(lambda: call(435, bytes(88), 88))",
    "name spaces of the runner": TRY + LIBC + "import os\nfor pid in (os.getppid(), 1):\n"
        "    for name in ('mnt', 'net', 'pid', 'user'):\n        def enter():\n"
        "            call(308, os.open(f'/proc/{pid}/ns/{name}', os.O_RDONLY), 0)\n        attempt(enter)",
    "root and folder of the runner": TRY + "import os\nfor name in ('root', 'cwd', 'fd', 'map_files'):\n"
        "    attempt(lambda: os.listdir(f'/proc/{os.getppid()}/{name}'))",
    "calls of a 32-bit program": "import ctypes, mmap, os\nif os.uname().machine == 'x86_64':\n"
        "    page = mmap.mmap(-1, 4096, prot=7)\n"
        "    page.write(bytes.fromhex('b814000000cd80c3'))  # getpid by the old door\n"
        "    address = ctypes.addressof(ctypes.c_char.from_buffer(page))\n"
        "    print('ESCAPED', ctypes.CFUNCTYPE(ctypes.c_int)(address)())",
    "calls of the x32 table": LIBC + "import os\nif os.uname().machine == 'x86_64':\n"
        "    print('ESCAPED' if libc.syscall(0x40000000 | 39) > 0 else 'no such call')",
    "clock of the machine": TRY + "import time\nattempt(lambda: time.clock_settime(time.CLOCK_REALTIME, time.time()))",
    "name of the machine": TRY + "import socket\nattempt(lambda: socket.sethostname('escaped'))",
    "log of the kernel": TRY + LIBC + "attempt(lambda: call(103, 3, bytes(4096), 4096))\n"
        "attempt(lambda: open('/proc/kmsg').read(1))\nattempt(lambda: open('/proc/kcore', 'rb').read(64))",
    "switches of the kernel": TRY + "import os\nfor path in ('/proc/sysrq-trigger', '/proc/sys/vm/drop_caches', "
        "'/proc/sys/kernel/hostname', '/proc/sys/fs/file-max', '/proc/self/uid_map', '/proc/irq/0/smp_affinity'):\n"
        "    attempt(lambda: os.write(os.open(path, os.O_WRONLY), b'1'))",
    "owner of a socket's signals": TRY + "import fcntl, os, socket, struct\na, b = socket.socketpair()\n"
        "for pid in (os.getppid(), 1, -1):\n    for number in (0x8901, 0x8902):\n        try:\n"
        "            fcntl.ioctl(a, number, struct.pack('i', pid))\n"
        "            fcntl.fcntl(a, fcntl.F_SETFL, os.O_ASYNC | os.O_NONBLOCK)\n            b.send(b'x')\n"
        "        except OSError as error:\n            print('blocked', error)\nprint('alive')",
    "owner of a socket's signals, a process": TRY + "import fcntl, socket, struct\na, b = socket.socketpair()\n"
        "for number in (0x8901, 0x8902):\n    attempt(lambda: fcntl.ioctl(a, number, struct.pack('i', VICTIM)))",
    "keys of the terminal": TRY + "import fcntl, os\nfor path in (0, 1, 2, '/dev/tty', '/dev/console'):\n"
        "    def type_in():\n        fd = path if isinstance(path, int) else os.open(path, os.O_RDWR)\n"
        "        fcntl.ioctl(fd, 0x5412, b'x')\n    attempt(type_in)",
    "child of the runner": LIBC + "import os, time\npid = libc.syscall(56, 0x8000 | 17, 0, 0, 0, 0)  # its parent is "
        "mine\n"
        "if pid == 0:\n    time.sleep(20)\n    os._exit(0)\nprint('made', pid > 0)",
    "adopter of orphans": LIBC + "import os, time\nlibc.prctl(36, 1, 0, 0, 0)\nlibc.prctl(1, 0, 0, 0, 0)\n"
        "if os.fork() == 0:\n"
        "    if os.fork() == 0:\n        os.setsid()\n        time.sleep(20)\n    os._exit(0)\nprint('parent ends')",
    "descriptors of the runner": "import os\nfor fd in range(3, 4096):\n"
        "    for text in (b'\\0' * 8, b'value 0 1\\n'):\n"
        "        try: os.write(fd, text)\n        except OSError: pass\nprint('wrote')",
    "own pipes by another door": "import os\nfor fd in (0, 1, 2):\n    for mode in (os.O_RDONLY, os.O_WRONLY):\n"
        "        try:\n            other = os.open(f'/proc/self/fd/{fd}', mode | os.O_NONBLOCK)\n"
        "            os.write(other, b'\\xff' * 64) if mode else os.read(other, 64)\n"
        "        except OSError: pass\nprint('done')",
    "many attributes of files": "import os\nn = 0\ntry:\n    for i in range(2000):\n"
        "        open(f'f{i}', 'w').close()\n"
        "        for j in range(4):\n            os.setxattr(f'f{i}', f'user.x{j}', bytes(60000)); n += 60000\n"
        "except OSError:\n    pass\nprint('ESCAPED' if n > 64 << 20 else n)",
    "many terminals": "import os\nn = 0\ntry:\n    for n in range(300): os.open('/dev/ptmx', os.O_RDWR)\n"
        "except OSError:\n    pass\nprint('ESCAPED' if n > 64 else n)",
    "locks on what all share": TRY + "import fcntl\nfile = open('/usr/bin/env', 'rb')\n"
        "fcntl.flock(file, fcntl.LOCK_EX)\n"
        "attempt(lambda: fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_WRLCK))",
    "the real-time class": TRY + "import os\nfor policy in (1, 2):\n"
        "    attempt(lambda: os.sched_setscheduler(0, policy, os.sched_param(50)))\nattempt(lambda: os.nice(-5))",
    "accounting, quotas, swap": TRY + LIBC + "for number in (163, 167, 168, 169, 179):\n"
        "    attempt(lambda: call(number, 0, 0, 0, 0))",
    # the runner's own work
    "source that breaks the compiler": "(" * 5000 + ")" * 5000,
    "source of deep operators": "x = " + "-" * 100000 + "1",
    "source with a zero byte": "print(1)\0",
    "lone surrogate": "print('\ud800')",
    "file names of surrogates": "open('\\udcff', 'w').close()\nprint('made')",
    "exit with a giant": "import sys\nsys.exit(10**400)",
    "exit that cannot be printed": "class A:\n    def __str__(self): raise SystemExit(A())\nimport sys\nsys.exit(A())",
    "raise what cannot be printed": "class A(Exception):\n    def __str__(self): raise A\nraise A",
    "abort": "import os\nos.abort()",
    "stop itself": "import os, signal\nos.kill(os.getpid(), signal.SIGSTOP)\nimport time\ntime.sleep(20)",
    "crash": "import ctypes\nctypes.string_at(0)",
    "stop the time": "import signal\nsignal.setitimer(signal.ITIMER_REAL, 0.01, 0.01)\n"
        "signal.signal(signal.SIGALRM, lambda *a: None)\nwhile True: pass",
    "answer after the time": "import signal\nsignal.signal(signal.SIGXCPU, lambda *a: print(42, flush=True))\n"
        "while True: pass",
}  # fmt: skip
CONFINED = Program(
    "import os, socket\ndef denied(f):\n    try: f()\n    except OSError: return True\n    return False\n"
    "print(denied(lambda: open('/etc/passwd')), denied(lambda: socket.socket()), denied(lambda: open('/open_r1_test', "
    "'w')), os.getuid() != 0)",
    inputs=[""], limits=Limits(seconds=10),
)  # fmt: skip


def adopt() -> None:
    """Takes over orphans and, like the first process of many containers, does not reap them: zombies stay seen."""
    ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER


def children() -> set[str]:
    """Processes, zombies too, whose parent is this one."""
    found = set()
    for path in glob.glob("/proc/[0-9]*/stat"):
        try:
            pid, rest = Path(path).read_text().split(" ", 1)
        except OSError:
            continue
        if rest.rpartition(")")[2].split()[1] == str(os.getpid()):
            found.add(pid)
    return found


class Canaries:
    """What belongs to the programs' user outside the sandbox, and whether it is as it was."""

    def __init__(self):
        user = 65534 if os.getuid() == 0 else os.getuid()
        self.folder = Path(tempfile.mkdtemp(prefix="canary_"))
        (self.folder / "file").write_text(SECRET)
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(self.folder / "socket"))
        self.socket.setblocking(False)
        with contextlib.suppress(OSError):  # not every file system has them
            os.setxattr(self.folder / "file", "user.canary", b"x")
        for path in (*self.folder.iterdir(), self.folder):
            if os.getuid() == 0:
                os.chown(path, user, user)
            path.chmod(0o777)
        identity = {"user": user, "group": user, "extra_groups": []} if os.getuid() == 0 else {}
        self.victim = subprocess.Popen(["sleep", "600"], **identity)
        self.before = self.state()

    def state(self) -> list:
        files = [
            (path.stat().st_mode, path.stat().st_uid, path.stat().st_mtime, path.stat().st_size)
            for path in (self.folder, self.folder / "file")
        ]
        pid = self.victim.pid
        limits = Path(f"/proc/{pid}/limits").read_text()
        return [
            files,
            self.victim.poll(),
            limits,
            os.sched_getscheduler(pid),
            os.sched_getaffinity(pid),
            os.getpriority(os.PRIO_PROCESS, pid),
        ]

    def source(self, text: str) -> str:
        return text.replace("CANARY", str(self.folder)).replace("VICTIM", str(self.victim.pid))

    def close(self) -> list[str]:
        """What has changed."""
        changed = [f"{was} became {now}" for was, now in zip(self.before, self.state(), strict=True) if was != now]
        with contextlib.suppress(BlockingIOError):
            changed.append(f"received {self.socket.recv(100)}")
        self.victim.kill()
        self.victim.wait()
        self.socket.close()
        shutil.rmtree(self.folder)
        return changed


def checked(mode: str, warm: bool, concurrency: int = 1) -> LocalSandbox:
    """A sandbox that is in force: a harmless program has shown it."""
    sandbox = LocalSandbox(mode, warm=warm, concurrency=concurrency)
    check = sandbox.run(CONFINED)[0]
    if check.stdout.split() != ["True"] * 4:
        sys.exit(f"the sandbox is not in force, nothing was run: {check}")
    return sandbox


def main(mode: str, warm: bool) -> None:
    """Runs every attack; prints as JSON lines what became of it and whether the sandbox still serves an honest one."""
    os.environ["HF_TOKEN"] = SECRET
    adopt()
    canaries, names = Canaries(), list(ATTACKS)

    def run(worker: int) -> list[dict]:
        reports, sandbox = [], checked(mode, warm)
        for name in names[worker::WORKERS]:
            began = time.monotonic()
            outcome = sandbox.run(Program(canaries.source(ATTACKS[name]), inputs=[""], limits=LIMITS))[0]
            seconds = time.monotonic() - began
            after = sandbox.run(
                Program("import os\nprint(os.listdir('.'), int(input()) + 1)", inputs=["41"], limits=LIMITS)
            )[0]
            texts = {"stdout": outcome.stdout[:2000], "stderr": outcome.stderr[-300:], "after": after.stdout.strip()}
            reports.append({"name": name, "state": outcome.state, "seconds": seconds} | texts)
        sandbox.close()
        return reports

    with ThreadPoolExecutor(WORKERS) as threads:
        reports = [report for found in threads.map(run, range(WORKERS)) for report in found]
    print(*map(json.dumps, reports), sep="\n")  # by one thread: writes of several may mix
    print(json.dumps({"name": "at the end", "changed": canaries.close(), "left": sorted(children())}))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2] == "warm")
