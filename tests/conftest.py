"""What tests share: the repository, the command line, one smoke run of the mini pipeline, and a scripted endpoint."""

import atexit
import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from faulty import faulty  # noqa: F401
from hub_client import hub_client, local_hub  # noqa: F401
from hypothesis import HealthCheck, settings
from pushing import fresh, pusher  # noqa: F401
from real_vllm import tiny, vllm_server  # noqa: F401
from servers import running

REPOSITORY = Path(__file__).resolve().parents[1]
# before anything imports huggingface_hub: nothing is asked, and what was downloaded is what `hub.py` puts there
HUB_CACHE = Path(tempfile.mkdtemp(prefix="hub-"))
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ["HF_HUB_CACHE"] = str(HUB_CACHE)
os.environ["TRACKIO_DIR"] = str(HUB_CACHE / "trackio")
atexit.register(shutil.rmtree, HUB_CACHE, ignore_errors=True)
os.environ.setdefault("OMP_NUM_THREADS", "1")  # before anything imports torch: tiny models gain nothing from more
by_the_clock = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("same everywhere", derandomize=True, **by_the_clock)  # else only where CI is set
settings.load_profile("same everywhere")


def run_cli(*arguments: object, check: bool = True) -> subprocess.CompletedProcess:
    """Runs `open-r1` with these arguments from the repository."""
    command = [sys.executable, "-m", "open_r1.cli", *map(str, arguments)]
    result = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True)
    assert not check or result.returncode == 0, result.stdout + result.stderr
    return result


@pytest.fixture(scope="session")
def smoke_root(tmp_path_factory) -> Path:
    """Root of a complete smoke run of the mini pipeline, only to be read: all workers of pytest-xdist share it."""
    folder = tmp_path_factory.getbasetemp()
    folder = folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder
    with (folder / "smoke.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # the second finds it complete
        run_cli("run", "recipes/mini/pipeline.yaml", "--smoke", "--root", folder / "smoke")
    return folder / "smoke"


@pytest.fixture(scope="session")
def reported(tmp_path_factory) -> Path:
    """A made folder of models and evaluations with its report, both only to be read; two numbers are published."""
    from made_evaluation import write_folder

    from open_r1.report import main

    folder = write_folder(tmp_path_factory.mktemp("made") / "<b>root")
    known = {str(folder / "teacher"): {"contest": 0.9, "school math": 0.96}}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("open_r1.report.published_numbers", lambda path: known.get(path, {}))
        main([str(folder)])
    return folder


@pytest.fixture
def pauses(monkeypatch) -> list[float]:
    """Pauses that were asked for between attempts; none is made. Nothing but the loopback is reached."""
    from open_r1.core import endpoints

    asked = []

    async def sleep(seconds):
        asked.append(seconds)

    monkeypatch.setattr(endpoints, "SLEEP", sleep)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    return asked


@pytest.fixture
def server(pauses):
    """An endpoint with a script, see `servers.py`."""
    with running() as found:
        yield found
