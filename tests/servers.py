"""A scripted endpoint, for whoever asks a language model: the judge and the rewriter."""

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class ScriptedServer(ThreadingHTTPServer):
    """
    An endpoint that behaves as its script says, one entry per request, and afterwards as `otherwise` says.

    An entry is the text of a reply, a function of the prompt that gives it (`of_prompt`), or a function of the request
    handler, which finds the request in its `body`.
    """

    daemon_threads = True
    request_queue_size = 64

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.script, self.otherwise, self.requests = [], "", []
        self.lock, self.stop = threading.Lock(), threading.Event()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}/v1"

    @property
    def prompts(self):
        return [request["body"]["messages"][0]["content"] for request in self.requests]

    def handle_error(self, *_):
        """A client that went away is no news."""


class Handler(BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_GET(self):
        server = self.server
        with server.lock:
            server.requests.append({"path": self.path, "headers": dict(self.headers)})
            behave = server.script.pop(0) if server.script else server.otherwise
        behave(self)

    def do_POST(self):
        self.body = body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        server = self.server
        with server.lock:
            server.requests.append({"path": self.path, "headers": dict(self.headers), "body": body})
            behave = server.script.pop(0) if server.script else server.otherwise
        if getattr(behave, "of_prompt", False):
            behave = behave(body["messages"][0]["content"])
        if isinstance(behave, str):
            self.say(behave)
        else:
            behave(self)

    def say(self, content, finish_reason="stop"):
        choice = {"message": {"role": "assistant", "content": content}, "finish_reason": finish_reason}
        self.answer(200, json.dumps({"choices": [choice]}).encode())

    def answer(self, status, body=b"{}", **headers):
        self.send_response(status)
        for key, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(key.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)


def of_prompt(function):
    function.of_prompt = True
    return function


def status(code, **headers):
    return lambda handler: handler.answer(code, b'{"error": "no"}', **headers)


def body(data, **headers):
    return lambda handler: handler.answer(200, data, **headers)


def unfinished(content):
    return lambda handler: handler.say(content, "length")


def hang(handler):
    handler.server.stop.wait()


def close(handler):
    handler.connection.close()


def cut(handler):
    handler.answer(200, b'{"choices": [', Content_Length="1000")
    handler.connection.close()


def drip(handler):
    """Never silent for long, and never done."""
    handler.answer(200, b" ", Content_Length="1000")
    while not handler.server.stop.wait(0.05):
        handler.wfile.write(b" ")


@contextmanager
def serving(server):
    """A server that answers, with an event `stop` that ends what waits in it."""
    thread = threading.Thread(target=server.serve_forever, args=[0.01])
    thread.start()
    yield server
    server.stop.set()
    server.shutdown()
    thread.join()
    server.server_close()


def running():
    return serving(ScriptedServer())
