"""What a recipe asks of vLLM is refused where it cannot work, before a model is loaded."""

import json
from types import SimpleNamespace

import pytest
from conftest import REPOSITORY
from tiny_models import save_tiny_base
from trl import GRPOConfig, ModelConfig

from open_r1.core.errors import EndpointError, RecipeError
from open_r1.training.vllm_server import longest_prompt, trained_dtype
from open_r1.training.with_vllm import (
    adapter_notice,
    check_colocated,
    check_length,
    check_sampling,
    names_of,
    patience_for,
    version_notice,
)
from open_r1.training.with_vllm import explained_server as watched

GB = 10**9


def config(**values) -> GRPOConfig:
    return GRPOConfig(use_cpu=True, bf16=False, report_to="none", use_vllm=True, **values)


def run_of(**values) -> SimpleNamespace:
    return SimpleNamespace(config=config(**values), recipe=values)


@pytest.mark.parametrize(
    ("values", "message", "fix"),
    [
        ({"vllm_mode": "sever"}, "`vllm_mode: sever` is unknown", "server, colocate"),
        ({"vllm_tensor_parallel_size": 2}, "`vllm_tensor_parallel_size: 2` does not divide 1", "divisor"),
        ({"top_p": 0.9}, "`top_p: 0.9`", "remove `top_p`, or set `vllm_importance_sampling_correction: false`"),
        ({"top_k": 20}, "`top_k: 20`", "remove `top_k`"),
        ({"min_p": 0.1}, "`min_p: 0.1`", "remove `min_p`"),
        ({"repetition_penalty": 1.1}, "`repetition_penalty: 1.1`", "remove `repetition_penalty`"),
        ({"vllm_mode": "server", "vllm_server_base_url": "http://a:1/v1"}, "http://a:1/v1", "http://a:1`"),
    ],
)
def test_values_that_cannot_work_are_refused(values, message, fix):
    with pytest.raises(RecipeError) as found:
        check_sampling(run_of(**values))
    assert message in str(found.value) and fix in found.value.hint


def test_values_that_work():
    check_sampling(run_of(temperature=0.7, top_p=1.0, top_k=0))
    check_sampling(run_of(top_p=0.9, vllm_importance_sampling_correction=False))
    check_sampling(run_of(vllm_mode="server", vllm_tensor_parallel_size=2))  # the server's, not the trainer's


@pytest.mark.parametrize(
    ("size", "memory", "values", "message"),
    [
        (28 * GB, 80 * GB, {}, "0.3` of 80 GB is 24 GB, and the weights alone take 28 GB"),
        (28 * GB, 80 * GB, {"vllm_tensor_parallel_size": 2}, None),
        (14 * GB, 80 * GB, {}, None),
        (28 * GB, None, {}, None),
        (1, 1, {"vllm_gpu_memory_utilization": 1.5}, "`vllm_gpu_memory_utilization: 1.5` is no share"),
        (1, 1, {"vllm_gpu_memory_utilization": 0.0}, "`vllm_gpu_memory_utilization: 0.0` is no share"),
    ],
)
def test_a_share_of_a_gpu_that_cannot_hold_the_weights(size, memory, values, message):
    if message is None:
        assert check_colocated(config(**values), size, memory) == []
        return
    with pytest.raises(RecipeError, match=message.replace(".", r"\.")) as found:
        check_colocated(config(**values), size, memory)
    assert found.value.hint


def test_a_large_share_names_the_sleep_mode():
    (notice,) = check_colocated(config(vllm_gpu_memory_utilization=0.7), GB, 80 * GB)
    assert "leaves 30% of each GPU to the training" in notice and "vllm_enable_sleep_mode: true" in notice
    assert not check_colocated(config(vllm_gpu_memory_utilization=0.7, vllm_enable_sleep_mode=True), GB, 80 * GB)


def test_a_context_that_a_completion_does_not_fit_into():
    check_length(config(max_completion_length=100, vllm_max_model_length=150), 50, 64)
    with pytest.raises(RecipeError, match="the longest prompt of 51 tokens") as found:
        check_length(config(max_completion_length=100, vllm_max_model_length=150), 51, 4096)
    assert found.value.hint.startswith("set `vllm_max_model_length: 151`")
    with pytest.raises(RecipeError, match="`max_position_embeddings` is 4096"):
        check_length(config(max_completion_length=4096), 50, 4096)


def test_a_larger_model_is_waited_for_longer():
    seconds = [round(patience_for(run_of(), size * GB)) for size in (1, 15, 141, 1400)]
    assert seconds == [250, 390, 1650, 1740]  # the last within the 1800 s of `ddp_timeout`
    assert patience_for(run_of(vllm_server_timeout=5.0), 141 * GB) == 5.0


def test_the_trainers_precision():
    cases = [({"bf16": None}, "bfloat16"), ({"bf16": True}, "bfloat16"), ({"bf16": False}, "float32")]
    cases += [({"bf16": None, "fp16": True}, "float16"), ({"bf16": False, "dtype": "bfloat16"}, "bfloat16")]
    for values, expected in cases:
        assert trained_dtype({"fp16": False, "dtype": "float32"} | values) == expected


def test_the_longest_prompt_is_counted_in_tokens_with_its_template(tmp_path):
    from datasets import Dataset

    from open_r1.core.formats import render_prompt
    from open_r1.data.tokenizer import load_tokenizer

    template = str(REPOSITORY / "recipes/templates/chatml/r1.jinja")
    tokenizer = load_tokenizer(save_tiny_base(tmp_path / "base", "chatml"), template)
    texts = ["1 + 1", "1 + 1 " * 30, "x" * 40] * 200
    rows = Dataset.from_list([{"prompt": [{"role": "user", "content": text}]} for text in texts])
    every = [len(tokenizer(render_prompt(tokenizer, row["prompt"]))["input_ids"]) for row in rows]
    assert longest_prompt(tokenizer, rows) == max(every) > 90


def test_a_failure_of_trls_client_is_one_line(monkeypatch, tmp_path):
    """TRL's client cannot be made without vLLM, so its frames come from a file of the same name."""
    code = "def init_communicator():\n    raise RuntimeError('NCCL error:\\nunhandled system error')\n"
    code += "def _post():\n    raise ConnectionError('refused')\n"
    space: dict = {}
    exec(compile(code, str(tmp_path / "trl/generation/vllm_client.py"), "exec"), space)
    run = run_of(vllm_mode="server", vllm_server_base_url="http://node2:8000")
    with pytest.raises(EndpointError, match="no connection for the weights with http://node2") as found, watched(run):
        space["init_communicator"]()
    assert "\n" not in str(found.value)
    for name in ("NCCL_SOCKET_IFNAME", "NCCL_P2P_DISABLE=1", "NCCL_DEBUG=INFO"):
        assert name in found.value.hint
    with (
        pytest.raises(EndpointError, match="server at http://node2:8000 fails: ConnectionError: refused"),
        watched(run),
    ):
        space["_post"]()
    with pytest.raises(ZeroDivisionError), watched(run):
        raise ZeroDivisionError  # not of TRL's client


def test_a_version_outside_of_the_extra_is_a_notice():
    assert [version_notice(version) for version in ("0.28.0", "0.30.0+cpu", "0.30.2")] == [[], [], []]
    for version in ("0.27.1", "0.31.0"):
        assert f"version {version} is outside of <0.31,>=0.28" in version_notice(version)[0]


def test_an_adapter_in_16_bit_is_a_notice():
    (notice,) = adapter_notice(ModelConfig(use_peft=True, dtype="bfloat16"))
    assert "in bfloat16 changes the frozen weights" in notice and "`dtype: float32` keeps them" in notice
    assert not adapter_notice(ModelConfig(use_peft=True, dtype="float32"))
    assert not adapter_notice(ModelConfig(dtype="bfloat16"))


def test_under_which_names_a_server_may_serve_the_model(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data/adapter").mkdir(parents=True)
    settings = {"base_model_name_or_path": "org/base", "peft_type": "LORA"}
    (tmp_path / "data/adapter/adapter_config.json").write_text(json.dumps(settings))
    assert names_of("org/model", "org/model") == ("org/model",)
    found = names_of("data/adapter", "data/out/start")
    assert found == ("data/adapter", "data/out/start", "org/base", str(tmp_path / "data/adapter"))
