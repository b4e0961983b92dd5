"""Turns samples into training data: `cold_start_data` (paper section 2.3.1), `rejection_sampling` (2.3.3), prompts for
RL by pass rate.

    open-r1 curate --config recipes/mini/rejection_sampling.yaml

Draws k samples per problem (or reads an existing store), asks a judge where no rule decides, drops what the recipe's
`filters` reject, keeps the best `per_problem`, has them rewritten if the recipe says so, and adds the general set. The
funnel - how many rows each step removed, with examples - goes into the manifest and the card. The store is read
several times and never held in memory.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from open_r1.core.artifacts import Artifact
from open_r1.core.errors import RecipeError, report_errors
from open_r1.core.formats import ResponseFormat
from open_r1.core.keys import FILE, LAST, RUN, SERVER, STORE, Key, key
from open_r1.core.rows import COPIED, Row, conversation_of, name_of
from open_r1.core.stage import begin
from open_r1.data.amounts import draw
from open_r1.data.contamination import AGAINST
from open_r1.data.filters import Funnel, count, require_rows
from open_r1.data.sources import SOURCE, check_source, load_sources, refuse_amounts
from open_r1.sampling.arguments import GenerateArguments
from open_r1.sampling.draw import draw_samples
from open_r1.sampling.selection import PICKS, Place, Verdicts, choose, judged, pass_rates, placed_rows, rows_at
from open_r1.sampling.store import identity_of, keep_matching


@dataclass
class CurateArguments(GenerateArguments):
    """
    A curation recipe: a generation recipe and what happens to its samples.

    Args:
        samples (`str`, *optional*):
            An existing sample store, in place of `model` and `datasets`.
        judge (`dict`, *optional*):
            Settings of [`rewards.judge.JudgeReward`] (`url`, `model`, ...), for rows whose `verifier` is `judge` and
            for `judge_agrees`.
        filters (`list`):
            Names of [`data.filters.FILTERS`], or `name: limit`.
        per_problem (`int`, *optional*, defaults to `1`):
            Samples kept per problem; 0 for all.
        pick (`str`, *optional*, defaults to `"shortest"`):
            Which: `shortest`, `random` or `diverse` (the shortest, then those that share the fewest words with the
            ones before).
        output (`str`, *optional*, defaults to `"responses"`):
            `responses` to imitate, or `problems` for RL, each once, with its `pass_rate`.
        rewrite (`dict`, *optional*):
            Settings of [`data.rewriting.Rewriter`]: an instruct model makes reasoning and summary readable.
        summary (`dict`, *optional*):
            Summary written after the reasoning, by language; `{answer}` stands for the answer. Without it the sample's
            own.
        review (`bool`, *optional*, defaults to `False`):
            Whether to write `review.html`, a page to keep or drop rows by hand, and to stop there until there are
            `decisions`.
        decisions (`str`, *optional*):
            The file that the page exports; the rows that it drops are left out.
        add (`list[dict]`, *optional*):
            Data sources with a `response` column that join the result (the general set).
        decontaminate (`dict`, *optional*):
            Settings of [`data.contamination.Decontaminator`]: `against`, `size`. `false` to leave it out.
    """

    samples: str = key("", loads=STORE)
    judge: dict = key({}, inside=SERVER)
    filters: list = key([])
    per_problem: int = 1
    pick: str = "shortest"
    output: str = "responses"
    rewrite: dict = key({}, inside={"examples": Key(loads=FILE), **SERVER})
    summary: dict | None = None
    review: bool = key(False, RUN)
    decisions: str = key("", LAST, loads=FILE)
    add: list = key([], inside=SOURCE)
    decontaminate: Any = key(None, inside={"against": AGAINST}, absent={})

    def __post_init__(self):
        super().__post_init__()
        for name, values in (("pick", PICKS), ("output", ("responses", "problems"))):
            if getattr(self, name) not in values:
                raise RecipeError(f"`{name}: {getattr(self, name)}` is unknown", f"use one of {', '.join(values)}")
        if self.output == "problems" and (self.add or self.rewrite):
            raise RecipeError(
                "`output: problems` has no responses to rewrite or to add to", "remove `add` and `rewrite`"
            )


# ------------------------------------------------------------------------------------------------------ the result


def select_rows(
    args: CurateArguments,
    store: Path,
    funnel: Funnel,
    rates: dict[str, float],
    verdicts: Verdicts,
) -> list[Place]:
    """
    Places of the rows to keep.

    Args:
        args (`CurateArguments`):
            The recipe.
        store (`Path`):
            The sample store.
        funnel (`Funnel`):
            Its filters; counts what they remove.
        rates (`dict`):
            Pass rates by problem, where something needs them.
        verdicts (`dict`):
            What the judge said, by problem and sample.

    Returns:
        `list[Place]`: problem by problem. Raises `DataError`, with the funnel, where none is left.
    """

    def annotated() -> Iterator[Row]:
        for place, row in placed_rows(store):
            yield row | {"place": place, "pass_rate": rates.get(place.problem), "judged": judged(verdicts, place)}

    kept = [row["place"] for row in funnel.rows(annotated())]
    require_rows(len(kept), funnel, store)
    number = 1 if args.output == "problems" else args.per_problem
    chosen = choose(kept, args.pick, args.seed, number) if number else kept
    step = funnel.add(f"{args.pick} {number} per problem" if number else "all per problem")
    step |= {"before": len(kept), "removed": len(kept) - len(chosen)}
    return chosen


def ask_judge(args: CurateArguments, store: Path, artifact: Artifact) -> Verdicts:
    """
    The judge's verdicts on rows that no rule decides, or on all where `judge_agrees` wants them; kept in
    `judge.jsonl`.
    """
    everywhere = any("judge_agrees" in entry for entry in args.filters)
    wanted = [place for place, row in placed_rows(store) if everywhere or row["verifier"] == "judge"]
    if not wanted:
        return {}
    if not args.judge:
        raise RecipeError(
            "some rows have `verifier: judge`, or `judge_agrees` is on, and the recipe has no `judge`",
            "add its url and model",
        )
    from open_r1.rewards.judge import judge_rows

    settings = {"cache": str(artifact.path / "judge.jsonl")} | args.judge
    scores = judge_rows(rows_at(wanted), settings, lambda done: artifact.progress(done, len(wanted)))
    return {(place.problem, place.sample): score for place, score in zip(wanted, scores, strict=True)}


def training_row(row: Row, args: CurateArguments) -> Row:
    """An SFT row in the `r1` format, with the reasoning as it was sampled or rewritten; or a problem for RL."""
    shared = {key: row[key] for key in (*COPIED, "options") if key in row}
    shared["prompt"] = conversation_of(row)
    if args.output == "problems":
        return shared | {"pass_rate": row["pass_rate"]}
    if args.summary and row["language"] not in args.summary:
        hint = "add it, or name the data's `language` where the samples were drawn"
        raise RecipeError(f"`summary` has no text for the language {row['language']!r}", hint)
    text = (
        args.summary[row["language"]].replace("{answer}", row["extracted"] or "")
        if args.summary
        else row["final"] or ""
    )
    return shared | {"response": ResponseFormat("r1").write(row["reasoning"], text)}


def curate(args: CurateArguments, store: Path, artifact: Artifact, funnel: Funnel) -> Iterator[Row]:
    """Training rows from a sample store; the funnel is complete when the last of them was taken."""
    verdicts = ask_judge(args, store, artifact)
    rates = pass_rates(store, verdicts) if "pass_rate" in funnel.names() or args.output == "problems" else {}
    chosen = select_rows(args, store, funnel, rates, verdicts)
    rows: Iterable[Row] = (row | {"pass_rate": rates.get(row["problem_id"])} for row in rows_at(chosen))
    if args.rewrite:
        from open_r1.data.rewriting import rewrite_rows

        rows = rewrite_rows(rows, len(chosen), args.rewrite, artifact, funnel, args.max_failed)
    if args.decisions:
        from open_r1.data.review import read_decisions

        dropped, step = read_decisions(args.decisions), funnel.add("dropped by hand")
        rows = (row for row in rows if count(step, name_of(row) not in dropped, row["text"]))
    if args.review:
        from open_r1.data.review import with_page

        rows = with_page(rows, artifact.path / "review.html")
    for row in rows:
        yield training_row(row, args)


ARGUMENTS = CurateArguments


@report_errors
def main(arguments: list[str] | None = None) -> None:
    """Runs one curation recipe from the command line."""
    from open_r1.data.contamination import make_decontaminator
    from open_r1.data.tables import write_result

    stage = begin(CurateArguments, arguments, keep=lambda _: ("samples",))
    if stage is None:
        return
    args, recipe, artifact = stage
    check(args)
    funnel, cleaner = Funnel(args.filters), make_decontaminator(args.decontaminate)
    store = Path(args.samples or artifact.path / "samples")
    if not args.samples:
        keep_matching(store, identity_of(args, artifact))
        if draw_samples(args, artifact, store) is None:
            return

    def rows() -> Iterator[Row]:
        found = 0
        for row in curate(args, store, artifact, funnel):
            found += 1
            yield row
        require_rows(found, funnel, store)
        for source in args.add:
            yield from (
                {key: row.get(key) for key in (*COPIED, "prompt", "response")} for row in added(source, args.seed)
            )

    if args.review and not args.decisions:
        print(
            f"look at {review_page(rows(), artifact)}, then run again with `--decisions FILE`; what was done is kept"
        )
        return
    write_result(rows(), artifact, recipe, funnel.steps, cleaner)


def check(args: CurateArguments) -> None:
    """What would fail only after hours of sampling fails here."""
    if args.decisions:
        from open_r1.data.review import read_decisions

        read_decisions(args.decisions)
    if args.rewrite:
        from open_r1.data.rewriting import make_rewriter

        make_rewriter(args.rewrite)
    if args.judge:
        from open_r1.rewards.judge import make_judge

        make_judge(args.judge)
    for source in args.add:
        check_source(source)
        refuse_amounts(source, ("count",))


def added(source: dict[str, Any], seed: int) -> Any:
    """Rows of the general set: the first `limit`, or `count` that the seed draws."""
    if "count" in source:
        return draw(source, source["count"], seed)
    return load_sources([source], ["prompt", "response"])


def review_page(rows: Iterator[Row], artifact: Artifact) -> Path:
    """Takes all rows, which writes the page, and returns where it is."""
    for _ in rows:
        pass
    return artifact.path / "review.html"


if __name__ == "__main__":
    main()
