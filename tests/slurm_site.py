"""A user's place on a test cluster: a checkout's `slurm/` and `recipes/`, a `site.env`, and the jobs from there."""

import os
import sys
from pathlib import Path

import yaml
from conftest import REPOSITORY
from vllm_stand_in import install
from waiting import wait_for

PATHS = [REPOSITORY / name for name in ("tests/slurm_hooks", "tests/training", "tests/vllm_cpu", "src")]
ENVIRONMENT = {
    "ACCELERATE_USE_CPU": "true",
    "HF_HUB_OFFLINE": "1",
    "OMP_NUM_THREADS": "1",
    "PYTHONPATH": ":".join(map(str, PATHS)),
}


class Site:
    """
    Where jobs are submitted.

    Args:
        root (`Path`): A folder.
        cluster (`Cluster`): Where they run.
    """

    def __init__(self, root: Path, cluster):
        root.mkdir()
        self.root, self.cluster = root, cluster
        for name in ("slurm", "recipes"):
            (root / name).mkdir()
            for entry in (REPOSITORY / name).iterdir():
                if entry.name != "site.env":
                    (root / name / entry.name).symlink_to(entry)
        (root / "slurm/site.env").write_text("SBATCH_PARTITION=main\nGPUS_PER_NODE=1\nSETUP=setup.sh\n")
        bin = Path(sys.executable).parent
        lines = [f"export {name}={value}" for name, value in ENVIRONMENT.items()]
        (root / "setup.sh").write_text("\n".join([*lines, f"export PATH={bin}:$PATH", f"export HOLD_FOLDER={root}"]))
        for mode in ("ddp", "fsdp"):
            settings = yaml.safe_load((REPOSITORY / f"recipes/accelerate_configs/{mode}.yaml").read_text())
            (root / f"{mode}.yaml").write_text(yaml.safe_dump(settings | {"mixed_precision": "no"}))
            launch = ["accelerate", "launch", "--config_file", f"{mode}.yaml"]
            (root / f"with_{mode}.yaml").write_text(yaml.safe_dump({"launch": launch, "sft": {}, "grpo": {}}))

    def add_vllm(self) -> dict[str, str]:
        """Gives jobs a stand-in for vLLM; the environment of a run that uses it without Slurm."""
        install(self.root / "vllm")
        found = {"PYTHONPATH": f"{self.root}/vllm:{ENVIRONMENT['PYTHONPATH']}", "OVER_DISK": "1"}
        with (self.root / "setup.sh").open("a") as setup:
            setup.writelines(f"\nexport {name}={value}" for name, value in found.items())
            setup.write(f"\nexport PATH={self.root}/vllm/bin:$PATH STAND_IN_PID={self.root}/server.pid\n")
        return found | {"PATH": f"{self.root}/vllm/bin:{os.environ['PATH']}"}

    def submit(self, *words: object, script: str = "train", nodes: int = 2, **environment: str) -> str:
        """Submits a script; the job's number. Its log is `NUMBER.log`."""
        options = ["--parsable", f"--nodes={nodes}", "--gpus-per-node=1", f"--chdir={self.root}"]
        command = ["sbatch", *options, f"--output={self.root}/%j.log", f"slurm/{script}.slurm", *map(str, words)]
        before, self.cluster.environment = self.cluster.environment, self.cluster.environment | environment
        here = os.getcwd()
        os.chdir(self.root)
        try:
            return self.cluster.run(*command).strip()
        finally:
            os.chdir(here)
            self.cluster.environment = before

    def log(self, job: str) -> str:
        file = self.root / f"{job}.log"
        return file.read_text(errors="replace") if file.exists() else ""

    def state(self, job: str) -> str:
        """Slurm's word for a job, and its exit code."""
        shown = self.cluster.run("scontrol", "show", "job", job, "--oneliner")
        found = dict(pair.split("=", 1) for pair in shown.split() if "=" in pair)
        return f"{found['JobState']} {found['ExitCode']}"

    def finish(self, job: str) -> str:
        """Waits for the end of a job; its state."""
        ended = ("COMPLETED", "FAILED", "CANCELLED", "TIMEOUT", "NODE_FAIL")
        wait_for(lambda: self.state(job).startswith(ended), f"the end of job {job}")
        return self.state(job)

    def wait_until_held(self, job: str, step: int, ranks: int = 2) -> None:
        held = lambda: all((self.root / f"held-{step}-{rank}").exists() for rank in range(ranks))
        wait_for(lambda: held() or self.state(job).startswith("FAILED"), f"the ranks at step {step}")
        assert held(), self.log(job)[-4000:]

    def go(self, step: int) -> None:
        (self.root / f"go-{step}").touch()
