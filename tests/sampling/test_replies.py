"""What a server's reply is read as, what a request asks for, and how long a completion may become."""

import pytest
from servers import body
from test_store import PROBLEMS

from open_r1.core.endpoints import Endpoint, RequestError
from open_r1.core.served import UNREADABLE, Served
from open_r1.sampling.arguments import Sampling
from open_r1.sampling.server import ServerEngine


def engine(**settings) -> ServerEngine:
    return ServerEngine("a", "r1", Sampling(engine="server", url="http://127.0.0.1:9/v1", **settings))


@pytest.mark.parametrize(
    ("message", "reason", "text"),
    [
        ({"content": "It is 7."}, "stop", "It is 7."),
        ({"content": "<think> so </think> 7"}, "stop", "<think> so </think> 7"),
        ({"content": "so </think> 7"}, "stop", "<think>so </think> 7"),
        ({"content": " 7", "reasoning_content": " so "}, "stop", "<think> so </think> 7"),
        ({"content": None, "reasoning": " so and"}, "length", "<think> so and"),
        # a reasoning parser takes a reply without tags for reasoning: it is an answer
        ({"content": None, "reasoning_content": "It is 7."}, "stop", "It is 7."),
        ({"content": "", "reasoning": "It is 7."}, "stop", "It is 7."),
    ],
)
def test_reasoning_that_the_server_split_off_is_put_back(message, reason, text):
    reply = {"choices": [{"message": message, "finish_reason": reason}]}
    assert engine().read(reply)[0] == text


def test_content_that_is_no_text_is_an_unusable_reply():
    with pytest.raises(UNREADABLE, match="content is a list"):
        engine().read(
            {"choices": [{"message": {"content": [{"type": "text", "text": "7"}]}, "finish_reason": "stop"}]}
        )


@pytest.mark.parametrize("reason", ["abort", "error"])
def test_what_a_server_broke_off_is_no_word_of_the_model(reason):
    """vLLM and SGLang reply so to what they were at when they went down."""
    reply = {"choices": [{"message": {"content": "<think> so"}, "finish_reason": reason}]}
    with pytest.raises(UNREADABLE, match=f"the server ended it: {reason}"):
        engine().read(reply)


def test_an_error_in_place_of_a_reply_is_told_in_the_servers_words(server, pauses):
    import asyncio

    server.otherwise = body(b'{"error": {"message": "overloaded"}}')

    async def ask():
        async with Endpoint(server.url, retries=0) as endpoint:
            await endpoint.post("/chat/completions", {}, engine().read)

    with pytest.raises(RequestError, match="unusable reply: KeyError: 'choices': .*overloaded"):
        asyncio.run(ask())


@pytest.mark.parametrize(
    ("software", "more"), [("vllm", {"top_k": -1, "min_p": 0.0, "repetition_penalty": 1.0}), ("", {})]
)
def test_a_request_leaves_nothing_to_the_models_own_settings_where_a_server_has_such(software, more):
    found = engine()
    found.served = Served(0, software)
    _, _, body = found.request(PROBLEMS[0], 1)
    assert {key: body[key] for key in ("top_k", "min_p", "repetition_penalty") if key in body} == more
    found.sampling.extra = {"top_k": 20}
    assert found.request(PROBLEMS[0], 1)[2]["top_k"] == 20


def test_the_server_itself_shortens_what_the_context_has_no_room_for(server, pauses):
    """Without its tokenizer nobody else knows how much a prompt leaves."""
    import asyncio

    found = engine(max_new_tokens=100)
    found.served = Served(64, "vllm")
    body = found.request(PROBLEMS[0], 1)[2]
    assert found.fit(PROBLEMS[0], body) == "" and "max_tokens" not in body

    found.served = Served(128, "vllm")
    body = found.request(PROBLEMS[0], 1)[2]
    assert found.fit(PROBLEMS[0], body) == "" and body["max_tokens"] == 100
    server.script = [lambda handler: handler.answer(400, b'{"error": "maximum context length"}'), "It is 7."]

    async def ask():
        async with Endpoint(server.url) as endpoint:
            return await found.complete(endpoint, "/chat/completions", body)

    assert asyncio.run(ask())[0] == "It is 7." and not pauses
    assert [request["body"].get("max_tokens") for request in server.requests] == [100, None]
