"""Hostile and honest programs from many threads at once, in every kind of sandbox; afterwards nothing may be left and
no verdict false.

A zombie that a sandbox leaves stays seen: this process takes over orphans and does not reap them.

    python soak.py SECONDS [THREADS]

DANGER: it runs attacks.py's programs, see there.
"""

import gc
import glob
import os
import random
import sys
import tempfile
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from attacks import ATTACKS, Canaries, adopt, checked, children

from open_r1.sandbox import Limits, Program, cgroup
from open_r1.sandbox.local import works

WAYS = [("bubblewrap", False), ("bubblewrap", True), ("landlock", False)]
HONEST = [  # source, stdin, stdout
    ("print(int(input()) + 1)", "41", "42\n"),
    (
        "import os\nprint(os.listdir('.'), oct(os.stat('.').st_mode & 0o700))\nopen('x', 'w').write('y')",
        "",
        "[] 0o700\n",
    ),
    ("import sys\nprint(sum(map(int, sys.stdin.read().split())))", "\n".join(map(str, range(20000))), "199990000\n"),
    ("from collections import Counter\nprint(Counter(input()).most_common(1))", "abbc", "[('b', 2)]\n"),
    ("print('x' * 2_000_000)", "", "x" * 2_000_000 + "\n"),
    (
        "import threading\nt = [threading.Thread(target=print, args=(7,)) for _ in range(4)]\n"
        "for x in t: x.start(); x.join()",
        "",
        "7\n" * 4,
    ),
    ("open('f', 'wb').write(bytes(1 << 20))\nprint(len(open('f', 'rb').read()))", "", "1048576\n"),
    ("print(len(bytearray(b'x') * (100 << 20)))", "", "104857600\n"),
]
LIMITS = Limits(seconds=10.0)  # of honest programs: threads share few cores with hostile ones
HOSTILE = Limits(seconds=0.3, memory=128 << 20)


def state() -> dict[str, set[str]]:
    """What a sandbox could leave behind."""
    groups = {str(group) for root, _ in cgroup.ROOTS for group in root.glob(f"open_r1_{os.getpid()}_*")}
    threads = {thread.name for thread in threading.enumerate()}
    files = {
        os.readlink(fd) for fd in glob.glob("/proc/self/fd/*") if os.path.lexists(fd) and "pidfd" in os.readlink(fd)
    }
    return {
        "processes": children(),
        "groups": groups,
        "threads": threads,
        "descriptors": files,
        # fmt: skip
        "folders": set(os.listdir(tempfile.tempdir)),
        "mounts": set(Path("/proc/self/mounts").read_text().splitlines()),
    }


def soak(seconds: float, threads: int = 8) -> tuple[Counter, list[str]]:
    """Programs run by kind, and everything that was not as it should be."""
    adopt()
    tempfile.tempdir = tempfile.mkdtemp(prefix="soak_")
    os.chmod(tempfile.tempdir, 0o755)
    ways = [way for way in WAYS if not works(*way)]
    canaries, until, counts, wrong = Canaries(), time.monotonic() + seconds, Counter(), []
    before = state()
    boxes = [(mode, warm, checked(mode, warm, concurrency=max(2, threads // len(ways)))) for mode, warm in ways]

    def work(seed: int) -> None:
        chance = random.Random(seed)
        while time.monotonic() < until:
            mode, warm, sandbox = chance.choice(boxes)
            way = f"{mode} {'warm' if warm else 'fresh'}"
            if chance.random() < 0.5:
                name, source = chance.choice(list(ATTACKS.items()))
                outcome = sandbox.run(Program(canaries.source(source), inputs=[""], limits=HOSTILE))[0]
                counts[f"hostile, {way}"] += 1
                allowed = mode == "landlock" and name == "many files"  # nothing caps the size of its folder
                if ("ESCAPED" in outcome.stdout and not allowed) or outcome.state == "broken":
                    wrong.append(f"{way}: {name}: {outcome.state} {outcome.stdout[:100]} {outcome.stderr[:100]}")
            else:
                source, stdin, stdout = chance.choice(HONEST)
                outcome = sandbox.run(Program(source, inputs=[stdin], limits=LIMITS))[0]
                counts[f"honest, {way}"] += 1
                if not outcome.succeeded or outcome.stdout != stdout:
                    wrong.append(
                        f"{way}: {source[:60]!r}: {outcome.state} {outcome.code} {outcome.stdout[:80]!r} "
                        f"{outcome.stderr[-300:]}"
                    )

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(work, range(threads)))
    for _, _, sandbox in boxes:
        sandbox.close()
    gc.collect()
    cgroup.remove_all()
    wrong += [f"left: {kind}: {sorted(now - before[kind])}" for kind, now in state().items() if now - before[kind]]
    wrong += [f"canary: {change}" for change in canaries.close()]
    os.rmdir(tempfile.tempdir)
    return counts, wrong


if __name__ == "__main__":
    counts, wrong = soak(float(sys.argv[1]), *map(int, sys.argv[2:]))
    for kind, count in sorted(counts.items()):
        print(f"{kind}: {count}")
    print(*wrong, f"{sum(counts.values())} programs, {len(wrong)} wrong or left behind", sep="\n")
    sys.exit(bool(wrong))
