"""Model and dataset cards: what the artifact is, and the recipe that makes it again. The report adds a model's results."""

from collections.abc import Mapping
from pathlib import Path

import yaml

from .recipes import Recipe

RESULTS = ("<!-- results -->", "<!-- end of results -->")


def front_matter(**values: object) -> str:
    return "---\n" + yaml.safe_dump(values, sort_keys=False) + "---\n"


def recipe_block(recipe: Recipe) -> str:
    return f"## Recipe\n\n```yaml\n{yaml.safe_dump(recipe, sort_keys=False, allow_unicode=True)}```\n"


def model_card(name: str, recipe: Recipe, tags: list[str], response_format: str) -> str:
    """Card of a trained model, with room for its results."""
    base = recipe.get("model_name_or_path") or "random weights"
    head = front_matter(library_name="transformers", license="apache-2.0", tags=tags)
    text = f"# {name}\n\nStage `{name}` of the R1 pipeline, trained by open_r1 from {base}. "
    text += f"Responses are in the `{response_format}` format; sample with the saved generation settings.\n\n"
    return head + text + f"{RESULTS[0]}\nNot evaluated yet.\n{RESULTS[1]}\n\n" + recipe_block(recipe)


def dataset_card(name: str, recipe: Recipe, funnel: str, domains: Mapping[str, int]) -> str:
    """Card of a curated dataset, with its funnel and its domains."""
    head = front_matter(license="apache-2.0", tags=["open_r1", name], configs=[{"config_name": "default", "data_files": "data.parquet"}])
    counts = "\n".join(f"| {domain} | {count} |" for domain, count in sorted(domains.items()))
    body = (
        f"# {name}\n\nDataset of stage `{name}`, made by open_r1.\n\n| domain | rows |\n|---|---|\n{counts}\n\n## Filters\n\n{funnel}\n\n"
    )
    return head + body + recipe_block(recipe)


def add_results(card: Path, text: str) -> None:
    """Replaces the results in a model card."""
    content = card.read_text(encoding="utf-8")
    before, _, rest = content.partition(RESULTS[0])
    after = rest.partition(RESULTS[1])[2]
    card.write_text(f"{before}{RESULTS[0]}\n{text}\n{RESULTS[1]}{after}", encoding="utf-8")
