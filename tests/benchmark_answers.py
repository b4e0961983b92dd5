"""
A server that answers the problems of benchmarks as it is told: right, wrong, unfinished, or with nothing that could
be an answer. What is right and what is wrong is known here by the kind of verdict: a benchmark of a new kind needs a
line in `ANSWERS`.
"""

import ast
import json
import re
from contextlib import contextmanager
from pathlib import Path

import yaml
from servers import ScriptedServer, running, serving

from open_r1.core.benchmarks import FOLDER
from open_r1.data.sources import load_source
from open_r1.sampling.prompts import sample_seed
from open_r1.verify.code_tests import read_tests

ROWS = Path(__file__).parent / "benchmark_rows"
PLAN = ("right", "right", "wrong", "unfinished", "unparsable")  # the samples of each problem
MODEL = "fake"


def letter(row):
    answer = row["answer"]
    return answer if isinstance(answer, str) else chr(ord("A") + answer)


def other_letter(row):
    return "A" if letter(row) != "A" else "B"


def program(row):
    """A program that prints, or a function that returns, what the tests expect."""
    plan, name = read_tests(row["answer"]), json.loads(row["answer"]).get("fn_name")
    if name:
        calls = [re.search(r"\(\*(\[.*\])\)$", run[0][1][0])[1] for run in plan.runs]
        pairs = zip(map(ast.literal_eval, calls), plan.results, strict=True)
    else:
        pairs = zip(plan.inputs, plan.outputs, strict=True)
    known = {json.dumps(given): wanted for given, wanted in pairs}
    code = f"import json, sys\nknown = json.loads({json.dumps(known)!r})\n"
    if name:
        return f"{code}def {name}(*given):\n    return known[json.dumps(list(given))]\n"
    return f"{code}print(known[json.dumps(sys.stdin.read())])\n"


def followed(row):
    """A text that follows the instructions of our rows."""
    gold = json.loads(row["answer"])
    asked = dict(zip(gold["instruction_id_list"], gold["kwargs"], strict=True))
    text = " ".join(["word"] * 30)
    if words := asked.get("keywords:existence"):
        text = " ".join([text, *words["keywords"]])
    if points := asked.get("detectable_format:number_bullet_lists"):
        text = "\n".join(["* a point"] * points["num_bullets"])
    return f'"{text}"' if "startend:quotation" in asked else text


def fenced(text):
    return f"```python\n{text}```"


# by the kind of verdict: a right and a wrong answer to a row
ANSWERS = {
    "math": (lambda row: f"It is \\boxed{{{row['answer']}}}.", lambda row: "It is \\boxed{-98765.4321}."),
    "choice": (
        lambda row: f"The answer is \\boxed{{{letter(row)}}}.",
        lambda row: f"The answer is \\boxed{{{other_letter(row)}}}.",
    ),
    "exact": (lambda row: row["answer"], lambda row: "zebra quagga"),
    "f1": (lambda row: row["answer"], lambda row: "zebra quagga"),
    "drop": (lambda row: " and ".join(json.loads(row["answer"])[0]), lambda row: "zebra quagga"),
    "constraints": (followed, lambda row: "no, not this"),
    "judge": (lambda row: "RIGHT", lambda row: "WRONG"),
    "code": (lambda row: fenced(program(row)), lambda row: fenced("print('no')\n")),
}


def local_file(folder, name, **own):
    """A benchmark file as the repository has it, but for its rows, which are those of `benchmark_rows`."""
    entry = yaml.safe_load((FOLDER / f"{name}.yaml").read_text(encoding="utf-8"))
    kept = {key: value for key, value in entry.items() if key not in ("name", "revision")}
    file = folder / f"{name}.yaml"
    kept = {key: value for key, value in kept.items() if key not in ("files", "between")}
    rows = {"path": str(ROWS / f"{name}.jsonl"), "split": "train"}
    if "beside" in kept:
        rows["beside"] = {"path": str(ROWS / "beside" / f"{name}.jsonl"), "by": kept["beside"]["by"]}
    file.write_text(yaml.safe_dump(kept | rows | own, allow_unicode=True))
    return file


def write_sums(folder):
    """A benchmark of one's own: three sums."""
    rows = [{"question": f"What is {n} + 2?", "answer": str(n + 2)} for n in range(3)]
    (folder / "rows.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    entry = {"path": str(folder / "rows.jsonl"), "prompt": "{question}", "verifier": "math"}
    (folder / "sums.yaml").write_text(yaml.safe_dump(entry))
    return folder / "sums.yaml"


def problems_of(file):
    """The problems of a benchmark file."""
    return list(load_source(yaml.safe_load(Path(file).read_text(encoding="utf-8"))))


class Answering(ScriptedServer):
    """
    A server of one model that knows the problems of some benchmark files.

    Args:
        files (`list[Path]`): The benchmarks.
        plan (`tuple[str]`): What each sample of a problem is, in order; again from the first where there are more.
        fails (`Callable`, *optional*): Whether a request is refused: its number among all.
    """

    def __init__(self, *files, plan=PLAN, fails=lambda number: False):
        super().__init__()
        self.plan, self.fails = plan, fails
        self.problems = {row["prompt"][-1]["content"]: row for file in files for row in problems_of(file)}
        self.otherwise = self.reply

    @property
    def asked(self):
        """The problems and samples that were asked for, in order."""
        bodies = [request["body"] for request in self.requests if "body" in request]
        return [self.which(body) for body in bodies]

    def which(self, body):
        row = self.problems[body["messages"][-1]["content"]]
        seeds = {sample_seed(0, row["problem_id"], sample): sample for sample in range(64)}
        return row["problem_id"], seeds[body["seed"]]

    def reply(self, handler):
        if not hasattr(handler, "body"):
            return handler.answer(200, json.dumps({"data": [{"id": MODEL}]}).encode())
        if self.fails(len(self.requests)):
            return handler.answer(400, b'{"error": "no"}')
        row = self.problems[handler.body["messages"][-1]["content"]]
        what = self.plan[self.which(handler.body)[1] % len(self.plan)]
        text = {
            "right": lambda: ANSWERS[row["verifier"]][0](row),
            "wrong": lambda: ANSWERS[row["verifier"]][1](row),
            "unfinished": lambda: None,
            "unparsable": lambda: "",
        }[what]()
        reasoning = "<think>One step, and another one"
        if text is None:
            return handler.say(reasoning, "length")
        handler.say(f"{reasoning}.</think>\n\n{text}")


def verdict(prompt):
    """What a judge says that finds `RIGHT` right and better than anything else, and `WRONG` wrong and worse."""
    right = "RIGHT" in prompt
    if "评分" in prompt:
        return f"评分: {'正确' if right else '错误'}"
    if "GRADE" in prompt:
        return f"GRADE: {'correct' if right else 'incorrect'}"
    mine = max(prompt.rfind("RIGHT"), prompt.rfind("WRONG"))
    marks = [match.start() for match in re.finditer("={3}[0-9a-f]{16}", prompt)]
    first = sum(mark > mine for mark in marks) > 1  # of two replies between marks
    letter = "A" if first == right else "B"
    return f"VERDICT: {letter} much better" if "VERDICT" in prompt else f"BETTER: {letter}"


@contextmanager
def judging():
    """A server that plays the judge."""

    def reply(handler):
        if not hasattr(handler, "body"):
            return handler.answer(200, b'{"data": [{"id": "judge"}]}')
        handler.say(verdict(handler.body["messages"][0]["content"]))

    with running() as server:
        server.otherwise = reply
        yield server


def answering(*files, **settings):
    return serving(Answering(*files, **settings))
