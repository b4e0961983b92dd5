"""What a pipeline file says: its stages with their resolved recipes, how they start, and what each asks Slurm for.

`slurm:` in a pipeline or an overlay is a mapping from a command, or a stage's name, to what `cluster/resources.py`
reads; what stands by the name wins.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from .commands import COMMANDS
from .errors import RecipeError
from .fields import check_keys
from .keys import keys_of
from .pipeline_stage import Stage, connect
from .recipes import Recipe, has_sections, inherited, load_recipe, merge, parse_overrides, read_overlay, section

PUBLISHED = ("push_to_hub", "hub_namespace", "hub_private")  # said once for all stages


def read_pipeline(path: Path, options: Recipe) -> tuple[list[Stage], Any, int]:
    """The stages of a pipeline file, resolved for the root and seed of this run, how to launch them, and how many."""
    pipeline = inherited(path)
    check_keys(pipeline, ("root", "seed", "launch", "jobs", "slurm", "stages", *PUBLISHED), str(path))
    if not isinstance(pipeline.get("stages"), list) or not pipeline["stages"]:
        raise RecipeError(f"{path}: lists no `stages`", "add `stages:` with entries like `{name: base, run: sft}`")
    shared, overlays = shared_values(pipeline, options), read_overlays(options.get("with", []))
    smoke = bool(options.get("smoke"))
    stages = [make_stage(entry, path, shared, smoke, overlays) for entry in pipeline["stages"]]
    check_outputs(stages, str(path))
    add_resources(stages, {str(path): pipeline} | overlays)
    connect(stages)
    jobs = options.get("jobs", pipeline.get("jobs", 1))
    if isinstance(jobs, bool) or not isinstance(jobs, int) or jobs < 1:
        raise RecipeError(f"{path}: `jobs: {jobs}` is no number of stages", "give 1 or more")
    over = [] if smoke else [overlay["launch"] for overlay in overlays.values() if overlay.get("launch")]
    launch = [pipeline.get("launch", "fork"), *over][-1]
    if launch not in ("fork", "python") and not (launch and isinstance(launch, list)):
        raise RecipeError(f"{path}: `launch: {launch}`", "write `fork`, `python`, or a command as a list of its words")
    return stages, [str(word) for word in launch] if isinstance(launch, list) else launch, jobs


def check_outputs(stages: list[Stage], where: str) -> None:
    """Raises `RecipeError` unless each stage has a name, a directory and a place on the Hub of its own."""
    made: set[str] = set()
    for stage in stages:
        if not stage.recipe.get("output_dir"):
            raise RecipeError(f"{where}, stage {stage.name}: its recipe names no `output_dir`", "add `${root}/NAME`")
        taken = [f"the name {stage.name}", f"the output {stage.output}"]
        if stage.publishes:
            name, kind, _, revision = stage.repository
            taken.append(f"the {kind} {name}@{revision} on the Hub")
        for what in taken:
            if what in made:
                raise RecipeError(f"{where}: {what} stands for two stages", "give each stage its own")
            made.add(what)


def add_resources(stages: list[Stage], files: dict[str, Recipe]) -> None:
    """Fills in what each stage asks Slurm for, from the `slurm` of the pipeline and of the overlays on it."""
    slurm: Recipe = {}
    for file, content in files.items():
        found = section(content, "slurm", file)
        check_keys(found, (*COMMANDS, *(stage.name for stage in stages)), f"{file}, `slurm`")
        slurm = merge(slurm, {name: section(found, name, f"{file}, `slurm`") for name in found})
    for stage in stages:
        stage.resources = merge(slurm.get(stage.command, {}), slurm.get(stage.name, {}))


def read_overlays(files: list[str]) -> dict[str, Recipe]:
    """The overlays of a run by file; raises `RecipeError` for plain keys, which not all of its commands know."""
    overlays = {file: read_overlay(Path(file)) for file in files}
    for file, overlay in overlays.items():
        if not has_sections(overlay):
            raise RecipeError(
                f"{file}: keys without a command, and a pipeline has stages of several",
                f"put them below one (`grpo: ...`), or `inherit` {file} in the recipe of the stage",
            )
    return overlays


def own_root(path: Path, options: Recipe) -> str:
    """The root that a pipeline has where a run names none."""
    return shared_values(inherited(path), {key: value for key, value in options.items() if key != "root"})["root"]


def shared_values(pipeline: Recipe, options: Recipe) -> Recipe:
    """Root, seed and publishing that every stage gets; another seed, and a smoke run, have a root of their own."""
    seed = options.get("seed", pipeline.get("seed", 0))
    root = options.get("root")
    if root is None:
        root = str(pipeline.get("root", "data"))
        root += "" if seed == pipeline.get("seed", 0) else f"-seed{seed}"
        root += "-smoke" if options.get("smoke") else ""
    published = {name: source[name] for source in (pipeline, options) for name in PUBLISHED if name in source}
    return {"root": str(root), "seed": seed, **published}


def make_stage(entry: Any, path: Path, shared: Recipe, smoke: bool, overlays: dict[str, Recipe]) -> Stage:
    """One entry of `stages` with its resolved recipe, under the overlays that speak to its command."""
    if not isinstance(entry, dict) or not entry.get("name") or entry.get("run") not in COMMANDS:
        raise RecipeError(f"{path}: stage {entry!r} needs `name` and `run`", f"`run` is one of {', '.join(COMMANDS)}")
    check_keys(entry, ("name", "run", "recipe"), f"{path}, stage {entry['name']}")
    recipe_file = path.parent / entry.get("recipe", f"{entry['name']}.yaml")
    files = [file for file, overlay in overlays.items() if entry["run"] in overlay]
    recipe = load_recipe(recipe_file, shared, smoke, files, entry["run"])
    arguments = ["--config", str(recipe_file), *(["--smoke"] if smoke else [])]
    arguments += [word for file in files for word in ("--with", file)]
    arguments += [word for key, value in shared.items() for word in (f"--{key}", str(value))]
    log = Path(shared["root"]) / "logs" / f"{entry['name']}.log"
    keys = keys_of(COMMANDS[entry["run"]].arguments)
    return Stage(entry["name"], entry["run"], arguments, recipe, log, keys)


def select(stages: list[Stage], options: Recipe) -> list[Stage]:
    """The stages that `--from`, `--to` and `--only` leave."""
    names = [stage.name for stage in stages]
    for key in ("from", "to", "only", "force"):
        if key in options and options[key] not in names:
            raise RecipeError(f"--{key} {options[key]}: no such stage", f"use one of {', '.join(names)}")
    if "only" in options:
        return [stages[names.index(options["only"])]]
    first, last = options.get("from", names[0]), options.get("to", names[-1])
    if names.index(first) > names.index(last):
        raise RecipeError(f"--from {first} comes after --to {last}", f"the order is {', '.join(names)}")
    return stages[names.index(first) : names.index(last) + 1]


def downstream(stages: list[Stage], name: str) -> list[Stage]:
    """A stage and all that read its artifact, directly or not."""
    return [stage for stage in stages if name in (stage.name, *stage.needs)]


def is_pipeline(word: str) -> bool:
    """Whether a word of a command line names a file such as a pipeline's."""
    return word.endswith((".yaml", ".yml")) and not word.startswith("--")


def read_options(arguments: list[str], known: Iterable[str], usage: str) -> tuple[Recipe, Path]:
    """
    The options of a command about a pipeline, and the pipeline among them, wherever it stands.

    Args:
        arguments (`list[str]`):
            The command line.
        known (`Iterable[str]`):
            The options that the command has.
        usage (`str`):
            How it is called, for error messages.

    Returns:
        `tuple[dict, Path]`. Raises `RecipeError` for unknown options, and without a pipeline.
    """
    before = ["", *arguments]
    places = [n for n, word in enumerate(arguments) if is_pipeline(word) and before[n] != "--with"]
    if len(places) != 1:
        raise RecipeError("no pipeline given", usage)
    options = parse_overrides([word for n, word in enumerate(arguments) if n != places[0]])
    check_keys(options, known, "command line")
    return options, Path(arguments[places[0]])
