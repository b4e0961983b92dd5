"""Where an artifact comes from: what it was made of, and of what that was made, as far as their manifests lie on this
disk.

A name in a recipe is that of an artifact (a directory with a manifest), of something else on this disk, of a generator
(`mini:chain`), or of a repository on the Hub, of which the manifest's `inputs` hold the commit.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from .errors import RecipeError
from .hub import looks_local
from .inputs import adapter_base, read_manifest
from .outbox import pushed, waiting
from .publishing import DATASET, MODEL, kind_of, repository_of

HUB = "https://huggingface.co"
ARTIFACT, LOCAL, GENERATED, REMOTE = "artifact", "local", "generated", "Hub"


class Source(NamedTuple):
    """
    Something that an artifact was made of.

    Attributes:
        name (`str`): As the recipe writes it, without a revision.
        kind (`str`): `model` or `dataset`.
        origin (`str`): `artifact`, `local`, `generated` or `Hub`.
        repository (`str`): On the Hub, or empty.
        revision (`str`): Commit, or what the recipe says; empty where neither is known.
        amount (`str`): How much of a dataset was used, in words.
    """

    name: str
    kind: str
    origin: str
    repository: str = ""
    revision: str = ""
    amount: str = ""

    @property
    def label(self) -> str:
        """Its name for a reader, who has not this disk."""
        return self.repository or (Path(self.name).name if self.origin in (ARTIFACT, LOCAL) else self.name)

    @property
    def text(self) -> str:
        """As Markdown, with how much of it."""
        return self.link + (f", {self.amount}" if self.amount else "")

    @property
    def link(self) -> str:
        """As Markdown: a link where there is something to link."""
        name, at = f"`{self.label}`", ""
        if self.repository:
            name = f"[{name}]({self.url})"
            at = f" at `{self.revision[:12]}`" if self.revision else ""
        return name + at + (" (on a local disk)" if self.origin == LOCAL else "")

    @property
    def url(self) -> str:
        return hub_url(self.repository, self.kind) + (f"/tree/{self.revision}" if self.revision else "")


def hub_url(repository: str, kind: str) -> str:
    return f"{HUB}/{'datasets/' if kind == DATASET else ''}{repository}"


def published(directory: Path, namespace: str = "") -> str:
    """
    Repository of an artifact on this disk that is published or waits to be, or whose recipe says so; empty for any
    other, and where nobody says whose it is.
    """
    recipe = (read_manifest(directory) or {}).get("recipe", {})
    notes = [note for note in [*pushed(directory), *waiting(directory)] if note["name"] == "final"]
    if notes:
        name = notes[-1].get("place") or notes[-1]["repository"]["name"]
    elif not recipe.get("push_to_hub"):
        return ""
    else:
        try:
            name = repository_of(recipe, kind_of(directory)).name
        except RecipeError:
            return ""
    return name if "/" in name else f"{namespace}/{name}" if namespace else ""


def source_of(name: str, kind: str, inputs: Mapping[str, str], revision: str = "", namespace: str = "") -> Source:
    """What a recipe's name of a model or a dataset means; `namespace` is where this user's own artifacts are."""
    if ":" in name:
        return Source(name, kind, GENERATED)
    short, _, stated = name.partition("@")
    if looks_local(short):
        place = Path(name).expanduser()
        home = next((one for one in (place, place.parent) if read_manifest(one)), None)  # a store may lie in another's
        return Source(str(home or name), kind, ARTIFACT if home else LOCAL, published(home, namespace) if home else "")
    stated = stated or revision or "main"
    commit = inputs.get(name) or inputs.get(f"{short}@{stated}") or ("" if stated == "main" else stated)
    return Source(short, kind, REMOTE, short, commit)


def base_of(recipe: Mapping[str, Any], inputs: Mapping[str, str], namespace: str = "") -> Source | None:
    """The model that a training started from; `None` for random weights, and for what is no training."""
    name = recipe.get("model_name_or_path")
    if not isinstance(name, str) or not name:
        return None
    return source_of(name, MODEL, inputs, recipe.get("model_revision") or "", namespace)


def data_of(recipe: Mapping[str, Any], inputs: Mapping[str, str], namespace: str = "") -> list[Source]:
    """The data that an artifact was made from, with how much of each."""
    entries = [entry for key in ("datasets", "add") for entry in recipe.get(key) or []]
    entries += [{"path": recipe["samples"]}] if recipe.get("samples") else []
    entries += [{"path": path} for path in recipe.get("evaluations") or []]
    named = [entry for entry in entries if isinstance(entry, Mapping) and isinstance(entry.get("path"), str)]
    found = [source_of(entry["path"], DATASET, inputs, entry.get("revision") or "", namespace) for entry in named]
    return [source._replace(amount=amount(entry)) for source, entry in zip(found, named, strict=True)]


def amount(entry: Mapping[str, Any]) -> str:
    """How much of a data source is used."""
    found = [f"configuration `{entry['name']}`"] if entry.get("name") else []
    found += [f"split `{entry['split']}`"] if entry.get("split") else []
    found += [f"{entry['count']} rows"] if entry.get("count") else []
    found += [f"at most {entry['limit']} rows"] if entry.get("limit") else []
    found += [f"weight {entry['weight']}"] if entry.get("weight") is not None else []
    return ", ".join(found)


def writers_of(recipe: Mapping[str, Any], inputs: Mapping[str, str], namespace: str = "") -> list[Source]:
    """The models that wrote the samples of an artifact, or judged them from within a training."""
    names = [recipe.get("model"), recipe.get("teacher_model_name_or_path")]
    names += [entry if isinstance(entry, str) else entry.get("path") for entry in recipe.get("models") or []]
    names += list((recipe.get("stages") or {}).values())
    rewards = recipe.get("rewards") or {}
    names += [settings.get("model") for settings in rewards.values() if isinstance(settings, Mapping)]
    found = dict.fromkeys(name for name in names if isinstance(name, str) and name)
    return [source_of(name, MODEL, inputs, namespace=namespace) for name in found]


class Step(NamedTuple):
    """
    One stage of the chain that led to an artifact.

    Attributes:
        source (`Source`): What it made.
        command (`str`): The command of `open-r1`, where the manifest says so.
        made_of (`list[Source]`): What it was made of.
    """

    source: Source
    command: str
    made_of: list[Source]


def chain(recipe: Mapping[str, Any], inputs: Mapping[str, str], namespace: str = "") -> list[Step]:
    """The stages before an artifact that are on this disk, the first one first; each once."""
    found: dict[str, Step] = {}

    def visit(recipe: Mapping[str, Any], inputs: Mapping[str, str]) -> Iterator[Source]:
        base = base_of(recipe, inputs, namespace)
        for source in [
            *([base] if base else []),
            *data_of(recipe, inputs, namespace),
            *writers_of(recipe, inputs, namespace),
        ]:
            yield source
            manifest = read_manifest(source.name) if source.origin == ARTIFACT else None
            if manifest and source.name not in found:
                made_of = list(visit(manifest.get("recipe", {}), manifest.get("inputs", {})))
                found[source.name] = Step(source, manifest.get("command", ""), made_of)

    list(visit(recipe, inputs))
    return list(found.values())


def root_of(model: Source | None) -> Source | None:
    """The model below all stages on this disk, which no stage of ours trained; `None` for random weights."""
    while model and (below := below_of(model)) is not model:
        model = below
    return model


def below_of(model: Source) -> Source | None:
    """What a model on this disk was trained from: itself where that is not known here."""
    if model.origin == ARTIFACT:
        manifest = read_manifest(model.name) or {}
        made_by_training = "package" not in manifest.get("recipe", {}) and "file" not in manifest.get("recipe", {})
        return base_of(manifest.get("recipe", {}), manifest.get("inputs", {})) if made_by_training else model
    base = adapter_base(model.name) if model.origin == LOCAL else None
    return source_of(base[0], MODEL, {}, base[1] or "") if base else model


def leaves(recipe: Mapping[str, Any], inputs: Mapping[str, str]) -> Iterator[Source]:
    """What is in an artifact that this pipeline has not made: data, and the models below those that wrote in it."""
    for source in data_of(recipe, inputs):
        if source.origin == ARTIFACT:
            manifest = read_manifest(source.name) or {}
            yield from leaves(manifest.get("recipe", {}), manifest.get("inputs", {}))
        elif source.origin != GENERATED:
            yield source
    for source in writers_of(recipe, inputs):
        if root := root_of(source):
            yield root
