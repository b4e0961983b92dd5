"""What happens to an entry of the queue before it is sent, once: a model in pieces becomes whole; tables, last check,
card; and the scan for secrets.

The files of an entry share their bytes with the artifact, so they stay as they are: what is sent lies beside them.
"""

import shutil
from pathlib import Path
from typing import Any

from ..core.errors import ArtifactError
from ..core.hub import looks_local
from ..core.inputs import adapter_base
from ..core.outbox import FILES, pushed
from ..core.publishing import MODEL
from ..core.shards import merge
from ..training.adapters import point_at_base
from .cards import write_card
from .last_check import check_model
from .secrets import refuse_secrets
from .tables import publish_tables

READY, DRAFT = "ready", ".ready"


def prepare(entry: Path, facts: dict[str, Any], place: str, branch: str) -> Path:
    """
    Makes an entry ready to be published.

    Args:
        entry (`Path`):
            Its place in the queue.
        facts (`dict`):
            What it says.
        place (`str`):
            The repository, `NAMESPACE/NAME`.
        branch (`str`):
            Of the repository.

    Returns:
        `Path`: the folder to send. Raises `ArtifactError` where it is not fit to be published.
    """
    folder = entry / READY
    if not folder.is_dir():
        make_ready(entry, facts, place, branch)
    refuse_secrets(folder)
    return folder


def make_ready(entry: Path, facts: dict[str, Any], place: str, branch: str) -> None:
    """Makes the folder that is sent: whole, or not at all."""
    output, draft, name = entry.parent.parent, entry / DRAFT, facts["name"]
    shutil.rmtree(draft, ignore_errors=True)
    merge(entry / FILES)
    configs, samples = publish_tables(entry / FILES, draft), []
    if facts["repository"]["kind"] == MODEL and name != "card":
        samples = check_model(draft, facts["must_stop"]) if name == "final" else []
        name_base(draft)
    write_card(draft, place, samples, output, branch, configs)
    draft.rename(entry / READY)


def name_base(folder: Path) -> None:
    """Lets an adapter on a model of this disk name the one that is published; raises `ArtifactError` if none is."""
    base = adapter_base(str(folder))
    if base is None or not looks_local(base[0]):
        return
    found = [note for note in pushed(Path(base[0]).expanduser()) if note["name"] == "final"]
    if not found:
        hint = f"open-r1 push {base[0]}, then open-r1 push --resume"
        raise ArtifactError(f"the adapter stands on {base[0]}, which is not published: nobody could load it", hint)
    point_at_base(folder, found[-1]["place"], found[-1]["commit"])
