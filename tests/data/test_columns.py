"""Public datasets are recognised by their columns, whatever the file type, and in memory or on disk alike."""

import json

import datasets
import pytest

from open_r1.core.errors import DataError
from open_r1.core.languages import main_language
from open_r1.data import sources
from open_r1.data.columns import as_messages, detected, plain_answer
from open_r1.data.sources import load_source, load_sources
from open_r1.verify import verify


@pytest.fixture
def read(tmp_path, monkeypatch):
    """Rows as a source that stands in a file."""
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")

    def read(rows, suffix="jsonl", **source):
        path = tmp_path / f"rows{len(list(tmp_path.iterdir()))}.{suffix}"
        if suffix == "json":
            path.write_text(json.dumps(rows, ensure_ascii=False))
        elif suffix == "jsonl":
            path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
        else:
            getattr(datasets.Dataset.from_list(rows), f"to_{suffix}")(str(path))
        return load_source({"path": str(path), **source})

    return read


def user(text):
    return [{"role": "user", "content": text}]


def chat(*texts):
    """A chat that the user begins."""
    return [{"role": ("user", "assistant")[turn % 2], "content": text} for turn, text in enumerate(texts)]


THOUGHT = "<think>\n3 + 4 is 7\n</think>\n\nIt is $\\boxed{7}$."
LONG = "We add the three to the four and then we find that it is \\boxed{7}."
# The column layout of public datasets: (row, prompt, answer, response); `None` where there is none.
LAYOUTS = {
    "OpenR1-Math-220k": (
        {
            "problem": "3 + 4 ?", "solution": LONG, "answer": "7", "problem_type": "Algebra",
            "question_type": "math-word-problem",
            "source": "olympiads", "uuid": "3d0c", "is_reasoning_complete": [True, True],
            "generations": [THOUGHT, "<think> no"],
            "correctness_math_verify": [True, False], "correctness_llama": None, "finish_reasons": ["stop", "length"],
            "correctness_count": 1, "messages": chat("3 + 4 ?", THOUGHT),
        },
        user("3 + 4 ?"), "7", THOUGHT,
    ),
    "NuminaMath-CoT": (
        {"source": "cn_k12", "problem": "3 + 4 ?", "solution": LONG, "messages": chat("3 + 4 ?", LONG)},
        user("3 + 4 ?"), "7", LONG,
    ),
    "GSM8K": (
        {"question": "Ann has 3,\nthen 4.", "answer": "She has 3+4=<<3+4=7>>7.\n#### 7"},
        user("Ann has 3,\nthen 4."), "7", None,
    ),
    "DeepScaleR": ({"problem": "3 + 4 ?", "answer": "7", "solution": LONG}, user("3 + 4 ?"), "7", None),
    "DAPO-Math-17k": (
        {
            "data_source": "math_dapo", "prompt": user("Solve: 3 + 4 ?"), "ability": "MATH",
            "reward_model": {"ground_truth": "7", "style": "rule-lighteval/MATH_v2"}, "extra_info": {"index": "9a9b"},
        },
        user("Solve: 3 + 4 ?"), "7", None,
    ),
    "OpenThoughts-114k": (
        {
            "system": "Your role as an assistant is to explore questions.",
            "conversations": [{"from": "user", "value": "3 + 4 ?"}, {"from": "assistant", "value": THOUGHT}],
        },
        user("3 + 4 ?"), None, THOUGHT,
    ),
    "UltraChat-200k": (
        {"prompt": "Hi", "prompt_id": "f0e3", "messages": chat("Hi", "Hello.", "And you?", "Fine.")},
        chat("Hi", "Hello.", "And you?"), None, "Fine.",
    ),
    "UltraFeedback-binarized": (
        {
            "prompt": "Hi", "prompt_id": "a1", "chosen": chat("Hi", "Hello."), "rejected": chat("Hi", "No."),
            "messages": chat("Hi", "Hello."), "score_chosen": 8.0, "score_rejected": 2.5,
        },
        user("Hi"), None, "Hello.",
    ),
    "No Robots": (
        {"prompt": "Hi", "prompt_id": "b2", "messages": chat("Hi", "Hello."), "category": "Generation"},
        user("Hi"), None, "Hello.",
    ),
    "TowerBlocks": (
        {
            "conversations": [{"from": "human", "value": "Hi"}, {"from": "gpt", "value": "Hallo."}], "lang": "en-de",
            "split": "dev", "dataset": "flores", "task": "general_mt",
        },
        user("Hi"), None, "Hallo.",
    ),
    "MATH-500": (
        {
            "problem": "3 + 4 ?", "solution": LONG, "answer": "7", "subject": "Algebra", "level": 1,
            "unique_id": "test/algebra/1.json",
        },
        user("3 + 4 ?"), "7", None,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", LAYOUTS)
def test_public_dataset_needs_no_columns_in_the_recipe(read, name):
    given, prompt, answer, response = LAYOUTS[name]
    row = read([given])[0]
    assert row["prompt"][-1:] == prompt[-1:] and [turn for turn in row["prompt"] if turn["role"] != "system"] == prompt
    assert (row.get("answer"), row.get("response")) == (answer, response)
    assert (row["verifier"], row["domain"]) == ("math", "reasoning") and len(row["problem_id"]) == 16
    assert row["language"] == main_language(prompt[-1]["content"])


@pytest.mark.parametrize("name", LAYOUTS)
def test_other_columns_stay(read, name):
    given = LAYOUTS[name][0]
    renamed = {"problem", "question"} | ({"solution"} if "answer" not in given else set())
    row = read([given])[0]
    assert {key: row[key] for key in given if key not in renamed | {"prompt", "answer"}} == {
        key: value for key, value in given.items() if key not in renamed | {"prompt", "answer"}
    }


@pytest.mark.parametrize("suffix", ["json", "jsonl", "parquet", "csv"])
def test_every_file_type_gives_the_same_rows(read, suffix):
    rows = [{"question": f"{n} + 1 ?", "answer": f"so\n#### {n + 1}"} for n in range(3)]
    found = read(rows, suffix).to_list()
    assert [row["answer"] for row in found] == ["1", "2", "3"] and found == read(rows).to_list()


@pytest.mark.parametrize("name", LAYOUTS)
def test_source_on_disk_gives_the_same_rows_as_one_in_memory(read, monkeypatch, name):
    rows = [LAYOUTS[name][0]] * 4
    memory = read(rows)
    monkeypatch.setattr(sources, "IN_MEMORY", 3)
    disk = read(rows)
    assert len(disk) == 4 and disk.to_list() == memory.to_list() and set(disk.column_names) == set(memory.column_names)


@pytest.mark.parametrize(
    "row",
    [
        pytest.param({"problem": "3 + 4 ?", "answer": 7}, id="answers that are numbers"),
        pytest.param({"problem": "3 + 4 ?", "answer": 7.5}, id="answers that are floats"),
        pytest.param({"problem": "3 + 4 ?", "answer": "7", "domain": None, "difficulty": None}, id="columns of nulls"),
        pytest.param({"problem": "3 + 4 ?", "answer": "7", "problem_id": None}, id="no id"),
        pytest.param({"messages": [{"role": "system", "content": "s"}, *chat("u", "a")]}, id="system message"),
        pytest.param(
            {"conversations": [{"from": "human", "value": "u"}, {"from": "gpt", "value": "a"}]}, id="ShareGPT"
        ),
    ],
)
def test_source_on_disk_differs_in_nothing(read, monkeypatch, row):
    memory = read([row] * 4)
    monkeypatch.setattr(sources, "IN_MEMORY", 3)
    disk = read([row] * 4)
    assert (
        disk.to_list() == memory.to_list()
        and {name: disk.features[name] for name in memory.features} == memory.features
    )


@pytest.mark.parametrize("size", [2, 5])
def test_rows_that_end_differently_keep_their_responses(read, monkeypatch, size):
    """The first row ends with the user, and so has no response; the others have one."""
    monkeypatch.setattr(sources, "IN_MEMORY", 3)
    found = read([{"messages": chat("u")}, *[{"messages": chat("u", "a")}] * (size - 1)])
    assert found["response"] == [None, *["a"] * (size - 1)] and all(prompt == user("u") for prompt in found["prompt"])


@pytest.mark.parametrize(
    ("names", "found"),
    [
        (["problem", "answer"], {"problem": "prompt"}),
        (["question", "problem"], {"problem": "prompt"}),
        (["prompt", "problem", "answer", "solution"], {}),
        (["problem", "solution"], {"problem": "prompt", "solution": "answer"}),
        (["problem", "solution", "expected_answer"], {"problem": "prompt", "expected_answer": "answer"}),
        (
            ["query", "gold", "generated_solution"],
            {"query": "prompt", "gold": "answer", "generated_solution": "response"},
        ),
        (["instruction", "output"], {"instruction": "prompt", "output": "response"}),
        (["input", "target"], {"input": "prompt", "target": "answer"}),
        (["messages"], {}),
        ([], {}),
    ],
)
def test_only_missing_columns_are_looked_for_in_a_fixed_order(names, found):
    assert detected(names) == detected(names[::-1]) == found


def test_the_responses_of_a_labelled_pair_are_two_sources(read):
    row = {"prompt": "Hi", "response_0": "Hello.", "response_1": "No.", "is_response_0_safe": True}
    row |= {"is_response_1_safe": False, "safer_response_id": 0}
    names = [{f"response_{n}": "completion", f"is_response_{n}_safe": "label"} for n in range(2)]
    found = [read([row], columns=columns, verifier="open", domain="harm")[0] for columns in names]
    assert [(one["completion"], one["label"], one["answer"]) for one in found] == [
        ("Hello.", True, ""),
        ("No.", False, ""),
    ]


def test_columns_of_the_recipe_win(read):
    row = {"problem": "not this", "question": "3 + 4 ?", "solution": LONG, "answer": "8"}
    found = read([row], columns={"question": "prompt", "solution": "response"})[0]
    assert (found["prompt"], found["response"], found["answer"]) == (user("3 + 4 ?"), LONG, "8")


@pytest.mark.parametrize(
    ("turns", "prompt", "response"),
    [
        (chat("u"), chat("u"), None),
        (chat("u", "a"), chat("u"), "a"),
        (chat("u", "a", "u2"), chat("u", "a", "u2"), None),
        (chat("u", "a", "u2", "b"), chat("u", "a", "u2"), "b"),
        ([{"role": "system", "content": "s"}, *chat("u", "a")], [{"role": "system", "content": "s"}, *chat("u")], "a"),
        (
            [{"from": "system", "value": "s"}, {"from": "human", "value": "u"}],
            [{"role": "system", "content": "s"}, *chat("u")],
            None,
        ),
        ([{"from": "human", "value": "u"}, {"from": "gpt", "value": "a"}], chat("u"), "a"),
        ([{"from": "human", "value": "u"}, {"from": "chatgpt", "value": "a", "weight": 1}], chat("u"), "a"),
        ([{"role": "user", "content": "u", "name": None}, {"role": "assistant", "content": None}], chat("u"), ""),
    ],
)
@pytest.mark.parametrize("column", ["messages", "conversations", "conversation"])
def test_chat_is_a_prompt_and_the_last_turn_of_the_assistant(read, column, turns, prompt, response):
    row = read([{column: turns}])[0]
    assert (row["prompt"], row.get("response")) == (prompt, response)


def test_response_of_the_data_is_not_replaced_by_the_chat(read):
    row = read([{"messages": chat("u", "a"), "prompt": "mine", "response": "this"}])[0]
    assert (row["prompt"], row["response"]) == (user("mine"), "this")


@pytest.mark.parametrize(
    ("given", "answer"),
    [
        ("7", "7"),
        ("", ""),
        (None, None),
        (True, True),
        (7, "7"),
        (-3, "-3"),
        (0.5, "0.5"),
        (["7"], ["7"]),
        ("She has 7.\n#### 7", "7"),
        ("#### 1,234", "1,234"),
        ("a #### 1\n#### 2 ", "2"),
        (LONG, "7"),
        ("\\boxed{7}", "\\boxed{7}"),
        ("first \\boxed{1} and after many more words of the solution it is \\boxed{\\frac{1}{2}}", "\\frac{1}{2}"),
        ("one two three four five six seven eight nine ten eleven \\boxed{never closed", None),
        ("ten words and more that speak of no box at all, whatever", None),
    ],
)
def test_answer_is_taken_out_of_a_solution(given, answer):
    assert plain_answer(given) == (given if answer is None else answer)


@pytest.mark.parametrize(
    "turns",
    [
        [{"role": "tool", "content": "x"}],
        [{"from": "bing", "value": "x"}],
        [{"role": "user"}],
        [{"text": "x"}],
        ["x"],
        [None],
        "x",
        7,
    ],
    ids=str,
)
def test_chat_that_cannot_be_read_is_one_line_that_quotes_it(turns):
    with pytest.raises(DataError, match="dataset here: a chat that cannot be read") as caught:
        as_messages(turns, "here")
    assert (
        len(str(caught.value).splitlines()) == 1
        and str(turns)[:20] in str(caught.value)
        and "from and value" in caught.value.hint
    )


@pytest.mark.parametrize("prompt", [None, 7, ["x"]], ids=str)
def test_prompt_that_is_none_is_an_error_of_the_user(read, prompt):
    with pytest.raises(DataError):
        read([{"prompt": "fine"}, {"prompt": prompt}] if prompt is None else [{"prompt": prompt}])


@pytest.mark.parametrize(
    "raw", [{"title": "first\nrow", "body": "text"}, {"title": "first\nrow", "answer": "7", "output": "x"}]
)
def test_no_prompt_shows_columns_first_row_and_a_suggestion_in_one_line(read, raw):
    with pytest.raises(DataError, match="no column `prompt`") as caught:
        read([raw, raw | {"title": "second"}])
    message = str(caught.value)
    assert (
        "it has title, " in message
        and r"'first\nrow'" in message
        and "second" not in message
        and len(message.splitlines()) == 1
    )
    assert caught.value.hint == "map one of them: `columns: {SOURCE: prompt}`"


def test_layouts_join_into_one_table(tmp_path, monkeypatch):
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    entries = []
    for name in ("OpenR1-Math-220k", "NuminaMath-CoT", "GSM8K", "MATH-500"):
        (tmp_path / f"{name}.jsonl").write_text(json.dumps(LAYOUTS[name][0]) + "\n")
        entries.append({"path": str(tmp_path / f"{name}.jsonl"), "domain": name})
    rows = load_sources(entries, ["prompt", "answer"])
    assert rows["answer"] == ["7"] * 4 and rows["domain"] == [entry["domain"] for entry in entries]


def test_an_instruction_and_its_input_are_one_prompt(tmp_path):
    rows = [
        {"instruction": "Add.", "input": "3 and 4", "output": "7"},
        {"instruction": "Say hello.", "input": "", "output": "hello"},
    ]
    (tmp_path / "alpaca.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    found = load_source({"path": str(tmp_path / "alpaca.jsonl")})
    assert [row["prompt"][0]["content"] for row in found] == ["Add.\n\n3 and 4", "Say hello."]
    assert found["response"] == ["7", "hello"]


@pytest.mark.parametrize(
    ("row", "source", "language"),
    [
        ({"problem": "How many primes are below ten?"}, {}, "en"),
        ({"problem": "十以内有多少个质数？"}, {}, "zh"),
        ({"problem": "பத்துக்குக் கீழே எத்தனை பகா எண்கள் உள்ளன?"}, {}, "ta"),
        ({"problem": "$x^2$"}, {}, None),
        ({"problem": "$x^2$"}, {"language": "de"}, "de"),
        ({"problem": "How many primes are below ten?", "language": "fr"}, {"language": "de"}, "fr"),
        ({"problem": "How many primes are below ten?", "language": "zh-CN"}, {}, "zh"),
        ({"problem": "How many primes are below ten?", "language": "python"}, {}, "en"),
        ({"messages": [{"role": "system", "content": "十以内有多少个质数？"}, *user("How many primes?")]}, {}, "en"),
    ],
)
def test_prompts_tell_their_language_where_neither_row_nor_recipe_does(read, row, source, language):
    rows = read([row | {"answer": "4"}] * 2, **source)
    assert [found["language"] for found in rows] == [language] * 2


def test_a_language_that_is_none_is_refused(read):
    with pytest.raises(DataError, match="'English'"):
        read([{"problem": "x", "answer": "4"}], language="English")


@pytest.mark.parametrize(
    ("answer", "options", "stored"),
    [
        (2, ["1", "2", "3", "4"], "C"),
        ("2", ["1", "2", "3", "4"], "2"),
        (7, ["1", "2"], "7"),
        (2, None, "2"),
        (True, ["1", "2"], True),
    ],
)
def test_an_integer_beside_options_is_an_index(read, answer, options, stored):
    assert read([{"question": "Which?", "answer": answer, "options": options}])[0]["answer"] == stored


@pytest.mark.parametrize("options", [["1", "2", "3", "4"]])
def test_indices_reach_the_verifier_as_letters(read, options):
    row = read([{"question": "Which?", "answer": 2, "options": options, "verifier": "choice"}])[0]
    assert verify("choice", row["answer"], r"\boxed{C}", options=row["options"]).correct


def test_reference_lists_reach_the_verifier_as_lists(read):
    row = read([{"question": "Where?", "answer": ["Rome", "Paris"], "verifier": "exact"}])[0]
    assert (
        verify("exact", row["answer"], "Paris.").correct and not verify("exact", row["answer"], "Rome Paris").correct
    )
