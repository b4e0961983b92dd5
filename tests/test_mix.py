"""Mixtures: how much of each source, rows that render, and a card that counts them."""

import contextlib
import json
import os

import datasets
import pyarrow.parquet as pq
import pytest
import yaml
from students import ENDLESS, PREFILLED, SWALLOWS, save_student
from test_bad_input import fails
from transformers import AutoTokenizer

from open_r1 import mix
from open_r1.core.artifacts import read_manifest
from open_r1.core.errors import HubError
from open_r1.core.stage import begin
from open_r1.mix import MixArguments

THOUGHT = "<think> {} and one </think> It is {}."


@pytest.fixture(scope="module")
def student(tmp_path_factory):
    return save_student(tmp_path_factory.mktemp("student"))


@pytest.fixture
def recipe(student, tmp_path, monkeypatch):
    """Writes a recipe over two sources: 10 problems with reasoning, and 6 chats, the last two of them of two turns."""
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    monkeypatch.chdir(tmp_path)
    math = [{"problem": f"{n} + 1 ?", "answer": str(n + 1), "response": THOUGHT.format(n, n + 1)} for n in range(10)]
    turns = [["Hello {}", "Hi {}."], ["Hello {}", "Hi {}.", "How are you {} ?", "Fine {}."]]
    chats = [
        {
            "messages": [
                {"role": ("user", "assistant")[i % 2], "content": t.format(n)} for i, t in enumerate(turns[n > 3])
            ]
        }
        for n in range(6)
    ]
    for name, rows in (("math", math), ("chat", chats)):
        (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))

    def write(math=None, chat=None, **values):
        """`math` and `chat` are added to the entries of `datasets`."""
        entries = [
            {"path": "math.jsonl", "domain": "math", **(math or {})},
            {"path": "chat.jsonl", "domain": "chat", **(chat or {})},
        ]
        content = {
            "output_dir": "mixture",
            "root": "",
            "tokenizer": student,
            "decontaminate": False,
            "datasets": entries,
            "seed": 3,
        } | values
        (tmp_path / "recipe.yaml").write_text(yaml.safe_dump(content))
        return ["--config", "recipe.yaml"]

    return write  # fmt: skip


def made(arguments, name="mixture"):
    """Rows, manifest and card of a mixture."""
    mix.main([*arguments, "--output_dir", name])
    return pq.read_table(f"{name}/data.parquet").to_pylist(), read_manifest(name), open(f"{name}/README.md").read()


def domains(rows):
    return {name: sum(row["domain"] == name for row in rows) for name in sorted({row["domain"] for row in rows})}


@pytest.mark.parametrize(
    ("math", "chat", "total", "expected"),
    [
        ({}, {}, 0, {"chat": 6, "math": 10}),
        ({"count": 4}, {"count": 2}, 0, {"chat": 2, "math": 4}),
        ({"count": 4}, {}, 0, {"chat": 6, "math": 4}),
        ({"count": 0}, {}, 0, {"chat": 6}),
        ({"weight": 0.75}, {"weight": 0.25}, 8, {"chat": 2, "math": 6}),
        ({"limit": 5}, {"limit": 1}, 0, {"chat": 1, "math": 5}),
        ({"domain": "stem"}, {"domain": "stem"}, 0, {"stem": 16}),
    ],
)
def test_mixture_holds_so_many_rows_of_each_domain(recipe, math, chat, total, expected):
    rows, manifest, _ = made(recipe(math, chat, total=total))
    assert domains(rows) == dict(sorted(manifest["domains"].items())) == expected and manifest["rows"] == sum(
        expected.values()
    )
    assert len({json.dumps(row["prompt"]) for row in rows}) == len(rows)


def test_rows_are_what_sft_reads(recipe):
    rows, _, _ = made(recipe())
    assert all(set(row) == {"problem_id", "prompt", "response", "domain", "language"} for row in rows)
    by_prompt = {row["prompt"][-1]["content"]: row for row in rows}
    assert by_prompt["7 + 1 ?"]["response"] == THOUGHT.format(7, 8) and by_prompt["Hello 0"]["response"] == "Hi 0."
    assert [turn["content"] for turn in by_prompt["How are you 5 ?"]["prompt"]] == [
        "Hello 5",
        "Hi 5.",
        "How are you 5 ?",
    ]


def test_domain_of_the_data_wins_over_the_label(recipe, tmp_path):
    (tmp_path / "code.jsonl").write_text(
        '{"prompt": "a", "response": "b", "domain": "code"}\n{"prompt": "c", "response": "d"}\n'
    )
    rows, _, _ = made(recipe(datasets=[{"path": "code.jsonl", "domain": "label"}]))
    assert {row["response"]: row["domain"] for row in rows} == {"b": "code", "d": "label"}


def test_card_has_the_table_of_the_paper(recipe, student):
    rows, manifest, card = made(recipe())
    tokenizer, used = AutoTokenizer.from_pretrained(student), {}
    for row in rows:
        text = " ".join([*(turn["content"] for turn in row["prompt"]), row["response"]])
        used[row["domain"]] = used.get(row["domain"], 0) + len(tokenizer(text).input_ids)
    total = sum(used.values())
    assert (
        card.startswith("---\n")
        and "Not checked against any benchmark." in card
        and "| max_length: 32768 | 16 | 0 | - |" in card
    )
    assert f"| chat | 6 | 1.3 | {used['chat'] / 6:.1f} | 37.5% | {used['chat'] / total:.1%} |" in card
    assert f"| math | 10 | 1.0 | {used['math'] / 10:.1f} | 62.5% | {used['math'] / total:.1%} |" in card
    assert f"| all | 16 | 1.1 | {total / 16:.1f} | 100.0% | 100.0% |" in card


def test_table_is_printed(recipe, capsys):
    made(recipe())
    printed = capsys.readouterr().out
    assert printed.startswith("| domain | samples |") and "| all | 16 |" in printed and "recipe" not in printed


def test_same_seed_draws_the_same_rows_in_the_same_order(recipe):
    one, again, other = (
        made(recipe({"count": 5}, {"count": 3}, seed=seed), f"mixture{n}")[0] for n, seed in enumerate([3, 3, 4])
    )
    assert one == again and one != other and sorted(map(str, one)) != sorted(map(str, other))
    assert [row["domain"] for row in one] != sorted(row["domain"] for row in one)


def test_rows_that_are_too_long_are_left_out_and_counted(recipe, student, tmp_path):
    tokenizer = AutoTokenizer.from_pretrained(student)
    chat = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "x" * 30}]
    length = len(tokenizer(tokenizer.apply_chat_template(chat, tokenize=False)).input_ids)
    (tmp_path / "long.jsonl").write_text(
        "".join(json.dumps({"prompt": "a", "response": "x" * size}) + "\n" for size in (29, 30, 31, 300))
    )
    rows, manifest, card = made(recipe(datasets=[{"path": "long.jsonl"}], max_length=length))
    assert sorted(len(row["response"]) for row in rows) == [29, 30]
    step = manifest["funnel"][0]
    assert (step["filter"], step["before"], step["removed"]) == (
        f"max_length: {length}",
        4,
        2,
    ) and f"| max_length: {length} | 4 | 2 |" in card
    assert any(example.startswith("x" * 31) and " ... " not in example for example in step["examples"])


def test_mixture_is_checked_against_the_benchmarks(recipe, tmp_path):
    (tmp_path / "benchmark.jsonl").write_text('{"problem": "7 + 1 = ?"}\n{"problem": "8+1?"}\n')
    rows, manifest, card = made(recipe(decontaminate={"against": [{"path": "benchmark.jsonl"}]}))
    assert domains(rows) == {"chat": 6, "math": 9} and "8 + 1 ?" not in {row["prompt"][0]["content"] for row in rows}
    aside = [json.loads(line) for line in (tmp_path / "mixture/contaminated.jsonl").read_text().splitlines()]
    assert [row["contamination"]["entry"] for row in aside] == ["1"] and "16 rows checked, 1 removed" in card
    assert (manifest["contamination"]["checked"], manifest["contamination"]["removed"]) == (16, 1)


def test_template_of_the_recipe_is_used(recipe, tmp_path):
    (tmp_path / "template.jinja").write_text(PREFILLED)
    rows, _, _ = made(recipe(chat_template="template.jinja", datasets=[{"path": "math.jsonl"}]))
    assert len(rows) == 10 and all(row["response"].startswith("<think>") for row in rows)


@pytest.mark.parametrize(
    ("template", "message"),
    [
        (SWALLOWS, "removes the reasoning"),
        (ENDLESS, "never writes the end token"),
        (PREFILLED, "no prefix of the rendered conversation"),
    ],
)
def test_template_that_would_not_teach_the_row_is_refused(capsys, recipe, tmp_path, template, message):
    (tmp_path / "template.jinja").write_text(template)
    assert message in fails(capsys, mix.main, *recipe(chat_template="template.jinja"))
    assert read_manifest("mixture") is None


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"math": {"count": 11}}, "math.jsonl has 10 rows, not 11"),
        ({"math": {"weight": 0.5}, "chat": {"weight": 0.5}, "total": 14}, "chat.jsonl has 6 rows, not 7"),
        ({"math": {"weight": 0.5}, "chat": {"weight": 0.6}, "total": 8}, "sum to 1.1, not to 1"),
        ({"math": {"weight": 0.5}, "chat": {"weight": 0.5}}, "`weight` needs `total`"),
        ({"math": {"cuont": 1}}, "cuont"),
        ({"math": {"columns": {"response": "text"}}}, "no column `response`"),
        ({"datasets": [{"path": "mini:chain", "limit": 2}]}, "no column `response`"),
        ({"datasets": []}, "`datasets`"),
        ({"datasets": [{"domain": "math"}]}, "no `path`"),
        ({"max_length": 3}, "no row is left"),
        ({"tokenizer": ""}, "names no `tokenizer`"),
        ({"tokenizer": "./nowhere"}, "nowhere does not exist"),
        ({"chat_template": "none.jinja"}, "none.jinja does not exist"),
        ({"decontaminate": {"size": 9, "against": [{"path": "mini:chain", "limit": 2}]}}, "size: 9"),
        ({"totl": 3}, "did you mean `total`?"),
    ],
    ids=str,
)
def test_mistake_is_one_line_and_leaves_nothing_complete(capsys, recipe, values, expected):
    assert expected in fails(capsys, mix.main, *recipe(**values))
    assert read_manifest("mixture") is None


def test_row_without_a_response_is_one_line(capsys, recipe, tmp_path):
    (tmp_path / "gaps.jsonl").write_text('{"prompt": "a", "response": "b"}\n{"prompt": "c", "response": null}\n')
    assert "response" in fails(capsys, mix.main, *recipe(datasets=[{"path": "gaps.jsonl"}]))


@pytest.mark.parametrize(
    ("values", "offline"),
    [
        ({}, True),
        ({"tokenizer": "Qwen/Qwen2.5-7B"}, False),
        ({"decontaminate": {"against": [{"path": "HuggingFaceH4/MATH-500"}]}}, False),
        ({"decontaminate": None}, False),
        ({"decontaminate": {"size": 13}}, False),
    ],
    ids=str,
)
def test_hub_is_switched_off_only_where_nothing_of_it_is_needed(recipe, monkeypatch, values, offline):
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    with contextlib.suppress(HubError):  # to this process it is off at any rate
        begin(MixArguments, recipe(**values))
    assert (os.environ.get("HF_HUB_OFFLINE") == "1") == offline
