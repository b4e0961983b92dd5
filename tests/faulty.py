"""Generation against the server that fails in every way (`fault_server.py`): server, recipes, what must come out."""

import json
import socket
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from pathlib import Path

import pytest
import yaml
from fault_server import reply_to
from waiting import PATIENCE

FAULTY = Path(__file__).with_name("fault_server.py")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(url):
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        try:
            return urllib.request.urlopen(url, timeout=5).read()
        except OSError:
            time.sleep(0.1)
    raise AssertionError(f"{url} does not answer")


@pytest.fixture
def faulty(tmp_path):
    """Starts a fault server: share of faults -> its base URL; `requests()` are those it answered."""
    started = []

    def start(share, delay=0.0):
        port, log = free_port(), tmp_path / "requests.jsonl"
        started.append(
            subprocess.Popen(
                [sys.executable, FAULTY, f"--port={port}", f"--share={share}", f"--log={log}", f"--delay={delay}"],
                stdout=subprocess.DEVNULL,
            )
        )
        wait_for(f"http://127.0.0.1:{port}/v1/models")
        return f"http://127.0.0.1:{port}/v1", log

    yield start
    for process in started:
        process.kill()
        process.wait()


def write_recipe(tmp_path, problems, **values):
    data = tmp_path / "problems.jsonl"
    rows = [{"prompt": f"question {n}", "answer": str(n % 10), "problem_id": f"p{n}"} for n in range(problems)]
    data.write_text("".join(json.dumps(row) + "\n" for row in rows))
    recipe = {
        "output_dir": str(tmp_path / "out"),
        "datasets": [{"path": str(data)}],
        "model": "fake",
        "engine": "server",
        "num_samples": 4,
    }
    recipe |= {"batch_size": 40, "concurrency": 64, "temperature": 1.0, "max_new_tokens": 64} | values
    path = tmp_path / "recipe.yaml"
    path.write_text(yaml.safe_dump(recipe))
    return path


def check_rows(tmp_path, problems, samples=4):
    """Every row once, and each with the reply to its own request."""
    from open_r1.sampling.store import read_store

    rows = list(read_store(tmp_path / "out"))
    assert Counter((row["problem_id"], row["sample"]) for row in rows) == Counter(
        (f"p{n}", k) for n in range(problems) for k in range(samples)
    )
    for row in rows:
        assert row["text"] == reply_to(row["question"], row["seed"])
        assert (row["outcome"] == "correct") == (row["extracted"] == row["answer"]) and row["valid"]
    return rows
