"""How many rows of each source: `count` rows, or a `weight` of a total, drawn by the seed."""

from typing import TYPE_CHECKING, Any

from ..core.errors import DataError, RecipeError
from .sources import check_source, load_source, require_columns, without_amounts

if TYPE_CHECKING:
    from datasets import Dataset


def counts(datasets: list[dict[str, Any]], total: int = 0) -> list[int | None]:
    """Rows to draw from each source, `None` for all; raises `RecipeError` for weights that do not sum to 1."""
    for source in datasets:
        if not isinstance(source, dict):
            check_source(source)
        check_amounts(source)
    given = [source["weight"] for source in datasets if source.get("weight") is not None]
    if given and abs(sum(given) - 1) > 1e-6:
        raise RecipeError(
            f"the weights {given} sum to {sum(given):g}, not to 1", "correct `weight`, or give every source a `count`"
        )
    if given and (len(given) < len(datasets) or not total):
        raise RecipeError(
            "`weight` needs `total`, and a weight for every source", "add them, or give every source a `count`"
        )
    return [*shares(given, total)] if given else [source.get("count") for source in datasets]


def check_amounts(source: dict[str, Any]) -> None:
    """Raises `RecipeError` for a weight or count that is none."""
    weight, number = source.get("weight"), source.get("count")
    if weight is not None and (isinstance(weight, bool) or not isinstance(weight, (int, float)) or weight < 0):
        raise RecipeError(f"`weight: {weight}` of {source.get('path')}", "give a number of at least 0, such as 0.25")
    if number is not None and (isinstance(number, bool) or not isinstance(number, int) or number < 0):
        raise RecipeError(f"`count: {number}` of {source.get('path')}", "give a number of rows")


def shares(weights: list[float], total: int) -> list[int]:
    """Whole rows by weight that sum to the total: the largest remainders get what rounding down leaves."""
    exact = [weight * total for weight in weights]
    found = [int(value + 1e-9) for value in exact]
    for n in sorted(range(len(exact)), key=lambda n: found[n] - exact[n])[: total - sum(found)]:
        found[n] += 1
    return found


def draw(source: dict[str, Any], wanted: int | None, seed: int) -> "Dataset":
    """Rows of one source, drawn by the seed."""
    rows = load_source(without_amounts(source, ("count", "weight")))
    require_columns(rows, ["prompt", "response"], source["path"])
    if wanted is not None and wanted > len(rows):
        raise DataError(
            f"dataset {source['path']} has {len(rows)} rows, not {wanted}", "lower its `count` or `weight`, or `total`"
        )
    return rows.shuffle(seed).select(range(len(rows) if wanted is None else wanted))
