"""A model that others could not use is not published, whatever is wrong with it; one that they can is."""

import json
import shutil

import pytest
import safetensors.torch
import torch
import yaml
from conftest import REPOSITORY
from tiny_models import TURN_END, save_tiny_base

from open_r1.core.errors import ArtifactError
from open_r1.data.models import set_generation_defaults
from open_r1.data.tokenizer import load_tokenizer
from open_r1.hub import last_check
from open_r1.hub.last_check import check_model

TEMPLATE = str(REPOSITORY / "recipes/templates/chatml/r1.jinja")
PROMPTS = [[{"role": "user", "content": f"{'So ' * n}{n} + 1"}] for n in range(8)]
RECIPE = {"output_dir": "data/x/sft", "response_format": "r1", "chat_template": TEMPLATE}


def program(model, tokenizer, ends: bool) -> None:
    """Makes a model say `4` after anything, and its end after that; or `4` for ever."""
    weights = dict(model.named_parameters())
    with torch.no_grad():
        for name, weight in weights.items():
            if name.endswith(("o_proj.weight", "down_proj.weight")):
                weight.zero_()  # what is left is a table from one token to the next
        table, head = weights["model.embed_tokens.weight"], weights["lm_head.weight"]
        four = tokenizer.convert_tokens_to_ids("4")
        table.zero_()
        head.zero_()
        table[:, 0], table[four, 0], table[four, 1] = 1.0, 0.0, 1.0
        head[four, 0] = 10.0
        head[tokenizer.eos_token_id if ends else four, 1] = 10.0


def save(directory, ends: bool = True, **changes):
    """A causal model as a training stage saves it."""
    from transformers import AutoModelForCausalLM

    save_tiny_base(directory, "chatml", **{"tie_word_embeddings": False} | changes)
    model = AutoModelForCausalLM.from_pretrained(directory)
    tokenizer = load_tokenizer(str(directory), TEMPLATE, eos_token=TURN_END["chatml"])
    if not model.config.tie_word_embeddings:
        program(model, tokenizer, ends)
    set_generation_defaults(model, tokenizer)
    model.save_pretrained(directory)
    tokenizer.save_pretrained(directory)
    (directory / "recipe.yaml").write_text(yaml.safe_dump(RECIPE))
    (directory / "prompts.json").write_text(json.dumps({"prompts": PROMPTS, "max_new_tokens": 6}))
    return directory


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    return save(tmp_path_factory.mktemp("good") / "sft")


@pytest.fixture(scope="module")
def tied(tmp_path_factory):
    return save(tmp_path_factory.mktemp("tied") / "sft", tie_word_embeddings=True)


@pytest.fixture(scope="module")
def scorer(good, tmp_path_factory):
    """A reward model."""
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    place = tmp_path_factory.mktemp("scorer") / "helpful_rm"
    tokenizer = AutoTokenizer.from_pretrained(good)
    torch.manual_seed(0)
    base = save_tiny_base(place, "chatml")
    model = AutoModelForSequenceClassification.from_pretrained(base, num_labels=1)
    model.config.pad_token_id = tokenizer.pad_token_id
    model.save_pretrained(place)
    tokenizer.save_pretrained(place)
    (place / "generation_config.json").unlink()
    shutil.copy(good / "prompts.json", place)
    return place


@pytest.fixture(scope="module")
def adapter(good, tmp_path_factory):
    """An adapter alone, on the good model, which its recipe names."""
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    place = tmp_path_factory.mktemp("adapter") / "sft"
    config = LoraConfig(r=4, target_modules=["q_proj"], task_type="CAUSAL_LM")
    get_peft_model(AutoModelForCausalLM.from_pretrained(good), config).save_pretrained(place)
    for name in ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja", "generation_config.json"):
        shutil.copy(good / name, place)
    shutil.copy(good / "prompts.json", place)
    (place / "recipe.yaml").write_text(yaml.safe_dump(RECIPE | {"model_name_or_path": str(good)}))
    return place


@pytest.fixture
def copy_of(request, tmp_path):
    """A copy, to be harmed, of the model of a name."""
    return lambda name: shutil.copytree(request.getfixturevalue(name), tmp_path / "model")


@pytest.mark.parametrize("name", ["good", "adapter"])
def test_a_good_model_answers_and_stops(request, name):
    samples = check_model(request.getfixturevalue(name))
    assert [sample.prompt for sample in samples] == PROMPTS
    assert {(sample.completion, sample.tokens, sample.stopped) for sample in samples} == {("4", 2, True)}


def test_a_reward_model_gives_scores(scorer):
    samples = check_model(scorer)
    assert len({float(sample.completion) for sample in samples}) == 8 and all(sample.stopped for sample in samples)


def test_a_model_with_tied_weights_passes(tied):
    assert len(check_model(tied, must_stop=0)) == 8


@pytest.mark.parametrize("file", ["zero", "r1"])
@pytest.mark.parametrize("dialect", ["chatml", "llama3", "deepseek"])
def test_our_templates_pass(dialect, file, tmp_path):
    from families import family_of, family_tokenizer

    from open_r1.hub.saved_files import require_format, require_template

    names = {"chatml": "Qwen/Qwen2.5-7B-Instruct", "llama3": "meta-llama/Llama-3.1-8B-Instruct"}
    tokenizer = family_tokenizer(family_of(names.get(dialect, "deepseek-ai/DeepSeek-V3-Base")))
    tokenizer.chat_template = (REPOSITORY / f"recipes/templates/{dialect}/{file}.jinja").read_text()
    require_template(tmp_path, tokenizer)
    require_format(tmp_path, tokenizer, {"response_format": file})


def edit(path, name, **changes):
    values = json.loads((path / name).read_text()) | changes
    (path / name).write_text(json.dumps({key: value for key, value in values.items() if value is not None}))


def weights(path, change, file="model.safetensors"):
    found = safetensors.torch.load_file(path / file)
    change(found)
    safetensors.torch.save_file(found, path / file, {"format": "pt"})


def ids(path):
    """Ids of the tokens that end a text, and a turn."""
    tokenizer = load_tokenizer(str(path))
    return tokenizer.convert_tokens_to_ids("<|endoftext|>"), tokenizer.convert_tokens_to_ids("<|im_end|>")


def template(path, *changes):
    file = path / "chat_template.jinja"
    text = file.read_text()
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    file.write_text(text)


def half(found):
    for name in found:
        found[name] = found[name].half()


def nan(found):
    found["model.layers.1.mlp.up_proj.weight"][3, 3] = float("nan")


def infinite(found):
    found["model.norm.weight"][0] = float("inf")


def no_layer(path):
    def change(found):
        for name in [name for name in found if ".layers.1." in name]:
            del found[name]

    weights(path, change)


def no_prompts(path):
    (path / "prompts.json").unlink()


def closes(path):
    template(path, ('<think>\\n" }}{%- endif', '<think></think>" }}{%- endif'))


def new_token_ends_turns(path):
    template(path, ("<|im_end|>", "<|im_start|>"))


def rambles(path):
    def change(found):
        found["lm_head.weight"][ids(path)[1]] = 0.0

    weights(path, change)


def ties_differ(path):
    weights(path, lambda found: found.update({"lm_head.weight": found["model.embed_tokens.weight"] + 1.0}))


def last_weight_grows(found):
    found["score.weight"] *= 1e38
    found["model.norm.weight"] *= 1e38


GENERATION, ADAPTER = "generation_config.json", "adapter_config.json"
HARMS = {
    "shape": ("good", lambda p: edit(p, "config.json", intermediate_size=32), "has shape"),
    "missing layer": ("good", no_layer, "model.layers.1.input_layernorm.weight is missing"),
    "missing head": ("good", lambda p: weights(p, lambda w: w.pop("lm_head.weight")), "lm_head.weight is missing"),
    "missing tied": ("tied", lambda p: weights(p, lambda w: w.pop("model.embed_tokens.weight")), "missing"),
    "tied differ": ("tied", ties_differ, "ties lm_head.weight to model.embed_tokens.weight"),
    "dtype of config": ("good", lambda p: edit(p, "config.json", dtype="bfloat16"), "is float32 and .* bfloat16"),
    "dtype of file": ("good", lambda p: weights(p, half), "is float16 and the config says `dtype: float32`"),
    "nan": ("good", lambda p: weights(p, nan), "layers.1.mlp.up_proj.weight holds NaN"),
    "infinite": ("good", lambda p: weights(p, infinite), "norm.weight holds NaN or infinite"),
    "greedy": ("good", lambda p: edit(p, GENERATION, do_sample=False), "`do_sample: False`, the card True"),
    "temperature": ("good", lambda p: edit(p, GENERATION, temperature=1.0), "`temperature: 1.0`"),
    "top_p": ("good", lambda p: edit(p, GENERATION, top_p=None), "the card 0.95"),
    "no generation config": ("good", lambda p: (p / "generation_config.json").unlink(), "no usable generation_config"),
    "end": ("good", lambda p: edit(p, GENERATION, eos_token_id=ids(p)[0]), r"turns end with <\|im_end\|>"),
    "no end": ("good", lambda p: edit(p, GENERATION, eos_token_id=None), r"not in `eos_token_id: \[\]`"),
    "syntax": ("good", lambda p: template(p, ("{%- endfor -%}", "")), "does not render a conversation"),
    "raises": ("good", lambda p: template(p, ("message.role", "message.role.x.y")), "does not render a conversation"),
    "leaves out": ("good", lambda p: template(p, ('"\\n" + content', '"\\n"')), "it leaves out"),
    "no template": ("good", lambda p: (p / "chat_template.jinja").unlink(), "does not render a conversation"),
    "closes": ("good", closes, "before the reasoning has begun"),
    "reasoning lost": ("good", lambda p: template(p, ("and not loop.last", "")), "removes the reasoning"),
    "turn end": ("good", new_token_ends_turns, "never writes the end token"),
    "no prompts": ("good", no_prompts, "prompts.json is not usable"),
    "empty prompts": ("good", lambda p: edit(p, "prompts.json", prompts=[]), "it has no prompts"),
    "rambles": ("good", rambles, "0 of 8 completions ended by themselves within 6 tokens, 8 must; .* begins '4"),
    "base unnamed": ("adapter", lambda p: edit(p, ADAPTER, base_model_name_or_path=""), "names no base"),
    "base local": ("adapter", lambda p: edit(p, ADAPTER, base_model_name_or_path="/tmp"), "a folder of this"),
    "no base key": ("adapter", lambda p: edit(p, ADAPTER, base_model_name_or_path=None), "names no base"),
    "base revision": ("adapter", lambda p: edit(p, ADAPTER, base_model_name_or_path="lab/x@v1"), "peft cannot load"),
    "base other": ("adapter", lambda p: edit(p, ADAPTER, r=8), "does not run: .*size mismatch"),
    "adapter nan": ("adapter", lambda p: weights(p, lambda w: next(iter(w.values())).fill_(float("nan")),
                                                 "adapter_model.safetensors"), "holds NaN"),
    "score": ("scorer", lambda p: weights(p, lambda w: w.pop("score.weight")), "score.weight is missing"),
    "scores": ("scorer", lambda p: weights(p, last_weight_grows), "8 of 8 scores are no numbers"),
}  # fmt: skip


@pytest.mark.parametrize("name", HARMS)
def test_what_others_could_not_use_is_refused(copy_of, name):
    model, harm, message = HARMS[name]
    path = copy_of(model)
    harm(path)
    with pytest.raises(ArtifactError, match=message) as caught:
        check_model(path)
    assert "\n" not in str(caught.value) and caught.value.hint and str(path) in str(caught.value)


def test_some_may_run_on(good, copy_of, monkeypatch):
    samples = [last_check.Sample(prompt, "4 4", 6, n < 6) for n, prompt in enumerate(PROMPTS)]
    monkeypatch.setattr(last_check, "draw", lambda *_: samples)
    assert check_model(good, must_stop=6) == samples
    with pytest.raises(ArtifactError, match="6 of 8 completions ended by themselves within 6 tokens, 7 must"):
        check_model(good, must_stop=7)


def test_generation_ends_when_its_time_is_over(copy_of, monkeypatch):
    path = copy_of("good")
    rambles(path)
    monkeypatch.setattr(last_check, "SECONDS", 1e-9)
    with pytest.raises(ArtifactError, match="0 of 8 .* within 1e-09 seconds") as caught:
        check_model(path)
    assert "GPU" in caught.value.hint


def test_an_adapter_whose_base_is_elsewhere_is_checked_as_far_as_it_goes(copy_of, capsys):
    path = copy_of("adapter")
    edit(path, "adapter_config.json", base_model_name_or_path="lab/not-here")
    assert check_model(path) == [] and "base is not on this machine" in capsys.readouterr().out


@pytest.mark.slow
def test_the_models_of_a_pipeline_are_whole(smoke_root, tmp_path):
    models = sorted(path.parent for path in smoke_root.glob("*/config.json"))
    assert len(models) > 5
    for model in models:
        path = shutil.copytree(model, tmp_path / model.name)
        (path / "prompts.json").write_text(json.dumps({"prompts": PROMPTS, "max_new_tokens": 4}))
        assert len(check_model(path, must_stop=0)) == 8
