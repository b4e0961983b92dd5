"""
The transformers engine: rows that have ended leave the batch, and the others do not notice. Many processes:
tests/test_at_scale.py.
"""

import pytest
from real_vllm import tiny_model

from open_r1.sampling import in_process
from open_r1.sampling.arguments import Sampling
from open_r1.sampling.draw import make_engine

QUESTIONS = ["What is 3 + 4 ?", "1 + 2 - 3 + 4 等于 几 ？", "Say hello .", "What is 2 - 2 + 1 + 0 + 3 ?", "4 + 4"]


@pytest.fixture(scope="module")
def engine(smoke_root):
    sampling = Sampling(temperature=0.0, num_samples=1, max_new_tokens=40, dtype="float32")
    return make_engine(str(smoke_root / "reasoning_rl"), "r1", sampling)


def jobs(engine):
    return [
        in_process.render(engine.tokenizer, [{"role": "user", "content": text}], engine.sampling) for text in QUESTIONS
    ]


@pytest.mark.slow
@pytest.mark.parametrize("segment", [1, 3, 7, 39, 40])
def test_segments_change_no_token(engine, monkeypatch, segment):
    whole = engine.draw(jobs(engine), 0)
    assert all(tokens == 40 and reason == "length" for _, tokens, reason in whole)
    monkeypatch.setattr(engine.sampling, "segment", segment)
    assert engine.draw(jobs(engine), 0) == whole


@pytest.mark.slow
@pytest.mark.parametrize("segment", [2, 5])
def test_rows_that_ended_leave_and_the_others_go_on_as_before(engine, monkeypatch, segment):
    prompts = jobs(engine)
    engine.tokenizer.padding_side = "left"
    inputs = engine.tokenizer(prompts, return_tensors="pt", padding=True, add_special_tokens=False)
    whole = engine.sample(inputs["input_ids"], inputs["attention_mask"])
    end = whole[0][20]  # from here on this token ends a response
    monkeypatch.setattr(engine, "stops", engine.stops | {end})
    monkeypatch.setattr(engine.model.generation_config, "eos_token_id", sorted(engine.stops))
    monkeypatch.setattr(engine.sampling, "segment", segment)
    cut = [ids[: ids.index(end) + 1] if end in ids else ids for ids in whole]
    found = engine.sample(inputs["input_ids"], inputs["attention_mask"])
    assert [ids[: len(wanted)] for ids, wanted in zip(found, cut, strict=True)] == cut
    assert [tokens for _, tokens, _ in engine.draw(prompts, 0)] == [len(ids) for ids in cut]


@pytest.mark.slow
def test_the_seed_decides_what_is_drawn(engine, monkeypatch):
    monkeypatch.setattr(engine, "sampling", Sampling(temperature=1.0, top_p=1.0, max_new_tokens=12, dtype="float32"))
    one, again, other = (engine.draw(jobs(engine), seed) for seed in (1, 1, 2))
    assert one == again != other


@pytest.mark.slow
def test_a_stop_text_ends_a_completion_and_is_no_part_of_it(engine, monkeypatch):
    text = engine.draw(jobs(engine)[:1], 0)[0][0]
    stop = text[len(text) // 2 :][:6]
    monkeypatch.setattr(engine, "sampling", Sampling(temperature=0.0, max_new_tokens=40, stop=[stop], dtype="float32"))
    (found, tokens, reason), *_ = engine.draw(jobs(engine), 0)
    assert found == text[: text.index(stop)] and reason == "stop" and tokens <= 40


@pytest.mark.slow
def test_a_given_start_is_part_of_the_prompt_and_of_the_response(smoke_root):
    engine = make_engine(
        str(smoke_root / "zero"), "zero", Sampling(max_new_tokens=4, prefill="<think>", dtype="float32")
    )
    assert engine.response_format.prefilled and jobs(engine)[0].endswith("<think>")
    assert engine.response_format.read("so </think> <answer> 7 </answer>").valid


def test_a_models_own_penalties_and_limits_decide_nothing(tmp_path):
    model = tiny_model(tmp_path)  # its generation_config says top_k: 1 and repetition_penalty: 1.3
    sampling = Sampling(temperature=0.0, num_samples=1, max_new_tokens=24, dtype="float32")
    penalized = make_engine(model, "zero", sampling).draw(["What is 3 + 4 ?"], 0)
    (tmp_path / "generation_config.json").unlink()
    assert make_engine(model, "zero", sampling).draw(["What is 3 + 4 ?"], 0) == penalized
