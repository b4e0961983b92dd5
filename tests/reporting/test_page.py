"""The page, as a reader's program sees it: what it says, that it loads nothing, that no text of a model becomes part
of it.
"""

import re

import pytest
from made_evaluation import HOSTILE, MODELS
from reading import Page

from open_r1.core.tables import plain
from open_r1.reporting.drawing import COLOURS
from open_r1.reporting.page import bar, beside, details, measures, policy


@pytest.fixture(scope="module")
def text(reported) -> str:
    return (reported / "report/index.html").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def page(text) -> Page:
    return Page(text)


def test_it_loads_nothing_and_says_so_to_the_browser(page, text):
    assert page.loads == [] and page.links and all(link.startswith("#") for link in page.links)
    rules = next(of["content"] for tag, of in page.tags if of.get("http-equiv") == "Content-Security-Policy")
    assert rules == policy(beside("page.js")) and rules.startswith("default-src 'none'; ")
    assert not re.search(r"https?://(?!www\.w3\.org/(1999/xlink|2000/svg))", text.replace("http-equiv", ""))


def test_what_it_links_to_is_there(page):
    assert {link[1:] for link in page.links} <= {of["id"] for _, of in page.tags if "id" in of}


def test_texts_of_models_are_shown_as_they_are_and_do_nothing(page, text):
    shown = "".join(page.of("pre"))
    for part in (
        "</script></pre><img src=x onerror",
        "<b onclick=alert(1)>",
        "{{ 7 * 7 }} {% raw %}",
        "\u2028\u2029\u202e",
    ):
        assert part in HOSTILE and part in shown
    assert "\x00" not in text and plain("\x00\x1b") in shown
    tags = [tag for tag, _ in page.tags]
    assert tags.count("script") == 1 and "img" not in tags and page.of("script") == [beside("page.js")]
    assert not [of for _, of in page.tags for name in of if name.startswith("on")]
    assert page.of("title") == ["<b>root"] == page.of("h1")


def test_each_model_has_its_row_with_size_and_intervals(page):
    summary = page.tables[0]
    assert [" ".join(cell.split()) for cell in summary[0]] == [
        "model",
        "size",
        "contest",
        "school math",
        "science choice",
        "instructions",
    ]
    assert [row[0] for row in summary[1:]] == list(MODELS) and [row[1] for row in summary[1:]] == [
        "32.8k",
        "13.8k",
        "1.02k",
    ]
    assert (
        re.fullmatch(r"0\.\d{3}0\.\d{3}–[01]\.\d{3}\s0\.900", summary[1][2].strip()) and summary[3][5].strip() == "-"
    )


def test_bars_are_tables_of_the_same_numbers(page):
    bars = page.tables[1]
    assert [cell.strip() for cell in bars[0]] == ["model", "", "pass@1", "95% interval"]
    assert [row[2] for row in bars[1:]] == [re.match(r"[\d.]{5}", row[2].strip())[0] for row in page.tables[0][1:]]


def test_published_numbers_stand_beside_ours(page):
    found = [" ".join(row[3].split()) for table in page.tables[1:3] for row in table[1:]]
    assert [text.partition(" ")[2] for text in found] == [
        "published 0.900, outside",
        "",
        "",
        "published 0.960, inside",
        "",
        "",
    ]


def test_every_picture_has_words_and_a_table(page):
    pictures = [of for tag, of in page.tags if tag == "svg"]
    assert len(pictures) == 5 and all(of["role"] == "img" and of["aria-label"] for of in pictures)
    assert page.of("summary").count("as a table") == 5


def test_headings_are_in_order_and_sections_are_in_the_navigation(page):
    heads = [int(tag[1]) for tag, _ in page.tags if re.fullmatch("h[1-6]", tag)]
    assert heads[0] == 1 and all(b - a <= 1 for a, b in zip(heads, heads[1:], strict=False))
    sections = [of["id"] for tag, of in page.tags if tag == "section" and "id" in of]
    assert sections == ["summary", "benchmarks", "axes", "students", "training", "numbers", "completions", "made"]
    assert [link for link in page.links if link[1:] in sections] == [f"#{name}" for name in sections]


def test_it_is_small(text):
    assert len(text.encode()) < 2 << 20


@pytest.mark.parametrize(
    ("row", "paper", "style"),
    [
        ({"pass@1": 0.5, "pass@1_ci": [0.4, 0.6]}, None, "--v:50.00%;--l:40.00%;--h:60.00%;--c:var(--c1)"),
        ({"pass@1": 0.5, "pass@1_ci": [0.4, 1.2]}, 0.55, "--v:50.00%;--l:40.00%;--h:100.00%;--p:55.00%;--c:var(--c1)"),
        ({"pass@1": 1.0}, 0.5, "--v:100.00%;--l:100.00%;--h:100.00%;--p:50.00%;--c:var(--c1)"),
        ({"pass@1": None}, 0.5, None),
        ({}, None, None),
    ],
)
def test_a_bar(row, paper, style):
    found = bar("x", row, len(COLOURS) + 1, paper)
    assert found.get("style") == style
    if style:
        assert found["inside"] == (paper is not None and found["low"] <= paper <= found["high"])


def test_further_numbers_have_a_table_for_each_benchmark():
    rows = {"x": {"a": {"measures": {"strict": 0.51234, "rating": 1204, "ci": [0.1, None]}}, "b": {}}}
    rows |= {"y": {"a": {"measures": {"strict": None, "loose": 0.6}}}}
    results = {"stages": {name: {"by_dataset": parts} for name, parts in rows.items()}}
    table = [["x", "0.512", "1204", "[0.100, -]", "-"], ["y", "-", "-", "-", "0.600"]]
    assert measures(results) == [("a", ["model", "strict", "rating", "ci", "loose"], table)]


@pytest.mark.parametrize(
    ("stages", "head", "rows"),
    [
        ({"x": {"a": 0.5}, "y": {"a": 0.1}}, ["model", "pass@1"], [["x", "0.500"], ["y", "0.100"]]),
        (
            {"x": {"b": 0.5, "a": 0.2}, "y": {"a": 0.1}},
            ["model", "benchmark", "pass@1"],
            [["x", "a", "0.200"], ["y", "a", "0.100"], ["x", "b", "0.500"], ["x", "mean of 2", "-"]],
        ),
    ],
    ids=["one benchmark needs no column", "benchmark by benchmark, then what is a mean of how many"],
)
def test_all_numbers_have_a_row_for_each_model_and_benchmark(stages, head, rows):
    found = {
        name: {"samples": 4, "by_dataset": {part: {"pass@1": value, "samples": 4} for part, value in parts.items()}}
        for name, parts in stages.items()
    }
    for whole in found.values():
        if len(whole["by_dataset"]) == 1:
            whole |= next(iter(whole["by_dataset"].values()))
    assert details({"stages": found}) == (head, rows)
