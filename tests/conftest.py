"""What the tests of whole stages share: the repository, the command line, and one smoke run of the mini pipeline."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]
os.environ.setdefault("HF_HUB_OFFLINE", "1")  # before anything imports huggingface_hub


def run_cli(*arguments: object, check: bool = True) -> subprocess.CompletedProcess:
    """Runs `open-r1` with these arguments from the repository."""
    command = [sys.executable, "-m", "open_r1.cli", *map(str, arguments)]
    result = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True)
    assert not check or result.returncode == 0, result.stdout + result.stderr
    return result


@pytest.fixture(scope="session")
def smoke_root(tmp_path_factory) -> Path:
    """Root of a complete smoke run of the mini pipeline."""
    root = tmp_path_factory.mktemp("smoke") / "mini"
    run_cli("run", "recipes/mini/pipeline.yaml", "--smoke", "--root", root)
    return root
