"""The cases of trial_idioms.txt and trial_cheats.txt: a trial of the finished code, kept apart from its own tables."""

from pathlib import Path

from code_cheats import EQUAL, FRAMES, GC, look

COROUTINE = "\nasync def g(x):\n    return f(x)\n"
PROGRAMS = {  # names that stand for a program in trial_cheats.txt
    "FRAMES": FRAMES + COROUTINE,
    "GC": GC + COROUTINE,
    "TRACE": (
        "import sys\nseen = []\ndef trace(frame, event, value):\n"
        "    seen.extend([dict(frame.f_locals), dict(frame.f_globals), frame.f_code])\n    return trace\n"
        "sys.settrace(trace)\nsys.setprofile(trace)\n" + look("    found = list(seen)") + COROUTINE
    ),
    "EXEC": (
        "import builtins, sys\nseen = []\nsys.addaudithook(lambda *event: seen.append(str(event)))\n"
        "def spy(what):\n    return lambda *a, **k: (seen.append(str(a)), what(*a, **k))[1]\n"
        "for name in ('exec', 'eval', 'compile'):\n    setattr(builtins, name, spy(getattr(builtins, name)))\n"
        + look("    found = list(seen)")
        + COROUTINE
    ),
    "UNIVERSAL": EQUAL + "def f(*_, **__):\n    return E()" + COROUTINE,
    "UNIVERSAL_OBJECT": EQUAL + "f = E()" + COROUTINE,
}


def read(name: str) -> dict[str, tuple[str, str]]:
    """Title -> gold and program."""
    text = Path(__file__).with_name(name).read_text(encoding="utf-8")
    cases = {}
    for block in text.split("\n### ")[1:]:
        title, rest = block.split("\n", 1)
        gold, program = rest.split("\n---\n", 1)
        names = program.split()
        if set(names) <= PROGRAMS.keys():
            cases |= {f"{title}: {name}": (gold, PROGRAMS[name]) for name in names}
        else:
            cases[title] = (gold, program.replace("EQUAL\n", EQUAL))
    return cases


TRIAL_IDIOMS, TRIAL_CHEATS = read("trial_idioms.txt"), read("trial_cheats.txt")
