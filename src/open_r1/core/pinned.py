"""What a stage loads from the Hub: each name is resolved once, to the commit that its output is made from.

The commits are part of the output's `inputs`, in `started.json` and then in `manifest.json`, and so of its hash. A
name that stands there is not asked for again: a complete output needs no network, and an unfinished run goes on with
what it began with although the branch has moved. `--force` resolves anew.

An adapter names the model that it stands on, and need not say which commit of it: that is resolved and recorded too,
as `ADAPTER on BASE`.
"""

import contextlib
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from .errors import HubError, NotOnHub
from .hub import COMMIT, at, commit_of, is_hub_name, listing, model_files, offline, snapshot, split_id
from .inputs import ADAPTER, BASES, adapter_base, read_manifest
from .keys import DATA, FILE, MODEL, PARTS, STORE, Keys, named, placed
from .notes import recorded

Recipe = dict[str, Any]
Names = list[tuple[str, str]]  # kinds and names
Pins = dict[str, str]


def hub_names(recipe: Mapping[str, Any], keys: Keys, classes: Collection[str] = ()) -> Names:
    """What a stage loads from the Hub, by kind, each once."""
    found = named(recipe, keys, classes)
    return list(dict.fromkeys((kind, name) for kind, name in found if kind != FILE and is_hub_name(name)))


def repository_kind(kind: str) -> str:
    """How the Hub calls the repositories of what keys name."""
    return "dataset" if kind in (DATA, STORE) else "model"


def resolve(recipe: Mapping[str, Any], keys: Keys, known: Mapping[str, str]) -> Pins:
    """The commit of each name that a stage loads: the known one, else what it means now."""
    pins = {name: known[name] for name in recorded_names(recipe, keys, known)}
    for kind, name in hub_names(recipe, keys):
        if name not in pins:
            pins[name] = commit_of(*split_id(name), repository_kind(kind))

    def commit(pin: str, base: str) -> str:
        pins[pin] = commit_of(*split_id(base), "model")
        return pins[pin]

    for name in models(recipe, keys):
        if name not in known:
            list(bases_of(name, pins, commit))
    return pins


def recorded_names(
    recipe: Mapping[str, Any], keys: Keys, pins: Mapping[str, str], classes: Collection[str] = ()
) -> list[str]:
    """What a stage loads from the Hub, as far as its commit is known; also what its adapters stand on."""
    names = [name for _, name in hub_names(recipe, keys, classes) if name in pins]
    starts = tuple(f"{name} on " for name in models(recipe, keys, classes))
    return names + [pin for pin in pins if pin.startswith(starts)]


def pins_of(recipe: Recipe, keys: Keys, force: bool = False) -> Pins:
    """The commits of what a stage loads from the Hub: those on record, and for a run that is not complete new ones."""
    directory = Path(recipe.get("output_dir") or "")
    known = {} if force else recorded(directory)
    grows = any(declared.decides == PARTS for declared in keys.values())
    if not force and not grows and read_manifest(directory) is not None:
        return {name: known[name] for name in recorded_names(recipe, keys, known)}
    return resolve(recipe, keys, known)


def moved(names: Names, known: Mapping[str, str]) -> list[str]:
    """Lines on names that a run goes on with although they mean another commit by now; none without network."""
    lines = []
    for kind, name in [] if offline() else [found for found in names if found[1] in known]:
        with contextlib.suppress(HubError):  # the run does not need the answer
            now, then = commit_of(*split_id(name), repository_kind(kind)), known[name]
            if now != then:
                lines.append(f"{name} is {now[:8]} by now; this goes on with {then[:8]} (--force: with the new one)")
    return lines


def files_of(kind: str, name: str, commit: str) -> list[str]:
    """The files of what is read as a directory; of a data set all that there are."""
    if kind in (DATA, STORE):
        return list(listing(name, commit, "dataset"))
    return model_files(name, commit, weights=kind == MODEL)


def fetch(names: Names, pins: Pins, known: Mapping[str, str]) -> dict[tuple[str, str], str]:
    """
    What is to stand in place of the names, see `keys.placed`: folders, fetched now; and commits for entries of
    `datasets`, which are fetched when they are read, as much as is read of them. Raises `HubError` with the fix for
    a commit that a run began with and that is gone.
    """
    places = {}
    for kind, name in names:
        commit, (base, _) = pins[name], split_id(name)
        try:
            files = [] if kind == DATA and name not in known else files_of(kind, base, commit)
        except NotOnHub as error:
            if name not in known:
                raise
            raise NotOnHub(f"{error}, with which this run began", "add --force to begin anew") from None
        is_rows = kind == DATA
        places[kind, name] = commit if is_rows else str(snapshot(base, commit, repository_kind(kind), files))
    return places


# ------------------------------------------------------------------------------------------ what adapters stand on


def models(recipe: Mapping[str, Any], keys: Keys, classes: Collection[str] = ()) -> list[str]:
    """The models that a stage loads, on the Hub or here."""
    return list(dict.fromkeys(name for kind, name in named(recipe, keys, classes) if kind == MODEL))


def base_of(name: str, commit: str) -> str | None:
    """What an adapter stands on, with the revision that it gives; `None` for a whole model."""
    folder = Path(name).expanduser()
    if is_hub_name(name):
        repository, _ = split_id(name)
        files = listing(repository, commit, "model")
        if ADAPTER not in files or "config.json" in files:
            return None
        folder = snapshot(repository, commit, "model", [ADAPTER])
    found = adapter_base(str(folder))
    return at(*found) if found else None


def bases_of(name: str, pins: Pins, commit: Callable[[str, str], str]) -> Iterator[tuple[str, str]]:
    """
    The models on the Hub that a model stands on, one upon the other, each with its commit.

    Args:
        name (`str`):
            The model.
        pins (`dict[str, str]`):
            Its commit, where it is on the Hub.
        commit (`Callable`):
            The commit of one that is named without: the name of its pin, and its own -> commit.
    """
    seen, top, its = {name}, name, pins.get(name, "")
    while (base := base_of(top, its)) and base not in seen:
        if is_hub_name(base):
            given = split_id(base)[1] or ""
            its = given if COMMIT.fullmatch(given) else commit(f"{name} on {base}", base)
            yield base, its
        seen.add(base)
        top = base


def pinned_bases(name: str, pins: Pins) -> Iterator[tuple[str, str]]:
    """`bases_of` at the commits on record; a run that an older version began has none."""
    return bases_of(name, pins, lambda pin, base: pins.get(pin) or commit_of(*split_id(base), "model"))


def fetch_bases(names: list[str], pins: Pins) -> None:
    """Fetches the models on the Hub that these stand on, for `load_model`."""
    for name in names:
        for base, commit in pinned_bases(name, pins):
            repository, _ = split_id(base)
            BASES[base] = str(snapshot(repository, commit, "model", model_files(repository, commit)))


# --------------------------------------------------------------------------------------------- in place of the names


def place_all(
    recipe: Mapping[str, Any], keys: Keys, arguments: tuple[Any, ...], places: Mapping[tuple[str, str], str]
) -> None:
    """Puts what was fetched in place of the names, in the dataclasses of a stage; its recipe keeps them."""
    for filled in arguments if places else ():
        for name, declared in keys.items():
            if hasattr(filled, name):
                setattr(filled, name, placed(getattr(filled, name), declared, places, recipe.get(declared.revision)))


def placed_recipe(recipe: Mapping[str, Any], keys: Keys, known: Mapping[str, str] = MappingProxyType({})) -> Recipe:
    """A recipe with what it names on the Hub fetched and replaced, for a command that is no stage."""
    pins = resolve(recipe, keys, known)
    places = fetch(hub_names(recipe, keys), pins, known)
    fetch_bases(models(recipe, keys), pins)
    replaced = {name: placed(recipe[name], declared, places, recipe.get(declared.revision))
                for name, declared in keys.items() if name in recipe}  # fmt: skip
    return {**recipe, **(replaced if places else {})}
