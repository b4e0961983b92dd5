"""A step's parts: each second is in one of them, and in the right one."""

import json
import time
from pathlib import Path

import pytest
from conftest import REPOSITORY
from tiny_models import TURN_END, run, save_rows, save_tiny_base

from open_r1 import grpo, sft
from open_r1.training.timing import PARTS, shares

SLOW = 0.2  # seconds, added to a part


def slow_reward(completions, **columns):
    time.sleep(SLOW)
    return [float(n % 2) for n in range(len(completions))]


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    place = tmp_path_factory.mktemp("timing")
    save_tiny_base(place / "base", "chatml")
    save_rows(place / "rows.jsonl", 16)
    return place


def timed(place: Path, out: Path, main, **more) -> list[dict]:
    """The parts of each step of a run, which are no more than the time that it took."""
    found = {"model_name_or_path": str(place / "base"), "output_dir": str(out), "logging_steps": 1}
    found |= {"datasets": [{"path": str(place / "rows.jsonl")}], "eos_token": TURN_END["chatml"], "max_steps": 4}
    found |= {"chat_template": f"{REPOSITORY}/recipes/templates/chatml/r1.jinja", "save_strategy": "no"}
    run(main, **found | {"per_device_train_batch_size": 4} | more)
    lines = json.loads((out / "trainer_state.json").read_text())["log_history"]
    steps = [{key[5:]: line[key] for key in line if key.startswith("time/")} for line in lines if "loss" in line]
    parts = [seconds for step in steps for seconds in step.values()]
    assert min(parts) >= 0 and sum(parts) <= next(line["train_runtime"] for line in lines if "train_runtime" in line)
    return steps


def slowed(monkeypatch, kind: type, name: str) -> None:
    """Makes a method take longer."""
    method = getattr(kind, name)
    monkeypatch.setattr(kind, name, lambda *args, **options: (time.sleep(SLOW), method(*args, **options))[1])


GRPO = {"num_generations": 2, "prompts_per_step": 2, "generation_batch_size": 8, "max_completion_length": 4}
GRPO |= {"rewards": {"random": {}}, "beta": 0.1, "save_strategy": "steps", "save_steps": 2, "eval_strategy": "no"}


@pytest.mark.slow
@pytest.mark.parametrize("part", ["generation", "reward", "update"])
def test_what_takes_longer_shows_in_its_part_and_in_no_other(place, tmp_path, monkeypatch, capsys, part):
    import torch
    from transformers import GenerationMixin

    if part == "generation":
        slowed(monkeypatch, GenerationMixin, "generate")
    if part == "update":
        slowed(monkeypatch, torch.optim.AdamW, "step")
    rewards = {f"{__name__}.slow_reward": {}} if part == "reward" else {"random": {}}
    steps = timed(place, tmp_path / "out", grpo.main, **GRPO | {"rewards": rewards})
    assert [set(step) for step in steps] == [set(PARTS)] * 4
    slow = [n for n, step in enumerate(steps) if step[part] >= SLOW]
    assert slow == ([0, 1, 2, 3] if part == "update" else [0, 2])  # a rollout feeds two steps
    assert all((step["logps"] > 0) == (n in (0, 2)) for n, step in enumerate(steps))  # the reference's, per rollout
    (line,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("time: ")]
    percent = {word.split()[0]: int(word.split()[1][:-1]) for word in line[6:].partition(" of ")[0].split(", ")}
    whole = sum(sum(step.values()) for step in steps)
    assert percent == {name: round(100 * sum(step[name] for step in steps) / whole) for name in PARTS}


@pytest.mark.slow
def test_sft_has_an_update_and_a_rest(place, tmp_path, monkeypatch):
    import torch

    slowed(monkeypatch, torch.optim.AdamW, "step")
    steps = timed(place, tmp_path / "out", sft.main, max_length=128)
    assert [set(step) for step in steps] == [{"update", "wait"}] * 4
    assert all(step["update"] >= SLOW for step in steps)


def test_shares_of_a_whole_run_from_its_log():
    lines = [
        {"step": 2, "time/generation": 3.0, "time/update": 1.0},  # a mean over two steps
        {"step": 2, "eval_loss": 1.0},
        {"step": 3, "time/generation": 0.0, "time/update": 2.0},
        {"step": 3, "train_loss": 1.0},
    ]
    assert shares(lines) == "time: generation 60%, update 40% of 3.3 s per step"
    assert shares([]) == "" == shares([{"step": 1, "loss": 1.0}])
