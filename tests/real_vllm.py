"""A real vLLM on the CPU, in the environment that `make install-vllm` builds: servers, commands, and a tiny model."""

import json
import os
import signal
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from faulty import free_port, wait_for
from waiting import PATIENCE

from open_r1.training.vllm_server import TRL_NEEDS

REPOSITORY = Path(__file__).resolve().parents[1]
BIN = REPOSITORY / ".venv-vllm" / "bin"
CONTEXT = 256  # tokens, of the tiny model's servers
CORES = len(os.sched_getaffinity(0))
ENVIRONMENT = {
    "VLLM_CPU_KVCACHE_SPACE": "1",  # GB
    "VLLM_CPU_OMP_THREADS_BIND": ",".join(map(str, sorted(os.sched_getaffinity(0)))),  # else it leaves one core out
    "OMP_NUM_THREADS": str(CORES),
    "VLLM_NO_USAGE_STATS": "1",
    "DO_NOT_TRACK": "1",
    "HF_HUB_OFFLINE": "1",
    "PYTHONPATH": str(REPOSITORY / "src"),
    "NO_PROXY": "127.0.0.1",
    "PYTHONDONTWRITEBYTECODE": "",  # else every start compiles vLLM again, which takes 17 s
}
NEEDED = [
    pytest.mark.vllm,
    pytest.mark.slow,
    pytest.mark.skipif(not (BIN / "vllm").exists(), reason="no vLLM: `make install-vllm` builds its environment"),
]


def tiny_model(directory: Path, **changes: int) -> str:
    """
    A random model whose logits are far enough apart for greedy texts to be the same in any engine, and whose
    generation_config says what must not decide anything. vLLM knows no heads of less than 32 numbers on a CPU.
    """
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    from open_r1.data.tokenizer import train_tokenizer

    tokenizer = train_tokenizer(["What is 1 + 2 ?"], 300)
    tokenizer.chat_template = (REPOSITORY / "recipes/mini/templates/zero.jinja").read_text()
    tokenizer.save_pretrained(directory)
    sizes = {"hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2, "num_attention_heads": 2}
    sizes |= changes
    special = {"eos_token_id": tokenizer.eos_token_id, "pad_token_id": tokenizer.pad_token_id, "bos_token_id": None}
    config = AutoConfig.for_model(
        "llama", vocab_size=len(tokenizer), initializer_range=0.2, tie_word_embeddings=True, **sizes, **special
    )
    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
    model.generation_config.update(do_sample=True, top_k=1, repetition_penalty=1.3)
    model.save_pretrained(directory)
    return str(directory)


class VllmServer:
    """
    `vllm serve` of a model, under its path and under the name `tiny`.

    Args:
        model (`str`): Artifact directory.
        log (`Path`): Where it writes; shown when it does not start.
    """

    def __init__(self, model: str, log: Path):
        self.model, self.log, self.port = model, log, free_port()
        self.root = f"http://127.0.0.1:{self.port}"
        self.url = f"{self.root}/v1"
        self.start()

    def start(self) -> None:
        # bounded, should this process be killed before it can end the server; its tests lie far apart in a whole run
        command = ["timeout", "--foreground", "--kill-after=5", "3600", str(BIN / "vllm"), "serve", self.model]
        command += ["--served-model-name", self.model, "tiny", "--host", "127.0.0.1", "--port", str(self.port)]
        command += ["--dtype", "float32", "--enforce-eager", "--max-model-len", str(CONTEXT)]
        command += TRL_NEEDS
        environment = os.environ | ENVIRONMENT | {"VLLM_SERVER_DEV_MODE": "1"}
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command, env=environment, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
            )

    def wait(self) -> "VllmServer":
        try:
            wait_for(f"{self.root}/health")
        except BaseException:
            self.kill()
            print(self.log.read_text(errors="replace")[-4000:])
            raise
        return self

    def kill(self) -> None:
        """SIGKILL to it and all that it started."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def reload(self) -> None:
        """The weights of its model's folder again, whatever a training has put in their place."""
        call = {"method": "reload_weights", "kwargs": {"weights_path": self.model}}
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(f"{self.root}/collective_rpc", json.dumps(call).encode(), headers)
        urllib.request.urlopen(request, timeout=PATIENCE).read()


@pytest.fixture(scope="session")
def tiny(tmp_path_factory) -> str:
    """A tiny model, which no test changes."""
    return tiny_model(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="session")
def vllm_server(tiny, tmp_path_factory) -> Iterator[VllmServer]:
    """A server of it. Starting one takes half a minute and more, so all tests share it, and leave it as it was."""
    found = VllmServer(tiny, tmp_path_factory.mktemp("server") / "log.txt").wait()
    yield found
    found.kill()


def run_with_vllm(*arguments: object) -> subprocess.CompletedProcess:
    """Runs Python with these arguments in vLLM's environment."""
    return subprocess.run(
        [str(BIN / "python"), *map(str, arguments)],
        cwd=REPOSITORY,
        env=os.environ | ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
