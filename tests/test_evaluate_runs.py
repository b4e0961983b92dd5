"""Evaluations that are killed, drawn by several servers in any order, or judged again: the same rows, once each."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from contextlib import ExitStack

import pytest
import yaml
from benchmark_answers import MODEL, PLAN, answering, local_file, problems_of
from conftest import REPOSITORY
from waiting import wait_for

from open_r1 import evaluate
from open_r1.core.artifacts import read_manifest
from open_r1.hub.tables import publish_tables
from open_r1.sampling import rejudging
from open_r1.sampling.store import read_stores
from open_r1.verify import WRONG, Verdict

NAMES = ("aime24", "math_500")


@pytest.fixture
def files(tmp_path):
    return [local_file(tmp_path, name) for name in NAMES]


def words(files, urls, out, **values):
    said = [MODEL, "--benchmarks", ",".join(map(str, files)), f"--url={json.dumps(urls)}", "--output_dir", str(out)]
    values = {"num_samples": len(PLAN)} | values
    return [*said, *(f"--{name}={json.dumps(value)}" for name, value in values.items())]


def key(row):
    return row["dataset"], row["problem_id"], row["sample"]


def rows_of(out):
    rows = sorted(read_stores(out / MODEL), key=key)
    assert len({key(row) for row in rows}) == len(rows)
    return rows


# ------------------------------------------------------------------------------------------------ servers and order


def test_rows_do_not_depend_on_servers_concurrency_or_parts(tmp_path, pauses, capsys, files):
    ways = [(1, 64, 64), (3, 2, 64), (2, 64, 5), (1, 1, 1)]
    found = []
    for number, (servers, concurrency, batch) in enumerate(ways):
        with ExitStack() as stack:
            urls = [stack.enter_context(answering(*files)).url for _ in range(servers)]
            out = tmp_path / str(number)
            values = {"concurrency": concurrency, "batch_size": batch}
            evaluate.main(words(files[:: 1 if number % 2 else -1], urls, out, **values))
        found.append(rows_of(out))
    assert len(found[0]) == len(PLAN) * sum(len(problems_of(file)) for file in files)
    assert all(rows == found[0] for rows in found[1:])


def test_requests_that_failed_are_asked_again_alone(tmp_path, pauses, capsys, files):
    with answering(*files, fails=lambda number: number == 4) as server:
        with pytest.raises(SystemExit):
            evaluate.main(words(files, server.url, tmp_path / "out"))
        error, hint = capsys.readouterr().err.strip().splitlines()[-2:]
        assert "1 of " in error and "completions failed" in error and "run again" in hint
        asked = len(server.asked)
        evaluate.main(words(files, server.url, tmp_path / "out"))
        assert len(rows_of(tmp_path / "out")) == asked
        assert len(server.asked) == asked + 1 + 15 * (asked == 15)  # and the benchmark that was not reached


# ------------------------------------------------------------------------------------------------------------- kills


def test_kills_lose_and_double_nothing(tmp_path, pauses, files):
    out, rng = tmp_path / "out", random.Random(7)
    with answering(*files) as server:
        slowly = server.reply
        server.otherwise = lambda handler: (time.sleep(0.02), slowly(handler))
        command = [
            sys.executable,
            "-m",
            "open_r1.evaluate",
            *words(files, server.url, out, concurrency=2, batch_size=5),
        ]
        for _ in range(3):
            before = len(server.asked)
            process = subprocess.Popen(command, cwd=REPOSITORY, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL)
            wait_for(lambda: process.poll() is not None or len(server.asked) > before, "a request")  # noqa: B023
            time.sleep(rng.random() * 0.3)
            process.send_signal(signal.SIGKILL)
            process.communicate()
        done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, env=os.environ)
        assert done.returncode == 0, done.stderr
    rows = rows_of(out)
    assert len(rows) == len(PLAN) * sum(len(problems_of(file)) for file in files)
    with answering(*files) as server:
        evaluate.main(words(files, server.url, tmp_path / "whole"))
    assert rows == rows_of(tmp_path / "whole")
    assert read_manifest(out)["metrics"][MODEL]["pass@1"] == pytest.approx(0.4)


# ------------------------------------------------------------------------------------------------------- judged again


@pytest.fixture
def evaluated(tmp_path, pauses, capsys, files):
    with answering(*files) as server:
        evaluate.main(words(files, server.url, tmp_path / "out"))
    capsys.readouterr()
    return tmp_path / "out"


def spoil(store, wrong):
    """Rows as an older verifier would have left them."""
    for part in store.glob("part-*.jsonl"):
        rows = [json.loads(line) for line in part.read_text().splitlines()]
        rows = [row | wrong if row["outcome"] == "correct" else row for row in rows]
        part.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))


OLD = {"outcome": "wrong", "score": 0.0, "extracted": "?", "final": "", "reasoning": "", "valid": False}


def test_kept_completions_are_judged_again(evaluated, capsys):
    before, metrics = rows_of(evaluated), read_manifest(evaluated)["metrics"]
    for name in NAMES:
        spoil(evaluated / MODEL / name, OLD)
    evaluate.main(["--rejudge", str(evaluated)])
    said = capsys.readouterr().out
    assert rows_of(evaluated) == before and read_manifest(evaluated)["metrics"] == metrics
    assert "fake/aime24: 6 wrong -> correct" in said and "0.400" in said
    evaluate.main(["--rejudge", str(evaluated)])
    assert "fake/aime24: 0 verdicts changed" in capsys.readouterr().out


def test_a_kill_between_two_parts_is_no_loss(evaluated, capsys, monkeypatch):
    before = rows_of(evaluated)
    spoil(evaluated / MODEL / "aime24", OLD)
    spoil(evaluated / MODEL / "math_500", OLD)
    rewrite, done = rejudging.rewrite_part, []

    def once(part, rows):
        if done:
            raise KeyboardInterrupt
        done.append(part)
        rewrite(part, rows)

    monkeypatch.setattr(rejudging, "rewrite_part", once)
    with pytest.raises(KeyboardInterrupt):
        evaluate.main(["--rejudge", str(evaluated)])
    monkeypatch.undo()
    evaluate.main(["--rejudge", str(evaluated)])
    assert rows_of(evaluated) == before


def test_numbers_follow_the_new_verdicts(evaluated, capsys, monkeypatch):
    def nothing_is_right(problems, responses):
        return [Verdict(WRONG, "?", 0.0) for _ in problems]

    monkeypatch.setattr(rejudging, "judged", nothing_is_right)
    evaluate.main(["--rejudge", str(evaluated)])
    assert "6 correct -> wrong" in capsys.readouterr().out
    assert read_manifest(evaluated)["metrics"][MODEL]["pass@1"] == 0.0
    assert "| 0.000 |" in (evaluated / "README.md").read_text()
    assert json.loads((evaluated / MODEL / "metrics.json").read_text())["pass@1"] == 0.0


def test_a_published_store_is_judged_again_too(evaluated, tmp_path, capsys):
    before = rows_of(evaluated)
    for name in NAMES:
        spoil(evaluated / MODEL / name, OLD)
    publish_tables(evaluated, tmp_path / "there")
    assert list((tmp_path / "there" / MODEL / "aime24").glob("*.parquet"))
    evaluate.main(["--rejudge", str(tmp_path / "there")])
    assert "6 wrong -> correct" in capsys.readouterr().out and rows_of(tmp_path / "there") == before
    assert not list((tmp_path / "there" / MODEL / "aime24").glob("*.parquet"))


# --------------------------------------------------------------------------------------------------------- bad input


@pytest.mark.parametrize(
    ("own", "message", "fix"),
    [
        ({"columns": {"problems": "question"}}, "has no column `problems`", "correct `columns`"),
        ({"prompt": "{nothing}"}, "has no column `nothing`, which its `prompt` names", "correct `prompt`"),
        ({"verifier": "judge", "judge": "simpleqa"}, "aime24 needs a judge, and none is given", "add `judge:"),
        ({"verifier": "maths"}, "unknown kind 'maths'", "use one of math"),
        ({"num_samples": 0}, "num_samples: 0", "at least 1"),
        ({"path": "nowhere.jsonl"}, "nowhere.jsonl does not exist", "give a Hub id"),
        ({"columns": ["problem"]}, "`columns: ['problem']`", "write `columns: {THEIRS: OURS}`"),
        ({"prompt": 3}, "`prompt: 3`", "write `prompt: TEXT`"),
        ({"limit": "all"}, "`limit: all`", "at least 1"),
        ({"limit": 0}, "`limit: 0`", "at least 1"),
        ({"measures": "rating"}, "`measures: rating`", "write `measures: [NAME, NAME]`"),
        ({"measures": ["rank"]}, "unknown `measures: rank`", "use some of: arena"),
        ({"measures": ["arena"]}, "`measures: arena` counts verdicts of `judge`, not of `math`", "`verifier: judge`"),
        ({"metric": "accuracy"}, "`metric: accuracy`", "write `metric: correct, or score`"),
        ({"axis": "maths"}, "`axis: maths`", "write `axis: reasoning, or general`"),
        ({"temperature": "hot"}, "aime24: `temperature: hot` is no float", "give a number"),
        ({"temperature": -1}, "`temperature: -1.0`", "at least 0"),
        ({"top_p": 2}, "`top_p: 2.0`", "at most 1"),
        ({"verifier": "judge"}, "aime24: `judge: None` is no task", "use one of"),
        ({"verifier": "code"}, "no answer can be read as `verifier: code`, the first one is '35'", "`columns`"),
    ],
)
def test_a_benchmark_that_cannot_be_run_is_one_line_and_draws_nothing(
    tmp_path, pauses, capsys, files, own, message, fix
):
    file = files[0]
    with answering(file) as server:
        entry = yaml.safe_load(file.read_text()) | own
        file.write_text(yaml.safe_dump(entry))
        with pytest.raises(SystemExit):
            evaluate.main(
                [MODEL, "--benchmarks", str(file), "--url", server.url, "--output_dir", str(tmp_path / "out")]
            )
        assert not server.asked
    error, hint = capsys.readouterr().err.strip().splitlines()[-2:]
    assert message in error and fix in hint and error.startswith("error: ") and hint.startswith("  fix: ")


def test_a_damaged_part_is_one_line(evaluated, capsys):
    (part,) = (evaluated / MODEL / "aime24").glob("part-*.jsonl")
    part.write_text(part.read_text()[:-40])
    for words in (["--rejudge", str(evaluated)], ["--compare", *[str(evaluated / MODEL)] * 2]):
        with pytest.raises(SystemExit):
            evaluate.main(words)
        error, hint = capsys.readouterr().err.strip().splitlines()[-2:]
        assert f"{part}: a line that is no row" in error and "delete it" in hint


def test_a_store_with_fewer_samples_than_k_is_one_line(evaluated, capsys):
    (part,) = (evaluated / MODEL / "aime24").glob("part-*.jsonl")
    part.write_text("".join(part.read_text().splitlines(keepends=True)[:-1]))
    (evaluated / "manifest.json").unlink()
    recipe = str(evaluated / "recipe.yaml")
    with pytest.raises(SystemExit):
        evaluate.main(["--config", recipe])
    error, hint = capsys.readouterr().err.strip().splitlines()[-2:]
    assert "has 4 samples" in error and "aime24" in error and "k is 5" in error and "num_samples" in hint
