"""A training that has failed ends with the reason, keeps its last good checkpoint, and does not run into it again."""

import gc
import json
import math
import shutil
import signal
import time
from pathlib import Path

import pytest
import torch
from conftest import REPOSITORY
from tiny_models import TURN_END, run, save_rows, save_tiny_base
from transformers import TrainerCallback

from open_r1 import grpo, sft
from open_r1.core.artifacts import read_manifest
from open_r1.core.errors import Halted, Stopped
from open_r1.core.notes import read_halt, read_progress
from open_r1.training.guards import GUARDS, limits_of, tripped

FROM_LOG = {name: guard for name, guard in GUARDS.items() if guard.metric}
CALM = {"completions/clipped_ratio": 0.2, "frac_reward_zero_std": 0.3, "kl": 0.02, "completions/mean_length": 40.0}
CALM |= {"sampling/sampling_logp_difference/mean": 0.01}
LIMITS = limits_of({}, "it")


def log(values: list[dict], every: int = 1) -> list[dict]:
    """A trainer's log, with lines of evaluation among those of training, as there are."""
    lines = [{"step": (n + 1) * every, "loss": 0.1, **CALM, **line} for n, line in enumerate(values)]
    return [*lines, {"step": len(values) * every, "eval_kl": 99.0, "eval_loss": 0.1}]


def failing(name: str) -> dict:
    guard = FROM_LOG[name]
    return {guard.metric: guard.limit * 1.01 * (CALM[guard.metric] if guard.relative else 1)}


@pytest.mark.parametrize("name", FROM_LOG)
def test_a_guard_trips_after_its_rollouts_in_a_row_and_not_before(name):
    bad, patience = failing(name), FROM_LOG[name].rollouts
    assert tripped(log([{}] * 100), LIMITS) is None
    assert tripped(log([{}, *[bad] * (patience - 1)]), LIMITS) is None
    assert tripped(log([{}, *[bad] * (patience - 1), {}, *[bad] * (patience - 1)]), LIMITS) is None
    found = tripped(log([{}, *[bad] * patience]), LIMITS)
    assert f"(guard `{name}`)" in str(found) and f"at step {patience + 1}, for {patience} rollouts" in str(found)
    assert found.hint.endswith(f"; or go on with `guards: {{{name}: null}}`") and "\n" not in str(found) + found.hint
    assert tripped(log([{}, *[bad] * patience]), limits_of({name: None}, "it")) is None
    assert tripped(log([{}, *[bad] * patience]), limits_of({name: FROM_LOG[name].limit * 2}, "it")) is None


def test_rollouts_are_counted_whatever_the_log_and_the_steps_per_rollout():
    bad = failing("clipped")  # for 10 rollouts
    every_fifth = [tripped(log([{}, *[bad] * n], every=5), LIMITS) is not None for n in range(4)]
    assert every_fifth == [False, False, True, True]  # lines of steps 6-10 and 11-15
    # two steps per rollout, of which only the first has a rollout to log
    halves = [{"step": 2 * n + 1, **CALM, **bad} for n in range(12)]
    assert tripped(halves[:9], LIMITS, window=2) is None and tripped(halves[:10], LIMITS, window=2)


def test_what_was_not_logged_or_is_no_number_trips_nothing():
    odd = {metric: value for metric, value in zip(CALM, (None, math.nan, None, None, math.nan), strict=True)}
    assert tripped(log([odd] * 50), LIMITS) is None and tripped([], LIMITS) is None


def test_after_a_change_the_count_begins_anew():
    bad, patience = failing("kl"), FROM_LOG["kl"].rollouts
    lines = log([bad] * 2 * patience)
    assert tripped(lines[: 2 * patience - 1], LIMITS, since=patience) is None and tripped(
        lines, LIMITS, since=patience
    )


# ------------------------------------------------------------------------------------------------- real trainings


def length_reward(completions, log_metric, trainer_state, gap=0.0, **columns):
    """Pays for nothing; logs a difference between the engines as TRL does with vLLM."""
    log_metric("sampling/sampling_logp_difference/mean", gap)
    return [float(n % 2) for n in range(len(completions))]


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    place = tmp_path_factory.mktemp("guards")
    save_tiny_base(place / "base", "chatml")
    save_rows(place / "rows.jsonl", 8)
    return place


def recipe(place: Path, out: Path, **more) -> dict:
    found = {"model_name_or_path": str(place / "base"), "output_dir": str(out), "logging_steps": 1, "save_steps": 2}
    found |= {"datasets": [{"path": str(place / "rows.jsonl")}], "eos_token": TURN_END["chatml"]}
    return found | {"chat_template": f"{REPOSITORY}/recipes/templates/chatml/r1.jinja", "save_total_limit": 1} | more


def sft_recipe(place: Path, out: Path, **more) -> dict:
    return recipe(place, out, **{"max_length": 128, "max_steps": 6, "per_device_train_batch_size": 4} | more)


def grpo_recipe(place: Path, out: Path, **more) -> dict:
    found = {"num_generations": 2, "prompts_per_step": 2, "per_device_train_batch_size": 4, "max_steps": 40}
    found |= {"max_completion_length": 4, "rewards": {f"{__name__}.length_reward": {}}, "beta": 0.1}
    return recipe(place, out, **found | {"learning_rate": 1e-5, "sync_ref_model": False} | more)


def ends(capsys, main, **recipe) -> str:
    """The lines of a run that a guard must end."""
    with pytest.raises(SystemExit) as caught:
        run(main, **recipe)
    code = caught.value.code
    del caught
    gc.collect()  # with what it holds goes the lock on the output
    error = capsys.readouterr().err
    lines = error.strip().splitlines()
    assert code == Halted.exit_code == 78 and "Traceback" not in error, error
    assert lines[-2].startswith("halted: ") and lines[-1].startswith("  fix: "), error
    return lines[-2] + "\n" + lines[-1]


def checkpoints(out: Path) -> list[str]:
    """What a run can continue from: weights that are numbers."""
    import safetensors.torch

    found = sorted(out.glob("checkpoint-*"))
    for path in found:
        weights = safetensors.torch.load_file(path / "model.safetensors")
        assert (path / "complete").exists() and all(bool(weight.isfinite().all()) for weight in weights.values())
    return [path.name for path in found]


def longer(monkeypatch) -> None:
    """Completions of a model that learns to ramble: one token, two, three."""
    from transformers import GenerationMixin

    calls = [0]

    def generate(self, input_ids, **kwargs):
        calls[0] += 1
        return torch.cat(
            [input_ids, torch.full((len(input_ids), min(calls[0], 30)), 70, device=input_ids.device)], dim=1
        )

    monkeypatch.setattr(GenerationMixin, "generate", generate)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "step", "more", "expected"),
    [
        ("clipped", 11, {"guards": {"clipped": 0.2}}, "% of completions reach `max_completion_length`"),
        ("no_spread", 21, {"rewards": {"format": {}}}, "in 100% of groups all completions have the same reward"),
        ("kl", None, {"learning_rate": 0.3, "max_grad_norm": 0.0}, "nats per token away from its reference"),
        ("growth", 8, {"guards": {"growth": 2}, "max_completion_length": 32}, "times as long as at the start"),
        ("engine_gap", 6, {"rewards": {f"{__name__}.length_reward": {"gap": 0.5}}}, "differ by 0.50 nats per token"),
    ],
)
def test_each_guard_ends_a_run_that_fails_that_way(place, tmp_path, capsys, monkeypatch, name, step, more, expected):
    if name == "growth":
        longer(monkeypatch)
    others = {"guards": {other: None for other in FROM_LOG if other != name} | more.get("guards", {})}
    message = ends(capsys, grpo.main, **grpo_recipe(place, tmp_path / "out", **more | others))
    assert expected in message and f"(guard `{name}`)" in message and "and start again (`--force`)" in message
    (kept,) = checkpoints(tmp_path / "out")
    assert step is None or kept == f"checkpoint-{step}"
    assert read_manifest(tmp_path / "out") is None and read_halt(tmp_path / "out")["step"] == int(kept[11:])


def steps(out: Path) -> list[int]:
    history = json.loads((out / "trainer_state.json").read_text())["log_history"]
    return [line["step"] for line in history if "loss" in line]


@pytest.mark.slow
def test_unchanged_it_says_so_again_and_changed_it_goes_on_from_the_checkpoint(place, tmp_path, capsys):
    out, guards = tmp_path / "out", {"clipped": 0.2}
    options = grpo_recipe(place, out, max_steps=14, guards=guards)
    message = ends(capsys, grpo.main, **options)
    before = (out / "checkpoint-11/trainer_state.json").stat().st_mtime_ns
    first = read_halt(out)["time"]
    assert ends(capsys, grpo.main, **options) == message and read_halt(out)["time"] > first
    assert (out / "checkpoint-11/trainer_state.json").stat().st_mtime_ns == before  # not a step was made
    run(grpo.main, **options | {"guards": {"clipped": None}})
    printed = capsys.readouterr().out
    assert f"resuming {out}/checkpoint-11\n" in printed and "guards: {" in printed
    assert steps(out) == list(range(1, 15)) and read_manifest(out)["steps"] == 14 and not read_halt(out)


@pytest.mark.slow
def test_killed_and_run_again_it_trips_where_it_would_have(place, tmp_path, capsys, monkeypatch):
    out = tmp_path / "out"

    class Stops(TrainerCallback):
        def on_step_end(self, args, state, control, **kwargs):
            if state.global_step == 7:
                signal.raise_signal(signal.SIGTERM)
                time.sleep(0.2)  # a thread takes it

    train = grpo.Run.train
    with monkeypatch.context() as patched:
        patched.setattr(grpo.Run, "train", lambda self, trainer: (trainer.add_callback(Stops()), train(self, trainer)))
        with pytest.raises(SystemExit) as caught:
            run(grpo.main, **grpo_recipe(place, out, guards={"clipped": 0.2}))
    assert caught.value.code == Stopped.exit_code
    del caught
    gc.collect()
    assert read_progress(out)["stopped"]
    message = ends(capsys, grpo.main, **grpo_recipe(place, out, guards={"clipped": 0.2}))
    assert "at step 10, for 10 rollouts" in message and checkpoints(out) == ["checkpoint-11"]


class Poison(TrainerCallback):
    """Makes the gradient, or the weights, NaN at a step."""

    def __init__(self, step: int, what: str):
        self.step, self.what = step, what

    def on_step_begin(self, args, state, control, model, **kwargs):
        weight = model.get_input_embeddings().weight
        if state.global_step == self.step - 1 and self.what == "gradient":
            weight.register_hook(lambda gradient: gradient * math.nan)

    def on_optimizer_step(self, args, state, control, model, **kwargs):
        if state.global_step == self.step - 1 and self.what == "weights":
            with torch.no_grad():
                model.get_input_embeddings().weight[0, 0] = math.inf


@pytest.mark.slow
@pytest.mark.parametrize(
    ("what", "step", "expected"),
    [
        ("gradient", 3, "at step 3 the gradient became NaN or infinite"),
        ("weights", 4, "at step 4 the weights became NaN or infinite"),  # at the step that would save them
        ("weights", 6, "at step 6 the weights became NaN or infinite"),  # and at the last one
    ],
)
def test_what_is_not_finite_is_never_saved(place, tmp_path, capsys, monkeypatch, what, step, expected):
    out, train = tmp_path / "out", sft.Run.train
    with monkeypatch.context() as patched:
        poison = Poison(step, what)
        patched.setattr(sft.Run, "train", lambda self, trainer: (trainer.add_callback(poison), train(self, trainer)))
        message = ends(capsys, sft.main, **sft_recipe(place, out))
    assert expected in message and "(guard `nonfinite`)" in message and "lower `learning_rate`" in message
    last = (step - 1) // 2 * 2
    assert checkpoints(out) == [f"checkpoint-{last}"] and not (out / "model.safetensors").exists()
    assert ends(capsys, sft.main, **sft_recipe(place, out)) == message
    run(sft.main, **sft_recipe(place, out, logging_steps=2))  # the harm is gone, and a key of how it runs has changed
    assert f"resuming {out}/checkpoint-{last}\n" in capsys.readouterr().out and read_manifest(out)["steps"] == 6


class Looks(TrainerCallback):
    """Notes what a directory says of a guard while its run goes on."""

    def __init__(self, out: Path):
        self.out, self.found = out, []

    def on_step_end(self, *args, **kwargs):
        self.found.append(read_halt(self.out))


@pytest.mark.slow
def test_a_rate_that_destroys_the_model_is_seen_before_its_next_update(place, tmp_path, capsys, monkeypatch):
    out, train = tmp_path / "out", sft.Run.train
    options = sft_recipe(place, out, learning_rate=1e38, lr_scheduler_type="constant", warmup_steps=0, save_steps=4)
    message = ends(capsys, sft.main, **options)
    assert "at step 2 the loss and gradient became NaN" in message and not checkpoints(out)
    looks = Looks(out)
    monkeypatch.setattr(sft.Run, "train", lambda self, trainer: (trainer.add_callback(looks), train(self, trainer)))
    run(sft.main, **options | {"learning_rate": 1e-3})  # nothing is lost, so nothing is to be forced
    assert read_manifest(out)["steps"] == 6
    assert looks.found == [{}] * 6  # were it killed now, its guards would not wait for the step of the other run


@pytest.mark.slow
def test_switched_off_it_lets_pass(place, tmp_path):
    options = sft_recipe(place, tmp_path / "out", learning_rate=1e38, warmup_steps=0, save_strategy="no", max_steps=3)
    run(sft.main, **options, guards={"nonfinite": None})
    assert read_manifest(tmp_path / "out")["steps"] == 3


@pytest.mark.parametrize(
    ("guards", "expected"),
    [
        ({"cliped": 0.5}, "guards: unknown key `cliped` | did you mean `clipped`?"),
        ({"clipped": "often"}, "`guards: {clipped: often}` | give a number from 0, or `null` to switch it off"),
        ({"kl": -1}, "`guards: {kl: -1}` | give a number from 0, or `null`"),
        ({"kl": False}, "`guards: {kl: False}` | give a number from 0, or `null`"),
        ({"nonfinite": 3}, "`guards: {nonfinite: 3}` | give `true`, or `null` to switch it off"),
        (["kl"], "`guards: ['kl']` is no mapping | write `guards: {KEY: VALUE}`"),
    ],
)
def test_a_guard_that_is_none_is_one_line(place, tmp_path, capsys, guards, expected):
    with pytest.raises(SystemExit) as caught:
        run(sft.main, **sft_recipe(place, tmp_path / "out", guards=guards))
    lines = capsys.readouterr().err.strip().splitlines()
    assert caught.value.code == 2 and expected in lines[-2] + " | " + lines[-1].removeprefix("  fix: "), lines
    shutil.rmtree(tmp_path, ignore_errors=True)
