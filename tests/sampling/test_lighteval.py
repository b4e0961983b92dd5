"""
Our number and lighteval's, of the same questions and the same server. lighteval has an environment of its own, as in
docs/evaluation.md: `OPEN_R1_LIGHTEVAL=le/bin/lighteval` names it, else its tests are skipped. Without a network it
starts where an empty `tinyBenchmarks.pkl` lies in its package, in `lighteval/tasks/tasks`: else it fetches that file.
"""

import json
import os
import shutil

import pytest
import yaml
from benchmark_answers import ANSWERS, MODEL, Answering, local_file, problems_of
from servers import serving

from open_r1 import evaluate

COMMAND = shutil.which(os.environ.get("OPEN_R1_LIGHTEVAL", ""))
installed = pytest.mark.skipif(COMMAND is None, reason="no lighteval: OPEN_R1_LIGHTEVAL names no program")


class AnsweringBoth(Answering):
    """It gives us one sample of a question at a time, and lighteval all `n` at once."""

    def reply(self, handler):
        if not hasattr(handler, "body"):
            return super().reply(handler)
        body = handler.body
        samples = range(body["n"]) if "n" in body else [self.which(body)[1]]
        row = self.problems[body["messages"][-1]["content"]]
        choices = [self.choice(row, number, self.plan[sample]) for number, sample in enumerate(samples)]
        reply = {"id": "1", "object": "chat.completion", "created": 1, "model": MODEL, "choices": choices}
        handler.answer(200, json.dumps(reply).encode(), Content_Type="application/json")

    def choice(self, row, number, what):
        right, wrong = ANSWERS[row["verifier"]]
        text = {
            "right": f"<think>One step.</think>\n\n{right(row)}",
            "wrong": f"<think>One step.</think>\n\n{wrong(row)}",
            "line": f"<think>One step.</think>\n\nAnswer: {row['answer']}",
            "cut": f"<think>{right(row)} Or is it not, if",
            "nothing": "<think>One step.</think>\n\nI do not know.",
        }[what]
        reason = "length" if what == "cut" else "stop"
        return {"index": number, "message": {"role": "assistant", "content": text}, "finish_reason": reason}


def measured(folder, capsys, name, plan, command=COMMAND, words=()):
    """The printed line of a benchmark, and the requests by who made them."""
    file = local_file(folder, name)
    with serving(AnsweringBoth(file, plan=plan)) as server:
        words = [*words, "--url", server.url, "--output_dir", str(folder / "out"), "--num_samples", str(len(plan))]
        evaluate.main([MODEL, "--benchmarks", str(file), *words, "--lighteval", str(command)])
        bodies = [request["body"] for request in server.requests if "body" in request]
    line = capsys.readouterr().out.strip().splitlines()[-1]
    return [cell.strip() for cell in line.strip("|").split("|")], bodies


@installed
@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "plan", "ours", "theirs", "difference"),
    [
        ("aime24", ("right", "right", "wrong", "nothing"), "0.5000", "0.5000", "+0.0000"),
        ("math_500", ("right", "wrong", "wrong", "nothing"), "0.2500", "0.2500", "+0.0000"),
        ("gpqa_diamond", ("line", "line", "line", "nothing"), "0.7500", "0.7500", "+0.0000"),
        # LaTeX without dollars or a box: lighteval reads it in one of three
        ("math_500", ("right", "line", "wrong", "nothing"), "0.5000", "0.3333", "-0.1667"),
        # reasoning that was cut: to us no answer, to lighteval an answer like any other
        ("aime24", ("right", "cut", "wrong", "wrong"), "0.2500", "0.5000", "+0.2500"),
    ],
    ids=["integers", "expressions", "letters", "bare", "cut"],
)
def test_both_numbers_are_what_each_reads(tmp_path, pauses, capsys, name, plan, ours, theirs, difference):
    line, bodies = measured(tmp_path, capsys, name, plan)
    problems = len(problems_of(tmp_path / f"{name}.yaml"))
    assert line == [MODEL, name, str(problems), str(len(plan)), ours, theirs, difference]
    one, all_at_once = ([body for body in bodies if ("n" in body) == shared] for shared in (False, True))
    assert [len(one), len(all_at_once)] == [problems * len(plan), problems] and all_at_once[0]["n"] == len(plan)
    for key in ("model", "temperature", "top_p"):
        assert {body[key] for body in one} == {body[key] for body in all_at_once}
    assert {str(body["messages"]) for body in one} == {str(body["messages"]) for body in all_at_once}
    assert {body["max_tokens"] for body in one} == {body["max_completion_tokens"] for body in all_at_once} == {32768}


PLAYED = """#!/bin/sh
cat rows/train.jsonl model.yaml
echo "$OPENAI_API_KEY" "$@"
mkdir -p out/results/openai/fake
echo '{"results": {"open_r1_choice|0": {"pass@1": 0.75}}}' > out/results/openai/fake/results_1.json
"""


def program(folder, text):
    """A program that is taken for lighteval."""
    file = folder / "lighteval"
    file.write_text(text)
    file.chmod(0o755)
    return str(file)


def test_it_gets_the_questions_the_references_and_the_settings(tmp_path, pauses, capsys, monkeypatch):
    monkeypatch.setenv("MY_KEY", "secret")
    words = ["--key_variable", "MY_KEY", "--concurrency", "8", "--stop", "[END]", "--max_new_tokens", "99"]
    plan = ("right", "line", "wrong", "nothing")
    line, _ = measured(tmp_path, capsys, "gpqa_diamond", plan, program(tmp_path, PLAYED), words)
    assert line[-3:] == ["0.5000", "0.7500", "+0.2500"]
    said = (tmp_path / "out" / MODEL / "gpqa_diamond/.lighteval/log.txt").read_text().splitlines()
    problems = {row["prompt"][-1]["content"]: row["answer"] for row in problems_of(tmp_path / "gpqa_diamond.yaml")}
    rows = [json.loads(row) for row in said[: len(problems)]]
    assert {row["question"]: row["choices"][row["gold"][0]] for row in rows} == problems
    asked = yaml.safe_load("\n".join(said[len(problems) : -1]))["model_parameters"]
    assert (asked["model_name"], asked["concurrent_requests"]) == (f"openai/{MODEL}", 2)
    own = {"temperature": 0.6, "top_p": 0.95, "seed": 0, "max_new_tokens": 99, "stop_tokens": ["END"]}
    assert asked["generation_parameters"] == own
    assert said[-1].startswith("secret endpoint litellm model.yaml open_r1_choice@n=4|0 --custom-tasks ")


def test_of_a_short_context_it_asks_what_is_left(tmp_path, pauses, capsys):
    file = local_file(tmp_path, "gpqa_diamond")
    server = AnsweringBoth(file, plan=("right",))
    reply = server.otherwise
    models = json.dumps({"data": [{"id": MODEL, "max_model_len": 4096}]}).encode()
    server.otherwise = lambda handler: reply(handler) if hasattr(handler, "body") else handler.answer(200, models)
    with serving(server):
        words = ["--url", server.url, "--output_dir", str(tmp_path / "out"), "--num_samples", "1"]
        evaluate.main([MODEL, "--benchmarks", str(file), *words, "--lighteval", program(tmp_path, PLAYED)])
    asked = (tmp_path / "out" / MODEL / "gpqa_diamond/.lighteval/model.yaml").read_text()
    assert "temperature: 0.6" in asked and "max_new_tokens: null" in asked


@pytest.mark.parametrize(
    ("words", "text", "said"),
    [
        (["--lighteval"], None, "`--lighteval` without a value"),
        (["--lighteval", "nothing/lighteval"], None, "`--lighteval nothing/lighteval` is no program"),
        (["--url", "[http://a/v1, http://b/v1]"], "", "asks one server by chat, not engine: server, api: chat"),
        (["--api", "text"], "", "asks one server by chat, not engine: server, api: text"),
        (["--engine", "vllm"], "", "asks one server by chat, not engine: vllm"),
        (["--prefill", "<think>"], "", "asks no aime24 with `prefill`"),
        ([], "#!/bin/sh\nexit 3\n", "ended with 3, 0 results, 0 questions unanswered"),
        ([], "#!/bin/sh\n", "ended with 0, 0 results"),
        ([], PLAYED + "echo API call failed after 8 attempts", "ended with 0, 1 results, 1 questions unanswered"),
    ],
    ids=["no value", "no program", "servers", "text", "engine", "prefill", "exit", "no result", "no reply"],
)
def test_what_it_cannot_measure_is_refused(tmp_path, pauses, capsys, words, text, said):
    file = local_file(tmp_path, "aime24")
    before = [MODEL, "--benchmarks", str(file), "--output_dir", str(tmp_path / "out"), "--num_samples", "1"]
    with serving(AnsweringBoth(file, plan=("right",))) as server, pytest.raises(SystemExit):
        if text is not None:
            words = [*words, "--lighteval", program(tmp_path, text)]
        evaluate.main([*before, "--url", server.url, *words])
    error = capsys.readouterr().err
    assert said in error and "fix: " in error
    drawn = any("body" in request for request in server.requests)
    assert drawn == bool(text)  # what can be told before is refused before
    if drawn:
        assert str(tmp_path / "out" / MODEL / "aime24/.lighteval/log.txt") in error


def test_another_kind_of_verdict_is_refused(tmp_path, capsys):
    words = [MODEL, "--benchmarks", "aime24,ifeval", "--url", "http://127.0.0.1:1/v1"]
    with pytest.raises(SystemExit):
        evaluate.main([*words, "--output_dir", str(tmp_path / "out"), "--lighteval", program(tmp_path, "")])
    assert "`--lighteval` asks no ifeval of `verifier: constraints`" in capsys.readouterr().err


def test_an_evaluation_whose_jobs_are_not_done_is_not_compared(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(evaluate, "run", lambda words: tmp_path / "out")  # as after jobs were submitted
    words = [MODEL, "--benchmarks", str(local_file(tmp_path, "aime24")), "--url", "http://127.0.0.1:1/v1"]
    with pytest.raises(SystemExit):
        evaluate.main([*words, "--output_dir", str(tmp_path / "out"), "--lighteval", program(tmp_path, "")])
    assert f"{tmp_path / 'out'} is not complete" in capsys.readouterr().err
