"""The sample store: k completions per problem, one row each with its verdict; what cold start, rejection sampling and
evaluation read.

A store is a directory of `part-*.jsonl` files. A part is written atomically, so a killed run continues where it was
and doubles nothing. Completions that failed stay in their part (`part-*.failed.jsonl`) with the reason, and the next
run tries them again. A published store is one of tables (`parts.py`), which hold the same rows. An evaluation has
a store for each model and benchmark; `read_stores` gives the rows of them all.
"""

import itertools
import json
import shutil
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ..core.artifacts import Artifact, deciding
from ..core.errors import ArtifactError, DataError
from ..core.files import write_atomically
from ..core.formats import Response
from ..core.keys import PARTS, SAMPLES, keys_of
from ..core.live import clock
from ..core.rows import COPIED, FAILED, RULELESS, UNJUDGED, Row, natural
from ..verify import Case, Verdict, verify_many
from .arguments import Sampling
from .engines import Draw, Engine, Part
from .parts import LARGE, TABLE, apart, beside, placed

DRAWN = "drawn.json"  # beside the parts: the identity of a store inside a larger artifact
UNPACKED = "unpacked"  # in a published store that became lines again: the tables that are still there are old
SPEAK_EVERY = 30.0  # seconds between lines about the progress


def store_rows(part: Part, draws: list[Draw], engine: Engine) -> list[Row]:
    """Rows of one part, each with its verdict."""
    responses = [engine.response_format.read(draw.text) for draw in draws]
    drawn = [n for n, draw in enumerate(draws) if draw.finish_reason != FAILED]
    verdicts = dict(zip(drawn, judged([part.jobs[n][0] for n in drawn], [responses[n] for n in drawn]), strict=True))
    rows = []
    for n, ((problem, sample), draw, response) in enumerate(zip(part.jobs, draws, responses, strict=True)):
        verdict = verdicts.get(n) or Verdict(FAILED, response.final)
        rows.append(
            {key: problem[key] for key in COPIED}
            | {key: problem[key] for key in ("options", "dataset") if problem.get(key) is not None}
            # a system prompt, or earlier turns
            | ({"messages": problem["prompt"]} if len(problem["prompt"]) > 1 else {})
            | {
                "question": problem["prompt"][-1]["content"],
                "sample": sample,
                "prompt": draw.prompt,
                "text": response.text,
            }
            | {"tokens": draw.tokens, "finish_reason": draw.finish_reason, "seed": draw.seed, "model": engine.name}
            | parts_of(response, verdict)
            | ({"error": draw.error} if draw.error else {})
        )
    return rows


def judged(problems: list[Row], responses: list[Response]) -> list[Verdict]:
    """The verdict on each response; of one that no rule decides, that it is not judged."""
    ruled = [n for n, problem in enumerate(problems) if problem["verifier"] not in RULELESS]
    cases = [Case(problems[n]["verifier"], problems[n]["answer"], responses[n], problems[n]) for n in ruled]
    verdicts = dict(zip(ruled, verify_many(cases), strict=True))
    return [verdicts.get(n) or Verdict(UNJUDGED, response.final) for n, response in enumerate(responses)]


def parts_of(response: Response, verdict: Verdict) -> Row:
    """What a row says of a response: its parts, and the verdict on it."""
    ruled = verdict.outcome not in (FAILED, UNJUDGED)
    return {
        "valid": response.valid,
        "reasoning": response.reasoning,
        "final": response.final,
        "extracted": verdict.answer,
        "outcome": verdict.outcome,
        "score": verdict.score if ruled else None,  # a share of 1 for kinds that know partial success
    }


def make_parts(problems: Iterable[Row], sampling: Sampling) -> list[Part]:
    """The parts of a store. Problems of like length share one: a batch lasts as long as its longest completion."""
    problems, named = list(problems), dict[str, Any]()
    for problem in problems:
        if named.setdefault(problem["problem_id"], problem["prompt"]) != problem["prompt"]:
            hint = "rename that column, as in `columns: {problem_id: number}`: then a problem is named by its text"
            raise DataError(f"`problem_id` {problem['problem_id']} stands for different problems", hint)
    if twice := len(problems) - len({problem["problem_id"] for problem in problems}):
        print(f"warning: {twice} problems occur more than once; each is drawn as often", file=sys.stderr, flush=True)
    ordered = sorted(
        problems, key=lambda row: (row["domain"], natural(row["difficulty"]), len(row["prompt"][-1]["content"]))
    )
    size = max(1, sampling.batch_size // sampling.num_samples)
    batches = [ordered[i : i + size] for i in range(0, len(ordered), size)]
    return [
        Part(index, [(problem, sample) for problem in batch for sample in range(sampling.num_samples)])
        for index, batch in enumerate(batches)
    ]


def lacks_parts(problems: Iterable[Row], directory: Path, sampling: Sampling) -> bool:
    """Whether a store is still to be filled."""
    return not all(part_file(directory, part.number).exists() for part in make_parts(problems, sampling))


def fill_store(
    engine: Engine, problems: Iterable[Row], directory: Path, progress: Callable[..., None] | None = None
) -> None:
    """
    Draws what a store still lacks.

    Args:
        engine (`Engine`):
            From `make_engine`.
        problems (`Iterable[dict]`):
            Rows in the shared columns.
        directory (`Path`):
            The store.
        progress (`Callable`, *optional*):
            Called with parts done, parts in all, and figures about the speed.
    """
    parts = make_parts(problems, engine.sampling)
    kept = {
        part.number: Counter((row["problem_id"], row["sample"]) for row in rows)
        for part in parts
        if (rows := read_failed(directory, part.number))
    }
    missing = [part for part in parts if not part_file(directory, part.number).exists()]
    meter = Meter(len(parts) - len(missing), len(parts), progress)

    def save(part: Part, draws: list[Draw]) -> None:
        rows = store_rows(part, draws, engine)
        meter.add(rows)
        if before := read_failed(directory, part.number):
            rows = in_order(parts[part.number], before + rows)
        save_part(directory, part.number, rows)

    engine.draw_parts([without(part, kept.get(part.number, Counter())) for part in missing], save)


def identity_of(args: Sampling, artifact: Artifact, **own: Any) -> str:
    """
    What makes the samples of a store these and no others.

    Args:
        args (`Sampling`):
            The dataclass of a stage.
        artifact (`Artifact`):
            Its output: a model may have been trained again, and a template edited.
        own (`Any`):
            Values of this store, in place of the recipe's.
    """
    values = {name: artifact.recipe.get(name, value) for name, value in asdict(args).items()} | own
    drawn = deciding(values, keys_of(type(args)), artifact.inputs, 1, {SAMPLES, PARTS})
    return json.dumps(drawn, sort_keys=True, default=str)


def keep_matching(directory: Path, identity: str) -> None:
    """
    Empties a store that another model, other problems or other sampling filled. What follows from the samples may
    change, and even `--force` need not draw them again.

    Args:
        directory (`Path`):
            The store, inside the artifact of a stage that reads it.
        identity (`str`):
            From `identity_of`.
    """
    if directory.exists() and drawn_as(directory) != identity:
        shutil.rmtree(directory)
    directory.mkdir(parents=True, exist_ok=True)
    write_atomically(directory / DRAWN, identity)


def drawn_as(directory: Path) -> str:
    """The identity of the store that lies there; empty where none is on record."""
    file = directory / DRAWN
    return file.read_text(encoding="utf-8") if file.is_file() else ""


def part_file(directory: Path, index: int) -> Path:
    return directory / f"part-{index:05d}.jsonl"


def failed_file(directory: Path, index: int) -> Path:
    return directory / f"part-{index:05d}.failed.jsonl"


def rewrite_part(part: Path, rows: list[Row]) -> None:
    """Replaces the rows of a part by the same completions with other verdicts."""
    save_part(part.parent, int(part.name.removeprefix("part-").partition(".")[0]), rows)


def save_part(directory: Path, index: int, rows: list[Row]) -> None:
    """Writes a part, under another name while some of its completions have failed."""
    directory.mkdir(parents=True, exist_ok=True)
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in save_large(directory, index, rows))
    if any("error" in row for row in rows):
        return write_atomically(failed_file(directory, index), text)
    write_atomically(part_file(directory, index), text)
    failed_file(directory, index).unlink(missing_ok=True)


def save_large(directory: Path, index: int, rows: list[Row]) -> list[Row]:
    """
    Writes what is large in rows beside their part, once, and returns the rows without it. What an earlier writing of
    the part refers to stays where it is: a kill between the two files leaves them in accord.
    """
    pairs = [apart(row) for row in rows]
    if not any(large for _, large in pairs):
        return rows
    file = beside(part_file(directory, index))
    before = file.read_text(encoding="ascii").splitlines(keepends=True) if file.exists() else []
    lines = [json.dumps(large) + "\n" if large else "" for _, large in pairs]  # in ASCII: a place is a length
    kept = list(dict.fromkeys([*before, *filter(None, lines)]))
    if len(kept) > len(before):
        write_atomically(file, "".join(kept))
    places = dict(zip(kept, itertools.accumulate(map(len, kept), initial=0), strict=False))
    return [row | ({LARGE: places[line]} if line else {}) for (row, _), line in zip(pairs, lines, strict=True)]


def read_failed(directory: Path, index: int) -> list[Row] | None:
    """The completions of a part with failures that did not fail; `None` where no such part is."""
    path = failed_file(directory, index)
    if not path.exists() or part_file(directory, index).exists():
        return None
    return [row for _, row in placed(path) if "error" not in row]


def without(part: Part, done: Counter[tuple[str, int]]) -> Part:
    """A part without the completions that are there already; of a problem that occurs twice each is one."""
    jobs = []
    for problem, sample in part.jobs:
        if done[problem["problem_id"], sample]:
            done[problem["problem_id"], sample] -= 1
        else:
            jobs.append((problem, sample))
    return Part(part.number, jobs)


def in_order(part: Part, rows: list[Row]) -> list[Row]:
    """Rows in the order of a part's completions."""
    found: dict[tuple[str, int], list[Row]] = {}
    for row in rows:
        found.setdefault((row["problem_id"], row["sample"]), []).append(row)
    return [found[problem["problem_id"], sample].pop(0) for problem, sample in part.jobs]


def is_published(directory: str | Path) -> bool:
    """Whether a store is one of tables, as it comes from the Hub: whole, whatever else lies beside them."""
    return any(Path(directory).glob(f"part-*{TABLE}")) and not Path(directory, UNPACKED).exists()


def store_parts(directory: str | Path) -> list[Path]:
    """Files of a sample store, in order; of a part that is there with and without failures only the latter."""
    found = sorted(Path(directory).glob(f"part-*{TABLE if is_published(directory) else '.jsonl'}"))
    if not found:
        message = f"{directory} is no sample store (no part-*.jsonl, no part-*{TABLE})"
        raise ArtifactError(message, "run the generation stage first")
    names = {path.name for path in found}
    return [
        path
        for path in found
        if not path.name.endswith(".failed.jsonl") or path.name.replace(".failed", "") not in names
    ]


def read_store(directory: str | Path) -> Iterator[Row]:
    """Rows of a sample store, in order, those that failed too (`outcome` is then `failed`)."""
    for part in store_parts(directory):
        for _, row in placed(part):
            yield row


def stores_of(directory: str | Path) -> list[Path]:
    """The stores of a model in an evaluation, one for each benchmark; the folder itself where it is one."""
    folders = [Path(directory), *sorted(path for path in Path(directory).glob("*") if path.is_dir())]
    return [folder for folder in folders if any(folder.glob("part-*.jsonl")) or is_published(folder)]


def read_stores(directory: str | Path) -> Iterable[Row]:
    """Rows of all stores of a model in an evaluation, those of a problem together; they can be gone through again."""
    return AllRows(stores_of(directory) or [Path(directory)])


class AllRows:
    """The rows of some stores, read anew whenever they are gone through."""

    def __init__(self, stores: list[Path]):
        self.stores = stores

    def __iter__(self) -> Iterator[Row]:
        return itertools.chain.from_iterable(map(read_store, self.stores))


class Meter:
    """Counts completions and tokens, for whoever watches; parts may come from several threads."""

    def __init__(self, done: int, total: int, progress: Callable[..., None] | None):
        self.done, self.total, self.progress = done, total, progress
        self.began = self.spoke = time.monotonic()
        self.first, self.rows, self.tokens, self.failed, self.lock = done, 0, 0, 0, threading.Lock()

    def add(self, rows: list[Row]) -> None:
        with self.lock:
            self.done += 1
            self.rows += len(rows)
            self.tokens += sum(row["tokens"] for row in rows)
            self.failed += sum("error" in row for row in rows)
            self.tell(max(1e-6, time.monotonic() - self.began))

    def tell(self, seconds: float) -> None:
        """Leaves figures for a table, and now and then a line."""
        if self.progress:
            self.progress(self.done, self.total, tokens_per_second=self.tokens / seconds, failed=self.failed)
        if time.monotonic() - self.spoke > SPEAK_EVERY:
            self.spoke = time.monotonic()
            left = clock(seconds / (self.done - self.first) * (self.total - self.done))
            rates = f"{self.rows / seconds:.1f} completions/s  {self.tokens / seconds:.0f} tokens/s"
            print(
                f"{self.done}/{self.total} parts  {rates}  {left} left  {self.failed} failed",
                file=sys.stderr,
                flush=True,
            )
