"""What a model reads is printed as it is rendered, with the learned part marked."""

import json

import datasets
import pytest
import yaml
from conftest import REPOSITORY
from students import PLAIN, PREFILLED, SWALLOWS, save_student
from test_bad_input import fails
from transformers import AutoTokenizer

from open_r1 import show_data
from open_r1.show_data import DIM, GREEN, shown
from open_r1.show_data import PLAIN as USUAL

END = "<|end|>"


@pytest.fixture(scope="module")
def student(tmp_path_factory):
    return save_student(tmp_path_factory.mktemp("student"))


@pytest.fixture
def show(student, tmp_path, monkeypatch, capsys):
    """Prints some rows of a recipe that is written for it."""
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    monkeypatch.chdir(tmp_path)

    def show(rows, *arguments, **values):
        (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        (tmp_path / "recipe.yaml").write_text(
            yaml.safe_dump({"tokenizer": student, "datasets": [{"path": "rows.jsonl"}]} | values)
        )
        show_data.main(["recipe.yaml", *arguments])
        return capsys.readouterr().out

    return show


ROWS = [{"problem": f"{n} + 1 ?", "response": f"<think> so {n + 1} </think> {n + 1}"} for n in range(5)]


def test_learned_part_stands_between_brackets_and_is_counted(show, student):
    tokenizer = AutoTokenizer.from_pretrained(student)
    prompt, learned = "user: 0 + 1 ?\nassistant: ", f"<think> so 1 </think> 1{END}\n"
    sizes = len(tokenizer(prompt + learned).input_ids), len(tokenizer(learned).input_ids)
    assert show(ROWS, "-n", "1") == f"{prompt}⟦{learned}⟧\n({sizes[0]} tokens, {sizes[1]} of them learned)\n\n"


@pytest.mark.parametrize(
    ("arguments", "count"), [([], 3), (["-n", "1"], 1), (["-n", "5"], 5), (["-n", "9"], 5), (["-n", "0"], 0)]
)
def test_first_rows_are_shown(show, arguments, count):
    printed = show(ROWS, *arguments)
    assert printed.count("of them learned") == count and [f"user: {n} + 1 ?" in printed for n in range(5)] == [
        n < count for n in range(5)
    ]


def test_earlier_turns_are_not_learned(show):
    turns = ["one", "two", "three", "four"]
    printed = show(
        [{"messages": [{"role": ("user", "assistant")[n % 2], "content": text} for n, text in enumerate(turns)]}]
    )
    assert printed.startswith(f"user: one\nassistant: two{END}\nuser: three\nassistant: ⟦four{END}\n⟧\n")


def test_prefilled_start_is_not_learned(show, tmp_path):
    (tmp_path / "template.jinja").write_text(PREFILLED)
    printed = show(ROWS, "-n", "1", chat_template="template.jinja")
    assert printed.startswith(f"user: 0 + 1 ?\nassistant: <think>⟦ so 1 </think> 1{END}\n⟧\n")


def test_prompts_only_without_responses(show):
    printed = show([{"problem": f"{n} + 1 ?", "answer": str(n + 1)} for n in range(5)], rewards={"accuracy": {}})
    assert printed.startswith("user: 0 + 1 ?\nassistant: ⟦⟧\n(") and printed.count(", 0 of them learned)") == 3


def test_plain_text_is_shown_as_it_is(show):
    source = [{"path": "rows.jsonl", "raw": True}]
    assert show([{"prompt": "User: a", "completion": " b."}], datasets=source).startswith("User: a⟦ b.⟧\n(")


def test_shares_of_a_mixture_are_no_columns(show):
    assert "0 + 1" in show(ROWS, datasets=[{"path": "rows.jsonl", "count": 2}, {"path": "rows.jsonl", "weight": 0.5}])


def test_command_line_changes_the_recipe(show, student):
    assert "of them learned" in show(ROWS, "--tokenizer", student, tokenizer="")
    assert show(ROWS, "-n", "2", "--datasets", "[{path: rows.jsonl, limit: 1}]").count("of them learned") == 1


@pytest.mark.parametrize("key", ["model", "model_name_or_path"])
def test_model_brings_the_tokenizer(show, student, key):
    assert "of them learned" in show(ROWS, tokenizer={"vocab_size": 300}, **{key: student})


def test_recipe_of_the_repository_is_shown(capsys, monkeypatch, student):
    monkeypatch.chdir(REPOSITORY)
    show_data.main(
        [
            "recipes/mini/zero.yaml",
            "-n",
            "2",
            "--tokenizer",
            student,
            "--chat_template",
            "recipes/mini/templates/zero.jinja",
        ]
    )
    printed = capsys.readouterr().out
    assert printed.startswith("User: ") and printed.count(" Assistant:⟦⟧") == 2


def test_colour_marks_the_learned_part(student):
    row = {"prompt": [{"role": "user", "content": "a"}], "response": "b"}
    text = shown(AutoTokenizer.from_pretrained(student), row, colour=True)
    assert text.startswith(f"{DIM}user: a\nassistant: {USUAL}{GREEN}b{END}\n{USUAL}\n(") and "⟦" not in text


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"tokenizer": ""}, "recipe.yaml names no model or tokenizer"),
        ({"tokenizer": {"vocab_size": 300}}, "recipe.yaml names no model or tokenizer"),
        ({"tokenizer": "./nowhere"}, "nowhere does not exist"),
        ({"datasets": []}, "lists no `datasets`"),
        ({"datasets": [{"path": "missing.jsonl"}]}, "missing.jsonl does not exist"),
        ({"datasets": [{"weight": 1}]}, "no `path`"),
        ({"chat_template": "swallows.jinja"}, "removes the reasoning"),
        ({"chat_template": "none.jinja"}, "none.jinja does not exist"),
    ],
    ids=str,
)
def test_mistake_is_one_line(capsys, show, tmp_path, values, expected):
    (tmp_path / "swallows.jinja").write_text(SWALLOWS)
    assert expected in fails(capsys, lambda arguments: show(ROWS, *arguments, **values), "-n", "1")


def test_missing_recipe_is_one_line(capsys):
    assert "no.yaml: no such recipe" in fails(capsys, show_data.main, "no.yaml")


def test_tokenizer_without_template_is_one_line(capsys, show, tmp_path):
    bare = save_student(tmp_path / "bare", None)
    assert "has no chat template" in fails(capsys, lambda arguments: show(ROWS, *arguments, tokenizer=bare), "-n", "1")
    assert "user: 0" in show(ROWS, tokenizer=save_student(tmp_path / "again", PLAIN))


def test_prompts_of_a_recipe_that_generates_have_their_examples_and_their_start(show, tmp_path):
    (tmp_path / "examples.yaml").write_text("- {prompt: '1 + 1 ?', response: it is 2}\n")
    printed = show(ROWS, "-n", "1", num_samples=4, few_shot="examples.yaml", prefill="<think>")
    assert printed.startswith(f"user: 1 + 1 ?\nassistant: it is 2{END}\nuser: 0 + 1 ?\nassistant: <think>⟦⟧\n(")


def test_template_for_training_marks_the_tag_as_learned(show, tmp_path):
    (tmp_path / "prefilled.jinja").write_text(PREFILLED)
    (tmp_path / "plain.jinja").write_text(PLAIN)
    one = {"chat_template": "prefilled.jinja"}
    assert "assistant: <think>⟦ so 1" in show(ROWS, "-n", "1", **one)
    assert "assistant: ⟦<think> so 1" in show(ROWS, "-n", "1", **one, training_template="plain.jinja")
