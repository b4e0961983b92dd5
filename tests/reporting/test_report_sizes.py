"""Parameters are counted: from headers of weights, or from a configuration."""

import json

import pytest
from made_evaluation import write_model

from open_r1.reporting.sizes import parameters, shown

LLAMA = {"model_type": "llama", "hidden_size": 8, "intermediate_size": 16, "num_hidden_layers": 2, "vocab_size": 32}
LLAMA |= {"num_attention_heads": 2, "tie_word_embeddings": True}


def test_weights_are_counted_as_torch_does(tmp_path):
    import torch
    from safetensors.torch import save_file
    from transformers import LlamaConfig, LlamaForCausalLM

    model = LlamaForCausalLM(LlamaConfig(**{k: v for k, v in LLAMA.items() if k != "model_type"}))
    model.save_pretrained(tmp_path / "whole")
    (tmp_path / "config_only").mkdir()
    (tmp_path / "config_only/config.json").write_text(json.dumps(LLAMA))
    assert parameters(str(tmp_path / "whole")) == model.num_parameters() == parameters(str(tmp_path / "config_only"))
    save_file({"lora_A": torch.zeros(3, 5), "lora_B": torch.zeros(7, 3)}, tmp_path / "adapter_model.safetensors")
    (tmp_path / "adapter_config.json").write_text(json.dumps({"base_model_name_or_path": str(tmp_path / "whole")}))
    assert parameters(str(tmp_path)) == model.num_parameters() + 36


def test_a_model_in_pieces_is_the_sum_of_them(tmp_path):
    write_model(tmp_path / "x", 3, 10)
    (tmp_path / "x/more.safetensors").write_bytes((tmp_path / "x/model.safetensors").read_bytes())
    assert parameters(str(tmp_path / "x")) == 600


@pytest.mark.parametrize("name", ["org/model", "org/model@main", "nowhere", "."])
def test_of_what_is_not_here_nothing_is_known(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config.json").write_text('{"model_type": "made_up"}')
    assert parameters(name) is None


@pytest.mark.parametrize(
    ("count", "text"),
    [(671_000_000_000, "671B"), (1_543_714_304, "1.54B"), (134_515_008, "135M"), (630_000, "630k"), (999, "0.999k")],
)
def test_a_size_in_words(count, text):
    assert shown(count) == text
