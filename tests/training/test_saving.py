"""A model that was saved badly never counts as finished."""

import json
import shutil

import pytest
import safetensors.torch
import torch
from transformers import LlamaConfig, LlamaForCausalLM, LlamaForSequenceClassification

from open_r1.core.errors import ArtifactError
from open_r1.training.saving import describe, require_loadable

SIZES = {"vocab_size": 32, "hidden_size": 8, "intermediate_size": 16, "num_hidden_layers": 2}
SIZES |= {"num_attention_heads": 2, "num_key_value_heads": 2}


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    """A model in several files, with its tokenizer."""
    from tokenizers import Tokenizer, models
    from transformers import PreTrainedTokenizerFast

    path = tmp_path_factory.mktemp("good")
    LlamaForCausalLM(LlamaConfig(**SIZES)).save_pretrained(path, max_shard_size="2KB")
    vocabulary = {chr(97 + index): index for index in range(26)} | {"<eos>": 26}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<eos>"))
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<eos>").save_pretrained(path)
    return path


@pytest.fixture
def model(good, tmp_path):
    return shutil.copytree(good, tmp_path / "model")


def shards(path):
    return sorted(path.glob("model-*.safetensors"))


def test_what_was_saved_well_passes(model, tmp_path):
    require_loadable(model)
    for name in (*shards(model), model / "model.safetensors.index.json"):
        name.unlink()
    config = LlamaConfig(**SIZES, num_labels=1)
    LlamaForSequenceClassification(config).save_pretrained(model)
    require_loadable(model)
    for name in ("config.json", "model.safetensors"):
        (model / name).unlink()
    (model / "adapter_config.json").write_text("{}")
    safetensors.torch.save_file({"lora_A": torch.zeros(2, 2)}, model / "adapter_model.safetensors")
    require_loadable(model)


def no_weights(path):
    for shard in (*shards(path), path / "model.safetensors.index.json"):
        shard.unlink()


def no_shard(path):
    shards(path)[1].unlink()


def cut_shard(path):
    shards(path)[1].write_bytes(shards(path)[1].read_bytes()[:-10])


def no_tokenizer(path):
    (path / "tokenizer_config.json").unlink()


def broken_tokenizer(path):
    (path / "tokenizer.json").write_text("{")


def other_shape(path):
    config = json.loads((path / "config.json").read_text())
    (path / "config.json").write_text(json.dumps(config | {"intermediate_size": 24}))


def more_layers(path):
    config = json.loads((path / "config.json").read_text())
    (path / "config.json").write_text(json.dumps(config | {"num_hidden_layers": 3}))


def fewer_layers(path):
    config = json.loads((path / "config.json").read_text())
    (path / "config.json").write_text(json.dumps(config | {"num_hidden_layers": 1}))


@pytest.mark.parametrize(
    ("harm", "message"),
    [
        (no_weights, "does not load"),
        (no_shard, "does not load"),
        (cut_shard, "does not load"),
        (no_tokenizer, "no tokenizer"),
        (broken_tokenizer, "does not load"),
        (other_shape, r"layers.0.mlp.down_proj.weight has shape \(8, 16\), .* and 3 more"),
        (more_layers, "model.layers.2.input_layernorm.weight is missing"),
        (fewer_layers, "model.layers.1.input_layernorm.weight is unknown"),
    ],
)
def test_what_was_saved_badly_is_refused(model, harm, message):
    harm(model)
    with pytest.raises(ArtifactError, match=message) as caught:
        require_loadable(model)
    assert "checkpoints are kept" in caught.value.hint and "\n" not in str(caught.value)


def test_empty_adapter_is_refused(model):
    (model / "config.json").unlink()
    (model / "adapter_config.json").write_text("{}")
    safetensors.torch.save_file({}, model / "adapter_model.safetensors")
    with pytest.raises(ArtifactError, match="holds no weights"):
        require_loadable(model)


def test_a_checkpoint_without_weights_is_told_of(tmp_path):
    with pytest.raises(ValueError, match="no weights that others could load"):
        describe(None, tmp_path, torch.float32)
