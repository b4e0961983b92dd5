"""A server with the endpoints through which TRL's client looks at a vLLM, which says what a test wants it to say."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from servers import serving


class VllmLike(ThreadingHTTPServer):
    """
    As vLLM 0.30 in development mode, serving `tiny`.

    Attributes:
        replies (`dict`): Status and body by path; a list of them is used up, but for its last. `None` says nothing.
    """

    daemon_threads = True

    def __init__(self, port: int = 0):
        super().__init__(("127.0.0.1", port), Handler)
        self.stop = threading.Event()
        model = {"id": "tiny", "object": "model", "owned_by": "vllm", "root": "/models/tiny", "max_model_len": 256}
        settings = {"model_config": {"dtype": "torch.float32", "logprobs_mode": "processed_logprobs"}}
        settings["weight_transfer_config"] = {"backend": "nccl"}
        self.replies = {
            "/health": (200, ""),
            "/version": (200, {"version": "0.30.0"}),
            "/v1/models": (200, {"data": [model]}),
            "/server_info?config_format=json": (200, {"vllm_config": settings}),
        }
        self.model, self.settings = model, settings

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, *_):
        """A client that went away is no news."""


class Handler(BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_GET(self):
        reply = self.server.replies.get(self.path, (404, {"detail": "Not Found"}))
        if isinstance(reply, list):
            reply = reply.pop(0) if len(reply) > 1 else reply[0]
        if reply is None:
            self.server.stop.wait(30)
            return
        status, body = reply
        data = (body if isinstance(body, str) else json.dumps(body)).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


def running(port: int = 0):
    return serving(VllmLike(port))
