"""
A Hugging Face Hub for tests, on 127.0.0.1 and in memory: whatever huggingface_hub, transformers, datasets and TRL ask,
without Xet. It can be away for a while, and fails as it is told: `hub.fail("commit", 500)`.

Its variables are read when huggingface_hub is imported, so the client belongs in a process of its own, started with
`hub.environment`.
"""

import socket
import threading
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from local_hub_routes import Request
from local_hub_server import Handler, Server
from local_hub_store import Refused, Repository

STEPS = ("whoami", "create", "branch", "preupload", "lfs-batch", "upload", "commit", "tag", "resolve")
NO_ANSWER = ("hang", "cut", "half")  # faults that are no status


@dataclass
class Fault:
    """
    What goes wrong.

    Args:
        step (`str`): Of `STEPS`, where it does.
        kind (`int` or `str`):
            A status; or "hang" (no answer until the client gives up, or `LocalHub.patience` is over), "cut" (the
            connection ends in the middle of an upload or an answer), "half" (all is done, and the connection ends
            before the answer), "overtaken" (somebody else commits to the branch before).
        times (`int`, *optional*): How often; always where it is not given.
        retry_after (`int`, *optional*): Seconds that a 429 asks to wait.
    """

    step: str
    kind: int | str
    times: int | None = None
    retry_after: int | None = None


class LocalHub:
    """
    `with LocalHub(tmp_path / "hf") as hub: subprocess.run(..., env=os.environ | hub.environment)`

    Args:
        home (`Path`): An empty folder: what `HF_HOME` names.
        user, orgs (`str`, `tuple[str]`): Whose token it is, and the organisations where it may write.
        role (`str`): Of the token, "write" or "read".

    Attributes:
        repositories (`dict`): ("model" or "dataset", "namespace/name") -> `Repository`.
        log (`list[Request]`): What was asked.
        faults (`list[Fault]`): What goes wrong from now on.
        delay (`float`): Seconds before each answer.
        patience (`float`): Seconds that a request hangs at most.
    """

    token = "hf_" + "LocalHubToken" * 2 + "OfTests9"

    def __init__(self, home: Path, user: str = "tester", orgs: tuple[str, ...] = ("lab",), role: str = "write"):
        self.home, self.user, self.orgs, self.role = home, user, orgs, role
        self.repositories: dict[tuple[str, str], Repository] = {}
        self.objects: dict[str, bytes] = {}
        self.log: list[Request] = []
        self.faults: list[Fault] = []
        self.delay, self.patience = 0.0, 600.0
        self.lock, self.connections = threading.RLock(), set()
        self.place = socket.socket()  # keeps the port while nobody listens
        self.place.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.place.bind(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.place.getsockname()[1]}"

    def __enter__(self) -> "LocalHub":
        self.start()
        return self

    def __exit__(self, *_) -> None:
        self.stop()
        self.place.close()

    def start(self) -> None:
        self.stopped = threading.Event()
        self.server = Server(self.place.getsockname(), type("OfThisHub", (Handler,), {"hub": self}))
        self.thread = threading.Thread(target=self.server.serve_forever, args=[0.02], daemon=True)
        self.thread.start()

    def stop(self) -> None:
        self.stopped.set()
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()
        for connection in list(self.connections):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    @contextmanager
    def away(self):
        """Connections are refused meanwhile; what lies there is kept."""
        self.stop()
        try:
            yield
        finally:
            self.start()

    @property
    def namespaces(self) -> tuple[str, ...]:
        return (self.user, *self.orgs)

    @property
    def environment(self) -> dict[str, str]:
        return self.environment_at(self.home)

    def environment_at(self, home: Path) -> dict[str, str]:
        """The variables of a client, with an `HF_HOME` of its own."""
        switches = {"HF_HUB_DISABLE_XET": "1", "HF_HUB_DISABLE_TELEMETRY": "1", "HF_HUB_OFFLINE": "0"}
        places = {"HF_HOME": str(home), "HF_HUB_CACHE": str(home / "hub"), "NO_PROXY": "127.0.0.1"}
        return {"HF_ENDPOINT": self.url, "HF_TOKEN": self.token, **switches, **places}

    def url_of(self, kind: str, name: str) -> str:
        return f"{self.url}/{'datasets/' if kind == 'dataset' else ''}{name}"

    def add(
        self, kind: str, name: str, files: dict[str, bytes], private: bool = False, gated: bool = False
    ) -> Repository:
        """A repository with one commit."""
        repository = self.repositories[kind, name] = Repository(kind, name, private, gated)
        repository.write(files, title="initial commit")
        return repository

    def fail(self, step: str, kind: int | str, times: int | None = 1, retry_after: int | None = None) -> Fault:
        assert step in STEPS and (isinstance(kind, int) or kind in (*NO_ANSWER, "overtaken")), (step, kind)
        fault = Fault(step, kind, times, retry_after)
        self.faults.append(fault)
        return fault

    def fault_at(self, step: str) -> Fault | None:
        with self.lock:
            for fault in self.faults:
                if fault.step == step and fault.times != 0:
                    fault.times = fault.times and fault.times - 1
                    return fault
        return None

    def asked(self, step: str) -> list[Request]:
        """The requests of one step so far."""
        return [request for request in list(self.log) if request.step == step]

    def who(self, request: Request) -> str | None:
        """The user of a request, `None` where it brings no token."""
        given = request.headers.get("Authorization")
        if given not in (None, f"Bearer {self.token}"):
            raise Refused(401, "Invalid credentials in Authorization header")
        return self.user if given else None
