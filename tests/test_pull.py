"""
What is published is found again: a pipeline's artifacts under another root, what recipes name in the cache, and what
is wrong in one line with its fix. The Hub is that of `local_hub.py`; commands run as users run them.
"""

import json
import os
import subprocess
import sys

import pytest
from conftest import REPOSITORY
from local_hub import LocalHub

from open_r1.core.locks import Lock

FULL = "import shutil; shutil.disk_usage = lambda _: shutil._ntuple_diskusage(9, 8, 1); "
ROWS = b"".join(json.dumps({"prompt": f"What is {n} + 1?", "answer": str(n + 1)}).encode() + b"\n" for n in range(8))
CARD = b"""---
configs:
- {config_name: sums, default: true, data_files: [{split: train, path: sums/rows.jsonl}]}
- {config_name: large, data_files: [{split: train, path: large.jsonl}]}
---
"""


@pytest.fixture
def hub(tmp_path):
    with LocalHub(tmp_path / "hf") as found:
        found.add("dataset", "lab/sums", {"README.md": CARD, "sums/rows.jsonl": ROWS, "large.jsonl": ROWS * 99})
        found.add(
            "model", "lab/tiny", {"config.json": b"{}", "model.safetensors": b"0" * 5000, "model.onnx": b"0" * 9}
        )
        yield found


def run(hub, *words, check=True, program="", **environment):
    """A command in a process of its own, with the client of this Hub."""
    command = [sys.executable, "-c", f"{program}from open_r1.cli import main; main()", *map(str, words)]
    variables = os.environ | hub.environment | {"HF_DATASETS_CACHE": str(hub.home / "datasets")} | environment
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, env=variables)
    assert not check or done.returncode == 0, done.stdout + done.stderr
    assert "Traceback" not in done.stderr and LocalHub.token not in done.stdout + done.stderr
    return done


def error_of(done):
    """The line that says what is wrong, and its fix."""
    assert done.returncode == 2, done.stdout + done.stderr
    message, fix, *rest = done.stderr[done.stderr.index("error: ") :].splitlines()
    assert fix.startswith("  fix: ") and not rest, done.stderr
    return message + fix


def benchmark(folder):
    """A question that no row has."""
    (folder / "benchmark.jsonl").write_text('{"prompt": "Which river is the longest?", "answer": "the Nile"}')
    return folder / "benchmark.jsonl"


def write_pipeline(folder, source="mini:chain", limit=6):
    """Three stages, each of which reads the one before."""
    folder.mkdir(exist_ok=True)
    names = ["first", "second", "third"]
    for name, read in zip(names, [source, "${root}/first", "${root}/second"], strict=True):
        lines = ["output_dir: ${root}/" + name, f"datasets: [{{path: '{read}', limit: {limit}}}]"]
        (folder / f"{name}.yaml").write_text("\n".join([*lines, f"against: [{{path: {benchmark(folder.parent)}}}]"]))
    stages = "".join(f"  - {{name: {name}, run: decontaminate}}\n" for name in names)
    (folder / "pipeline.yaml").write_text(f"root: data/small\nlaunch: python\nstages:\n{stages}")
    return folder / "pipeline.yaml"


def publish(hub, directory, name):
    """What a push leaves there, without its tables and card."""
    files = {path.name: path.read_bytes() for path in directory.iterdir() if path.is_file()}
    return hub.add("dataset", name, {file: data for file, data in files.items() if not file.startswith(".")})


def recipe_of(folder, **values):
    """A recipe that reads rows."""
    recipe = {"output_dir": str(folder / "out"), "datasets": [{"path": "lab/sums"}]}
    recipe |= {"against": [{"path": str(benchmark(folder))}]} | values
    (folder / "recipe.yaml").write_text(json.dumps(recipe))
    return folder / "recipe.yaml"


@pytest.fixture
def made(hub, tmp_path):
    """A pipeline that was run, of which the first two stages are published."""
    pipeline = write_pipeline(tmp_path / "recipes")
    run(hub, "run", pipeline, "--root", tmp_path / "small")
    for name in ("first", "second"):
        publish(hub, tmp_path / "small" / name, f"lab/small-{name}")
    return pipeline


# ---------------------------------------------------------------------------------------------- what was published


def test_pulled_stages_are_complete_below_any_root(hub, made, tmp_path):
    listed = run(hub, "pull", made, "--namespace", "lab", "--root", tmp_path / "new", "--dry-run").stdout
    assert "dataset  lab/small-first@" in listed and "not published: third" in listed
    assert not (tmp_path / "new").exists()
    run(hub, "pull", made, "--namespace", "lab", "--root", tmp_path / "new")
    assert {path.name for path in (tmp_path / "new").iterdir()} == {"first", "second"}
    assert not [path for path in (tmp_path / "new" / "first").iterdir() if path.name.startswith(".")]
    assert "0 bytes to fetch" in run(hub, "pull", made, "--namespace", "lab", "--root", tmp_path / "new").stdout
    done = run(hub, "run", made, "--root", tmp_path / "new", HF_HUB_OFFLINE="1").stdout
    assert done.count("skipped") == 2 and (tmp_path / "new/third/manifest.json").exists()
    rows = [(tmp_path / root / "third/data.parquet").read_bytes() for root in ("small", "new")]
    assert rows[0] == rows[1]


def test_a_pipeline_that_inherits_its_stages_is_one(hub, made, tmp_path):
    heir = made.with_name("heir.yaml")
    heir.write_text("inherit: pipeline.yaml\nroot: data/small\n")
    listed = run(hub, "pull", heir, "--namespace", "lab", "--root", tmp_path / "new", "--dry-run").stdout
    assert "dataset  lab/small-first@" in listed and "not published: third" in listed


def test_a_pipeline_starts_where_the_published_artifacts_end(hub, made, tmp_path):
    done = run(hub, "run", made, "--root", tmp_path / "new", "--from-hub", "lab").stdout
    assert "published: first" in done and {path.name for path in (tmp_path / "new").iterdir()} == {
        "second",
        "third",
        "logs",
    }
    assert (tmp_path / "new/third/data.parquet").read_bytes() == (tmp_path / "small/third/data.parquet").read_bytes()


def test_what_is_published_of_another_recipe_is_run(hub, made, tmp_path):
    changed = write_pipeline(tmp_path / "changed", limit=5)
    done = run(hub, "run", changed, "--root", tmp_path / "new", "--from-hub", "lab").stdout
    assert "published" not in done and (tmp_path / "new/first/manifest.json").exists()


def test_one_artifact_into_its_own_directory(hub, made, tmp_path):
    run(hub, "pull", "lab/small-second", "--root", tmp_path / "new")
    first, second = tmp_path / "small/second", tmp_path / "new/small-second"
    assert (first / "manifest.json").read_bytes() == (second / "manifest.json").read_bytes()
    assert "here" in run(hub, "pull", "lab/small-second", "--root", tmp_path / "new").stdout


def test_a_download_that_ended_goes_on_with_what_is_missing(hub, tmp_path):
    commit = hub.repositories["model", "lab/tiny"].at("main").sha
    scratch = tmp_path / "new" / f".tiny.{commit[:8]}"
    scratch.mkdir(parents=True)
    (scratch / "model.safetensors").write_bytes(b"0" * 5000)
    assert "\n11 bytes to fetch" in run(hub, "pull", "lab/tiny", "--root", tmp_path / "new").stdout
    assert {file.name: file.stat().st_size for file in (tmp_path / "new/tiny").iterdir()} == {
        "config.json": 2,
        "model.onnx": 9,
        "model.safetensors": 5000,
    }
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["tiny"]


def test_two_that_pull_one_artifact_stay_out_of_each_others_way(hub, tmp_path):
    words = ("pull", "lab/tiny", "--root", tmp_path / "new")
    (tmp_path / "new").mkdir()
    first = Lock(tmp_path / "new/.tiny.lock", "it")
    assert "tiny is being written by another process" in error_of(run(hub, *words, check=False))
    first.release()
    run(hub, *words)
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["tiny"]


# ------------------------------------------------------------------------------------------- what recipes name there


def test_a_recipe_that_was_pulled_runs_without_network_and_only_its_split_came(hub, tmp_path):
    recipe = recipe_of(tmp_path)
    before = run(hub, "decontaminate", "--config", recipe, check=False, HF_HUB_OFFLINE="1")
    assert "switched off" in error_of(before) and "open-r1 pull" in before.stderr
    assert "dataset  lab/sums@" in run(hub, "pull", recipe).stdout
    with hub.away():
        run(hub, "decontaminate", "--config", recipe, HF_HUB_OFFLINE="1")
    manifest = json.loads((tmp_path / "out/manifest.json").read_text())
    (commit,) = [path.name for path in (hub.home / "hub/datasets--lab--sums/snapshots").iterdir()]
    assert manifest["inputs"]["lab/sums"] == commit and manifest["rows"] == 8
    assert not list(hub.home.rglob("large.jsonl"))


def test_files_that_an_entry_names_come_and_no_others(hub, tmp_path):
    recipe = recipe_of(tmp_path, datasets=[{"path": "lab/sums", "files": ["large.jsonl"]}])
    run(hub, "pull", recipe)
    with hub.away():
        run(hub, "decontaminate", "--config", recipe, HF_HUB_OFFLINE="1")
    assert json.loads((tmp_path / "out/manifest.json").read_text())["rows"] == 8 * 99
    assert not list(hub.home.rglob("rows.jsonl"))
    wrong = recipe_of(tmp_path, datasets=[{"path": "lab/sums", "files": ["small.jsonl"]}])
    assert "it has no file small.jsonl" in error_of(run(hub, "pull", wrong, check=False))


def test_a_model_comes_once_in_the_format_that_is_read(hub, tmp_path):
    recipe = recipe_of(tmp_path, model_name_or_path="lab/tiny")
    listed = run(hub, "pull", recipe, "--dry-run").stdout
    assert "model    lab/tiny@" in listed
    run(hub, "pull", recipe)
    assert list(hub.home.rglob("model.safetensors")) and not list(hub.home.rglob("model.onnx"))


def test_what_a_training_evaluates_its_steps_with_comes_too(hub, tmp_path):
    own = tmp_path / "own.yaml"
    own.write_text(json.dumps({"path": "lab/sums", "name": "large"}))
    values = {"model_name_or_path": "lab/tiny", "benchmarks": [str(own)], "evaluation": {"num_samples": 2}}
    recipe = tmp_path / "training.yaml"
    rows = {"path": str(benchmark(tmp_path))}
    recipe.write_text(json.dumps({"output_dir": str(tmp_path / "out"), "datasets": [rows], **values}))
    listed = run(hub, "pull", recipe, "--dry-run").stdout
    assert "model    lab/tiny@" in listed and "dataset  lab/sums@" in listed


def test_a_run_stays_on_its_commit_until_it_is_forced(hub, tmp_path):
    recipe = recipe_of(tmp_path)
    run(hub, "decontaminate", "--config", recipe)
    manifest = tmp_path / "out/manifest.json"
    first = json.loads(manifest.read_text())
    hub.repositories["dataset", "lab/sums"].write({"sums/rows.jsonl": ROWS[: len(ROWS) // 2]}, title="fewer")
    with hub.away():  # a complete result needs no network
        assert "is complete" in run(hub, "decontaminate", "--config", recipe).stdout
    (tmp_path / "out/started.json").write_text(json.dumps({"inputs": first["inputs"]}))
    manifest.unlink()  # as if it had been killed before its end
    done = run(hub, "decontaminate", "--config", recipe)
    assert "notice: lab/sums is " in done.stdout and json.loads(manifest.read_text())["inputs"] == first["inputs"]
    run(hub, "decontaminate", "--config", recipe, "--force")
    assert json.loads(manifest.read_text())["rows"] == 4 != first["rows"]


def test_a_commit_that_is_gone_is_begun_anew_by_force(hub, tmp_path):
    recipe = recipe_of(tmp_path)
    run(hub, "decontaminate", "--config", recipe)
    record = json.loads((tmp_path / "out/manifest.json").read_text())["inputs"] | {"lab/sums": "1" * 40}
    (tmp_path / "out/started.json").write_text(json.dumps({"inputs": record}))
    (tmp_path / "out/manifest.json").unlink()
    assert "--force" in error_of(run(hub, "decontaminate", "--config", recipe, check=False))
    run(hub, "decontaminate", "--config", recipe, "--force")


# -------------------------------------------------------------------------------------------------------- bad input

REFUSED = {
    "no token": ("lab/hidden", {"HF_TOKEN": ""}, ["is not on the Hub, or private", "hf auth login"]),
    "wrong token": ("lab/hidden", {"HF_TOKEN": "hf_wrong"}, ["lab/hidden", "use a token that may read it"]),
    "gated": ("lab/gated", {"HF_TOKEN": ""}, ["is gated", "accept its terms at http"]),
    "not there": ("lab/nothing", {}, ["lab/nothing is not on the Hub"]),
    "missing revision": ("lab/tiny@next", {}, ["has no revision next", "use one of main"]),
    "offline": ("lab/tiny", {"HF_HUB_OFFLINE": "1"}, ["switched off (HF_HUB_OFFLINE)", "on a machine with network"]),
    "away": ("lab/tiny", {"HF_ENDPOINT": "http://127.0.0.1:9"}, ["cannot be reached", "HF_HUB_OFFLINE=1"]),
    "no name": ("lab/--x..", {}, ["lab/--x.. is no name on the Hub"]),
    "namespace of an artifact": (
        "lab/tiny --namespace lab",
        {},
        ["lab/tiny is no pipeline", "leave `--namespace` out"],
    ),
    "nothing like it": ("lab", {}, ["lab is no pipeline, recipe, or name on the Hub"]),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_pulled_is_one_line_with_its_fix(hub, tmp_path, case):
    hub.add("model", "lab/hidden", {"config.json": b"{}"}, private=True)
    hub.add("model", "lab/gated", {"config.json": b"{}"}, gated=True)
    name, environment, words = REFUSED[case]
    line = error_of(run(hub, "pull", *name.split(), "--root", tmp_path / "new", check=False, **environment))
    assert all(word in line for word in words), line
    assert not (tmp_path / "new" / name.rpartition("/")[2]).exists()


def test_a_disk_that_is_too_small_is_told_before_anything_comes(hub, tmp_path):
    done = run(hub, "pull", "lab/tiny", "--root", tmp_path / "new", check=False, program=FULL)
    assert "needs 5 KB" in error_of(done) and "1 bytes free" in done.stderr
    assert not list(hub.home.rglob("*.safetensors")) and not (tmp_path / "new").exists()


def test_an_artifact_of_another_version_of_the_pipeline_is_refused(hub, made, tmp_path):
    changed = write_pipeline(tmp_path / "changed", limit=5)
    done = run(hub, "pull", changed, "--namespace", "lab", "--root", tmp_path / "new", check=False)
    assert "lab/small-first@" in error_of(done) and "'limit': 6" in done.stderr and "'limit': 5" in done.stderr
    assert not (tmp_path / "new").exists()


def test_a_directory_that_holds_something_else_is_left(hub, made, tmp_path):
    (tmp_path / "new/first").mkdir(parents=True)
    (tmp_path / "new/first/notes").write_text("mine")
    done = run(hub, "pull", made, "--namespace", "lab", "--root", tmp_path / "new", check=False)
    assert "first is there, and is not lab/small-first@" in error_of(done)
    assert [path.name for path in (tmp_path / "new").rglob("*")] == ["first", "notes"]


def test_two_revisions_of_one_name_are_a_contradiction(hub, tmp_path):
    recipe = recipe_of(tmp_path, datasets=[{"path": "lab/sums@main", "revision": "other"}])
    assert "lab/sums@main has the revision main" in error_of(
        run(hub, "decontaminate", "--config", recipe, check=False)
    )
