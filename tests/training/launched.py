"""The other side of `rank_server.py`: launches its ranks and runs stages on them."""

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

from conftest import REPOSITORY
from waiting import wait_for

from open_r1.core.processes import die_with_parent

CONFIGS = {
    "ddp": ["ddp.yaml"],
    "fsdp_full": ["fsdp.yaml", "--fsdp_state_dict_type", "FULL_STATE_DICT"],
    "fsdp_sharded": ["fsdp.yaml"],
}


def environment() -> dict[str, str]:
    """Without a GPU; a single `use_cpu` in the recipe does not reach accelerate's launcher."""
    return os.environ | {"ACCELERATE_USE_CPU": "true"}


def launcher(mode: str) -> list[str]:
    """The command that starts two ranks with one of our accelerate configurations, in float32."""
    name, *options = CONFIGS[mode]
    config = str(REPOSITORY / "recipes/accelerate_configs" / name)
    command = [sys.executable, "-m", "accelerate.commands.launch", "--config_file", config, "--num_processes", "2"]
    return [*command, "--mixed_precision", "no", "--main_process_port", "0", *options]


class Launched:
    """
    Ranks that are up and wait for runs.

    Args:
        folder (`Path`): For what they and the test tell each other.
        mode (`str`): A key of `CONFIGS`, or `one` for a single process without launcher.
    """

    def __init__(self, folder: Path, mode: str):
        folder.mkdir(parents=True)
        self.folder, self.number, self.world = folder, -1, 1 if mode == "one" else 2
        self.every = list(range(self.world))
        command = [sys.executable] if mode == "one" else launcher(mode)
        self.log = (folder / "launcher.log").open("w")
        command += [str(REPOSITORY / "tests/training/rank_server.py"), str(folder)]
        self.process = subprocess.Popen(
            command, env=environment(), cwd=REPOSITORY, stdout=self.log, stderr=self.log, preexec_fn=die_with_parent
        )

    def ready(self) -> bool:
        assert self.process.poll() is None, (self.folder / "launcher.log").read_text()[-3000:]
        return all((self.folder / f"ready-{rank}").exists() for rank in self.every)

    def start(self, command: list, **plan: object) -> None:
        """Starts a stage: the module's name and its arguments."""
        wait_for(self.ready, "the ranks")
        self.number += 1
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            plan["port"] = free.getsockname()[1]
        module, *arguments = map(str, command)
        text = json.dumps(plan | {"module": f"open_r1.{module}", "arguments": arguments})
        scratch = self.folder / ".run.json"
        scratch.write_text(text)
        scratch.replace(self.folder / f"run-{self.number}.json")

    def held(self, rank: int) -> Path:
        return self.folder / f"held-{self.number}-{rank}"

    def wait_until_held(self, ranks: list[int]) -> None:
        wait_for(lambda: all(self.held(rank).exists() for rank in ranks) or self.codes(), "a rank at its place")
        assert not self.codes(), self.output()

    def release(self, ranks: list[int]) -> None:
        for rank in ranks:
            self.held(rank).unlink()

    def send(self, number: signal.Signals, ranks: list[int]) -> None:
        for rank in ranks:
            os.kill(int((self.folder / f"pid-{self.number}-{rank}").read_text()), number)

    def tell_to_stop(self, numbers: list[signal.Signals], ranks: list[int]) -> None:
        """Sends signals to ranks that are held, and lets all go on once they have noticed."""
        for number in numbers:
            self.send(number, ranks)
        wait_for(lambda: self.output().count(": stops where it can continue\n") == len(ranks), "the signal to arrive")
        self.release(self.every)

    def codes(self) -> list[int]:
        """Exit codes of the ranks that have ended."""
        files = [self.folder / f"code-{self.number}-{rank}" for rank in self.every]
        return [int(file.read_text()) for file in files if file.exists()]

    def finish(self) -> list[int]:
        """Waits for all ranks; their exit codes, negative for a signal."""
        wait_for(lambda: len(self.codes()) == self.world, "the end of the ranks")
        return self.codes()

    def kill(self) -> None:
        self.send(signal.SIGKILL, self.every)
        self.finish()

    def run(self, command: list, **plan: object) -> str:
        """Runs a stage to a good end."""
        self.start(command, **plan)
        assert set(self.finish()) == {0}, self.output()
        return self.output()

    def logs(self) -> list[str]:
        """What each rank has printed."""
        files = [self.folder / f"log-{self.number}-{rank}" for rank in self.every]
        return [file.read_text(errors="replace") for file in files if file.exists()]

    def output(self) -> str:
        return "\n".join(self.logs())

    def facts(self) -> list[dict]:
        """What each rank found itself to be."""
        files = [self.folder / f"facts-{self.number}-{rank}.json" for rank in self.every]
        return [json.loads(file.read_text()) for file in files if file.exists()]

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        self.log.close()
