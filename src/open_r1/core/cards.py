"""
Model and dataset cards: what the artifact is, and the recipe that makes it again. The report adds a model's results.
"""

from pathlib import Path
from typing import Any

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
    head = front_matter(library_name="transformers", tags=tags)
    text = f"# {name}\n\nStage `{name}` of the R1 pipeline, trained by open_r1 from {base}. "
    text += f"Responses are in the `{response_format}` format; sample with the saved generation settings.\n\n"
    return head + text + f"{RESULTS[0]}\nNot evaluated yet.\n{RESULTS[1]}\n\n" + recipe_block(recipe)


def dataset_card(name: str, recipe: Recipe, statistics: str, funnel: list[dict[str, Any]], contamination: str) -> str:
    """Card of a data stage: what it holds, what was removed, and whether it knows the benchmarks."""
    head = front_matter(tags=["open_r1", name], configs=[{"config_name": "default", "data_files": "data.parquet"}])
    parts = [f"# {name}\n\nDataset of stage `{name}`, made by open_r1.", statistics]
    parts += [f"## Filters\n\n{funnel_table(funnel)}"] if funnel else []
    parts += [f"## Contamination\n\n{contamination}", recipe_block(recipe)]
    return head + "\n\n".join(parts)


def funnel_table(funnel: list[dict[str, Any]]) -> str:
    """What each step removed, as Markdown, with the beginning of one removed row."""
    lines = ["| step | rows before | removed | such as |", "|---|---|---|---|"]
    for step in funnel:
        example = " ".join(step["examples"][0].split())[:80].replace("|", "\\|") if step["examples"] else "-"
        lines.append(f"| {step['filter']} | {step['before']} | {step['removed']} | {example} |")
    return "\n".join(lines)


def add_results(card: Path, text: str) -> None:
    """Replaces the results in a model card."""
    content = card.read_text(encoding="utf-8")
    before, _, rest = content.partition(RESULTS[0])
    after = rest.partition(RESULTS[1])[2]
    card.write_text(f"{before}{RESULTS[0]}\n{text}\n{RESULTS[1]}{after}", encoding="utf-8")
