"""An endpoint that fails in every way we know, as its own process: `python fault_server.py --port=8000 --share=0.1
--log=FILE`.

The reply to a request depends on the problem and the seed alone, so that it can be checked; the first attempt of some
requests meets a fault, and a request is logged when it is answered.
"""

import argparse
import hashlib
import json
import random
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

FAULTS = ("500", "429", "hang", "cut", "garbage", "slow", "close", "empty")


def reply_to(prompt, seed):
    digest = hashlib.sha256(f"{prompt}/{seed}".encode()).hexdigest()
    return f"<think> {digest[:8]} </think> the answer is \\boxed{{{int(digest[:4], 16) % 10}}} ."


class Server(ThreadingHTTPServer):
    daemon_threads, request_queue_size = True, 256

    def __init__(self, port, share, log, delay, broken=False, context=0):
        super().__init__(("127.0.0.1", port), Handler)
        self.broken, self.context = broken, context
        self.share, self.delay, self.attempts, self.lock = share, delay, Counter(), threading.Lock()
        self.log = open(log, "a", buffering=1)  # noqa: SIM115

    def handle_error(self, *_):
        """A client that went away is no news."""


class Handler(BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_GET(self):
        self.answer(200, {"data": [{"id": "fake", "max_model_len": 4096}]})

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.server.broken:
            return self.answer(503, {})
        if self.server.context and body.get("max_tokens", 0) >= self.server.context:
            return self.answer(400, {"error": "max_tokens is too large"})
        prompt, seed = body["messages"][-1]["content"], body["seed"]
        with self.server.lock:
            attempt = self.server.attempts[prompt, seed]
            self.server.attempts[prompt, seed] += 1
        chance = random.Random(f"{prompt}/{seed}")
        if attempt == 0 and chance.random() < self.server.share and not self.fault(chance.choice(FAULTS)):
            return
        text = reply_to(prompt, seed)
        time.sleep(self.server.delay)
        self.answer(
            200,
            {"choices": [{"message": {"content": text}, "finish_reason": "stop"}], "usage": {"completion_tokens": 9}},
        )
        self.server.log.write(json.dumps([prompt, seed]) + "\n")

    def fault(self, name):
        """Fails in one way; true if the reply may go out all the same."""
        if name == "slow":
            time.sleep(0.3)
        elif name == "hang":
            time.sleep(5)
        elif name == "cut":
            self.answer(200, {"choices": []}, length=10_000)
            self.connection.close()
        elif name == "close":
            self.connection.close()
        else:
            self.answer(
                *{"500": (500, {}), "429": (429, {}), "garbage": (200, b"<html>{"), "empty": (200, b"")}[name],
                retry="0.05",
            )
        return name == "slow"

    def answer(self, status, content, length=None, retry=None):
        data = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(length or len(data)))
        if retry and status == 429:
            self.send_header("Retry-After", retry)
        self.end_headers()
        self.wfile.write(data)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int)
    parser.add_argument("--share", type=float, default=0.0)
    parser.add_argument("--log", default="/dev/null")
    parser.add_argument("--delay", type=float, default=0.0, help="seconds of thought before every answer")
    parser.add_argument("--broken", action="store_true", help="answer every request with 503")
    parser.add_argument("--max-model-len", type=int, default=0, help="refuse what asks for more tokens")
    args = parser.parse_args()
    print("Uvicorn running on", args.port, flush=True)  # what datatrove waits for
    Server(args.port, args.share, args.log, args.delay, args.broken, args.max_model_len).serve_forever(0.05)
