"""The card that is published: its repository, curves, completions and licences."""

import json
import math
import shutil
from pathlib import Path

import pytest
from conftest import HUB_CACHE
from huggingface_hub import ModelCard
from huggingface_hub.errors import LocalEntryNotFoundError
from PIL import Image

from open_r1.core.card_facts import read_facts
from open_r1.hub.cards import write_card
from open_r1.hub.curves import draw_curves, read_curves

COMMIT = "2" * 40
SAMPLES = [([{"role": "user", "content": f"question {n}"}], f"answer {n}", n, n % 2 == 0) for n in range(8)]


def history(**curves: list) -> list[dict]:
    """What a trainer has logged, every fifth step."""
    steps = range(max(map(len, curves.values())))
    return [
        {"step": 5 * n + 5, **{key: values[n] for key, values in curves.items() if n < len(values)}} for n in steps
    ]


GRPO = {"reward": [0.1, 0.2, 0.3], "rewards/accuracy/mean": [0, 0, 1], "rewards/safety/mean": [None, None, 0.5]}
GRPO |= {"completions/mean_length": [10, 20, math.nan], "kl": [0.1], "loss": [1, 2, 3]}


@pytest.mark.parametrize(
    ("logged", "labels"),
    [
        (GRPO, ["reward", "reward: accuracy", "mean length (tokens)"]),
        ({"loss": [3, 2, 1], "entropy": [1, 2, 3]}, ["loss"]),
        ({"loss": [3, 2], "margin": [0, 1], "accuracy": [0.5, 0.6]}, ["loss", "accuracy on pairs", "margin"]),
        ({"loss": [3]}, []),
        ({"train_loss": [3]}, []),
    ],
    ids=["grpo", "sft", "reward model", "one step", "only the end"],
)
def test_curves_are_those_that_a_run_is_judged_by(tmp_path, logged, labels):
    rows = history(**logged)
    assert list(read_curves(rows)) == labels
    (tmp_path / "trainer_state.json").write_text(json.dumps({"log_history": rows}))
    draw_curves(tmp_path, tmp_path)
    drawn = tmp_path / "curves.png"
    assert drawn.exists() == bool(labels)
    if labels:
        assert Image.open(drawn).size == (462 * min(3, len(labels)), 308 * math.ceil(len(labels) / 3))
    assert [path.name for path in tmp_path.glob(".*")] == []


def model(directory: Path, base: str, inputs: dict[str, str]) -> Path:
    directory.mkdir()
    recipe = {"model_name_or_path": base, "output_dir": str(directory)}
    (directory / "config.json").write_text("{}")
    (directory / "manifest.json").write_text(json.dumps({"command": "grpo", "recipe": recipe, "inputs": inputs}))
    (directory / "trainer_state.json").write_text(json.dumps({"log_history": history(**GRPO)}))
    return directory


@pytest.fixture
def base():
    """A model on the Hub with a card, of which the cache holds one commit."""
    place = HUB_CACHE / "models--org--licensed"
    (place / "snapshots" / COMMIT).mkdir(parents=True)
    (place / "snapshots" / COMMIT / "README.md").write_text("---\nlicense: llama3.1\n---\n")
    yield "org/licensed"
    shutil.rmtree(place)


def test_a_published_card_has_repository_curves_completions_and_the_licence_of_the_commit(tmp_path, base):
    place = model(tmp_path / "zero", base, {base: COMMIT})
    write_card(place, "lab/mini-zero", SAMPLES)
    text, data = (place / "README.md").read_text(), ModelCard.load(place / "README.md").data
    assert data.license == "llama3.1" and data.base_model == base and "names of derived models" in text
    assert 'from_pretrained("lab/mini-zero"' in text and str(tmp_path) not in text and "![Training curves]" in text
    assert "question 4" in text and "question 5" not in text and text.count("<details") == 6


def test_a_card_alone_is_written_from_the_artifact_and_keeps_the_completions(tmp_path, base):
    place = model(tmp_path / "zero", base, {base: COMMIT})
    write_card(place, "lab/mini-zero", SAMPLES)
    entry = tmp_path / "files"
    entry.mkdir()
    write_card(entry, "lab/mini-zero", artifact=place)
    assert (entry / "README.md").read_text() == (place / "README.md").read_text()
    assert {path.name for path in entry.iterdir()} == {"README.md", "curves.png"}


def test_a_step_is_loaded_from_its_branch(tmp_path, base):
    place, step = model(tmp_path / "zero", base, {}), tmp_path / "files"
    (place / "manifest.json").rename(place / "started.json")  # it still runs
    facts = json.loads((place / "started.json").read_text()) | {"inputs": {base: COMMIT}}
    (place / "started.json").write_text(json.dumps(facts))
    (place / "recipe.yaml").write_text(json.dumps(facts["recipe"]))
    step.mkdir()
    (step / "config.json").write_text('{"max_position_embeddings": 64}')
    (step / "trainer_state.json").write_text(json.dumps({"log_history": history(loss=[1])}))
    assert read_facts(place)["command"] == "grpo"
    write_card(step, "lab/zero", artifact=place, revision="step-000005")
    text = (step / "README.md").read_text()
    assert 'AutoTokenizer.from_pretrained("lab/zero", revision="step-000005")' in text and "64 tokens" in text
    assert not (step / "curves.png").exists()  # of the checkpoint there is one step, not those that came after it


def test_a_hub_that_does_not_answer_is_an_error_and_no_licence(tmp_path):
    place = model(tmp_path / "zero", "org/unheard", {})
    with pytest.raises(LocalEntryNotFoundError):
        write_card(place, "lab/zero")


def test_tables_are_named_as_they_are_published(tmp_path):
    (tmp_path / "manifest.json").write_text(json.dumps({"command": "evaluate", "recipe": {"models": ["org/m"]}}))
    configs = [{"config_name": "m", "data_files": [{"split": "test", "path": "m/part-*.parquet"}]}]
    manifest = json.loads((tmp_path / "manifest.json").read_text()) | {"recipe": {}}
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    write_card(tmp_path, "lab/evaluate", configs=configs)
    text = (tmp_path / "README.md").read_text()
    assert 'load_dataset("lab/evaluate", "m", split="test")' in text and "path: m/part-*.parquet" in text
