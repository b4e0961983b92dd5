"""Recipes: inheritance, references, smoke values, overrides, and errors that name the key."""

import json
from dataclasses import dataclass, field

import pytest
from conftest import REPOSITORY

from open_r1.core import recipes
from open_r1.core.errors import RecipeError


@pytest.fixture
def write(tmp_path):
    def write(name, text):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
        return tmp_path / name

    return write


def test_child_wins_over_parent_and_mappings_merge(write):
    write("base.yaml", "a: 1\ngroup: {x: 1, y: 1}\nitems: [1, 2]\n")
    write("sub/middle.yaml", "inherit: ../base.yaml\na: 2\ngroup: {y: 2}\n")
    child = write("sub/child.yaml", "inherit: middle.yaml\ngroup: {z: 3}\nitems: [3]\n")
    assert recipes.load_recipe(child) == {"a": 2, "group": {"x": 1, "y": 2, "z": 3}, "items": [3]}


def test_of_several_parents_the_later_wins_and_the_child_over_all(write):
    write("one.yaml", "a: 1\nb: 1\ngroup: {x: 1, y: 1}\n")
    write("two.yaml", "b: 2\nc: 2\ngroup: {y: 2}\nsmoke: {a: 0}\n")
    child = write("child.yaml", "inherit: [one.yaml, two.yaml]\nc: 3\n")
    assert recipes.load_recipe(child) == {"a": 1, "b": 2, "c": 3, "group": {"x": 1, "y": 2}}
    assert recipes.load_recipe(child, smoke=True)["a"] == 0


@pytest.fixture
def overlaid(write):
    """A recipe, an overlay of plain keys and one with sections."""
    recipe = write("r.yaml", "a: 1\nb: 1\ngroup: {x: 1}\nsmoke: {a: 0}\n")
    plain = write("plain.yaml", "a: 2\ngroup: {y: 2}\n")
    sections = write("sections.yaml", "launch: [go]\ngrpo: {a: 3, b: 3}\nreward-model: {b: 4}\nsft:\n")
    return str(recipe), str(plain), str(sections)


@pytest.mark.parametrize(
    ("command", "files", "more", "expected"),
    [
        ("sft", "p", [], {"a": 2, "b": 1, "group": {"x": 1, "y": 2}}),
        ("grpo", "ps", [], {"a": 3, "b": 3, "group": {"x": 1, "y": 2}}),
        ("grpo", "sp", [], {"a": 2, "b": 3, "group": {"x": 1, "y": 2}}),
        ("reward-model", "s", [], {"a": 1, "b": 4, "group": {"x": 1}}),
        ("sft", "s", [], {"a": 1, "b": 1, "group": {"x": 1}}),
        ("grpo", "s", ["--smoke"], {"a": 0, "b": 3, "group": {"x": 1}}),
        ("grpo", "s", ["--a", "9", "--smoke"], {"a": 9, "b": 3, "group": {"x": 1}}),
    ],
)
def test_overlays_lie_between_the_recipe_and_the_command_line(overlaid, command, files, more, expected):
    recipe, plain, sections = overlaid
    words = [word for name in files for word in ("--with", {"p": plain, "s": sections}[name])]
    found, where, _ = recipes.read_command_line(["--config", recipe, *words, *more], command)
    assert found == expected
    assert where.split(" with ") == [recipe, *words[1::2]]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("sft: {a: 2}", "no section for `grpo`; it has sft"),
        ("launch: [go]", "no section for `grpo`; it has none"),
        ("sft: {a: 2}\na: 2", "unknown key `a`"),
        ("reward_model: {a: 2}\nsft: {a: 2}", "unknown key `reward_model`"),
        ("grpo: 5\nsft: {a: 2}", "`grpo: 5` is no mapping"),
        ("- a", "not a mapping"),
        (None, "no such recipe"),
    ],
)
def test_overlay_that_cannot_be_laid_over_is_one_line(write, text, message):
    recipe, overlay = write("r.yaml", "a: 1"), write("o.yaml", text or "a: 2")
    if text is None:
        overlay.unlink()
    with pytest.raises(RecipeError, match=f"o.yaml.*{message}") as caught:
        recipes.read_command_line(["--config", str(recipe), "--with", str(overlay)], "grpo")
    assert caught.value.hint


def test_unknown_key_of_an_overlay_names_both_files(overlaid):
    recipe, plain, _ = overlaid
    found, where, _ = recipes.read_command_line(["--config", recipe, "--with", plain], "sft")
    with pytest.raises(RecipeError, match=r"r.yaml with .*plain.yaml: unknown key"):
        recipes.check_keys(found, ["a", "b"], where)


def test_reference_of_an_overlay_that_the_recipe_lacks_names_both_files(write):
    recipe, overlay = write("r.yaml", "a: 1"), write("o.yaml", "b: ${most}")
    with pytest.raises(RecipeError, match=r"r.yaml with .*o.yaml: `\${most}` in .* names no key"):
        recipes.read_command_line(["--config", str(recipe), "--with", str(overlay)], "sft")


def test_reference_alone_keeps_the_type_of_its_key(write):
    path = write("r.yaml", "n: 4\nsame: ${n}\ninside: {list: ['${n}', 'x${n}']}\nitems: ${inside}\n")
    found = recipes.load_recipe(path)
    assert found["same"] == 4 and found["items"] == {"list": [4, "x4"]}


def test_merge_leaves_its_arguments_alone():
    base, top = {"g": {"a": 1}}, {"g": {"b": 2}}
    assert recipes.merge(base, top) == {"g": {"a": 1, "b": 2}}
    assert (base, top) == ({"g": {"a": 1}}, {"g": {"b": 2}})


def test_smoke_values_apply_only_on_request_and_below_overrides(write):
    path = write("r.yaml", "steps: 100\nsize: 9\nsmoke: {steps: 2, size: 1}\n")
    assert recipes.load_recipe(path) == {"steps": 100, "size": 9}
    assert recipes.load_recipe(path, {"size": 5}, smoke=True) == {"steps": 2, "size": 5}


def test_references_see_overrides_at_any_depth(write):
    path = write("r.yaml", "root: a\nout: ${root}/x\nlist: [{path: '${root}/y'}]\nplain: $root\n")
    assert recipes.load_recipe(path, {"root": "b"}) == {
        "root": "b",
        "out": "b/x",
        "list": [{"path": "b/y"}],
        "plain": "$root",
    }


def test_reference_to_a_reference_is_resolved(write):
    path = write("r.yaml", "root: a\nout: ${root}/x\nlog: ${out}/log\n")
    assert recipes.load_recipe(path)["log"] == "a/x/log"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: ${nothing}", "nothing"),
        ("a: [", "not valid YAML"),
        ("- 1", "not a mapping"),
        ("", "not a mapping"),
        ("inherit: missing.yaml", "missing.yaml: no such recipe"),
        ("inherit: r.yaml", "r.yaml"),
        ("inherit: 3", "r.yaml: `inherit: 3` names no recipe"),
        ("smoke: 3", "r.yaml: `smoke: 3` is no mapping"),
    ],
)
def test_broken_recipe_is_a_recipe_error_with_a_fix(write, text, message):
    path = write("r.yaml", text)
    with pytest.raises(RecipeError, match=message) as caught:
        recipes.load_recipe(path, smoke=True)
    assert caught.value.hint


@pytest.mark.parametrize(
    ("words", "overrides"),
    [
        ([], {}),
        (["--a", "1"], {"a": 1}),
        (["--a=x=y"], {"a": "x=y"}),
        (["--flag", "--a", "-1"], {"flag": True, "a": -1}),
        (["--g.x", "1", "--g.y", "[1, 2]"], {"g": {"x": 1, "y": [1, 2]}}),
        (["--a", "1", "--a", "null"], {"a": None}),
        (["--a", "false"], {"a": False}),
        (["--with", "x.yaml", "--a", "1", "--with=y.yaml"], {"with": ["x.yaml", "y.yaml"], "a": 1}),
    ],
)
def test_overrides_are_read_as_yaml(words, overrides):
    assert recipes.parse_overrides(words) == overrides


@pytest.mark.parametrize("words", [["stray"], ["--a", "1", "2"], ["--a", "[1, 2"]])
def test_unreadable_command_line_is_a_recipe_error(words):
    with pytest.raises(RecipeError):
        recipes.parse_overrides(words)


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
        recipes.check_keys({key: 1}, ["learning_rate", "seed"], "r.yaml")
    assert hint in caught.value.hint


def test_fingerprint_covers_values_and_not_their_order():
    one = recipes.fingerprint({"a": 1, "b": {"c": 2}})
    assert one == recipes.fingerprint({"b": {"c": 2}, "a": 1})
    assert one != recipes.fingerprint({"a": 1, "b": {"c": 3}})
    assert one != recipes.fingerprint({"a": 1})


def test_difference_names_changed_added_and_removed_keys():
    text = recipes.difference({"a": 1, "b": 2, "c": 3}, {"a": 1, "b": 5, "d": 4})
    assert text == "b: 2 -> 5; c: 3 -> None; d: None -> 4"


@dataclass
class Arguments:
    name: str
    steps: int = 1
    rate: float = 0.5
    items: list = field(default_factory=list)


def test_fill_makes_the_dataclass_with_numbers_as_numbers():
    # YAML reads 1e-3 as a text
    filled = recipes.fill(Arguments, {"name": "x", "rate": "1e-3", "steps": "7"}, "r.yaml")
    assert filled == Arguments("x", 7, 0.001)


@pytest.mark.parametrize(
    ("recipe", "message"),
    [({}, "lacks `name`"), ({"name": "x", "stps": 1}, "stps"), ({"name": "x", "steps": "many"}, "steps: many")],
)
def test_fill_refuses_missing_unknown_and_non_numbers(recipe, message):
    with pytest.raises(RecipeError, match=f"r.yaml.*{message}"):
        recipes.fill(Arguments, recipe, "r.yaml")


def test_command_line_gives_recipe_place_and_force(write):
    path = write("r.yaml", "a: 1\nsmoke: {a: 2}\n")
    assert recipes.read_command_line(["--config", str(path)]) == ({"a": 1}, str(path), False)
    words = ["--config", str(path), "--smoke", "--force", "--debug", "--b", "3"]
    assert recipes.read_command_line(words) == ({"a": 2, "b": 3}, str(path), True)
    with pytest.raises(RecipeError, match="no recipe"):
        recipes.read_command_line(["--smoke"])


def test_every_mini_recipe_resolves_with_and_without_smoke():
    paths = list((REPOSITORY / "recipes/mini").glob("*.yaml"))
    assert paths
    for path in paths:
        for smoke in (False, True):
            recipe = recipes.load_recipe(path, {"root": "elsewhere"}, smoke)
            assert "${" not in str(recipe) and "inherit" not in recipe and "smoke" not in recipe


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
    one, two = recipes.fill_all((Trained, More), recipe, "r.yaml")
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
        recipes.fill_all((Trained, More), recipe, "r.yaml")


def test_without_a_file_the_command_line_is_the_recipe():
    words = ["--output_dir", "${root}/x", "--root", "data", "--force"]
    assert recipes.read_command_line(words) == ({"output_dir": "data/x", "root": "data"}, "command line", True)


@pytest.mark.parametrize(
    ("given", "entries"),
    [
        ("org/name", [{"path": "org/name"}]),
        (["a/b", {"path": "c/d", "weight": 2}], [{"path": "a/b"}, {"path": "c/d", "weight": 2}]),
        ({"path": "a/b"}, [{"path": "a/b"}]),
    ],
)
def test_datasets_may_be_names(given, entries):
    recipe, _, _ = recipes.read_command_line(["--output_dir", "x", "--datasets", json.dumps(given)])
    assert recipe["datasets"] == entries
