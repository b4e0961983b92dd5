"""
A server that answers the problems of benchmarks as it is told: right, wrong, unfinished, or with nothing that could
be an answer. What is right and what is wrong is known here by the kind of verdict: a benchmark of a new kind needs two
lines in `ANSWERS`.
"""

import json
from pathlib import Path

import yaml
from servers import ScriptedServer, serving

from open_r1.core.benchmarks import FOLDER
from open_r1.data.sources import load_source
from open_r1.sampling.prompts import sample_seed

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
    tests = json.loads(row["answer"])
    known = {json.dumps(given): wanted for given, wanted in zip(tests["inputs"], tests["outputs"], strict=True)}
    code = f"import json, sys\nknown = json.loads({json.dumps(known)!r})\n"
    if name := tests.get("fn_name"):
        return f"{code}def {name}(*given):\n    return known[json.dumps(list(given))]\n"
    return f"{code}print(known[json.dumps(sys.stdin.read())])\n"


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
    "code": (lambda row: fenced(program(row)), lambda row: fenced("print('no')\n")),
}


def local_file(folder, name, **own):
    """A benchmark file as the repository has it, but for its rows, which are those of `benchmark_rows`."""
    entry = yaml.safe_load((FOLDER / f"{name}.yaml").read_text(encoding="utf-8"))
    kept = {key: value for key, value in entry.items() if key not in ("name", "revision")}
    file = folder / f"{name}.yaml"
    rows = {"path": str(ROWS / f"{name}.jsonl"), "split": "train"}
    file.write_text(yaml.safe_dump(kept | rows | own, allow_unicode=True))
    return file


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


def answering(*files, **settings):
    return serving(Answering(*files, **settings))
