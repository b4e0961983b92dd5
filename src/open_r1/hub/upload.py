"""Sends what waits in the queues (`core/outbox.py`) to the Hub, one entry after the other.

Each entry becomes exactly one commit, which the Hub makes whole or not at all. Killed after a commit and before its
note, the same upload finds nothing to change and makes no second one. Large files are the client's own matter: those
that are there already are not sent again.

What the Hub refuses (a token, a name) or what is not fit to be published is put aside with the reason, until
`open-r1 push --resume` is asked for by hand. Anything else - no network, a limit of requests, a server's error - is
tried again, each time after a longer pause, or as long as the Hub says (`Retry-After`).
"""

import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from ..core.errors import ArtifactError, UserError
from ..core.files import write_atomically
from ..core.locks import Lock
from ..core.outbox import FILES, FOLDER, REFUSED, entries, pushed, read_entry, record, remove
from ..core.publishing import Repository
from .access import LOGIN
from .prepare import DRAFT, READY, prepare

PERMANENT = {400, 401, 402, 403, 404, 405, 410, 413, 422}  # answers that another attempt would get again
SILENCE = 300.0  # seconds without a byte after which a connection counts as dead: a large commit takes its time
PAUSES = (1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0)  # seconds before another attempt
Sleep = Callable[[float], bool]  # waits, and says whether to go on


def push_all(outputs: list[Path], sleep: Sleep) -> bool:
    """
    Empties the queues of some outputs.

    Args:
        outputs (`list[Path]`):
            The artifact directories. Another process that empties the queue of one leaves it to that one.
        sleep (`Callable`):
            Called with the seconds before another attempt; says whether to make it.

    Returns:
        `bool`: whether nothing is left but what was refused.
    """
    failures = 0
    for output in outputs:
        try:
            lock = Lock(output / FOLDER / ".lock", f"the queue {output / FOLDER}")
        except ArtifactError as held:  # by a process of an earlier run
            print(str(held), flush=True)
            continue
        try:
            for entry in unrefused(output):
                while pause := attempt(output, entry, failures):
                    failures += 1
                    if not sleep(pause):
                        return False
                failures = 0
        finally:
            lock.release()
    return True


def unrefused(output: Path) -> Iterator[Path]:
    """What waits in a queue, also what comes into it meanwhile, without what was refused."""
    seen: set[Path] = set()
    while found := [entry for entry in entries(output) if entry not in seen and not (entry / REFUSED).exists()]:
        seen.add(found[0])
        yield found[0]


def attempt(output: Path, entry: Path, failures: int) -> float:
    """Tries to publish an entry; the seconds to wait before the next attempt, 0 where none is needed."""
    try:
        note = push_entry(output, entry)
        print(f"published {output.name} {note['name']}: {note['place']} at {note['commit'][:12]}", flush=True)
        return 0.0
    except Exception as error:  # whatever the libraries raise: it is told, and decides what happens to the entry
        pause = pause_after(error, failures)
        reason = why(error)
        for folder in (entry / DRAFT, entry / READY, entry / FILES):  # the user knows the artifact, not its copy
            reason = reason.replace(str(folder), str(output))
        if not pause:
            write_atomically(entry / REFUSED, reason)
        print(f"{output.name} {entry.name}: {reason}" + (f"; again in {pause:.0f} s" if pause else ""), flush=True)
        return pause


def pause_after(error: Exception, failures: int) -> float:
    """Seconds before an upload that failed is worth another attempt; 0 for never."""
    import httpx2
    from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled

    pause = PAUSES[min(failures, len(PAUSES) - 1)]
    cause: Any = error
    if isinstance(error, RuntimeError) and isinstance(error.__cause__, HfHubHTTPError):
        cause = error.__cause__  # of a large file: its address may have expired, so a 403 passes too
    if isinstance(cause, HfHubHTTPError) and cause.response is not None:
        status, asked = cause.response.status_code, cause.response.headers.get("Retry-After", "")
        if status in PERMANENT and cause is error:
            return 0.0
        return max(float(asked), PAUSES[0]) if asked.isdigit() else pause
    passing = isinstance(error, (httpx2.HTTPError, OSError, RuntimeError, OfflineModeIsEnabled))
    return pause if passing and not isinstance(error, UserError) else 0.0


def why(error: Exception) -> str:
    """An error in one line, with its fix where it has one."""
    status = getattr(getattr(error, "response", None), "status_code", None)
    hint = getattr(error, "hint", "") or (LOGIN if status in (401, 403) else "")
    text = f"{error} {error.__cause__}" if isinstance(error, RuntimeError) and error.__cause__ else str(error)
    return (" ".join(text.split()) or type(error).__name__)[:500] + (f" (fix: {hint})" if hint else "")


def push_entry(output: Path, entry: Path) -> dict[str, Any]:
    """Publishes one entry and takes it off the queue; returns its note."""
    facts = read_entry(entry)
    name, made, where = facts["name"], facts["hash"], Repository(**facts["repository"])
    done = next((note for note in pushed(output) if facts.items() <= note.items()), None)
    if done is None:
        api, place = open_repository(where)
        branch = name if name.startswith("step-") else where.revision
        folder = prepare(entry, facts, place, branch)
        commit = commit_folder(api, place, where.kind, branch, folder, f"{name} {made}", name != "card")
        if name == "final":
            api.create_tag(place, tag=made, revision=commit, repo_type=where.kind, exist_ok=True)
        done = facts | {"place": place, "branch": branch, "commit": commit, "time": time.time()}
        record(output, done)
    remove(entry)
    return done


def open_repository(where: Repository) -> tuple[Any, str]:
    """The client, and a repository's full name; it is made where it is not there."""
    from huggingface_hub import HfApi, set_client_factory
    from huggingface_hub.utils import disable_progress_bars
    from huggingface_hub.utils._http import default_client_factory

    def client() -> Any:  # huggingface_hub's own has no limit of time: a dead connection would hang for ever
        made = default_client_factory()
        made.timeout = SILENCE
        return made

    set_client_factory(client)
    if not sys.stderr.isatty():
        disable_progress_bars()
    api = HfApi()
    return api, api.create_repo(where.name, repo_type=where.kind, private=where.private, exist_ok=True).repo_id


def commit_folder(
    api: Any, repository: str, kind: str, branch: str, folder: Path, message: str, whole: bool = True
) -> str:
    """
    Makes a branch hold what a folder does, in one commit (`upload_folder` may make several).

    Args:
        api (`HfApi`):
            The client.
        repository, kind, branch (`str`):
            Where to; a branch that is not there starts from the repository's first commit.
        folder (`Path`):
            The files.
        message (`str`):
            Of the commit.
        whole (`bool`, *optional*, defaults to `True`):
            Whether what the folder does not hold is deleted.

    Returns:
        `str`: the commit, the newest one where there was nothing to change.
    """
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete

    if branch != "main" and not api.revision_exists(repository, branch, repo_type=kind):
        first = api.list_repo_commits(repository, repo_type=kind)[-1].commit_id
        api.create_branch(repository, branch=branch, revision=first, repo_type=kind, exist_ok=True)
    head = api.repo_info(repository, repo_type=kind, revision=branch).sha
    files = {str(path.relative_to(folder)): path for path in sorted(folder.rglob("*")) if path.is_file()}
    there = api.list_repo_files(repository, repo_type=kind, revision=head) if whole else []
    gone = [name for name in there if name not in files and name != ".gitattributes"]
    operations = [CommitOperationAdd(name, str(path)) for name, path in files.items()]
    operations += [CommitOperationDelete(name) for name in gone]
    done = api.create_commit(
        repository, operations, commit_message=message, repo_type=kind, revision=branch, parent_commit=head
    )
    return done.oid
