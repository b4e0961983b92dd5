"""
Generation in many tasks through datatrove: the rows that one process gives, also after kills. On a real Slurm:
tests/test_slurm.py.
"""

import json
import os
import random
import signal
import subprocess
import sys
import time

import pytest
from benchmark_answers import MODEL, answering, local_file, problems_of
from conftest import REPOSITORY, run_cli
from faulty import FAULTY, check_rows, write_recipe
from tiny_models import save_tiny_base
from waiting import wait_for

from open_r1.cluster.standing import is_written
from open_r1.core.rows import name_of
from open_r1.sampling.arguments import GenerateArguments
from open_r1.sampling.at_scale import context_of
from open_r1.sampling.store import read_stores

pytest.importorskip("datatrove")
pytest.importorskip("orjson")


@pytest.mark.slow
def test_tasks_fill_the_store_that_one_process_fills(tmp_path, faulty):
    url, _ = faulty(0.0)
    recipe = write_recipe(tmp_path, 60, url=url, executor={"kind": "local", "tasks": 3, "workers": 2, "chunk": 5})
    run_cli("generate", "--config", recipe)
    rows = check_rows(tmp_path, 60)
    run_cli("generate", "--config", write_recipe(tmp_path, 60, url=url, output_dir=str(tmp_path / "one" / "out")))
    assert check_rows(tmp_path / "one", 60) == rows


@pytest.mark.slow
def test_killed_tasks_lose_and_double_nothing(tmp_path, faulty):
    url, log = faulty(0.0, delay=0.05)  # on no machine do two tasks come to their end between two looks at the log
    recipe = write_recipe(
        tmp_path, 200, url=url, concurrency=8, executor={"kind": "local", "tasks": 4, "workers": 2, "chunk": 10}
    )
    command, rng = [sys.executable, "-m", "open_r1.generate", "--config", recipe], random.Random(1)
    for _ in range(2):
        done = len(log.read_text().splitlines()) if log.exists() else 0
        process = subprocess.Popen(
            command, cwd=REPOSITORY, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        while process.poll() is None and (len(log.read_text().splitlines()) if log.exists() else 0) < done + 100:
            time.sleep(0.02)
        time.sleep(rng.random() * 0.3)
        assert process.poll() is None, "it ended before it could be killed"
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        # a task that waits for a disk ends after that, and keeps the output locked until then
        wait_for(lambda: not is_written(tmp_path / "out"), "the end of the tasks")
    run_cli("generate", "--config", recipe)
    check_rows(tmp_path, 200)


@pytest.mark.slow
def test_a_note_of_finished_chunks_that_a_kill_left_empty_is_counted_again(tmp_path, faulty):
    """Between the moment when datatrove opens the file and when it has written the number."""
    url, log = faulty(0.0)
    recipe = write_recipe(tmp_path, 60, url=url, executor={"kind": "local", "tasks": 2, "chunk": 10})
    run_cli("generate", "--config", recipe)
    asked, output = len(log.read_text().splitlines()), tmp_path / "out"
    for file in (output / "manifest.json", *output.glob("part-*"), output / "tasks/logs/completions/00001"):
        file.unlink()
    (output / "tasks/checkpoints/last_chunk/00001.txt").write_text("")
    (output / "tasks/replies/00001_2.jsonl").unlink()  # of three chunks the first two are whole
    run_cli("generate", "--config", recipe)
    check_rows(tmp_path, 60)
    assert len(log.read_text().splitlines()) == asked + 10 * 4


def test_what_ends_a_task_ends_the_run_in_one_line(tmp_path, faulty):
    url, _ = faulty(0.0)
    recipe = write_recipe(tmp_path, 8, url=url, model="other", executor={"kind": "local", "tasks": 2})
    result = run_cli("generate", "--config", recipe, check=False)
    assert result.returncode == 2 and f"error: {url} serves fake, not other" in result.stderr


@pytest.mark.slow
def test_tasks_survive_a_server_that_fails_in_every_way(tmp_path, faulty):
    url, _ = faulty(0.2)
    values = {"timeout": 2.0, "concurrency": 16, "executor": {"kind": "local", "tasks": 2}}
    run_cli("generate", "--config", write_recipe(tmp_path, 40, url=url, **values))
    check_rows(tmp_path, 40)


@pytest.mark.slow
def test_every_task_can_start_a_server_of_its_own(tmp_path):
    executor = {
        "kind": "local",
        "tasks": 2,
        "server": "custom",
        "server_args": {"server_script": str(FAULTY), "max-model-len": 64},  # as vLLM refuses what does not fit
    }
    run_cli("generate", "--config", write_recipe(tmp_path, 20, executor=executor))
    check_rows(tmp_path, 20)


@pytest.mark.parametrize(
    ("own", "context"),
    [
        ({}, 777),
        ({"context": 64}, 64),
        ({"server_args": {"max-model-len": 9}}, 9),
        ({"server": "custom"}, 0),
        ({"server": "endpoint"}, 0),
    ],
)
def test_a_server_of_a_task_has_the_models_whole_context(tmp_path, own, context):
    model = save_tiny_base(tmp_path / "model", "chatml")
    config = json.loads((tmp_path / "model/config.json").read_text())
    (tmp_path / "model/config.json").write_text(json.dumps(config | {"max_position_embeddings": 777}))
    args = GenerateArguments(model=str(model), executor={"kind": "local", "server": "vllm"} | own)
    assert context_of(args) == context


@pytest.mark.parametrize(
    ("executor", "message"),
    [({"kind": "magic"}, "kind 'magic' is unknown"), ({"kind": "local", "taks": 2}, "did you mean `tasks`")],
)
def test_bad_executors_are_one_line(tmp_path, executor, message):
    result = run_cli(
        "generate", "--config", write_recipe(tmp_path, 4, url="http://127.0.0.1:9/v1", executor=executor), check=False
    )
    assert result.returncode == 2 and message in result.stderr and "Traceback" not in result.stderr


@pytest.mark.slow
def test_an_evaluation_by_tasks_has_the_rows_of_one_process(tmp_path):
    """A store for each benchmark, each with its own tasks; a benchmark that joins starts only its own."""
    files = [local_file(tmp_path, name) for name in ("aime24", "math_500")]

    def rows_of(out, server, *chosen, **values):
        words = [MODEL, "--benchmarks", ",".join(map(str, chosen)), "--url", server.url, "--num_samples", 5]
        run_cli("evaluate", *words, "--output_dir", tmp_path / out, *values.get("more", ()))
        return sorted(read_stores(tmp_path / out / MODEL), key=lambda row: (row["dataset"], name_of(row)))

    with answering(*files) as server:
        alone = rows_of("alone", server, *files)
        more = ["--executor.kind", "local", "--executor.tasks", "2"]
        rows_of("many", server, files[0], more=more)
        server.requests.clear()
        assert rows_of("many", server, files[1], more=more) == alone
        assert len(server.asked) == 5 * len(problems_of(files[1]))
