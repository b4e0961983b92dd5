"""Rewards pay what they say, where they apply, and survive pickling."""

import pickle
from types import SimpleNamespace

import pytest

from open_r1.errors import ArtifactError, RecipeError
from open_r1.formats import ResponseFormat
from open_r1.rewards import REWARDS, build_rewards

ZERO, R1 = ResponseFormat("zero"), ResponseFormat("r1")
COLUMNS = {"answer": "7", "verifier": "math", "domain": "reasoning", "language": "en", "metadata": ""}
GOOD = ZERO.write("so seven", "7")


def pay(name, completion, form=ZERO, settings=None, state=None, **columns):
    (reward,), _ = build_rewards({name: settings}, form)
    values = {key: [value] for key, value in (COLUMNS | columns).items()}
    (score,) = reward(prompts=["q"], completions=[completion], trainer_state=state, completion_ids=[[1]], **values)
    return score


@pytest.mark.parametrize(
    ("name", "completion", "columns", "score"),
    [
        ("accuracy", GOOD, {}, 1.0),
        ("accuracy", GOOD, {"answer": "14/2"}, 1.0),
        ("accuracy", GOOD, {"answer": "8"}, 0.0),
        ("accuracy", GOOD, {"answer": ""}, None),
        ("accuracy", "<think> 7", {}, 0.0),
        ("accuracy", "", {}, 0.0),
        ("accuracy", ZERO.write("a", "Red cat"), {"answer": "red cat", "verifier": "exact"}, 1.0),
        ("accuracy", [{"role": "assistant", "content": GOOD}], {}, 1.0),
        ("format", GOOD, {}, 1.0),
        ("format", GOOD + " more", {}, 0.0),
        ("format", "7", {}, 0.0),
        ("format", "<think> </think> <answer> 7 </answer>", {}, 0.0),
        ("language", GOOD, {}, 1.0),
        ("language", GOOD, {"language": "zh"}, 0.0),
        ("language", ZERO.write("so 所", "7"), {}, 0.5),
        ("language", ZERO.write("so it is", "所"), {}, 1.0),
        ("language", ZERO.write("3 + 4", "7"), {}, 1.0),
        ("language", "", {}, 0.0),
    ],
)
def test_reward_pays_what_it_says(name, completion, columns, score):
    assert pay(name, completion, **columns) == score


def test_format_reward_knows_the_format_of_the_policy():
    assert pay("format", R1.write("a", "b"), R1) == 1.0 and pay("format", R1.write("a", "b"), ZERO) == 0.0
    assert pay("format", " a </think> b", ResponseFormat("r1", prefilled=True)) == 1.0


def test_random_reward_is_a_fair_coin_that_the_text_alone_decides():
    scores = [pay("random", f"text {i}") for i in range(400)]
    assert scores == [pay("random", f"text {i}", answer="8") for i in range(400)]
    assert set(scores) == {0.0, 1.0} and 150 < sum(scores) < 250


@pytest.mark.parametrize("name", ["accuracy", "format", "language", "random"])
def test_other_domains_and_earlier_steps_get_none_in_their_places(name):
    settings = {"domains": ["general", "harm"], "from_step": 10}
    (reward,), _ = build_rewards({name: settings}, ZERO)
    columns = {key: [value] * 3 for key, value in COLUMNS.items()} | {"domain": ["general", "reasoning", "harm"]}

    def at(step):
        return reward(prompts=["q"] * 3, completions=[GOOD] * 3, trainer_state=SimpleNamespace(global_step=step), **columns)

    assert at(9) == [None] * 3
    for step in (10, 11):
        first, middle, last = at(step)
        assert middle is None and first == last and first in (0.0, 1.0)


def test_scores_keep_the_order_of_the_batch():
    (reward,), _ = build_rewards({"accuracy": {}}, ZERO)
    completions = [ZERO.write("a", str(i)) for i in range(4)]
    columns = {key: [value] * 4 for key, value in COLUMNS.items()} | {"answer": ["0", "9", "2", "9"]}
    assert reward(prompts=["q"] * 4, completions=completions, **columns) == [1.0, 0.0, 1.0, 0.0]


@pytest.fixture
def model(tmp_path):
    for file in ("config.json", "tokenizer_config.json"):
        (tmp_path / file).write_text("{}")
    return str(tmp_path)


@pytest.mark.parametrize("name", REWARDS)
def test_every_reward_survives_pickling(name, model):
    settings = {"model": model} if name in ("helpful", "safety") else {}
    (reward,), _ = build_rewards({name: settings | {"domains": ["reasoning"], "from_step": 3}}, R1)
    again = pickle.loads(pickle.dumps(reward))
    assert type(again) is type(reward) and again.__dict__ == reward.__dict__ and again.__name__ == name


def test_weights_of_a_reward_model_stay_behind_when_pickled(model):
    (reward,), _ = build_rewards({"helpful": {"model": model}}, R1)
    reward._loaded = lambda: "cannot be pickled"
    assert pickle.loads(pickle.dumps(reward))._loaded is None and reward._loaded is not None


@pytest.mark.parametrize(
    ("name", "completion", "visible"),
    [
        ("helpful", R1.write("secret", "hello"), "hello"),
        ("helpful", "<think> secret", None),
        ("safety", R1.write("secret", "hello"), "<think> secret </think> hello"),
        ("safety", "  ", ""),
    ],
)
def test_helpful_sees_the_summary_and_safety_everything(name, completion, visible, model):
    (reward,), _ = build_rewards({name: {"model": model}}, R1)
    assert reward.visible(R1.read(completion)) == visible


def test_names_and_weights_come_from_the_recipe():
    rewards, weights = build_rewards({"format": {"weight": "0.5"}, "accuracy": None}, ZERO)
    assert [reward.__name__ for reward in rewards] == ["format", "accuracy"] and weights == [0.5, 1.0]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, "no `rewards`"),
        (None, "no `rewards`"),
        ({"acuracy": {}}, "acuracy"),
        ({"accuracy": {"wieght": 2}}, "wieght"),
        ({"helpful": {}}, "model"),
        ({"accuracy": {"weight": "high"}}, "accuracy"),
        pytest.param({"accuracy": 1.0}, "accuracy", id="bare weight"),
    ],
)
def test_wrong_settings_are_a_recipe_error_that_names_them(settings, message):
    with pytest.raises(RecipeError, match=message) as caught:
        build_rewards(settings, ZERO)
    assert caught.value.hint


def test_missing_reward_model_is_an_artifact_error(tmp_path):
    with pytest.raises(ArtifactError, match="does not exist"):
        build_rewards({"safety": {"model": str(tmp_path / "nowhere")}}, R1)
