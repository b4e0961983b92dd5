"""Generation by servers: one that fails in every way, one that is killed under us, and a real `transformers serve`."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from conftest import REPOSITORY, run_cli
from faulty import FAULTY, check_rows, free_port, wait_for, write_recipe

from open_r1.sampling.store import read_store


def test_two_thousand_requests_survive_a_server_that_fails_in_every_way(tmp_path, faulty):
    url, _ = faulty(0.15)
    # few at a time: not even a slow machine lets one of them wait for 2 s
    recipe = write_recipe(tmp_path, 500, url=url, timeout=2.0, concurrency=32, batch_size=400)
    run_cli("generate", "--config", recipe)
    check_rows(tmp_path, 500)
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert manifest["samples"] == 2000 and manifest["failed"] == 0 and manifest["peak_rss_gb"] < 1.0


def test_five_kills_lose_and_double_nothing(tmp_path, faulty):
    url, log = faulty(0.05)
    recipe = write_recipe(tmp_path, 500, url=url, concurrency=16)
    rng, done = random.Random(0), []
    for _ in range(5):
        process = subprocess.Popen(
            [sys.executable, "-m", "open_r1.generate", "--config", recipe], cwd=REPOSITORY, stderr=subprocess.DEVNULL
        )
        before = len(list((tmp_path / "out").glob("part-*.jsonl"))) if (tmp_path / "out").exists() else 0
        while process.poll() is None and len(list((tmp_path / "out").glob("part-*.jsonl"))) < before + 3:
            time.sleep(0.02)
        time.sleep(rng.random() * 0.5)
        process.send_signal(signal.SIGKILL)
        process.wait()
        done.append(len(list((tmp_path / "out").glob("part-*.jsonl"))))
    assert done == sorted(done) and done[0] >= 3 and not (tmp_path / "out" / "manifest.json").exists()
    run_cli("generate", "--config", recipe)
    check_rows(tmp_path, 500)
    asked = Counter(map(tuple, map(json.loads, log.read_text().splitlines())))
    assert sum(asked.values()) - len(asked) < 5 * 8 * 40  # only what was under way at a kill is asked again


def test_two_servers_share_the_work_and_one_may_be_away(tmp_path, faulty):
    one, log = faulty(0.0)
    two, _ = faulty(0.0)
    recipe = write_recipe(tmp_path, 20, url=[one, f"http://127.0.0.1:{free_port()}/v1", two])
    run_cli("generate", "--config", recipe)
    check_rows(tmp_path, 20)


def test_a_server_that_only_fails_takes_no_work_from_the_other(tmp_path, faulty):
    good, log = faulty(0.0)
    port = free_port()
    process = subprocess.Popen([sys.executable, FAULTY, f"--port={port}", "--broken"], stdout=subprocess.DEVNULL)
    wait_for(f"http://127.0.0.1:{port}/v1/models")
    run_cli("generate", "--config", write_recipe(tmp_path, 60, url=[f"http://127.0.0.1:{port}/v1", good], retries=2))
    process.kill()
    process.wait()
    check_rows(tmp_path, 60)


def test_a_corrected_url_goes_on_where_the_wrong_one_stopped(tmp_path, faulty):
    url, log = faulty(0.0)
    recipe = write_recipe(tmp_path, 20, url="http://127.0.0.1:9/v1")
    assert run_cli("generate", "--config", recipe, check=False).returncode == 2
    run_cli("generate", "--config", recipe, "--url", url, "--concurrency", "7")
    check_rows(tmp_path, 20)


def test_other_filters_need_no_other_samples(tmp_path, faulty):
    url, log = faulty(0.0)
    recipe = write_recipe(tmp_path, 20, url=url, filters=["finished", {"min_tokens": 1000}], decontaminate=False)
    result = run_cli("curate", "--config", recipe, check=False)
    assert result.returncode == 2 and "no sample" in result.stderr and "is left" in result.stderr
    run_cli("curate", "--config", recipe, "--filters", "[finished]", "--force")
    assert len(log.read_text().splitlines()) == 80
    run_cli("curate", "--config", recipe, "--filters", "[finished]", "--num_samples", "2", "--force")
    assert len(log.read_text().splitlines()) == 120


def test_samples_of_problems_that_were_made_again_are_drawn_again(tmp_path, faulty):
    url, log = faulty(0.0)
    recipe = write_recipe(tmp_path, 5, url=url, root=str(tmp_path), filters=["finished"], decontaminate=False)
    run_cli("curate", "--config", recipe)
    with (tmp_path / "problems.jsonl").open("a") as file:
        file.write(json.dumps({"prompt": "another", "answer": "1", "problem_id": "p5"}) + "\n")
    assert run_cli("curate", "--config", recipe, check=False).returncode == 2
    run_cli("curate", "--config", recipe, "--force")
    assert len(log.read_text().splitlines()) == 20 + 24


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"url": "http://127.0.0.1:9/v1"}, "no server answers"),
        ({"model": "other"}, "serves fake, not other"),
        ({"url": ""}, "`engine: server` needs `url`"),
        ({"api": "telepathy"}, "`api: telepathy`"),
    ],
)
def test_what_no_attempt_mends_is_one_line(tmp_path, faulty, values, message):
    url, _ = faulty(0.0)
    result = run_cli("generate", "--config", write_recipe(tmp_path, 4, **({"url": url} | values)), check=False)
    assert result.returncode == 2 and message in result.stderr and "Traceback" not in result.stderr
    assert [line.split(":")[0].strip() for line in result.stderr.strip().splitlines()[-2:]] == ["error", "fix"]


def test_a_wrong_key_is_never_printed(tmp_path, monkeypatch):
    from http.server import BaseHTTPRequestHandler, HTTPServer
    from threading import Thread

    class Refuses(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(401)
            self.end_headers()
            self.wfile.write(self.headers["Authorization"].encode())  # some servers repeat it

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Refuses)
    Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("OPENAI_API_KEY", "sk-very-secret")
    result = run_cli(
        "generate", "--config", write_recipe(tmp_path, 4, url=f"http://127.0.0.1:{server.server_port}/v1"), check=False
    )
    server.shutdown()
    assert result.returncode == 2 and "refuses the key" in result.stderr and "OPENAI_API_KEY" in result.stderr
    assert "very-secret" not in result.stdout + result.stderr
    assert all(b"very-secret" not in path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file())


@pytest.mark.slow
def test_prompts_beyond_the_context_are_refused_and_counted(tmp_path, faulty, smoke_root):
    url, log = faulty(0.0)
    recipe = write_recipe(tmp_path, 3, url=url, tokenizer=str(smoke_root / "base"))
    with (tmp_path / "problems.jsonl").open("a") as file:
        file.write(json.dumps({"prompt": "3 + " * 4000, "answer": "1", "problem_id": "long"}) + "\n")
    result = run_cli("generate", "--config", recipe, check=False)
    assert (
        result.returncode == 2
        and "4 of 16 completions failed (4 x prompt of" in result.stderr
        and "context of 4096" in result.stderr
    )
    assert len(log.read_text().splitlines()) == 12
    run_cli("generate", "--config", recipe, "--max_failed", "0.3")
    rows = [row for row in read_store(tmp_path / "out") if row["outcome"] == "failed"]
    assert [row["problem_id"] for row in rows] == ["long"] * 4 and all(
        "context of 4096" in row["error"] for row in rows
    )


# ------------------------------------------------------------------------------------------------ a real server


@pytest.fixture(scope="module")
def served():
    """Base URL of a real `transformers serve` on the CPU."""
    pytest.importorskip("fastapi")
    pytest.importorskip("uvicorn")
    port = free_port()
    command = [str(Path(sys.executable).with_name("transformers")), "serve", "--device", "cpu", "--port", str(port)]
    process = subprocess.Popen(
        command, env=os.environ | {"HF_HUB_OFFLINE": "1"}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    wait_for(f"http://127.0.0.1:{port}/health")
    yield f"http://127.0.0.1:{port}/v1"
    process.kill()
    process.wait()


@pytest.mark.slow
@pytest.mark.parametrize("api", ["text", "chat"])
def test_a_real_server_gives_what_the_model_gives_here(tmp_path, smoke_root, served, api):
    greedy = {"temperature": 0.0, "num_samples": 1, "max_new_tokens": 12, "model": str(smoke_root / "reasoning_rl")}
    shared = greedy | {"datasets": [{"path": "mini:chain", "limit": 6}]}
    run_cli(
        "generate",
        "--config",
        write_recipe(tmp_path, 1, **shared, engine="transformers", output_dir=str(tmp_path / "here")),
    )
    run_cli("generate", "--config", write_recipe(tmp_path, 1, **shared, url=served, api=api, concurrency=2))
    here, there = ({row["question"]: row for row in read_store(tmp_path / name)} for name in ("here", "out"))
    assert len(here) == 6 and here.keys() == there.keys()
    for question, row in here.items():
        assert (there[question]["text"], there[question]["outcome"]) == (row["text"], row["outcome"])
        assert (
            there[question]["finish_reason"] == row["finish_reason"]
            and abs(there[question]["tokens"] - row["tokens"]) <= 1
        )
