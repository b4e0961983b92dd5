"""The rewriter behind a real HTTP server: what it may change, what is caught, and what is not asked again."""

import json

import pytest
from samples import adds_up, curated, refused, sample
from servers import body, of_prompt, status, unfinished

from open_r1.core.artifacts import Artifact
from open_r1.core.endpoints import EndpointError
from open_r1.core.errors import RecipeError
from open_r1.core.formats import ResponseFormat
from open_r1.data.filters import Funnel
from open_r1.data.rewriting import STEPS, rewrite_rows

REASONING, SUMMARY = "I add 3 and 4, and get 7.", "Adding gives \\boxed{7}."
NO_REPLY, CHANGED, LEFT, OTHER_LANGUAGE = STEPS
FOR_REASONING = "Below is a question and the raw reasoning"


def raw(number=0, **values):
    """A sample as the model wrote it, with a question of its own."""
    row = {
        "problem_id": f"p{number}",
        "question": f"What is 3 + 4, for the {number}. time?",
        "reasoning": f"hm raw thought {number} , 7 ok",
    }
    return sample(**(row | {"final": "\\boxed{7}"} | values))


def writes(reasoning=REASONING, summary=SUMMARY):
    """A rewriter that answers its two requests so."""
    return of_prompt(lambda prompt: reasoning if prompt.startswith(FOR_REASONING) else summary)


def asked(server):
    """Numbers of the questions that were asked."""
    return {int(prompt.split(", for the ")[1].split(".")[0]) for prompt in server.prompts}


@pytest.fixture
def settings(server):
    server.otherwise = writes()
    return {"url": server.url, "model": "some-writer", "retries": 0, "concurrency": 1}


@pytest.fixture
def rewrite(tmp_path, settings):
    """Rewrites rows -> those that are kept, and the steps that lost some."""
    artifact = Artifact({"output_dir": str(tmp_path / "out")})
    artifact.path.mkdir()

    def run(rows, **more):
        funnel = Funnel([])
        kept = list(rewrite_rows(rows, len(rows), settings | more, artifact, funnel))
        assert [step["filter"] for step in funnel.steps] == list(STEPS) and adds_up(funnel.steps, len(rows), len(kept))
        return kept, {step["filter"]: step["removed"] for step in funnel.steps if step["removed"]}

    return run


# ----------------------------------------------------------------------------------------------- what becomes of a row


def test_a_good_rewriter_is_believed(rewrite, server):
    (row,), lost = rewrite([raw()])
    assert (row["reasoning"], row["final"], row["sampled"], lost) == (REASONING, SUMMARY, raw()["text"], {})
    assert row["text"] == ResponseFormat("r1").write(REASONING, SUMMARY) and row["problem_id"] == "p0"
    assert {request["body"]["model"] for request in server.requests} == {"some-writer"} and len(server.requests) == 2


@pytest.mark.parametrize(
    ("reasoning", "summary", "step"),
    [
        (f"<think> how shall I put it </think> {REASONING}", f"<think> and this </think>\n{SUMMARY}\n", None),
        (REASONING, "It is 7 in all: \\boxed{7.0}.", None),
        (REASONING, "\\boxed{8}", CHANGED),
        (REASONING, "It is \\boxed{7}, or rather \\boxed{8}.", CHANGED),
        (REASONING, "I will not say.", CHANGED),
        ("I add both and get 8.", SUMMARY, LEFT),
        ("I add both and am done.", SUMMARY, LEFT),
        ("我把 3 和 4 相加，得到 7。", SUMMARY, OTHER_LANGUAGE),
        (REASONING, "相加得到 \\boxed{7}。", OTHER_LANGUAGE),
        ("I add 3 and 4, 所以得到 7.", SUMMARY, OTHER_LANGUAGE),
        ("", SUMMARY, NO_REPLY),
        (REASONING, " \n", NO_REPLY),
        (REASONING, "<think> it is \\boxed{7}", NO_REPLY),
        (unfinished(REASONING), SUMMARY, NO_REPLY),
        (REASONING, unfinished(SUMMARY), NO_REPLY),
        (status(400), SUMMARY, NO_REPLY),
        (REASONING, body(b'{"choices": [{"message": {"content": null}}]}'), NO_REPLY),
        (body(b"<html>"), SUMMARY, NO_REPLY),
    ],
)
def test_a_rewriter_that_changes_the_result_is_caught(rewrite, server, reasoning, summary, step):
    server.otherwise = writes(reasoning, summary)
    kept, lost = rewrite([raw()])
    assert (len(kept), lost) == ((0, {step: 1}) if step else (1, {}))
    assert not kept or kept[0]["reasoning"] == REASONING


def test_a_chinese_question_is_rewritten_in_chinese(rewrite, server):
    server.otherwise = writes("我把 3 和 4 相加，得到 7。", "相加得到 \\boxed{7}。")
    assert rewrite([raw(language="zh")])[1] == {}


@pytest.mark.parametrize("stray", ["hm </think> <think> {}", "{} <answer> 7 </answer>", "{} </think>"])
def test_tags_in_a_reply_never_end_in_the_data(rewrite, server, stray):
    server.otherwise = writes(stray.format(REASONING))
    assert all(
        ResponseFormat("r1").read(row["text"]).valid and "<answer>" not in row["text"] for row in rewrite([raw()])[0]
    )


@pytest.mark.parametrize("odd", ["\u2028", "\u2029", "\x85", "\x0b", "\r\n", "\ud800"], ids=ascii)
def test_any_character_of_a_reply_survives_the_file(rewrite, server, odd):
    server.otherwise = writes(f"I add 3 and 4.{odd}It is 7.")
    (row,), _ = rewrite([raw()])
    assert row["reasoning"] == f"I add 3 and 4.{odd}It is 7.".replace("\ud800", "?")


def test_a_row_is_lost_alone(rewrite, server):
    server.otherwise = of_prompt(lambda prompt: status(400) if "the 3. time" in prompt else writes()(prompt))
    kept, lost = rewrite([raw(n) for n in range(9)], concurrency=3)
    assert [row["problem_id"] for row in kept] == [f"p{n}" for n in range(9) if n != 3] and lost == {NO_REPLY: 1}


def test_rows_without_any_reply_keep_the_stage_open(rewrite, server):
    server.otherwise = of_prompt(lambda prompt: status(500) if "the 3. time" in prompt else writes()(prompt))
    with pytest.raises(EndpointError, match="no reply to 1 of 9 rows"):
        rewrite([raw(n) for n in range(9)], concurrency=3)


def test_a_server_that_recovers_is_asked_again(rewrite, server, pauses):
    server.script = [status(500), "", unfinished(REASONING), REASONING, status(503, Retry_After="7"), SUMMARY]
    assert rewrite([raw()], retries=3)[1] == {} and len(server.requests) == 6 and pauses[-1] == 7.0


# ------------------------------------------------------------------------------------------------------------ requests


def test_the_summary_is_written_from_the_rewritten_reasoning_alone(rewrite, server):
    row = raw(question="Is {x} {question} {0} %s a set?", reasoning="raw {reasoning} thoughts, 7")
    assert rewrite([row])[1] == {}
    first, second = server.prompts
    assert row["question"] in first and row["reasoning"] in first and "\\boxed{}" in second
    assert row["question"] in second and REASONING in second and "raw" not in second and row["final"] not in second


def test_examples_are_shown(rewrite, server, tmp_path):
    file = tmp_path / "examples.yaml"
    file.write_text("- {question: 'Q {1}', reasoning: old thoughts, rewritten: new thoughts, summary: short text}\n")
    rewrite([raw()], examples=str(file))
    first, second = server.prompts
    assert "Q {1}" in first and "old thoughts" in first and "new thoughts" in first and "short text" not in first
    assert "Q {1}" in second and "old thoughts" not in second and "new thoughts" in second and "short text" in second


@pytest.mark.parametrize(
    "content",
    [
        None,
        b"",
        b"3",
        b"- 3",
        b"- {question: q, reasoning: r, summary: s}",
        b"{question: q}",
        b"- {question: [",
        b"- {question: '\xff'}",
    ],
)
def test_bad_examples_are_one_line(rewrite, server, tmp_path, content):
    file = tmp_path / "examples.yaml"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(RecipeError, match="examples.yaml") as caught:
        rewrite([raw()], examples=str(file))
    assert "\n" not in str(caught.value) and caught.value.hint and not server.requests


def test_examples_that_are_a_directory_are_one_line(rewrite, tmp_path):
    with pytest.raises(RecipeError, match="examples"):
        rewrite([raw()], examples=str(tmp_path))


@pytest.mark.parametrize(
    ("more", "named"),
    [
        ({"temprature": 1}, "temprature"),
        ({"url": ""}, "url"),
        ({"model": None}, "model"),
        ({"concurrency": "many"}, "concurrency"),
        ({"concurrency": 0}, "concurrency"),
    ],
)
def test_settings_that_do_not_work_are_one_line(rewrite, server, more, named):
    with pytest.raises(RecipeError, match=f"`rewrite`.*{named}"):
        rewrite([raw()], **more)
    assert not server.requests


# ---------------------------------------------------------------------------------------------------- through curation


ALL = {"per_problem": 0, "filters": ["correct"]}


def test_rewritten_rows_become_data_and_the_funnel_counts_on(tmp_path, server, settings):
    server.otherwise = of_prompt(lambda prompt: writes("我得到 7。" if "the 2. time" in prompt else REASONING)(prompt))
    rows, manifest = curated(tmp_path, [*map(raw, range(4)), raw(4, outcome="wrong")], rewrite=settings, **ALL)
    assert [row["response"] for row in rows] == [ResponseFormat("r1").write(REASONING, SUMMARY)] * 3
    assert adds_up(manifest["funnel"], 5, 3) and asked(server) == {0, 1, 2, 3}
    assert f"| {OTHER_LANGUAGE} | 4 | 1 | `<think> 我得到 7。" in (tmp_path / "out/README.md").read_text()


def test_a_rewriter_that_loses_all_is_one_line(tmp_path, capsys, server, settings):
    server.otherwise = "\\boxed{8}"
    message = refused(capsys, tmp_path, [raw()], rewrite=settings, **ALL)
    assert f"{CHANGED} -1" in message and not (tmp_path / "out/manifest.json").exists()


def test_batches_that_are_done_are_not_asked_again(tmp_path, capsys, server, settings):
    rows = [raw(n) for n in range(10)]
    whole, _ = curated(tmp_path, rows, "whole", rewrite=settings, **ALL)
    server.script, server.otherwise = [REASONING] * 4 + [SUMMARY] * 4, status(401)
    assert "refuses the key" in refused(capsys, tmp_path, rows, rewrite=settings, **ALL)
    assert len((tmp_path / "out/rewritten.jsonl").read_text().splitlines()) == 4
    server.script, server.otherwise = [], writes()
    server.requests.clear()
    assert curated(tmp_path, rows, rewrite=settings, **ALL)[0] == whole
    assert asked(server) == {4, 5, 6, 7, 8, 9}


def test_a_rewriter_that_was_away_is_asked_again_by_the_next_run(tmp_path, capsys, server, settings):
    server.otherwise = status(503)
    refused(capsys, tmp_path, [raw(0), raw(1)], rewrite=settings, **ALL)
    server.otherwise = writes()
    assert len(curated(tmp_path, [raw(0), raw(1)], rewrite=settings, **ALL)[0]) == 2


def test_a_verdict_that_comes_late_neither_doubles_nor_loses_rows(tmp_path, capsys, server, settings):
    """The judge fails on one row, the rewriter breaks off after a batch; in the second run the judge does not fail."""
    rows = [raw(n, verifier="judge", outcome="unjudged", final=f"reply {n}", extracted="") for n in range(7)]
    judge, state = {"url": server.url, "model": "some-judge", "retries": 0, "concurrency": 1}, {"first": True}

    @of_prompt
    def behave(prompt):
        if prompt.startswith("Decide"):
            return status(500) if state["first"] and "reply 0" in prompt else '{"analysis": "", "correct": true}'
        return status(401) if state["first"] and any(f"the {n}. time" in prompt for n in (5, 6)) else writes()(prompt)

    server.otherwise = behave
    assert "refuses the key" in refused(capsys, tmp_path, rows, judge=judge, rewrite=settings, **ALL)
    state["first"] = False
    found = sorted(row["problem_id"] for row in curated(tmp_path, rows, judge=judge, rewrite=settings, **ALL)[0])
    assert found in ([f"p{n}" for n in range(7)], [f"p{n}" for n in range(1, 7)])


def test_the_file_of_a_batch_holds_what_failed_and_why(tmp_path, rewrite, server):
    server.otherwise = of_prompt(lambda prompt: "\\boxed{8}" if "the 1. time" in prompt else writes()(prompt))
    rewrite([raw(n) for n in range(3)])
    rows = [json.loads(line)["value"] for line in (tmp_path / "out/rewritten.jsonl").read_text().splitlines()]
    assert [row["failed"] for row in rows] == ["", CHANGED, ""] and all(
        row["sampled"] == raw(n)["text"] for n, row in enumerate(rows)
    )
