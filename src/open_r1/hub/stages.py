"""Which stages of a pipeline are published in a namespace, and are what their recipes make now.

The hash of a stage follows from its recipe and the hashes of what it loads, so it is known before anything is
computed or downloaded: of each published artifact only its manifest is read.
"""

import contextlib
import json
from pathlib import Path
from typing import Any, NamedTuple

from ..core.artifacts import Artifact
from ..core.errors import NotOnHub
from ..core.hub import commit_of, listing, snapshot
from ..core.inputs import MANIFEST, local_inputs, read_manifest
from ..core.pipeline_stage import Stage
from ..core.publishing import kind_made, repository_of
from ..core.recipes import below
from .pulling import Item, artifact_item


class Published(NamedTuple):
    """
    The artifact of a stage on the Hub.

    Attributes:
        item (`Item`): What to fetch of it.
        changes (`str`): How it differs from what the stage's recipe makes; empty where it does not.
    """

    item: Item
    changes: str


def published(stages: list[Stage], namespace: str, root: str) -> dict[str, Published]:
    """
    By their names, the stages that have an artifact in a namespace.

    Args:
        stages (`list[Stage]`):
            All of a pipeline.
        namespace (`str`):
            User or organisation.
        root (`str`):
            The pipeline's own: repositories are named by it, whichever root this run has; else by that.

    Returns:
        `dict[str, Published]`. Raises `NotOnHub` where none has.
    """
    try:
        return published_as(stages, namespace, root)
    except NotOnHub as error:
        given = str(stages[0].recipe["root"])
        if Path(given).name == Path(root).name:
            raise
        with contextlib.suppress(NotOnHub):
            return published_as(stages, namespace, given)
        raise error


def published_as(stages: list[Stage], namespace: str, root: str) -> dict[str, Published]:
    """The same for artifacts that are named by this root."""
    found: dict[str, Published] = {}
    made: dict[Path, str] = {}  # hashes of what the stages before have made, or will make
    missing: NotOnHub | None = None
    for stage in stages:
        local, theirs, item = read_manifest(stage.output), None, None
        try:
            item, theirs = look(stage, namespace, root)
        except NotOnHub as error:
            missing = error
        artifact = Artifact(stage.recipe, stage.keys, made=theirs or local, known=made)
        made[stage.output] = local["hash"] if local else artifact.hash
        if item and theirs:
            found[stage.name] = Published(item, artifact.differs(theirs))
            if not local and not found[stage.name].changes:
                made[stage.output] = theirs["hash"]
    if missing and not found:
        raise missing
    return found


def look(stage: Stage, namespace: str, root: str) -> tuple[Item, dict[str, Any]]:
    """The published artifact of a stage, and its manifest."""
    kind = kind_made(stage.command)
    output = below(str(stage.output), stage.recipe).replace("${root}", root)
    where = repository_of({**stage.recipe, "hub_namespace": namespace, "output_dir": output}, kind)
    commit = commit_of(where.name, where.revision, kind)
    if MANIFEST not in listing(where.name, commit, kind):
        message = f"the {kind} {where.name} is no artifact of a stage: it has no {MANIFEST}"
        raise NotOnHub(message, "publish it with `open-r1 push`")
    file = snapshot(where.name, commit, kind, [MANIFEST]) / MANIFEST
    return artifact_item(kind, where.name, commit, stage.output), json.loads(file.read_text(encoding="utf-8"))


def loaded_by(chosen: list[Stage], stages: list[Stage]) -> list[Stage]:
    """The stages whose artifacts some others load themselves."""
    paths = [Path(path) for stage in chosen for path in local_inputs(stage.recipe, stage.keys)]
    read = {place for path in paths for place in (path, *path.parents)}
    return [stage for stage in stages if stage.output in read]
