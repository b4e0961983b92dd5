"""Makes sampled reasoning readable: an instruct model rewrites it, and writes the summary from it (paper section 2.3.1, supplement B.3.2).

Two requests per row. The first rewrites the reasoning in the first person and the question's language, changing no fact, after examples
from a file that you edit. The second writes the summary from the rewritten reasoning alone. A row is kept only if the new response still
verifies and its reasoning still holds the answer: a rewriter that changes the result is caught.
"""

import asyncio
import itertools
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import yaml

from .artifacts import Artifact, write_atomically
from .endpoints import Endpoint, RequestError
from .errors import RecipeError
from .filters import Funnel, count
from .formats import ResponseFormat, read_response
from .metrics.language import consistency
from .verify import Case, verify_many

Row = dict[str, Any]
REASONING = """Below is a question and the raw reasoning of a model that solved it. Rewrite the reasoning so that it reads well:
- in the first person ("I"), as someone thinks aloud: first what is asked, then step by step, with the doubts and checks that are there
- in the language of the question, all of it; short paragraphs, no headings, lists or code blocks
- every number, formula and conclusion stays exactly as it is; no new steps, nothing left out that the answer rests on
Reply with the rewritten reasoning and nothing else.
{examples}
Question:
{question}

Raw reasoning:
{reasoning}"""
SUMMARY = """Below is a question and the reasoning that solved it. Write the solution that the person who asked will read:
- from the reasoning alone: no steps that it does not have
- in the language of the question, clear and short, key steps in LaTeX, at the end the final answer in \\boxed{{}}
- do not mention the reasoning or that there is one
Reply with the solution and nothing else.
{examples}
Question:
{question}

Reasoning:
{reasoning}"""
STEPS = ("rewriter: no reply", "rewriter: the answer changed", "rewriter: the answer left the reasoning", "rewriter: other language")


@dataclass
class Rewriter:
    """
    The instruct model.

    Args:
        url (`str` or `list[str]`):
            Base URLs of its servers.
        model (`str`):
            Its name there.
        examples (`str`, *optional*):
            YAML file: a list of `{question, reasoning, rewritten, summary}` that the requests show.
        temperature (`float`, *optional*, defaults to `0.6`):
            Sampling temperature.
        max_tokens (`int`, *optional*, defaults to `16384`):
            Longest reply.
        key_variable (`str`, *optional*, defaults to `"OPENAI_API_KEY"`):
            Environment variable with the key.
        concurrency (`int`, *optional*, defaults to `32`):
            Requests at once.
        timeout (`float`, *optional*, defaults to `600.0`):
            Seconds for one request.
        retries (`int`, *optional*, defaults to `6`):
            Attempts after the first.
    """

    url: Any
    model: str
    examples: str = ""
    temperature: float = 0.6
    max_tokens: int = 16384
    key_variable: str = "OPENAI_API_KEY"
    concurrency: int = 32
    timeout: float = 600.0
    retries: int = 6

    async def rewrite(self, rows: list[Row]) -> list[tuple[str, str] | None]:
        """Reasoning and summary of each row, `None` where no reply came."""
        shown = read_examples(self.examples)
        async with Endpoint(self.url, self.key_variable, self.concurrency, self.timeout, self.retries) as endpoint:
            return await asyncio.gather(*(self.rewrite_one(endpoint, row, shown) for row in rows))

    async def rewrite_one(self, endpoint: Endpoint, row: Row, shown: list[dict[str, str]]) -> tuple[str, str] | None:
        try:
            request = REASONING.format(
                examples=examples_text(shown, "Raw reasoning", "reasoning", "Rewritten", "rewritten"), question=row["question"],
                reasoning=row["reasoning"],
            )  # fmt: skip
            reasoning = await self.ask(endpoint, request)
            request = SUMMARY.format(
                examples=examples_text(shown, "Reasoning", "rewritten", "Solution", "summary"), question=row["question"],
                reasoning=reasoning,
            )  # fmt: skip
            return reasoning, await self.ask(endpoint, request)
        except RequestError:
            return None

    async def ask(self, endpoint: Endpoint, text: str) -> str:
        body = {"model": self.model, "messages": [{"role": "user", "content": text}], "temperature": self.temperature}
        return await endpoint.post("/chat/completions", body | {"max_tokens": self.max_tokens}, read_reply)


def read_reply(reply: dict[str, Any]) -> str:
    """The final part of a finished reply: instruct models may reason too."""
    choice = reply["choices"][0]
    text = read_response(choice["message"]["content"]).final or ""
    if not text.strip() or choice.get("finish_reason") == "length":
        raise ValueError("an empty or unfinished reply")
    return text.strip()


def read_examples(file: str) -> list[dict[str, str]]:
    """Examples from a YAML file; raises `RecipeError` where it has another form."""
    if not file:
        return []
    try:
        entries = yaml.safe_load(Path(file).read_text(encoding="utf-8"))
        return [{key: str(entry[key]) for key in ("question", "reasoning", "rewritten", "summary")} for entry in entries]
    except FileNotFoundError:
        raise RecipeError(f"rewrite examples {file} do not exist", "give the path of a YAML file") from None
    except (yaml.YAMLError, TypeError, KeyError) as error:
        hint = "write a list of entries with question, reasoning, rewritten and summary"
        raise RecipeError(f"rewrite examples {file}: {' '.join(str(error).split())}", hint) from None


def examples_text(shown: list[dict[str, str]], before: str, old: str, after: str, new: str) -> str:
    return "".join(f"\nExample question:\n{one['question']}\n\n{before}:\n{one[old]}\n\n{after}:\n{one[new]}\n" for one in shown)


def failure(row: Row, rewritten: tuple[str, str] | None, correct: bool) -> str:
    """The step of the funnel at which a rewritten row ends, empty if it is good."""
    if rewritten is None:
        return STEPS[0]
    if not correct:
        return STEPS[1]
    answer = " ".join((row["extracted"] or "").split())
    if answer and answer in " ".join(row["reasoning"].split()) and answer not in " ".join(rewritten[0].split()):
        return STEPS[2]
    shares = [consistency(text, row["language"]) for text in rewritten]
    return STEPS[3] if any(share is not None and share < 0.9 for share in shares) else ""


def rewrite_batch(rows: list[Row], rewriter: Rewriter) -> list[Row]:
    """Rewritten rows; `failed` names the step at which a row ends."""
    rewritten = asyncio.run(rewriter.rewrite(rows))
    texts = [ResponseFormat("r1").write(*pair) if pair else "" for pair in rewritten]
    ruled = [n for n, row in enumerate(rows) if rewritten[n] and row["verifier"] != "judge"]
    verdicts = verify_many([Case(rows[n]["verifier"], rows[n]["answer"], texts[n], rows[n]) for n in ruled])
    correct = {n: verdict.correct for n, verdict in zip(ruled, verdicts, strict=True)}
    found = []
    for n, (row, pair) in enumerate(zip(rows, rewritten, strict=True)):
        reasoning, final = pair or ("", "")
        new = {"reasoning": reasoning, "final": final, "text": texts[n], "sampled": row["text"]}
        found.append(row | new | {"failed": failure(row, pair, correct.get(n, True))})
    return found


def rewrite_rows(rows: Iterable[Row], total: int, settings: dict[str, Any], artifact: Artifact, funnel: Funnel) -> Iterator[Row]:
    """
    Rewrites rows batch by batch; what is done is kept in `rewritten/` and not done again.

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

    Returns:
        `Iterator[dict]`: the good rows, with `reasoning`, `final` and `text` rewritten and `sampled` as it was.
    """
    known = [one.name for one in fields(Rewriter)]
    if unknown := [key for key in settings if key not in known] or [key for key in ("url", "model") if not settings.get(key)]:
        raise RecipeError(f"`rewrite`: `{unknown[0]}` is unknown or missing", f"its settings are {', '.join(known)}")
    rewriter, steps = Rewriter(**settings), {name: funnel.add(name) for name in STEPS}
    directory, rows = artifact.path / "rewritten", iter(rows)
    directory.mkdir(exist_ok=True)
    for index in itertools.count():
        if not (batch := list(itertools.islice(rows, 4 * rewriter.concurrency))):
            return
        path = directory / f"part-{index:05d}.jsonl"
        if not path.exists():
            write_atomically(path, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rewrite_batch(batch, rewriter)))
        artifact.progress(min(total, 4 * rewriter.concurrency * (index + 1)), total)
        for row in map(json.loads, path.read_text(encoding="utf-8").splitlines()):
            if all(count(step, row["failed"] != name, row["text"] or row["sampled"]) for name, step in steps.items()):
                yield row
