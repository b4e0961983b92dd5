"""What can be wrong with a vLLM server is said in one line, with the fix, before anything is loaded."""

import socket

import pytest
from faulty import free_port
from vllm_like import running

from open_r1.core.errors import EndpointError, RecipeError
from open_r1.training import preflight
from open_r1.training.network import is_here
from open_r1.training.preflight import Wanted, check_server
from open_r1.training.vllm_server import server_url


@pytest.fixture
def server():
    with running() as found:
        yield found


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch):
    """No proxies of this machine; pauses are asked for and not made."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def wanted(url: str, **changes) -> Wanted:
    given = {"models": ("tiny",), "context": 200, "completion": 150, "dtype": "float32", "corrected": True}
    given |= {"group_port": free_port(), "own_address": "127.0.0.1", "version": "0.30.0+cpu", "patience": 0.0}
    return Wanted(**{"url": url, **given, **changes})


def failure(asked: Wanted) -> str:
    """The error and its fix, each of one line."""
    with pytest.raises(EndpointError) as found:
        check_server(asked)
    assert "\n" not in str(found.value) and "\n" not in found.value.hint and found.value.hint
    return f"{found.value} / {found.value.hint}"


def test_the_right_server_is_described(server):
    (line,) = check_server(wanted(server.url))
    assert line == f"vLLM 0.30.0+cpu at {server.url} serves tiny, context 256 of 200 needed"


def test_a_server_under_the_path_of_its_model_is_the_right_one(server):
    assert "serves tiny" in check_server(wanted(server.url, models=("/models/tiny",)))[-1]


def test_another_precision_is_a_notice(server):
    server.settings["model_config"]["dtype"] = "torch.bfloat16"
    notice = check_server(wanted(server.url))[0]
    assert notice == "the server computes in bfloat16, the trainer in float32: start it with --dtype float32"


SAYS = {  # path, reply, what is wrong, the fix
    "no vLLM": ("/health", (404, ""), "is no vLLM server: it answers /health with status 404", "correct the URL"),
    "sick": ("/health", (503, ""), "after 0 s: it answers /health with status 503", "open-r1 serve"),
    "silent": ("/health", None, "after 0 s: no answer: a firewall, or the wrong machine", "open-r1 serve"),
    "another vLLM": ("/version", (200, {"version": "0.31.1"}), "runs vLLM 0.31.1, this environment has 0.30.0+cpu")
    + ("pip install 'vllm==0.30.0'",),
    "no version": ("/version", (200, "hello"), "does not say its version", "open-r1 serve"),
    "a key": ("/v1/models", (401, {"error": "Unauthorized"}), "wants a key, and TRL sends none", "without --api-key"),
    "no model": ("/v1/models", (200, {"data": []}), "lists no model", "open-r1 serve"),
    "another model": ("/v1/models", (200, {"data": [{"id": "Qwen2.5-1.5B"}, {"id": "tiny"}]}))
    + ("serves Qwen2.5-1.5B, this run trains tiny", "--served-model-name tiny"),
    "a short context": ("/v1/models", (200, {"data": [{"id": "tiny", "max_model_len": 128}]}))
    + ("has a context of 128 tokens; a prompt of 50 and `max_completion_length: 150` need 200", "--max-model-len 200"),
    "no development mode": ("/server_info?config_format=json", (404, {"detail": "Not Found"}))
    + ("is not in development mode", "VLLM_SERVER_DEV_MODE=1"),
    "unreadable settings": ("/server_info?config_format=json", (200, {"vllm_config": "text"}))
    + ("does not say its settings", "log"),
}


@pytest.mark.parametrize(("path", "reply", "message", "fix"), SAYS.values(), ids=SAYS)
def test_what_a_server_says_is_checked(server, monkeypatch, path, reply, message, fix):
    if reply is None:
        monkeypatch.setattr(preflight, "ANSWER", 0.3)
    server.replies[path] = reply
    found = failure(wanted(server.url))
    assert message in found and fix in found.partition(" / ")[2] and server.url in found


def test_a_server_that_takes_no_weights_is_refused(server):
    server.settings["weight_transfer_config"] = None
    assert """--weight-transfer-config '{"backend": "nccl"}'""" in failure(wanted(server.url))


def test_raw_log_probabilities_are_refused_where_they_are_compared(server):
    server.settings["model_config"]["logprobs_mode"] = "raw_logprobs"
    assert "start it with --logprobs-mode processed_logprobs" in failure(wanted(server.url))
    assert check_server(wanted(server.url, corrected=False))


def test_a_server_that_is_away_is_said_to_be_away():
    port = free_port()
    found = failure(wanted(f"http://127.0.0.1:{port}"))
    assert f"no vLLM server at http://127.0.0.1:{port} after 0 s: nothing listens on port {port} of 127.0.0.1" in found
    assert "open-r1 serve" in found and "vllm_server_timeout" in found


def test_a_server_that_starts_is_waited_for(server, monkeypatch, capsys):
    pauses = []
    monkeypatch.setattr(preflight, "SLEEP", pauses.append)
    server.replies["/health"] = [(503, ""), (503, ""), (200, "")]
    assert check_server(wanted(server.url, patience=30.0)) and pauses == [2.0, 2.0]
    assert capsys.readouterr().out.count("waiting up to 30 s") == 1


def test_a_server_that_is_not_there_yet_is_waited_for(monkeypatch):
    port, started = free_port(), []

    def start(seconds):
        if not started:
            started.append(running(port))
            started[0].__enter__()

    monkeypatch.setattr(preflight, "SLEEP", start)
    try:
        assert "serves tiny" in check_server(wanted(f"http://127.0.0.1:{port}", patience=30.0))[-1]
    finally:
        started[0].__exit__(None, None, None)


def test_tls_where_there_is_none(server):
    assert "write http:// for https://" in failure(wanted(server.url.replace("http:", "https:")))


def test_an_unknown_name():
    found = failure(wanted("http://no-such-host.invalid:8000"))
    assert "the name no-such-host.invalid is unknown on this machine" in found and "IP address" in found


@pytest.mark.parametrize("name", ["http_proxy", "HTTP_PROXY", "all_proxy"])
def test_a_proxy_in_between(server, monkeypatch, name):
    monkeypatch.setenv(name, "http://me:secret@proxy.example:3128")
    found = failure(wanted(server.url))
    assert "would go to the proxy proxy.example:3128" in found and "NO_PROXY=$NO_PROXY,127.0.0.1" in found
    assert "secret" not in found
    monkeypatch.setenv("no_proxy", "localhost,127.0.0.1")
    assert check_server(wanted(server.url))


def test_a_server_elsewhere_that_would_look_for_the_trainer_on_itself():
    found = failure(wanted("http://192.0.2.1:8000", own_address="127.0.0.1"))  # an address that nobody has
    assert "would look for this process at 127.0.0.1, which is itself" in found and "VLLM_HOST_IP" in found


def test_the_group_port_is_the_servers(server):
    found = failure(wanted(server.url, group_port=server.server_port))
    assert f"`vllm_group_port: {server.server_port}` is the port of the server itself" in found


def test_the_group_port_is_taken(server):
    with socket.socket() as other:
        other.bind(("", 0))
        other.listen()
        port = other.getsockname()[1]
        found = failure(wanted(server.url, group_port=port))
    assert f"`vllm_group_port: {port}` cannot be used on this machine: Address already in use" in found
    assert check_server(wanted(server.url, group_port=port))  # it is free again


def test_which_hosts_are_this_machine():
    assert is_here("0.0.0.0") and is_here("127.0.0.1") and is_here("127.0.0.7") and is_here("localhost")
    assert not is_here("192.0.2.1") and not is_here("no-such-host.invalid")


@pytest.mark.parametrize(
    ("given", "fix"),
    [
        ("http://node2:8000/v1", "write `vllm_server_base_url: http://node2:8000`"),
        ("http://node2:8000/", "write `vllm_server_base_url: http://node2:8000`"),
        ("http://node2:8000/pool/v1/", "write `vllm_server_base_url: http://node2:8000/pool`"),
        ("node2:8000", "write `http://HOST:PORT`"),
        ("tcp://node2:8000", "write `http://HOST:PORT`"),
    ],
)
def test_a_url_that_trl_cannot_extend(given, fix):
    with pytest.raises(RecipeError) as found:
        server_url({"vllm_server_base_url": given})
    assert given in str(found.value) and found.value.hint == fix


def test_where_trl_finds_a_server_without_a_url():
    values = {"vllm_server_base_url": None, "vllm_server_host": "node2", "vllm_server_port": 8001}
    assert server_url(values) == "http://node2:8001"
