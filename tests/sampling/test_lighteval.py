"""
Our number and lighteval's, of the same questions and the same server. lighteval has an environment of its own, as in
docs/evaluation.md: `OPEN_R1_LIGHTEVAL=le/bin/lighteval` names it, else its tests are skipped. Without a network it
wants `HF_HUB_OFFLINE=1`, and an empty file `tinyBenchmarks.pkl` in its `lighteval/tasks/tasks/`, which it would fetch.
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
        # reasoning that was cut: to us no answer, to lighteval an answer like any other
        ("aime24", ("right", "cut", "wrong", "wrong"), "0.2500", "0.5000", "+0.2500"),
    ],
    ids=["integers", "expressions", "letters", "cut"],
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
