"""
The tables of `docs/recipes.md` hold the values of the recipes: every cell is read, and so is every recipe. A cell is a
value; with a remark in brackets, or with the key that this one recipe has in place of the row's.
"""

import functools
import re

import pytest
import yaml
from conftest import REPOSITORY

from open_r1.core.pipelines import read_pipeline
from open_r1.core.recipes import inherited, load_recipe

RECIPES = REPOSITORY / "recipes"
SIZES = ("DeepSeek-V3-Base", "Qwen2.5-32B", "Qwen2.5-7B", "Qwen2.5-1.5B", "Qwen3-8B-Base", "Qwen3-4B-Base")
STUDENTS = (
    "Qwen2.5-Math-1.5B", "Qwen2.5-Math-7B", "Qwen2.5-14B", "Qwen2.5-32B", "Llama-3.1-8B", "Llama-3.3-70B-Instruct",
)  # fmt: skip
LONG = ("DeepSeek-V3-Base", "Qwen2.5-32B")  # R1-Zero in two parts
GROUPS = {"sizes": SIZES, "students": STUDENTS, "mini": ("mini",), "SmolLM2-135M": ("SmolLM2-135M",)}
DASH, ROOT = "—", "data"


def read_tables(text: str) -> list[dict[str, str]]:
    """All rows of the page's tables, by heading; the first of which is the recipe's name, kept as `recipe`."""
    rows, head = [], None
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if not line.startswith("|"):
            head = None
        elif head is None:
            head = cells
        elif not set(line) <= set("|-"):
            rows.append(dict(zip(head, cells, strict=True)) | {"recipe": head[0].strip("`")})
    return [row | {"key": row["key"].strip("`")} for row in rows]


ROWS = read_tables((REPOSITORY / "docs/recipes.md").read_text(encoding="utf-8"))
EXCEPTIONS = [
    row | {"folder": folder, "recipe": recipe}
    for row in ROWS
    if "folders" in row
    for folder in row["folders"].split(", ")
    for recipe in row["recipes"].split(", ")
]


def value(text: str) -> object:
    """A cell as a value: `32,768`, `3e-6`, `true`, a word."""
    text = text.split(" (")[0].replace("${root}", ROOT)
    try:
        return float(text.replace(",", ""))
    except ValueError:
        return text if ":" in text else yaml.safe_load(text)


def look_up(recipe: dict, key: str) -> object:
    """A value by its path, in mappings, lists, and lists of filters."""
    found: object = recipe
    for part in key.split("."):
        if isinstance(found, list) and not part.isdigit():
            found = next((entry[part] for entry in found if isinstance(entry, dict) and part in entry), None)
        elif isinstance(found, list):
            found = found[int(part)] if int(part) < len(found) else None
        else:
            found = (found or {}).get(part)
    return found


def computed(recipe: dict, key: str) -> object:
    """A value, or what a product, quotient or difference of values is."""
    first, *others = re.split(r" ([*/-]) ", key)
    found = look_up(recipe, first)
    for sign, name in zip(others[::2], others[1::2], strict=True):
        other = look_up(recipe, name)
        found = found * other if sign == "*" else found / other if sign == "/" else found - other
    return float(found) if isinstance(found, (int, float)) and not isinstance(found, bool) else found


@functools.cache
def recipe_of(folder: str, name: str) -> dict:
    """A recipe of a folder, or the one that its pipeline takes from another; an overlay as it is."""
    file = RECIPES / folder / f"{name}.yaml"
    if folder == "objectives":
        return inherited(file)
    if not file.exists():
        stages, *_ = read_pipeline(RECIPES / folder / "pipeline.yaml", {"root": ROOT})
        return next(stage.recipe for stage in stages if stage.name == name)
    return load_recipe(file, {"root": ROOT})


def check(folder: str, name: str, cell: str, key: str) -> None:
    """Compares one cell with the recipe."""
    recipe = recipe_of(folder, name)
    other = re.search(r"\(`(.+)`\)", cell)
    found = computed(recipe, other[1] if other else key)
    if cell == DASH:
        assert found is None or key == "model_name_or_path", f"{folder}/{name}: {key} is {found}"
        return
    wanted = value(cell)
    same = found == pytest.approx(wanted) if isinstance(wanted, float) else found == wanted
    assert same, f"{folder}/{name}: {key} is {found}, docs/recipes.md says {cell}"


def cells() -> list[tuple[str, str, str, str]]:
    """What is to be compared: folder, recipe, cell, key."""
    found = [
        (folder, row["recipe"], row[group], row["key"])
        for row in ROWS
        for group, folders in GROUPS.items()
        if group in row and row["key"]
        for folder in folders
        if row["recipe"] != "zero_long" or folder in LONG
    ]
    excepted = {(row["folder"], row["recipe"], row["key"]) for row in EXCEPTIONS}
    found = [cell for cell in found if (*cell[:2], cell[3]) not in excepted]
    found += [(row["folder"], row["recipe"], row["ours"], row["key"]) for row in EXCEPTIONS]
    found += [(row["student"], "distill", row["ours"], row["key"]) for row in ROWS if "student" in row]
    named = {"objective": "objectives", "curriculum": STUDENTS[0]}
    return found + [
        (folder, row[head], row["ours"], row["key"]) for head, folder in named.items() for row in ROWS if head in row
    ]


CELLS = cells()


@pytest.mark.parametrize("folder", sorted({cell[0] for cell in CELLS}))
def test_every_value_of_the_page_is_that_of_the_recipe(folder):
    for where, name, cell, key in CELLS:
        if where == folder:
            check(where, name, cell, key)


def test_page_covers_every_size_student_and_stage():
    pairs = {(folder, name) for folder, name, _, _ in CELLS}
    stages = ["zero", "cold_start_data", "cold_start", "reasoning_rl", "rejection_sampling", "sft", "helpful_rm"]
    stages += ["safety_rm", "all_scenarios_rl", "evaluate"]
    assert {(folder, name) for folder in (*SIZES, "mini") for name in stages} <= pairs
    assert {(folder, "distill") for folder in STUDENTS} <= pairs
    assert {("DeepSeek-V3-Base", "zero_long"), ("Qwen2.5-32B", "zero_long"), ("SmolLM2-135M", "zero")} <= pairs
    assert len(CELLS) > 500


def test_where_ours_is_not_the_papers_the_page_says_why():
    for row in ROWS:
        ours = next(row[name] for name in ("sizes", "students", "ours") if name in row)
        assert value(ours) == value(row.get("paper") or row["theirs"]) or row["why"], row
