"""One stage of a pipeline: what it makes, which stages it needs before it, and the command line that runs it."""

import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .artifacts import Artifact
from .commands import COMMANDS
from .inputs import local_inputs, read_manifest
from .keys import Keys
from .publishing import Repository, kind_made, repository_of
from .pushing import add_final
from .recipes import Recipe

# seconds a launcher leaves its ranks to save after SIGTERM, in its environment; torch's default is 30
SHUTDOWN = ("TORCH_ELASTIC_SHUTDOWN_TIMEOUT", "600")


@dataclass
class Stage:
    """
    One stage of a pipeline.

    Attributes:
        name (`str`): Name of the stage and of its output directory.
        command (`str`): The `open-r1` command that runs it.
        arguments (`list[str]`): Its command line.
        recipe (`dict`): The resolved recipe.
        log (`Path`): Where its output goes.
        keys (`Keys`): The declared keys of its command.
        needs (`set[str]`): The stages before it whose artifacts it loads, also through others.
        resources (`dict`): What it asks Slurm for.
    """

    name: str
    command: str
    arguments: list[str]
    recipe: Recipe = field(repr=False)
    log: Path
    keys: Keys = field(default_factory=dict, repr=False)
    needs: set[str] = field(default_factory=set)
    resources: Recipe = field(default_factory=dict, repr=False)

    @property
    def output(self) -> Path:
        return Path(self.recipe["output_dir"])

    def complete(self) -> bool:
        """Whether its artifact is there and is what the recipe makes; says where it was made in another way."""
        if read_manifest(self.output) is None:
            return False
        artifact = Artifact(self.recipe, self.keys)
        complete = artifact.complete
        if notice := artifact.notice():
            print(f"notice: {notice}", flush=True)
        if complete and self.publishes:
            add_final(self.output, self.recipe)
        return complete

    @property
    def publishes(self) -> bool:
        return bool(self.recipe.get("push_to_hub"))

    @property
    def repository(self) -> Repository:
        """Where its artifact is published."""
        return repository_of(self.recipe, kind_made(self.command))


def connect(stages: list[Stage]) -> None:
    """Fills in what each stage needs of those before it."""
    for number, stage in enumerate(stages):
        paths = map(Path, local_inputs(stage.recipe, stage.keys))
        inputs = {place for path in paths for place in (path, *path.parents)}
        for other in stages[:number]:
            if other.output in inputs:
                stage.needs |= {other.name} | other.needs


def has_launcher(stage: Stage, launch: Any) -> bool:
    """Whether a launcher starts a stage: it may use several devices."""
    return isinstance(launch, list) and COMMANDS[stage.command].trains


def stage_command(stage: Stage, launch: Any) -> list[str]:
    """The command line of a stage, as a user would type it."""
    prefix = launch if has_launcher(stage, launch) else [sys.executable]
    return [*prefix, "-m", COMMANDS[stage.command].module, *stage.arguments]
