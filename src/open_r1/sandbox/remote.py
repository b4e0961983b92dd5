"""Sandboxes of services that users already have, with `LocalSandbox`'s interface: Piston, E2B and Morph.

Written after the services' documentation and clients and tested with servers that speak their protocols; NOT tried
against the services themselves. API keys come from the environment alone, go to the service's API only (never to the
machine that runs a program), and are cut out of every message.

On a service a program could forge its own results: only an unguessable mark separates what it prints from what reports
on it. As everywhere it never sees an expected output or value, so a forger must know the right answer too.
"""

import asyncio
import base64
import contextlib
import dataclasses
import inspect
import json
import os
import re
import secrets
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import quote

import httpx2 as httpx

from ..core.endpoints import RETRIED, pause
from .remote_programs import answer, drive, evaluate, literal, offered
from .runner import COMPILE_SECONDS
from .types import Limits, Outcome, Program, SandboxError

LONGEST = 3600  # seconds of a machine's life, should nobody end it
LARGEST = 64 << 20  # bytes of a reply
PIECE = 60_000  # characters of a command; Linux allows 128 KiB
E2B_RUN = "https://49999-{id}.{domain}"
UNREADABLE = re.compile(r"(SyntaxError|IndentationError|TabError): [^\n]*\s*\Z")


class ServiceError(Exception):
    """A service gave no outcome."""


class RemoteSandbox:
    """
    What all services share: threads, retries, and failures that become `broken` outcomes. Safe from any thread.

    Args:
        url (`str`):
            Where the service's API is.
        concurrency (`int`, *optional*, defaults to `8`):
            Programs at once.
        timeout (`float`, *optional*, defaults to `60.0`):
            Seconds for one request, besides the time that the program itself may take.
        retries (`int`, *optional*, defaults to `4`):
            Attempts after the first where the service is busy (429), fails (5xx) or is away.
        backoff (`float`, *optional*, defaults to `1.0`):
            Seconds before the second attempt, twice as many before each further one; `Retry-After` is obeyed.
    """

    key_variable, header, hint = "", {}, "check `url`, the key, and that the service runs"

    def __init__(self, url: str, concurrency: int = 8, timeout: float = 60.0, retries: int = 4, backoff: float = 1.0):
        self.url, self.timeout, self.retries, self.backoff = url.rstrip("/"), timeout, retries, backoff
        name = f"{type(self).__name__} at {re.sub('//[^/]*@', '//', self.url)}"
        self.key = os.environ.get(self.key_variable, "").strip()
        if self.key_variable and not re.fullmatch(r"[!-~]+", self.key):  # else httpx would quote it in an error
            raise SandboxError(f"{name}: no key in {self.key_variable}", f"export {self.key_variable}=...")
        self.headers = {title: value.format(self.key) for title, value in self.header.items()}
        self.client, self.gate = (
            httpx.Client(limits=httpx.Limits(max_connections=None)),
            threading.Semaphore(concurrency),
        )
        self.threads = ThreadPoolExecutor(concurrency, thread_name_prefix="sandbox")
        try:
            self.call(*self.probe())
        except (ServiceError, ValueError, httpx.InvalidURL) as error:
            raise SandboxError(f"{name}: {self.reason(error)}", self.hint) from None

    def run(self, program: Program) -> list[Outcome]:
        """
        Runs a program once per input (or evaluation), on one machine where the service has machines.

        Args:
            program (`Program`):
                What to run.

        Returns:
            `list[Outcome]`: one per input, fewer after `stop`. A single `broken` one if the service failed.
        """
        try:
            if program.language not in ("python", "cpp"):
                raise ServiceError(f"{program.language} programs are not supported")
            with self.gate, self.machine(self.life(program)) as machine:
                return self.runs(machine, program)
        except Exception as error:  # whatever a service replies, it must not end a training
            return [Outcome("broken", -1, "", self.reason(error), 0.0)]

    def run_many(self, programs: list[Program]) -> list[list[Outcome]]:
        """Runs programs, as many at once as `concurrency` says, in order."""
        return list(self.threads.map(self.run, programs))

    async def run_async(self, program: Program) -> list[Outcome]:
        """`run` for asynchronous callers; waits for a free place without blocking the loop."""
        return await asyncio.get_running_loop().run_in_executor(self.threads, self.run, program)

    def close(self) -> None:
        """Waits for the programs that run, which ends their machines; afterwards this sandbox runs nothing."""
        self.threads.shutdown(cancel_futures=True)
        self.client.close()

    def runs(self, machine: Any, program: Program) -> list[Outcome]:
        outcomes: list[Outcome] = []
        for given in program.evaluations or program.inputs:
            if outcomes and outcomes[-1].state in ("syntax", "compiler"):  # then it is the same for every input
                outcomes.append(outcomes[-1])
            elif program.evaluations:
                outcomes.append(self.evaluation(machine, program, given))
            else:
                outcomes.append(self.execute(machine, program.source, given, program.language, program.limits))
            if program.stop and not outcomes[-1].succeeded:
                break
        return outcomes

    def evaluation(self, machine: Any, program: Program, steps: list) -> Outcome:
        mark, job = secrets.token_hex(16), json.dumps([program.source, steps])
        parts = [inspect.getsource(part) for part in (literal, offered, answer, evaluate)]
        outcome = self.execute(
            machine, "\n\n".join([*parts, f"evaluate({job!r}, {mark!r})\n"]), "", "python", program.limits
        )
        lines = [line[len(mark) + 1 :] + "\n" for line in outcome.stdout.split("\n") if line.startswith(mark)]
        return dataclasses.replace(outcome, stdout="".join(lines))

    def life(self, program: Program) -> int:
        return int(
            min(
                LONGEST,
                2 * self.timeout
                + COMPILE_SECONDS
                + (len(program.evaluations or program.inputs) or 1) * (program.limits.seconds + 2),
            )
        )

    def send(
        self, method: str, url: str, body: Any = None, headers: dict | None = None, seconds: float = 0.0
    ) -> tuple:
        """
        Status, body and `Retry-After` of one reply, which nobody trusts: size and time are limited. Status 0: no
        connection.
        """
        until, data = time.monotonic() + self.timeout + seconds, bytearray()
        options = {"headers": (self.headers if headers is None else headers) | {"Content-Type": "application/json"}}
        options |= {"content": None if body is None else json.dumps(body).encode(), "timeout": self.timeout + seconds}
        try:
            with self.client.stream(method, self.url + url if url.startswith("/") else url, **options) as reply:
                for piece in reply.iter_bytes():
                    data += piece
                    if len(data) > LARGEST or time.monotonic() > until:
                        raise ServiceError("a reply that is too large or takes too long")
                return reply.status_code, bytes(data), reply.headers.get("retry-after", "")
        # no better the second time
        except (httpx.ReadTimeout, httpx.LocalProtocolError, httpx.UnsupportedProtocol) as error:
            raise ServiceError(f"{type(error).__name__}: {error}") from None
        except httpx.HTTPError as error:
            return 0, f"{type(error).__name__}: {error}".encode(), ""

    def request(self, *args: Any, **options: Any) -> bytes:
        """`send`, again where that may help; raises `ServiceError` where nothing did."""
        for attempt in range(self.retries + 1):
            status, data, after = self.send(*args, **options)
            if 200 <= status < 300:
                return data
            if status not in (0, *RETRIED) or attempt == self.retries:
                break
            time.sleep(pause(attempt, after, self.backoff))
        raise ServiceError(f"{f'status {status}: ' if status else ''}{data[:2000].decode('utf-8', 'replace')}")

    def call(self, *args: Any, **options: Any) -> Any:
        """`request` for JSON."""
        return json.loads(self.request(*args, **options))

    def reason(self, error: Exception) -> str:
        """One line about a failure, without the key."""
        text = str(error) if isinstance(error, ServiceError) else f"unreadable reply, {type(error).__name__}: {error}"
        return " ".join((text.replace(self.key, "***") if self.key else text).split())[:300]

    def probe(self) -> tuple[Any, ...]:
        """A request that shows whether the service can be used."""
        raise NotImplementedError

    def machine(self, seconds: int) -> contextlib.AbstractContextManager:
        """A machine for one program, which ends by itself after these seconds."""
        return contextlib.nullcontext()

    def execute(self, machine: Any, source: str, stdin: str, language: str, limits: Limits) -> Outcome:
        """One run."""
        raise NotImplementedError


class PistonSandbox(RemoteSandbox):
    """
    A Piston server (github.com/engineer-man/piston, API v2) with the packages `python` and, for C++, `gcc`. Of the
    limits it is told time and memory. Its own are low: start it with `PISTON_RUN_TIMEOUT` and `PISTON_RUN_CPU_TIME`
    (milliseconds) no lower than the recipe's, since it refuses requests above them, and with
    `PISTON_OUTPUT_MAX_SIZE=1048576` instead of 1024. It refuses requests over 100 KB.

    Args:
        url (`str`, *optional*, defaults to `"http://localhost:2000"`):
            Where it listens, without `/api/v2`.
        settings (`dict`):
            Of [`RemoteSandbox`].
    """

    hint = "start Piston there with its package `python`, PISTON_RUN_TIMEOUT=10000 and PISTON_RUN_CPU_TIME=10000"

    def __init__(self, url: str = "http://localhost:2000", **settings: Any):
        super().__init__(url, **settings)

    def probe(self) -> tuple[Any, ...]:
        return "POST", "/api/v2/execute", self.body("print(6 * 7)", "", "python", Limits())

    def body(self, source: str, stdin: str, language: str, limits: Limits) -> dict[str, Any]:
        name, file = {"python": ("python", "main.py"), "cpp": ("c++", "main.cpp")}[language]
        files = [{"name": file, "content": source or "\n"}]  # older versions refuse empty files
        body = {"language": name, "version": "*", "files": files, "stdin": stdin}
        return body | {"run_timeout": round(limits.seconds * 1000), "run_memory_limit": limits.memory}

    def execute(self, machine: Any, source: str, stdin: str, language: str, limits: Limits) -> Outcome:
        began, body = time.monotonic(), self.body(source, stdin, language, limits)
        reply = self.call("POST", "/api/v2/execute", body, seconds=limits.seconds + COMPILE_SECONDS)
        waited, built = time.monotonic() - began, reply.get("compile")
        if built and built["code"] != 0:
            return Outcome("compiler", exit_code(built), "", built["stderr"][:1000], 0.0)
        run = reply["run"]
        if run.get("status") == "XX":
            raise ServiceError(f"Piston's own sandbox failed: {run.get('message')}")
        state = {"TO": "timeout", "OL": "output", "EL": "output"}.get(run.get("status"), "done")
        if "status" not in run and run.get("signal") == "SIGKILL" and waited >= limits.seconds:
            state = "timeout"  # older versions do not say
        seconds = run["wall_time"] / 1000 if run.get("wall_time") else waited
        return outcome(state, exit_code(run), run["stdout"], run["stderr"], seconds, language, limits)


class MachineSandbox(RemoteSandbox):
    """
    A service with machines: a driver there runs the user's program in a process of its own, with limits, and reports.
    """

    def execute(self, machine: Any, source: str, stdin: str, language: str, limits: Limits) -> Outcome:
        mark = secrets.token_hex(16)
        job = json.dumps(
            {"source": source, "stdin": stdin, "language": language, "folder": machine["folder"]} | vars(limits)
        )
        driver = f"{inspect.getsource(drive)}\n\ndrive({job!r}, {mark!r}, {COMPILE_SECONDS})\n"
        printed, complaint = self.drive(machine, driver, limits.seconds + COMPILE_SECONDS)
        _, found, report = printed.rpartition(mark)
        if not found:
            raise ServiceError(f"no result from the machine: {complaint[-250:]}")
        return outcome(*json.loads(report.split("\n")[0]), language, limits)

    def drive(self, machine: dict[str, Any], driver: str, seconds: float) -> tuple[str, str]:
        """What a Python program prints on a machine, and what is said of its failure."""
        raise NotImplementedError

    def end(self, path: str) -> None:
        with contextlib.suppress(ServiceError):  # its life is limited anyway
            self.request("DELETE", path)


class E2BSandbox(MachineSandbox):
    """
    E2B's code interpreter, or one hosted by yourself; a new sandbox per program, without internet access. Key:
    `E2B_API_KEY`. Not confirmed: that the default template has `g++`.

    Args:
        url (`str`, *optional*, defaults to `"https://api.e2b.app"`):
            Of the API that starts sandboxes.
        run_url (`str`, *optional*, defaults to `"https://49999-{id}.{domain}"`):
            Of the code interpreter in a sandbox; `{id}` and `{domain}` come from the API's reply.
        template (`str`, *optional*, defaults to `"code-interpreter-v1"`):
            Template of the sandboxes.
        settings (`dict`):
            Of [`RemoteSandbox`].
    """

    key_variable, header = "E2B_API_KEY", {"X-API-Key": "{}"}

    def __init__(
        self,
        url: str = "https://api.e2b.app",
        run_url: str = E2B_RUN,
        template: str = "code-interpreter-v1",
        **settings: Any,
    ):
        self.run_url, self.template = run_url, template
        super().__init__(url, **settings)

    def probe(self) -> tuple[Any, ...]:
        return "GET", "/sandboxes"

    @contextlib.contextmanager
    def machine(self, seconds: int) -> Iterator[dict[str, Any]]:
        body = {"templateID": self.template, "timeout": seconds, "secure": True, "allow_internet_access": False}
        reply = self.call("POST", "/sandboxes", body)
        name, url = reply["sandboxID"], self.run_url.replace("{domain}", reply.get("domain") or "e2b.app")
        try:
            headers = {
                "E2b-Sandbox-Id": name,
                "E2b-Sandbox-Port": "49999",
                "X-Access-Token": reply.get("envdAccessToken"),
            }
            headers |= {"E2B-Traffic-Access-Token": reply.get("trafficAccessToken")}
            # old and self-hosted ones give no tokens
            headers = {title: value for title, value in headers.items() if value}
            yield {"url": url.replace("{id}", name) + "/execute", "headers": headers, "folder": secrets.token_hex(8)}
        finally:
            self.end(f"/sandboxes/{quote(name, '')}")

    def drive(self, machine: dict[str, Any], driver: str, seconds: float) -> tuple[str, str]:
        body = {"code": driver, "context_id": None, "language": None, "env_vars": None}
        data = self.request("POST", machine["url"], body, headers=machine["headers"], seconds=seconds)
        events = [json.loads(line) for line in data.split(b"\n") if line.strip()]
        printed = "".join(event["text"] for event in events if event["type"] == "stdout")
        return printed, " ".join(f"{event['name']}: {event['value']}" for event in events if event["type"] == "error")


class MorphSandbox(MachineSandbox):
    """
    Morph Cloud; a new instance per program, with the network that Morph gives it. Key: `MORPH_API_KEY`. Not confirmed:
    how long a command may take, how much it may print, and the rate limits.

    Args:
        snapshot (`str`):
            Identifier of a snapshot with `python3` and, for C++, `g++`.
        url (`str`, *optional*, defaults to `"https://cloud.morph.so/api"`):
            Of the API.
        settings (`dict`):
            Of [`RemoteSandbox`].
    """

    key_variable, header = "MORPH_API_KEY", {"Authorization": "Bearer {}"}
    hint = "check `snapshot`, `url`, the key, and that the service runs"

    def __init__(self, snapshot: str, url: str = "https://cloud.morph.so/api", **settings: Any):
        self.snapshot = snapshot
        super().__init__(url, **settings)

    def probe(self) -> tuple[Any, ...]:
        return "GET", f"/snapshot/{quote(self.snapshot, '')}"

    @contextlib.contextmanager
    def machine(self, seconds: int) -> Iterator[dict[str, Any]]:
        body = {"snapshot_id": self.snapshot, "ttl_seconds": seconds, "ttl_action": "stop"}
        # Morph's client has it in the query alone
        reply = self.call("POST", f"/instance?snapshot_id={quote(self.snapshot, '')}", body)
        path = f"/instance/{quote(reply['id'], '')}"
        try:
            until = time.monotonic() + self.timeout
            while (status := self.call("GET", path)["status"]) != "ready":
                if status == "error" or time.monotonic() > until:
                    raise ServiceError(f"an instance does not start: {status}")
                time.sleep(min(0.5, self.backoff))
            yield {"path": path, "folder": secrets.token_hex(8)}
        finally:
            self.end(path)

    def drive(self, machine: dict[str, Any], driver: str, seconds: float) -> tuple[str, str]:
        packed, name = base64.b64encode(driver.encode()).decode(), "${TMPDIR:-/tmp}/" + secrets.token_hex(8)
        *first, last = [packed[begin : begin + PIECE] for begin in range(0, len(packed), PIECE)]
        files = [f"{name}.{index}" for index in range(len(first))]  # a file each: to send a command twice does no harm
        commands = [f"printf %s {piece} > {file}" for piece, file in zip(first, files, strict=True)]
        commands += [f"{{ cat /dev/null {' '.join(files)}; printf %s {last}; }} | base64 -d | python3 -I -"]
        # Morph's documentation has lists of words too; its client sends a line of shell like this
        for command in commands:
            reply = self.call("POST", machine["path"] + "/exec", {"command": [command]}, seconds=seconds)
        return reply["stdout"], str(reply.get("stderr"))


PROVIDERS = {"piston": PistonSandbox, "e2b": E2BSandbox, "morph": MorphSandbox}


def make_remote(provider: str, **settings: Any) -> RemoteSandbox:
    """
    The sandbox of a service.

    Args:
        provider (`str`):
            `piston`, `e2b` or `morph`.
        settings (`dict`):
            Settings of its class.

    Returns:
        `RemoteSandbox`: it has answered; raises `SandboxError` where it does not.
    """
    if provider not in PROVIDERS:
        raise SandboxError(f"unknown sandbox provider {provider!r}", f"use local, {', '.join(PROVIDERS)}")
    try:
        return PROVIDERS[provider](**settings)
    except (TypeError, ValueError, AttributeError) as error:
        raise SandboxError(
            f"sandbox {provider}: {error}", f"see {PROVIDERS[provider].__name__} for its settings"
        ) from None


# --------------------------------------------------------------------------------------------------- reading replies


def exit_code(stage: dict[str, Any]) -> int:
    """Piston's exit code, negative for a signal."""
    return int(stage["code"]) if stage["code"] is not None else -int(getattr(signal, stage["signal"] or "", 1))


def outcome(state: str, code: int, stdout: str, stderr: str, seconds: float, language: str, limits: Limits) -> Outcome:
    """
    An outcome as `LocalSandbox` has it: outputs cut, and a source that Python cannot read told from an exception.
    """
    out, err = stdout.encode("utf-8", "replace"), stderr.encode("utf-8", "replace")[-4096:].decode("utf-8", "replace")
    if state == "done" and len(out) > limits.output:
        state, code = "output", -1
    if (
        state == "done"
        and code == 1
        and language == "python"
        and "Traceback (most" not in err
        and UNREADABLE.search(err)
    ):
        state = "syntax"
    return Outcome(state, code, out[: limits.output].decode("utf-8", "replace"), err, float(seconds))
