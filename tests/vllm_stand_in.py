"""A small stand-in for vLLM where there is none: the package as far as TRL imports it, and a program `vllm serve` with
the endpoints that TRL calls. It draws with transformers, from the weights that it was last given, and with a seed that
follows from prompt and weights, so that a run that draws from other weights, or in another order, is another run.
"""

import argparse
import hashlib
import json
import os
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

VERSION = "0.30.0"
PACKAGE = {
    f"vllm-{VERSION}.dist-info/METADATA": f"Metadata-Version: 2.1\nName: vllm\nVersion: {VERSION}\n",
    f"vllm-{VERSION}.dist-info/top_level.txt": "vllm\n",
    "vllm/__init__.py": f"__version__ = '{VERSION}'\nLLM = RequestOutput = SamplingParams = None\n",
    "vllm/sampling_params.py": "StructuredOutputsParams = None\n",
    "vllm/utils/__init__.py": "",
    "vllm/utils/network_utils.py": "get_ip = lambda: '127.0.0.1'\n",
    "vllm/distributed/__init__.py": "",
    "vllm/distributed/weight_transfer/__init__.py": "",
    "vllm/distributed/weight_transfer/nccl_common.py": "trainer_init = None\n",
    "vllm/distributed/weight_transfer/packed_tensor.py": "packed_nccl_broadcast_producer = None\n",
}


def install(folder: Path) -> None:
    """Writes the package, and the program into `bin`; `folder` is then for PYTHONPATH, `folder/bin` for PATH."""
    for name, text in PACKAGE.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    program = folder / "bin/vllm"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {sys.executable} {__file__} "$@"\n')
    program.chmod(0o755)


class Engine:
    """A model that draws completions."""

    def __init__(self, name: str):
        from transformers import AutoModelForCausalLM

        self.model = AutoModelForCausalLM.from_pretrained(name, dtype="float32").eval()

    def reload(self, folder: str) -> None:
        import safetensors.torch

        weights = safetensors.torch.load_file(Path(folder) / "model.safetensors")
        self.model.load_state_dict(weights, strict=False)  # tied weights have one name

    def seed(self, prompt: list[int]) -> int:
        total = float(sum(weight.detach().double().sum() for weight in self.model.parameters()))
        return int.from_bytes(hashlib.sha256(f"{prompt} {total!r}".encode()).digest()[:4], "big")

    def draw(self, prompt: list[int], request: dict) -> list[dict]:
        import torch

        draw, ends = torch.Generator().manual_seed(self.seed(prompt)), set(request.get("stop_token_ids", ()))
        return [self.draw_one(prompt, request["max_tokens"], ends, draw) for _ in range(request["n"])]

    def draw_one(self, prompt: list[int], count: int, ends: set[int], draw) -> dict:
        import torch

        ids, chosen = list(prompt), []
        with torch.inference_mode():
            while len(chosen) < count and not (chosen and chosen[-1][0] in ends):
                scores = self.model(torch.tensor([ids])).logits[0, -1].log_softmax(-1)
                token = int(torch.multinomial(scores.exp(), 1, generator=draw))
                chosen.append((token, float(scores[token])))
                ids.append(token)
        names = [f"token_id:{token}" for token, _ in chosen]
        logprobs = {
            "tokens": names,
            "token_logprobs": [score for _, score in chosen],
            "top_logprobs": [{}] * len(names),
        }
        return {"prompt_token_ids": prompt, "token_ids": [token for token, _ in chosen], "logprobs": logprobs}


class Handler(BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def answer(self, body) -> None:
        data = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def do_GET(self):
        settings = {"weight_transfer_config": {}, "model_config": {"logprobs_mode": "processed_logprobs"}}
        replies = {
            "/version": {"version": VERSION},
            "/v1/models": {"data": [{"id": self.server.name, "owned_by": "vllm"}]},
            "/server_info": {"vllm_config": settings},
        }
        self.answer(replies.get(self.path.partition("?")[0], {}))

    def do_POST(self):
        request = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or "{}")
        if self.path == "/collective_rpc":
            self.server.engine.reload(request["kwargs"]["weights_path"])
        if self.path == "/v1/completions":
            engine = self.server.engine
            return self.answer({"choices": [one for ids in request["prompt"] for one in engine.draw(ids, request)]})
        self.answer({"success": True})


def serve(words: list[str]) -> None:
    parser = argparse.ArgumentParser()
    for name in ("served-model-name", "host", "port"):
        parser.add_argument(f"--{name}")
    parser.add_argument("model")
    given, _ = parser.parse_known_args(words)
    server = ThreadingHTTPServer((given.host, int(given.port)), Handler)
    server.name, server.engine = given.served_model_name, Engine(given.model)
    print(f"serves {given.model} on port {given.port}", flush=True)
    if file := os.environ.get("STAND_IN_PID"):
        Path(file).write_text(str(os.getpid()))
    server.serve_forever()


if __name__ == "__main__":
    serve(sys.argv[2:])
