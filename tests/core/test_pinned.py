"""What a stage names on the Hub: found in its keys, at their revisions, and replaced by what was fetched."""

import dataclasses
import json

import pytest

from open_r1.core.artifacts import Artifact
from open_r1.core.errors import ArtifactError
from open_r1.core.keys import BARE, DATA, MODEL, STORE, Key, placed
from open_r1.core.pinned import hub_names, pins_of, place_all

SOURCE = {"path": Key(loads=DATA, revision="revision")}
KEYS = {
    "model": Key(loads=MODEL, revision="model_revision"),
    "models": Key(loads=MODEL, inside={"path": Key(loads=MODEL)}),
    "tokenizer": Key(loads=BARE),
    "samples": Key(loads=STORE),
    "datasets": Key(inside=SOURCE),
    "rewards": Key(inside={"*": Key(inside={"model": Key(loads=MODEL)})}),
    "clean": Key(inside={"against": Key(inside=SOURCE, default=[{"path": "elsewhere/benchmark"}])}, default={}),
}
OFF = {"clean": False}
FIRST, SECOND = "1" * 40, "2" * 40


@pytest.mark.parametrize(
    ("recipe", "names"),
    [
        ({"model": "org/m"}, [(MODEL, "org/m")]),
        ({"model": "org/m@v1"}, [(MODEL, "org/m@v1")]),
        ({"model": "org/m", "model_revision": "v1"}, [(MODEL, "org/m@v1")]),
        ({"model": "data/mini/base", "model_revision": "v1"}, []),
        ({"models": ["org/m", {"path": "org/m"}, {"path": "org/n@x"}]}, [(MODEL, "org/m"), (MODEL, "org/n@x")]),
        ({"datasets": [{"path": "org/d", "revision": "x"}, {"path": "mini:chain"}]}, [(DATA, "org/d@x")]),
        ({"samples": "org/d", "tokenizer": "org/m"}, [(BARE, "org/m"), (STORE, "org/d")]),
        ({"rewards": {"safety": {"model": "org/m"}, "judge": {"model": "org/j", "url": "h"}}}, [(MODEL, "org/m")]),
        ({"model": "org/m", "url": "http://h"}, []),
        ({"model": "org/m", "url": "http://h", "api": "text"}, [(BARE, "org/m")]),
        ({"model": "org/m", "url": "http://h", "api": "text", "tokenizer": "org/t"}, [(BARE, "org/t")]),
        ({"clean": None}, [(DATA, "elsewhere/benchmark")]),
    ],
)  # fmt: skip
def test_names_on_the_hub_are_those_of_the_keys(recipe, names):
    assert hub_names({**OFF, **recipe}, KEYS) == names


@pytest.mark.parametrize(
    ("key", "value", "found"),
    [
        ("model", "org/m", "/cache/m"),
        ("models", ["org/m", {"path": "org/m", "name": "a"}], ["/cache/m", {"path": "/cache/m", "name": "a"}]),
        ("datasets", [{"path": "org/d@v1", "limit": 3}], [{"path": "org/d", "limit": 3, "revision": FIRST}]),
        ("datasets", [{"path": "org/d", "revision": "v1"}], [{"path": "org/d", "revision": FIRST}]),
        ("datasets", [{"path": "mini:chain"}], [{"path": "mini:chain"}]),
        ("samples", "org/d@v1", "/cache/d"),
        ("rewards", {"s": {"model": "org/m", "weight": 2}}, {"s": {"model": "/cache/m", "weight": 2}}),
        ("rewards", {"format": None}, {"format": None}),
        ("rewards", {"j": {"model": "org/m", "url": "http://h"}}, {"j": {"model": "org/m", "url": "http://h"}}),
        ("clean", None, {"against": [{"path": "elsewhere/benchmark", "revision": SECOND}]}),
        ("clean", False, False),
    ],
)  # fmt: skip
def test_a_name_is_replaced_by_its_folder_and_an_entry_gets_its_commit(key, value, found):
    places = {(MODEL, "org/m"): "/cache/m", (DATA, "org/d@v1"): FIRST, (STORE, "org/d@v1"): "/cache/d"}
    places |= {(DATA, "elsewhere/benchmark"): SECOND}
    before = json.dumps(value)
    assert placed(value, KEYS[key], places) == found and json.dumps(value) == before


def test_a_recipe_says_the_revision_also_where_a_dataclass_has_a_default_for_it():
    @dataclasses.dataclass
    class Arguments:
        model: str = "org/m"
        model_revision: str = "main"

    arguments = Arguments()
    place_all({"model": "org/m"}, KEYS, (arguments,), {(MODEL, "org/m"): "/cache/m"})
    assert arguments.model == "/cache/m"


# ----------------------------------------------------------------------------------------------- what is on record


@pytest.fixture
def recipe(tmp_path):
    return OFF | {"root": str(tmp_path), "output_dir": str(tmp_path / "out"), "model": "org/m"}


def test_commits_are_part_of_the_inputs_and_of_the_hash(recipe):
    first, second = Artifact(recipe, KEYS, {"org/m": FIRST}), Artifact(recipe, KEYS, {"org/m": SECOND})
    assert first.inputs == {"org/m": FIRST} and first.hash != second.hash


@pytest.mark.parametrize("finished", [True, False])
def test_what_is_on_record_is_used_again_without_asking(recipe, finished):
    """The cache of the tests does not know it, and would say so."""
    artifact = Artifact(recipe, KEYS, {"org/m": FIRST})
    artifact.claim()
    (artifact.path / "part").write_text("")
    if finished:
        artifact.finish()
    artifact._lock.release()
    assert pins_of(recipe, KEYS) == {"org/m": FIRST}
    again = Artifact(recipe, KEYS)
    assert again.hash == artifact.hash and again.complete is finished
    with pytest.raises(ArtifactError, match=f"content of org/m: '{FIRST}' -> '{SECOND}'"):
        Artifact(recipe, KEYS, {"org/m": SECOND}).claim()


def test_an_older_manifest_without_commits_is_complete(recipe):
    artifact = Artifact(recipe, KEYS, {})
    artifact.claim()
    artifact.finish()
    file = artifact.path / "manifest.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"hash": "of another version"}))
    assert pins_of(recipe, KEYS) == {} and Artifact(recipe, KEYS, {}).complete


def test_the_same_below_another_root(recipe, tmp_path):
    other = json.loads(json.dumps(recipe).replace(str(tmp_path), str(tmp_path / "other")))
    local = {"model": "${root}/base"}
    hashes = []
    for one in (recipe, other):
        made = Artifact({**one, "output_dir": f"{one['root']}/base", "model": None})
        made.claim()
        made.finish()
        hashes.append(Artifact({**one, "model": local["model"].replace("${root}", one["root"])}, KEYS).hash)
    assert hashes[0] == hashes[1] != Artifact(recipe, KEYS, {}).hash
