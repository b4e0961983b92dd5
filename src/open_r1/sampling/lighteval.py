"""The same questions through lighteval, for who wants its number beside ours (paper section 3: pass@1, mean of k).

It stays outside, in an environment of its own: it demands another latex2sympy2-extended than math-verify does. It gets
the questions and references of a complete evaluation, and asks the same server for as many samples with the same
settings; what it takes for an answer, and the count, are its own (`recipes/benchmarks/lighteval_task.py`).

    OUTPUT/MODEL/BENCHMARK/.lighteval/rows, model.yaml    what it reads; a hidden folder is not published
                                      log.txt, out        what it wrote: results, and details of each sample
                                      .litellm_cache      replies: a killed run asks only for those that it lacks
"""

import asyncio
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import yaml

from ..core.benchmarks import FOLDER
from ..core.endpoints import Endpoint, check_urls
from ..core.errors import DataError, RecipeError
from ..core.files import write_atomically
from ..core.hub import called
from ..core.inputs import read_manifest
from ..core.locks import Lock
from ..core.notes import LOCK
from ..core.processes import die_with_parent
from ..core.rows import Row
from ..core.tables import markdown
from ..verify import choice
from .arguments import Sampling
from .evaluating import sampling_for
from .evaluations import EvaluateArguments, Task, tasks_of
from .store import read_store

KINDS = ("math", "choice")
NOT_ASKED = ("system", "few_shot", "prefill", "extra")  # of a request: lighteval's have none of it
NO_REPLY = "API call failed"  # so its log says; such a question counts as wrong there


def find(args: EvaluateArguments, command: str) -> str:
    """The program of a command; raises `RecipeError` for none, and for what lighteval does not ask as we do."""
    program = shutil.which(command)
    if program is None:
        raise RecipeError(f"`--lighteval {command}` is no program", "docs/evaluation.md says how to install it")
    if args.engine != "server" or args.api != "chat" or len(check_urls(args.url)) > 1:
        said = f"engine: {args.engine}, api: {args.api}, url: {args.url}"
        raise RecipeError(f"`--lighteval` asks one server by chat, not {said}", "give one `--url`")
    for task in tasks_of(args):
        kind = task.entry.get("verifier", "math")
        given = [f"with `{key}`" for key in NOT_ASKED if getattr(sampling_for(task, args), key)]
        if refused := given or [f"of `verifier: {kind}`"] * (kind not in KINDS):
            raise RecipeError(f"`--lighteval` asks no {task.name} {refused[0]}", "leave the one or the other out")
    return str(Path(program).absolute())


def compare(args: EvaluateArguments, program: str) -> str:
    """A table of our numbers of an evaluation and those that lighteval, a program that `find` gave, comes to."""
    output, manifest = Path(args.output_dir), read_manifest(args.output_dir)
    if manifest is None:
        raise DataError(f"{output} is not complete", "run the same command again when its jobs are done")
    lock, lines = Lock(output / LOCK, str(output)), []
    for task in tasks_of(args):
        ours = manifest["metrics"][task.model.name]["by_dataset"][task.name]
        theirs = ask(program, task, sampling_for(task, args))
        both = (f"{ours['pass@1']:.4f}", f"{theirs:.4f}", f"{theirs - ours['pass@1']:+.4f}")
        lines.append((task.model.name, task.name, ours["problems"], task.num_samples, *both))
    lock.release()
    return markdown(("model", "benchmark", "problems", "k", "open_r1", "lighteval", "difference"), lines)


def ask(program: str, task: Task, sampling: Sampling) -> float:
    """lighteval's pass@1 of a benchmark."""
    place, kind = (task.store / ".lighteval").resolve(), task.entry.get("verifier", "math")
    shutil.rmtree(place / "out", ignore_errors=True)
    (place / "rows").mkdir(parents=True, exist_ok=True)
    rows = [as_read(row, kind) for row in read_store(task.store) if row["sample"] == 0]
    write_atomically(place / "rows/train.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
    write_atomically(place / "model.yaml", yaml.safe_dump({"model_parameters": settings(task, sampling)}))
    words = [program, "endpoint", "litellm", "model.yaml", f"open_r1_{kind}@n={task.num_samples}|0", "--custom-tasks"]
    words += [str(FOLDER / "lighteval_task.py"), "--output-dir", "out", "--save-details"]
    environment = os.environ | {"OPENAI_API_KEY": os.environ.get(sampling.key_variable) or "none"}
    environment.pop("PYTHONPATH", None)  # our packages are not its own
    with (place / "log.txt").open("w") as log:
        how: dict[str, Any] = {"cwd": place, "env": environment, "stdout": log, "stderr": log}
        ended = subprocess.run(words, **how, preexec_fn=die_with_parent)
    results = list((place / "out/results").rglob("results_*.json"))
    unanswered = (place / "log.txt").read_text(encoding="utf-8", errors="replace").count(NO_REPLY)
    if ended.returncode or unanswered or not results:
        message = f"{program} ended with {ended.returncode}, {len(results)} results, {unanswered} questions unanswered"
        raise DataError(message, f"read {place / 'log.txt'}, and run the command again: what was answered is kept")
    return json.loads(results[0].read_text(encoding="utf-8"))["results"][f"open_r1_{kind}|0"]["pass@1"]


def as_read(row: Row, kind: str) -> Row:
    """A question as lighteval takes it, its reference as LaTeX or as one of the letters; none where it names none."""
    if "messages" in row or row["verifier"] != kind:
        what = f"one turn of `verifier: {kind}`, and problem {row['problem_id']} of {row['dataset']} is another"
        raise DataError(f"`--lighteval` asks {what}", "leave it out")
    if kind == "math":
        return {"question": row["question"], "choices": [f"\\boxed{{{row['answer']}}}"], "gold": [0]}
    options = tuple(row.get("options", ()))
    letters = choice.LETTERS[: len(options) or None]
    gold = [n for n, letter in enumerate(letters) if choice.judge(row["answer"], letter, options)]
    return {"question": row["question"], "choices": list(letters), "gold": gold}


def settings(task: Task, sampling: Sampling) -> dict[str, Any]:
    """How lighteval asks: as we do, once for all samples of a question."""
    name = called(task.model.path)
    context = asyncio.run(context_of(sampling, name))
    fits = not context or sampling.max_new_tokens < context  # a server refuses more tokens than its context has
    own = {name: getattr(sampling, name) for name in ("temperature", "top_p", "seed")}
    own |= {"stop_tokens": sampling.stop or None, "max_new_tokens": sampling.max_new_tokens if fits else None}
    return {
        "model_name": f"openai/{name}",
        "base_url": check_urls(sampling.url)[0],
        "concurrent_requests": max(1, sampling.concurrency // task.num_samples),
        "timeout": sampling.timeout,
        "api_max_retry": sampling.retries + 1,
        "cache_dir": "out/cache",  # of this run alone: it knows replies by number, whatever the question
        "generation_parameters": own,
    }


async def context_of(sampling: Sampling, model: str) -> int:
    """The context of the server's model; raises `EndpointError` where it is away, or has another."""
    async with Endpoint(sampling.url, sampling.key_variable) as endpoint:
        return (await endpoint.check(model)).context
