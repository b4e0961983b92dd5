"""What a user sees of publishing: a run with `push_to_hub: true`, a Hub that is away, `open-r1 push`."""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import REPOSITORY
from local_hub import LocalHub

BASE = ("sft", "--config", "recipes/mini/base.yaml", "--smoke", "--save_steps", "1")
PUBLISH = ("--push_to_hub", "--hub_namespace", "lab", "--hub_must_stop", "0")


@pytest.fixture
def hub(tmp_path):
    with LocalHub(tmp_path / "hf") as found:
        yield found


def run(hub: LocalHub, *words: object, code: int = 0, **variables: str) -> subprocess.CompletedProcess:
    """`open-r1` with this Hub; its standard output, its errors and its exit code."""
    command = [sys.executable, "-m", "open_r1.cli", *map(str, words)]
    environment = {name: value for name, value in os.environ.items() if name != "OPEN_R1_PUBLISHES"}
    done = subprocess.run(
        command, cwd=REPOSITORY, capture_output=True, text=True, env=environment | hub.environment | variables
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done


def digests(files: dict[str, bytes]) -> dict[str, str]:
    return {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}


def on_disk(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def notes(output: Path) -> list[dict]:
    return [json.loads(line) for line in (output / ".hub" / "pushed.jsonl").read_text().splitlines()]


def test_a_training_publishes_its_steps_and_its_result(hub, tmp_path):
    done = run(hub, *BASE, "--root", tmp_path / "mini", *PUBLISH)
    output, found = tmp_path / "mini" / "base", hub.repositories["model", "lab/mini-base"]
    assert "publishing as tester" in done.stdout and "pending" not in done.stdout
    assert sorted(found.branches) == ["main", "step-000001", "step-000002"] and found.private
    made = json.loads((output / "manifest.json").read_text())["hash"]
    assert list(found.tags) == [made] and [note["name"] for note in notes(output)][-1] == "final"
    assert not list((output / ".hub").glob("[0-9]*"))
    published = found.files("main")
    kept = digests({name: content for name, content in on_disk(output).items() if not name.startswith(".")})
    changed = {".gitattributes", "README.md", "curves.png", "training_args.bin"}  # what publishing adds, or leaves out
    same = {name: digest for name, digest in digests(published).items() if name not in changed}
    assert same == {name: digest for name, digest in kept.items() if name not in changed}
    assert found.files("step-000002")["model.safetensors"] == published["model.safetensors"]
    assert not {name for name in found.files("step-000001") if name.endswith((".pt", ".bin", ".pth"))}
    assert all(hub.token.encode() not in content for content in on_disk(tmp_path / "mini").values())


def test_a_hub_that_is_away_for_the_whole_run(hub, tmp_path):
    with hub.away():
        done = run(hub, *BASE, "--root", tmp_path / "mini", *PUBLISH)
    output = tmp_path / "mini" / "base"
    assert "the Hub does not answer" in done.stdout
    last = done.stdout.strip().splitlines()[-1]
    assert last == f"pending: 3 to be published; send them with: open-r1 push --resume {output}"
    done = run(hub, "push", "--resume", tmp_path / "mini")
    assert done.stdout.splitlines()[-1] == "nothing is pending"
    assert len(hub.repositories["model", "lab/mini-base"].branches) == 3
    assert "nothing is pending" in run(hub, "push", "--resume", output).stdout


def test_publishing_is_switched_on_for_what_is_complete(hub, tmp_path):
    run(hub, *BASE, "--root", tmp_path / "mini")
    made = (tmp_path / "mini/base/manifest.json").read_bytes()
    done = run(hub, *BASE, "--root", tmp_path / "mini", *PUBLISH)
    assert "is complete" in done.stdout and (tmp_path / "mini/base/manifest.json").read_bytes() == made
    assert hub.repositories["model", "lab/mini-base"].files("main")["manifest.json"] == made
    run(hub, *BASE, "--root", tmp_path / "mini", *PUBLISH)
    assert len(hub.repositories["model", "lab/mini-base"].history("main")) == 2, "the first commit, and the result"


def test_a_pipeline_publishes_beside_its_stages(hub, tmp_path):
    words = ("recipes/mini/pipeline.yaml", "--smoke", "--to", "cold_start_data", "--root", tmp_path / "mini")
    done = run(hub, "run", *words, "--push_to_hub", "--hub_namespace", "lab", "--only", "base")
    assert "publishing as tester" in done.stdout
    assert "base final: lab/mini-base" in (tmp_path / "mini/logs/hub.log").read_text()
    assert ("model", "lab/mini-base") in hub.repositories


@pytest.mark.parametrize(
    ("given", "variables", "expected"),
    [
        (["--hub_namespace", "evil"], {}, "error: evil/mini-base: tester may not write to evil"),
        ([], {"HF_TOKEN": "hf_" + "wrong" * 7}, "error: the Hub refuses the token"),
        ([], {"HF_TOKEN": ""}, "error: no token of the Hub is here"),
        (["--hub_model_id", "lab/two words"], {}, "error: `lab/two words` is no name for a repository"),
        (["--hub_token", "x"], {}, "error: recipes/mini/base.yaml: unknown key `hub_token`"),
        (["--hub_private_repo", "true"], {}, "error: recipes/mini/base.yaml: unknown key `hub_private_repo`"),
        (["--hub_strategy", "every_save"], {}, "error: recipes/mini/base.yaml: unknown key `hub_strategy`"),
    ],
)
def test_what_the_hub_would_refuse_is_said_before_the_run(hub, tmp_path, given, variables, expected):
    done = run(hub, *BASE, "--root", tmp_path / "mini", "--push_to_hub", *given, code=2, **variables)
    assert done.stderr.splitlines()[-2].startswith(expected) and done.stderr.splitlines()[-1].startswith("  fix: ")
    assert not (tmp_path / "mini").exists() and not hub.repositories


def test_a_token_that_may_only_read(tmp_path):
    with LocalHub(tmp_path / "hf", role="read") as hub:
        done = run(hub, *BASE, "--root", tmp_path / "mini", "--push_to_hub", code=2)
    assert "the token of tester may only read" in done.stderr


def test_without_a_network_the_queue_waits(hub, tmp_path):
    done = run(hub, *BASE, "--root", tmp_path / "mini", *PUBLISH, HF_HUB_OFFLINE="1")
    assert "pending: 3 to be published" in done.stdout and not hub.log
    done = run(hub, "push", "--resume", tmp_path / "mini", code=2, HF_HUB_OFFLINE="1")
    assert "the Hub is switched off" in done.stderr


def test_what_may_not_be_pushed_is_not_queued(hub, tmp_path):
    output = tmp_path / "mini" / "report"
    output.mkdir(parents=True)
    (output / "manifest.json").write_text(json.dumps({"hash": "abc", "command": "report", "recipe": {}}))
    refused = run(hub, "push", output, "--namespace", "labb", code=2).stderr.splitlines()
    assert refused[-2:] == [
        "error: labb/mini-report: tester may not write to labb",
        "  fix: publish in the namespace of one of lab, tester",
    ]
    assert "no token of the Hub" in run(hub, "push", output, code=2, HF_TOKEN="").stderr
    assert not (output / ".hub").exists()


def test_push_of_nothing(hub, tmp_path):
    assert "nothing to publish" in run(hub, "push", code=2).stderr
    assert "is no directory" in run(hub, "push", tmp_path / "none", code=2).stderr
    (tmp_path / "mini" / "zero").mkdir(parents=True)
    assert "nothing is pending" in run(hub, "push", tmp_path / "mini").stdout


def test_what_was_deleted_on_the_hub_is_published_again(hub, tmp_path):
    output = tmp_path / "mini" / "report"
    output.mkdir(parents=True)
    (output / "manifest.json").write_text(json.dumps({"hash": "abc", "command": "report", "recipe": {}}))
    words = ("push", output, "--namespace", "lab")
    run(hub, *words)
    hub.repositories.clear()
    with hub.away():
        assert "the Hub cannot be reached" in run(hub, *words, code=2).stderr
    assert "lab/mini-report is not on the Hub any more" in run(hub, *words).stdout
    found = hub.repositories["dataset", "lab/mini-report"]
    assert [note["commit"] for note in notes(output)] == [found.tags["abc"].sha] == [found.branches["main"].sha]
    run(hub, *words)
    assert len(found.history("main")) == 2
