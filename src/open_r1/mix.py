"""Mixes datasets into one training set, such as the 600k reasoning and 200k general samples of the paper (section
2.3.3).

    open-r1 mix --config recipes/Qwen2.5-7B/distill_mixture.yaml

Every entry of `datasets` names its source, its columns, its domain, and how much of it: `count` rows, or a `weight` of
the `total`. Rows are drawn by the seed, checked against the benchmarks, rendered once through the student's chat
template - the reasoning must survive it and the end token must be learned - and counted by domain as in the paper's
table.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from open_r1.core.errors import DataError, RecipeError, report_errors
from open_r1.core.formats import check_rendering, render_row
from open_r1.core.inputs import read_manifest
from open_r1.core.keys import BARE, FILE, key
from open_r1.core.publishing import Publishing
from open_r1.core.rows import Row
from open_r1.core.stage import begin
from open_r1.core.tables import statistics_table
from open_r1.data.amounts import counts, draw
from open_r1.data.contamination import AGAINST
from open_r1.data.filters import count, new_step
from open_r1.data.sources import SOURCE

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

KEPT = ("problem_id", "prompt", "response", "domain", "language")


@dataclass
class MixArguments(Publishing):
    """
    A mixture recipe.

    Args:
        datasets (`list[dict]`):
            Data sources with a response, see `data/sources.py`, each with `count` or `weight`; all rows without
            either.
        total (`int`, *optional*, defaults to `0`):
            Rows that the weights, which sum to 1, share.
        tokenizer (`str`):
            Artifact directory or Hub id of the student, for the rendering check and the lengths.
        chat_template (`str`, *optional*):
            A `.jinja` file in place of the tokenizer's own template.
        eos_token (`str`, *optional*):
            The student's end token, where the template ends turns with another than the tokenizer's own.
        max_length (`int`, *optional*, defaults to `32768`):
            Longest rendered row in tokens; longer ones are left out and counted.
        decontaminate (`dict`, *optional*):
            Settings of [`data.contamination.Decontaminator`]. `false` to leave it out.
        output_dir (`str`):
            Where the result goes.
        root (`str`, *optional*, defaults to `"data"`):
            Directory of the pipeline's artifacts.
        seed (`int`, *optional*, defaults to `0`):
            Decides which rows are drawn, and their order.
    """

    datasets: list = key([], inside=SOURCE)
    total: int = 0
    tokenizer: str = key("", loads=BARE)
    chat_template: str = key("", loads=FILE)
    eos_token: str = ""
    max_length: int = 32768
    decontaminate: Any = key(None, inside={"against": AGAINST}, absent={})
    output_dir: str = ""
    root: str = "data"
    seed: int = 0


def mixed(args: MixArguments, tokenizer: "PreTrainedTokenizerBase", step: dict[str, Any]) -> Iterator[Row]:
    """Rows of all sources that render and are not too long."""
    for source, wanted in zip(args.datasets, counts(args.datasets, args.total), strict=True):
        for row in draw(source, wanted, args.seed):
            if not isinstance(row["response"], str):
                raise DataError(
                    f"dataset {source['path']}: a row has no response: {str(row['prompt'])[:200]}",
                    "filter such rows out, or map `response`",
                )
            check_rendering(tokenizer, row)
            length = len(tokenizer(render_row(tokenizer, row)[1], add_special_tokens=False)["input_ids"])
            if count(step, length <= args.max_length, row["response"]):
                yield {key: row[key] for key in KEPT}


ARGUMENTS = MixArguments


@report_errors
def main(arguments: list[str] | None = None) -> None:
    """Runs one mixture recipe from the command line."""
    from open_r1.data.contamination import make_decontaminator
    from open_r1.data.tables import write_result
    from open_r1.data.tokenizer import load_tokenizer

    stage = begin(MixArguments, arguments)
    if stage is None:
        return
    args, recipe, artifact = stage
    counts(args.datasets, args.total)
    if not args.datasets:
        raise RecipeError("the recipe lists no `datasets`", "add `datasets:` with at least one `- path:`")
    if not args.tokenizer:
        raise RecipeError("the recipe names no `tokenizer`", "add the student's artifact directory or Hub id")
    tokenizer, step = (
        load_tokenizer(args.tokenizer, args.chat_template or None, eos_token=args.eos_token or None),
        new_step(f"max_length: {args.max_length}"),
    )
    write_result(
        mixed(args, tokenizer, step), artifact, recipe, [step], make_decontaminator(args.decontaminate), tokenizer
    )
    print(statistics_table((read_manifest(artifact.path) or {})["statistics"]))


if __name__ == "__main__":
    main()
