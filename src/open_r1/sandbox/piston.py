"""The one sandbox of a service: a Piston server (github.com/engineer-man/piston, API v2), as `LocalSandbox` is used.

Tested with a server that speaks its protocol, NOT tried against Piston itself. A program there could forge its own
results: only an unguessable mark separates what it prints from what reports on it. As everywhere it never sees an
expected output or value, so a forger must know the right answer too.
"""

import asyncio
import inspect
import json
import re
import secrets
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import httpx2 as httpx

from ..core.endpoints import LARGEST, RETRIED, pause
from .evaluation import answer, literal, offered
from .runner import COMPILE_SECONDS
from .types import Limits, Outcome, Program, SandboxError

LANGUAGES = {"python": ("python", "main.py"), "cpp": ("c++", "main.cpp")}  # its name for each, and of the file
STATES = {"TO": "timeout", "OL": "output", "EL": "output"}
UNREADABLE = re.compile(r"(SyntaxError|IndentationError|TabError): [^\n]*\s*\Z")
HINT = "start Piston there with its package `python`, PISTON_RUN_TIMEOUT=10000 and PISTON_RUN_CPU_TIME=10000"


class ServiceError(Exception):
    """The service gave no outcome."""


class PistonSandbox:
    """
    Runs programs on a Piston server with the packages `python` and, for C++, `gcc`; safe from any thread. Of the
    limits it is told time and memory. Its own are low: start it with `PISTON_RUN_TIMEOUT` and `PISTON_RUN_CPU_TIME`
    (milliseconds) no lower than the recipe's, since it refuses requests above them, and with
    `PISTON_OUTPUT_MAX_SIZE=1048576` instead of 1024. It refuses requests over 100 KB.

    Args:
        url (`str`, *optional*, defaults to `"http://localhost:2000"`):
            Where it listens, without `/api/v2`.
        concurrency (`int`, *optional*, defaults to `8`):
            Programs at once.
        timeout (`float`, *optional*, defaults to `60.0`):
            Seconds for one request, besides the time that the program itself may take.
        retries (`int`, *optional*, defaults to `4`):
            Attempts after the first where the server is busy (429), fails (5xx) or is away.
        backoff (`float`, *optional*, defaults to `1.0`):
            Seconds before the second attempt, twice as many before each further one; `Retry-After` is obeyed.
    """

    def __init__(
        self,
        url: str = "http://localhost:2000",
        concurrency: int = 8,
        timeout: float = 60.0,
        retries: int = 4,
        backoff: float = 1.0,
    ):
        self.url, self.timeout, self.retries, self.backoff = url.rstrip("/"), timeout, retries, backoff
        self.client = httpx.Client(limits=httpx.Limits(max_connections=None))
        self.gate = threading.Semaphore(concurrency)
        self.threads = ThreadPoolExecutor(concurrency, thread_name_prefix="sandbox")
        outcome = self.run(Program("print(6 * 7)", inputs=[""]))[0]
        if outcome.stdout.strip() != "42":
            place = re.sub("//[^/]*@", "//", self.url)
            raise SandboxError(f"Piston at {place}: {outcome.stderr or f'a test program gave {outcome}'}", HINT)

    def run(self, program: Program) -> list[Outcome]:
        """
        Runs a program once per input (or evaluation).

        Args:
            program (`Program`):
                What to run.

        Returns:
            `list[Outcome]`: one per input, fewer after `stop`. A single `broken` one if the server failed.
        """
        try:
            if program.language not in LANGUAGES:
                raise ServiceError(f"{program.language} programs are not supported")
            with self.gate:
                return self.runs(program)
        except ServiceError as error:
            reason = str(error)
        except Exception as error:  # whatever a server replies, it must not end a training
            reason = f"unreadable reply, {type(error).__name__}: {error}"
        return [Outcome("broken", -1, "", " ".join(reason.split())[:300], 0.0)]

    def run_many(self, programs: list[Program]) -> list[list[Outcome]]:
        """Runs programs, as many at once as `concurrency` says, in order."""
        return list(self.threads.map(self.run, programs))

    async def run_async(self, program: Program) -> list[Outcome]:
        """`run` for asynchronous callers; waits for a free place without blocking the loop."""
        return await asyncio.get_running_loop().run_in_executor(self.threads, self.run, program)

    def close(self) -> None:
        """Waits for the programs that run; afterwards this sandbox runs nothing."""
        self.threads.shutdown(cancel_futures=True)
        self.client.close()

    def runs(self, program: Program) -> list[Outcome]:
        outcomes: list[Outcome] = []
        for given in program.evaluations or program.inputs:
            if outcomes and outcomes[-1].state in ("syntax", "compiler"):  # then it is the same for every input
                outcomes.append(outcomes[-1])
            elif program.evaluations:
                outcomes.append(self.evaluation(program, given))
            else:
                outcomes.append(self.execute(program.source, given, program.language, program.limits))
            if program.stop and not outcomes[-1].succeeded:
                break
        return outcomes

    def evaluation(self, program: Program, steps: list) -> Outcome:
        mark, job = secrets.token_hex(16), json.dumps([program.source, steps])
        parts = [inspect.getsource(part) for part in (literal, offered, answer, evaluate)]
        source = "\n\n".join([*parts, f"evaluate({job!r}, {mark!r})\n"])
        outcome = self.execute(source, "", "python", program.limits)
        lines = [line[len(mark) + 1 :] + "\n" for line in outcome.stdout.split("\n") if line.startswith(mark)]
        return replace(outcome, stdout="".join(lines))

    def execute(self, source: str, stdin: str, language: str, limits: Limits) -> Outcome:
        """One run."""
        name, file = LANGUAGES[language]
        files = [{"name": file, "content": source or "\n"}]  # older versions refuse empty files
        body = {"language": name, "version": "*", "files": files, "stdin": stdin}
        body |= {"run_timeout": round(limits.seconds * 1000), "run_memory_limit": limits.memory}
        began = time.monotonic()
        reply = self.request(body, limits.seconds + (COMPILE_SECONDS if language == "cpp" else 0))
        return read(reply, time.monotonic() - began, language, limits)

    def request(self, body: dict[str, Any], seconds: float) -> dict[str, Any]:
        """A reply, asked for again where that may help."""
        for attempt in range(self.retries + 1):
            status, data, after = self.send(json.dumps(body).encode(), self.timeout + seconds)
            if 200 <= status < 300:
                return json.loads(data)
            if status not in (0, *RETRIED) or attempt == self.retries:
                break
            time.sleep(pause(attempt, after, self.backoff))
        raise ServiceError(f"{f'status {status}: ' if status else ''}{data[:2000].decode('utf-8', 'replace')}")

    def send(self, body: bytes, seconds: float) -> tuple[int, bytes, str]:
        """
        Status, body and `Retry-After` of one reply, which nobody trusts: size and time are limited. Status 0: no
        connection.
        """
        until, data = time.monotonic() + seconds, bytearray()
        options = {"content": body, "timeout": seconds, "headers": {"Content-Type": "application/json"}}
        try:
            with self.client.stream("POST", f"{self.url}/api/v2/execute", **options) as reply:
                for piece in reply.iter_bytes():
                    data += piece
                    if len(data) > LARGEST or time.monotonic() > until:
                        raise ServiceError("a reply that is too large or takes too long")
                return reply.status_code, bytes(data), reply.headers.get("retry-after", "")
        # no better the second time
        except (httpx.ReadTimeout, httpx.LocalProtocolError, httpx.UnsupportedProtocol, httpx.InvalidURL) as error:
            raise ServiceError(f"{type(error).__name__}: {error}") from None
        except httpx.HTTPError as error:
            return 0, f"{type(error).__name__}: {error}".encode(), ""


def read(reply: dict[str, Any], waited: float, language: str, limits: Limits) -> Outcome:
    """An outcome as `LocalSandbox` has it: outputs cut, a source that Python cannot read told from an exception."""
    if (built := reply.get("compile")) and built["code"] != 0:
        return Outcome("compiler", exit_code(built), "", built["stderr"][:1000], 0.0)
    run = reply["run"]
    status, code = run.get("status"), exit_code(run)
    if status == "XX":
        raise ServiceError(f"Piston's own sandbox failed: {run.get('message')}")
    out, err = (run[name].encode("utf-8", "replace") for name in ("stdout", "stderr"))
    err, state = err[-4096:].decode("utf-8", "replace"), STATES.get(status, "done")
    if "status" not in run and run.get("signal") == "SIGKILL" and waited >= limits.seconds:
        state = "timeout"  # older versions do not say
    elif state == "done" and len(out) > limits.output:
        state, code = "output", -1
    elif state == "done" and code == 1 and language == "python" and UNREADABLE.search(err):
        state = "done" if "Traceback (most" in err else "syntax"
    seconds = run["wall_time"] / 1000 if run.get("wall_time") else waited
    return Outcome(state, code, out[: limits.output].decode("utf-8", "replace"), err, float(seconds))


def exit_code(stage: dict[str, Any]) -> int:
    """Piston's exit code, negative for a signal."""
    return int(stage["code"]) if stage["code"] is not None else -int(getattr(signal, stage["signal"] or "", 1))


def evaluate(job, mark):
    """
    `evaluations_body` of evaluation.py with stdout as the channel, sent as text: the program's own output is thrown
    away.
    """
    import builtins
    import json
    import os
    import sys

    source, steps = json.loads(job)
    results, own = os.fdopen(os.dup(1), "w", encoding="utf-8", errors="backslashreplace"), dict(vars(builtins))
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    try:
        code = compile(source, "main.py", "exec")
    except (SyntaxError, ValueError, RecursionError, MemoryError, OverflowError) as error:
        sys.exit(f"{type(error).__name__}: {error}")
    module = sys.modules["solution"] = type(sys)("solution")
    module.__dict__.update(offered(code))
    sys.argv = ["main.py"]
    getattr(sys, "set_int_max_str_digits", abs)(0)  # early Python 3.10 has no such limit
    try:
        exec(code, module.__dict__)
    except SystemExit as error:
        if error.code:
            raise
    for step in steps:
        results.write(f"{mark} {answer(module.__dict__, own, *step)}\n")
        results.flush()
