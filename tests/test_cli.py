"""The command line answers for help without loading anything heavy."""

import subprocess
import sys

import pytest

from open_r1.core.commands import COMMANDS

CODE = """
import sys
from open_r1.cli import main
sys.argv = ["open-r1", *{arguments!r}]
main()
heavy = {{"torch", "transformers", "trl", "datasets", "matplotlib"}} & set(sys.modules)
assert not heavy, heavy
"""


def run(*arguments):
    return subprocess.run([sys.executable, "-c", CODE.format(arguments=arguments)], capture_output=True, text=True)


@pytest.mark.parametrize("arguments", [(), ("-h",), ("--help",)], ids=str)
def test_help_lists_every_command_and_imports_nothing_heavy(arguments):
    done = run(*arguments)
    assert done.returncode == 0, done.stderr
    assert all(f"\n  {name} " in done.stdout for name in COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_help_of_each_command_imports_nothing_heavy(name):
    done = run(name, "--help")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"usage: open-r1 {name} ") and len(done.stdout.splitlines()) > 2


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("generate", "num_samples"),
        ("curate", "filters"),
        ("evaluate", "models"),
        ("mix", "total"),
        ("decontaminate", "against"),
    ],
)
def test_help_lists_the_keys_of_plain_commands(name, key):
    keys = next(line for line in run(name, "--help").stdout.splitlines() if line.startswith("keys: "))
    assert {key, "output_dir"} <= set(keys.removeprefix("keys: ").split(", "))


def test_help_of_show_data_says_what_it_takes():
    assert run("show-data", "--help").stdout.startswith("usage: open-r1 show-data RECIPE [-n 3] [--key value ...]\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["trian"], "unknown command 'trian'"),
        (["curate"], "no recipe given"),
        (["mix"], "no recipe given"),
        (["decontaminate"], "no recipe given"),
        (["show-data", "no.yaml"], "no.yaml: no such recipe"),
        (["curate", "--config", "no.yaml"], "no.yaml: no such recipe"),
    ],
)
def test_mistake_is_told_in_two_lines_with_a_fix(arguments, message):
    done = subprocess.run([sys.executable, "-m", "open_r1.cli", *arguments], capture_output=True, text=True)
    assert done.returncode in (1, 2) and message in done.stderr
    assert len(done.stderr.splitlines()) == 2 and "fix: " in done.stderr and "Traceback" not in done.stderr
