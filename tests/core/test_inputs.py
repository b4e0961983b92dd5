"""What a stage loads, as its keys declare it: where it is, whether it needs the Hub, and when it counts as changed."""

import json
import os

import pytest

from open_r1.core import inputs
from open_r1.core.errors import ArtifactError
from open_r1.core.keys import DATA, FILE, MODEL, SERVER, Key

SOURCE = {"path": Key(loads=DATA)}
KEYS = {
    "model": Key(loads=MODEL),
    "template": Key(loads=FILE),
    "models": Key(loads=MODEL, inside={"path": Key(loads=MODEL), "template": Key(loads=FILE)}),
    "datasets": Key(inside=SOURCE),
    "tokenizer": Key(inside={"corpus": Key(inside=SOURCE)}),
    "rewards": Key(inside={"*": Key(inside={"model": Key(loads=MODEL), **SERVER})}),
    "clean": Key(inside={"against": Key(inside=SOURCE, default=[{"path": "elsewhere/benchmark"}])}),
}


@pytest.mark.parametrize("name", ["./x", "/x/y", "~/x", "data/mini/zero", "x", "namespace/there"])
def test_local_names_are_told_from_hub_ids(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "namespace" / "there").mkdir(parents=True)
    assert (
        inputs.looks_local(name)
        and inputs.looks_local("namespace/not_yet")
        and not inputs.looks_local("elsewhere/model")
    )


@pytest.mark.parametrize(
    ("recipe", "found"),
    [
        ({"model": "./a", "notes": "./b", "template": None}, ["./a"]),
        ({"models": ["./a", {"path": "./b", "template": "c.jinja"}, "elsewhere/model"]}, ["./a", "./b", "c.jinja"]),
        ({"datasets": [{"path": "mini:chain", "split": "./x"}, {"path": "rows.jsonl"}]}, ["rows.jsonl"]),
        ({"tokenizer": {"vocab_size": 9, "corpus": {"path": "./a"}}}, ["./a"]),
        (
            {"rewards": {"accuracy": None, "safety": {"model": "./rm"}, "judge": {"model": "./x", "url": "http://h"}}},
            ["./rm"],
        ),
        ({"template": "namespace/file"}, ["namespace/file"]),
        ({"model": "./a", "models": ["./a"]}, ["./a"]),
    ],
)
def test_inputs_are_what_the_keys_declare_at_any_depth(recipe, found):
    assert inputs.local_inputs(recipe, {name: KEYS[name] for name in KEYS if name != "clean"}) == found


@pytest.mark.parametrize(
    ("recipe", "needed"),
    [
        ({"model": "./zero", "datasets": [{"path": "mini:chain"}], "clean": False}, False),
        ({"model": "elsewhere/model", "clean": False}, True),
        ({"models": ["./base", "elsewhere/model"], "clean": False}, True),  # the first model alone would not need it
        ({"models": [{"path": "elsewhere/model"}], "clean": False}, True),
        ({"datasets": [{"path": "gym:chain_sum"}, {"path": "elsewhere/set"}], "clean": False}, True),
        ({"rewards": {"helpful": {"model": "elsewhere/model"}}, "clean": False}, True),
        ({"rewards": {"judge": {"model": "elsewhere/model", "url": "http://h/v1"}}, "clean": False}, False),
        ({"push_to_hub": True, "clean": False}, False),  # a process of its own publishes
        ({"clean": {"against": [{"path": "mini:chain"}]}}, False),
        ({"clean": {"size": 8}}, True),  # the default benchmarks
        ({"clean": {"against": None}}, True),
    ],
)
def test_hub_is_needed_for_any_name_that_is_not_on_this_disk(recipe, needed):
    assert inputs.needs_hub(recipe, KEYS) == needed


def test_what_lies_in_an_artifact_counts_by_its_manifest(tmp_path):
    part = tmp_path / "artifact" / "samples" / "part.jsonl"
    part.parent.mkdir(parents=True)
    part.write_text("a")
    (tmp_path / "artifact" / "manifest.json").write_text(json.dumps({"hash": "made"}))
    assert inputs.content(part, tmp_path) == inputs.content(part.parent, tmp_path) == "made"
    assert inputs.content(tmp_path / "artifact", None) == "made"


def test_a_manifest_of_something_else_is_none(tmp_path):
    (tmp_path / "manifest.json").write_text(json.dumps({"name": "a web page"}))
    (tmp_path / "rows.jsonl").write_text("a")
    assert inputs.content(tmp_path / "rows.jsonl") == inputs.hash_of(tmp_path / "rows.jsonl")


def test_below_the_root_only_complete_artifacts_and_files_count(tmp_path):
    (tmp_path / "begun").mkdir()
    for name, state in (("begun", "is not complete"), ("nowhere", "does not exist")):
        with pytest.raises(ArtifactError, match=state):
            inputs.content(tmp_path / name, tmp_path)
    assert inputs.content(tmp_path / "nowhere", None) == ""


@pytest.mark.parametrize("change", ["edit", "add", "rename", "remove"])
def test_a_directory_counts_by_the_files_in_it(tmp_path, change):
    (tmp_path / "deep").mkdir()
    for name in ("a", "deep/b"):
        (tmp_path / name).write_text("same")
    before = inputs.hash_of(tmp_path)
    (tmp_path / ".cache").write_text("hidden")
    os.utime(tmp_path / "a", (1, 1))
    assert inputs.hash_of(tmp_path) == before
    if change == "edit":
        (tmp_path / "deep/b").write_text("else")
    elif change == "add":
        (tmp_path / "c").write_text("")
    elif change == "rename":
        (tmp_path / "a").rename(tmp_path / "z")
    else:
        (tmp_path / "a").unlink()
    assert inputs.hash_of(tmp_path) != before


def test_a_large_file_counts_by_size_and_time_of_change(tmp_path, monkeypatch):
    monkeypatch.setattr(inputs, "WHOLE", 3)
    (tmp_path / "weights").write_text("1234")
    before = inputs.hash_of(tmp_path)
    (tmp_path / "weights").write_text("4321")
    os.utime(tmp_path / "weights", (1, 1))
    assert inputs.hash_of(tmp_path) != before


@pytest.mark.parametrize(
    ("environment", "off"),
    [
        ({}, False),
        ({"HF_HUB_OFFLINE": "1"}, True),
        ({"HF_HUB_OFFLINE": "0", "TRANSFORMERS_OFFLINE": "1"}, False),
        ({"HF_HUB_OFFLINE": "", "TRANSFORMERS_OFFLINE": "yes"}, True),
    ],
)
def test_the_hub_is_off_where_its_client_says_so(environment, off):
    assert inputs.is_offline(environment) is off
