"""A longer context, given with `model_init_kwargs`, is what is trained with, what is saved, and what is loaded."""

import json
from pathlib import Path

import pytest
from conftest import REPOSITORY
from tiny_models import run, save_rows, save_tiny_base

from open_r1 import grpo, sft
from open_r1.core.recipes import load_recipe

STUDENTS = ["Qwen2.5-Math-1.5B", "Qwen2.5-Math-7B"]
POSITIONS, THETA, HEAD = 32768, 300000.0, 16  # tiny_models.py: 64 / 4


@pytest.fixture
def base(tmp_path) -> str:
    """A base whose configuration is written as Qwen2.5-Math's is: an older transformers', with 4,096 positions."""
    directory = save_tiny_base(tmp_path / "base", "chatml", max_position_embeddings=4096)
    file = Path(directory) / "config.json"
    config = json.loads(file.read_text())
    del config["rope_parameters"]
    file.write_text(json.dumps(config | {"rope_theta": 10000.0, "rope_scaling": None}))
    return directory


def slowest(model) -> float:
    """The lowest frequency of its rotary embedding, as it computes with it."""
    return float(model.model.rotary_emb.inv_freq[-1])


def expected(theta: float) -> float:
    return theta ** -((HEAD - 2) / HEAD)


@pytest.mark.parametrize("student", STUDENTS)
@pytest.mark.parametrize("lora", [False, True])
def test_student_is_trained_and_saved_with_the_context_of_its_recipe(base, tmp_path, monkeypatch, student, lora):
    from transformers import AutoModelForCausalLM
    from trl import SFTTrainer

    from open_r1.data.models import load_model

    before = slowest(AutoModelForCausalLM.from_pretrained(base))
    assert before == pytest.approx(expected(10000.0), rel=1e-3)
    trained = []
    train = SFTTrainer.train
    monkeypatch.setattr(SFTTrainer, "train", lambda self, **how: trained.append(self.model) or train(self, **how))
    monkeypatch.chdir(REPOSITORY)
    given = load_recipe(f"recipes/{student}/distill.yaml", smoke=True)
    given |= {"root": str(tmp_path / "root"), "output_dir": str(tmp_path / "out"), "model_name_or_path": base}
    given |= {"datasets": [{"path": save_rows(tmp_path / "rows.jsonl", 8)}], "use_peft": lora}
    run(sft.main, **given)
    inner = trained[0].get_base_model() if lora else trained[0]
    assert slowest(inner) == pytest.approx(expected(THETA), rel=1e-3)
    saved = json.loads((tmp_path / "out" / "config.json").read_text())
    assert saved["max_position_embeddings"] == POSITIONS and saved["rope_parameters"]["rope_theta"] == THETA
    loaded = load_model(str(tmp_path / "out"), AutoModelForCausalLM)
    assert slowest(loaded) == pytest.approx(expected(THETA), rel=1e-3)
    assert loaded.config.max_position_embeddings == POSITIONS


def test_adapter_alone_would_lose_the_context(base, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(REPOSITORY)
    given = load_recipe(f"recipes/{STUDENTS[0]}/distill.yaml", smoke=True)
    given |= {"root": str(tmp_path / "root"), "output_dir": str(tmp_path / "out"), "model_name_or_path": base}
    with pytest.raises(SystemExit):
        run(sft.main, **given, use_peft=True, merge=False)
    printed = capsys.readouterr().err
    assert (
        "`merge: false` with `max_position_embeddings` in `model_init_kwargs`" in printed
        and "leave `merge`" in printed
    )


def shared(base: str, folder: Path) -> dict:
    recipe = {"model_name_or_path": base, "output_dir": str(folder / "out"), "max_steps": 1}
    recipe |= {"datasets": [{"path": save_rows(folder / "rows.jsonl", 8)}], "per_device_train_batch_size": 4}
    return recipe | {"chat_template": str(REPOSITORY / "recipes/templates/chatml/r1.jinja"), "eos_token": "<|im_end|>"}


def test_texts_as_long_as_the_positions_of_the_model_are_trained_on(base, tmp_path):
    run(sft.main, **shared(base, tmp_path), max_length=4096)
    assert (tmp_path / "out/manifest.json").exists()


@pytest.mark.parametrize(
    ("command", "more"),
    [
        (sft, {"max_length": 4097}),
        (
            grpo,
            {"max_completion_length": 4097, "rewards": {"random": {}}, "num_generations": 2, "prompts_per_step": 2},
        ),
    ],
)
def test_texts_beyond_the_positions_of_the_model_are_refused(base, tmp_path, capsys, command, more):
    with pytest.raises(SystemExit):
        run(command.main, **shared(base, tmp_path), **more)
    assert f"`{next(iter(more))}: 4097`, and {base} has 4096 positions" in capsys.readouterr().err
