"""The card (README.md) of an artifact: what it is, what it was made from, how good it is, how to use it.

Every stage writes one when it is done (`Artifact.finish`), from its manifest and what lies in its directory; the
report writes a model's again with its results, which `evaluation.json` keeps; publishing writes it once more with what
only it knows (`hub/cards.py`). All of them call `write_card`; the words are in two templates, which `huggingface_hub`
renders.
"""

import json
from pathlib import Path
from typing import Any

from .card_facts import CARD, RESULTS, Facts, licence_here, licensed, read_facts
from .dataset_cards import dataset_card
from .files import write_atomically
from .model_cards import model_card


def write_card(directory: Path, manifest: dict[str, Any] | None = None, **known: Any) -> None:
    """
    Writes the card of an artifact.

    Args:
        directory (`Path`):
            What it describes, and where it goes.
        manifest (`dict`, *optional*):
            Its manifest, by default the one that lies there.
        known:
            What else [`Facts`] has.
    """
    artifact = known.pop("artifact", directory)
    facts = Facts(directory, artifact, manifest or read_facts(artifact), **known)
    if not facts.licences:
        facts.licences = [licence_here(source) for source in licensed(facts)]
    card = model_card(facts) if facts.model else dataset_card(facts)
    write_atomically(directory / CARD, f"{card}\n")


def add_results(directory: Path, stages: dict[str, Any], about: dict[str, Any]) -> None:
    """Keeps a model's row of an evaluation, and how it was measured, beside its card, and writes that again."""
    write_atomically(directory / RESULTS, json.dumps({"stages": stages, **about}, indent=2, ensure_ascii=False))
    write_card(directory)
