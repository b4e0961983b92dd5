"""
All recipes of the repository and what each is, as its header says: a stage, a pipeline, an overlay, or a part that
others are made of. Nothing is listed by hand.

A header is the comment that a file opens with. A stage's shows how it is launched, `open-r1 COMMAND --config ITSELF`
or `src/open_r1/COMMAND.py --config ITSELF`; a pipeline's `open-r1 run ITSELF`; an overlay's a stage, or a pipeline,
`--with ITSELF`, where `RECIPE` stands for any.
"""

import functools
import re
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from conftest import REPOSITORY

from open_r1.core.commands import COMMANDS
from open_r1.core.recipes import inherited

# in an indented line, behind variables and launchers
LAUNCH = re.compile(r"\s{2,}(?:\S.*? )?(?:open-r1 |src/open_r1/)([\w-]+)(?:\.py)? (.*)")


@dataclass(frozen=True)
class Launch:
    """
    A command line that a header shows.

    Attributes:
        command (`str`): Of `open-r1`.
        words (`tuple[str]`): What follows it.
    """

    command: str
    words: tuple[str, ...]

    def values(self, option: str) -> list[str]:
        """The values that an option has, which may be given several times."""
        return [after for word, after in zip(self.words, self.words[1:], strict=False) if word == f"--{option}"]


@dataclass(frozen=True)
class Recipe:
    """
    A file below `recipes/`.

    Attributes:
        path (`str`): From the repository.
        kind (`str`): `stage`, `pipeline`, `overlay` or `part`.
        launch (`Launch`, *optional*): How its header launches it; none of a part.
    """

    path: str
    kind: str
    launch: Launch | None = None

    @property
    def name(self) -> str:
        """Its path without what all paths share; of an overlay also the command that it is laid over."""
        name = self.path.removeprefix("recipes/").removesuffix(".yaml")
        return f"{name}-{self.launch.command}" if self.kind == "overlay" and self.launch else name

    @property
    def content(self) -> Any:
        """What the file says, with what it inherits."""
        return content(self.path)


def content(path: str) -> Any:
    """What a file says, with what it inherits where it is a mapping."""
    found = yaml.safe_load((REPOSITORY / path).read_text())
    return inherited(REPOSITORY / path) if isinstance(found, dict) else found


def header(path: str) -> str:
    """The comment that a file opens with, without its signs; continued lines are joined."""
    lines = (REPOSITORY / path).read_text().splitlines()
    length = next((n for n, line in enumerate(lines) if not line.startswith("#")), len(lines))
    return re.sub(r"\\\n\s*", " ", "\n".join(line.removeprefix("#") for line in lines[:length]))


def launches(path: str) -> list[Launch]:
    """The command lines in a header; a remark may follow after ` #`."""
    found = [LAUNCH.match(line.partition(" #")[0]) for line in header(path).splitlines()]
    pairs = [(match[1].replace("_", "-"), match[2]) for match in found if match]
    return [Launch(command, tuple(shlex.split(rest))) for command, rest in pairs if command in COMMANDS]


def read(path: str) -> Recipe:
    """What a file is."""
    for launch in launches(path):
        if launch.command == "run" and path == launch.words[0] and "stages" in content(path):
            return Recipe(path, "pipeline", launch)
        if launch.values("config") == [path]:
            return Recipe(path, "stage", launch)
        if path in launch.values("with"):
            return Recipe(path, "overlay", launch)
    return Recipe(path, "part")


@functools.cache
def recipes(*kinds: str) -> tuple[Recipe, ...]:
    """All recipes of these kinds, in order."""
    paths = sorted((REPOSITORY / "recipes").rglob("*.yaml"))
    others = {"accelerate_configs", "benchmarks"}  # entries of `datasets`: tests/data/test_benchmarks.py
    files = [str(path.relative_to(REPOSITORY)) for path in paths if not others & set(path.parts)]
    return tuple(found for found in map(read, files) if not kinds or found.kind in kinds)


def parents(path: str) -> set[str]:
    """The files that a file inherits from, and those that these inherit from."""
    own = yaml.safe_load((REPOSITORY / path).read_text())
    given = (own.get("inherit") or []) if isinstance(own, dict) else []
    folder = (REPOSITORY / path).parent
    direct = [(folder / parent).resolve() for parent in ([given] if isinstance(given, str) else given)]
    found = {str(parent.relative_to(REPOSITORY)) for parent in direct}
    return found.union(*map(parents, found))


def texts(value: Any) -> set[str]:
    """All texts in a value."""
    inner = list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else []
    return {value} if isinstance(value, str) else set().union(*map(texts, inner))


def unreached() -> list[str]:
    """Parts that no recipe is made of, and that none names."""
    whole = recipes("stage", "pipeline", "overlay")
    reached = set().union(*(parents(recipe.path) | texts(recipe.content) for recipe in whole))
    reached |= set().union(*(texts(part.content) for part in recipes("part") if part.path in reached))
    return [part.path for part in recipes("part") if part.path not in reached]


def laid(overlay: Recipe) -> list[Recipe]:
    """An overlay by the recipes that it is shown with: of a pipeline, the first of each command that it speaks to."""
    if overlay.launch is None or overlay.launch.command != "run":
        return [overlay]
    pipeline = Path(overlay.launch.words[0])
    found: dict[str, Recipe] = {}
    for stage in content(str(pipeline))["stages"]:
        words = ("--config", str(pipeline.parent / f"{stage['name']}.yaml"), "--with", overlay.path)
        if stage["run"] in overlay.content:
            found.setdefault(stage["run"], Recipe(overlay.path, "overlay", Launch(stage["run"], words)))
    return list(found.values())
