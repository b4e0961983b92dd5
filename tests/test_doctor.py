"""`open-r1 doctor` as a user runs it."""

import os
import subprocess
import sys

import pytest
from conftest import REPOSITORY


def doctor(*words, **variables):
    command = [sys.executable, "-m", "open_r1.cli", "doctor", *words]
    environment = os.environ | {"HF_HUB_OFFLINE": "1"} | variables
    return subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, env=environment)


def test_a_recipe_for_a_cpu_is_well_here():
    done = doctor("--config", "recipes/mini/zero.yaml")
    lines = [line.split(maxsplit=2) for line in done.stdout.splitlines()]
    assert [name for _, name, *_ in lines] == [
        "versions:", "gpus:", "memory:", "disk:", "hub:", "sandbox:", "ports:"
    ]  # fmt: skip
    assert {state for state, name, _ in lines if name not in ("sandbox:", "ports:")} == {"ok"}, done.stdout
    assert "0 planned" in done.stdout or "planned" in lines[2][2]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (
            ["--config", "recipes/Qwen2.5-7B/rl_prompts.yaml", "--url", "http://127.0.0.1:9/v1"],
            "server of url: no server answers",
        ),
        (["--config", "recipes/mini/zero.yaml", "--push_to_hub", "true"], "hub: offline"),
    ],
)
def test_an_error_is_a_line_with_its_fix_and_exit_code_1(words, expected):
    done = doctor(*words)
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("error")]
    assert done.returncode == 1 and expected in line and "; fix: " in line, done.stdout + done.stderr


def test_a_recipe_that_is_none_ends_as_everywhere():
    done = doctor("--config", "none.yaml")
    assert done.returncode == 2 and done.stderr.startswith("error: none.yaml: no such recipe")
