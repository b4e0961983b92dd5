"""Dynamic sampling and kept rollouts: what is trained on, what the log says of it, and TRL's own without them."""

import functools
import json
from types import SimpleNamespace

import pytest
import torch
from half_reward import teaches
from tiny_models import run, save_tiny_base

from open_r1 import grpo
from open_r1.core.errors import RecipeError
from open_r1.metrics.kept_rollouts import read_rollout, rollout_files
from open_r1.training import rollout_trainer
from open_r1.training.arguments import GRPOArguments
from open_r1.training.rollout_trainer import RolloutTrainer, require_known_trl

NAN = float("nan")
OPTIONS = {"num_generations": 4, "prompts_per_step": 2, "generation_batch_size": 16, "per_device_train_batch_size": 8}
OPTIONS |= {"max_completion_length": 6, "max_steps": 4, "save_strategy": "no", "logging_steps": 1, "beta": 0.1}
OPTIONS |= {"learning_rate": 0.01, "datasets": [{"path": "mini:chain", "limit": 40}], "response_format": "zero"}
OPTIONS |= {"loss_type": "dapo", "chat_template": "recipes/mini/templates/zero.jinja", "max_grad_norm": 100.0}
KEPT = {"keep_rollouts": True}
REFILLED = {"dynamic_sampling": {"rounds": 6}, **KEPT}


@pytest.fixture(scope="module")
def train(tmp_path_factory):
    """Trains a tiny model with a reward of `half_reward.py`; the output directory and what was logged by step."""
    model = save_tiny_base(tmp_path_factory.mktemp("model"), "chatml")

    def trained(reward: str = "half", **options) -> tuple:
        output = tmp_path_factory.mktemp("out") / "run"
        recipe = {**OPTIONS, "model_name_or_path": model, "output_dir": str(output), **options}
        run(grpo.main, rewards={f"half_reward.{reward}": {}}, **recipe)
        history = json.loads((output / "trainer_state.json").read_text())["log_history"]
        return output, {row["step"]: row for row in history if "loss" in row}

    return trained


@pytest.fixture(scope="module")
def refilled(train):
    return train(**REFILLED)


def kept(output) -> dict[int, list[dict]]:
    return {int(path.name[5:11]): list(read_rollout(path)) for path in rollout_files(output)}


def groups(rows: list[dict], size: int = 4) -> list[list[dict]]:
    return [rows[at : at + size] for at in range(0, len(rows), size)]


def untimed(row: dict) -> dict:
    return {key: value for key, value in row.items() if "time" not in key and "seconds" not in key}


def test_keeping_changes_nothing_and_without_both_the_trainer_is_the_plain_one(train, monkeypatch):
    made, start = [], grpo.Run.train
    monkeypatch.setattr(grpo.Run, "train", lambda self, trainer: made.append(type(trainer)) or start(self, trainer))
    outputs = [train(**options) for options in ({}, KEPT)]
    assert made == [rollout_trainer.UnpaddedTrainer, RolloutTrainer]
    states = [(output / "model.safetensors").read_bytes() for output, _ in outputs]
    logs = [[untimed(row) for row in log.values()] for _, log in outputs]
    assert states[0] == states[1] and logs[0] == logs[1] and len({row["loss"] for row in logs[0]}) == 4
    assert sorted(kept(outputs[1][0])) == [1, 3] and not kept(outputs[0][0])


@pytest.mark.parametrize(("every", "steps"), [(2, [1, 5]), (3, [1])])
def test_only_every_so_many_th_rollout_is_kept(train, every, steps):
    """Six optimiser steps are three rollouts, which begin at steps 1, 3 and 5."""
    assert sorted(kept(train(keep_rollouts=every, max_steps=6)[0])) == steps


def test_a_refilled_rollout_holds_different_prompts_that_teach(train, refilled):
    output, log = refilled
    plain = kept(train(**KEPT)[0])
    assert any(not teaches(group[0]["prompt"]) for rows in plain.values() for group in groups(rows))
    for step, rows in kept(output).items():
        prompts = [{str(row["prompt"]) for row in group} for group in groups(rows)]
        assert [len(found) for found in prompts] == [1] * 4 and len(set.union(*prompts)) == 4
        assert all(teaches(group[0]["prompt"]) for group in groups(rows))
        assert all(len({row["reward"] for row in group}) > 1 for group in groups(rows))
        assert log[step]["refill/left"] == log[step]["frac_reward_zero_std"] == 0
    first = {step: [not teaches(group[0]["prompt"]) for group in groups(rows)] for step, rows in plain.items()}
    assert log[1]["refill/equal_groups"] == sum(first[1]) / 4 > 0


def test_the_log_describes_what_is_trained_on_and_counts_what_was_sampled(refilled):
    output, log = refilled
    sampled = 0
    for step, rows in kept(output).items():
        entry, lengths = log[step], [row["tokens"] for row in rows]
        assert entry["completions/mean_length"] == pytest.approx(sum(lengths) / len(lengths))
        assert entry["completions/clipped_ratio"] == pytest.approx(sum(row["clipped"] for row in rows) / len(rows))
        assert entry["reward"] == pytest.approx(sum(row["reward"] for row in rows) / len(rows), abs=1e-6)
        assert entry["refill/rounds"] >= 1 and entry["refill/tokens"] > 0 and entry["refill/reward"] != entry["reward"]
        for group in groups(rows):
            rewards = torch.tensor([row["reward"] for row in group])
            wanted = (rewards - rewards.mean()) / (rewards.std() + 1e-4)
            torch.testing.assert_close(torch.tensor([row["advantage"] for row in group]), wanted)
        assert (
            entry["num_tokens"] - sampled - entry["refill/tokens"] > 16 * 20
        )  # the first draw, prompts of 20 and more
        sampled = entry["num_tokens"]


@pytest.mark.parametrize(("limit", "rounds"), [(40, 3), (6, 1)])
def test_where_nothing_teaches_the_rollout_stays_and_is_counted(train, limit, rounds):
    """Three rounds of four groups each, or as many as there are prompts: two beside the four of the rollout."""
    options = {"datasets": [{"path": "mini:chain", "limit": limit}], "beta": 0.0, "num_iterations": 2}
    output, log = train("constant", dynamic_sampling={"rounds": 3}, **options)
    assert log[1]["refill/equal_groups"] == log[1]["refill/left"] == 1 and log[1]["refill/rounds"] == rounds
    assert {row["loss"] for row in log.values()} == {0.0} and "refill/left" not in log[3]  # taken twice
    assert log[1]["refill/tokens"] / log[1]["num_tokens"] == pytest.approx(0.75 if limit == 40 else 1 / 3, abs=0.1)


def test_spare_prompts_follow_the_schedule(train):
    sources = [{"path": "mini:chain", "limit": 40, "weight": 1}]
    sources += [{"path": "mini:general", "limit": 40, "weight": 1, "from_step": 2}, {"path": "mini:harm", "weight": 0}]
    output, log = train(datasets=sources, **REFILLED)
    assert all(log[step]["refill/rounds"] for step in (1, 3))
    is_chain = {
        step: [any(word in str(row["prompt"]) for word in (" mod ", " 模 ")) for row in rows]
        for step, rows in kept(output).items()
    }
    assert all(is_chain[1]) and not all(is_chain[3])


def test_log_probabilities_of_the_sampler_stay_with_their_tokens(train, monkeypatch):
    """As with vLLM: here the log-probability of a token is its number."""
    sample, seen = rollout_trainer.GRPOTrainer._generate_single_turn, []

    @functools.wraps(sample)
    def sampled(self, *args, **kwargs):
        ids, _ = sample(self, *args, **kwargs)
        return ids, [[float(token) for token in row] for row in ids]

    def loss(self, model, inputs):
        seen.append(inputs)
        return compute(self, model, inputs)

    compute = rollout_trainer.GRPOTrainer._compute_loss
    monkeypatch.setattr(rollout_trainer.GRPOTrainer, "_generate_single_turn", sampled)
    monkeypatch.setattr(rollout_trainer.GRPOTrainer, "_compute_loss", loss)
    _, log = train(**REFILLED)
    assert log[1]["refill/rounds"] and len(seen) == 4
    for inputs in seen:
        mask = inputs["completion_mask"].bool()
        assert torch.equal(inputs["sampling_per_token_logps"][mask], inputs["completion_ids"][mask].float())


def trainer(
    weights: list[float], aggregation: str = "sum_then_normalize", ranks: int = 1, rank: int = 0, group: int = 2
):
    made = object.__new__(RolloutTrainer)
    made.reward_weights, made.multi_objective_aggregation = torch.tensor(weights), aggregation
    made.num_generations = group
    made.accelerator = SimpleNamespace(num_processes=ranks, process_index=rank)
    return made


@pytest.mark.parametrize(
    ("rewards", "weights", "aggregation", "equal"),
    [
        ([[1, 0], [0, 1]], [1, 1], "sum_then_normalize", True),
        ([[1, 0], [0, 1]], [1, 2], "sum_then_normalize", False),
        ([[1, 0], [0, 1]], [1, 1], "normalize_then_sum", False),
        ([[1, 0], [1, 1]], [1, 0], "normalize_then_sum", True),
        ([[0.1, 0.7], [0.7, 0.1]], [1, 1], "sum_then_normalize", True),
        ([[NAN, NAN], [NAN, NAN]], [1, 1], "sum_then_normalize", True),
        ([[NAN, NAN], [1, NAN]], [1, 1], "sum_then_normalize", True),  # one that counts has none to differ from
        ([[NAN, NAN], [1, NAN]], [1, 1], "normalize_then_sum", True),
        ([[NAN, 0], [1, NAN]], [1, 1], "sum_then_normalize", False),
    ],
)
def test_equal_groups_are_those_without_an_advantage(rewards, weights, aggregation, equal):
    varied = [[0.0, 0.0], [1.0, 1.0]]
    found = trainer(weights, aggregation).equal(torch.tensor([*varied, *rewards], dtype=torch.float))
    assert found.tolist() == [False, equal]


@pytest.mark.parametrize(
    ("ranks", "group", "missing", "spare", "drawn"),
    [
        (1, 4, 3, 9, 3),
        (2, 4, 3, 9, 3),  # each rank samples half of every group's rows
        (2, 3, 3, 9, 4),  # rounded up: nine rows do not divide over two ranks
        (8, 4, 1, 9, 2),
        (8, 4, 3, 3, 2),  # and down where the prompts end
        (8, 4, 1, 1, 0),
        (2, 4, 0, 9, 0),
    ],
)
def test_only_as_many_groups_are_drawn_as_are_missing(ranks, group, missing, spare, drawn):
    rows = [{"prompt": n} for n in range(spare)]
    shares = [trainer([1.0], ranks=ranks, rank=rank, group=group).share(iter(rows), missing) for rank in range(ranks)]
    assert len({len(share) for share in shares}) == 1
    assert [row["prompt"] for share in shares for row in share] == [n for n in range(drawn) for _ in range(group)]


@pytest.mark.parametrize(
    ("version", "methods", "message"),
    [
        ("1.17.0", {}, "private methods of TRL 1.16.x, and this is 1.17.0"),
        ("1.16.9", {"_generate": lambda self, prompts, images: None}, "whose `_generate` is another"),
        ("1.16.9", {"_calculate_rewards": None}, "whose `_calculate_rewards` is another"),
    ],
)
def test_another_trl_is_refused(monkeypatch, version, methods, message):
    require_known_trl()
    monkeypatch.setattr(rollout_trainer.trl, "__version__", version)
    for name, method in methods.items():
        monkeypatch.setattr(rollout_trainer.GRPOTrainer, name, method)
    with pytest.raises(RecipeError, match=message) as refused:
        require_known_trl()
    assert "install trl 1.16.x" in refused.value.hint


@pytest.mark.parametrize("value", [{}, {"rounds": 0}, {"rounds": True}, {"rounds": "4"}, {"round": 4}, True, 4])
def test_dynamic_sampling_without_a_number_of_rounds_is_refused(value):
    with pytest.raises(RecipeError, match="dynamic_sampling") as refused:
        GRPOArguments(dynamic_sampling=value)
    assert "{rounds: 4}" in refused.value.hint


def test_a_negative_number_of_rollouts_to_keep_is_refused():
    with pytest.raises(RecipeError, match="keep_rollouts: -1"):
        GRPOArguments(keep_rollouts=-1)
