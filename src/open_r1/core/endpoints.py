"""Requests to OpenAI-compatible endpoints (vLLM, SGLang, `transformers serve`, commercial services): the judge and the
rewriter use them, and generation with `engine: server`.

A server may be busy, away, slow, or answer nonsense; each of these is tried again, with growing pauses, elsewhere
where there is more than one server. A server that refuses connections is probably being started again, which takes a
minute or two with a large model: it is waited for. Only what no second attempt mends ends a run: a refused key, an
unknown model. The key comes from the environment and is cut out of every message.
"""

import asyncio
import contextlib
import json
import os
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, TypeVar

from .errors import EndpointError, RecipeError
from .served import UNREADABLE, Served, combined, entry_of, listed

T = TypeVar("T")
RETRIED = (408, 409, 425, 429, 500, 502, 503, 504, 529)
LARGEST = 64 << 20  # bytes of a reply
TIMEOUTS = 2  # second attempts after a timeout: each may have cost half an hour
REST = 10.0  # seconds in which a server that was away or busy is asked only if all are in that state
PATIENCE = 180.0  # seconds of pauses for a server that refuses connections
SLEEP = asyncio.sleep


class RequestError(Exception):
    """One request gave no usable reply; `status` is the last HTTP status, 0 without one."""

    def __init__(self, reason: str, status: int = 0, retry_after: str = "", timeout: bool = False, away: bool = False):
        super().__init__(reason)
        self.status, self.retry_after, self.timeout, self.away = status, retry_after, timeout, away

    @property
    def final(self) -> bool:
        """Whether the server understood the request and refuses it."""
        return self.status not in (0, 200, *RETRIED)


def pause(attempt: int, retry_after: str | None = None, base: float = 1.0) -> float:
    """
    Seconds to wait before the next attempt.

    Args:
        attempt (`int`):
            How many attempts failed before this one did.
        retry_after (`str`, *optional*):
            The reply's `Retry-After` header; obeyed if it is a number of seconds, up to two minutes.
        base (`float`, *optional*, defaults to `1.0`):
            Seconds after the first attempt; twice as many after each further one, up to 30 times, less up to half by
            chance.

    Returns:
        `float`: the pause.
    """
    try:
        return max(0.0, min(float(retry_after or ""), 120.0))
    except ValueError:
        return base * min(30, 2**attempt) * random.uniform(0.5, 1.0)


class Endpoint:
    """
    One or several servers of the same model, as an asynchronous context manager.

    Args:
        urls (`str` or `list[str]`):
            Base URLs, such as `http://localhost:8000/v1`. The one with the fewest open requests is asked.
        key_variable (`str`, *optional*, defaults to `"OPENAI_API_KEY"`):
            Environment variable with the key, where the endpoint wants one.
        concurrency (`int`, *optional*, defaults to `16`):
            Requests at once.
        timeout (`float`, *optional*, defaults to `60.0`):
            Seconds for one attempt, from its connection to the last byte.
        retries (`int`, *optional*, defaults to `4`):
            Attempts after the first; more for a server that refuses connections, until `PATIENCE` is used up.
        budget (`int`, *optional*):
            Most attempts of all requests together; beyond it requests fail.
    """

    def __init__(
        self,
        urls: str | list[str],
        key_variable: str = "OPENAI_API_KEY",
        concurrency: int = 16,
        timeout: float = 60.0,
        retries: int = 4,
        budget: int | None = None,
    ):
        self.urls = check_urls(urls)
        self.key_variable, self.key = key_variable, os.environ.get(key_variable, "").strip()
        self.concurrency, self.timeout, self.retries, self.budget = concurrency, timeout, retries, budget
        if concurrency < 1 or timeout <= 0 or retries < 0:
            raise RecipeError(
                f"concurrency {concurrency}, timeout {timeout}, retries {retries}",
                "they must be at least 1, above 0, at least 0",
            )
        self.opened: Counter[str] = Counter()  # requests that wait for a reply, by URL
        self.resting: dict[str, float] = {}  # until when, by URL
        self.counts: Counter[str] = Counter()
        self.gone = False  # patience was used up once, and nothing has answered since

    async def __aenter__(self) -> "Endpoint":
        import httpx2 as httpx

        headers = {"Authorization": f"Bearer {self.key}"} if self.key else {}
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=self.concurrency)
        self.client = httpx.AsyncClient(timeout=self.timeout, headers=headers, limits=limits)
        self.gate = asyncio.Semaphore(self.concurrency)
        return self

    async def __aexit__(self, *_: Any) -> None:
        await self.client.aclose()

    async def check(self, model: str) -> Served:
        """
        Asks every server what it serves.

        Args:
            model (`str`):
                The model that will be asked for.

        Returns:
            `Served`: what they say of it. Raises `EndpointError` where no server answers, one refuses the key, or one
            lists its models and not this one.
        """
        import httpx2 as httpx

        entries, away = [], []
        for url in self.urls:
            try:
                reply = await self.models(url)
            except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
                self.resting[url] = time.monotonic() + REST
                away.append(f"{url}: {self.clean(f'{type(error).__name__}: {error}')}")
                continue
            if reply.status_code in (401, 403):
                raise self.refusal(url, f"status {reply.status_code}")
            entries.append(entry_of(model, listed(reply) if reply.status_code == 200 else [], url))
        if len(away) == len(self.urls):
            raise EndpointError(
                f"no server answers: {'; '.join(away[:3])}", "start it, or correct `url`, which mostly ends with /v1"
            )
        return combined(entries)

    async def models(self, url: str) -> Any:
        """A server's words on its models; one that takes long is asked again: all tasks of a run may ask at once."""
        import httpx2 as httpx

        limit = min(self.timeout, 20.0)
        for _ in range(TIMEOUTS):
            with contextlib.suppress(httpx.TimeoutException):
                return await self.client.get(f"{url}/models", timeout=limit)
        return await self.client.get(f"{url}/models", timeout=limit)

    def refusal(self, url: str, message: str) -> EndpointError:
        return EndpointError(
            f"{url} refuses the key: {message}", f"put a valid key into the variable {self.key_variable}"
        )

    async def post(self, path: str, body: Mapping[str, Any], read: Callable[[Any], T]) -> T:
        """
        Sends a request until its reply can be used.

        Args:
            path (`str`):
                Below the base URL, such as `/chat/completions`.
            body (`Mapping`):
                Sent as JSON.
            read (`Callable`):
                Takes from the decoded reply what the caller wants; a `ValueError`, `KeyError`, `IndexError` or
                `TypeError` means that the reply is unusable, and the request is sent again.

        Returns:
            what `read` returned. Raises `RequestError` where no attempt succeeded or the server refuses this request,
            `EndpointError` where it refuses the key or does not know the model.
        """
        async with self.gate:
            tries, timeouts, waited = 0, 0, 0.0
            while True:
                self.spend()
                url = min(self.urls, key=lambda url: (self.resting.get(url, 0) > time.monotonic(), self.opened[url]))
                try:
                    return await self.attempt(url, path, body, read)
                except RequestError as error:
                    last = error
                self.counts["failed"] += 1
                tries, timeouts = tries + 1, timeouts + last.timeout
                awaited = last.away and waited < PATIENCE and not self.gone
                if last.final or timeouts > TIMEOUTS or (tries > self.retries and not awaited):
                    self.gone = self.gone or last.away
                    raise last
                if last.status != 200:
                    self.resting[url] = time.monotonic() + REST  # another server is asked next, where there is one
                waited += (seconds := pause(tries - 1, last.retry_after))
                await SLEEP(seconds)

    def spend(self) -> None:
        """Takes one attempt from the budget; raises `RequestError` where nothing is left of it."""
        if self.budget is None:
            return
        if self.budget <= 0:
            self.counts["over_budget"] += 1
            raise RequestError("the budget of requests is used up")
        self.budget -= 1

    async def attempt(self, url: str, path: str, body: Mapping[str, Any], read: Callable[[Any], T]) -> T:
        """One attempt; raises `RequestError`."""
        import httpx2 as httpx

        self.opened[url] += 1
        try:
            status, data, retry_after = await asyncio.wait_for(self.send(url + path, body), self.timeout)
        except (TimeoutError, httpx.TimeoutException):
            raise RequestError(f"no reply from {url} within {self.timeout:g} s", timeout=True) from None
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            reason = f"{url}: {self.clean(f'{type(error).__name__}: {error}')}"
            raise RequestError(reason, away=isinstance(error, httpx.ConnectError)) from None
        finally:
            self.opened[url] -= 1
        self.gone = False
        if status == 200:
            try:
                return read(json.loads(data))
            except UNREADABLE as error:
                words = f"{type(error).__name__}: {error}: {data[:200].decode('utf-8', 'replace')}"
                raise RequestError(f"unusable reply: {self.clean(words)}", status) from None
        message = f"status {status}: {self.clean(data[:2000].decode('utf-8', 'replace'))}"
        if status in (401, 403):
            raise self.refusal(url, message)
        if status == 404:
            raise EndpointError(f"{url}: {message}", "check `model` and the URL, which mostly ends with /v1")
        raise RequestError(message, status, retry_after)

    async def send(self, url: str, body: Mapping[str, Any]) -> tuple[int, bytes, str]:
        """Status, body and `Retry-After` of one reply, whose size is limited."""
        data, content = bytearray(), json.dumps(body).encode()
        headers = {"Content-Type": "application/json"}
        async with self.client.stream("POST", url, content=content, headers=headers) as reply:
            async for piece in reply.aiter_bytes():
                data += piece
                if len(data) > LARGEST:
                    raise RequestError(f"a reply of more than {LARGEST >> 20} MB", reply.status_code)
            return reply.status_code, bytes(data), reply.headers.get("retry-after", "")

    def clean(self, text: str) -> str:
        """One line of a server's words, without the key."""
        return " ".join((text.replace(self.key, "***") if self.key else text).split())[:300]


async def together(work: Iterable[Awaitable[T]]) -> list[T]:
    """Results in order. The first error cancels the other requests, and is raised once all have ended."""
    tasks = [asyncio.ensure_future(one) for one in work]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        tasks.clear()  # they hold errors, whose frames hold them


def check_urls(urls: Any) -> list[str]:
    """Base URLs as a list; raises `RecipeError` for what is none, and for passwords, which would end in cards."""
    found = [urls] if isinstance(urls, str) else list(urls or [])
    if not found or not all(isinstance(url, str) and url.startswith(("http://", "https://")) for url in found):
        raise RecipeError(f"`url: {urls}` is no URL", "write `url: http://localhost:8000/v1`, or a list of them")
    if any("@" in url.split("/")[2] for url in found):
        raise RecipeError(
            "`url` holds a password, which would be written into cards",
            "put it into the variable that `key_variable` names",
        )
    return [url.rstrip("/") for url in found]
