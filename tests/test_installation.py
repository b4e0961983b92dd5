"""The ranges of setup.cfg and the tested versions fit together: every extra can be resolved. Nothing is installed."""

import configparser
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import REPOSITORY
from waiting import PATIENCE

PARSER = configparser.ConfigParser()
PARSER.read(REPOSITORY / "setup.cfg")
EXTRAS = list(PARSER["options.extras_require"])
UV = shutil.which("uv", path=str(Path(sys.executable).parent)) or shutil.which("uv")


def resolve(*options: str, source: str = "setup.cfg", text: str | None = None) -> subprocess.CompletedProcess:
    command = [UV, "pip", "compile", "--quiet", "--python-version", "3.11", source, *options]
    return subprocess.run(command, cwd=REPOSITORY, input=text, capture_output=True, text=True, timeout=PATIENCE)


@pytest.fixture(scope="module")
def index():
    """Skips where there is no uv, or no package index to ask."""
    if UV is None:
        pytest.skip("uv is not installed (extra `dev`)")
    found = resolve("--refresh-package", "six", source="-", text="six")
    if found.returncode:
        pytest.skip(f"no package index: {found.stderr.strip().splitlines()[0]}")


def test_files_of_the_package_that_are_no_code_are_shipped():
    package = REPOSITORY / "src/open_r1"
    files = [path for path in package.rglob("*.*") if path.suffix not in (".py", ".pyc")]
    data = {path.relative_to(package).as_posix() for path in files}
    shipped = {
        f"{room.removeprefix('open_r1.').replace('.', '/')}/{name}"
        for room, names in PARSER["options.package_data"].items()
        for name in names.split()
    }
    assert data and data == shipped


@pytest.mark.network
@pytest.mark.usefixtures("index")
def test_all_extras_but_vllm_resolve_with_the_tested_versions():
    found = resolve(*(f"--extra={extra}" for extra in EXTRAS if extra != "vllm"), "--constraint=constraints.txt")
    assert found.returncode == 0, found.stderr


@pytest.mark.network
@pytest.mark.usefixtures("index")
def test_all_extras_resolve_with_the_versions_tested_with_vllm():
    found = resolve("--all-extras", "--constraint=constraints-gpu.txt")
    assert found.returncode == 0, found.stderr


@pytest.mark.network
@pytest.mark.usefixtures("index")
def test_the_oldest_versions_resolve_for_every_extra():
    found = resolve("--all-extras", "--resolution=lowest-direct")
    assert found.returncode == 0, found.stderr


def test_vllm_is_one_that_trl_supports():
    """TRL only warns about others, and then fails in the middle of a run."""
    from packaging.requirements import Requirement

    (requirement,) = [line for line in PARSER["options.extras_require"]["vllm"].split("\n") if line]
    allowed = Requirement(requirement).specifier
    assert allowed.contains(pinned("constraints-gpu.txt")["vllm"])
    assert not any(allowed.contains(version) for version in ("0.21.0", "0.31.1", "0.32.0", "1.0"))


def test_both_sets_differ_only_where_vllm_demands_it():
    cpu, gpu = pinned("constraints.txt"), pinned("constraints-gpu.txt")
    assert {name for name in cpu.keys() & gpu.keys() if cpu[name] != gpu[name]} == {"fastapi", "numpy"}


def pinned(file: str) -> dict[str, str]:
    lines = [line for line in (REPOSITORY / file).read_text().splitlines() if not line.startswith("#")]
    return {name.lower().replace("_", "-"): version for name, version in (line.split("==") for line in lines)}
