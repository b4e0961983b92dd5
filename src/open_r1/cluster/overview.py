"""The table of all recipes in `recipes/README.md`: what their comments say, and what the plan says they need."""

import contextlib
import os
import re
from pathlib import Path

from ..core.errors import RecipeError
from ..core.recipes import Recipe, load_recipe
from ..core.yaml_files import read_yaml
from .job import GB
from .layout import header, read_layout
from .memory import fits, total
from .reading import find_shape, make_job, read_overlaid, read_values, trains

BEGIN, END = "<!-- made by `open-r1 plan --all --write` -->", "<!-- end -->"
HEAD = """| recipe | paper | model | hardware | planned GB per device | measured |
|---|---|---|---|---|---|"""
MACHINES = (1, 2, 4, 8, 16, 32, 64)  # of eight GPUs, for a recipe that asks for several


def recipe_files(folder: Path) -> list[Path]:
    """The recipes of a folder that one runs: those whose comment says on what hardware."""
    return [file for file in sorted(folder.glob("*/*.yaml")) if "Hardware: " in header(file) and is_stage(file)]


def is_stage(file: Path) -> bool:
    """Whether a file is one stage, not a list of them."""
    try:
        return "stages" not in read_yaml(file) and bool(load_recipe(file).get("output_dir"))
    except RecipeError:  # a list of examples
        return False


def planned(file: Path, recipe: Recipe, overlays: list[str]) -> str:
    """What a device must hold; `-` for a stage that trains nothing."""
    if not trains(recipe):
        return "-"
    layout = read_layout([str(file), *overlays])
    job = make_job(recipe, str(file), layout)
    if job.cpu:
        return f"{total(job) / GB:.1f}"
    if "several machines" in header(file):
        for machines in MACHINES:
            with contextlib.suppress(RecipeError):  # an optimiser step has fewer rows than there are GPUs
                job = make_job(recipe, str(file), layout._replace(devices=8 * machines))
            if fits(job):
                break
    spread = f" on {job.devices}" if job.devices > 1 else ""
    return f"{total(job) / GB:.0f}{spread}" + ("" if fits(job) else ": does not fit")


def link(words: str, folder: str) -> str:
    """Where figures stand, as a link from `recipes/`."""
    if "not measured" in words:
        return "not measured"
    found = re.search(r"(\S+\.md)", words)
    if not found:
        return "not measured"
    name = found[1]
    target = f"../{name}" if name.startswith("docs/") else f"{folder}/{name}"
    return f"[{name if name.startswith('docs/') else target}]({target})"


def model_of(recipe: Recipe, where: str) -> str:
    """The model of a stage; one that is trained with its size."""
    if "models" in recipe:
        return "several"
    name = str(recipe.get("model_name_or_path") or recipe.get("model") or "")
    short = name.removeprefix(f"{recipe.get('root')}/").rpartition("/")[2]
    if not trains(recipe):
        return short or "-"
    size = find_shape(read_values(recipe, where), where).parameters
    return f"{short or 'new'} ({size / 1e9:.3g}B)" if size >= 1e8 else f"{short or 'new'} ({size / 1e6:.2g}M)"


def row(file: Path, folder: Path) -> str:
    """One line of the table."""
    comment = header(file)
    overlays = re.findall(r"--with (\S+)", comment)
    recipe, _ = read_overlaid(str(file), {"with": overlays})
    paper = re.search(r"paper,? (?:section )?([\d.]+\d)", comment)
    hardware = re.search(r"Hardware: (.*?)(?:[.,;] | Time)", comment)
    measured = re.search(r"Time.*?:\s*(.*?)(?:;| {2}|$)", comment)
    cells = [
        f"`{file.relative_to(folder).with_suffix('')}`",
        paper[1] if paper else "-",
        model_of(recipe, str(file)),
        hardware[1] if hardware else "-",
        planned(file, recipe, overlays),
        link(measured[1] if measured else "", file.parent.name),
    ]
    return f"| {' | '.join(cells)} |"


def overview(folder: Path) -> str:
    """The table."""
    return "\n".join([HEAD, *(row(file, folder) for file in recipe_files(folder))])


def write_overview(folder: Path, write: bool) -> str:
    """The table; with `write` it replaces the one in `folder/README.md`, between the marks."""
    os.environ.setdefault("HF_HUB_OFFLINE", "1")  # the table needs no more than the bundled shapes
    made, file = overview(folder), folder / "README.md"
    if not write:
        return made
    text = file.read_text(encoding="utf-8") if file.is_file() else ""
    if BEGIN not in text or END not in text:
        raise RecipeError(f"{file} has no place for the table", f"add the lines {BEGIN} and {END}")
    before, after = text.partition(BEGIN)[0], text.partition(END)[2]
    file.write_text(f"{before}{BEGIN}\n{made}\n{END}{after}", encoding="utf-8")
    return f"{file} is up to date"
