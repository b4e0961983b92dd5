"""One rank of a launched run, kept for many runs: it imports the training stack once and forks for each run.

    accelerate launch ... tests/training/rank_server.py FOLDER

A file `FOLDER/run-N.json` starts run N: `module` and `arguments`; `port` where the ranks meet; `hold`, where some
ranks wait until the file `held-N-RANK`, which each writes there, is gone; `fixed_completions`, in place of the sampled
ones, after `calls` of the run that it continues; `same_request`, in seconds; `nan`, a step at which the loss of one
rank is none, as `{"step": 3, "rank": 1}`; more `environment`; `fsdp: false` for
accelerate as it is without GPUs. Each rank leaves `pid-N-RANK`, `facts-N-RANK.json` once it trains, and at the end
`code-N-RANK`.
"""

import gc
import json
import multiprocessing
import os
import sys
import time
from pathlib import Path

import cpu_fsdp

import open_r1.training.preload  # noqa: F401
from open_r1.core import processes, pushing
from open_r1.training.run import Run

FOLDER, RANK = Path(sys.argv[1]), int(os.environ.get("RANK", 0))


def write(path: Path, text: str) -> None:
    scratch = path.with_name(f".{path.name}")
    scratch.write_text(text)
    scratch.replace(path)


def hold_callback(plan: dict, number: int):
    """Waits at an event of a step: `{"event": "on_save", "step": 4, "ranks": [1]}`."""
    from transformers import TrainerCallback

    hold = plan["hold"]

    class Hold(TrainerCallback):
        pass

    def wait(self, args, state, control, **kwargs):
        if state.global_step == hold["step"] and RANK in hold["ranks"]:
            flag = FOLDER / f"held-{number}-{RANK}"
            write(flag, "")
            while flag.exists():
                time.sleep(0.005)

    setattr(Hold, hold["event"], wait)
    return Hold()


def poison(trainer, step: int, rank: int) -> None:
    """Makes the loss of one rank NaN at a step, but not its gradient."""
    compute = trainer.training_step

    def training_step(*args, **kwargs):
        loss = compute(*args, **kwargs)
        return loss * float("nan") if trainer.state.global_step == step - 1 and rank == RANK else loss

    trainer.training_step = training_step


def fix_completions(calls_before: int) -> None:
    """Completions that depend on the prompt, their number in the group and the call, on any number of ranks alike."""
    import hashlib

    import torch
    from transformers import GenerationMixin

    calls, sample = [calls_before], GenerationMixin.generate

    def generate(self, input_ids, attention_mask, generation_config, **kwargs):
        calls[0] += 1
        sample(self, input_ids, attention_mask=attention_mask, generation_config=generation_config, **kwargs)
        rows = []
        for index, (ids, mask) in enumerate(zip(input_ids, attention_mask, strict=True)):
            place = (RANK * len(input_ids) + index) % 4  # a group's completions may be shared by ranks
            key = repr((ids[mask.bool()].tolist(), place, calls[0])).encode()
            seed = int.from_bytes(hashlib.sha256(key).digest()[:4], "big")
            draw = torch.Generator().manual_seed(seed)
            rows.append(torch.randint(5, 500, (generation_config.max_new_tokens,), generator=draw))
        return torch.cat([input_ids, torch.stack(rows)], dim=1)

    GenerationMixin.generate = generate


def run(plan: dict, number: int) -> None:
    log = os.open(FOLDER / f"log-{number}-{RANK}", os.O_WRONLY | os.O_CREAT)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.environ |= {"MASTER_PORT": str(plan["port"]), "TORCHELASTIC_USE_AGENT_STORE": "False"}
    for variables in (os.environ, pushing.ENVIRONMENT):  # the second was read before the fork
        variables.update(plan.get("environment", {}))
    if plan.get("fsdp", True):
        cpu_fsdp.allow()
    processes.SAME_REQUEST = plan.get("same_request", processes.SAME_REQUEST)
    if plan.get("fixed_completions"):
        fix_completions(plan.get("calls", 0))
    train = Run.train

    def watched(self, trainer):
        state = trainer.accelerator.state
        facts = {"world": state.num_processes, "type": state.distributed_type.value}
        if trainer.is_fsdp_enabled:
            facts["state"] = state.fsdp_plugin.state_dict_type.name
        write(FOLDER / f"facts-{number}-{RANK}.json", json.dumps(facts))
        if plan.get("hold"):
            trainer.add_callback(hold_callback(plan, number))
        if plan.get("nan"):
            poison(trainer, **plan["nan"])
        train(self, trainer)

    Run.train = watched
    __import__(plan["module"], fromlist=["main"]).main(plan["arguments"])


def serve() -> None:
    parent, number = os.getppid(), 0
    gc.freeze()  # or each child copies all that was imported as soon as it collects garbage
    write(FOLDER / f"ready-{RANK}", "")
    while os.getppid() == parent:
        file = FOLDER / f"run-{number}.json"
        if not file.exists():
            time.sleep(0.01)
            continue
        child = multiprocessing.get_context("fork").Process(target=run, args=(json.loads(file.read_text()), number))
        child.start()
        write(FOLDER / f"pid-{number}-{RANK}", str(child.pid))
        child.join()
        write(FOLDER / f"code-{number}-{RANK}", str(child.exitcode))
        number += 1


if __name__ == "__main__":
    serve()
