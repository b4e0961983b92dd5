"""Every benchmark file, on rows of our own in the schema of its data set (`tests/benchmark_rows`)."""

from pathlib import Path

import pytest
import yaml

from open_r1.core.benchmarks import FOLDER, KEYS, benchmark_names, read_benchmark, with_benchmarks
from open_r1.core.errors import DataError, RecipeError
from open_r1.core.recipes import load_recipe
from open_r1.data import sources
from open_r1.data.readers import PLACE
from open_r1.verify import KINDS, verify

ROWS = Path(__file__).parents[1] / "benchmark_rows"


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
        ({"reader": "nobody"}, "unknown `reader: nobody`"),
        ({"columns": {"problems": "question"}}, "no column `problems`"),
    ],
)
def test_a_file_that_does_not_fit_its_data_says_so(own, message):
    with pytest.raises(DataError, match=message):
        sources.load_source(fixture("aime24", **own))
