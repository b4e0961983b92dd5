"""Pieces of a checkpoint become the very files that the model itself would have saved, whenever a merge is killed."""

import json
import shutil
from pathlib import Path

import pytest
import safetensors.torch
import torch
import torch.distributed.checkpoint as dcp
from families import EXPERTS
from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForSequenceClassification

from open_r1.core import saved_steps, shards
from open_r1.core.errors import ArtifactError

SIZES = {"vocab_size": 64, "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2}
SIZES |= {"num_attention_heads": 4, "num_key_value_heads": 4}
KINDS = {
    "qwen2": {"tie_word_embeddings": False},
    "llama": {"tie_word_embeddings": True},
    "deepseek_v3": EXPERTS,  # in memory the experts of a layer are one weight
    "qwen3_moe": {"num_experts": 4, "moe_intermediate_size": 16},
}


def in_pieces(folder: Path, model, dtype: torch.dtype = torch.bfloat16) -> Path:
    """What a training keeps of a step: the weights in float32, the configuration of what it started from."""
    model.config.dtype, model.config.architectures = dtype, [type(model).__name__]
    model.config.save_pretrained(folder)
    writer = dcp.FileSystemWriter(folder / shards.FOLDER)
    dcp.save({"model": dict(model.state_dict())}, storage_writer=writer, no_dist=True)
    return folder


def tiny(kind: str, auto=AutoModelForCausalLM):
    torch.manual_seed(0)
    return auto.from_config(AutoConfig.for_model(kind, num_labels=1, **SIZES | KINDS[kind]))


def weights(folder: Path) -> dict[str, torch.Tensor]:
    found: dict[str, torch.Tensor] = {}
    for file in sorted(folder.glob("*.safetensors")):
        found |= safetensors.torch.load_file(file)
    return found


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def same(mine: dict[str, torch.Tensor], theirs: dict[str, torch.Tensor]) -> bool:
    return mine.keys() == theirs.keys() and all(
        mine[name].dtype == weight.dtype and torch.equal(mine[name], weight) for name, weight in theirs.items()
    )


@pytest.fixture(scope="module")
def pieces(tmp_path_factory):
    return in_pieces(tmp_path_factory.mktemp("pieces") / "step", tiny("llama"))


@pytest.fixture
def step(pieces, tmp_path):
    return shutil.copytree(pieces, tmp_path / "step")


@pytest.mark.parametrize("largest", ["5GB", "20KB"])
@pytest.mark.parametrize("kind", KINDS)
def test_the_files_are_those_that_the_model_would_have_saved(tmp_path, monkeypatch, kind, largest):
    monkeypatch.setattr(shards, "LARGEST", largest)
    model = tiny(kind)
    folder = in_pieces(tmp_path / "step", model)
    shards.merge(folder)
    model.to(torch.bfloat16).save_pretrained(tmp_path / "whole", max_shard_size="5GB")
    assert same(weights(folder), weights(tmp_path / "whole"))
    files = list(folder.glob("*.safetensors"))
    if largest == "5GB":
        assert names(folder) == ["config.json", "model.safetensors"]
    else:
        index = json.loads((folder / "model.safetensors.index.json").read_text())
        assert len(files) > 2 and set(index["weight_map"].values()) == {file.name for file in files}
    assert AutoModelForCausalLM.from_pretrained(folder).dtype == torch.bfloat16
    shards.merge(folder)  # once more, of what is whole
    assert len(list(folder.glob("*.safetensors"))) == len(files)


def test_a_reward_model_keeps_its_score(tmp_path):
    model = tiny("qwen2", AutoModelForSequenceClassification)
    folder = in_pieces(tmp_path / "step", model, torch.float32)
    shards.merge(folder)
    loaded = AutoModelForSequenceClassification.from_pretrained(folder)
    assert same(loaded.state_dict(), dict(model.state_dict()))


@pytest.mark.parametrize("killed", ["in a file", "between two files", "before the pieces are gone"])
def test_a_merge_that_was_killed_is_made_again(step, tmp_path, monkeypatch, killed):
    monkeypatch.setattr(shards, "LARGEST", "20KB")
    whole = shutil.copytree(step, tmp_path / "whole")
    shards.merge(whole)
    draft = step / shards.DRAFT
    draft.mkdir()
    if killed == "in a file":
        (draft / "model-00001-of-00009.safetensors").write_bytes(b"half")
    elif killed == "between two files":
        shutil.copy(sorted(whole.glob("*.safetensors"))[0], step)
    else:
        for file in whole.iterdir():
            shutil.copy(file, step)
        (step / shards.FOLDER).rename(draft / shards.FOLDER)
        (draft / shards.FOLDER / ".metadata").unlink()
    shards.merge(step)
    assert names(step) == names(whole) and same(weights(step), weights(whole))


@pytest.mark.parametrize("name", [".metadata", "__0_0.distcp"])
def test_a_piece_that_is_missing_is_one_line(step, name):
    (step / shards.FOLDER / name).unlink()
    with pytest.raises(ArtifactError, match=f"make no model: .*{name}") as caught:
        shards.merge(step)
    assert "one file system" in caught.value.hint and "\n" not in str(caught.value)
    assert (step / shards.FOLDER).is_dir() and not list(step.glob("*.safetensors"))


def test_a_step_whose_pieces_are_missing_is_not_evaluated_and_says_why(step, tmp_path, capsys):
    model = tmp_path / "out" / saved_steps.FOLDER / saved_steps.KEPT / "step-000002"
    model.parent.mkdir(parents=True)
    step.rename(model)
    (model / shards.FOLDER / "__0_0.distcp").unlink()
    saved_steps.evaluate(tmp_path / "out", {"benchmarks": ["aime24"]}, (), set())
    log = saved_steps.result_of(model).with_suffix(".log")
    assert capsys.readouterr().out == f"step-000002 is not evaluated: see {log}\n"
    assert log.read_text().count("error: ") == 1 and "make no model" in log.read_text()


def test_a_full_disk_passes(step, monkeypatch):
    def full(*_, **__):
        raise safetensors.SafetensorError("I/O error: No space left on device (os error 28)")

    monkeypatch.setattr(safetensors.torch, "save_file", full)
    with pytest.raises(OSError, match="No space left"):
        shards.merge(step)


def test_a_model_with_code_of_its_own_is_merged_without_running_it(step):
    config = json.loads((step / "config.json").read_text()) | {"architectures": ["OwnForCausalLM"]}
    (step / "config.json").write_text(json.dumps(config | {"auto_map": {"AutoConfig": "own.OwnConfig"}}))
    shards.merge(step)
    found = weights(step)
    assert torch.equal(found["lm_head.weight"], found["model.embed_tokens.weight"])  # both names: only it knows one
