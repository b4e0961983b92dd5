"""
Pauses between attempts, and the checks before the first request (requests themselves: tests/rewards/test_judge.py,
test_server.py).
"""

import asyncio
import json
import socket

import httpx2
import pytest
from servers import body, running

from open_r1.core.endpoints import Endpoint, RequestError, pause, together
from open_r1.core.errors import EndpointError, RecipeError
from open_r1.core.served import entry_of


@pytest.mark.parametrize(
    ("retry_after", "seconds"),
    [("7", 7.0), ("0", 0.0), ("1.5", 1.5), ("100000", 120.0), ("inf", 120.0), ("-3", 0.0), ("nan", 0.0)],
)
def test_retry_after_is_obeyed_within_reason(retry_after, seconds):
    assert pause(0, retry_after) == seconds


@pytest.mark.parametrize("retry_after", [None, "", "soon", "\xb2", "Fri, 31 Dec 1999 23:59:59 GMT"])
def test_other_pauses_double_with_some_chance(retry_after):
    for attempt, most in [(0, 2.0), (1, 4.0), (4, 32.0), (5, 60.0), (50, 60.0)]:
        assert all(most / 2 <= pause(attempt, retry_after, base=2.0) <= most for _ in range(20))


def test_a_url_with_a_password_which_messages_would_show_is_refused():
    with pytest.raises(RecipeError, match="holds a password"):
        Endpoint(["http://a:1/v1", "https://me:secret@a/v1"])


def ask(endpoint):
    return endpoint.post("/chat/completions", {"messages": [{"content": "?"}]}, lambda reply: reply["choices"])


@pytest.mark.parametrize(("slow", "fails"), [(2, False), (3, True)])
def test_a_server_that_is_slow_to_say_what_it_serves_is_asked_again(server, slow, fails):
    server.otherwise = body(json.dumps({"data": [{"id": "m", "max_model_len": 9}]}).encode())
    asked = []

    async def check():
        async with Endpoint(server.url) as endpoint:
            get = endpoint.client.get

            async def late(url, **options):
                asked.append(url)
                if len(asked) <= slow:
                    raise httpx2.ReadTimeout("")
                return await get(url, **options)

            endpoint.client.get = late
            return await endpoint.check("m")

    if fails:
        with pytest.raises(EndpointError, match="no server answers: .*ReadTimeout"):
            asyncio.run(check())
    else:
        assert asyncio.run(check()).context == 9
    assert asked == [f"{server.url}/models"] * 3


def test_a_server_that_is_started_again_is_waited_for(pauses):
    """Loading a model takes 30 to 90 s, more than the pauses of the usual attempts."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/v1"

    async def fail_twice():
        async with Endpoint(url, retries=3) as endpoint:
            for _ in range(2):
                with pytest.raises(RequestError, match="ConnectError"):
                    await ask(endpoint)
                found.append(sum(pauses))
                pauses.clear()

    found = []
    asyncio.run(fail_twice())
    assert 180 <= found[0] <= 180 + 30 and found[1] <= 1 + 2 + 4  # the second request knows that nobody is coming


def test_patience_is_back_with_the_server(pauses):
    with running() as server:

        async def succeed_after_giving_up():
            async with Endpoint(server.url) as endpoint:
                endpoint.gone = True
                await ask(endpoint)
                return endpoint.gone

        assert asyncio.run(succeed_after_giving_up()) is False


@pytest.mark.parametrize("owner", ["vllm", "sglang"])
def test_a_path_is_no_name_for_a_server_that_lists_all_it_serves(tmp_path, owner):
    entries = [{"id": "r1", "owned_by": owner, "root": str(tmp_path)}]
    with pytest.raises(EndpointError, match="serves r1, not") as caught:
        entry_of(str(tmp_path), entries, "http://a/v1")
    assert caught.value.hint == "write `model: r1`: the server has that name for it"
    assert entry_of(str(tmp_path), [{"id": "org/model", "owned_by": "org"}], "http://a/v1") == {}
    assert entry_of("r1", entries, "http://a/v1") == entries[0]


def test_the_first_error_ends_the_other_requests_without_a_word(caplog):
    """What they raise when they are cancelled is nobody's news: asyncio would print it, with a traceback."""
    ended = []

    async def refused():
        raise EndpointError("the key is refused")

    async def under_way():
        try:
            await asyncio.sleep(60)
        finally:
            ended.append(1)
            raise EndpointError("the key is refused here too")

    async def answered():
        return 1

    with pytest.raises(EndpointError, match="is refused$"):
        asyncio.run(together([under_way(), answered(), refused(), under_way()]))
    assert ended == [1, 1] and not caplog.records
    assert asyncio.run(together(answered() for _ in range(3))) == [1, 1, 1]
