"""Real vLLM, in this process and as a server: both draw what the model says and the recipe asks for, and nothing else.

In the environment of `make install-vllm`, on a CPU.
"""

import json
import threading
import time
from pathlib import Path

import pytest
import yaml
from real_vllm import CONTEXT, NEEDED, run_with_vllm, tiny_model
from waiting import PATIENCE

from open_r1.core import endpoints
from open_r1.core.errors import EndpointError
from open_r1.sampling.arguments import Sampling
from open_r1.sampling.draw import make_engine
from open_r1.sampling.store import fill_store, read_store

pytestmark = NEEDED
PROBLEMS = [
    {
        "problem_id": f"p{n}",
        "prompt": [{"role": "user", "content": f"What is {n} + {n} ?"}],
        "answer": str(2 * n),
        "verifier": "math",
        "domain": "reasoning",
        "metadata": "",
        "language": "en",
        "difficulty": "",
    }
    for n in range(20)
]
LONG = PROBLEMS[0] | {"problem_id": "long", "prompt": [{"role": "user", "content": "1 + " * CONTEXT}]}
SEEDED = {"temperature": 1.0, "top_p": 1.0, "num_samples": 4, "max_new_tokens": 24, "dtype": "float32"}


def drawn(directory: Path, model: str, problems=PROBLEMS, **sampling) -> dict[tuple[str, int], tuple]:
    """What a store holds after these settings: text, finish reason and error by problem and sample."""
    engine = make_engine(model, "zero", Sampling(**sampling))
    fill_store(engine, problems, directory)
    return rows(directory)


def rows(directory: Path) -> dict[tuple[str, int], tuple]:
    """Without the last character where it is cut in the middle: vLLM waits for its other bytes."""
    return {
        (row["problem_id"], row["sample"]): (row["text"].rstrip("\ufffd"), row["tokens"], row["finish_reason"])
        + (row.get("error", ""),)
        for row in read_store(directory)
    }


@pytest.mark.parametrize("api", ["text", "chat"])
def test_greedy_texts_are_those_of_transformers(vllm_server, tiny, tmp_path, api):
    greedy = {"temperature": 0.0, "num_samples": 1, "max_new_tokens": 24, "dtype": "float32"}
    here = drawn(tmp_path / "here", tiny, **greedy)
    there = drawn(tmp_path / "there", tiny, engine="server", url=vllm_server.url, api=api, **greedy)
    assert len(here) == len(PROBLEMS) and here == there


@pytest.fixture(scope="module")
def seeded(vllm_server, tiny, tmp_path_factory):
    """Samples from the server by text, many at a time."""
    directory = tmp_path_factory.mktemp("seeded")
    return drawn(directory, tiny, engine="server", url=vllm_server.url, api="text", concurrency=64, **SEEDED)


def test_the_models_own_settings_decide_nothing(seeded):
    """With the `top_k: 1` of its generation_config all samples of a problem would be copies."""
    assert len(seeded) == 80 and len({text for text, *_ in seeded.values()}) == 80


def test_by_chat_a_seed_draws_the_same(vllm_server, tiny, seeded, tmp_path):
    assert drawn(tmp_path, tiny, engine="server", url=vllm_server.url, api="chat", concurrency=3, **SEEDED) == seeded


def test_in_this_process_a_seed_draws_the_same(tiny, seeded, tmp_path):
    """A prompt beyond the context fails there and ends nothing."""
    problems = tmp_path / "problems.jsonl"
    problems.write_text("".join(json.dumps(problem) + "\n" for problem in [*PROBLEMS, LONG]))
    recipe = SEEDED | {"engine": "vllm", "extra": {"max_model_len": CONTEXT, "enforce_eager": True}, "model": tiny}
    recipe |= {"output_dir": str(tmp_path / "here"), "datasets": [{"path": str(problems)}], "response_format": "zero"}
    (tmp_path / "recipe.yaml").write_text(yaml.safe_dump(recipe))
    result = run_with_vllm("-m", "open_r1.generate", "--config", tmp_path / "recipe.yaml", "--max_failed", "0.1")
    assert result.returncode == 0, result.stdout[-3000:] + result.stderr[-3000:]
    here = rows(tmp_path / "here")
    long = [here.pop(("long", sample)) for sample in range(4)]
    assert here == seeded
    assert all(reason == "failed" and f"context of {CONTEXT}" in error for _, _, reason, error in long)


@pytest.mark.parametrize("name", ["tiny", "path"])
def test_a_completion_takes_what_the_context_leaves(vllm_server, tiny, tmp_path, name):
    """Also where only the server has the tokenizer, and so alone knows how much a prompt leaves."""
    name = {"path": tiny}.get(name, name)
    settings = {"engine": "server", "url": vllm_server.url, "temperature": 0.0, "num_samples": 1, "dtype": "float32"}
    for longest in (CONTEXT - 1, 100_000):
        found = drawn(tmp_path / str(longest), name, [PROBLEMS[0], LONG], max_new_tokens=longest, **settings)
        assert found["p0", 0][2] == "length" and CONTEXT / 2 < found["p0", 0][1] < CONTEXT
        assert found["long", 0][2] == "failed" and str(CONTEXT) in found["long", 0][3]


def test_a_model_that_is_not_served_is_refused_also_where_it_is_a_folder_here(vllm_server, tmp_path):
    other = tiny_model(tmp_path / "other")
    for name in (other, "else"):
        with pytest.raises(EndpointError, match=f"serves .*tiny, not {name}"):
            drawn(tmp_path / "out", name, engine="server", url=vllm_server.url, **SEEDED)


def test_a_server_that_is_killed_and_started_again_costs_no_completion(
    vllm_server, tiny, seeded, tmp_path, monkeypatch
):
    monkeypatch.setattr(endpoints, "PATIENCE", PATIENCE)  # a start takes half a minute, or some
    settings = SEEDED | {"engine": "server", "url": vllm_server.url, "api": "text", "concurrency": 2, "batch_size": 4}
    found = {}
    runner = threading.Thread(target=lambda: found.update(drawn(tmp_path, tiny, **settings)))
    runner.start()
    while len(list(tmp_path.glob("part-*"))) < 3 and runner.is_alive():
        time.sleep(0.01)
    vllm_server.kill()
    assert len(list(tmp_path.glob("part-*"))) < 20, "the server was not killed in the middle"
    vllm_server.start()
    vllm_server.wait()
    runner.join(PATIENCE)
    assert found == seeded  # what failed would say why
