"""The models of an evaluation: one name for each, and what an entry may say."""

import json

import pytest

from open_r1.core.errors import RecipeError
from open_r1.sampling.models import read_models


@pytest.mark.parametrize(
    ("entries", "names"),
    [
        (["data/zero", "data/r1/", "org/model"], ["zero", "r1", "model"]),
        (["m1/model", {"path": "m2/model", "name": "other"}], ["model", "other"]),
        ([{"path": "m", "chat_template": "a"}, {"path": "m", "chat_template": "b", "name": "b"}], ["m", "b"]),
    ],
)
def test_a_model_is_called_by_its_name_or_the_last_part_of_its_path(entries, names):
    assert [model.name for model in read_models(entries)] == names


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        (["m1/model", "m2/model"], r"2 of them would be called `model` \(m1/model, m2/model\)"),
        ([{"path": "m", "chat_template": "a"}, {"path": "m", "chat_template": "b"}], "would be called `m`"),
        (["a/x", {"path": "b", "name": "x"}], "would be called `x`"),
        ([{"name": "x"}], "has no `path`"),
        ([7], "has no `path`"),
        ([""], "has no `path`"),
        ([{"path": "m", "nmae": "x"}], "unknown key `nmae`"),
        ([{"path": "m", "name": "a/b"}], "cannot be the name of a folder"),
        (["."], "cannot be the name of a folder"),
        ([{"path": "m", "name": "a\nb"}], "cannot be the name of a folder"),
        (["m" * 300], "cannot be the name of a folder"),
        ([{"path": "m", "response_format": "r2"}], "response_format: r2"),
    ],
)
def test_entries_that_cannot_be_told_apart_or_read_are_refused(entries, message):
    with pytest.raises(RecipeError, match=message) as refused:
        read_models(entries)
    assert refused.value.hint


def test_a_model_of_ours_writes_as_it_was_trained_to_also_under_another_name(tmp_path):
    manifest = {"hash": "x", "recipe": {"response_format": "zero"}}
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    path = str(tmp_path)
    entries = [{"path": path, "name": "a"}, {"path": path, "name": "b", "response_format": "r1"}, "elsewhere/model"]
    assert [model.writes for model in read_models(entries)] == ["zero", "r1", "r1"]
