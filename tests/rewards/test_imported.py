"""Rewards of users, by their import path."""

import pickle
from types import SimpleNamespace

import pytest

from open_r1.core.errors import RecipeError
from open_r1.core.formats import ResponseFormat
from open_r1.rewards import build_rewards

ROWS = {"prompts": ["q", "q"], "completions": ["7", "a long completion"], "completion_ids": [[1], [2]]}


def build(name, **settings):
    (reward,), weights = build_rewards({name: settings}, ResponseFormat("zero"))
    return reward, weights


@pytest.mark.parametrize(
    ("name", "settings", "columns", "scores"),
    [
        ("my_rewards.short", {}, {}, [1.0, 0.0]),
        ("my_rewards.short", {"limit": 100}, {}, [1.0, 1.0]),
        ("my_rewards.short", {"domains": ["math"]}, {"domain": ["code", "math"]}, [None, 0.0]),
        ("my_rewards.short", {"from_step": 5}, {"trainer_state": SimpleNamespace(global_step=4)}, [None, None]),
        ("my_rewards.right", {}, {"answer": ["7", "8"], "other": ["x", "y"]}, [1.0, 0.0]),
        (
            "my_rewards.right",
            {"domains": ["math"]},
            {"answer": ["7", "long"], "domain": ["code", "math"]},
            [None, 1.0],
        ),
        ("my_rewards.waits", {}, {}, [None, None]),
        ("my_rewards.Sevens", {}, {}, [1.0, 0.0]),
    ],
)
def test_a_function_or_class_scores_where_it_applies(name, settings, columns, scores):
    reward, weights = build(name, weight=0.5, **settings)
    assert reward(**ROWS, **columns) == scores and weights == [0.5] and reward.__name__ == name


def test_it_survives_pickling():
    assert pickle.loads(pickle.dumps(build("my_rewards.short", limit=3)[0]))(**ROWS) == [1.0, 0.0]


@pytest.mark.parametrize(
    ("name", "settings", "words"),
    [
        ("no_such_package.reward", {}, "no_such_package"),
        ("my_rewards.nothing", {}, "nothing"),
        ("my_rewards.NUMBER", {}, "neither a function"),
        ("my_rewards.right", {"limit": 3}, "limit"),
        ("shorter", {}, "package.module.function"),
    ],
)
def test_what_cannot_be_used_is_one_line(name, settings, words):
    with pytest.raises(RecipeError) as error:
        build(name, **settings)
    assert words in str(error.value) + str(error.value.hint)
