"""Benchmarks with a second file beside the first, and with files that are chosen by name, as they lie on the Hub."""

import json
from pathlib import Path

import pytest
from conftest import HUB_CACHE
from hub import ROWS, Hub

from open_r1.core.benchmarks import decontaminated, read_benchmark
from open_r1.core.errors import DataError, RecipeError
from open_r1.core.keys import Key, named_in, sources_in
from open_r1.data.contamination import read_benchmark as known_text
from open_r1.data.sources import SOURCE, load_source, load_sources
from open_r1.hub.pulling import loaded_items

NAMES = ("simpleqa", "c_simpleqa", "frames", "alpaca_eval", "arena_hard")


@pytest.fixture(scope="module", autouse=True)
def hub(tmp_path_factory):
    """The files of these data sets, with rows of our own, where a download lies."""
    hub = Hub(HUB_CACHE, tmp_path_factory.mktemp("models"))
    for _, name in named_in([read_benchmark(name) for name in NAMES], Key(inside=SOURCE)):
        hub.publish(name, "dataset")


def invented(name):
    return [json.loads(line) for line in (ROWS / name).read_text(encoding="utf-8").splitlines()]


@pytest.mark.parametrize("name", NAMES)
def test_a_benchmark_reads_its_files_on_the_hub(name):
    found = load_source(read_benchmark(name))
    assert len(found) == len(invented(f"{name}.jsonl")) and all(row["verifier"] == "judge" for row in found)


def test_instructions_have_their_difficulty_and_the_verdicts_on_other_styles():
    rows = list(load_source(read_benchmark("alpaca_eval")))
    assert [row["answer"] for row in rows] == [row["output"] for row in invented("alpaca_eval.jsonl")]  # also ####
    known = [json.loads(row["metadata"]) for row in rows]
    assert [one["difficulty"] for one in known] == [0.4, -0.3, 0.1]
    assert known[1]["gamed"] == [[0.6, -0.8], [0.3, 0.7]]


def test_a_row_keeps_its_number_where_some_are_left_out():
    (row,) = load_source(read_benchmark("alpaca_eval") | {"where": {"dataset": "vicuna"}})
    assert json.loads(row["metadata"])["difficulty"] == 0.1


def test_questions_have_the_answers_of_the_baseline():
    rows = list(load_source(read_benchmark("arena_hard")))
    answers = {row["uid"]: row["messages"][-1]["content"]["answer"] for row in invented("beside/arena_hard.jsonl")}
    assert {row["uid"]: row["answer"] for row in rows} == answers
    assert [row["prompt"][0]["content"] for row in rows] == [row["prompt"] for row in invented("arena_hard.jsonl")]


def test_questions_stand_under_their_articles():
    rows = list(load_source(read_benchmark("frames")))
    text = rows[0]["prompt"][0]["content"]
    assert "built in 1888" in text and "(1840-1900)" in text and text.endswith(rows[0]["question"])
    assert json.loads(rows[0]["metadata"]) == {"question": rows[0]["question"]}
    assert "Lorn\n(its text is not at hand)" in rows[2]["prompt"][0]["content"]


def test_a_link_to_a_section_stands_for_its_article(tmp_path):
    """As the questions have some, and the articles list them: `#Course`."""
    (row,) = load_source(
        read_benchmark("frames") | {"where": {"Answer": "The Venn"}, "columns": {"Prompt": "question"}}
    )
    assert "wiki/Venn_(river)\nThe Venn is 210 km long." in row["prompt"][0]["content"]
    known = [one for one in invented("beside/frames.jsonl") if 1 in one["frames_prompt_id"]]
    for one in known:  # three links, two of them to one article
        one["original_link"] = ["https://en.example.org/wiki/Caro"] if "Caro" in one["link"] else []
    known[0]["original_link"] += ["https://en.example.org/wiki/Venn_(river)#Course"]
    entry = beside("frames", known, tmp_path, where={"answer": "The Venn"})
    (row,) = load_source(entry)
    assert row["prompt"][0]["content"].count("At Caro the Venn and the Siss meet.") == 1


def test_several_benchmarks_are_read_together():
    rows = load_sources([read_benchmark(name) for name in NAMES], ["prompt", "answer"], named=True)
    assert set(rows["dataset"]) == set(NAMES) and all(rows["answer"])


def test_training_data_are_checked_against_the_questions_alone():
    for entry in decontaminated():
        if entry["benchmark"] in NAMES:
            assert "beside" not in entry
            texts = [text for _, _, text, question in known_text(entry) if question]
            assert texts == [row["question"] for row in load_source(read_benchmark(entry["benchmark"]))]


def test_what_a_benchmark_reads_is_what_is_pulled():
    entries = [read_benchmark(name) for name in ("alpaca_eval", "arena_hard", "frames")]
    assert len(list(sources_in(entries, Key(inside=SOURCE)))) == 6
    files = {file for item in loaded_items({"datasets": entries}, {"datasets": Key(inside=SOURCE)})
             for file in item.files}  # fmt: skip
    assert files >= {"alpaca_eval_gpt4_baseline.json", "df_gamed.csv", "data/arena-hard-v0.1/question.jsonl"}


def beside(name, rows, tmp_path, **own):
    """A benchmark with other rows beside it."""
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    by = read_benchmark(name)["beside"]["by"]
    return read_benchmark(name) | {"beside": {"path": str(tmp_path / "rows.jsonl"), "by": by}} | own


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"beside": None}, "`reader: frames` needs a second file"),
        ({"beside": {"path": "x/nothing.jsonl", "by": "link"}}, "x/nothing.jsonl does not exist"),
        ({"beside": {"by": "link"}}, "has no `path`"),
        ({"beside": {"path": str(ROWS / "frames.jsonl")}}, "has no `by`"),
        ({"beside": {"path": str(ROWS / "frames.jsonl"), "by": "link"}}, "no column `link`"),
        ({"files": ["nothing.csv"]}, "no file nothing.csv"),
        ({"files": "test.tsv"}, "`files: test.tsv`"),
        ({"columns": {"Prompt": "question", "Answer": "wiki_links"}}, "no list of links: '12'"),
    ],
)
def test_a_second_file_that_does_not_fit_is_one_line(entry, message):
    with pytest.raises(DataError, match=message):
        load_source(read_benchmark("frames") | entry)


def test_an_unknown_key_of_the_second_file_is_named():
    with pytest.raises(RecipeError, match="colum"):
        load_source(read_benchmark("frames") | {"beside": {"path": "a/b", "by": "link", "columns": {}}})


def test_articles_of_other_questions_are_refused(tmp_path):
    entry = beside("frames", [{"link": "https://x", "original_link": ["https://x#y"], "text": "?"}], tmp_path)
    with pytest.raises(DataError, match="no article of question 0 has a text: https://en.example.org/wiki/Bridge"):
        load_source(entry)


def test_a_question_without_the_answer_of_the_baseline_is_refused(tmp_path):
    entry = beside("arena_hard", invented("beside/arena_hard.jsonl")[:1], tmp_path)
    with pytest.raises(DataError, match="no answer to question 11aa"):
        load_source(entry)


def test_without_the_authors_file_an_instruction_has_no_difficulty(tmp_path):
    rows = load_source(beside("alpaca_eval", [{"index": 99, "preference": 0.5}], tmp_path))
    assert rows["metadata"] == [""] * 3 and Path(tmp_path / "rows.jsonl").exists()
