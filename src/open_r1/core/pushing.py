"""What a stage gives to the queue (`outbox.py`), and the process that sends it.

A stage starts that process with its first entry and, when it ends, leaves it `WAIT` seconds; `open-r1 run` does so for
all its stages together. What is then left, the last lines say, with the command that sends it.
"""

import atexit
import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .card_facts import CARD
from .errors import UserError
from .inputs import is_offline, read_manifest
from .outbox import FOLDER, add, entries, left, pushed, waiting
from .publishing import MODEL, Repository, kind_of, repository_of
from .shards import PIECES

WAIT, PREFLIGHT = 300.0, 60.0  # seconds for what is not published at the end, and for the Hub's answer before a run
RUNNER = "OPEN_R1_PUBLISHES"  # set for the stages of a runner, which publishes for them
ENVIRONMENT = dict(os.environ)  # before a stage that loads nothing from the Hub switches it off for itself
# of an output: what only an unfinished run needs, and pickles, which no other machine should read
LEFT_OUT = ["checkpoint-*", "start", "progress.json", "started.json", "halted.json", "*.lock", "*.bin", "*.pt"]
LEFT_OUT += ["*.pth", "evaluations"]
# of a checkpoint: the model, whole or in pieces, not the optimizer
STEP_FILES = ["*.safetensors", "*.json", "*.jinja", "*.model", "*.txt", *PIECES]


def facts_of(recipe: Mapping[str, Any], kind: str, made: str) -> dict[str, Any]:
    """What an entry says of its artifact, whose hash is `made`."""
    where = repository_of(recipe, kind)._asdict()
    return {"hash": made, "repository": where, "must_stop": recipe.get("hub_must_stop", 8)}


def queue(output: Path, name: str, files: list[Path], base: Path, facts: Mapping[str, Any]) -> None:
    """Adds an entry, where it is not there yet, and sees that it is sent."""
    if add(output, name, files, base, facts):
        send(output)


def add_final(output: Path, recipe: Mapping[str, Any]) -> None:
    """Queues a complete artifact, as it lies on the disk."""
    manifest = read_manifest(output)
    assert manifest, output
    kept = [path for path in sorted(output.iterdir()) if not left_out(path)]
    files = [file for path in kept for file in ([path] if path.is_file() else sorted(path.rglob("*")))]
    files = [file for file in files if file.is_file() and not file.name.startswith(".")]
    queue(output, "final", files, output, facts_of(recipe, kind_of(output), manifest["hash"]))


def left_out(path: Path) -> bool:
    return path.name.startswith(".") or any(path.match(pattern) for pattern in LEFT_OUT)


def step_files(checkpoint: Path) -> list[Path]:
    """The files of a checkpoint that are its model."""
    return [file for pattern in STEP_FILES for file in sorted(checkpoint.glob(pattern))]


def add_step(output: Path, recipe: Mapping[str, Any], made: str, step: int) -> None:
    """Queues the model of a checkpoint that is complete; `made` is the hash of what the recipe makes."""
    checkpoint = output / f"checkpoint-{step}"
    try:
        queue(output, f"step-{step:06d}", step_files(checkpoint), checkpoint, facts_of(recipe, MODEL, made))
    except OSError as error:  # a full disk: what the training saves next says so too, and ends it where it must
        print(f"notice: step {step} is not published: {error}", flush=True)


def add_card(output: Path, version: str) -> None:
    """
    Queues the card of an artifact that is published, or waits to be, to be written and sent once more.

    Args:
        output (`Path`):
            The artifact directory.
        version (`str`):
            What tells this card from another one.
    """
    finals = [note for note in [*pushed(output), *waiting(output)] if note["name"] == "final"]
    if finals:
        facts = {key: finals[-1][key] for key in ("repository", "must_stop")} | {"hash": version}
        queue(output, "card", [output / CARD], output, facts)


# ------------------------------------------------------------------------------------------------- who sends it


def started(words: list[str], log: Path) -> subprocess.Popen[bytes]:
    """A process of its own, which lives on: its standard input closes when this one ends, however it ends."""
    how: dict[str, Any] = {"stdin": subprocess.PIPE, "env": ENVIRONMENT, "start_new_session": True, "bufsize": 0}
    with log.open("a") as file:
        return subprocess.Popen(words, stdout=file, stderr=file, **how)


class Pusher:
    """
    The process that empties the queues of the outputs it is told of, also of what comes into them while it runs.

    Args:
        log (`Path`):
            Where it writes.
    """

    def __init__(self, log: Path):
        self.outputs: list[Path] = []
        self.process: subprocess.Popen[bytes] | None = None
        if is_offline(ENVIRONMENT):  # nobody to send to: what is published waits in its queues
            return
        log.parent.mkdir(parents=True, exist_ok=True)
        self.process = started([sys.executable, "-m", "open_r1.push", "--follow"], log)

    def watch(self, output: Path) -> None:
        """Tells it of an artifact directory."""
        if output in self.outputs:
            return
        self.outputs.append(output)
        if self.process and self.process.stdin:
            with contextlib.suppress(BrokenPipeError):  # it has been killed: the last lines say what is left
                self.process.stdin.write(f"{json.dumps(str(output.absolute()))}\n".encode())

    def close(self, wait: float = WAIT) -> None:
        """Waits for what is left, as long as the Hub takes it; says what stays. A kill costs what was under way."""
        if self.process and self.process.stdin:
            self.process.stdin.close()
            if any(entries(output) for output in self.outputs):
                print("publishing what is left", flush=True)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(wait)
            self.process.kill()
            self.process.wait()
        for line in left(self.outputs):
            print(line, flush=True)


OWN: list[Pusher] = []  # this process's


def send(output: Path) -> None:
    """Sees that the queue of an output is emptied: by a process of this one, unless a runner has one for it."""
    if os.environ.get(RUNNER):
        return
    if not OWN:
        OWN.append(Pusher(output / FOLDER / "log"))
        atexit.register(OWN[0].close)
    OWN[0].watch(output)


def require_access(repositories: list[Repository]) -> None:
    """
    Asks the Hub, before a long run, whether these may be written, in a process of its own: this one may be offline.

    Raises `UserError` where they may not. A Hub that does not answer is only told: what is to be published waits.
    """
    if not repositories or os.environ.get(RUNNER) or is_offline(ENVIRONMENT):
        return  # the runner has asked, or what is published waits for a network
    words = [sys.executable, "-m", "open_r1.push", "--check", json.dumps(repositories)]
    try:
        done = subprocess.run(words, env=ENVIRONMENT, capture_output=True, text=True, timeout=PREFLIGHT)
    except subprocess.TimeoutExpired:
        return print(f"notice: the Hub has not answered in {PREFLIGHT} s: what is to be published waits", flush=True)
    if done.stdout:
        print(done.stdout.strip(), flush=True)
    if done.returncode:
        message, _, hint = done.stderr.strip().removeprefix("error: ").partition("\n  fix: ")
        raise UserError(message, hint)
