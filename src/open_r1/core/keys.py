"""What each key of a recipe decides, and what it loads: said once, where the key is declared.

A field of a stage's dataclass is declared with `key(default, decides=..., loads=...)`:

- `decides`: a key that decides the result (`RESULT`, the default) or the samples of a store (`SAMPLES`) makes what
  lies in an output directory another recipe's. One that says how the stage runs (`RUN`) may change at any time, in a
  finished directory and in an unfinished one, and the stage says so in a line; one that only publishes or describes
  (`COSMETIC`) may change silently. Two are in between: the keys of the batch (`BATCH`) may change as long as their
  product with the number of devices stays (`WHOLE_BATCH` states that product), and what the last step alone reads
  (`LAST`), such as the decisions of a review, may join an unfinished run. Where each entry makes a part of its own
  (`PARTS`), such as the benchmarks of an evaluation, entries may also join a finished one.
- `loads`: the value names a file, a model or a dataset. Freshness (a file counts by its content), the offline switch,
  the order of a pipeline and whatever else asks what a stage needs walk over these declarations (`inputs.py`).

A value that is a mapping, or a list of them, has keys of its own: `inside` declares them, `"*"` for all the others.
Keys of dataclasses that are not ours stand in a table, which a dataclass of ours names (`theirs`).
"""

import copy
import dataclasses
import math
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from .hub import at, is_hub_name, split_id

RESULT, SAMPLES, LAST, PARTS = "the result", "the samples", "the last step", "the parts"
WHOLE_BATCH, BATCH, RUN, COSMETIC = "the batch of all devices", "the batch", "how it runs", "nothing"
FINISHED, UNFINISHED = (
    {RESULT, SAMPLES, LAST, PARTS},
    {RESULT, SAMPLES},
)  # what must be the same for a directory to be ours
FILE, MODEL, BARE = "file", "model", "model without weights"
DATA, STORE = "rows", "whole data"  # an entry of `datasets`, of which some rows are read; and a directory of data


@dataclasses.dataclass(frozen=True)
class Key:
    """
    The declaration of a key.

    Args:
        decides (`str`, *optional*, defaults to `""`):
            What its value decides; by default what the key around it does.
        loads (`str`, *optional*, defaults to `""`):
            What its value names: a `FILE`, a `MODEL`, the tokenizer and records of one (`BARE`), rows (`DATA`) or a
            directory of them (`STORE`); all but files are on this disk or the Hub.
        revision (`str`, *optional*):
            The key beside it that may hold the revision of what it names on the Hub.
        inside (`dict[str, Key]`, *optional*):
            The keys of its value.
        default (`Any`, *optional*):
            The value that stands for `null`, `true` and a key that the recipe leaves out.
    """

    decides: str = ""
    loads: str = ""
    inside: Mapping[str, "Key"] = dataclasses.field(default_factory=dict)
    default: Any = None
    revision: str = ""

    def of(self, name: str) -> "Key":
        """The declaration of a key of its value."""
        return self.inside.get(name) or self.inside.get("*") or Key()


Keys = Mapping[str, Key]
# How a server is reached, not what it is asked: in the settings of judges and rewriters.
SERVER: Keys = {name: Key(RUN) for name in ("url", "key_variable", "concurrency", "timeout", "retries", "cache")}
NOTHING: Keys = {}


def key(
    default: Any = dataclasses.MISSING,
    decides: str = RESULT,
    loads: str = "",
    inside: Keys = NOTHING,
    absent: Any = None,
    revision: str = "",
    **metadata: Any,
) -> Any:
    """
    A field of a stage's dataclass.

    Args:
        default (`Any`, *optional*):
            Its default; without one the recipe must give it.
        decides, loads, inside, absent, revision (*optional*):
            Its declaration, see [`Key`]; `absent` is the `default` there.
        metadata (`Any`):
            Further metadata of the field, such as `choices`.
    """
    about = {"key": Key(decides, loads, inside, absent, revision), **metadata}
    if isinstance(default, (list, dict)):
        return dataclasses.field(default_factory=lambda: copy.copy(default), metadata=about)
    return dataclasses.field(default=default, metadata=about)


def keys_of(arguments: type | None) -> Keys:
    """The declared keys of a stage's dataclass, and those of others that it names; none for a command without."""
    if arguments is None:
        return NOTHING
    ours = {field.name: field.metadata.get("key", Key()) for field in dataclasses.fields(arguments)}
    return {**getattr(arguments, "theirs", {}), **ours}


# ------------------------------------------------------------------------------------------------- what they decide


def restrict(recipe: Mapping[str, Any], keys: Keys, classes: Collection[str]) -> dict[str, Any]:
    """The part of a recipe, at any depth, of which the keys decide one of these."""
    return pruned(recipe, Key(RESULT, inside=keys), classes, RESULT) or {}


def pruned(value: Any, declared: Key, classes: Collection[str], around: str) -> Any:
    """The part of a value that decides one of these; `None` where nothing of it does."""
    decides = declared.decides or around
    if decides == PARTS and PARTS not in classes:  # also how many there are
        return None
    if isinstance(value, list) and declared.inside:
        return [pruned(item, declared, classes, decides) for item in value]
    if isinstance(value, Mapping) and declared.inside:
        parts = {name: (item, pruned(item, declared.of(name), classes, decides)) for name, item in value.items()}
        return {
            name: found
            for name, (item, found) in parts.items()
            if found is not None or (item is None and (declared.of(name).decides or decides) in classes)
        }
    return value if decides in classes else None


def global_batch(recipe: Mapping[str, Any], keys: Keys, devices: int) -> int | None:
    """Rows of one optimiser step on all devices; `None` where no key says how many one device takes."""
    sizes = [recipe.get(name, declared.default) for name, declared in keys.items() if declared.decides == BATCH]
    stated = [recipe[name] for name, declared in keys.items() if declared.decides == WHOLE_BATCH and recipe.get(name)]
    try:
        if stated:
            return int(stated[0])
        return devices * math.prod(int(size) for size in sizes) if sizes else None
    except (TypeError, ValueError):  # no number: an error that the reading of the recipe reports
        return None


# ---------------------------------------------------------------------------------------------------- what they load


def named(recipe: Mapping[str, Any], keys: Keys, classes: Collection[str] = ()) -> Iterator[tuple[str, str]]:
    """
    What a recipe names to be loaded, by kind, Hub names with their revision (`org/name@revision`); with `classes` only
    by keys that decide one of these.
    """
    for name, declared in keys.items():
        if not classes or (declared.decides or RESULT) in classes:
            found = named_in(recipe.get(name), declared, recipe.get(declared.revision))
            yield from served(recipe, found) if recipe.get("url") and name in ("model", "models") else found


def served(recipe: Mapping[str, Any], found: Iterator[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """Models of servers: what is on the Hub is with them, but the tokenizer where texts are rendered here."""
    for kind, name in found:
        if kind == FILE or not is_hub_name(name):
            yield kind, name
        elif recipe.get("api") == "text" and not recipe.get("tokenizer"):
            yield BARE, name


def named_in(value: Any, declared: Key, revision: Any = None) -> Iterator[tuple[str, str]]:
    """What a value names to be loaded. The `model` of a mapping with a `url` is with that server: it is not loaded."""
    value = declared.default if value is None or value is True else value
    if isinstance(value, str) and value and declared.loads:
        yield declared.loads, at(value, revision)
    elif isinstance(value, list):
        for item in value:
            yield from named_in(item, declared)
    elif isinstance(value, Mapping):
        for name, item in with_defaults(value, declared).items():
            if not (value.get("url") and name == "model"):
                yield from named_in(item, declared.of(name), value.get(declared.of(name).revision))


def with_defaults(value: Mapping[str, Any], declared: Key) -> dict[str, Any]:
    """A mapping with the keys that stand for something where it leaves them out."""
    return {**{name: None for name, inner in declared.inside.items() if inner.default is not None}, **value}


def sources(recipe: Mapping[str, Any], keys: Keys) -> Iterator[Mapping[str, Any]]:
    """The entries of `datasets` of a recipe, wherever they stand in it."""
    for name, declared in keys.items():
        yield from sources_in(recipe.get(name), declared)


def sources_in(value: Any, declared: Key) -> Iterator[Mapping[str, Any]]:
    value = declared.default if value is None or value is True else value
    if isinstance(value, list):
        for item in value:
            yield from sources_in(item, declared)
    elif isinstance(value, Mapping):
        if any(inner.loads == DATA for inner in declared.inside.values()):
            yield value
        for name, item in with_defaults(value, declared).items():
            yield from sources_in(item, declared.of(name))


# ---------------------------------------------------------------------------------------- where it lies, once it does


def placed(value: Any, declared: Key, places: Mapping[tuple[str, str], str], revision: Any = None) -> Any:
    """
    A value in which what is on the Hub is replaced: by its folder, or in an entry of `datasets` by its commit.

    Args:
        value (`Any`):
            Of a key of a recipe, or of a stage's dataclass.
        declared (`Key`):
            Its declaration.
        places (`dict[tuple[str, str], str]`):
            Folders, and commits of `DATA`, by kind and name as `named` gives them.
        revision (`Any`, *optional*):
            What the key beside it says.
    """
    if not (declared.loads or declared.inside):
        return value
    if declared.default is not None and (value is None or value is True):
        value = declared.default
    if isinstance(value, str) and declared.loads:
        return places.get((declared.loads, at(value, revision)), value)
    if isinstance(value, list):
        return [placed(item, declared, places) for item in value]
    if not isinstance(value, Mapping):
        return value
    found: dict[str, Any] = dict(value)
    for name, item in with_defaults(value, declared).items():
        inner = declared.of(name)
        if not (inner.loads or inner.inside) or (value.get("url") and name == "model"):
            continue
        place = placed(item, inner, places, value.get(inner.revision))
        if inner.loads == DATA and place != item:  # an entry keeps its name
            found |= {name: split_id(item)[0], inner.revision: place}
        elif place is not None:
            found[name] = place
    return found
