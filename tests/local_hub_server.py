"""How the Hub of `local_hub.py` speaks HTTP, and what goes wrong in it; the answers are in `local_hub_routes.py`."""

import json
import socket
import struct
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import local_hub_writes  # noqa: F401  # its routes
from local_hub_routes import Answer, Request, find, kind_of
from local_hub_store import Refused

RESET = struct.pack("ii", 1, 0)  # closed at once, whatever was not sent yet


class Server(ThreadingHTTPServer):
    daemon_threads, request_queue_size = True, 64

    def handle_error(self, *_):
        """A client that went away is no news."""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # else 40 ms for each answer
    hub: Any

    def log_message(self, *_):
        pass

    def setup(self):
        super().setup()
        self.hub.connections.add(self.connection)

    def finish(self):
        self.hub.connections.discard(self.connection)
        super().finish()

    def handle_any(self):
        url = urlsplit(self.path)
        request = Request(self.command, self.path, headers=self.headers)
        request.query = {key: values[0] for key, values in parse_qs(url.query).items()}
        try:
            request.step, function, arguments = find(self.command, url.path)
        except Refused as refused:
            self.read_body()
            return self.send(request, refusal(refused))
        self.hub.log.append(request)
        fault = self.hub.fault_at(request.step)
        kind = fault and fault.kind
        if kind == "cut" and self.command in ("POST", "PUT"):
            return self.hang_up(read_first=True)
        request.body = self.read_body()
        time.sleep(self.hub.delay)
        if kind == "hang":
            self.hub.stopped.wait(self.hub.patience)
            return self.hang_up()
        if isinstance(kind, int):
            refused = Refused(kind, f"the local Hub was told to answer {kind}")
            return self.send(request, refusal(refused, fault.retry_after))
        answer = self.answer(request, function, arguments, kind == "overtaken")
        if kind == "half":
            return self.hang_up()
        self.send(request, answer, cut=kind == "cut")

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = handle_any

    def answer(self, request: Request, function, arguments: dict[str, str], overtaken: bool) -> Answer:
        try:
            with self.hub.lock:
                if overtaken:
                    repository = self.hub.repositories[kind_of(arguments["kind"]), arguments["name"]]
                    repository.write({"somebody.txt": str(len(repository.commits)).encode()}, arguments["revision"])
                found = function(self.hub, request, **arguments)
        except Refused as refused:
            return refusal(refused)
        return found if isinstance(found, Answer) else Answer(200, json.dumps(found or {}).encode(), {})

    def read_body(self) -> bytes:
        if "chunked" not in self.headers.get("Transfer-Encoding", ""):
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        parts = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def send(self, request: Request, answer: Answer, cut: bool = False) -> None:
        request.status = None if cut else answer.status
        self.send_response(answer.status)
        headers = {"Content-Type": "application/json", "Content-Length": str(len(answer.data))}
        for key, value in (headers | answer.headers).items():
            self.send_header(key, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.data[: len(answer.data) // 2] if cut else answer.data)
        if cut:
            self.hang_up()

    def hang_up(self, read_first: bool = False) -> None:
        """Ends the connection, when the client has sent a part."""
        if read_first:
            self.rfile.read(max(1, int(self.headers.get("Content-Length", 2)) // 2))
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)


def refusal(refused: Refused, retry_after: int | None = None) -> Answer:
    headers = {"X-Error-Message": str(refused)}
    if refused.code:
        headers["X-Error-Code"] = refused.code
    if retry_after is not None:
        headers["Retry-After"] = str(retry_after)
    return Answer(refused.status, json.dumps({"error": str(refused)} | refused.body).encode(), headers)
