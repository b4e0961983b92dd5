"""Where an artifact is published, by its recipe."""

import pytest

from open_r1.core.errors import RecipeError
from open_r1.core.publishing import DATASET, MODEL, Repository, kind_of, repository_of

ZERO = {"output_dir": "data/mini/zero"}


@pytest.mark.parametrize(
    ("recipe", "kind", "expected"),
    [
        (ZERO, MODEL, Repository("mini-zero", MODEL)),
        (ZERO | {"output_dir": "/scratch/you/mini-seed3/zero/"}, MODEL, Repository("mini-seed3-zero", MODEL)),
        (ZERO | {"output_dir": "/big disk/zero, again"}, MODEL, Repository("big-disk-zero-again", MODEL)),
        (ZERO | {"output_dir": "zero"}, MODEL, Repository("zero", MODEL)),
        (ZERO | {"hub_namespace": "lab"}, MODEL, Repository("lab/mini-zero", MODEL)),
        (ZERO | {"hub_namespace": "lab", "hub_model_id": "r1"}, MODEL, Repository("lab/r1", MODEL)),
        (ZERO | {"hub_namespace": "lab", "hub_model_id": "you/r1"}, MODEL, Repository("you/r1", MODEL)),
        (ZERO | {"hub_model_id": "you/r1"}, DATASET, Repository("mini-zero", DATASET)),
        (ZERO | {"hub_dataset_id": "you/traces"}, DATASET, Repository("you/traces", DATASET)),
        (ZERO | {"hub_private": False}, MODEL, Repository("mini-zero", MODEL, private=False)),
        (ZERO | {"hub_private": None}, MODEL, Repository("mini-zero", MODEL)),
        (ZERO | {"hub_revision": "v2"}, MODEL, Repository("mini-zero", MODEL, revision="v2")),
    ],
)
def test_repository(recipe, kind, expected):
    assert repository_of(recipe, kind) == expected


@pytest.mark.parametrize("name", ["a/b/c", "two words", "-x", "x..y", "lab/"])
def test_a_name_that_the_hub_would_not_take(name):
    with pytest.raises(RecipeError, match=r"no name for a repository: .*[a-z0-9']$") as caught:
        repository_of(ZERO | {"hub_model_id": name}, MODEL)
    assert "`hub_model_id`" in caught.value.hint


@pytest.mark.parametrize(
    ("file", "expected"),
    [("config.json", MODEL), ("adapter_config.json", MODEL), ("data.parquet", DATASET), ("results.json", DATASET)],
)
def test_kind(tmp_path, file, expected):
    (tmp_path / file).write_text("{}")
    assert kind_of(tmp_path) == expected
