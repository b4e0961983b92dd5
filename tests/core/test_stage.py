"""The way into a stage: which command a dataclass is of."""

import importlib

import pytest

from open_r1.core.commands import COMMANDS
from open_r1.core.stage import command_of

OPENED = [name for name, command in COMMANDS.items() if hasattr(importlib.import_module(command.module), "ARGUMENTS")]


@pytest.mark.parametrize("name", OPENED)
def test_arguments_belong_to_the_command_that_reads_them(name):
    assert command_of(importlib.import_module(COMMANDS[name].module).ARGUMENTS) == name
