"""Names on the Hub: what they mean, where they lie in the cache, and what of a repository is read."""

import pytest
from conftest import HUB_CACHE

from open_r1.core import hub
from open_r1.core.errors import HubError, RecipeError

COMMIT = "0123456789abcdef" * 2 + "01234567"


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("org/name", ("org/name", None)),
        ("org/name@v1", ("org/name", "v1")),
        ("org/name@feature/x", ("org/name", "feature/x")),
        ("org/na.me-1@" + COMMIT, ("org/na.me-1", COMMIT)),
        ("org/name@", ("org/name@", None)),
        ("./org/name@v1", ("./org/name@v1", None)),
        ("name@v1", ("name@v1", None)),
        ("data/mini/zero", ("data/mini/zero", None)),
    ],
)
def test_a_name_and_its_revision_are_told_apart(name, found):
    assert hub.split_id(name) == found


@pytest.mark.parametrize("name", ["org/name", "org/name@v1", "org/name@feature/x"])
def test_a_revision_makes_no_path_of_a_name(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert hub.is_hub_name(name)
    (tmp_path / "org").mkdir()
    assert hub.looks_local(name) and hub.at(name, "v2") == name


@pytest.mark.parametrize("name", ["mini:chain", "gym:chain_sum", "./org/name", "name", "/org/name", "~/name", "a/b/c"])
def test_what_is_nowhere_on_the_hub(name):
    assert not hub.is_hub_name(name) and hub.at(name, "v1") == name


def test_the_key_beside_a_name_is_its_revision():
    assert hub.at("elsewhere/name", None) == hub.at("elsewhere/name", "") == "elsewhere/name"
    assert hub.at("elsewhere/name", "v1") == hub.at("elsewhere/name@v1", "v1") == "elsewhere/name@v1"
    with pytest.raises(RecipeError, match="revision v1, and the key beside it v2"):
        hub.at("elsewhere/name@v1", "v2")


def test_a_folder_of_the_cache_says_what_it_is():
    for kind, name in (("model", "org/name"), ("dataset", "org/na-me")):
        folder = hub.folder_of(name, COMMIT, kind)
        assert HUB_CACHE in folder.parents
        assert hub.origin(folder) == (name, COMMIT) and hub.called(str(folder)) == name
    assert hub.origin(folder.parent) is None is hub.origin("") and hub.origin("data/mini/zero") is None
    assert hub.called("elsewhere/name@v1") == "elsewhere/name" and hub.called("data/mini/zero") == "data/mini/zero"


@pytest.fixture
def cached(tmp_path, monkeypatch):
    """Puts files into the cache of this test, as what was downloaded without a list of all files."""
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))

    def put(*files):
        for file in files:
            path = hub.folder_of("org/name", COMMIT, "model") / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("12345")

    return put


@pytest.mark.parametrize(
    ("files", "weights"),
    [
        (["model.safetensors", "pytorch_model.bin", "model.onnx", "consolidated.safetensors"], ["model.safetensors"]),
        (["pytorch_model-00001-of-00002.bin", "training_args.bin"], ["pytorch_model-00001-of-00002.bin"]),
        (["adapter_model.safetensors"], ["adapter_model.safetensors"]),
        (["model.safetensors", "adapter/adapter_model.safetensors", "original/model.safetensors"],
         ["adapter/adapter_model.safetensors", "model.safetensors"]),
    ],
)  # fmt: skip
def test_weights_are_read_in_one_format(cached, files, weights):
    cached("config.json", "tokenizer.model", *files)
    texts = {"config.json", "tokenizer.model"}
    assert set(hub.model_files("org/name", COMMIT)) == texts | set(weights)
    assert set(hub.model_files("org/name", COMMIT, weights=False)) == texts


def test_a_model_of_which_only_the_tokenizer_was_pulled_is_not_there(cached):
    cached("tokenizer.json")
    with pytest.raises(HubError, match="not whole") as refused:
        hub.model_files("org/name", COMMIT)
    assert "open-r1 pull" in refused.value.hint


def test_what_is_not_in_the_cache_is_said_before_anything_loads(cached):
    for ask in (lambda: hub.commit_of("org/name", None, "model"), lambda: hub.listing("org/name", COMMIT, "model")):
        with pytest.raises(HubError, match="org/name.* the Hub is switched off"):
            ask()
    assert hub.commit_of("org/name", COMMIT, "model") == COMMIT


def test_disk_is_compared_with_what_is_to_come(tmp_path):
    hub.require_space(1, "org/name", tmp_path / "not" / "there" / "yet")
    with pytest.raises(HubError, match=r"org/name needs 1000000000\.0 GB, and .* free"):
        hub.require_space(10**18, "org/name", tmp_path)


@pytest.mark.parametrize(
    ("size", "words"), [(0, "0 bytes"), (999, "999 bytes"), (15e3, "15 KB"), (2e6, "2 MB"), (14.96e9, "15.0 GB")]
)
def test_bytes_in_words(size, words):
    assert hub.in_words(size) == words
