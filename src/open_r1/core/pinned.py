"""What a stage loads from the Hub: each name is resolved once, to the commit that its output is made from.

The commits are part of the output's `inputs`, in `started.json` and then in `manifest.json`, and so of its hash. A
name that stands there is not asked for again: a complete output needs no network, and an unfinished run goes on with
what it began with although the branch has moved. `--force` resolves anew.
"""

import contextlib
from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Any

from .errors import HubError, NotOnHub
from .hub import commit_of, is_hub_name, listing, model_files, offline, snapshot, split_id
from .keys import DATA, FILE, MODEL, STORE, Keys, named, placed

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


def resolve(names: Names, known: Mapping[str, str]) -> Pins:
    """The commit of each name: the known one, else what it means now."""
    pins = {name: known[name] for _, name in names if name in known}
    for kind, name in names:
        if name not in pins:
            pins[name] = commit_of(*split_id(name), repository_kind(kind))
    return pins


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
    names = hub_names(recipe, keys)
    places = fetch(names, resolve(names, known), known)
    replaced = {name: placed(recipe[name], declared, places, recipe.get(declared.revision))
                for name, declared in keys.items() if name in recipe}  # fmt: skip
    return {**recipe, **(replaced if places else {})}
