"""The keys of a recipe as dataclasses: unknown and missing ones, values of another type, names of before."""

from dataclasses import dataclass, field

import pytest

from open_r1.core import fields
from open_r1.core.errors import RecipeError


@pytest.mark.parametrize(
    ("key", "hint"),
    [
        ("learning_rte", "`learning_rate`"),
        ("torch_dtype", "dtype"),
        ("reward_funcs", "rewards"),
        ("qqq", "remove"),
        ("dataset_name", "datasets: [{path:"),
        ("dataset_config", "name:"),
        ("dataset_mixture", "weight"),
        ("dataset_prompt_column", "columns:"),
        ("system_prompt", "chat_template"),
        ("callbacks", "recipe"),
        ("wandb_project", "WANDB_PROJECT"),
    ],
)
def test_unknown_key_is_refused_with_its_better_name(key, hint):
    with pytest.raises(RecipeError, match=f"r.yaml: unknown key `{key}`") as caught:
        fields.check_keys({key: 1}, ["learning_rate", "seed"], "r.yaml")
    assert hint in caught.value.hint


@dataclass
class Arguments:
    name: str
    steps: int = 1
    rate: float = 0.5
    items: list = field(default_factory=list)


def test_fill_makes_the_dataclass_with_numbers_as_numbers():
    # YAML reads 1e-3 as a text
    filled = fields.fill(Arguments, {"name": "x", "rate": "1e-3", "steps": "7"}, "r.yaml")
    assert filled == Arguments("x", 7, 0.001)


@pytest.mark.parametrize(
    ("recipe", "message"),
    [({}, "lacks `name`"), ({"name": "x", "stps": 1}, "stps"), ({"name": "x", "steps": "many"}, "steps: many")],
)
def test_fill_refuses_missing_unknown_and_non_numbers(recipe, message):
    with pytest.raises(RecipeError, match=f"r.yaml.*{message}"):
        fields.fill(Arguments, recipe, "r.yaml")


@dataclass
class Trained:
    learning_rate: float | None = None
    steps: int = 1
    quick: bool = False
    extra: dict = field(default_factory=dict)
    optim: str | None = field(default=None, metadata={"choices": ["adamw", "muon"]})


@dataclass
class More:
    name: str = ""
    stop: list[str] | None = None


def test_two_dataclasses_share_the_keys_of_a_recipe():
    recipe = {"learning_rate": "1e-5", "steps": "3", "quick": True, "name": "x", "stop": None}
    one, two = fields.fill_all((Trained, More), recipe, "r.yaml")
    assert one == Trained(1e-5, 3, True) and two == More("x", None)


@pytest.mark.parametrize(
    ("recipe", "message"),
    [
        ({"steps": 1.5}, "steps: 1.5` is no int"),
        ({"learning_rate": "fast"}, "learning_rate: fast` is no float"),
        ({"quick": "perhaps"}, "quick: perhaps` is neither true nor false"),
        ({"optim": "adam"}, "optim: adam` is unknown"),
        ({"extra": 3}, "extra: 3` is no mapping"),
        ({"stops": 1}, "unknown key `stops`"),
    ],
    ids=str,
)
def test_a_value_that_is_none_of_its_type_is_one_line(recipe, message):
    with pytest.raises(RecipeError, match=message):
        fields.fill_all((Trained, More), recipe, "r.yaml")
