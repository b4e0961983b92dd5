"""Who may know whom: commands on top, rooms below in layers, and no circles; kept by reading every import there is."""

import ast
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest
from conftest import REPOSITORY

from open_r1.core.commands import COMMANDS

PACKAGE = REPOSITORY / "src" / "open_r1"
# A room may use those of the layers above it in this list. Rooms of one layer know nothing of each other.
LAYERS = [{"core"}, {"sandbox"}, {"verify"}, {"data", "metrics"}, {"rewards", "sampling", "training"}]
LAYERS += [{"cluster", "hub"}, {"reporting"}]
LIGHT = ("core", "sandbox", "verify")  # they start in milliseconds, in worker processes too
HEAVY = {"torch", "transformers", "trl", "datasets", "accelerate", "peft"}


def name_of(path: Path) -> str:
    return ".".join(path.relative_to(PACKAGE).with_suffix("").parts).removesuffix(".__init__")


FILES = {name_of(path): path for path in sorted(PACKAGE.rglob("*.py")) if path != PACKAGE / "__init__.py"}
COMMAND_FILES = [name for name in FILES if "." not in name and FILES[name].name != "__init__.py"]


def imported(name: str) -> set[str]:
    """The modules of ours that a module imports, wherever in it."""
    found = set()
    package = name.split(".") if FILES[name].name == "__init__.py" else name.split(".")[:-1]
    for node in ast.walk(ast.parse(FILES[name].read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.removeprefix("open_r1.") for alias in node.names if alias.name.startswith("open_r1.")}
        elif isinstance(node, ast.ImportFrom):
            words = node.module.split(".") if node.module else []
            if node.level:
                words = package[: len(package) - node.level + 1] + words
            elif words[0] != "open_r1":
                continue
            base = ".".join(words).removeprefix("open_r1").removeprefix(".")
            for alias in node.names:
                full = f"{base}.{alias.name}".removeprefix(".")
                found.add(full if full in FILES else base)
    return found - {name, ""}


IMPORTS = {name: imported(name) for name in FILES}


def room_of(name: str) -> str:
    return name.partition(".")[0]


def test_a_relative_and_an_absolute_import_are_seen():
    assert {"core.runner", "core.inputs"} <= IMPORTS["pipeline"] and "core.errors" in IMPORTS["core.recipes"]
    assert "core.hub" in IMPORTS["data.sources"] and "sandbox.cgroup" in IMPORTS["sandbox.box"]


def test_what_stands_on_top_is_what_one_runs():
    assert {f"open_r1.{name}" for name in COMMAND_FILES} == {command.module for command in COMMANDS.values()} | {
        "open_r1.cli"
    }
    assert {room_of(name) for name in FILES if "." in name} == set.union(*LAYERS)


@pytest.mark.parametrize("name", FILES)
def test_no_module_imports_a_command(name):
    assert not IMPORTS[name] & set(COMMAND_FILES)


@pytest.mark.parametrize("room", [pytest.param(room, id=room) for layer in LAYERS for room in sorted(layer)])
def test_a_room_uses_the_layers_before_its_own(room):
    at = next(n for n, layer in enumerate(LAYERS) if room in layer)
    known = {room}.union(*LAYERS[:at])
    wrong = {
        f"{name} imports {other}"
        for name in FILES
        if room_of(name) == room
        for other in IMPORTS[name]
        if room_of(other) not in known
    }
    assert not wrong


def test_no_modules_import_each_other_in_a_circle():
    TopologicalSorter(IMPORTS).prepare()  # raises `CycleError`, which names the circle


@pytest.mark.parametrize("room", LIGHT)
def test_a_light_room_imports_nothing_heavy(room):
    modules = [f"open_r1.{name}" for name in FILES if room_of(name) == room]
    program = f"import importlib, sys; [importlib.import_module(name) for name in {modules}]; "
    program += f"print(sorted(set(sys.modules) & {HEAVY}))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout == "[]\n", done.stdout + done.stderr
