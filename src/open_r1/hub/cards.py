"""The card of an artifact that is published: that of its stage (`core/cards.py`), with the name of the repository, the
training curves, the completions of the last check, and licences as the Hub states them.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..core.card_facts import CARD, Facts, licence_here, licensed, read_facts
from ..core.cards import write_card as write
from ..core.files import write_atomically
from ..core.licences import Licence, read_licence
from ..core.lineage import REMOTE, Source
from ..core.outbox import FOLDER
from .curves import draw_curves
from .last_check import Sample

SAMPLES = "samples.json"  # in the queue's folder: what the last check has drawn, for a later card


def write_card(
    directory: Path,
    repository: str,
    samples: Sequence[Sample] = (),
    artifact: Path | None = None,
    revision: str = "main",
    configs: list[dict[str, Any]] | None = None,
) -> None:
    """
    Writes README.md, and of a training curves.png, into a directory that is to be published.

    Args:
        directory (`Path`):
            What is published: an artifact, one of its checkpoints, or nothing but the card.
        repository (`str`):
            Where to, `NAMESPACE/NAME`.
        samples (`Sequence`, *optional*):
            Completions of the last check; by default those of the time before.
        artifact (`Path`, *optional*):
            The output of the stage, where it is not the directory.
        revision (`str`, *optional*):
            Branch of the repository.
        configs (`list[dict]`, *optional*):
            The tables of a data artifact, from `publish_tables`.
    """
    artifact = artifact or directory
    draw_curves(directory if (directory / "trainer_state.json").is_file() else artifact, directory)
    facts = Facts(directory, artifact, read_facts(artifact))
    licences = [hub_licence(source) for source in licensed(facts)]
    write(
        directory,
        facts.manifest,
        artifact=artifact,
        repository=repository,
        revision=revision,
        samples=kept_samples(artifact, samples),
        licences=licences,
        configs=configs,
    )


def kept_samples(artifact: Path, samples: Sequence[Sample]) -> list[Any]:
    """The completions to show: those of the last check, which the queue's folder keeps for a card alone."""
    file = artifact / FOLDER / SAMPLES
    if samples:
        file.parent.mkdir(exist_ok=True)
        write_atomically(file, json.dumps([list(sample) for sample in samples], ensure_ascii=False))
    return json.loads(file.read_text(encoding="utf-8")) if file.is_file() else []


def hub_licence(source: Source) -> Licence:
    """
    A licence as the Hub states it at the revision that was used; unknown where there is no card. A Hub that does not
    answer is an error: publishing tries again.
    """
    if source.origin != REMOTE:
        return licence_here(source)
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import RemoteEntryNotFoundError, RepositoryNotFoundError, RevisionNotFoundError

    try:
        card = hf_hub_download(source.repository, CARD, repo_type=source.kind, revision=source.revision or None)
    except (RemoteEntryNotFoundError, RepositoryNotFoundError, RevisionNotFoundError):  # no card, or none for us
        return Licence(source.label)
    return read_licence(source.label, Path(card))
