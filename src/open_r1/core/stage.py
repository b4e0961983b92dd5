"""The one way into a stage: from its command line to the recipe, its dataclasses and the claimed output directory."""

import faulthandler
import signal
import sys
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple, TypeVar

from .artifacts import Artifact
from .commands import COMMANDS
from .fields import fill_all
from .inputs import go_offline
from .keys import Keys, keys_of
from .notes import recorded
from .pinned import Pins, fetch, fetch_bases, hub_names, models, moved, pins_of, place_all
from .processes import is_main_process
from .publishing import kind_made, repository_of
from .pushing import add_final, require_access
from .recipes import Recipe, read_command_line

T = TypeVar("T")


class Stage(NamedTuple):
    """
    A stage that has something to do.

    Attributes:
        recipe (`dict`): The resolved recipe.
        artifact (`Artifact`): The output, claimed.
        arguments (`tuple`): Our dataclass, and TRL's where the stage trains; what the recipe names on the Hub is a
            folder in them.
    """

    recipe: Recipe
    artifact: Artifact
    arguments: tuple[Any, ...]


def open_stage(
    words: list[str] | None,
    ours: type,
    theirs: Callable[[], tuple[type, ...]] = tuple,
    adjust: Callable[[Recipe, str], Recipe] | None = None,
    check: Callable[..., None] | None = None,
    keep: Callable[[Any], Iterable[str]] = lambda arguments: (),
    agree: Callable[[Callable[[], Any]], Any] = lambda decide: decide(),
    later: bool = False,
) -> Stage | None:
    """
    Opens a stage.

    Args:
        words (`list[str]` or `None`):
            The command line, by default this process's.
        ours (`type`):
            Our dataclass of its keys.
        theirs (`Callable`, *optional*):
            Gives TRL's dataclasses; called once it is known whether the Hub is needed, which their import fixes.
        adjust (`Callable`, *optional*):
            Fills in values of the recipe that follow from others: recipe, file -> recipe.
        check (`Callable`, *optional*):
            Refuses arguments that cannot work, before the output is touched: file, dataclasses.
        keep (`Callable`, *optional*):
            Gives the entries of the output that even `--force` leaves: our dataclass -> names.
        agree (`Callable`, *optional*):
            Makes a decision for all processes of a run that has several; by default there is one.
        later (`bool`, *optional*, defaults to `False`):
            Whether the stage itself calls the `begin` of its output, when it knows that it can run.

    Returns:
        `Stage` or `None`: `None` if the output is complete already.
    """
    faulthandler.register(signal.SIGUSR2, file=2)  # shows where each thread is
    recipe, where, force = read_command_line(sys.argv[1:] if words is None else words, command_of(ours))
    full, keys = adjust(recipe, where) if adjust else recipe, keys_of(ours)
    go_offline(recipe, keys)
    arguments = fill_all((ours, *theirs()), full, where)
    if check:
        check(where, *arguments)
    pins = agree(lambda: pins_of(recipe, keys, force))
    artifact = Artifact(recipe, keys, pins, command=command_of(ours))
    known = {} if force else recorded(artifact.path)
    if recipe.get("push_to_hub") and is_main_process():
        require_access([repository_of(recipe, kind_made(command_of(ours)))])
    if not agree(lambda: artifact.claim(force, tuple(keep(arguments[0])), later)):
        if is_main_process():
            print(f"{artifact.path} is complete", flush=True)
            if recipe.get("push_to_hub"):
                add_final(artifact.path, recipe)
        return None
    load_from_hub(recipe, keys, arguments, pins, known, agree)
    return Stage(recipe, artifact, arguments)


def load_from_hub(
    recipe: Recipe,
    keys: Keys,
    arguments: tuple[Any, ...],
    pins: Pins,
    known: Pins,
    agree: Callable[[Callable[[], Any]], Any],
) -> None:
    """Fetches what the recipe names on the Hub, in one process first, and puts its folders into the arguments."""
    if names := hub_names(recipe, keys):
        for line in agree(lambda: moved(names, known)):
            if is_main_process():
                print(f"notice: {line}", flush=True)
        agree(lambda: fetch(names, pins, known))
        place_all(recipe, keys, arguments, fetch(names, pins, known))  # where nodes share no cache, each fetches
    if loaded := models(recipe, keys):
        agree(lambda: fetch_bases(loaded, pins))
        fetch_bases(loaded, pins)


def command_of(arguments: type) -> str:
    """The command of a dataclass, by its name: `RewardModelArguments` are those of `reward-model`."""
    short = arguments.__name__.removesuffix("Arguments").lower()
    return next((name for name in COMMANDS if name.replace("-", "") == short), "")


def begin(kind: type[T], words: list[str] | None, **options: Any) -> tuple[T, Recipe, Artifact] | None:
    """`open_stage` for a stage that does not train: its arguments, its recipe and its output, or `None`."""
    stage = open_stage(words, kind, **options)
    return (stage.arguments[0], stage.recipe, stage.artifact) if stage else None
