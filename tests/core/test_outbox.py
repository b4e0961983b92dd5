"""The queue of what is to be published: whole entries, in their order, once each, whatever becomes of the artifact."""

import json
import os
import shutil
from pathlib import Path

import pytest

from open_r1.core import outbox
from open_r1.core.artifacts import Artifact
from open_r1.core.outbox import FILES, FOLDER, PUSHED, REFUSED, entries, left, pushed
from open_r1.core.pushing import RUNNER, add_card, add_final, add_step

RECIPE = {"push_to_hub": True, "hub_namespace": "lab"}


@pytest.fixture(autouse=True)
def nobody_sends(monkeypatch):
    monkeypatch.setenv(RUNNER, "1")


def artifact(folder: Path, made: str = "abc") -> tuple[Path, dict]:
    """A finished training, with what it leaves beside the model."""
    for name in ("model.safetensors", "tokenizer.json", "training_args.bin", "adapter/adapter_config.json"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    for name in (".lock", "progress.json", "checkpoint-4/model.safetensors", "start/config.json", "rollouts/.draft"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    (folder / "config.json").write_text("{}")
    (folder / "README.md").write_text("card")
    (folder / "manifest.json").write_text(json.dumps({"hash": made}))
    return folder, RECIPE | {"output_dir": str(folder)}


def held(entry: Path) -> list[str]:
    return sorted(str(file.relative_to(entry / FILES)) for file in (entry / FILES).rglob("*") if file.is_file())


def test_a_result_is_queued_without_what_only_a_run_needs(tmp_path):
    output, recipe = artifact(tmp_path / "mini" / "zero")
    add_final(output, recipe)
    (entry,) = entries(output)
    model = ["README.md", "adapter/adapter_config.json", "config.json", "manifest.json"]
    assert held(entry) == [*model, "model.safetensors", "tokenizer.json"]
    facts = outbox.read_entry(entry)
    assert (facts["name"], facts["hash"], facts["must_stop"]) == ("final", "abc", 8)
    assert facts["repository"] == {"name": "lab/mini-zero", "kind": "model", "private": True, "revision": "main"}


def test_a_checkpoint_that_is_deleted_is_published_all_the_same(tmp_path):
    output, recipe = artifact(tmp_path / "zero")
    checkpoint = output / "checkpoint-4"
    for name in ("optimizer.pt", "rng_state_0.pth", "config.json", "complete"):
        (checkpoint / name).write_text(name)
    before = os.stat(checkpoint / "model.safetensors")
    add_step(output, recipe, "abc", 4)
    shutil.rmtree(checkpoint)
    (entry,) = entries(output)
    assert entry.name == "0001-step-000004" and held(entry) == ["config.json", "model.safetensors"]
    kept = os.stat(entry / FILES / "model.safetensors")
    assert kept.st_ino == before.st_ino, "its bytes are there once"


def test_a_disk_that_is_full_does_not_end_a_training(tmp_path, monkeypatch, capsys):
    def full(*_):
        raise OSError(28, "No space left on device")

    output, recipe = artifact(tmp_path / "zero")
    monkeypatch.setattr(outbox, "link", full)
    add_step(output, recipe, "abc", 4)
    assert not entries(output)
    assert "step 4 is not published: [Errno 28] No space left on device" in capsys.readouterr().out


def test_the_pieces_of_a_model_are_queued_without_those_of_the_optimizer(tmp_path):
    output, recipe = artifact(tmp_path / "zero")
    checkpoint = output / "checkpoint-4"
    (checkpoint / "model.safetensors").unlink()
    for folder in ("pytorch_model_fsdp_0", "optimizer_0"):
        (checkpoint / folder).mkdir()
        for name in ("__0_0.distcp", "__1_0.distcp", ".metadata"):
            (checkpoint / folder / name).write_text(name)
    add_step(output, recipe, "abc", 4)
    pieces = [f"pytorch_model_fsdp_0/{name}" for name in (".metadata", "__0_0.distcp", "__1_0.distcp")]
    assert held(entries(output)[0]) == pieces


def test_a_file_system_without_hard_links_gets_copies(tmp_path, monkeypatch):
    def refuse(*_):
        raise PermissionError("no links here")

    output, recipe = artifact(tmp_path / "zero")
    monkeypatch.setattr(os, "link", refuse)
    add_final(output, recipe)
    assert (entries(output)[0] / FILES / "config.json").read_text() == "{}"


def test_the_same_is_queued_once_and_another_result_or_place_again(tmp_path):
    output, recipe = artifact(tmp_path / "zero")
    for _ in range(2):
        add_final(output, recipe)
    assert len(entries(output)) == 1
    note = outbox.read_entry(entries(output)[0])
    shutil.rmtree(entries(output)[0])
    (output / FOLDER / PUSHED).write_text(json.dumps(note | {"commit": "1"}) + "\n")
    add_final(output, recipe)
    assert not entries(output), "it is published already"
    add_final(output, recipe | {"hub_namespace": "other"})
    add_final(*artifact(output, made="def"))
    assert [entry.name for entry in entries(output)] == ["0001-final", "0002-final"]


def test_entries_keep_their_order(tmp_path):
    output, recipe = artifact(tmp_path / "zero")
    for step in (12, 8):
        shutil.copytree(output / "checkpoint-4", output / f"checkpoint-{step}")
    for step in (4, 12, 8):
        add_step(output, recipe, "abc", step)
    add_final(output, recipe)
    add_card(output, "results 1")
    names = ["step-000004", "step-000012", "step-000008", "final", "card"]
    assert [entry.name.partition("-")[2] for entry in entries(output)] == names
    assert held(entries(output)[-1]) == ["README.md"]


def test_an_entry_that_a_kill_left_half_made_does_not_count(tmp_path):
    output, recipe = artifact(tmp_path / "zero")
    for name in ("final", "step-000004"):
        (output / FOLDER / f"{outbox.DRAFT}{name}" / FILES).mkdir(parents=True)
    assert not entries(output)
    add_final(output, recipe)
    assert [entry.name for entry in (output / FOLDER).iterdir()] == ["0001-final"]


def test_an_entry_that_a_kill_left_half_deleted_is_gone(tmp_path, monkeypatch):
    """Whatever was deleted first: its note, or some of its files."""
    output, recipe = artifact(tmp_path / "zero")
    add_final(output, recipe)
    note = outbox.read_entry(entries(output)[0])

    def killed(folder, **_):
        (folder / outbox.ENTRY).unlink()
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(shutil, "rmtree", killed)
        outbox.remove(entries(output)[0])
    assert not entries(output) and not outbox.waiting(output)
    assert [path.name for path in (output / FOLDER).iterdir()] == [".gone-0001-final"]
    add_final(output, recipe)  # another of the same name is removed all the same
    assert outbox.read_entry(entries(output)[0]) == note
    outbox.remove(entries(output)[0])
    assert not list((output / FOLDER).iterdir())


def test_what_is_published_meanwhile_does_not_disturb_who_adds(tmp_path, monkeypatch):
    output, recipe = artifact(tmp_path / "zero")
    add_step(output, recipe, "abc", 4)
    both = [*entries(output), output / FOLDER / "0002-step-000008"]
    monkeypatch.setattr(outbox, "entries", lambda _: both)
    assert [note["name"] for note in outbox.waiting(output)] == ["step-000004"]


def test_a_line_that_a_kill_has_cut_does_not_count(tmp_path):
    (tmp_path / FOLDER).mkdir()
    (tmp_path / FOLDER / PUSHED).write_text('{"name": "final"}\n{"name": "ca')
    assert pushed(tmp_path) == [{"name": "final"}]
    outbox.record(tmp_path, {"name": "card"})
    assert pushed(tmp_path) == [{"name": "final"}, {"name": "card"}]


def test_the_last_lines_say_what_is_left_and_what_to_do(tmp_path):
    first, recipe = artifact(tmp_path / "zero")
    second, other = artifact(tmp_path / "an other")
    add_final(first, recipe)
    add_final(second, other)
    add_card(second, "1")
    (entries(first)[0] / REFUSED).write_text("a secret in recipe.yaml:3")
    refused, pending = left([first, second])
    assert refused == f"not published: {first} (final): a secret in recipe.yaml:3"
    assert pending == f"pending: 2 to be published; send them with: open-r1 push --resume '{second}'"
    assert left([tmp_path]) == []


def test_what_force_deletes_of_a_queue_is_said(tmp_path, capsys):
    output, recipe = artifact(tmp_path / "model")
    add_step(output, recipe, "abc", 4)
    add_final(output, recipe)
    made = Artifact(recipe | {"root": str(tmp_path)})
    made.claim(force=True)
    assert capsys.readouterr().out == f"notice: deleted with {output}, and not published: step-000004, final\n"
    assert not (output / FOLDER).exists()
    made._lock.release()
    made.claim(force=True)
    assert not capsys.readouterr().out
