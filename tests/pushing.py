"""What tests of a push share: outputs with something to publish, who publishes it, and what must then be there."""

import hashlib
import json
import os
import random
import sys
from pathlib import Path

import pytest
from hub_client import Client
from local_hub import LocalHub

# `open-r1 push` in a process that waits for nothing; what becomes of an entry before it is sent has tests of its own
ENTRY_AS_IT_IS = """
from open_r1 import push
from open_r1.hub import upload
upload.prepare = lambda entry, *_: entry / "files"
"""
PUSHER = f"""
import contextlib, io, time
{ENTRY_AS_IT_IS}
slept = []
time.sleep = slept.append
def resume(output, silence):
    upload.SILENCE, code, said = silence, 0, io.StringIO()
    slept.clear()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        try:
            push.main(["--resume", output])
        except SystemExit as end:
            code = end.code
    return {{"code": code, "said": said.getvalue(), "slept": slept}}
"""
STOPPED = 75
MADE = "0123456789abcdef"  # the hash of a recipe's result


def blob(rng: random.Random, size: int) -> bytes:
    return rng.randbytes(size)


def model_files(rng: random.Random) -> dict[str, bytes]:
    weights = {f"model-0000{n}-of-00002.safetensors": blob(rng, 30_000) for n in (1, 2)}
    return weights | {"config.json": b'{"model_type": "qwen2"}', "tokenizer.json": blob(rng, 300).hex().encode()}


def write(directory: Path, files: dict[str, bytes]) -> None:
    for name, data in files.items():
        (directory / name).parent.mkdir(parents=True, exist_ok=True)
        (directory / name).write_bytes(data)


class Trial:
    """
    An output with something to publish.

    Args:
        root (`Path`): The output's place is below.
        what (`str`): "final", "step" or "dataset".
        seed (`int`): Of its content.
    """

    def __init__(self, root: Path, what: str, seed: int = 0):
        from open_r1.core.pushing import add_final, add_step

        rng = random.Random(f"{what} {seed}")
        self.output, self.what = root / what, what
        self.recipe = {"output_dir": str(self.output), "push_to_hub": True, "hub_namespace": "lab"}
        self.kind, self.branch, self.name = "model", "main", "final"
        if what == "step":
            self.branch = self.name = "step-000100"
            self.files = model_files(rng)
            write(self.output / "checkpoint-100", self.files | {"optimizer.pt": b"left out"})
            add_step(self.output, self.recipe, MADE, 100)
            return
        self.files = model_files(rng)
        if what == "dataset":
            self.kind = "dataset"
            self.files = {f"data/train-{n}.parquet": blob(rng, 20_000) for n in range(3)}
        self.files |= {"README.md": b"---\nlicense: mit\n---\n# It\n", "recipe.yaml": json.dumps(self.recipe).encode()}
        self.files["manifest.json"] = json.dumps({"hash": MADE, "recipe": self.recipe}).encode()
        write(self.output, self.files | {"training_args.bin": b"left out", "progress.json": b"{}"})
        add_final(self.output, self.recipe)

    @property
    def title(self) -> str:
        return f"{self.name} {MADE}"

    def repository(self, hub: LocalHub):
        return hub.repositories[self.kind, f"lab/{self.output.parent.name}-{self.output.name}"]

    def check(self, hub: LocalHub) -> None:
        """Every byte is there, in one commit, and nothing waits."""
        from open_r1.core.outbox import FOLDER, PUSHED, pushed

        repository = self.repository(hub)
        there = repository.files(self.branch)
        there.pop(".gitattributes")
        assert {path: sha256(data) for path, data in there.items()} == {
            path: sha256(data) for path, data in self.files.items()
        }
        ours = [commit.sha for commit in repository.history(self.branch) if commit.title != "by somebody"]
        titles = [repository.commits[sha].title for sha in ours]
        assert titles == [self.title, "initial commit"]
        notes = pushed(self.output)
        assert [(note["name"], note["commit"]) for note in notes] == [(self.name, ours[0])]
        left = {path.name for path in (self.output / FOLDER).iterdir()}
        assert left <= {PUSHED, ".lock"}
        if self.name == "final":
            assert repository.tags[MADE].sha == ours[0]


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@pytest.fixture(scope="module")
def pusher(local_hub):
    client = Client(local_hub, PUSHER)

    def resume(output: Path, silence: float = 300.0) -> dict:
        return client(f"resume({str(output)!r}, {silence})")

    yield resume
    client.close()


@pytest.fixture
def fresh(local_hub, monkeypatch):
    """The Hub, with nothing on it and nothing wrong; whoever queues something sends nothing."""
    from open_r1.core.pushing import RUNNER

    monkeypatch.setenv(RUNNER, "1")
    forget(local_hub)
    yield local_hub
    forget(local_hub)


def forget(hub: LocalHub) -> None:
    hub.repositories.clear(), hub.objects.clear(), hub.faults.clear(), hub.log.clear()
    hub.delay = 0.0


def push_command(output: Path) -> list[str]:
    """`open-r1 push --resume OUTPUT`, of entries as they are."""
    return [sys.executable, "-c", f"{ENTRY_AS_IT_IS}\npush.main(['--resume', {str(output)!r}])"]


def variables(hub: LocalHub) -> dict[str, str]:
    return os.environ | hub.environment
