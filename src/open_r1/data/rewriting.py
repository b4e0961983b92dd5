"""Makes sampled reasoning readable: an instruct model rewrites it, and writes the summary from it (paper section
2.3.1, supplement B.3.2).

Two requests per row. The first rewrites the reasoning in the first person and the question's language, changing no
fact, after examples from a file that you edit. The second writes the summary from the rewritten reasoning alone. A row
is kept only if the new response still verifies, where a rule can, and its reasoning still holds the answer: a rewriter
that changes the result is caught.
"""

import asyncio
import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..core.artifacts import Artifact
from ..core.endpoints import RETRIED, Endpoint, EndpointError, RequestError, together
from ..core.errors import RecipeError
from ..core.fields import fill
from ..core.formats import ResponseFormat, read_response
from ..core.journal import Journal
from ..core.languages import consistency
from ..core.rows import RULELESS, Row, name_of
from ..core.server_settings import ServerSettings
from ..core.yaml_files import read_entries
from ..verify import Case, verify_many
from .filters import Funnel, count

REASONING = """Below is a question and the raw reasoning of a model that solved it. Rewrite the reasoning so that it \
reads well:
- in the first person ("I"), as someone thinks aloud: first what is asked, then step by step, with the doubts and \
checks that are there
- in the language of the question, all of it; short paragraphs, no headings, lists or code blocks
- every number, formula and conclusion stays exactly as it is; no new steps, nothing left out that the answer rests on
Reply with the rewritten reasoning and nothing else.
{examples}
Question:
{question}

Raw reasoning:
{reasoning}"""
SUMMARY = """Below is a question and the reasoning that solved it. Write the solution that the person who asked \
will read:
- from the reasoning alone: no steps that it does not have
- in the language of the question, clear and short, key steps in LaTeX, at the end the final answer in \\boxed{{}}
- do not mention the reasoning or that there is one
Reply with the solution and nothing else.
{examples}
Question:
{question}

Reasoning:
{reasoning}"""
AWAY = "away"  # no server replied: asked again by the next run
STEPS = (
    "rewriter: no reply",
    "rewriter: the answer changed",
    "rewriter: the answer left the reasoning",
    "rewriter: other language",
)


@dataclass
class Rewriter(ServerSettings):
    """
    The instruct model.

    Args:
        examples (`str`, *optional*):
            YAML file: a list of `{question, reasoning, rewritten, summary}` that the requests show.
        temperature (`float`, *optional*, defaults to `0.6`):
            Sampling temperature.
        max_tokens (`int`, *optional*, defaults to `16384`):
            Longest reply.
    """

    examples: str = ""
    temperature: float = 0.6
    max_tokens: int = 16384

    def __post_init__(self):
        for key in ("url", "model"):
            if not getattr(self, key):
                raise RecipeError(f"`rewrite` has no `{key}`", "name the instruct model's server and its model there")
        if self.concurrency < 1:
            raise RecipeError(f"`rewrite`: `concurrency: {self.concurrency}`", "it must be at least 1")
        self.endpoint()

    async def rewrite(self, rows: list[Row]) -> list[tuple[str, str] | str]:
        """Reasoning and summary of each row, or why there are none."""
        shown = read_examples(self.examples)
        async with self.endpoint() as endpoint:
            return await together(self.rewrite_one(endpoint, row, shown) for row in rows)

    async def rewrite_one(self, endpoint: Endpoint, row: Row, shown: list[dict[str, str]]) -> tuple[str, str] | str:
        try:
            request = REASONING.format(
                examples=examples_text(shown, "Raw reasoning", "reasoning", "Rewritten", "rewritten"),
                question=row["question"],
                reasoning=row["reasoning"],
            )
            reasoning = await self.ask(endpoint, request)
            request = SUMMARY.format(
                examples=examples_text(shown, "Reasoning", "rewritten", "Solution", "summary"),
                question=row["question"],
                reasoning=reasoning,
            )
            return reasoning, await self.ask(endpoint, request)
        except RequestError as error:
            return AWAY if error.status in (0, *RETRIED) else STEPS[0]

    async def ask(self, endpoint: Endpoint, text: str) -> str:
        body = {"model": self.model, "messages": [{"role": "user", "content": text}], "temperature": self.temperature}
        return await endpoint.post("/chat/completions", body | {"max_tokens": self.max_tokens}, read_reply)


def read_reply(reply: dict[str, Any]) -> str:
    """The final part of a finished reply: instruct models may reason too."""
    choice = reply["choices"][0]
    text = read_response(choice["message"]["content"]).final or ""
    if not text.strip() or choice.get("finish_reason") == "length":
        raise ValueError("an empty or unfinished reply")
    return text.strip().encode("utf-8", "replace").decode()  # without lone surrogates


def read_examples(file: str) -> list[dict[str, str]]:
    """Examples from a YAML file; raises `RecipeError` where it has another form."""
    return read_entries(file, ("question", "reasoning", "rewritten", "summary"), "rewrite examples")


def examples_text(shown: list[dict[str, str]], before: str, old: str, after: str, new: str) -> str:
    return "".join(
        f"\nExample question:\n{one['question']}\n\n{before}:\n{one[old]}\n\n{after}:\n{one[new]}\n" for one in shown
    )


def failure(row: Row, reasoning: str, final: str, correct: bool) -> str:
    """The step of the funnel at which a rewritten row ends, empty if it is good."""
    if not ResponseFormat("r1").read(ResponseFormat("r1").write(reasoning, final)).valid:
        return STEPS[0]
    if not correct:
        return STEPS[1]
    answer = " ".join((row["extracted"] or "").split())
    if answer and answer in " ".join(row["reasoning"].split()) and answer not in " ".join(reasoning.split()):
        return STEPS[2]
    shares = [consistency(text, row["language"]) for text in (reasoning, final)]
    return STEPS[3] if any(share is not None and share < 0.9 for share in shares) else ""


def rewrite_batch(rows: list[Row], rewriter: Rewriter) -> list[Row]:
    """Rewritten rows; `failed` names the step at which a row ends."""
    rewritten = asyncio.run(rewriter.rewrite(rows))
    texts = ["" if isinstance(pair, str) else ResponseFormat("r1").write(*pair) for pair in rewritten]
    ruled = [n for n, row in enumerate(rows) if texts[n] and row["verifier"] not in RULELESS]
    verdicts = verify_many([Case(rows[n]["verifier"], rows[n]["answer"], texts[n], rows[n]) for n in ruled])
    correct = {n: verdict.correct for n, verdict in zip(ruled, verdicts, strict=True)}
    found = []
    for n, (row, pair) in enumerate(zip(rows, rewritten, strict=True)):
        reasoning, final = ("", "") if isinstance(pair, str) else pair
        failed = pair if isinstance(pair, str) else failure(row, reasoning, final, correct.get(n, True))
        found.append(
            row | {"reasoning": reasoning, "final": final, "text": texts[n], "sampled": row["text"], "failed": failed}
        )
    return found


def make_rewriter(settings: dict[str, Any]) -> Rewriter:
    """The rewriter of a recipe; raises `RecipeError` for settings or examples that cannot work."""
    rewriter = fill(Rewriter, settings, "`rewrite`")
    read_examples(rewriter.examples)
    return rewriter


def rewrite_rows(
    rows: Iterable[Row],
    total: int,
    settings: dict[str, Any],
    artifact: Artifact,
    funnel: Funnel,
    max_away: float = 0.0,
) -> Iterator[Row]:
    """
    Rewrites rows batch by batch; what is done is kept in `rewritten.jsonl` and not done again, but for rows that got
    no reply.

    Args:
        rows (`Iterable[dict]`):
            Sample-store rows.
        total (`int`):
            How many.
        settings (`dict`):
            Settings of [`Rewriter`].
        artifact (`Artifact`):
            The stage's output.
        funnel (`Funnel`):
            Gets a step per way to fail.
        max_away (`float`, *optional*, defaults to `0.0`):
            Share of the rows that may get no reply from any server.

    Returns:
        `Iterator[dict]`: the good rows, with `reasoning`, `final` and `text` rewritten and `sampled` as it was. Raises
        `EndpointError` where a whole batch, or too many rows, get no reply.
    """
    rewriter, steps = make_rewriter(settings), {name: funnel.add(name) for name in STEPS}

    def good() -> Iterator[Row]:
        away = 0
        for done, row in enumerate(in_batches(rows, rewriter, artifact.path / "rewritten.jsonl"), start=1):
            artifact.progress(done, total)
            failed, away = STEPS[0] if row["failed"] == AWAY else row["failed"], away + (row["failed"] == AWAY)
            if all(count(step, failed != name, row["text"] or row["sampled"]) for name, step in steps.items()):
                yield row
        if away > max_away * total:
            hint = "run again: only these are asked once more; or allow them with `max_failed`"
            raise EndpointError(f"the rewriter was away: no reply to {away} of {total} rows", hint)

    return good()


def in_batches(rows: Iterable[Row], rewriter: Rewriter, path: Path) -> Iterator[Row]:
    """All rows, rewritten, in their order."""
    journal, rows = Journal(path), iter(rows)
    while batch := list(itertools.islice(rows, 4 * rewriter.concurrency)):
        missing = [row for row in batch if name_of(row) not in journal.known]
        found = {name_of(row): row for row in (rewrite_batch(missing, rewriter) if missing else [])}
        if found and all(row["failed"] == AWAY for row in found.values()):
            raise EndpointError(
                f"the rewriter is away: no reply to {len(found)} rows",
                "check `url` and `model`, and run again: the rest is kept",
            )
        journal.add({name: row for name, row in found.items() if row["failed"] != AWAY})
        yield from [found.get(name_of(row)) or journal.known[name_of(row)] for row in batch]
        for row in batch:  # the file holds them; memory need not
            journal.known.pop(name_of(row), None)
