"""Decontamination: what counts as known, what does not, and that fast hashing finds what plain Python finds."""

import json
import random

import datasets
import pyarrow.parquet as pq
import pytest
import yaml
from test_bad_input import fails

from open_r1 import decontaminate
from open_r1.core.artifacts import read_manifest
from open_r1.core.errors import RecipeError, UserError
from open_r1.core.inputs import needs_hub
from open_r1.core.keys import keys_of
from open_r1.core.tables import contamination_text
from open_r1.curate import CurateArguments
from open_r1.data import contamination, ngrams
from open_r1.data.contamination import Decontaminator, make_decontaminator
from open_r1.data.ngrams import Index, Match, exactly, normalized
from open_r1.data.sources import load_source

SIZES = (8, 10, 13)


@pytest.fixture(autouse=True)
def own_place(tmp_path, monkeypatch):
    """Files are cached beside the test, and relative paths start there."""
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def jsonl(tmp_path):
    def write(name, rows):
        (tmp_path / name).write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
        return {"path": str(tmp_path / name)}

    return write


def index(*questions, size=10):
    return Index([("bench", str(n), text, True) for n, text in enumerate(questions)], size)


def known(question, text, size=10):
    return index(question, size=size).check([text]) != [None]


def words(count, start=0):
    return " ".join(f"w{n}" for n in range(start, start + count))


FORMULA = r"Let $f(x) = \dfrac{1}{2} x^2 + 3$. Find the least value of $f$ for real numbers $x$."
CHINESE = "已知函数 f(x) 在 x=1 处取得最小值 3，求 a+b 的值。"


@pytest.mark.parametrize(
    ("benchmark", "text"),
    [
        pytest.param(FORMULA, FORMULA, id="the same"),
        pytest.param(FORMULA, FORMULA.replace("dfrac", "frac"), id="dfrac and frac"),
        pytest.param(FORMULA, FORMULA.replace("dfrac", "tfrac"), id="dfrac and tfrac"),
        pytest.param(FORMULA, FORMULA.replace("(x)", r"\left(x\right)"), id="left and right"),
        pytest.param(FORMULA, FORMULA.replace("(x)", r"\big( x \Big)"), id="big"),
        pytest.param(FORMULA, FORMULA.replace("= ", r"= \displaystyle "), id="displaystyle"),
        pytest.param(FORMULA, FORMULA.replace("x^2", r"\,x^{2}\quad"), id="spaces and braces"),
        pytest.param(FORMULA, FORMULA.replace("$", ""), id="no dollar signs"),
        pytest.param(FORMULA, FORMULA.replace("$", "$$"), id="two dollar signs"),
        pytest.param(FORMULA, FORMULA.replace("Find the", r"\text{Find} \textbf{the}"), id="text"),
        pytest.param(FORMULA, FORMULA.replace("f(", r"\mathrm{f}(").replace("$x$", r"$\mathbf x$"), id="mathrm"),
        pytest.param(FORMULA, FORMULA.upper().replace("DFRAC", "dfrac"), id="case"),
        pytest.param(FORMULA, FORMULA.replace(" ", "\n\t "), id="line breaks"),
        pytest.param(FORMULA, FORMULA.replace(" ", "\u00a0"), id="no-break spaces"),
        pytest.param(FORMULA, FORMULA.replace(".", " !").replace("Find", "- find,"), id="punctuation"),
        pytest.param(
            FORMULA, FORMULA.replace("Find", "“Find”").replace("least", "least —"),
            id="typographic punctuation",
        ),
        pytest.param(
            "It's Ann's turn, she doesn't win; who's next?", "It’s Ann’s turn, she doesn’t win; who’s next?",
            id="apostrophes",
        ),
        pytest.param(
            r"Show $a \leq b$, $b \geq c$ and $c \neq d$ imply it", r"show a \le b, b \ge c and c \ne d imply it",
            id="le",
        ),
        pytest.param(
            FORMULA, FORMULA.replace("least", "ｌｅａｓｔ").replace("2", "２").replace("x", "ｘ"),
            id="full width",
        ),
        pytest.param(CHINESE, CHINESE.replace(" ", ""), id="Chinese without spaces"),
        pytest.param(
            CHINESE, CHINESE.replace("，", ", ").replace("(x)", "（ｘ）").replace("=", "＝"),
            id="Chinese, full-width forms",
        ),
        pytest.param("小明有三个苹果。小红有五个梨。", "小明有三个苹果，小红有五个梨", id="Chinese full stop"),
        pytest.param("りんごが三つとみかんが五つある", "りんごが三つと、みかんが五つある", id="Japanese"),
        pytest.param(words(10), f"x {words(10)} y", id="ten words in the middle"),
        pytest.param(f"x {words(10)} y", words(10), id="ten words of more"),
        pytest.param(words(30), f"{words(9)} z {words(10, 15)}", id="the second half"),
        pytest.param("What is 3 + 4 ?", "what is 3+4", id="short and the same as a whole"),
        pytest.param(r"Find $\dfrac{1}{2} + \left(3\right)$.", r"find \frac{1}{2} + (3)", id="short formula"),
        pytest.param("三加四等于几？", "三加四等于几", id="short Chinese"),
    ],
)  # fmt: skip
def test_known_text_is_found(benchmark, text):
    assert known(benchmark, text) and known(text, benchmark)


@pytest.mark.parametrize(
    ("benchmark", "text"),
    [
        pytest.param(FORMULA, "Find the greatest value of f for whole numbers x .", id="another question"),
        pytest.param(words(30), f"{words(9)} z {words(9, 10)} z {words(9, 20)}", id="nine common words, often"),
        pytest.param(words(10), words(9), id="nine of ten"),
        pytest.param(words(20), " ".join(words(20).split()[::-1]), id="the same words backwards"),
        pytest.param("What is 3 + 4 ?", "What is 3 - 4 ?", id="another sign"),
        pytest.param("What is 3 + 4 ?", "What is 3 + 5 ?", id="another number"),
        pytest.param("What is 1.2 + 3 ?", "What is 12 + 3 ?", id="a decimal point"),
        pytest.param("What is 1 1/2 + 3 ?", "What is 11/2 + 3 ?", id="a mixed number"),
        pytest.param("What is (3 + 4) * 2 ?", "What is 3 + 4 * 2 ?", id="brackets"),
        pytest.param(
            "What is 3 + 4 ?", "What is 3 + 4 ? Show all your steps and say why .", id="a short one in a longer one"
        ),
        pytest.param("3 + 4", "What is 3 + 4 ?", id="a short question inside a short one"),
        pytest.param("What is 3 + 4 ?", "", id="empty text"),
        pytest.param("", "", id="empty question"),
        pytest.param("", "What is 3 + 4 ?", id="empty question and a text"),
        pytest.param("?!", "...", id="no words"),
        pytest.param(words(10).replace(" ", "0"), words(10), id="no word borders"),
        pytest.param(words(10), words(10).replace("w9", "w99"), id="a longer word at the end"),
        pytest.param(words(10), "x" + words(10), id="a longer word at the beginning"),
        pytest.param("小明有三个苹果", "小明有三个梨", id="short Chinese"),
    ],
)  # fmt: skip
def test_other_text_is_not_found(benchmark, text):
    assert not known(benchmark, text) and not known(text, benchmark)


@pytest.mark.parametrize("size", SIZES)
def test_size_is_how_many_words_count(size):
    question = words(40)
    assert known(question, f"x {words(size, 5)} y", size) and not known(question, f"x {words(size - 1, 5)} y", size)
    assert known(words(size), words(size), size) and known(words(size - 1), words(size - 1), size)
    assert not known(words(size - 1), words(size - 1) + " x", size) and not known(
        words(size - 1) + " x", words(size - 1), size
    )


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("cut", [1, 4, 7])
def test_sequences_do_not_cross_from_one_text_into_the_next(size, cut):
    question = words(size)
    parts = [words(cut), words(size - cut, cut)]
    assert index(question, size=size).check(parts) == [None, None]
    assert index(*parts, size=size).check([question]) == [None]
    assert (
        index(question, size=size).check([words(cut) + "\0", words(size - cut, cut), "", question])[:3] == [None] * 3
    )


@pytest.mark.parametrize("length", [3, 12])
def test_size_zero_counts_whole_questions_only(length):
    question = words(length)
    assert known(question, question.upper().replace(" ", ", ") + ".", 0)
    assert (
        not known(question, f"{question} x", 0)
        and not known(f"{question} x", question, 0)
        and not known(question, "", 0)
    )
    assert Index([("b", "0, answer", question, False)], 0).check([question]) == [None]


def test_match_names_benchmark_entry_and_words():
    many = Index([("AIME", "0", words(12), True), ("MATH", "7", "What is $3+4$?", True), ("MATH", "8", "", True)])
    assert many.check([f"Now, {words(11).upper()}!", "what is 3 + 4 ?", "clean"]) == [
        Match("AIME", "0", words(10)), Match("MATH", "7", "what is 3 + 4 ?"), None,
    ]  # fmt: skip


def test_solutions_and_answers_count_but_not_as_a_whole():
    entries = [
        ("b", "0", "What is it ?", True),
        ("b", "0, answer", "it is seven", False),
        ("b", "0, solution", words(12), False),
    ]
    assert Index(entries).check(["it is seven", f"so {words(10)}", "what is it"]) == [
        None, Match("b", "0, solution", words(10)), Match("b", "0", "what is it"),
    ]  # fmt: skip


@pytest.mark.parametrize("texts", [[], [""], ["?", ""]], ids=str)
def test_texts_without_words_are_clean(monkeypatch, texts):
    monkeypatch.setattr(ngrams, "POWERS", ngrams.Powers())  # as in a process that has not seen a word
    assert index(*texts).check(["", "some words"]) == [None, None] and index("some words").check(texts) == [
        None
    ] * len(texts)


def test_earlier_words_never_change_what_is_found():
    one = index(words(20), "short one")
    texts = ["short one", words(10, 3), "clean", words(12)]
    alone = [one.check([text])[0] for text in texts]
    assert one.check(texts) == alone and one.check(["x " * 50_000, *texts])[1:] == alone


def reference(entries, text, size):
    """Whether a text is known, with Python's own sets of words."""

    def read(text):
        return normalized([text]).decode().split()

    def sequences(text):
        found = read(text)
        return {tuple(found[n : n + size]) for n in range(len(found) - size + 1)} if size else set()

    longest = size - 1 if size else 10**9
    short = {exactly(question) for _, _, question, whole in entries if whole and 0 < len(read(question)) <= longest}
    return bool(sequences(text) & set().union(*(sequences(question) for _, _, question, _ in entries))) or (
        0 < len(read(text)) <= longest and exactly(text) in short
    )


VOCABULARY = {
    "two words": ["a", "b"],
    "signs": ["a", "b", "+", "-", "7", "\\frac"],
    "scripts": ["a", "é", "ｂ", "苹", "果", "。", "\n", "Σ", "ß"],
}


@pytest.mark.parametrize("size", [0, *SIZES])
@pytest.mark.parametrize("name", VOCABULARY)
def test_agrees_with_plain_python_on_random_texts(name, size):
    rng = random.Random(f"{name}{size}")

    def text(longest):
        return " ".join(rng.choices(VOCABULARY[name], k=rng.randrange(longest)))

    entries = [("b", str(n), text(size + 6), rng.random() < 0.7) for n in range(12)] + [("b", "empty", "", True)]
    texts = [text(2 * size or 6) for _ in range(2000)] + ["", " ", entries[0][2], entries[1][2]]
    found = [match is not None for match in Index(entries, size).check(texts)]
    expected = [reference(entries, text, size) for text in texts]
    assert found == expected and 0 < sum(found) < len(found)


def test_pieces_change_nothing(monkeypatch):
    rng = random.Random(0)
    texts = [" ".join(rng.choices("abc", k=rng.randrange(30))) for _ in range(500)]
    one = index(*texts[:20], size=8)
    expected = one.check(texts)
    monkeypatch.setattr(contamination, "PIECE", 50)
    monkeypatch.setattr(ngrams, "PIECE", 50)
    assert one.check(texts) == expected and None in expected and any(expected)


def row(text, **values):
    return {"prompt": [{"role": "user", "content": text}], "domain": "math", **values}


def test_known_rows_go_aside_with_the_match_and_counts_add_up(jsonl, tmp_path):
    one, two = (
        jsonl("one.jsonl", [{"problem": words(12)}, {"problem": "x y"}]),
        jsonl("two.jsonl", [{"problem": "z ?", "answer": "7"}]),
    )
    cleaner = Decontaminator([one, two])
    rows = [row("clean", n=0), row(words(11), n=1), row("X, y.", n=2), row("好", n=3), row("z", n=4), row("x y", n=5)]
    clean = list(cleaner.rows(iter(rows), tmp_path / "aside.jsonl"))
    aside = [json.loads(line) for line in (tmp_path / "aside.jsonl").read_text().splitlines()]
    assert [kept["n"] for kept in clean] == [0, 3] and clean == [rows[0], rows[3]]
    assert [(away["n"], away["contamination"]["benchmark"], away["contamination"]["words"]) for away in aside] == [
        (1, "one.jsonl", words(10)), (2, "one.jsonl", "X, y."), (4, "two.jsonl", "z"), (5, "one.jsonl", "x y"),
    ]  # fmt: skip
    assert [{key: away[key] for key in rows[1]} for away in aside] == [rows[1], rows[2], rows[4], rows[5]]
    report = cleaner.report()
    assert (report["size"], report["checked"], report["removed"]) == (10, 6, 4)
    assert report["benchmarks"] == {
        "one.jsonl": {"questions": 2, "removed": 3, "example": words(10)},
        "two.jsonl": {"questions": 1, "removed": 1, "example": "z"},
    }  # fmt: skip
    text = contamination_text(report)
    assert "6 rows checked, 4 removed (10 consecutive words" in text and "| one.jsonl | 2 | 3 | `w0 w1" in text


def test_only_the_words_of_the_user_are_checked(jsonl, tmp_path):
    cleaner = Decontaminator([jsonl("one.jsonl", [{"problem": words(12)}])])
    system = [{"role": "system", "content": words(12)}, {"role": "user", "content": "hello"}]
    later = [
        {"role": "user", "content": "hello"},
        {"role": "assistant", "content": "hi"},
        {"role": "user", "content": words(12)},
    ]
    rows = [row("hello", response=words(12)), {"prompt": system}, {"prompt": later}]
    assert list(cleaner.rows(rows, tmp_path / "aside.jsonl")) == rows[:2]


@pytest.mark.parametrize(
    "entry",
    [
        pytest.param({"problem": "What ?", "answer": "7", "solution": words(12)}, id="solution"),
        pytest.param({"problem": "What ?", "answer": words(12)}, id="long answer"),
        pytest.param(
            {"question": "What ?", "answer": f"{words(12)}\n#### 7"}, id="GSM8K: the answer follows the solution"
        ),
        pytest.param(
            {"problem": "What ?", "solution": f"{words(12)} so \\boxed{{7}}"},
            id="MATH: the answer is boxed in the solution",
        ),
    ],
)
def test_solution_of_a_benchmark_counts(jsonl, tmp_path, entry):
    cleaner = Decontaminator([jsonl("one.jsonl", [entry])])
    rows = [row(f"Why is it that {words(11)} ?"), row("7"), row("clean")]
    assert list(cleaner.rows(rows, tmp_path / "aside.jsonl")) == rows[1:]
    assert cleaner.report()["benchmarks"]["one.jsonl"]["questions"] == 1


def test_no_contaminated_row_leaves_an_empty_file(jsonl, tmp_path):
    cleaner = Decontaminator([jsonl("one.jsonl", [{"problem": "x"}])])
    assert (
        list(cleaner.rows([row("y")], tmp_path / "aside.jsonl")) == [row("y")]
        and (tmp_path / "aside.jsonl").read_text() == ""
    )
    assert cleaner.report()["benchmarks"]["one.jsonl"] == {"questions": 1, "removed": 0, "example": None}


def test_lone_surrogates_do_not_stop_a_run(tmp_path):
    cleaner = Decontaminator([{"path": "mini:chain", "limit": 3}])
    rows = [
        row("broken \ud800 text"),
        row(load_source({"path": "mini:chain", "limit": 1})[0]["prompt"][0]["content"] + " "),
    ]
    assert list(cleaner.rows(rows, tmp_path / "aside.jsonl")) == rows[:1]


def test_false_leaves_it_out():
    assert make_decontaminator(False) is None and contamination_text(None) == "Not checked against any benchmark."


MINI = [{"path": "mini:chain", "limit": 3}]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"against": MINI, "size": 9}, "size: 9"),
        ({"against": MINI, "size": "ten"}, "size: ten"),
        ({"against": MINI, "size": None}, "size: None"),
        ({"against": []}, "`against` is empty"),
        ({"agianst": MINI}, "agianst"),
        ([], r"decontaminate: \[\]"),
        ("no", "decontaminate: no"),
        ({"against": [{"path": "missing.jsonl"}]}, "missing.jsonl does not exist"),
        ({"against": [{"name": "x"}]}, "no `path`"),
        ({"against": ["mini:chain"]}, "no `path`"),
        ({"against": "mini:chain"}, "against|no `path`"),
    ],
    ids=str,
)
def test_wrong_settings_are_one_line_with_a_fix(settings, message):
    with pytest.raises(UserError, match=message) as caught:
        make_decontaminator(settings)
    assert len(str(caught.value).splitlines()) == 1 and caught.value.hint


@pytest.mark.parametrize("size", SIZES)
def test_settings_reach_the_index(size):
    assert make_decontaminator({"against": MINI, "size": size}).index.size == size


def test_benchmarks_of_the_hub_are_looked_for_on_the_hub():
    """A stage goes offline where nothing of the Hub is needed; its benchmarks may be."""
    alone, within = keys_of(decontaminate.DecontaminateArguments), keys_of(CurateArguments)
    local, remote = {"datasets": MINI, "output_dir": "out"}, [{"path": "HuggingFaceH4/MATH-500"}]
    assert needs_hub(local | {"against": remote}, alone) and not needs_hub(local | {"against": MINI}, alone)
    assert needs_hub(local | {"decontaminate": {"against": remote}}, within)
    assert not needs_hub(local | {"decontaminate": {"against": MINI}}, within)
    assert needs_hub(local, alone) and needs_hub(local, within)  # those that are checked by default


@pytest.fixture
def recipe(jsonl, tmp_path):
    """A recipe file with a benchmark and a training set beside it."""
    texts = ["clean", f"So {words(10)}", "好"]
    train = jsonl(
        "train.jsonl", [{"problem": text, "answer": str(number)} for number, text in enumerate(texts, start=1)]
    )
    benchmark = jsonl("benchmark.jsonl", [{"problem": words(12), "answer": "7"}])

    def write(**values):
        content = {
            "root": str(tmp_path),
            "output_dir": str(tmp_path / "clean"),
            "datasets": [train],
            "against": [benchmark],
        } | values
        (tmp_path / "recipe.yaml").write_text(yaml.safe_dump(content))
        return ["--config", str(tmp_path / "recipe.yaml")]

    return write


def test_recipe_writes_clean_rows_in_order_and_says_what_it_removed(recipe, tmp_path, capsys):
    decontaminate.main(recipe(root=""))
    out = tmp_path / "clean"
    assert pq.read_table(out / "data.parquet")["answer"].to_pylist() == ["1", "3"]
    assert [json.loads(line)["answer"] for line in (out / "contaminated.jsonl").read_text().splitlines()] == ["2"]
    manifest = read_manifest(out)
    assert (manifest["rows"], manifest["contamination"]["checked"], manifest["contamination"]["removed"]) == (2, 3, 1)
    assert (
        "3 rows checked, 1 removed" in capsys.readouterr().out
        and "| benchmark.jsonl | 1 | 1 |" in (out / "README.md").read_text()
    )
    assert load_source({"path": str(out)})["answer"] == ["1", "3"]
    decontaminate.main(recipe(root=""))
    assert "is complete" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"size": 9}, "size: 9"),
        ({"size": "ten"}, "size: ten"),
        ({"against": []}, "`against` is empty"),
        ({"datasets": []}, "lists no `datasets`"),
        ({"datasets": [{"path": "missing.jsonl"}]}, "missing.jsonl does not exist"),
        ({"output_dir": ""}, "no `output_dir`"),
        ({"sise": 8}, "unknown key `sise`"),
    ],
    ids=str,
)
def test_mistake_in_the_recipe_is_one_line(capsys, recipe, tmp_path, values, expected):
    assert expected in fails(capsys, decontaminate.main, *recipe(root="", **values))
    assert read_manifest(tmp_path / "clean") is None


def test_nothing_left_is_an_error_that_says_where_to_look(capsys, recipe, jsonl, tmp_path):
    train = jsonl("known.jsonl", [{"problem": words(12), "answer": "7"}])
    assert "contaminated.jsonl" in fails(capsys, decontaminate.main, *recipe(root="", datasets=[train]))
    assert read_manifest(tmp_path / "clean") is None and not (tmp_path / "clean/data.parquet").exists()


def test_unknown_size_names_the_known_ones():
    with pytest.raises(RecipeError) as caught:
        Decontaminator(MINI, size=9)
    assert caught.value.hint.endswith("8, 10, 13")
