"""An evaluation keeps models and data sets apart, whatever their names and difficulties."""

import contextlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml
from conftest import REPOSITORY
from local_hub import LocalHub
from tiny_models import save_tiny_base

from open_r1 import evaluate
from open_r1.core.keeper import below, parents
from open_r1.sampling.store import read_stores


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
    prompts = {name: next(iter(read_stores(tmp_path / "out" / name)))["prompt"] for name in ("base", "zero template")}
    assert prompts["base"] != prompts["zero template"]
    metrics = json.loads((tmp_path / "out/manifest.json").read_text())["metrics"]
    for row in metrics.values():
        assert list(row["by_dataset"]) == ["levels.jsonl", "numbers.jsonl"] and row["problems"] == 6
        assert list(row["by_dataset"]["levels.jsonl"]["by_difficulty"])[:2] == ["Level 5", "Level 10"]
    table = capsys.readouterr().out
    assert "zero template: levels.jsonl" in table and "base: mean of 2" in table


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


def workers(pid: int) -> list[str]:
    """The environments of the processes below an evaluation that draw, and of the one that they are forked from."""
    found = []
    for place in (Path(f"/proc/{child}") for child in below(pid, parents())):
        with contextlib.suppress(OSError):  # it has ended
            if "multiprocessing.forkserver" in (place / "cmdline").read_text():
                found.append((place / "environ").read_text())
    return found


def test_the_processes_that_draw_have_no_token_of_the_hub(recipe, tmp_path):
    template = str(REPOSITORY / "recipes/templates/chatml/zero.jinja")
    model = {"path": save_tiny_base(tmp_path / "base", "chatml"), "chat_template": template}
    words = recipe(
        root=str(tmp_path / "root"), workers=2, models=[model], datasets=[dataset(tmp_path / "rows.jsonl", 1)]
    )
    process = subprocess.Popen(
        [sys.executable, "-m", "open_r1.evaluate", *words],
        env=os.environ | {"HF_TOKEN": "of-this-test"},
        cwd=REPOSITORY,
    )
    seen = 0
    while process.poll() is None:
        found = workers(process.pid)
        seen = max(seen, len(found))
        assert not any("of-this-test" in text for text in found)
        time.sleep(0.05)
    assert process.returncode == 0 and seen > 1 and (tmp_path / "out/manifest.json").exists()


def test_a_model_without_a_template_is_one_line(tmp_path, recipe, capsys):
    save_tiny_base(tmp_path / "bare", "chatml")
    values = {"models": [str(tmp_path / "bare")], "datasets": [dataset(tmp_path / "sums.jsonl", 1, 2)]}
    with pytest.raises(SystemExit):
        evaluate.main(recipe(**values, root=str(tmp_path / "elsewhere")))
    error, fix = capsys.readouterr().err.strip().splitlines()[-2:]
    assert "has no chat template" in error and "add `chat_template:`" in fix


HUB = {
    "gated": ("lab/gated", "is gated", "accept its terms at http"),
    "no such revision": ("lab/sums@next", "has no revision next", "use one of main"),
    "not there": ("lab/nothing", "lab/nothing is not on the Hub", ""),
}


@pytest.mark.parametrize("case", HUB)
def test_a_benchmark_that_cannot_be_had_is_one_line(tmp_path, case):
    name, message, fix = HUB[case]
    (tmp_path / "own.yaml").write_text(f"path: {name}\nprompt: '{{question}}'\nverifier: math\n")
    rows = {"rows.jsonl": b'{"question": "1 + 1?", "answer": "2"}\n'}
    with LocalHub(tmp_path / "hf") as hub:
        hub.add("dataset", "lab/sums", rows)
        hub.add("dataset", "lab/gated", rows, gated=True)
        words = ["m", "--benchmarks", tmp_path / "own.yaml", "--url", "http://127.0.0.1:9/v1"]
        command = [sys.executable, "-m", "open_r1.cli", "evaluate", *words, "--output_dir", tmp_path / "out"]
        variables = os.environ | hub.environment | {"HF_TOKEN": ""}
        done = subprocess.run([*map(str, command)], cwd=REPOSITORY, capture_output=True, text=True, env=variables)
    error, hint = done.stderr.strip().splitlines()[-2:]
    assert done.returncode == 2 and message in error and fix in hint and "Traceback" not in done.stderr
    assert not list((tmp_path / "out").glob("**/part-*"))
