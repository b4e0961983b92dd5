"""Each check of `open-r1 doctor`, against machines and servers that are as they should be and that are not."""

import json
import socket
from types import SimpleNamespace

import pytest
from servers import body, close, status

from open_r1.cluster import health
from open_r1.cluster.job import GB, Job
from open_r1.cluster.shapes import table

TOKEN = "hf_verysecret"
SMALL = Job(table()["HuggingFaceTB/SmolLM2-135M"], "sft", rows=1, tokens=128, cpu=True)
LARGE = Job(table()["deepseek-ai/DeepSeek-V3-Base"], "sft", rows=1, tokens=128, cpu=True)


def models(*names, owner="vllm"):
    return body(json.dumps({"data": [{"id": name, "owned_by": owner} for name in names]}).encode())


@pytest.mark.parametrize(
    ("requirements", "pins", "state", "words"),
    [
        (["pyyaml>=6", 'vllm>=99; extra == "vllm"'], "", "ok", "1 packages within their ranges"),
        (["pyyaml>=6"], f"pyyaml=={health.installed('pyyaml')}\n", "ok", "1 packages, as tested"),
        (["pyyaml>=6"], "pyyaml==5.1\n", "warning", "not 5.1"),
        (["pyyaml>=99"], "", "error", "(wanted: >=99)"),
        (["no-such-package>=1"], "", "error", "no-such-package is missing"),
        (["pyyaml>=6", 'rich>=99; extra == "x"'], "", "error", "rich "),  # an extra that is there counts too
    ],
)
def test_versions(tmp_path, requirements, pins, state, words):
    (tmp_path / "constraints.txt").write_text("# tested\n" + pins)
    found = health.versions(requirements, tmp_path)
    assert found.state == state and words in found.words
    assert bool(found.fix) is (state != "ok") and (state == "ok" or "pip install " in found.fix)


def test_versions_of_this_environment_need_no_checkout(tmp_path):
    found = health.versions(checkout=tmp_path)
    assert found.state == "ok" and f"trl {health.installed('trl')}" in found.words


@pytest.mark.parametrize(
    ("recipe", "wanted", "state"),
    [
        ({"use_cpu": True, "bf16": True}, 8, "ok"),
        ({}, 1, "warning"),
        ({"bf16": True}, 1, "error"),
        ({"use_vllm": True}, 1, "error"),
        ({}, 8, "error"),
    ],
)
def test_gpus_where_there_are_none(monkeypatch, recipe, wanted, state):
    monkeypatch.setattr("torch.cuda.device_count", lambda: 0)
    assert health.gpus(recipe, wanted).state == state


@pytest.mark.parametrize(
    ("recipe", "wanted", "capability", "state", "words"),
    [
        ({"bf16": True}, 2, (9, 0), "ok", "2 x Tesla"),
        ({"bf16": True}, 8, (9, 0), "error", "the launch wants 8"),
        ({"dtype": "bfloat16"}, 2, (7, 5), "error", "compute capability"),
        ({"dtype": "float32"}, 2, (7, 5), "ok", "2 x Tesla"),
    ],
)
def test_gpus_where_there_are_two(monkeypatch, recipe, wanted, capability, state, words):
    monkeypatch.setattr("torch.cuda.device_count", lambda: 2)
    monkeypatch.setattr("torch.cuda.get_device_name", lambda _: "Tesla")
    monkeypatch.setattr("torch.cuda.get_device_capability", lambda _: capability)
    found = health.gpus(recipe, wanted)
    assert found.state == state and words in found.words


@pytest.mark.parametrize(
    ("job", "state"), [(None, "ok"), (SMALL, "ok"), (LARGE, "error")], ids=["none", "small", "large"]
)
def test_memory_and_disk(monkeypatch, tmp_path, job, state):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    monkeypatch.setattr("psutil.virtual_memory", lambda: SimpleNamespace(available=64 * GB))
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=64 * GB))
    found = health.memory(job)
    assert found.state == state and found.words.startswith("64.0 GB free of the machine")
    found = health.disk({"output_dir": str(tmp_path / "a/b"), "save_total_limit": 2}, job)
    assert found.state == state and f"free at {tmp_path}," in found.words
    assert not (tmp_path / "a").exists()


def test_a_directory_that_cannot_be_written(monkeypatch, tmp_path):
    monkeypatch.setattr("os.access", lambda *_: False)
    assert health.disk({"output_dir": str(tmp_path)}, None) == health.Finding(
        "disk", "error", f"{tmp_path} cannot be written", "choose another `--root`"
    )


@pytest.mark.parametrize(
    ("reason", "rewards", "state"),
    [("", {"code": {}}, "ok"), ("bwrap is not installed", {"code": {}}, "error"), ("no", {"accuracy": {}}, "warning")],
)
def test_sandbox(monkeypatch, reason, rewards, state):
    monkeypatch.setattr(health, "works", lambda mode: reason)
    found = health.sandbox({"rewards": rewards})
    assert found.state == state and reason in found.words


# ------------------------------------------------------------------------------------------------------------ network


@pytest.fixture
def online(server, monkeypatch):
    """A Hub of our own."""
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    monkeypatch.setenv("HF_ENDPOINT", server.url.removesuffix("/v1"))
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    return server


@pytest.mark.parametrize(
    ("reply", "publishes", "state", "words"),
    [
        (body(b'{"name": "ada", "type": "user"}', Content_Type="application/json"), True, "ok", "logged in as ada"),
        (status(401), False, "error", "the token is refused"),
        (status(503), False, "warning", "status 503"),
        (status(503), True, "error", "status 503"),
        (close, False, "warning", "does not answer"),
    ],
)
def test_hub(online, reply, publishes, state, words):
    online.otherwise = reply
    found = health.hub({"push_to_hub": publishes})
    assert found.state == state and words in found.words
    assert online.requests[0]["headers"]["authorization"] == f"Bearer {TOKEN}"
    assert TOKEN not in " ".join(found)


@pytest.mark.parametrize(("publishes", "state"), [(False, "ok"), (True, "error")])
def test_hub_that_is_switched_off(monkeypatch, publishes, state):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    found = health.hub({"push_to_hub": publishes})
    assert found.state == state and "offline" in found.words


def test_hub_without_a_token(online, monkeypatch, tmp_path):
    monkeypatch.delenv("HF_TOKEN")
    monkeypatch.setattr("huggingface_hub.constants.HF_TOKEN_PATH", str(tmp_path / "none"))
    assert (health.hub({}).state, health.hub({"push_to_hub": True}).state) == ("warning", "error")
    assert online.requests == []


SERVED = {"use_vllm": True, "vllm_mode": "server"}


@pytest.mark.parametrize(
    ("recipe", "key", "state"),
    [({}, "vllm_group_port", "warning"), (SERVED, "vllm_group_port", "error"), (SERVED, "vllm_server_port", "ok")],
)
def test_a_port_that_is_taken(recipe, key, state):
    ports = {name: health.free_port() for name in health.PORTS}
    with socket.socket() as other:
        other.bind(("", ports[key]))
        other.listen()
        found = health.ports(recipe | ports)
    assert found.state == state
    assert (state == "ok") is (str(ports[key]) not in found.words)
    assert health.ports(recipe | ports).state == "ok"  # free again


@pytest.mark.parametrize(
    ("reply", "state", "words"),
    [
        (models("Qwen/Qwen2.5-7B"), "ok", "serves Qwen/Qwen2.5-7B"),
        (models("Qwen/Qwen2.5-1.5B"), "error", "serves Qwen/Qwen2.5-1.5B, not Qwen/Qwen2.5-7B"),
        (status(401), "error", "401"),
        (close, "error", "no server answers"),
    ],
)
def test_servers(server, reply, state, words):
    server.otherwise = reply
    judge = {"url": server.url, "model": "Qwen/Qwen2.5-7B"}
    generate = {"engine": "server", **judge}
    base = server.url.removesuffix("/v1")
    trainer = SERVED | {"vllm_server_base_url": base, "model_name_or_path": "Qwen/Qwen2.5-7B"}
    for recipe, name in ((generate, "url"), ({"rewards": {"judge": judge}}, "judge"), (trainer, "vLLM")):
        (found,) = health.servers(recipe)
        assert found.name == f"server of {name}" and found.state == state and words in found.words
    assert {request["path"] for request in server.requests} == {"/v1/models"}


def test_a_recipe_without_servers_asks_none():
    assert health.servers({"rewards": {"accuracy": {"weight": 1}}, "use_vllm": True}) == []


def test_an_address_that_trl_could_not_extend_is_an_error():
    (found,) = health.servers(
        SERVED | {"vllm_server_base_url": "http://127.0.0.1:8000/v1", "model_name_or_path": "a/b"}
    )
    assert found.state == "error" and found.fix == "write `vllm_server_base_url: http://127.0.0.1:8000`"
