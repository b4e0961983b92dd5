"""Parameters are counted as they are published, and as transformers counts them."""

from dataclasses import asdict, replace

import pytest

from open_r1.cluster.shapes import KINDS, shape_of, table
from open_r1.core.errors import RecipeError

PUBLISHED = {  # in billions, from the model cards
    "HuggingFaceTB/SmolLM2-135M": (0.1345, 0.1345),
    "Qwen/Qwen2.5-1.5B": (1.54, 1.54),
    "Qwen/Qwen2.5-7B": (7.62, 7.07),
    "Qwen/Qwen2.5-14B": (14.77, 13.99),
    "Qwen/Qwen2.5-32B": (32.76, 31.98),
    "Qwen/Qwen3-4B-Base": (4.02, 4.02),
    "Qwen/Qwen3-8B-Base": (8.19, 7.57),
    "meta-llama/Llama-3.1-8B": (8.03, 7.50),
    "meta-llama/Llama-3.3-70B-Instruct": (70.55, 69.50),
    "deepseek-ai/DeepSeek-V3-Base": (671.03, 36.63),  # "671B total parameters with 37B activated"
}
DISTINCT = {shape: name for name, shape in reversed(table().items())}  # one name for each shape, the first


def config_of(shape):
    """The configuration that transformers builds from; what is 0 stays its default."""
    from transformers import AutoConfig

    values = {key: value for key, value in asdict(shape).items() if value or key == "tie_word_embeddings"}
    return AutoConfig.for_model(values.pop("model_type"), **values)


def counted(shape) -> int:
    import torch
    from transformers import AutoModelForCausalLM

    with torch.device("meta"):
        return AutoModelForCausalLM.from_config(config_of(shape)).num_parameters()


@pytest.mark.parametrize("name", PUBLISHED)
def test_counts_are_the_published_ones(name):
    whole, active = PUBLISHED[name]
    shape = table()[name]
    assert shape.parameters / 1e9 == pytest.approx(whole, rel=3e-3)
    assert shape.active / 1e9 == pytest.approx(active, rel=3e-3)


def test_every_row_of_the_table_is_checked():
    assert set(DISTINCT.values()) == set(PUBLISHED)


@pytest.mark.parametrize("name", PUBLISHED)
def test_counts_are_those_of_transformers(name):
    assert table()[name].parameters == counted(table()[name])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "changes", [{}, {"num_key_value_heads": 2, "head_dim": 48}, {"tie_word_embeddings": True}], ids=str
)
def test_each_kind_is_counted_with_other_sizes(kind, changes):
    name = "deepseek-ai/DeepSeek-V3-Base" if kind == "deepseek_v3" else "Qwen/Qwen2.5-1.5B"
    if kind == "deepseek_v3" and "head_dim" in changes:
        pytest.skip("latent attention has no key heads")
    small = replace(table()[name], model_type=kind, num_hidden_layers=5, vocab_size=1000, tie_word_embeddings=False)
    shape = replace(small, **changes)
    assert shape.parameters == counted(shape)


@pytest.mark.parametrize("name", ["Qwen/Qwen2.5-1.5B", "meta-llama/Llama-3.1-8B"])
def test_an_adapter_is_as_large_as_that_of_peft(name):
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    shape = replace(table()[name], num_hidden_layers=3)
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(config_of(shape))
        model = get_peft_model(model, LoraConfig(r=16, target_modules="all-linear", task_type="CAUSAL_LM"))
    assert shape.adapter(16) == model.num_parameters(only_trainable=True)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"model_type": "mamba"}, "no plan for `model_type: mamba`"),
        ({}, "no plan for `model_type: None`"),
        ({"model_type": "llama", "hidden_size": 8}, "lacks 'intermediate_size'"),
    ],
)
def test_a_configuration_that_is_none_is_told(config, message):
    with pytest.raises(RecipeError, match="x.json: ") as raised:
        shape_of(config, "x.json")
    assert message in str(raised.value)
