"""Every benchmark file, on rows of our own in the schema of its data set (`tests/benchmark_rows`)."""

import json
import shutil
from pathlib import Path

import pytest
import yaml
from conftest import HUB_CACHE

from open_r1.core.benchmarks import FOLDER, KEYS, benchmark_names, decontaminated, read_benchmark, with_benchmarks
from open_r1.core.errors import DataError, RecipeError
from open_r1.core.recipes import load_recipe
from open_r1.data import contamination, sources
from open_r1.data.readers import PLACE
from open_r1.verify import KINDS, verify

ROWS = Path(__file__).parents[1] / "benchmark_rows"
COMMIT = "b0a7" * 10


def fixture(name: str, **own):
    """The entry of a benchmark that reads the rows of our own."""
    known = {key: value for key, value in read_benchmark(name).items() if key not in ("name", "revision")}
    if "beside" in known:
        known["beside"] = {"path": str(ROWS / "beside" / f"{name}.jsonl"), "by": known["beside"]["by"]}
    return known | {"path": str(ROWS / f"{name}.jsonl"), "split": "train"} | own


@pytest.mark.parametrize("name", benchmark_names())
def test_reads_rows_of_its_data_set(name):
    places = PLACE.findall(read_benchmark(name)["prompt"])
    for row in sources.load_source(fixture(name)):
        (turn,) = row["prompt"]
        assert turn["role"] == "user" and not any(f"{{{place}}}" in turn["content"] for place in places)
        assert row["answer"] and row["verifier"] in (*KINDS, "judge")
        assert row["domain"] == read_benchmark(name).get("domain", "reasoning")


@pytest.mark.parametrize("name", benchmark_names())
def test_says_what_it_is(name):
    text = (FOLDER / f"{name}.yaml").read_text(encoding="utf-8")
    entry = yaml.safe_load(text)
    assert text.startswith("# ") and "paper" in text[:1500].casefold()
    assert set(entry) <= {*sources.KEYS, *KEYS} - {"benchmark"}
    assert entry["num_samples"] >= 1 and entry["axis"] in ("reasoning", "general")
    assert entry.get("metric", "correct") in ("correct", "score")


def table():
    """The rows of the table in `recipes/benchmarks/README.md`, by benchmark."""
    lines = (FOLDER / "README.md").read_text(encoding="utf-8").splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("| `")]
    return {row[0].strip("`"): row[1:] for row in rows}


def test_the_table_of_the_folder_says_what_the_files_say():
    assert sorted(table()) == benchmark_names()
    for name, (path, problems, k, verdict, paper, gated) in table().items():
        entry = read_benchmark(name)
        assert (path, k, verdict) == (entry["path"], str(entry["num_samples"]), entry["verifier"]), name
        assert problems and paper and gated in ("yes", "no"), name


@pytest.mark.parametrize("entry", decontaminated(), ids=lambda entry: entry["benchmark"])
def test_what_decontaminate_checks_is_the_question_and_not_the_prompt(entry):
    name, columns = entry["benchmark"], entry["contamination"]
    prompts = [row["prompt"][0]["content"] for row in sources.load_source(fixture(name))]
    found = list(contamination.read_benchmark(fixture(name)))
    questions = [text for _, _, text, is_question in found if is_question]
    assert len(questions) == len(prompts) and {text[0] for text in found} == {name}
    ask = entry.get("prompt", "").partition("}")[2].strip()  # what follows the question, in our words
    assert not ask or not any(ask in text for text in questions)
    others = {place.partition(", ")[2] for _, place, _, is_question in found if not is_question}
    assert others <= set(columns[1:])


def test_options_and_solutions_are_checked_one_by_one():
    long = ["one two three four five six seven eight", "short", "这是一个很长的选项文字内容"]
    row = {"question": "Which?", "options": long, "answer": "A", "solution": None}
    source = {"path": "x", "benchmark": "x", "contamination": ["question", "options", "solution", "none"]}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(contamination, "load_source", lambda source: [row])
        found = list(contamination.read_benchmark(source))
    assert [text for _, _, text, _ in found] == ["Which?", long[0], long[2]]


def published(name, configurations):
    """Puts a data set where a pull would have put it."""
    folder = HUB_CACHE / f"datasets--{name.replace('/', '--')}" / "snapshots" / COMMIT
    listed = []
    for configuration, splits in configurations.items():
        (folder / configuration).mkdir(parents=True)
        files = [{"split": split, "path": f"{configuration}/{split}.jsonl"} for split in splits]
        listed.append({"config_name": configuration, "data_files": files})
        for split, rows in splits.items():
            text = "".join(json.dumps(row) + "\n" for row in rows)
            (folder / configuration / f"{split}.jsonl").write_text(text)
    (folder / "README.md").write_text(f"---\n{yaml.safe_dump({'configs': listed})}---\n")
    return {"path": name, "revision": COMMIT}


def test_all_configurations_of_a_data_set_are_one_source():
    rows = {subject: [{"question": f"{subject} {n}", "answer": "1"} for n in range(2)] for subject in ("b", "a")}
    source = published("lab/exams", {name: {"dev": part[:1], "val": part} for name, part in rows.items()})
    try:
        found = sources.load_source(source | {"name": "*", "split": "val"})
        assert [row["prompt"][0]["content"] for row in found] == ["b 0", "b 1", "a 0", "a 1"]
        assert found["configuration"][:] == ["b", "b", "a", "a"]
        assert "configuration" not in sources.load_source(source | {"name": "a", "split": "val"}).column_names
        with pytest.raises(DataError, match='Unknown split "test"'):
            sources.load_source(source | {"name": "*", "split": "test"})
    finally:
        shutil.rmtree(HUB_CACHE / "datasets--lab--exams")


def test_configurations_whose_columns_differ_are_told_in_one_line():
    texts, others = [{"question": "Which?"}], [{"question": {"en": "Which?"}}]
    source = published("lab/mixed", {"a": {"test": texts}, "b": {"test": others}})
    try:
        with pytest.raises(DataError, match="lab/mixed .*the key question") as told:
            sources.load_source(source | {"name": "*", "split": "test"})
        assert "`name`" in told.value.hint
    finally:
        shutil.rmtree(HUB_CACHE / "datasets--lab--mixed")


def test_a_name_stands_for_an_entry_anywhere_in_a_recipe(tmp_path):
    recipe = {
        "datasets": ["benchmark:aime24", {"path": "benchmark:math_500", "limit": 3}],
        "decontaminate": {"against": [{"path": "benchmark:aime24"}]},
    }
    (tmp_path / "r.yaml").write_text(yaml.safe_dump(recipe))
    read = load_recipe(tmp_path / "r.yaml")
    assert read["datasets"][0] == read["decontaminate"]["against"][0] == read_benchmark("aime24")
    assert read["datasets"][1] == read_benchmark("math_500") | {"limit": 3}
    assert sources.source_names(read["datasets"]) == ["aime24", "math_500"]


def test_a_file_of_ones_own_is_a_benchmark(tmp_path):
    (tmp_path / "sums.jsonl").write_text('{"a": 2, "b": 3, "total": 5}\n')
    (tmp_path / "sums.yaml").write_text(
        f"path: {tmp_path / 'sums.jsonl'}\ncolumns: {{total: answer}}\n"
        "prompt: 'What is {a} + {b}? Use \\boxed{}.'\n"
    )
    entry = with_benchmarks({"path": f"benchmark:{tmp_path / 'sums.yaml'}"})
    (row,) = sources.load_source(entry)
    assert row["prompt"][0]["content"] == "What is 2 + 3? Use \\boxed{}."
    assert entry["benchmark"] == "sums" and verify("math", row["answer"], "\\boxed{5}").correct


@pytest.mark.parametrize(
    ("name", "message"), [("aime_24", "did you mean `aime24`"), ("zzz", "use one of"), ("published", "does not exist")]
)
def test_an_unknown_benchmark_names_the_nearest(name, message):
    with pytest.raises(RecipeError) as error:
        read_benchmark(name)
    assert message in f"{error.value} {error.value.hint}"


@pytest.mark.parametrize(
    ("own", "message"),
    [
        ({"prompt": "{nothing}"}, "no column `nothing`"),
        ({"prompt": "{parts}"}, r"column `parts`, .* holds a list: \['x'\]"),
        ({"reader": "nobody"}, "unknown `reader: nobody`"),
        ({"columns": {"problems": "question"}}, "no column `problems`"),
    ],
)
def test_a_file_that_does_not_fit_its_data_says_so(tmp_path, own, message):
    rows = [json.loads(line) | {"parts": ["x"]} for line in (ROWS / "aime24.jsonl").read_text().splitlines()]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    with pytest.raises(DataError, match=message):
        sources.load_source(fixture("aime24", path=str(tmp_path / "rows.jsonl"), **own))


def test_a_column_of_numbers_and_texts_is_one_of_texts(tmp_path):
    rows = [{"q": "1 + 1?", "answer": 2, "parts": [1, "x"]}, {"q": "The letter?", "answer": "x", "parts": ["y"]}]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    found = sources.load_source(
        {"path": str(tmp_path / "rows.jsonl"), "columns": {"q": "question"}, "prompt": "{question}"}
    )
    assert found["answer"] == ["2", "x"] and found["parts"] == [["1", "x"], ["y"]]


def test_a_row_without_what_the_prompt_names_is_not_asked(tmp_path):
    row = json.loads((ROWS / "mmlu.jsonl").read_text(encoding="utf-8").splitlines()[0])
    rows = [row, row | {"choices": None}]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    with pytest.raises(DataError, match="no column `options`, .* or a row without it"):
        sources.load_source(fixture("mmlu", path=str(tmp_path / "rows.jsonl")))
