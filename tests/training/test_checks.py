"""What would fail, or learn something else, is said before a step is made, in one line with its fix."""

import json
from types import SimpleNamespace

import pytest
import torch
from conftest import REPOSITORY
from tiny_models import TURN_END, run, save_rows, save_tiny_base, tiny_tokenizer

from open_r1 import grpo, sft
from open_r1.core.errors import ArtifactError, DataError, RecipeError
from open_r1.training.checks import check_checkpoint, check_lengths, check_precision, notices, split_marks

TEMPLATES = REPOSITORY / "recipes/templates"


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    place = tmp_path_factory.mktemp("checks")
    save_tiny_base(place / "base", "chatml")
    save_rows(place / "rows.jsonl", 8)
    return place


def recipe(place, out, **more) -> dict:
    found = {"model_name_or_path": str(place / "base"), "output_dir": str(out), "max_steps": 2, "max_length": 128}
    found |= {"datasets": [{"path": str(place / "rows.jsonl")}], "eos_token": TURN_END["chatml"], "save_steps": 2}
    return found | {"chat_template": f"{TEMPLATES}/chatml/r1.jinja", "per_device_train_batch_size": 4} | more


def refused(capsys, main, **recipe) -> str:
    with pytest.raises(SystemExit) as caught:
        run(main, **recipe)
    lines = capsys.readouterr().err.strip().splitlines()
    assert caught.value.code == 2 and lines[-2].startswith("error: ") and lines[-1].startswith("  fix: "), lines
    return lines[-2] + "\n" + lines[-1]


@pytest.mark.parametrize(
    ("main", "more", "expected"),
    [
        (sft.main, {"auto_find_batch_size": True}, "`auto_find_batch_size` would change the batch"),
        (grpo.main, {"auto_find_batch_size": True}, "auto_find_batch_size is not supported by GRPO"),
        (grpo.main, {"sync_ref_model": True}, "`sync_ref_model: true` with `beta: 0` refreshes a reference model"),
    ],
)
def test_keys_that_do_not_go_together(place, tmp_path, capsys, main, more, expected):
    more |= (
        {"max_length": None, "rewards": {"random": {}}, "num_generations": 2, "prompts_per_step": 2}
        if (main is grpo.main)
        else {}
    )
    given = {key: value for key, value in recipe(place, tmp_path / "out", **more).items() if value is not None}
    assert expected in refused(capsys, main, **given)
    assert not (tmp_path / "out").exists()


def chat_rows(lengths: list[int]):
    """Rows of which the reasoning has so many words."""
    import datasets

    return datasets.Dataset.from_list(
        [
            {
                "prompt": [{"role": "user", "content": "1 + 1"}],
                "completion": [{"role": "assistant", "content": f"<think> {'So ' * n}</think> \\boxed{{2}}"}],
            }
            for n in lengths
        ]
    )


def settings(**more) -> SimpleNamespace:
    return SimpleNamespace(**{"max_length": 64, "truncation_mode": "keep_start", "packing": False} | more)


def test_rows_that_lose_their_end_are_counted_and_above_the_limit_refused():
    tokenizer = tiny_tokenizer("chatml")
    tokenizer.chat_template = (TEMPLATES / "chatml/r1.jinja").read_text()
    short, long = chat_rows([4] * 99 + [200]), chat_rows([4] * 9 + [200])
    found = check_lengths(short, tokenizer, settings(), None, 0.05)
    assert "`max_length: 64` cuts 1 of 100 rows (1%), and </think> with it from 1 of them; the longest has " in found
    with pytest.raises(DataError, match=r"cuts 1 of 10 rows \(10%\)") as caught:
        check_lengths(long, tokenizer, settings(), None, 0.05)
    assert "raise `max_length`" in caught.value.hint and "guards: {truncated_rows: 0.11}" in caught.value.hint
    assert check_lengths(long, tokenizer, settings(), None, None)  # switched off, it only says so
    assert check_lengths(long, tokenizer, settings(), None, 0.11)
    assert "from 0 of them" in check_lengths(long, tokenizer, settings(truncation_mode="keep_end"), None, None)
    for nothing_lost in ({"max_length": None}, {"max_length": 1000}, {"packing": True, "packing_strategy": "wrapped"}):
        assert check_lengths(long, tokenizer, settings(**nothing_lost), None, 0.05) == ""


def test_what_max_length_cuts_is_what_the_trainer_would_cut(place, tmp_path, capsys, monkeypatch):
    message = refused(capsys, sft.main, **recipe(place, tmp_path / "out", max_length=24))
    assert "cuts 8 of 8 rows (100%), and </think> with it from 8 of them; the longest has " in message
    longest, trained = int(message.partition("longest has ")[2].split()[0]), []
    monkeypatch.setattr(sft.Run, "train", lambda self, trainer: trained.append(trainer.train_dataset["input_ids"]))
    for length, cut in ((longest - 1, True), (longest, False)):
        run(sft.main, **recipe(place, tmp_path / str(length), max_length=length, guards={"truncated_rows": None}))
        assert (f"notice: `max_length: {length}` cuts " in capsys.readouterr().out) == cut
        assert max(map(len, trained.pop())) == length


@pytest.mark.parametrize(("real", "bf16", "fine"), [(True, True, True), (False, True, False), (False, False, True)])
def test_bfloat16_that_a_gpu_only_emulates(monkeypatch, real, bf16, fine):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "Tesla T4")
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation=True: including_emulation or real)
    config = SimpleNamespace(use_cpu=False, bf16=bf16)
    if fine:
        return check_precision("it", config)
    with pytest.raises(RecipeError, match=r"it: `bf16: true` \(the default\), and Tesla T4 has no bfloat16") as caught:
        check_precision("it", config)
    assert "`fp16: true`" in caught.value.hint


def test_marks_that_the_tokenizer_splits():
    for dialect, other in (("chatml", "llama3"), ("llama3", "chatml")):
        tokenizer = tiny_tokenizer(dialect)
        tokenizer.chat_template = (TEMPLATES / dialect / "r1.jinja").read_text()
        assert split_marks(tokenizer) == {}
        tokenizer.chat_template = (TEMPLATES / other / "r1.jinja").read_text()
        assert min(split_marks(tokenizer).values()) > 1


@pytest.mark.parametrize(
    ("config", "model", "expected"),
    [
        ({}, {}, []),
        ({"learning_rate": 1e-6}, {}, []),
        ({}, {"use_peft": True}, []),
        ({"learning_rate": 1e-6}, {"use_peft": True}, ["`use_peft` with `learning_rate: 1e-06`: adapters need"]),
        ({"num_generations": 8}, {}, []),
        ({"num_generations": 8, "logging_steps": 500}, {}, ["the guards read the log, which is rare here"]),
        ({"num_generations": 8, "logging_strategy": "epoch"}, {}, ["the guards read the log, which is rare here"]),
    ],
)
def test_what_works_badly_is_a_notice(config, model, expected):
    tokenizer = tiny_tokenizer("chatml")
    tokenizer.chat_template = (TEMPLATES / "chatml/r1.jinja").read_text()
    values = {"learning_rate": 1e-5, "logging_steps": 5, "logging_strategy": "steps"} | config
    found = notices(SimpleNamespace(**values), SimpleNamespace(**{"use_peft": False} | model), tokenizer)
    assert len(found) == len(expected) and all(map(str.startswith, found, expected)), found


def test_notice_of_split_marks_is_printed_with_the_fix(place, tmp_path, capsys):
    save_tiny_base(tmp_path / "llama", "llama3")
    given = recipe(place, tmp_path / "out", model_name_or_path=str(tmp_path / "llama"), eos_token="<|end_of_text|>")
    refused(capsys, sft.main, **given)  # its turns never end
    tokenizer = tiny_tokenizer("llama3")
    tokenizer.chat_template = (TEMPLATES / "chatml/r1.jinja").read_text()
    (notice,) = notices(
        SimpleNamespace(learning_rate=1.0, logging_steps=1, logging_strategy="steps"),
        SimpleNamespace(use_peft=False),
        tokenizer,
    )
    assert "writes <|im_start|>, which this tokenizer splits into" in notice and "recipes/templates" in notice


def test_checkpoint_of_another_model(place, tmp_path, capsys):
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    out = tmp_path / "out"
    save_tiny_base(tmp_path / "wide", "chatml", hidden_size=128)
    model = AutoModelForCausalLM.from_pretrained(place / "base")
    check_checkpoint(place / "base", model)
    check_checkpoint(tmp_path, model)  # nothing that is known: sharded weights
    adapted = get_peft_model(model, LoraConfig(r=4, target_modules=["q_proj", "v_proj"]))
    adapted.save_pretrained(tmp_path / "adapter")
    check_checkpoint(tmp_path / "adapter", adapted)
    with pytest.raises(ArtifactError, match="adapter False, not True"):
        check_checkpoint(place / "base", adapted)
    file = tmp_path / "adapter/adapter_config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"r": 8}))
    with pytest.raises(ArtifactError, match="r 8, not 4"):
        check_checkpoint(tmp_path / "adapter", adapted)
    (out / "checkpoint-2").mkdir(parents=True)
    for name in ("config.json", "model.safetensors"):
        (out / "checkpoint-2" / name).write_bytes((tmp_path / "wide" / name).read_bytes())
    (out / "checkpoint-2/complete").touch()
    message = refused(capsys, sft.main, **recipe(place, out))
    assert f"{out}/checkpoint-2 is a checkpoint of another model: hidden_size 128, not 64" in message
    assert "delete it, or choose another `output_dir`" in message
