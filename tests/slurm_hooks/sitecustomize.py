"""What a test does inside the processes of a Slurm job, which import this by themselves: the folder is on PYTHONPATH.

`HOLD_STEPS=3,5`: every rank waits at the end of these steps, having left `held-STEP-RANK` in the folder `HOLD_FOLDER`,
until `go-STEP` is there. `OVER_DISK=1`: weights reach a vLLM server over a folder. `NO_FLOCK=1`: the file system has
no locks. A job that finds `stalled` in the folder takes its stage for one that stands still.
"""

import os
import sys
import time
from pathlib import Path

FOLDER = Path(os.environ.get("HOLD_FOLDER", "."))


def hold_ranks() -> None:
    from open_r1.training.run import Run

    train, rank = Run.train, os.environ["RANK"]

    def watched(self, trainer):
        from transformers import TrainerCallback

        class Hold(TrainerCallback):
            def on_step_end(self, args, state, control, **kwargs):
                step = state.global_step
                if str(step) in os.environ.get("HOLD_STEPS", "").split(","):
                    (FOLDER / f"held-{step}-{rank}").touch()
                    while not (FOLDER / f"go-{step}").exists():
                        time.sleep(0.01)

        trainer.add_callback(Hold())
        train(self, trainer)

    Run.train = watched


def stall_on_request() -> None:
    from open_r1.cluster.watch import Pulse

    Pulse.gone = lambda self: (FOLDER / "stalled").exists()


def forget_locks() -> None:
    import errno
    import fcntl

    def flock(*_):
        raise OSError(errno.ENOSYS, "no locks here")

    fcntl.flock = flock


if os.environ.get("NO_FLOCK"):
    forget_locks()
if "RANK" in os.environ:
    if os.environ.get("ACCELERATE_USE_FSDP") == "true":
        import cpu_fsdp

        cpu_fsdp.allow()
    if os.environ.get("OVER_DISK"):
        from grpo_over_disk import over_disk

        over_disk()
    hold_ranks()
elif "job" in sys.orig_argv and "HOLD_FOLDER" in os.environ:
    stall_on_request()
