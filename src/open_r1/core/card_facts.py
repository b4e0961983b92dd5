"""What every card is made from: the facts about an artifact, and the words that both templates ask for."""

import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from .card_tables import languages
from .commands import COMMANDS
from .inputs import read_manifest
from .licences import Licence, read_licence
from .lineage import ARTIFACT, Source, base_of, chain, data_of, leaves, root_of, writers_of
from .notes import RECIPE, STARTED, read_note
from .publishing import MODEL, kind_of
from .recipes import Recipe, below
from .tables import fenced, quoted

CARD, RESULTS, CURVES = "README.md", "evaluation.json", "curves.png"
SAMPLING = ("num_samples", "temperature", "top_p", "max_new_tokens", "engine", "seed")


@dataclass
class Facts:
    """
    What a card is made from.

    Args:
        directory (`Path`):
            What the card describes, and where it goes.
        artifact (`Path`):
            The output of the stage: the directory itself, or where one of its checkpoints comes from.
        manifest (`dict`):
            Its manifest, or what of it is known yet.
        repository (`str`, *optional*):
            Where it is published.
        revision (`str`, *optional*):
            The branch there.
        samples (`Sequence`, *optional*):
            Completions to show: messages, text, tokens, whether it stopped by itself.
        licences (`list[Licence]`, *optional*):
            Those of the base, or of the sources.
        configs (`list[dict]`, *optional*):
            How its tables are found by `load_dataset`.
    """

    directory: Path
    artifact: Path
    manifest: dict[str, Any]
    repository: str = ""
    revision: str = "main"
    samples: Sequence[tuple[list[dict[str, str]], str, int, bool]] = ()
    licences: list[Licence] = dataclasses.field(default_factory=list)
    configs: list[dict[str, Any]] | None = None

    @property
    def model(self) -> Path | None:
        """Where the model lies that it describes: not where nothing but a card goes; `None` for what is none."""
        return next((place for place in (self.directory, self.artifact) if kind_of(place) == MODEL), None)

    @property
    def recipe(self) -> Recipe:
        return self.manifest.get("recipe") or {}

    @property
    def inputs(self) -> dict[str, str]:
        return self.manifest.get("inputs") or {}

    @property
    def namespace(self) -> str:
        return self.repository.rpartition("/")[0]

    @property
    def name(self) -> str:
        return self.repository or self.artifact.name

    def read(self, name: str) -> dict[str, Any]:
        """A JSON file of the directory, else of the artifact; empty for none."""
        for place in (self.directory, self.artifact):
            if (place / name).is_file():
                return json.loads((place / name).read_text(encoding="utf-8"))
        return {}


def read_facts(artifact: Path) -> dict[str, Any]:
    """The manifest of an artifact, or what a stage that still runs has left of it."""
    if found := read_manifest(artifact):
        return found
    recipe = artifact / RECIPE
    text = recipe.read_text(encoding="utf-8") if recipe.is_file() else "{}"
    return read_note(artifact / STARTED) | {"recipe": yaml.safe_load(text)}


def shared_words(facts: Facts) -> dict[str, Any]:
    """What both templates ask for."""
    recipe, inputs, manifest = facts.recipe, facts.inputs, facts.manifest
    return {
        "title": facts.name,
        "name": facts.artifact.name,
        "command": manifest.get("command", ""),
        "repository": facts.repository,
        "revision": facts.revision,
        "place": facts.repository or str(facts.directory),
        "settings": recipe,
        "manifest": manifest,
        "data": data_of(recipe, inputs, facts.namespace),
        "writers": writers_of(recipe, inputs, facts.namespace),
        "chain": chain(recipe, inputs, facts.namespace),
        "licences": facts.licences,
        "recipe_text": fenced(shown_recipe(recipe), "yaml"),
        "versions": ", ".join(f"{name} {version}" for name, version in (manifest.get("versions") or {}).items()),
        "duration": duration(manifest["seconds"]) if manifest.get("seconds") is not None else "",
        "quoted": quoted,
    }


def licensed(facts: Facts) -> list[Source]:
    """
    What decides the licence: of a model the one below all its stages; of data what came from elsewhere, and the models
    that wrote them.
    """
    if facts.model:
        root = root_of(base_of(facts.recipe, facts.inputs))
        return [root] if root else []
    return list({source.label: source for source in leaves(facts.recipe, facts.inputs)}.values())


def licence_here(source: Source) -> Licence:
    """A licence as far as this disk knows it."""
    return read_licence(source.label, Path(source.name).expanduser() / CARD)


def languages_of(facts: Facts) -> list[str]:
    """Codes of the languages of an artifact's rows, or of the data that a model was made from."""
    found = set(languages(facts.directory))
    for source in data_of(facts.recipe, facts.inputs) if facts.model else []:
        found |= set(languages(Path(source.name))) if source.origin == ARTIFACT else set()
    entries = [entry for key in ("datasets", "add") for entry in facts.recipe.get(key) or []]
    found |= {str(entry["language"]) for entry in entries if isinstance(entry, Mapping) and entry.get("language")}
    return sorted(found)


def tags(facts: Facts) -> list[str]:
    """The stage, its command, and what trains it."""
    trained = ["trl"] if facts.model and facts.recipe.get("model_name_or_path") else []
    return list(dict.fromkeys(word for word in (facts.artifact.name, facts.manifest.get("command"), *trained) if word))


def sampling_of(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """How a stage drew its samples, what its recipe leaves out included; nothing for one that draws none."""
    command = COMMANDS.get(manifest.get("command", ""))
    if not command:
        return {}
    arguments = command.arguments
    defaults = {field.name: field.default for field in dataclasses.fields(arguments)} if arguments else {}
    drawn = "num_samples" in defaults and not manifest["recipe"].get("samples")
    said = {name: manifest["recipe"].get(name, defaults[name]) for name in SAMPLING} if drawn else {}
    return {
        name: value for name, value in said.items() if value is not None
    }  # such as k, where each benchmark has its


def shown_recipe(recipe: Recipe) -> str:
    """The recipe as YAML; places below the pipeline's root as recipes write them, wherever that is on this disk."""
    found = below(recipe, recipe) | ({"root": recipe["root"]} if "root" in recipe else {})
    for key, prefix in (("root", "data/"), ("output_dir", "")):
        if str(found.get(key) or "").startswith("/"):
            found[key] = prefix + Path(found[key]).name
    return yaml.safe_dump(found, sort_keys=False, allow_unicode=True)


def duration(seconds: float) -> str:
    """A time in the unit that fits it."""
    for size, unit in ((3600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.1f} seconds"


def template(name: str) -> str:
    return str(Path(__file__).with_name(f"{name}.md.jinja"))
