"""An evaluation keeps models and data sets apart, whatever their names and difficulties."""

import json

import pytest
import yaml
from conftest import REPOSITORY

from open_r1 import evaluate
from open_r1.sampling.store import read_store


@pytest.fixture
def recipe(tmp_path):
    def write(**values):
        common = {"root": str(tmp_path), "output_dir": str(tmp_path / "out"), "num_samples": 2, "max_new_tokens": 4}
        (tmp_path / "recipe.yaml").write_text(yaml.safe_dump(common | {"dtype": "float32"} | values))
        return ["--config", str(tmp_path / "recipe.yaml")]

    return write


def dataset(path, *levels):
    rows = [{"prompt": f"{n} + 1 ?", "answer": str(n + 1), "difficulty": level} for n, level in enumerate(levels)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return {"path": str(path)}


def test_two_templates_and_two_data_sets_make_folders_and_rows_of_their_own(smoke_root, tmp_path, recipe, capsys):
    base, template = str(smoke_root / "base"), str(REPOSITORY / "recipes/templates/chatml/zero.jinja")
    evaluate.main(
        recipe(
            models=[base, {"path": base, "chat_template": template, "name": "zero template"}],
            datasets=[
                dataset(tmp_path / "levels.jsonl", "Level 10", "Level 5", None),
                dataset(tmp_path / "numbers.jsonl", 6.5, None, 10),
            ],
        )
    )
    prompts = {name: next(read_store(tmp_path / "out" / name))["prompt"] for name in ("base", "zero template")}
    assert prompts["base"] != prompts["zero template"]
    metrics = json.loads((tmp_path / "out/manifest.json").read_text())["metrics"]
    for row in metrics.values():
        assert list(row["by_dataset"]) == ["levels.jsonl", "numbers.jsonl"] and row["problems"] == 6
        assert list(row["by_dataset"]["levels.jsonl"]["by_difficulty"])[:2] == ["Level 5", "Level 10"]
    table = capsys.readouterr().out
    assert "zero template: levels.jsonl" in table and "base: mean" in table


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"models": ["m1/model", "m2/model"]}, "would be called `model`"),
        ({"models": [{"path": "m", "name": "x/y"}]}, "cannot be the name of a folder"),
        ({"models": ["m"], "datasets": [{"path": "mini:general", "limit": 2}]}, "none of domain `reasoning`"),
        ({"models": ["m"], "datasets": [{"path": "mini:chain", "weight": 1}]}, "`weight` means nothing here"),
    ],
)
def test_an_evaluation_that_could_not_tell_results_apart_is_refused_before_it_samples(recipe, capsys, values, message):
    with pytest.raises(SystemExit):
        evaluate.main(recipe(**values))
    lines = capsys.readouterr().err.strip().splitlines()
    assert message in lines[-2] and lines[-1].startswith("  fix: ")
