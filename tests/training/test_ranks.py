"""Training on one process and on two, by DDP and FSDP2: stopped and killed, it ends as if it had never been.

The ranks of each mode are launched once, by `accelerate launch` with the configurations of `recipes/`, and fork for
each run: see `rank_server.py`.
"""

import json
import signal
from pathlib import Path

import pytest
import safetensors.torch
import torch
from launched import Launched
from peft import load_peft_weights
from tiny_models import greedy
from waiting import PATIENCE

from open_r1.core.artifacts import read_manifest
from open_r1.core.errors import Halted, Stopped
from open_r1.core.inputs import adapter_base
from open_r1.core.notes import START, read_progress
from open_r1.core.outbox import FILES, entries
from open_r1.core.shards import merge
from open_r1.metrics.kept_rollouts import read_rollout, rollout_files

MINI = "recipes/mini"
STEPS, EVERY = 8, 2
MODEL = {"model_type": "llama", "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2}
MODEL |= {"num_attention_heads": 2, "num_key_value_heads": 2, "max_position_embeddings": 512}
SHORT = ["--max_steps", STEPS, "--save_steps", EVERY, "--save_total_limit", 1, "--logging_steps", 1]
# more than one epoch each, so that a run also continues in a later one
PARTS = {
    "sft": ["sft", "--config", f"{MINI}/base.yaml", "--model_config", "null", "--tokenizer", "null"]
    + ["--rows_per_step", 8, "--optimizer", "null", "--datasets", "[{path: 'mini:corpus', limit: 40, raw: true}]"],
    "grpo": ["grpo", "--config", f"{MINI}/zero.yaml", "--num_generations", 4, "--prompts_per_step", 2]
    + ["--generation_batch_size", 16, "--max_completion_length", 8, "--ref_model_sync_steps", 3]
    + ["--learning_rate", 0.01, "--beta", 0.1, "--rewards", "{random: {weight: 1.0}}"]
    + ["--datasets", "[{path: 'mini:chain', limit: 12, min_terms: 3, max_terms: 5}]"],
    "pairwise": ["reward_model", "--config", f"{MINI}/helpful_rm.yaml", "--rows_per_step", 8]
    + ["--datasets", "[{path: 'mini:preferences', limit: 40}]"],
    "pointwise": ["reward_model", "--config", f"{MINI}/safety_rm.yaml", "--rows_per_step", 8]
    + ["--datasets", "[{path: 'mini:safety', limit: 40}]"],
    "student": ["on_policy_distill", "--config", f"{MINI}/on_policy_distill.yaml", "--rows_per_step", 8]
    + ["--max_completion_length", 8, "--datasets", "[{path: 'mini:chain', limit: 12, min_terms: 3, max_terms: 5}]"],
}
# groups that give way to others, and rollouts that are kept; no part of every test, for the time it takes
REFILLED = PARTS["grpo"] + ["--rewards", "{random: {weight: 0}, half_reward.half: {weight: 1}}"]
REFILLED += ["--dynamic_sampling", "{rounds: 3}", "--keep_rollouts", "true"]
LORA = ("--use_peft", "true", "--lora_r", 8, "--lora_dropout", 0, "--learning_rate", 0.02)
TYPES = {"one": "NO", "ddp": "MULTI_CPU", "fsdp_full": "FSDP", "fsdp_sharded": "FSDP"}


@pytest.fixture(scope="module")
def launched(tmp_path_factory):
    """Ranks by mode, launched at first use."""
    up: dict[str, Launched] = {}

    def get(mode: str) -> Launched:
        if mode not in up:
            up[mode] = Launched(tmp_path_factory.mktemp(mode) / "ranks", mode)
        return up[mode]

    yield get
    for ranks in up.values():
        ranks.close()


@pytest.fixture(scope="module")
def start_model(launched, tmp_path_factory) -> Path:
    """A model of about 50,000 parameters with the mini tokenizer."""
    output = tmp_path_factory.mktemp("start") / "base"
    command = ["sft", "--config", f"{MINI}/base.yaml", "--smoke", "--output_dir", output]
    launched("one").run([*command, "--model_config", json.dumps(MODEL)])
    return output


@pytest.fixture(scope="module")
def teacher(launched, tmp_path_factory) -> Path:
    """A wider model with the same tokenizer."""
    output = tmp_path_factory.mktemp("teacher") / "wide"
    command = ["sft", "--config", f"{MINI}/base.yaml", "--smoke", "--output_dir", output, "--learning_rate", 0.01]
    launched("one").run([*command, "--model_config", json.dumps(MODEL | {"hidden_size": 64}), "--max_steps", 8])
    return output


@pytest.fixture(scope="module")
def stage(start_model, teacher):
    """Command line of a training, with the same global batch on any number of ranks."""

    def command(part: str, ranks: Launched, output: Path, *more: object) -> list:
        size = ["--per_device_train_batch_size", 8 // ranks.world]
        size += ["--teacher_model_name_or_path", teacher] if part == "student" else []
        return [
            *(PARTS | {"refilled": REFILLED})[part],
            *SHORT,
            *size,
            "--model_name_or_path",
            start_model,
            "--output_dir",
            output,
            *more,
        ]

    return command


@pytest.fixture(scope="module")
def whole(launched, stage, tmp_path_factory):
    """Output of a run that nothing interrupts, made once for each mode."""
    made: dict[tuple, Path] = {}

    def get(mode: str, part: str, more: tuple = (), **plan: object) -> Path:
        key = (mode, part, *more)
        if key not in made:
            ranks, output = launched(mode), tmp_path_factory.mktemp("whole") / part
            ranks.run(stage(part, ranks, output, *more), **plan)
            require_ranks(ranks, mode)
            made[key] = output
        return made[key]

    return get


def history(output: Path) -> list[dict[str, float]]:
    rows = json.loads((output / "trainer_state.json").read_text())["log_history"]
    names = ("step", "loss", "grad_norm", "kl", "reward")
    return [{name: row[name] for name in names if name in row} for row in rows if "loss" in row]


def require_same(output: Path, other: Path, tolerance: float = 0.0) -> None:
    """Losses and weights of two finished runs; bit by bit unless a tolerance is given."""
    found, wanted = history(output), history(other)
    assert [row["step"] for row in found] == list(range(1, STEPS + 1))
    assert read_manifest(output)["parameters"] == read_manifest(other)["parameters"] > 40_000
    for mine, theirs in zip(found, wanted, strict=True):
        assert mine == pytest.approx(theirs, rel=tolerance, abs=tolerance / 10)
    assert len({row["loss"] for row in found}) > STEPS // 2  # it does train
    mine, theirs = (safetensors.torch.load_file(path / "model.safetensors") for path in (output, other))
    assert mine.keys() == theirs.keys()
    for name in mine:
        torch.testing.assert_close(mine[name], theirs[name], rtol=tolerance * 10, atol=tolerance)


def require_ranks(ranks: Launched, mode: str) -> None:
    """Each rank trains with the others, as the mode says."""
    facts = ranks.facts()
    assert [fact["world"] for fact in facts] == [ranks.world] * ranks.world
    assert {fact["type"] for fact in facts} == {TYPES[mode]}
    if TYPES[mode] == "FSDP":
        assert {fact["state"] for fact in facts} == {mode.removeprefix("fsdp_").upper() + "_STATE_DICT"}


def checkpoints(output: Path) -> dict[int, bool]:
    """The checkpoints on disk, and whether each is complete."""
    return {int(path.name.split("-")[1]): (path / "complete").exists() for path in output.glob("checkpoint-*")}


def killed_in_a_save(ranks: Launched, command: list, output: Path, part: str, **plan: object) -> None:
    """SIGKILL to all while the last rank has not come to the end of a checkpoint."""
    ranks.start(command, hold={"event": "on_save", "step": 4, "ranks": ranks.every[-1:]}, **plan)
    ranks.wait_until_held(ranks.every[-1:])
    if ranks.world > 1:
        assert checkpoints(output) == {2: True, 4: False}
    ranks.kill()


def stopped(ranks: Launched, command: list, output: Path, part: str) -> None:
    """One rank gets two signals that are one request: all save at the end of a step, or of a rollout, and say so."""
    ranks.start(command, hold={"event": "on_step_end", "step": 5, "ranks": ranks.every}, same_request=PATIENCE)
    ranks.wait_until_held(ranks.every)
    assert f"resuming {output}/checkpoint-2\n" in ranks.output()
    ranks.tell_to_stop([signal.SIGTERM, signal.SIGUSR1], ranks.every[-1:])
    assert ranks.finish() == [Stopped.exit_code] * ranks.world, ranks.output()
    step = 6 if part == "grpo" else 5  # GRPO's rollouts feed two steps
    assert f"stopped: by a signal at step {step} of {STEPS}\n" in ranks.output()
    assert checkpoints(output) == {step: True} and read_manifest(output) is None
    assert read_progress(output)["stopped"]


def stopped_twice(ranks: Launched, command: list, output: Path, part: str) -> None:
    """A second request ends each rank at once, in the middle of a step."""
    hold = {"event": "on_pre_optimizer_step", "step": 7, "ranks": ranks.every}
    ranks.start(command, hold=hold, same_request=0.0)
    ranks.wait_until_held(ranks.every)
    assert checkpoints(output) == {6: True} and "stopped" not in read_progress(output)
    ranks.send(signal.SIGTERM, ranks.every)
    ranks.send(signal.SIGUSR1, ranks.every)
    assert set(ranks.finish()) <= {128 + signal.SIGTERM, 128 + signal.SIGUSR1}, ranks.output()


def killed_after_the_last_step(ranks: Launched, command: list, output: Path, part: str) -> None:
    """SIGKILL to all when nothing is left to train, and the model not saved yet."""
    ranks.start(command, hold={"event": "on_train_end", "step": STEPS, "ranks": ranks.every})
    ranks.wait_until_held(ranks.every)
    assert checkpoints(output) == {STEPS: True} and not (output / "model.safetensors").exists()
    ranks.kill()


@pytest.mark.slow
@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("mode", TYPES)
def test_interrupted_in_every_way_equals_uninterrupted(launched, stage, whole, tmp_path, mode, part):
    ranks, output = launched(mode), tmp_path / "interrupted"
    command = stage(part, ranks, output)
    for interrupt in (killed_in_a_save, stopped, stopped_twice, killed_after_the_last_step):
        interrupt(ranks, command, output, part)
    ranks.run(command)
    require_ranks(ranks, mode)
    require_same(output, whole(mode, part))
    assert not checkpoints(output)


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["one", "ddp"])
def test_complete_run_is_not_trained_again_by_any_rank(launched, stage, whole, mode):
    ranks = launched(mode)
    assert "is complete" in ranks.run(stage("sft", ranks, whole(mode, "sft"))) and not ranks.facts()


def kept(output: Path) -> dict[str, list[dict]]:
    return {path.name: list(read_rollout(path)) for path in rollout_files(output)}


@pytest.mark.slow
@pytest.mark.parametrize(("mode", "group"), [("one", 4), ("ddp", 4), ("ddp", 8)])
def test_refilled_rollouts_continue_with_the_same_prompts(launched, stage, whole, tmp_path, mode, group):
    """Killed after a rollout that no checkpoint has; of eight, two ranks hold half a group each."""
    ranks, output, more = launched(mode), tmp_path / "killed", ()
    if group == 8:
        more = ("--num_generations", 8, "--prompts_per_step", 1, "--generation_batch_size", 8, "--save_steps", 1)
    command = stage("refilled", ranks, output, *more)
    ranks.start(command, hold={"event": "on_step_end", "step": 5, "ranks": ranks.every})
    ranks.wait_until_held(ranks.every)
    ranks.kill()
    ranks.run(command)
    assert "resuming" in ranks.output()
    uninterrupted = whole(mode, "refilled", more)
    require_same(output, uninterrupted)
    rows = json.loads((output / "trainer_state.json").read_text())["log_history"]
    drawn = [row for row in rows if row.get("refill/rounds")]
    assert drawn and any(row["refill/left"] < row["refill/equal_groups"] for row in drawn)
    assert kept(output) == kept(uninterrupted) and len(kept(output)) == (4 if group == 4 else 8)


@pytest.mark.slow
@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("mode", ["ddp", "fsdp_full", "fsdp_sharded"])
def test_two_ranks_compute_what_one_does(whole, mode, part):
    plan: dict = {}
    if part == "grpo":  # each rank samples, and deals a rollout to steps, with its own random numbers
        plan = {"fixed_completions": True, "more": ("--generation_batch_size", 8)}
    if part == "student":
        plan = {"fixed_completions": True, "more": ("--seed", 0)}
    require_same(whole(mode, part, **plan), whole("one", part, **plan), tolerance=1e-3)


@pytest.mark.slow
def test_two_ranks_refill_a_rollout_as_one_does(whole):
    """The same prompts, on whichever rank they are missing and found, and as many calls of the sampler on each."""
    plan = {"fixed_completions": True, "more": ("--generation_batch_size", 8)}
    two, one = (whole(mode, "refilled", **plan) for mode in ("ddp", "one"))
    require_same(two, one, tolerance=1e-3)
    assert [row["prompt"] for rows in kept(two).values() for row in rows] == [
        row["prompt"] for rows in kept(one).values() for row in rows
    ]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("mode", "part"),
    [("ddp", "sft"), ("ddp", "grpo"), ("fsdp_full", "sft"), ("fsdp_sharded", "sft"), ("fsdp_sharded", "grpo")],
)
def test_adapter_of_two_ranks_that_were_killed_is_that_of_one(
    launched, stage, whole, start_model, tmp_path, mode, part
):
    """On the disk it is alone, and merged into its base. GRPO starts from the other's adapter, which it merges."""
    ranks, output, base, more, plan = launched(mode), tmp_path / "interrupted", start_model, LORA, {}
    if part == "grpo":
        base, plan = whole("one", "sft", LORA) / "adapter", {"fixed_completions": True}
        more = (*LORA, "--model_name_or_path", base, "--generation_batch_size", 8, "--learning_rate", 0.005)
    command = stage(part, ranks, output, *more, "--push_to_hub", "true")
    queued = {"environment": {"HF_HUB_OFFLINE": "1"}}
    killed_in_a_save(ranks, command, output, part, **plan, **queued)
    assert f"resuming {output}/checkpoint-2\n" in ranks.run(command, **plan, **queued, calls=2)
    for step in entries(output)[:-1]:
        merge(step / FILES)
        assert load_peft_weights(str(step / FILES)) and adapter_base(str(step / FILES))[0] == str(base)
    require_ranks(ranks, mode)
    require_same(output, whole("one", part, more, **plan), tolerance=1e-3)
    settings = json.loads((output / "adapter/adapter_config.json").read_text())
    assert settings["base_model_name_or_path"] == str(base)
    assert not checkpoints(output) and not (output / START).exists()
    assert greedy(output, "zero") == greedy(output / "adapter", "zero") != greedy(base, "zero")


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["ddp", "fsdp_sharded"])
def test_bfloat16_continues_and_is_saved_as_such(launched, stage, whole, tmp_path, mode):
    """By autocast; FSDP holds the weights in float32 meanwhile. What is queued of the last step is such."""
    ranks, output, more = launched(mode), tmp_path / "interrupted", ("--dtype", "bfloat16", "--bf16", "true")
    more, plan = (*more, "--push_to_hub", "true"), {"environment": {"HF_HUB_OFFLINE": "1"}}
    command = stage("sft", ranks, output, *more)
    killed_in_a_save(ranks, command, output, "sft", **plan)
    assert f"resuming {output}/checkpoint-2\n" in ranks.run(command, **plan)
    require_same(output, whole(mode, "sft", more, **plan))
    *steps, result = entries(output)
    assert [step.name[5:] for step in steps] == [f"step-{step:06d}" for step in (2, 4, 6, 8)]
    merge(steps[-1] / FILES)
    for place in (output, steps[-1] / FILES, result / FILES):
        saved = safetensors.torch.load_file(place / "model.safetensors")
        assert {weight.dtype for weight in saved.values()} == {torch.bfloat16}
        assert saved.keys() == (wanted := safetensors.torch.load_file(output / "model.safetensors")).keys()
        assert all(torch.equal(saved[name], weight) for name, weight in wanted.items())
        assert json.loads((place / "config.json").read_text())["dtype"] == "bfloat16"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("mode", "part", "options", "epoch"), [("one", "grpo", [], 6), ("ddp", "sft", ["--optimizer", "muon"], 5)]
)
def test_checkpoints_at_the_end_of_epochs(launched, stage, tmp_path, mode, part, options, epoch):
    """With a refreshed reference model, and with two optimizers in one; a signal within an epoch saves there."""
    ranks, output = launched(mode), tmp_path / "interrupted"
    options = ["--save_strategy", "epoch", *options]
    again = stage(part, ranks, output, *options)
    ranks.start(again, hold={"event": "on_step_begin", "step": 1, "ranks": ranks.every})
    ranks.wait_until_held(ranks.every)
    ranks.tell_to_stop([signal.SIGUSR1], ranks.every[:1])
    assert ranks.finish() == [Stopped.exit_code] * ranks.world, ranks.output()
    assert checkpoints(output) == {2: True}
    ranks.start(again, hold={"event": "on_step_begin", "step": 7, "ranks": ranks.every})
    ranks.wait_until_held(ranks.every)
    assert checkpoints(output) == {epoch: True}
    ranks.kill()
    ranks.run(again)
    ranks.run(stage(part, ranks, tmp_path / "whole", *options))
    require_same(output, tmp_path / "whole")


@pytest.mark.slow
def test_a_guard_ends_all_ranks_at_the_same_step(launched, stage, tmp_path):
    """By what is logged, with a checkpoint; and by what one of them alone has seen, before the next update."""
    ranks, drifted, broken = launched("ddp"), tmp_path / "drifted", tmp_path / "broken"
    more = ["--max_steps", 16, "--sync_ref_model", "false", "--guards", "{kl: 0, clipped: null, no_spread: null}"]
    command = stage("grpo", ranks, drifted, *more)
    for _ in range(2):
        ranks.start(command)
        assert ranks.finish() == [Halted.exit_code] * 2, ranks.output()
        assert ranks.output().count("halted: at step 10, for 5 rollouts: the policy is ") in (1, 2)
        assert checkpoints(drifted) == {12: True} and read_manifest(drifted) is None
    ranks.start(stage("sft", ranks, broken), nan={"step": 4, "rank": 1})
    assert ranks.finish() == [Halted.exit_code] * 2, ranks.output()
    assert ranks.output().count("halted: at step 4 the loss") == 2 and checkpoints(broken) == {2: True}
    ranks.run(stage("sft", ranks, broken, "--logging_steps", 2))
    assert read_manifest(broken)["steps"] == STEPS and not checkpoints(broken)


@pytest.mark.slow
def test_ranks_that_cannot_work_together_say_so(launched, stage, whole, tmp_path):
    """One line for each mistake, and all ranks end; never two runs in one directory, or DDP in the place of FSDP."""
    ranks = launched("ddp")
    new, done = tmp_path / "new", whole("ddp", "sft")
    environment = {"ACCELERATE_USE_CPU": "false"}
    cases = [
        (stage("sft", ranks, new, "--use_cpu", "false"), {"environment": environment}, "does not connect them"),
        (stage("sft", ranks, new), {"environment": {"ACCELERATE_USE_FSDP": "true"}, "fsdp": False}, "asks for FSDP"),
        (stage("sft", ranks, done, "--learning_rate", 1), {}, "holds the result of another recipe"),
    ]
    for command, plan, message in cases:
        ranks.start(command, **plan)
        codes = ranks.finish()
        assert 2 in codes and message in ranks.output(), ranks.output()
        for code, log in zip(codes, ranks.logs(), strict=True):  # one may have ended while the other still connects
            assert (code == 2 and "Traceback" not in log) or "DistNetworkError" in log, log
        assert read_manifest(new) is None
