"""Preference pairs for the helpful reward model, judged by a language model (paper section 2.3.4: 66,000 pairs).

    open-r1 prefer --config recipes/Qwen2.5-7B/preference_pairs.yaml

Draws k responses per general prompt (or reads an existing store), pairs them, and asks a judge several times about
each pair, with either response first equally often. The verdicts, from 2 (much better) to -2, are averaged; a pair
stays where the average is beyond the `margin`. Only the final summary is judged, and becomes `chosen` or `rejected`:
it is all that the reward model will see. At the end the lengths of the two sides are balanced. Every verdict is kept
in `verdicts.jsonl`, and asked for once.
"""

import asyncio
import itertools
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from open_r1.core.artifacts import Artifact
from open_r1.core.endpoints import EndpointError
from open_r1.core.errors import DataError, RecipeError, report_errors
from open_r1.core.fields import fill
from open_r1.core.journal import Journal
from open_r1.core.judges import comparison
from open_r1.core.keys import LAST, SERVER, STORE, key
from open_r1.core.rows import Row, conversation_of
from open_r1.core.stage import begin
from open_r1.data.filters import Funnel, count, new_step
from open_r1.rewards.comparison import Ballot, PairJudge, scores, tally, trust
from open_r1.sampling.arguments import GenerateArguments
from open_r1.sampling.draw import draw_samples
from open_r1.sampling.pairs import Judged, Pair, balanced, mean_lengths, pair_rows, pair_up
from open_r1.sampling.prompts import sample_seed
from open_r1.sampling.selection import placed_rows
from open_r1.sampling.store import identity_of, keep_matching

LONGEST = 20_000  # characters of a summary; the judge reads all of it, or is not asked
VERDICTS = "verdicts.jsonl"


@dataclass
class PreferArguments(GenerateArguments):
    """
    A preference recipe: a generation recipe, and how the pairs are judged.

    Args:
        samples (`str`, *optional*):
            An existing sample store, in place of `model` and `datasets`.
        filters (`list`):
            Which responses are fit to be judged: names of [`data.filters.FILTERS`], or `name: limit`.
        judge (`dict`):
            Settings of [`rewards.comparison.PairJudge`]: `url`, `model`, ...
        votes (`int`, *optional*, defaults to `4`):
            Verdicts per pair, an even number: half of them with either response first.
        margin (`float`, *optional*, defaults to `1.0`):
            A pair stays where its average verdict is beyond this, at most 2.
        length_gap (`float`, *optional*, defaults to `0.05`):
            Largest difference between the mean lengths of chosen and rejected, as a share of the mean length; see
            [`sampling.pairs.balanced`].
    """

    samples: str = key("", loads=STORE)
    filters: list = key(["finished", "valid_format"])
    judge: dict = key({}, inside=SERVER)
    votes: int = 4
    margin: float = key(1.0, LAST)
    length_gap: float = key(0.05, LAST)

    def __post_init__(self):
        super().__post_init__()
        if self.votes < 2 or self.votes % 2:
            raise RecipeError(f"`votes: {self.votes}`", "give an even number: each order is asked equally often")
        if not 0 <= self.margin < 2:
            raise RecipeError(f"`margin: {self.margin}`", "verdicts average between -2 and 2: give 0 or more, below 2")
        if self.length_gap < 0:
            raise RecipeError(f"`length_gap: {self.length_gap}`", "give a share of the mean length, such as 0.05")
        if not self.samples and self.num_samples < 2:
            raise RecipeError(f"`num_samples: {self.num_samples}` makes no pairs", "draw at least 2 per prompt")


# ------------------------------------------------------------------------------------------------------- the pairs


def pairs_of(args: PreferArguments, store: Path, funnel: Funnel) -> list[Pair]:
    """Pairs of the responses that pass the filters and have a summary that the judge can read."""
    rows = funnel.rows({"place": place} | row for place, row in placed_rows(store))
    step = new_step(f"a summary of 1 to {LONGEST} characters")
    places = [
        row["place"] for row in rows if count(step, 0 < len((row["final"] or "").strip()) <= LONGEST, row["text"])
    ]
    pairs = pair_up(places, args.seed)
    single = new_step("a partner") | {"before": len(places), "removed": len(places) - 2 * len(pairs)}
    funnel.steps += [step, single]
    return pairs


def ballots(pair: Pair, rows: tuple[Row, Row], args: PreferArguments) -> list[Ballot]:
    """The votes that are asked for: both orders equally often, which of them when drawn by the seed."""
    texts, swaps = summaries(rows), [False, True] * (args.votes // 2)
    random.Random(f"{args.seed}/{pair.name}").shuffle(swaps)
    orders = {
        swapped: comparison(conversation_of(rows[0]), *(texts[::-1] if swapped else texts))
        for swapped in (False, True)
    }
    seeds = [sample_seed(args.seed, pair.name, n) for n in range(args.votes)]
    return [Ballot(orders[swapped], swapped, seed) for swapped, seed in zip(swaps, seeds, strict=True)]


def summaries(rows: tuple[Row, Row]) -> list[str]:
    return [row["final"].strip() for row in rows]


def same(rows: tuple[Row, Row]) -> bool:
    return len(set(summaries(rows))) == 1


# ------------------------------------------------------------------------------------------------------ the verdicts


def judge_pairs(
    pairs: list[Pair], args: PreferArguments, artifact: Artifact, funnel: Funnel, counts: Counter[str]
) -> Iterator[Judged]:
    """
    The pairs with verdicts. What the judge said is kept; pairs without a reply are asked about again by the next run.
    Raises `EndpointError` where a whole batch, or more pairs than `max_failed` allows, get no reply.
    """
    judge, journal = make_judge(args), Journal(artifact.path / VERDICTS)
    names = ("two different summaries", "judge: no reply", "judge: no verdict that can be read")
    different, replied, readable = map(funnel.add, names)
    waiting, done = zip(pairs, pair_rows(pairs), strict=True), 0
    while batch := list(itertools.islice(waiting, 8 * judge.concurrency)):
        asked = [(pair, rows) for pair, rows in batch if count(different, not same(rows), rows[0]["final"])]
        papers = [ballots(pair, rows, args) for pair, rows in asked]
        found = asyncio.run(judge.votes_on(papers, journal))
        if found and not any(found):
            raise EndpointError(
                f"the judge is away: no reply about {len(found)} pairs",
                "check `url` and `model`, and run again: the verdicts are kept",
            )
        artifact.progress(done := done + len(batch), len(pairs))
        for (pair, rows), paper, votes in zip(asked, papers, found, strict=True):
            text = rows[0]["final"]
            if not count(replied, votes is not None, text) or votes is None:
                continue
            tally(counts, paper, votes)
            if count(readable, all(vote.score is not None for vote in votes), text):
                one, other = map(len, summaries(rows))
                yield Judged(pair, scores(paper, votes), (one, other))
    if replied["removed"] > args.max_failed * len(pairs):
        raise EndpointError(
            f"the judge was away: no reply about {replied['removed']} of {len(pairs)} pairs",
            "run again: only these are asked about once more; or allow them with `max_failed`",
        )


def make_judge(args: PreferArguments) -> PairJudge:
    """The judge of a recipe; raises `RecipeError` for settings that cannot work."""
    if not args.judge:
        raise RecipeError("the recipe has no `judge`", "add `judge: {url: http://localhost:8000/v1, model: NAME}`")
    return fill(PairJudge, args.judge, "`judge`")


# -------------------------------------------------------------------------------------------------------- the result


def keep(judged: Iterator[Judged], args: PreferArguments, funnel: Funnel) -> tuple[list[Judged], dict[str, Any]]:
    """The pairs beyond the margin, with balanced lengths, and figures about the lengths."""
    clear, even = new_step(f"margin: {args.margin:g}"), new_step(f"length_gap: {args.length_gap:g}")
    found = [one for one in judged if count(clear, abs(one.score) > args.margin, one.pair.name)]
    stay = set(balanced([one.sides for one in found], args.length_gap))
    kept = [one for n, one in enumerate(found) if count(even, n in stay, one.pair.name)]
    funnel.steps += [clear, even]
    return kept, {"before balancing": mean_lengths(found), "mean characters": mean_lengths(kept)}


def preferences(kept: list[Judged]) -> Iterator[Row]:
    """Rows for the pairwise reward model; `votes` and `score` say how much better the chosen one is."""
    for one, rows in zip(kept, pair_rows(one.pair for one in kept), strict=True):
        better = 1 if one.score > 0 else -1
        chosen, rejected = rows if better > 0 else rows[::-1]
        yield {key: chosen[key] for key in ("problem_id", "domain", "language")} | {
            "prompt": conversation_of(chosen),
            "chosen": chosen["final"].strip(),
            "rejected": rejected["final"].strip(),
            "score": abs(one.score),
            "votes": [better * vote for vote in one.votes],
            "chosen_sample": chosen["sample"],
            "rejected_sample": rejected["sample"],
        }


ARGUMENTS = PreferArguments


@report_errors
def main(arguments: list[str] | None = None) -> None:
    """Runs one preference recipe from the command line."""
    from open_r1.data.tables import write_result

    stage = begin(PreferArguments, arguments, keep=lambda _: ("samples", VERDICTS))
    if stage is None:
        return
    args, recipe, artifact = stage
    make_judge(args)
    funnel, counts = Funnel(args.filters), Counter[str]()
    if "pass_rate" in funnel.names():
        raise RecipeError("`filters`: `pass_rate` means nothing here", "leave it to `curate`, before this stage")
    store = Path(args.samples or artifact.path / "samples")
    if not args.samples:
        keep_matching(store, identity_of(args, artifact))
        if draw_samples(args, artifact, store) is None:
            return
    judged = judge_pairs(pairs_of(args, store, funnel), args, artifact, funnel, counts)
    kept, lengths = keep(judged, args, funnel)
    if not kept:
        voted = ", ".join(f"{name}: {value}" for name, value in trust(counts).items())
        hint = "lower `margin`, raise `length_gap`, ask another judge, or draw more responses"
        raise DataError(f"no pair of {store} is left ({funnel.line()}; {voted})", hint)
    write_result(preferences(kept), artifact, recipe, funnel.steps, figures=trust(counts) | lengths)


if __name__ == "__main__":
    main()
