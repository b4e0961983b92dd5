"""What waits to be published: a queue on disk beside each artifact, and the process that empties it.

    OUTPUT/.hub/0001-step-000100/entry.json    # where to, and of which recipe
                                 files/        # hard links to what the stage has written
    OUTPUT/.hub/pushed.jsonl                   # a line for each that is on the Hub, with its commit

An entry is there whole or not at all (`rename`, when it comes and when it goes). It keeps its files when the stage
deletes its own names for them, as it does with old checkpoints. The process that empties the queue (`open-r1 push
--resume OUTPUT`) is not the stage's: a Hub that is slow or away costs a training nothing, and a kill of either loses
nothing.

A stage starts that process with its first entry and, when it ends, leaves it `WAIT` seconds; `open-r1 run` does so for
all stages together. What is then left, the last lines say, with the command that sends it.
"""

import atexit
import contextlib
import json
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from .errors import UserError
from .inputs import is_offline, read_manifest
from .publishing import MODEL, PREFLIGHT, Repository, kind_of, repository_of

FOLDER, ENTRY, FILES, PUSHED, REFUSED = ".hub", "entry.json", "files", "pushed.jsonl", "refused"
DRAFT, GONE = ".draft-", ".gone-"  # of an entry that is not there yet, and of one that is no more
WAIT = 300.0  # seconds that a run waits at its end for what is not published yet
RUNNER = "OPEN_R1_PUBLISHES"  # set for the stages of a runner, which publishes for them
ENVIRONMENT = dict(os.environ)  # before a stage that loads nothing from the Hub switches it off for itself
# of an output: what only an unfinished run needs, and what no other machine should unpickle
LEFT_OUT = ("checkpoint-*", "start", "progress.json", "started.json", "halted.json", "*.lock")
LEFT_OUT += ("*.bin", "*.pt", "*.pth")  # pickles
# of a checkpoint: the model, not the optimizer
STEP_FILES = ("*.safetensors", "*.json", "*.jinja", "*.model", "*.txt")


def add(output: Path, name: str, files: Iterable[Path], base: Path, facts: Mapping[str, Any]) -> Path | None:
    """
    Puts something into the queue of an output.

    Args:
        output (`Path`):
            The artifact directory.
        name (`str`):
            `step-000100`, `final` or `card`.
        files (`Iterable[Path]`):
            What is published, below `base`.
        base (`Path`):
            The directory that becomes the repository's root.
        facts (`Mapping`):
            What the entry says beside its name; its `hash` tells one recipe's result from another's.

    Returns:
        `Path`: the entry, or `None` where the same is there or published already.
    """
    queue = output / FOLDER
    same = ("name", "hash", "repository")
    note = {"name": name, **facts}
    if any(all(other[key] == note[key] for key in same) for other in [*pushed(output), *waiting(output)]):
        return None
    queue.mkdir(parents=True, exist_ok=True)
    draft = queue / f"{DRAFT}{name}"
    for unfinished in queue.glob(f"{DRAFT}*"):  # a kill has left it
        shutil.rmtree(unfinished)
    for file in files:
        place = draft / FILES / file.relative_to(base)
        place.parent.mkdir(parents=True, exist_ok=True)
        link(file, place)
    (draft / ENTRY).write_text(json.dumps(note), encoding="utf-8")
    entry = queue / f"{1 + max((number(path) for path in entries(output)), default=0):04d}-{name}"
    draft.rename(entry)
    return entry


def link(file: Path, place: Path) -> None:
    """Another name for a file's bytes; a copy on a file system without hard links."""
    try:
        os.link(file, place)
    except OSError:
        shutil.copy2(file, place)


def number(entry: Path) -> int:
    return int(entry.name.partition("-")[0])


def entries(output: Path) -> list[Path]:
    """What waits, in its order."""
    return sorted((output / FOLDER).glob("[0-9]*-*"), key=number)


def read_entry(entry: Path) -> dict[str, Any]:
    return json.loads((entry / ENTRY).read_text(encoding="utf-8"))


def waiting(output: Path) -> list[dict[str, Any]]:
    """The notes of all entries that wait."""
    found = []
    for entry in entries(output):
        with contextlib.suppress(FileNotFoundError):  # published since
            found.append(read_entry(entry))
    return found


def remove(entry: Path) -> None:
    """Takes an entry off the queue."""
    output = entry.parent.parent
    tidy(output)
    entry.rename(entry.with_name(f"{GONE}{entry.name}"))
    tidy(output)


def tidy(output: Path) -> None:
    """Deletes what is left of entries that are no more."""
    for gone in (output / FOLDER).glob(f"{GONE}*"):
        shutil.rmtree(gone, ignore_errors=True)


def pushed(output: Path) -> list[dict[str, Any]]:
    """What is on the Hub, in the order in which it came there."""
    file = output / FOLDER / PUSHED
    lines = file.read_text(encoding="utf-8").splitlines() if file.is_file() else []
    return [json.loads(line) for line in lines if line.endswith("}")]  # a kill may have cut one


def record(output: Path, note: Mapping[str, Any]) -> None:
    """Notes what is on the Hub, in a line of its own that a kill cannot take back."""
    path = output / FOLDER / PUSHED
    before = path.read_bytes() if path.is_file() else b""
    with path.open("a", encoding="utf-8") as file:
        file.write("\n" if before and not before.endswith(b"\n") else "")  # after one that a kill has cut
        file.write(json.dumps(note) + "\n")
        file.flush()
        os.fsync(file.fileno())


# ------------------------------------------------------------------------------------------------- what stages add


def facts_of(recipe: Mapping[str, Any], kind: str, made: str) -> dict[str, Any]:
    """What an entry says of its artifact, whose hash is `made`."""
    where = repository_of(recipe, kind)._asdict()
    return {"hash": made, "repository": where, "must_stop": recipe.get("hub_must_stop", 8)}


def add_final(output: Path, recipe: Mapping[str, Any]) -> None:
    """Queues a complete artifact, as it lies on the disk."""
    manifest = read_manifest(output)
    assert manifest, output
    kept = [path for path in sorted(output.iterdir()) if not left_out(path)]
    files = [file for path in kept for file in ([path] if path.is_file() else sorted(path.rglob("*")))]
    files = [file for file in files if file.is_file() and not file.name.startswith(".")]
    if add(output, "final", files, output, facts_of(recipe, kind_of(output), manifest["hash"])):
        send(output)


def left_out(path: Path) -> bool:
    return path.name.startswith(".") or any(path.match(pattern) for pattern in LEFT_OUT)


def add_step(output: Path, recipe: Mapping[str, Any], made: str, step: int) -> None:
    """Queues the model of a checkpoint that is complete; `made` is the hash of what the recipe makes."""
    checkpoint = output / f"checkpoint-{step}"
    if not list(checkpoint.glob("*.safetensors")):
        print(f"notice: step {step} is not published: its checkpoint is in pieces (FSDP); the result is", flush=True)
        return
    files = [file for pattern in STEP_FILES for file in sorted(checkpoint.glob(pattern))]
    if add(output, f"step-{step:06d}", files, checkpoint, facts_of(recipe, MODEL, made)):
        send(output)


def add_card(output: Path, recipe: Mapping[str, Any], version: str) -> None:
    """Queues the card of an artifact that is published, or waits to be, again; `version` tells one from another."""
    files = [file for file in (output / "README.md", output / "curves.png") if file.is_file()]
    if add(output, "card", files, output, facts_of(recipe, kind_of(output), version)):
        send(output)


# ------------------------------------------------------------------------------------------------- who sends it


class Pusher:
    """
    The process that empties the queues of some outputs, also of what comes into them while it runs.

    Args:
        outputs (`list[Path]`):
            The artifact directories.
        log (`Path`):
            Where it writes.
    """

    def __init__(self, outputs: list[Path], log: Path):
        self.outputs = outputs
        self.process: subprocess.Popen[bytes] | None = None
        if is_offline(ENVIRONMENT):  # nobody to send to: what is published waits in its queues
            return
        log.parent.mkdir(parents=True, exist_ok=True)
        words = [sys.executable, "-m", "open_r1.push", "--resume", *map(str, outputs), "--follow"]
        with log.open("a") as file:
            # its standard input closes when this process ends, however it ends: then it goes on to the queue's end
            self.process = subprocess.Popen(
                words, stdin=subprocess.PIPE, stdout=file, stderr=file, env=ENVIRONMENT, start_new_session=True
            )

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

    @property
    def alive(self) -> bool:
        return self.process is not None and self.process.poll() is None


def left(outputs: Iterable[Path]) -> list[str]:
    """Lines about what is not published: refused, or pending."""
    lines, pending = [], []
    for output in outputs:
        for entry in entries(output):
            if (entry / REFUSED).exists():
                lines.append(f"not published: {output} ({read_entry(entry)['name']}): {(entry / REFUSED).read_text()}")
            else:
                pending.append(output)
    if pending:
        words = shlex.join(str(output) for output in dict.fromkeys(pending))
        lines.append(f"pending: {len(pending)} to be published; send them with: open-r1 push --resume {words}")
    return lines


PUSHERS: dict[Path, Pusher] = {}


def send(output: Path) -> None:
    """Sees that the queue of an output is emptied: by a process of this one, unless a runner has one for it."""
    if os.environ.get(RUNNER) or (output in PUSHERS and PUSHERS[output].alive):
        return
    if output not in PUSHERS:
        atexit.register(lambda: PUSHERS[output].close())
    PUSHERS[output] = Pusher([output], output / FOLDER / "log")


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
