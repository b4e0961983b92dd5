"""
Preference pairs from the command line: a judge behind a real HTTP server decides which pairs there are, and what makes
it untrustworthy - a liking for the first reply, noise, silence - leaves none, or is told.
"""

import gc
import json
import os
import re
import signal
import subprocess
import sys
from collections import Counter

import pyarrow.parquet as pq
import pytest
import yaml
from conftest import REPOSITORY
from samples import adds_up, sample, write_store
from servers import of_prompt, status, unfinished
from waiting import PATIENCE

from open_r1 import prefer, reward_model
from open_r1.core.artifacts import read_manifest
from open_r1.core.errors import DataError
from open_r1.core.judges import read_verdict
from open_r1.sampling.pairs import balanced, length_gap

MARK = re.compile("={3}[0-9a-f]{16}")


def shown(prompt):
    """The two replies that a judge is shown."""
    *_, first, second, _ = MARK.split(prompt)
    return first.removeprefix(" A\n").strip(), second.removeprefix(" B\n").strip()


def says(decide):
    """A judge that decides from the two replies, in the order shown."""
    return of_prompt(lambda prompt: f"I would say: hello.\n\nVERDICT: {decide(*shown(prompt))}")


BETTER = says(lambda a, b: "A much better" if "good" in a else "B much better")


def responses(count, finals=("a good reply {}", "a poor reply {}"), **values):
    """A store of as many prompts, with one sample for each final part."""
    return [
        sample(
            problem_id=f"p{n}", question=f"Say {n}", sample=k, final=final.format(n), domain="general",
            verifier="open", answer="", outcome="unjudged", reasoning=f"secret thought {n}", **values,
        )
        for n in range(count) for k, final in enumerate(finals)
    ]  # fmt: skip


@pytest.fixture
def recipe(tmp_path, server):
    """Writes a recipe over a store of these rows, with the server as judge."""
    server.otherwise = BETTER

    def write(rows=None, **values):
        store = write_store(tmp_path / "store", responses(8) if rows is None else rows)
        judge = {"url": server.url, "model": "some-judge", "retries": 0, "concurrency": 4} | values.pop("judge", {})
        content = {"samples": str(store), "output_dir": str(tmp_path / "out"), "judge": judge} | values
        (tmp_path / "recipe.yaml").write_text(yaml.safe_dump(content))
        gc.collect()  # an output's lock ends with its process, or here with the last that refers to it
        return ["--config", str(tmp_path / "recipe.yaml")]

    return write


@pytest.fixture
def made(tmp_path, recipe):
    """Rows, manifest and card of a run."""

    def run(rows=None, **values):
        prefer.main(recipe(rows, **values))
        out = tmp_path / values.get("output_dir", "out")
        return pq.read_table(out / "data.parquet").to_pylist(), read_manifest(out), (out / "README.md").read_text()

    return run


@pytest.fixture
def refused(capsys, recipe):
    """What a run says that must refuse: one line and a fix."""

    def run(rows=None, **values):
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            prefer.main(recipe(rows, **values))
        *_, error, fix = capsys.readouterr().err.strip().splitlines()
        assert ended.value.code == 2 and error.startswith("error: ") and fix.startswith("  fix: ")
        return error

    return run


# ------------------------------------------------------------------------------------------------------- one verdict


@pytest.mark.parametrize(
    ("text", "score"),
    [
        ("VERDICT: A much better", 2),
        ("My reply: hi.\n\nA is warmer.\nVERDICT: A better\n\n", 1),
        ("**VERDICT: tie**", 0),
        ("**Verdict:** B better.", -1),
        ("<think> VERDICT: A better </think>\nVERDICT: B much better", -2),
        ("VERDICT: B better\nOn reflection:\nVERDICT: B better", -1),
        ("VERDICT: A better\nOn reflection:\nVERDICT: B better", None),
        ("VERDICT: A better\nI hope that helps.", None),
        ("VERDICT: A", None),
        ("VERDICT: A is much better", None),
        ("A much better", None),
        ("The verdict: A better", None),
        ("<think> VERDICT: A better", None),
        ("", None),
    ],
)
def test_a_verdict_is_read_from_the_last_line_or_not_at_all(text, score):
    assert read_verdict(text) == score


# ---------------------------------------------------------------------------------------------------- which are kept


def test_the_better_summary_is_chosen_and_no_reasoning_is_seen(server, made):
    rows, manifest, card = made()
    assert len(rows) == manifest["rows"] == 8 and adds_up(manifest["funnel"][-5:], 8, 8)
    assert all(row["chosen"].startswith("a good reply") for row in rows)
    assert all(row["rejected"] == row["chosen"].replace("good", "poor") for row in rows)
    assert {(row["score"], tuple(row["votes"])) for row in rows} == {(2.0, (2, 2, 2, 2))}
    assert {row["prompt"][0]["content"] for row in rows} == {f"Say {n}" for n in range(8)}
    assert len(server.requests) == 32 and not any("secret" in prompt for prompt in server.prompts)
    figures = manifest["figures"]
    assert figures["votes"] == 32 and figures["votes that agree with their pair's average"] == 1.0
    assert figures["first preferred"] == 0.5 and figures["ties"] == 0.0 and "| first preferred | 0.5 |" in card


def test_each_order_is_asked_equally_often_and_no_two_votes_are_the_same_request(server, made):
    made()
    orders = Counter(shown(prompt) for prompt in server.prompts)
    assert set(orders.values()) == {2} and all(orders[order[::-1]] == 2 for order in orders)
    assert len({json.dumps(request["body"]) for request in server.requests}) == 32
    assert {request["body"]["model"] for request in server.requests} == {"some-judge"}


def test_a_judge_that_prefers_what_comes_first_keeps_nothing(server, refused, tmp_path):
    server.otherwise = says(lambda a, b: "A much better")
    error = refused()
    assert "no pair" in error and "margin: 1 -8" in error and "first preferred: 1.0" in error
    assert "average: 0.0" in error and not (tmp_path / "out/manifest.json").exists()


@pytest.mark.parametrize(
    ("verdicts", "margin", "kept"),
    [  # four votes on one pair, by how the judge likes the good reply
        ((2, 2, 2, 2), 1.0, True),
        ((2, 1, 1, 1), 1.0, True),
        ((1, 1, 1, 1), 1.0, False),
        ((2, 2, 2, -2), 1.0, False),
        ((2, 2, 2, -1), 1.0, True),
        ((0, 0, 0, 0), 0.0, False),
        ((1, 0, 0, 0), 0.0, True),
        ((-2, -2, -2, -2), 1.9, True),
    ],
)
def test_the_average_of_a_noisy_judge_must_be_beyond_the_margin(server, made, refused, verdicts, margin, kept):
    words = {2: "{} much better", 1: "{} better", 0: "tie"}
    for vote in verdicts:
        server.script.append(says(lambda a, b, vote=vote: words[abs(vote)].format("AB"[("good" in a) != (vote > 0)])))
    settings = {"rows": responses(1), "margin": margin, "judge": {"concurrency": 1}}
    if not kept:
        assert f"margin: {margin:g} -1" in refused(**settings)
        return
    ((row,), manifest, _) = made(**settings)
    assert row["score"] == abs(sum(verdicts)) / 4 and ("good" in row["chosen"]) == (sum(verdicts) > 0)
    assert sorted(row["votes"]) == sorted(vote if sum(verdicts) > 0 else -vote for vote in verdicts)
    assert manifest["figures"]["ties"] == verdicts.count(0) / 4


def test_what_cannot_be_judged_is_dropped_and_counted(server, made):
    rows = responses(2) + [
        sample(problem_id="cut", sample=0, final=None, finish_reason="length", valid=False, outcome="unjudged"),
        sample(problem_id="cut", sample=1, final="a good reply", outcome="unjudged"),
        *(sample(problem_id="same", sample=n, final="a good reply", outcome="unjudged") for n in range(2)),
        *(sample(problem_id="long", sample=n, final="good " * 4001, outcome="unjudged") for n in range(2)),
        *(sample(problem_id="three", sample=n, final=f"a {q} reply", outcome="unjudged") for n, q in enumerate("abc")),
    ]
    server.otherwise = says(
        lambda a, b: "A much better" if ("good" in a or a < b and "good" not in b) else "B much better"
    )
    found, manifest, _ = made(rows)
    removed = {step["filter"]: step["removed"] for step in manifest["funnel"]}
    assert removed["finished"] == 1 and removed["a summary of 1 to 20000 characters"] == 2
    assert removed["a partner"] == 2 and removed["two different summaries"] == 1 and len(found) == 3
    assert len(server.requests) == 12


def test_earlier_turns_are_shown_and_kept(server, made):
    messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Say 0"}]
    ((row,), _, _) = made(responses(1, messages=messages))
    assert row["prompt"] == messages and all("system: Be brief." in prompt for prompt in server.prompts)


# ------------------------------------------------------------------------------------------------ a judge that fails


def test_an_unreadable_verdict_is_asked_for_once_more_and_no_more(server, made):
    asked = Counter()

    def odd(prompt):
        asked[prompt] += 1
        if "Say 0" in prompt:
            return "I cannot decide."
        return "Hm." if "Say 1" in prompt and asked[prompt] == 1 else BETTER(prompt)

    server.otherwise = of_prompt(odd)
    rows, manifest, _ = made(judge={"concurrency": 1})
    assert len(rows) == 7 and manifest["figures"]["unreadable replies"] == 4 * 2 + 2
    assert {step["filter"]: step["removed"] for step in manifest["funnel"]}["judge: no verdict that can be read"] == 1
    assert len(server.requests) == 32 + 4 + 2
    assert len({json.dumps(request["body"]) for request in server.requests}) == len(server.requests)


@pytest.mark.parametrize("reply", [unfinished("VERDICT: A much better"), status(400)])
def test_a_cut_or_refused_verdict_is_none(server, made, reply):
    server.script = [reply, reply]
    rows, manifest, _ = made(judge={"concurrency": 1})
    assert len(rows) in (7, 8) and manifest["figures"]["unreadable replies"] == 2


@pytest.mark.parametrize(("reply", "message"), [(status(500), "is away"), (status(401), "refuses the key")])
def test_a_judge_that_is_away_is_one_line_and_what_it_said_is_kept(server, refused, made, reply, message):
    server.otherwise = reply
    assert message in refused(judge={"concurrency": 1})  # so that none is on its way when the run has ended
    server.otherwise, server.requests[:] = BETTER, []
    assert len(made()[0]) == 8 and len(server.requests) == 32


def test_pairs_without_a_reply_are_asked_about_by_the_next_run_alone(server, refused, made):
    def behave(handler):  # one request at a time: the last is this one's
        gone = "Say 3\n" in server.prompts[-1]
        return handler.answer(500) if gone else handler.say(BETTER(server.prompts[-1]))

    server.otherwise = behave
    assert "no reply about 1 of 8 pairs" in refused(judge={"concurrency": 1})
    before, server.otherwise = len(server.requests), BETTER
    rows, _, _ = made(judge={"concurrency": 1})
    assert len(rows) == 8 and all("Say 3\n" in prompt for prompt in server.prompts[before:])
    assert len(server.requests) - before == 4


def test_a_killed_run_goes_on_and_asks_no_answered_question_again(server, recipe, made, tmp_path):
    answered, child = [], []

    def behave(handler):
        body = server.requests[-1]["body"]
        if len(answered) == 13 and child:
            os.kill(child.pop().pid, signal.SIGKILL)
            return
        answered.append(json.dumps(body))
        handler.say(BETTER(body["messages"][0]["content"]))

    server.otherwise = behave
    command = [sys.executable, "-m", "open_r1.cli", "prefer", *recipe(judge={"concurrency": 1})]
    child.append(subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
    assert child[0].wait(PATIENCE) == -signal.SIGKILL and len(answered) == 13
    assert not (tmp_path / "out/manifest.json").exists()
    rows, manifest, _ = made(judge={"concurrency": 1})
    assert len(answered) == len(set(answered)) == 32 and manifest["figures"]["votes"] == 32
    unbroken, other, _ = made(judge={"concurrency": 4}, output_dir=str(tmp_path / "unbroken"))
    assert rows == unbroken and manifest["figures"] == other["figures"] and manifest["funnel"] == other["funnel"]


def test_another_margin_needs_no_new_verdict(server, made, recipe):
    made(margin=1.9)
    prefer.main([*recipe(margin=0.5), "--force"])
    assert len(server.requests) == 32


# ------------------------------------------------------------------------------------------------------------ lengths


@pytest.mark.parametrize(
    ("lengths", "most", "kept"),
    [
        ([], 0.05, []),
        ([(10, 10)], 0.0, [0]),
        ([(10, 12), (12, 10)], 0.0, [0, 1]),
        ([(30, 10), (10, 10), (12, 10), (10, 12)], 0.0, [1, 2, 3]),
        ([(10, 30), (10, 10), (12, 10), (10, 12)], 0.0, [1, 2, 3]),
        ([(30, 10), (11, 10), (10, 10)], 0.1, [1, 2]),
        ([(100, 10), (30, 10), (10, 31)], 0.05, [1, 2]),
        ([(40, 10), (10, 35)], 0.05, [0, 1]),  # either gap is too wide: no pair opens another on the other side
        ([(20, 10), (21, 10)], 0.05, []),
    ],
)
def test_the_longest_differences_go_until_the_means_meet(lengths, most, kept):
    assert balanced(lengths, most) == kept


def test_balanced_sets_are_within_the_limit():
    import random

    chance = random.Random(0)
    lengths = [(size := chance.randrange(50, 500), max(1, size - chance.randrange(-40, 100))) for _ in range(500)]
    kept = balanced(lengths, 0.02)
    before, after = (
        length_gap(*map(sum, zip(*pairs, strict=True))) for pairs in (lengths, [lengths[n] for n in kept])
    )
    assert before > 0.05 and -0.02 <= after <= 0.02 and 250 < len(kept) < 500


def test_a_judge_that_likes_the_shorter_reply_teaches_no_length(server, made, refused):
    server.otherwise = says(lambda a, b: "A much better" if len(a) < len(b) else "B much better")
    finals = ("a reply {}", "a reply {} and more and more and more")
    assert "length_gap: 0.05 -8" in refused(responses(8, finals))
    rows, manifest, card = made(responses(8, finals), length_gap=2.0)
    figures = manifest["figures"]
    assert len(rows) == 8 and figures["mean characters"]["longer chosen"] == 0.0
    assert figures["mean characters"]["gap"] < -0.5 and "| mean characters: longer chosen | 0.0 |" in card


def test_lengths_are_balanced_over_the_set_and_the_dropped_counted(server, made):
    rows = responses(6, ("a good reply {}", "a poor reply {}")) + [
        row | {"problem_id": f"long {row['problem_id']}"}
        for row in responses(2, ("a good reply {} and much more of it", "a poor reply {}"))
    ]
    found, manifest, _ = made(rows)
    assert (
        len(found) == 6 and {step["filter"]: step["removed"] for step in manifest["funnel"]}["length_gap: 0.05"] == 2
    )
    figures = manifest["figures"]
    assert figures["before balancing"]["gap"] > 0.05 and figures["mean characters"]["gap"] == 0.0


# ------------------------------------------------------------------------------------------------ mistakes, the end


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"votes": 3}, "`votes: 3`"),
        ({"votes": 0}, "`votes: 0`"),
        ({"margin": 2}, "`margin: 2.0`"),
        ({"margin": -0.5}, "`margin: -0.5`"),
        ({"length_gap": -1}, "`length_gap: -1.0`"),
        ({"samples": "", "model": "m", "num_samples": 1}, "`num_samples: 1` makes no pairs"),
        ({"filters": ["corect"]}, "unknown filter `corect`"),
        ({"filters": ["pass_rate"]}, "`pass_rate` means nothing here"),
        ({"filters": [{"max_tokens": 1}]}, "no pair"),
        ({"judge": {"model": ""}}, "`judge` has no `model`"),
        ({"judge": {"url": "localhost"}}, "`url: localhost` is no URL"),
        ({"judge": {"temprature": 1}}, "unknown key `temprature`"),
        ({"judge": {"temperature": -1}}, "`temperature: -1.0`"),
        ({"judge": {"concurrency": 0}}, "concurrency 0"),
        ({"judge": {"timeout": 0}}, "timeout 0"),
        ({"judge": {"retries": -1}}, "retries -1"),
        ({"judge": {"max_tokens": 0}}, "`max_tokens: 0`"),
        ({"judge": {"url": ""}}, "is no URL"),
        ({"num_samples": 0}, "`num_samples: 0`"),
        ({"response_format": "r2"}, "`response_format: r2`"),
        ({"samples": "nowhere"}, "nowhere is no sample store"),
        ({"pick": "shortest"}, "unknown key `pick`"),
    ],
)
def test_a_mistake_is_one_line_and_asks_nothing(server, refused, tmp_path, settings, message):
    assert message in refused(**settings)
    assert not server.requests and not (tmp_path / "out/manifest.json").exists()


def test_a_recipe_without_a_judge_is_one_line(refused, recipe, tmp_path, capsys):
    recipe()
    content = yaml.safe_load((tmp_path / "recipe.yaml").read_text()) | {"judge": {}}
    (tmp_path / "recipe.yaml").write_text(yaml.safe_dump(content))
    with pytest.raises(SystemExit):
        prefer.main(["--config", str(tmp_path / "recipe.yaml")])
    assert "the recipe has no `judge`" in capsys.readouterr().err


@pytest.mark.parametrize(("label", "number"), [(True, 1.0), (0, 0.0), (1.0, 1.0)])
def test_a_label_of_the_pointwise_reward_model_is_true_or_false(label, number):
    assert reward_model.safety(label) == number


@pytest.mark.parametrize("label", ["unsafe", None, 0.5, 2])
def test_another_label_is_one_line(tmp_path, label):
    from types import SimpleNamespace

    from tiny_models import tiny_tokenizer

    (tmp_path / "rows.jsonl").write_text(json.dumps({"prompt": "a", "completion": "b", "label": label}) + "\n")
    tokenizer = tiny_tokenizer("chatml")
    tokenizer.chat_template = (REPOSITORY / "recipes/templates/chatml/r1.jinja").read_text()
    run = SimpleNamespace(tokenizer=tokenizer, config=SimpleNamespace(max_length=8))
    with pytest.raises(DataError, match="neither 1"):
        reward_model.labelled(run, reward_model.labelled_rows([{"path": str(tmp_path / "rows.jsonl")}]))


def test_a_pairwise_reward_model_learns_from_the_result(made, tmp_path):
    from tiny_models import run, save_tiny_base

    made()
    model = save_tiny_base(tmp_path / "base", "chatml")
    run(
        reward_model.main, model_name_or_path=model, output_dir=str(tmp_path / "rm"), objective="pairwise",
        chat_template=str(REPOSITORY / "recipes/templates/chatml/r1.jinja"), dtype="float32", max_length=256,
        datasets=[{"path": str(tmp_path / "out")}], max_steps=2, per_device_train_batch_size=4, save_steps=2,
        save_strategy="steps",
    )  # fmt: skip
    assert read_manifest(tmp_path / "rm")["steps"] == 2
