"""The canary ends a run whose vLLM keeps old weights, and no other run."""

from types import SimpleNamespace

import pytest
import torch
from transformers import TrainerControl, TrainerState

from open_r1.core.errors import EndpointError
from open_r1.training.canary import Canary


class Engine:
    """vLLM's side: weights of its own, and answers that follow from them."""

    def __init__(self, weight: torch.Tensor):
        self.weight, self.asked = weight.detach().clone(), 0

    def get_sequence_logprobs(self, sequences, prompt_lengths, top_logprobs):
        self.asked += 1
        scores = (self.weight @ torch.ones(4)).log_softmax(0)
        return {"actual_logprobs": [[[float(scores[token])] for token in sequences[0][prompt_lengths[0] :]]]}


class Tokenizer:
    def apply_chat_template(self, messages, **_):
        return messages[0]["content"]

    def __call__(self, text, **_):
        return {"input_ids": [int(letter) for letter in text]}


class Training:
    """GRPO as the canary sees it: weights reach vLLM before each rollout, whose steps then change the model."""

    def __init__(self, window: int, every: int):
        torch.manual_seed(0)
        self.model = torch.nn.Linear(4, 8, bias=False)
        self.engine = Engine(self.model.weight)
        self.vllm_generation = SimpleNamespace(mode="server", vllm_client=self.engine, enable_sleep_mode=False)
        self.accelerator = SimpleNamespace(is_main_process=True)
        self.processing_class = Tokenizer()
        self.train_dataset = [{"prompt": [{"role": "user", "content": "01234567"}]}]
        self.canary, self.window = Canary(self, window, every), window
        self.state, self.control = TrainerState(), TrainerControl()
        self.args = SimpleNamespace(device=torch.device("cpu"))
        self.canary.on_train_begin(self.args, self.state, self.control)

    def rollout(self, arrives: bool = True, moves: bool = True) -> None:
        if arrives:
            self.engine.weight = self.model.weight.detach().clone()
        for _ in range(self.window):
            with torch.no_grad():
                self.model.weight += 1e-6 * torch.randn(8, 4) * moves
            self.state.global_step += 1
            self.canary.on_step_end(self.args, self.state, self.control)


def run(window: int, every: int, rollouts: list[dict]) -> Training:
    training = Training(window, every)
    for one in rollouts:
        if not training.control.should_training_stop:
            training.rollout(**one)
    return training


OLD, STILL = {"arrives": False}, {"moves": False}


@pytest.mark.parametrize(
    ("window", "every", "rollouts", "since", "stops_at"),
    [
        (1, 1, [{}] * 12 + [OLD] * 5, 11, 14),  # the weights of step 11 were the last to arrive, before step 12
        (4, 1, [{}] * 3 + [OLD] * 5, 8, 20),
        (1, 1, [{}] + [OLD] * 5, 0, 3),  # those of the start, which were the same
        (1, 3, [{}] * 3 + [OLD] * 9, 2, 9),
        (1, 1, [STILL, OLD | STILL, {}] + [OLD] * 5, 2, 5),  # a while without a reward, then for ever
    ],
)
def test_old_weights_end_the_run_with_a_checkpoint(window, every, rollouts, since, stops_at):
    found = run(window, every, rollouts)
    assert isinstance(found.canary.found, EndpointError)
    assert str(found.canary.found) == f"vLLM's weights have not changed since step {since}, and the training's have"
    assert found.control.should_save and found.control.should_training_stop and found.state.global_step == stops_at


@pytest.mark.parametrize(
    "rollouts",
    [
        [{}] * 20,
        [STILL] * 20,  # nothing is learned: all rewards alike
        [{}, OLD] * 10,  # one rollout late, once and again
        [{}] * 5 + [OLD | STILL] * 5 + [{}] * 5,
    ],
    ids=["fresh", "nothing learned", "late", "a pause"],
)
def test_other_runs_go_on(rollouts):
    found = run(2, 1, rollouts)
    assert found.canary.found is None and not found.control.should_training_stop and found.state.global_step > 20


def test_it_asks_as_often_as_it_is_told():
    assert [run(2, every, [{}] * 12).engine.asked for every in (1, 3, 12)] == [12, 4, 1]


def test_another_rank_than_the_first_asks_nothing():
    training = Training(1, 1)
    training.accelerator.is_main_process = False
    for _ in range(6):
        training.rollout(arrives=False)
    assert training.engine.asked == 0 and training.canary.found is None
