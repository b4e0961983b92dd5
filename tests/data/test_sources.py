"""Sources become the shared columns, and what is wrong with one is an error that names it."""

import json

import datasets
import pytest

from open_r1.core.errors import DataError, UserError
from open_r1.data.sources import load_source, load_sources

SHARED = {"prompt", "answer", "verifier", "domain", "language", "difficulty", "metadata", "problem_id"}


@pytest.fixture(autouse=True)
def no_hub(tmp_path, monkeypatch):
    """Files are cached beside the test, and only files may be loaded."""
    load = datasets.load_dataset

    def load_files(path, *args, **options):
        assert path in ("json", "parquet", "csv"), f"looked for {path} on the Hub"
        return load(path, *args, **options)

    monkeypatch.setattr(datasets, "load_dataset", load_files)
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")


@pytest.fixture
def jsonl(tmp_path):
    def write(rows, name="rows.jsonl"):
        (tmp_path / name).write_text(
            "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8"
        )
        return str(tmp_path / name)

    return write


ROWS = [{"problem": "1+1", "solution": "2"}, {"problem": "二加二", "solution": "4"}]
NAMES = {"problem": "prompt", "solution": "answer"}


@pytest.mark.parametrize(
    ("kind", "domain", "verifier"),
    [("chain", "reasoning", "math"), ("general", "general", "exact"), ("harm", "harm", "refusal")],
)
def test_mini_source_has_the_shared_columns(kind, domain, verifier):
    rows = load_source({"path": f"mini:{kind}", "limit": 5, "domain": "never replaces what the data say"})
    assert len(rows) == 5 and set(rows.column_names) >= SHARED
    assert set(rows["domain"]) == {domain} and set(rows["verifier"]) == {verifier}
    assert [message["role"] for message in rows[0]["prompt"]] == ["user"]


def test_dials_reach_the_generator():
    assert set(load_source({"path": "mini:chain", "limit": 20, "min_terms": 4, "max_terms": 4})["difficulty"]) == {4}


def test_raw_source_stays_as_it_is():
    assert load_source({"path": "mini:corpus", "limit": 3, "raw": True}).column_names == ["prompt", "completion"]


def test_file_is_read_renamed_and_filled_with_defaults(jsonl):
    rows = load_source({"path": jsonl(ROWS), "columns": NAMES, "language": "zh"}).to_list()
    assert [row["answer"] for row in rows] == ["2", "4"] and rows[1]["prompt"] == [
        {"role": "user", "content": "二加二"}
    ]
    assert {key: rows[0][key] for key in ("verifier", "domain", "language", "difficulty", "metadata")} == {
        "verifier": "math", "domain": "reasoning", "language": "zh", "difficulty": 0, "metadata": "",
    }  # fmt: skip


def test_problem_id_is_kept_or_made_from_the_prompt(jsonl):
    rows = [
        {"prompt": "a", "problem_id": "mine"},
        {"prompt": "a", "problem_id": None},
        {"prompt": "b"},
        {"prompt": "a"},
    ]
    mine, one, other, again = load_source({"path": jsonl(rows)})["problem_id"]
    assert mine == "mine" and one == again != other
    rows = [{"prompt": "a", "problem_id": 0}, {"prompt": "b", "problem_id": 1}]  # numbers, of which 0 is one
    assert load_source({"path": jsonl(rows)})["problem_id"] == ["0", "1"]


def test_messages_stay_messages(jsonl):
    messages = [{"role": "system", "content": "s"}, {"role": "user", "content": "u"}]
    assert load_source({"path": jsonl([{"prompt": messages}])})[0]["prompt"] == messages


def test_limit_takes_the_first_rows(jsonl):
    assert load_source({"path": jsonl(ROWS), "columns": NAMES, "limit": 1})["answer"] == ["2"]
    assert len(load_source({"path": jsonl(ROWS), "columns": NAMES, "limit": 9})) == 2


KINDS = [{"prompt": f"{n}", "answer": "1", "kind": kind, "n": n} for n, kind in enumerate("abcab")]


@pytest.mark.parametrize(
    ("where", "found"),
    [
        ({"kind": "a"}, [0, 3]),
        ({"kind": ["a", "c"]}, [0, 2, 3]),
        ({"kind": ["a", "b"], "n": [1, 2, 3]}, [1, 3]),
        ({"n": 4}, [4]),
        ({}, [0, 1, 2, 3, 4]),
        (None, [0, 1, 2, 3, 4]),
    ],
)
def test_where_takes_the_rows_with_these_values(jsonl, where, found):
    assert load_source({"path": jsonl(KINDS), "where": where})["n"] == found


def test_where_sees_renamed_columns_and_comes_before_the_limit(jsonl):
    source = {"path": jsonl(KINDS), "columns": {"kind": "domain"}, "where": {"domain": "b"}, "limit": 1}
    assert load_source(source)["n"] == [1]
    assert set(load_source({"path": "mini:chain", "limit": 40, "where": {"language": "zh"}})["language"]) == {"zh"}


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ({"sort": "a"}, "no column `sort`; it has prompt, answer, kind, n"),
        ({"kind": "d"}, "has no row with `kind: d`; it has a, b, c"),
        ("kind", "`where: kind`"),
    ],
)
def test_where_without_such_rows_says_what_there_is(jsonl, where, message):
    with pytest.raises(DataError, match=message):
        load_source({"path": jsonl(KINDS), "where": where})


def test_open_prompts_need_no_answer(jsonl):
    path = jsonl([{"prompt": "Tell me a story"}])
    assert load_sources([{"path": path, "verifier": "open"}], ["prompt", "answer"])["answer"] == [""]
    with pytest.raises(DataError, match="no column `answer`"):
        load_sources([{"path": path}], ["prompt", "answer"])


def test_renamed_column_replaces_one_that_had_the_name(jsonl):
    path = jsonl([{"question": "new", "prompt": "old"}])
    assert load_source({"path": path, "columns": {"question": "prompt"}})[0]["prompt"][0]["content"] == "new"


@pytest.mark.parametrize("suffix", ["parquet", "csv"])
def test_other_file_types_are_read_too(tmp_path, suffix):
    path = str(tmp_path / f"rows.{suffix}")
    getattr(datasets.Dataset.from_list(ROWS), f"to_{suffix}")(path)
    assert (
        load_source({"path": path, "columns": NAMES})["problem_id"]
        == load_source({"path": path, "columns": NAMES})["problem_id"]
    )


def test_artifact_directory_is_a_source(tmp_path):
    datasets.Dataset.from_list([{"prompt": "a", "answer": "1"}]).to_parquet(str(tmp_path / "data.parquet"))
    assert load_source({"path": str(tmp_path)})["answer"] == ["1"]


def test_joined_sources_keep_the_columns_they_share(jsonl):
    rows = load_sources(
        [{"path": "mini:general", "limit": 3}, {"path": jsonl(ROWS), "columns": NAMES}], ["prompt", "answer"]
    )
    assert len(rows) == 5 and set(rows.column_names) == SHARED


@pytest.mark.parametrize("columns", [{"question": "prompt"}, NAMES | {"nothing": "x"}])
def test_renaming_a_missing_column_names_it_and_what_there_is(jsonl, columns):
    with pytest.raises(DataError, match="has no column `(question|nothing)`; it has problem, solution"):
        load_source({"path": jsonl(ROWS), "columns": columns})


@pytest.mark.parametrize(
    ("columns", "missing"),
    [
        ({"problem": "puzzle"}, "prompt"),
        ({"solution": "lösung"}, "answer"),
        ({"problem": "prompt", "solution": "notes"}, "answer"),
    ],
)
def test_missing_column_is_named_with_a_way_to_map_it(jsonl, columns, missing):
    with pytest.raises(DataError, match=f"no column `{missing}`") as caught:
        load_sources([{"path": jsonl(ROWS), "columns": columns}], ["prompt", "answer"])
    assert f"{missing}}}" in caught.value.hint


def test_empty_dataset_is_an_error(tmp_path):
    empty = datasets.Dataset.from_dict(
        {"prompt": [], "answer": []},
        datasets.Features({key: datasets.Value("string") for key in ("prompt", "answer")}),
    )
    empty.to_parquet(str(tmp_path / "data.parquet"))
    with pytest.raises(DataError, match="is empty"):
        load_source({"path": str(tmp_path)})


@pytest.mark.parametrize("rows", [[], [{}]], ids=["no line", "empty row"])
def test_empty_file_is_an_error_of_the_user(jsonl, rows):
    with pytest.raises(UserError):
        load_source({"path": jsonl(rows)})


def test_file_that_is_no_json_is_an_error_of_the_user(tmp_path):
    (tmp_path / "rows.jsonl").write_text("{broken\n")
    with pytest.raises(UserError):
        load_source({"path": str(tmp_path / "rows.jsonl")})


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ({"path": "mini:chian"}, "mini:chian does not exist"),
        ({"path": "mini:chain", "max_term": 5}, "max_term"),
        ({}, "no `path`"),
        ({"path": 3}, "no `path`"),
        ("mini:chain", "no `path`"),
    ],
)
def test_unusable_entry_is_an_error_that_quotes_it(source, message):
    with pytest.raises(UserError, match=message):
        load_source(source)


def test_unknown_key_of_a_file_source_is_refused(jsonl):
    with pytest.raises(UserError, match="max_terms"):
        load_source({"path": jsonl(ROWS), "max_terms": 5})


@pytest.mark.parametrize("sources", [[], None])
def test_recipe_without_sources_is_refused(sources):
    with pytest.raises(DataError, match="lists no `datasets`"):
        load_sources(sources)


@pytest.mark.parametrize(
    "path", ["/no/such.jsonl", "./rows.jsonl", "missing.jsonl", "data/mini/nothing", "data/rows.jsonl"]
)
def test_missing_file_is_an_error_at_once_and_is_not_looked_for_on_the_hub(path):
    with pytest.raises(DataError, match=f"dataset {path} does not exist"):
        load_source({"path": path})


def test_options_of_multiple_choice_survive_beside_other_sources(tmp_path):
    choice = [{"prompt": "Which?", "answer": "B", "verifier": "choice", "options": ["one", "two"]}]
    (tmp_path / "choice.jsonl").write_text("".join(json.dumps(row) + "\n" for row in choice))
    rows = load_sources(
        [{"path": "mini:chain", "limit": 2}, {"path": str(tmp_path / "choice.jsonl")}], ["prompt", "answer"]
    )
    assert rows["options"] == [None, None, ["one", "two"]]
