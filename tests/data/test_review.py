"""The review page: every row as text, nothing from outside, and decisions that curation obeys."""

import json
from html.parser import HTMLParser

import pytest
from samples import adds_up, curated, refused, run, sample
from servers import of_prompt

from open_r1.core.errors import DataError
from open_r1.data.review import read_decisions, with_page

HOSTILE = [
    {"problem_id": '"><script>alert(1)</script>', "answer": "<img src=http://evil/x.png onerror=alert(1)>"},
    {"problem_id": "it's &quot; & <b>", "question": '</pre></article><script src="http://evil/x.js"></script>'},
    {
        "problem_id": "c",
        "text": "</script><!-- ' \" ` ${x} &amp; http://evil \u2028 好 -->",
        "sampled": "<link href='//evil'> & raw",
    },
    {"problem_id": "d", "text": "<textarea><title><style>", "question": "<think> a </think>"},
]


class Page(HTMLParser):
    """Tags with their attributes, ids of the articles, and what stands in each `pre`."""

    def __init__(self, path):
        super().__init__(convert_charrefs=True)
        self.tags, self.texts, self.inside = [], [], False
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag == "pre":
            self.texts.append("")
            self.inside = True

    def handle_endtag(self, tag):
        self.inside = self.inside and tag != "pre"

    def handle_data(self, data):
        if self.inside:
            self.texts[-1] += data

    @property
    def ids(self):
        return [attributes["id"] for tag, attributes in self.tags if tag == "article"]

    def decisions(self, *dropped):
        """What its button exports, after these were dropped."""
        return json.dumps({"dropped": [name for name in self.ids if name in dropped]}, indent=1)


@pytest.fixture
def page(tmp_path):
    rows = [sample(sample=n, **values) for n, values in enumerate(HOSTILE)]
    assert list(with_page(rows, tmp_path / "review.html")) == rows
    return Page(tmp_path / "review.html")


def test_the_page_shows_every_row_as_text(page):
    assert page.ids == [f"{row['problem_id']}/{n}" for n, row in enumerate(HOSTILE)]
    rows, texts = [sample(**values) for values in HOSTILE], iter(page.texts)
    for row in rows:
        shown = [row["question"], row.get("sampled") or row["text"], *([row["text"]] if "sampled" in row else [])]
        assert [next(texts) for _ in shown] == shown
    assert next(texts, None) is None


def test_the_page_loads_nothing_and_runs_no_row(page):
    known = {
        "html",
        "meta",
        "title",
        "style",
        "header",
        "b",
        "button",
        "main",
        "article",
        "small",
        "div",
        "h4",
        "pre",
        "script",
    }
    assert {tag for tag, _ in page.tags} <= known and [
        attributes for tag, attributes in page.tags if tag == "script"
    ] == [{}]
    attributes = [(name, value) for _, found in page.tags for name, value in found.items()]
    assert not [name for name, _ in attributes if name in ("src", "href", "srcset", "action", "data", "background")]
    assert [value for name, value in attributes if name.startswith("on")] == ["save()"]
    assert not [value for name, value in attributes if "http" in (value or "")]


def test_the_page_is_there_when_the_last_row_was_taken(tmp_path):
    rows = with_page([sample(), sample()], tmp_path / "review.html")
    next(rows)
    assert not (tmp_path / "review.html").exists()
    assert len(list(rows)) == 1 and [path.name for path in tmp_path.iterdir()] == ["review.html"]


def test_decisions_are_read_back(page, tmp_path):
    dropped = set(page.ids[:3])
    (tmp_path / "decisions.json").write_text(page.decisions(*dropped), encoding="utf-8")
    assert read_decisions(str(tmp_path / "decisions.json")) == dropped


@pytest.mark.parametrize(
    "content",
    [
        None,
        b"",
        b"nonsense",
        b"[]",
        b"3",
        b"null",
        b'{"drop": []}',
        b'{"dropped": "p/0"}',
        b'{"dropped": {}}',
        b"\xff",
        b'{"dropped": ["',
    ],
)
def test_a_bad_decision_file_is_one_line(tmp_path, capsys, content):
    file = tmp_path / "decisions.json"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(DataError, match="decisions.json") as caught:
        read_decisions(str(file))
    assert "\n" not in str(caught.value) and "review.html" in caught.value.hint
    assert "decisions.json" in refused(capsys, tmp_path, [sample()], decisions=str(file))


# ---------------------------------------------------------------------------------------------------- through curation


@pytest.fixture
def rows():
    return [
        sample(problem_id=problem, sample=n, reasoning=f"thought {n}")
        for n, problem in enumerate(["a", "<b>", 'c"', "d"])
    ]


def responses(rows):
    return sorted(row["response"].split()[2] for row in rows)


def test_what_was_dropped_on_the_page_is_left_out(tmp_path, rows):
    out = run(tmp_path, rows, "first", review=True)
    page = Page(out / "review.html")
    assert sorted(page.ids) == sorted(["a/0", "<b>/1", 'c"/2', "d/3"])
    (tmp_path / "decisions.json").write_text(page.decisions("<b>/1", 'c"/2'), encoding="utf-8")
    found, manifest = curated(tmp_path, rows, "second", review=True, decisions=str(tmp_path / "decisions.json"))
    assert responses(found) == ["0", "3"] and adds_up(manifest["funnel"], 4, 2)
    assert (manifest["funnel"][-1]["filter"], manifest["funnel"][-1]["removed"]) == ("dropped by hand", 2)
    assert sorted(Page(tmp_path / "second/review.html").ids) == ["a/0", "d/3"]


def test_decisions_may_lie_beside_the_artifacts(tmp_path, rows):
    """Below the pipeline's root, where every stage writes."""
    (tmp_path / "root").mkdir()
    (tmp_path / "root/decisions.json").write_text('{"dropped": ["a/0"]}')
    found, _ = curated(tmp_path, rows, root=str(tmp_path / "root"), decisions=str(tmp_path / "root/decisions.json"))
    assert responses(found) == ["1", "2", "3"]


def test_dropping_every_row_is_one_line_with_the_funnel(tmp_path, capsys, rows):
    (tmp_path / "decisions.json").write_text(
        json.dumps({"dropped": [f"{row['problem_id']}/{row['sample']}" for row in rows]})
    )
    message = refused(capsys, tmp_path, rows, decisions=str(tmp_path / "decisions.json"))
    assert "dropped by hand -4" in message and not (tmp_path / "out/manifest.json").exists()


def test_the_page_shows_both_texts_of_rewritten_rows_and_all_steps_add_up(tmp_path, rows, server):
    server.otherwise = of_prompt(
        lambda prompt: "\\boxed{8}" if "thought 3" in prompt or "{8}" in prompt else "I get \\boxed{7}."
    )
    (tmp_path / "decisions.json").write_text('{"dropped": ["a/0"]}')
    rewrite = {"url": server.url, "model": "some-writer", "retries": 0}
    settings = {
        "rewrite": rewrite,
        "review": True,
        "decisions": str(tmp_path / "decisions.json"),
        "filters": ["correct"],
    }
    found, manifest = curated(tmp_path, rows, **settings)
    page = Page(tmp_path / "out/review.html")
    assert sorted(page.ids) == ["<b>/1", 'c"/2'] and len(found) == 2
    assert (
        "<think> thought 1 </think> the answer is 7" in page.texts
        and "<think> I get \\boxed{7}. </think> I get \\boxed{7}." in page.texts
    )
    assert adds_up(manifest["funnel"], 4, 2)
