"""The real client of a Hub, in a process of its own: it reads where the Hub is when huggingface_hub is imported."""

import json
import os
import subprocess
import sys

import pytest
from local_hub import LocalHub

LOOP = """
import json, sys
from huggingface_hub import *
from huggingface_hub import HfApi, logging
from huggingface_hub.utils import disable_progress_bars, set_client_factory
from huggingface_hub.utils._http import default_client_factory
def client():
    made = default_client_factory()
    made.timeout = 2.0
    return made
set_client_factory(client), logging.set_verbosity_error(), disable_progress_bars()
api = HfApi()
for line in sys.stdin:
    try:
        answer = {"value": eval(json.loads(line))}
    except Exception as error:
        status = getattr(getattr(error, "response", None), "status_code", None)
        answer = {"error": type(error).__name__, "status": status, "text": str(error)}
    print(json.dumps(answer, default=str), flush=True)
"""


class Client:
    """Evaluates expressions in that process, where `api` is the client and huggingface_hub's functions are there."""

    def __init__(self, hub: LocalHub):
        self.process = subprocess.Popen(
            [sys.executable, "-c", LOOP],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | hub.environment,
        )

    def ask(self, expression: str) -> dict:
        """{"value": ...}, or {"error": its class, "status": of the answer, "text": ...}."""
        self.process.stdin.write(json.dumps(expression) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def __call__(self, expression: str):
        answer = self.ask(expression)
        assert "value" in answer, (expression, answer)
        return answer["value"]

    def close(self) -> None:
        self.process.stdin.close()
        self.process.wait()


@pytest.fixture(scope="module")
def local_hub(tmp_path_factory):
    """A Hub for the tests of one file."""
    with LocalHub(tmp_path_factory.mktemp("hf")) as hub:
        yield hub


@pytest.fixture(scope="module")
def hub_client(local_hub):
    client = Client(local_hub)
    yield client
    client.close()
