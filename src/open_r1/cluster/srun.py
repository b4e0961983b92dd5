"""Steps of a job as processes: started with `srun`, read line by line, told to save, to show their stacks, or to end.

A signal goes to a stage's ranks alone. Those of `scancel --signal` reach every process of a step: launchers, which
some of them kill, and the ranks' workers, without which a GRPO run does not come to the end of its rollout.
"""

import os
import re
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Collection

from .steps import Step

KEPT = 400  # last lines of a step, where the reason of its end is
PATIENCE = 60.0  # seconds for a signal to be delivered
# `--wait=0`: after the first task that ends well, the others may publish for as long as they need
OPTIONS = ("--kill-on-bad-exit=1", "--wait=0", "--cpu-bind=none")
BESIDE = ("--overlap", "--gres=none", "--mem=0", "--immediate=30", "--quiet")  # a step on what others hold


def srun_words(step: Step) -> list[str]:
    """The command line of a step."""
    count = str(len(step.nodes))
    places = [f"--nodes={count}", f"--ntasks={count}", "--ntasks-per-node=1", f"--nodelist={','.join(step.nodes)}"]
    return ["srun", f"--job-name={step.name}", *places, *OPTIONS, *step.words]


class Running:
    """
    A step that runs. Its output is this process's, with the step's name before each line where there are several.

    Args:
        step (`Step`):
            What to run.
        several (`bool`):
            Whether other steps run beside it.
    """

    def __init__(self, step: Step, several: bool):
        self.step, self.lines = step, deque[str](maxlen=KEPT)
        environment = os.environ | step.environment
        self.process = subprocess.Popen(
            srun_words(step),
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        self.reader = threading.Thread(target=self.read, args=(f"{step.name}: " if several else "",), daemon=True)
        self.reader.start()

    def read(self, prefix: str) -> None:
        """Passes on what the step prints."""
        assert self.process.stdout
        for line in self.process.stdout:
            self.lines.append(line.decode(errors="replace").strip())
            sys.stdout.buffer.write(prefix.encode() + line)
            sys.stdout.buffer.flush()

    def code(self) -> int | None:
        """Exit code; `None` while it runs."""
        code = self.process.poll()
        if code is not None:
            self.reader.join(PATIENCE)
        return code

    def tell(self, module: str, number: signal.Signals) -> None:
        """Sends a signal to the ranks of a stage, on all nodes of the step."""
        ranks = (sys.executable, "-m", "open_r1.cluster.ranks", module, number.name)
        program, *words = srun_words(Step("signal", self.step.nodes, ranks, {}))
        environment = {name: value for name, value in os.environ.items() if not name.startswith("SLURM_GPUS")}
        command = [program, *BESIDE, *words]
        try:
            subprocess.run(command, check=True, timeout=PATIENCE, stdin=subprocess.DEVNULL, env=environment)
        except (OSError, subprocess.SubprocessError) as error:
            print(f"job: {number.name} did not reach all ranks: {error}", flush=True)

    def end(self) -> None:
        """Ends a step that serves others."""
        if self.code() is None:
            self.process.terminate()  # which srun passes on
            try:
                self.process.wait(PATIENCE)
            except subprocess.TimeoutExpired:  # Slurm ends it with the job
                self.process.kill()


def reason(lines: Collection[str], code: int) -> tuple[int, str]:
    """The exit code of the first process that failed, as far as a step's last lines know it, and why it ended."""
    text = "\n".join(lines)
    if found := re.search(r"^\s*exitcode\s*: (-?\d+)", text, re.MULTILINE):  # of a rank; the launcher's is 1
        code = int(found[1]) if int(found[1]) >= 0 else 128 - int(found[1])
    slurm = [line for line in lines if line.startswith(("srun:", "slurmstepd"))]
    told = [line for line in lines if line and line not in slurm]
    if errors := [line for line in told if line.startswith("error: ")]:
        return code, errors[0].removeprefix("error: ")
    if re.search(r"out of memory|oom[-_ ]?kill", "\n".join(slurm), re.IGNORECASE):
        return code, "out of memory: a node's was full, and the kernel killed a process"
    if code == 128 + signal.SIGKILL:
        return code, "a process was killed (SIGKILL), as the kernel does when a node is out of memory"
    raised = [line for line in told if re.match(r"(\[rank\d+\]: )?[\w.]*(Error|Exception)\b", line)]
    own = [line for line in raised if "ChildFailedError" not in line]
    return code, (own or told or list(lines) or ["no output"])[-1]
