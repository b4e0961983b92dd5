"""What waits to be published: a queue on disk beside each artifact, and the process that empties it.

    OUTPUT/.hub/0001-step-000100/entry.json    # where to, and of which recipe
                                 files/        # hard links to what the stage has written
    OUTPUT/.hub/pushed.jsonl                   # a line for each that is on the Hub, with its commit

An entry is there whole or not at all (`rename`, when it comes and when it goes). It keeps its files when the stage
deletes its own names for them, as it does with old checkpoints. The process that empties the queue (`open-r1 push
--resume OUTPUT`) is not the stage's: a Hub that is slow or away costs a training nothing, and a kill of either loses
nothing.
"""

import contextlib
import json
import os
import shlex
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from .files import write_atomically

FOLDER, ENTRY, FILES, PUSHED, REFUSED = ".hub", "entry.json", "files", "pushed.jsonl", "refused"
DRAFT, GONE = ".draft-", ".gone-"  # of an entry that is not there yet, and of one that is no more


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


def forget(output: Path, place: str) -> None:
    """Strikes out the notes on a repository that is on the Hub no more."""
    kept = [json.dumps(note) + "\n" for note in pushed(output) if note["place"] != place]
    write_atomically(output / FOLDER / PUSHED, "".join(kept))


def tell_lost(output: Path) -> None:
    """Says what is deleted with an output, as `--force` does, and was not published."""
    if names := [note["name"] for note in waiting(output)]:
        print(f"notice: deleted with {output}, and not published: {', '.join(names)}", flush=True)


def count_left(output: Path) -> str:
    """How many entries of an output are pending, and how many refused; empty for none."""
    refused = [(entry / REFUSED).exists() for entry in entries(output)]
    counts = {"pending": refused.count(False), "refused": refused.count(True)}
    return ", ".join(f"{count} {what}" for what, count in counts.items() if count)


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
