"""Prints what a recipe's model will read: the first rows, rendered, the part that the loss covers in green.

    open-r1 show-data recipes/mini/sft.yaml -n 3

For a recipe without responses (GRPO, generation) it prints the prompts. Where there is no colour the learned part
stands between ⟦ and ⟧.
"""

import argparse
import sys
from typing import TYPE_CHECKING, Any

from open_r1.core.errors import RecipeError, report_errors
from open_r1.core.formats import check_rendering, read_template, render_row
from open_r1.core.inputs import go_offline
from open_r1.core.keys import BARE, Key
from open_r1.core.pinned import placed_recipe
from open_r1.core.recipes import load_recipe, parse_overrides
from open_r1.core.rows import Row
from open_r1.sampling.arguments import Sampling
from open_r1.sampling.prompts import render

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

USAGE = "RECIPE [-n 3] [--key value ...]"
GREEN, DIM, PLAIN = "\033[32m", "\033[2m", "\033[0m"


def shown(tokenizer: "PreTrainedTokenizerBase", row: Row, colour: bool, recipe: dict[str, Any] | None = None) -> str:
    """One row, rendered; for a recipe that generates the prompt alone, with its examples and its given start."""
    recipe = recipe or {}
    if "completion" in row and isinstance(row["prompt"], str):  # plain text, as for `base`
        prompt, learned = row["prompt"], row["completion"]
    elif row.get("response") is None or "num_samples" in recipe:
        asked = {key: recipe[key] for key in ("system", "few_shot", "shots", "prefill") if recipe.get(key)}
        prompt, learned = render(tokenizer, row["prompt"], Sampling(**asked)), ""
    else:
        template = read_template(recipe["training_template"]) if recipe.get("training_template") else None
        check_rendering(tokenizer, row, template)
        prompt, text = render_row(tokenizer, row, template)
        learned = text[len(prompt) :]
    size = len(tokenizer(prompt + learned, add_special_tokens=False)["input_ids"])
    text = f"{DIM}{prompt}{PLAIN}{GREEN}{learned}{PLAIN}" if colour else f"{prompt}⟦{learned}⟧"
    return f"{text}\n({size} tokens, {len(tokenizer(learned, add_special_tokens=False)['input_ids'])} of them learned)"


def tokenizer_of(recipe: dict[str, Any], where: str) -> "PreTrainedTokenizerBase":
    """The tokenizer that a recipe trains or generates with."""
    from open_r1.data.tokenizer import load_tokenizer

    name = recipe.get("model_name_or_path") or recipe.get("model")
    if isinstance(recipe.get("tokenizer"), str) and recipe["tokenizer"]:
        name = recipe["tokenizer"]
    if not name:
        raise RecipeError(
            f"{where} names no model or tokenizer", "show a recipe that does, or add --tokenizer DIRECTORY_OR_HUB_ID"
        )
    keys = ("eos_token", "pad_token", "trust_remote_code")
    return load_tokenizer(
        name, recipe.get("chat_template") or None, **{key: recipe[key] for key in keys if recipe.get(key)}
    )


@report_errors
def main(arguments: list[str] | None = None) -> None:
    """Prints the first rows of a recipe."""
    from open_r1.data.sources import AMOUNTS, SOURCE, load_sources, without_amounts

    parser = argparse.ArgumentParser(
        prog="open-r1 show-data", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("recipe")
    parser.add_argument("-n", type=int, default=3)
    known, rest = parser.parse_known_args(sys.argv[1:] if arguments is None else arguments)
    overrides = parse_overrides(rest)
    overlays = overrides.pop("with", [])
    recipe = load_recipe(known.recipe, overrides, overlays=overlays, command="show-data")
    models = {name: Key(loads=BARE) for name in ("model", "model_name_or_path", "tokenizer")}
    models["model_name_or_path"] = Key(loads=BARE, revision="model_revision")
    keys = {"datasets": Key(inside=SOURCE), **models}
    go_offline(recipe, keys)
    recipe = placed_recipe(recipe, keys)
    kept = [without_amounts(source, AMOUNTS) for source in recipe.get("datasets") or []]
    sources = [source | {"limit": max(1, min(source.get("limit") or known.n, known.n))} for source in kept]
    rows, tokenizer = load_sources(sources), tokenizer_of(recipe, known.recipe)
    for row in rows.select(range(min(known.n, len(rows)))):
        print(shown(tokenizer, row, sys.stdout.isatty(), recipe), end="\n\n")


if __name__ == "__main__":
    main()
