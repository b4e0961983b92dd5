"""The command line answers for help without loading anything heavy."""

import dataclasses
import importlib
import os
import signal
import subprocess
import sys

import pytest
from conftest import REPOSITORY

from open_r1.cli import described
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


@pytest.mark.parametrize("name", COMMANDS)
def test_help_says_what_each_key_means(name):
    arguments = getattr(importlib.import_module(COMMANDS[name].module), "ARGUMENTS", None)
    if arguments is None:  # a command with options, not a recipe
        pytest.skip("it takes no recipe")
    heads = [line.partition("(default")[0].split() for line in described(arguments) if line[2] != " "]
    assert [head[0] for head in heads] == [field.name for field in dataclasses.fields(arguments)]
    assert [head[0] for head in heads if len(head) < 2] == []
    assert heads[0][0] in run(name, "--help").stdout


@pytest.mark.parametrize(
    "arguments", [["--help"], ["evaluate", "--help"], ["status", f"{REPOSITORY}/recipes/mini/pipeline.yaml"]]
)
def test_a_reader_that_has_enough_ends_a_command_silently(arguments):
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "open_r1.cli", *arguments]
    done = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, text=True)
    os.close(writing)
    assert (done.returncode, done.stderr) == (-signal.SIGPIPE, "")


@pytest.mark.parametrize("name", ["sft", "grpo", "reward-model"])
def test_help_of_training_names_the_page_of_trl(name):
    help_text = run(name, "--help").stdout
    assert "https://huggingface.co/docs/trl/" in help_text and "chat_template" in help_text


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
