"""Cards of every kind: what they say, that Markdown and YAML read them as meant, and metadata that the Hub takes."""

import json
import re
from pathlib import Path

import pytest
import yaml
from huggingface_hub import DatasetCard, ModelCard
from huggingface_hub.utils import validate_repo_id
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from open_r1.core.cards import add_results, write_card
from open_r1.core.licences import KNOWN, LINKS, Licence, joined, read_licence, stated
from open_r1.core.outbox import ENTRY, PUSHED
from open_r1.core.publishing import MODEL, kind_of
from open_r1.core.tables import fenced, plain, quoted

COMMIT = "1a2b" * 10
ROW = {"pass@1": 0.51234, "pass@1_ci": [0.4, 0.6], "cons@4": 0.6, "pass@4": 0.7, "format": 0.9, "mean_tokens": 81.5}
ROW |= {"truncated": 0.1, "language_consistency": 1.0, "mixed": 0.0, "reflection_per_1k": 1.0, "samples": 4}
QWEN = {"license": "other", "license_name": "qwen-research", "license_link": "https://x/LICENSE"}
HOSTILE = "a | b `c` ``d``\n---\n# e <b>f</b> </details> {{ g }} {% h %}\n```\ni \\| j"
MARKDOWN = MarkdownIt("commonmark").enable("table")


def artifact(directory: Path, command: str, recipe: dict, files: dict[str, object] | None = None, **facts) -> Path:
    """A made-up artifact with its card."""
    directory.mkdir(parents=True)
    for name, content in (files or {}).items():
        (directory / name).parent.mkdir(exist_ok=True)
        (directory / name).write_text(content if isinstance(content, str) else json.dumps(content))
    manifest = {"hash": "0", "command": command, "recipe": {"output_dir": str(directory)} | recipe, "inputs": {}}
    manifest |= {"devices": 1, "seconds": 7.0, "versions": {"trl": "1.16.0"}, "git_commit": "abc"} | facts
    (directory / "manifest.json").write_text(json.dumps(manifest))
    write_card(directory)
    return directory


def model(directory: Path, base: str = "", files: dict[str, object] | None = None, **facts) -> Path:
    recipe = {"root": str(directory.parent), "model_name_or_path": base, "response_format": "r1", "seed": 0}
    config = {"config.json": {"architectures": ["LlamaForCausalLM"], "max_position_embeddings": 4096}}
    return artifact(directory, facts.pop("command", "sft"), recipe | facts.pop("more", {}), files or config, **facts)


def accepted(directory: Path) -> tuple[dict, str]:
    """Metadata and text of a card, which `huggingface_hub` and the documented rules of the Hub accept."""
    text = (directory / "README.md").read_text()
    card = (ModelCard if kind_of(directory) == MODEL else DatasetCard)(text)
    assert card.content == text
    found = yaml.safe_load(text.split("---\n")[1])
    assert found["license"] in KNOWN and ("license_name" in found) == (found["license"] == "other")
    assert re.fullmatch(r"[a-z0-9.+-]+", found.get("license_name", "x"))
    for key in ("base_model", "datasets", "source_datasets"):
        names = found.get(key, [])
        for name in names if isinstance(names, list) else [names]:
            validate_repo_id(name)
    assert found.get("base_model_relation", "finetune") in ("finetune", "adapter", "merge", "quantized")
    assert ("base_model" in found) == ("base_model_relation" in found)
    assert found.get("pipeline_tag") in (None, "text-generation", "text-classification")
    assert all(re.fullmatch("[a-z]{2,3}", code) for code in found.get("language", []))
    assert all(isinstance(tag, str) and tag for tag in found["tags"])
    for config in found.get("configs", []):
        assert config["config_name"] and all(file["split"] and file["path"] for file in config["data_files"])
    assert "html_block" not in {token.type for token in MARKDOWN.parse(card.text) if "details" not in token.content}
    return found, card.text


def snippet(text: str, number: int = 0) -> str:
    return re.findall(r"```python\n(.*?)```", text, re.DOTALL)[number]


# ------------------------------------------------------------------------------------------------- the smoke run's


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("base", ["**base model**, pretrained from random weights", "## Evaluation\n\n| model |", "no base sets"]),
        ("zero", ["**Base**: `base`", "reinforcement learning (GRPO)", "`accuracy` (weight 1)", "`<think> reas"]),
        ("sft", ["**Data**: `rejection_sampling`", "ends the prompt with `<think>`", "1. `base`, by `sft`"]),
        ("r1", ["**Reward model**: `helpful_rm`", "with a safety reward, which is no guarantee", "temperature 0.6"]),
        ("helpful_rm", ["**reward model**", "AutoModelForSequenceClassification", "leave the reasoning out"]),
        ("safety_rm", ["with their reasoning"]),
        ("cold_start_data", ["**Samples by**: `zero`", "`num_samples` 2, `temperature` 1.0", "## Contamination"]),
        ("evaluate", ["An **evaluation**", "| zero | 0.000 | [", "With the split `test`: `base-mini-chain`"]),
        ("report", ["A **report**", "| zero | 0.000 | [", "![stages.png](stages.png)"]),
    ],
)  # fmt: skip
def test_cards_of_the_smoke_run(smoke_root, name, said):
    found, text = accepted(smoke_root / name)
    assert not [part for part in said if part not in text]
    assert str(smoke_root) not in text.replace(f'"{smoke_root}', "")  # but where it is loaded from
    assert f"output_dir: ${{root}}/{name}" in text and "<details><summary>recipe.yaml</summary>" in text
    assert f"# {name}\n" in text and "trl 1." in text and found["license"] == "unknown"


@pytest.mark.parametrize(
    ("name", "variable"), [("sft", "output"), ("helpful_rm", "score"), ("cold_start_data", "rows")]
)
def test_what_a_card_says_about_loading_works(smoke_root, name, variable, capsys):
    names: dict = {}
    exec(snippet((smoke_root / name / "README.md").read_text()), names)
    assert len(names[variable]) > 0 if variable != "score" else 0 < names[variable] < 1


# --------------------------------------------------------------------------------------------------------- made up


def test_a_base_on_the_hub_is_linked_at_its_commit(tmp_path):
    data = [{"path": "org/data@v1", "name": "math", "split": "train", "count": 9}, {"path": "gym:sum", "limit": 4}]
    inputs = {"org/base": COMMIT, "org/data@v1": "9f" * 20}
    place = model(tmp_path / "lab/x", "org/base", inputs=inputs, more={"datasets": data})
    found, text = accepted(place)
    assert (found["base_model"], found["base_model_relation"], found["datasets"]) == (
        "org/base",
        "finetune",
        ["org/data"],
    )
    assert f"[`org/base`](https://huggingface.co/org/base/tree/{COMMIT}) at `{COMMIT[:12]}`" in text
    assert f"(https://huggingface.co/datasets/org/data/tree/{'9f' * 20})" in text
    assert "configuration `math`, split `train`, 9 rows" in text and "`gym:sum`, at most 4 rows" in text
    assert "licence is not known here. No licence is claimed" in text and "Not evaluated yet." in text


def test_a_stage_above_a_published_one_derives_from_its_repository(tmp_path):
    first = model(tmp_path / "mini/first", "org/base", more={"push_to_hub": True, "hub_namespace": "lab"})
    found, text = accepted(model(tmp_path / "mini/second", str(first)))
    assert (
        found["base_model"] == "lab/mini-first"
        and "1. [`lab/mini-first`](https://huggingface.co/lab/mini-first)" in text
    )
    plain = model(tmp_path / "mini/plain", "org/base")
    assert accepted(model(tmp_path / "mini/third", str(plain)))[0]["base_model"] == "org/base"


@pytest.mark.parametrize("place", [None, "lab/first-of-all"])
def test_a_stage_above_one_that_was_pushed_by_hand_derives_from_its_repository(tmp_path, place):
    """Its recipe says nothing of it; it waits, or it is there."""
    first = model(tmp_path / "mini/first", "org/base")
    note = {"name": "final", "repository": {"name": "lab/first-of-all"}} | ({"place": place} if place else {})
    file = first / ".hub" / (PUSHED if place else f"0001-final/{ENTRY}")
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps(note) + "\n")
    assert accepted(model(tmp_path / "mini/second", str(first)))[0]["base_model"] == "lab/first-of-all"


def test_an_adapter_names_its_base(tmp_path):
    settings = {"adapter_config.json": {"base_model_name_or_path": "org/base", "r": 24, "task_type": "CAUSAL_LM"}}
    found, text = accepted(model(tmp_path / "lora", "org/base", settings))
    assert (found["library_name"], found["base_model_relation"]) == ("peft", "adapter")
    assert 'PeftModel.from_pretrained(model, "' in text and "max_lora_rank=32" in text
    compile(snippet(text), "transformers", "exec")
    compile(snippet(text, 1), "vllm", "exec")


def test_a_sample_store_says_what_its_columns_mean(tmp_path):
    rows = [{"text": "x", "tokens": 3, "final": None, "messages": [{"role": "user"}]}, {"final": "y", "score": 0.5}]
    files = {"part-00000.jsonl": "".join(json.dumps(row) + "\n" for row in rows)}
    recipe = {"model": "org/model", "datasets": [{"path": "org/data"}], "top_p": 0.8}
    found, text = accepted(artifact(tmp_path / "store", "generate", recipe, files, samples=2, correct=1))
    assert found["configs"][0]["data_files"] == [{"split": "train", "path": "part-*.jsonl"}]
    assert "| `messages` | `list<struct<role: string>>` | the whole conversation" in text
    assert "| `final` | `string` |" in text and "| `score` | `double` |" in text
    assert (
        "`temperature` 0.6, `top_p` 0.8" in text and "| `org/data` | unknown |" in text and "| samples | 2 |" in text
    )


def test_a_store_within_an_artifact_is_of_that_artifact(tmp_path):
    artifact(tmp_path / "p/first", "curate", {"model": "org/model"}, {"samples/part-00000.jsonl": ""})
    recipe = {"root": str(tmp_path / "p"), "samples": str(tmp_path / "p/first/samples")}
    _, text = accepted(artifact(tmp_path / "p/second", "curate", recipe))
    assert "**Source**: `first`" in text and "1. `first`, by `curate`" in text and "| `org/model` | unknown |" in text


@pytest.mark.parametrize("command", ["mix", "prefer", "decontaminate", "", "import-gguf"])
def test_a_card_of_an_almost_empty_manifest(tmp_path, command):
    found, text = accepted(artifact(tmp_path / "x", command, {}, seconds=None, versions=None, contamination=None))
    assert "Not checked against any benchmark." in text and found["tags"][:2] == ["open_r1", "x"]


def test_results_come_with_intervals_and_in_the_form_of_the_hub(tmp_path):
    place = model(tmp_path / "x", "org/base")
    parts = {"aime": ROW, "math (2)": ROW | {"pass@1": 0.25}}
    about = {
        "datasets": {"aime": {"path": "org/aime", "split": "train"}, "math (2)": {"path": "org/math", "name": "l5"}}
    }
    about |= {"sampling": {"num_samples": 4, "temperature": 0.6, "top_p": 0.95, "max_new_tokens": 99}}
    add_results(place, {"x": ROW | {"by_dataset": parts}}, about | {"inputs": {"org/aime": COMMIT}})
    add_results(place, {"x": ROW | {"by_dataset": parts}}, about | {"inputs": {"org/aime": COMMIT}})
    _, text = accepted(place)
    assert text.count("| x: aime | 0.512 | [0.400, 0.600] |") == 1 and "| x: mean of 2 |" in text
    assert "over 4 samples per problem, drawn at temperature 0.6 and top-p 0.95 with at most 99" in text
    first, second = ModelCard.load(place / "README.md").data.eval_results
    assert (first.dataset_type, first.dataset_revision, first.metric_type) == ("org/aime", COMMIT, "pass@1")
    assert (first.metric_value, second.metric_value, second.dataset_config) == (0.5123, 0.25, "l5")
    assert first.metric_args["95% interval"] == [0.4, 0.6]


def test_hostile_texts_stay_texts(tmp_path):
    funnel = [{"filter": "a|b", "before": 2, "removed": 1, "examples": [HOSTILE]}]
    recipe = {"datasets": [{"path": "mini:chain"}], "---": "---\n---", "system": HOSTILE, "root": "/r", "x": "/r/y"}
    _, text = accepted(artifact(tmp_path / "x", "curate", recipe, funnel=funnel, figures={"n`m|o": {"<i>": 1}}))
    tokens = MARKDOWN.parse(text)
    inner = [child for token in tokens if token.type == "inline" for child in token.children]
    assert " ".join(HOSTILE.split())[:80] in {child.content for child in inner if child.type == "code_inline"}
    shown = next(token.content for token in tokens if token.type == "fence" and token.info == "yaml")
    read = yaml.safe_load(shown)
    assert (read["system"], read["---"], read["x"], read["root"]) == (HOSTILE, "---\n---", "${root}/y", "data/r")


def test_completions_are_shown_as_they_are(tmp_path):
    messages = [{"role": "system", "content": "s"}, {"role": "user", "content": HOSTILE}]
    samples = [(messages, f"{HOSTILE}\r\nend\x1c\ud800", 9, True), (messages, "y" * 9000, 5000, False)] * 4
    place = model(tmp_path / "x", "org/base")
    write_card(place, samples=samples)
    text = (place / "README.md").read_text()
    blocks = [token.content for token in MARKDOWN.parse(text) if token.type == "fence" and token.info == "text"]
    assert blocks[:2] == [f"{HOSTILE}\n", f"{HOSTILE}\nend␜?\n"] and "7000 more characters" in blocks[3]
    assert len(blocks) == 10 and "9 tokens, ended by itself" in text and "5000 tokens, did not end by itself" in text


# -------------------------------------------------------------------------------------------------------- licences


@pytest.mark.parametrize(
    ("metadata", "keys", "said"),
    [
        ({"license": "apache-2.0"}, {"license": "apache-2.0"}, ""),
        ({"license": ["MIT"]}, {"license": "mit"}, ""),
        ({}, {"license": "unknown"}, ""),
        ({"license": None}, {"license": "unknown"}, ""),
        ({"license": "unknown"}, {"license": "unknown"}, ""),
        ({"license": "llama3.1"}, {"license": "llama3.1", "license_link": LINKS["llama3.1"]}, "derived models"),
        ({"license": "gemma"}, {"license": "gemma", "license_link": LINKS["gemma"]}, "prohibited uses"),
        (QWEN, QWEN, "no commercial use"),
        ({"license": "other"}, {"license": "other", "license_name": "see-the-card"}, ""),
        ({"license": "My Own Licence"}, {"license": "other", "license_name": "my-own-licence"}, ""),
        ({"license": ["mit", "cc-by-4.0"]}, {"license": "other", "license_name": "mit-and-cc-by-4.0"}, ""),
    ],
)  # fmt: skip
def test_licences_are_stated_as_the_hub_wants_them(metadata, keys, said):
    licence = stated("org/base", metadata)
    assert licence.metadata == keys and said in licence.conditions
    assert joined([licence, licence]) == keys


@pytest.mark.parametrize(
    "front", [b"license: [mit", b"- mit", b"title: a: b\nlicense: mit", b"license: mit\nby: \xff"]
)
def test_a_card_that_nobody_can_read_states_no_licence(tmp_path, front):
    (tmp_path / "README.md").write_bytes(b"---\n" + front + b"\n---\n# It\n")
    assert read_licence("org/base", tmp_path / "README.md") == Licence("org/base")


def test_several_licences_are_not_one():
    mit, apache, unknown = (stated("x", {"license": name}) for name in ("mit", "apache-2.0", None))
    assert joined([mit, apache]) == {"license": "other", "license_name": "several-see-the-card"}
    assert joined([mit, unknown]) == joined([]) == {"license": "unknown"}


def test_the_licence_is_that_of_the_model_below_all_stages(tmp_path):
    (tmp_path / "start").mkdir()
    (tmp_path / "start/README.md").write_text(
        "---\nlicense: other\nlicense_name: qwen-research\nlicense_link: l\n---\n"
    )
    first = model(tmp_path / "first", str(tmp_path / "start"))
    found, text = accepted(model(tmp_path / "second", str(first)))
    assert (found["license"], found["license_name"], found["license_link"]) == ("other", "qwen-research", "l")
    assert "derives from `start`, whose licence is **qwen-research** ([text](l))" in text


# ---------------------------------------------------------------------------------------------------------- tables


@given(st.text())
def test_any_text_in_a_cell_is_one_piece_of_code(text):
    tokens = MARKDOWN.parse(f"| a | b |\n| --- | --- |\n| x | {quoted(text).replace('|', chr(92) + '|')} |\n")
    cells = [token for token in tokens if token.type == "inline"]
    line = " ".join(plain(text).split())[:80].strip()
    assert len(cells) == 4 and [child.content for child in cells[3].children] == [line or "-"]


@given(st.text(alphabet=st.characters(exclude_characters="\r\n\0\t")))
def test_any_text_in_a_fence_stays_in_it(text):
    tokens = MARKDOWN.parse(fenced(f"{text}\nx\n```\n{text}"))
    assert [token.type for token in tokens] == ["fence"]
