"""The card (README.md) of an artifact: what it is, what it was made from, how good it is, how to use it.

Every stage writes one when it is done (`Artifact.finish`), from its manifest and what lies in its directory; the
report writes a model's again with its results, which `evaluation.json` keeps; publishing writes it once more with what
only it knows (`hub/cards.py`). All of them call `write_card`; the words are in two templates, which `huggingface_hub`
renders.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from .columns import languages, row_tables
from .files import write_atomically
from .formats import ResponseFormat
from .inputs import ADAPTER, read_manifest
from .licences import Licence, joined, read_licence
from .lineage import ARTIFACT, Source, base_of, chain, data_of, leaves, root_of, writers_of
from .publishing import MODEL, kind_of
from .recipes import Recipe
from .tables import contamination_text, fenced, figures_table, funnel_table, markdown_table, quoted, statistics_table

CARD, RESULTS, CURVES = "README.md", "evaluation.json", "curves.png"
SETTINGS = """learning_rate lr_scheduler_type warmup_steps weight_decay max_grad_norm optimizer optim rows_per_step
prompts_per_step num_generations generation_batch_size num_iterations num_train_epochs max_steps max_length packing
max_completion_length temperature top_p top_k loss_type beta epsilon epsilon_high scale_rewards
mask_truncated_completions sync_ref_model ref_model_sync_steps objective use_peft lora_r lora_alpha lora_target_modules
load_in_4bit dtype seed"""
SAMPLING = ("num_samples", "temperature", "top_p", "max_new_tokens", "engine", "seed")
DRAWN = ("samples", "correct", "failed", "tokens", "copies")  # figures of a sample store
SIZES = ((10**3, "n<1K"), (10**4, "1K<n<10K"), (10**5, "10K<n<100K"), (10**6, "100K<n<1M"), (10**7, "1M<n<10M"))
SHOWN, LONGEST = 5, 2000  # completions in a card, and characters of one
CONTROLS = {code: 0x2400 + code for code in range(32) if code not in (9, 10)}  # shown as signs of their own


@dataclass
class Facts:
    """
    What a card is made from.

    Args:
        directory (`Path`):
            What the card describes, and where it goes.
        artifact (`Path`):
            The output of the stage: the directory itself, or where one of its checkpoints comes from.
        manifest (`dict`):
            Its manifest, or what of it is known yet.
        repository (`str`, *optional*):
            Where it is published.
        revision (`str`, *optional*):
            The branch there.
        samples (`Sequence`, *optional*):
            Completions to show: messages, text, tokens, whether it stopped by itself.
        licences (`list[Licence]`, *optional*):
            Those of the base, or of the sources.
        configs (`list[dict]`, *optional*):
            How its tables are found by `load_dataset`.
    """

    directory: Path
    artifact: Path
    manifest: dict[str, Any]
    repository: str = ""
    revision: str = "main"
    samples: Sequence[tuple[list[dict[str, str]], str, int, bool]] = ()
    licences: list[Licence] = field(default_factory=list)
    configs: list[dict[str, Any]] | None = None

    @property
    def recipe(self) -> Recipe:
        return self.manifest.get("recipe") or {}

    @property
    def inputs(self) -> dict[str, str]:
        return self.manifest.get("inputs") or {}

    @property
    def namespace(self) -> str:
        return self.repository.rpartition("/")[0]

    @property
    def name(self) -> str:
        return self.repository or self.artifact.name

    def read(self, name: str) -> dict[str, Any]:
        """A JSON file of the directory, else of the artifact; empty for none."""
        for place in (self.directory, self.artifact):
            if (place / name).is_file():
                return json.loads((place / name).read_text(encoding="utf-8"))
        return {}


def write_card(directory: Path, manifest: dict[str, Any] | None = None, **known: Any) -> None:
    """
    Writes the card of an artifact.

    Args:
        directory (`Path`):
            What it describes, and where it goes.
        manifest (`dict`, *optional*):
            Its manifest, by default the one that lies there.
        known:
            What else [`Facts`] has.
    """
    artifact = known.pop("artifact", directory)
    facts = Facts(directory, artifact, manifest or read_facts(artifact), **known)
    if not facts.licences:
        facts.licences = [licence_here(source) for source in licensed(facts)]
    card = model_card(facts) if kind_of(directory) == MODEL else dataset_card(facts)
    write_atomically(directory / CARD, f"{card}\n")


def add_results(directory: Path, stages: dict[str, Any], about: dict[str, Any]) -> None:
    """Keeps a model's row of an evaluation, and how it was measured, beside its card, and writes that again."""
    write_atomically(directory / RESULTS, json.dumps({"stages": stages, **about}, indent=2, ensure_ascii=False))
    write_card(directory)


def read_facts(artifact: Path) -> dict[str, Any]:
    """The manifest of an artifact, or what a stage that still runs has left of it."""
    if found := read_manifest(artifact):
        return found
    recipe, started = artifact / "recipe.yaml", artifact / "started.json"
    known = json.loads(started.read_text(encoding="utf-8")) if started.is_file() else {}
    return known | {"recipe": yaml.safe_load(recipe.read_text(encoding="utf-8")) if recipe.is_file() else {}}


# ------------------------------------------------------------------------------------------------------------ models


def model_card(facts: Facts) -> Any:
    from huggingface_hub import ModelCard, ModelCardData

    config, sampling = facts.read("config.json"), facts.read("generation_config.json")
    adapter = (facts.directory / ADAPTER).is_file() and not (facts.directory / "config.json").is_file()
    settings = facts.read(ADAPTER) if adapter else {}
    scores = settings.get("task_type") == "SEQ_CLS" or any("SequenceC" in n for n in config.get("architectures") or [])
    base = base_of(facts.recipe, facts.inputs, facts.namespace)
    words = shared_words(facts) | {
        "base": base,
        "adapter": adapter,
        "lora_rank": settings.get("r"),
        "scores": scores,
        "format": None if scores else response_format(facts),
        "context": conshown(config),
        "temperature": sampling.get("temperature", 0.6),
        "top_p": sampling.get("top_p", 0.95),
        "curves": (facts.directory / CURVES).is_file(),
        "results": results_table(facts),
        "measured": facts.read(RESULTS),
        "samples": [shown_sample(*sample) for sample in facts.samples[:SHOWN]],
        "training": figures_table(
            {f"`{key}`": shown(facts.recipe[key]) for key in SETTINGS.split() if key in facts.recipe}, "setting"
        ),
        "rewards": rewards_of(facts.recipe),
    }
    data = ModelCardData(
        **joined(facts.licences[:1]),
        library_name="peft" if adapter else "transformers",
        pipeline_tag="text-classification" if scores else "text-generation",
        language=languages_of(facts) or None,
        base_model=published_base(base, facts),
        base_model_relation=("adapter" if adapter else "finetune") if published_base(base, facts) else None,
        datasets=[source.repository for source in words["data"] if source.repository] or None,
        tags=["open_r1", *tags(facts)],
        **({"model_name": facts.name, "eval_results": found} if (found := evaluations(facts)) else {}),
    )
    return ModelCard.from_template(data, template_path=template("model_card"), **words)


def response_format(facts: Facts) -> ResponseFormat | None:
    """How the model writes; `None` where it has no chat template."""
    if not (facts.directory / "tokenizer_config.json").is_file():
        return None
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(
        facts.directory, trust_remote_code=bool(facts.recipe.get("trust_remote_code"))
    )
    if tokenizer.chat_template is None:
        return None
    return ResponseFormat.of(facts.recipe.get("response_format", "r1"), tokenizer)


def conshown(config: Mapping[str, Any]) -> int | None:
    """Tokens that a model can read, by its configuration."""
    return (config.get("text_config") or config).get("max_position_embeddings")


def published_base(base: Source | None, facts: Facts) -> str | None:
    """The nearest model on the Hub that this one derives from: the base, or one further down."""
    while base and not base.repository and base.origin == ARTIFACT:
        below = read_manifest(base.name) or {}
        base = base_of(below.get("recipe", {}), below.get("inputs", {}), facts.namespace)
    return base.repository or None if base else None


def rewards_of(recipe: Mapping[str, Any]) -> list[str]:
    """The rewards of a training, in words."""
    rewards = recipe.get("rewards") or {}
    found = {name: settings if isinstance(settings, Mapping) else {} for name, settings in rewards.items()}
    return [f"`{name}` (weight {settings.get('weight', 1.0):g})" for name, settings in found.items()]


def results_table(facts: Facts) -> str:
    """The model's rows of the latest evaluation; empty where it was not evaluated."""
    stages = facts.read(RESULTS).get("stages")
    return markdown_table(stages) if stages else ""


def evaluations(facts: Facts) -> list[Any]:
    """pass@1 of each data set in the Hub's form."""
    from huggingface_hub import EvalResult

    about = facts.read(RESULTS)
    return [
        EvalResult(
            task_type="text-generation",
            task_name="Text Generation",
            dataset_type=source.get("path", name),
            dataset_name=name,
            dataset_config=source.get("name"),
            dataset_split=source.get("split", "train"),
            dataset_revision=about.get("inputs", {}).get(source.get("path")) or source.get("revision"),
            metric_type="pass@1",
            metric_name=f"pass@1 of {row['samples']} samples, {name}",
            metric_value=round(row["pass@1"], 4),
            metric_args={"95% interval": [round(end, 4) for end in row["pass@1_ci"]], **about.get("sampling", {})},
        )
        for stage in about.get("stages", {}).values()
        for name, row in stage.get("by_dataset", {}).items()
        for source in [about.get("datasets", {}).get(name, {})]
    ]


def shown_sample(messages: list[dict[str, str]], text: str, tokens: int, stopped: bool) -> dict[str, Any]:
    """A completion for a card: cut, and with nothing in it that Markdown would read."""
    cut = text if len(text) <= LONGEST else f"{text[:LONGEST]} ... ({len(text) - LONGEST} more characters)"
    end = "ended by itself" if stopped else "did not end by itself"
    question = "\n\n".join(message["content"] for message in messages if message["role"] == "user")
    return {"prompt": fenced(plain(question)), "text": fenced(plain(cut)), "note": f"{tokens} tokens, {end}"}


def plain(text: str) -> str:
    """A text with one kind of line ends, and control characters as visible signs."""
    return text.replace("\r\n", "\n").translate(CONTROLS)


# ---------------------------------------------------------------------------------------------------------- datasets


def dataset_card(facts: Facts) -> Any:
    from huggingface_hub import DatasetCard, DatasetCardData

    manifest, tables = facts.manifest, row_tables(facts.directory, facts.configs)
    rows = manifest.get("rows") or manifest.get("samples") or 0
    pictures = sorted(path.name for path in facts.directory.glob("*.png"))
    told = {name: manifest[name] for name in DRAWN if name in manifest} | (manifest.get("figures") or {})
    results = manifest.get("metrics") or facts.read("results.json").get("stages") or {}
    words = shared_words(facts) | {
        "sampling": ", ".join(f"`{key}` {facts.recipe[key]}" for key in SAMPLING if key in facts.recipe),
        "tables": tables,
        "statistics": statistics_table(manifest["statistics"]) if manifest.get("statistics") else "",
        "figures": figures_table(told) if told else "",
        "funnel": funnel_table(manifest["funnel"]) if manifest.get("funnel") else "",
        "contamination": contamination_text(manifest["contamination"]) if "contamination" in manifest else "",
        "results": markdown_table(results) if results else "",
        "pictures": pictures,
    }
    data = DatasetCardData(
        **joined(facts.licences),
        language=languages_of(facts) or None,
        pretty_name=facts.name.rpartition("/")[2],
        task_categories=["text-generation"] if tables else None,
        size_categories=next((name for size, name in SIZES if rows < size), "n>10M") if rows else None,
        source_datasets=[source.repository for source in words["data"] if source.repository] or None,
        tags=["open_r1", *tags(facts)],
        configs=[table.config for table in tables] or None,
    )
    return DatasetCard.from_template(data, template_path=template("dataset_card"), **words)


# ------------------------------------------------------------------------------------------------------------- both


def shared_words(facts: Facts) -> dict[str, Any]:
    """What both templates ask for."""
    recipe, inputs, manifest = facts.recipe, facts.inputs, facts.manifest
    return {
        "title": facts.name,
        "name": facts.artifact.name,
        "command": manifest.get("command", ""),
        "repository": facts.repository,
        "revision": facts.revision,
        "place": facts.repository or str(facts.directory),
        "settings": recipe,
        "manifest": manifest,
        "data": data_of(recipe, inputs, facts.namespace),
        "writers": writers_of(recipe, inputs, facts.namespace),
        "chain": chain(recipe, inputs, facts.namespace),
        "licences": facts.licences,
        "recipe_text": fenced(shown_recipe(recipe), "yaml"),
        "versions": ", ".join(f"{name} {version}" for name, version in (manifest.get("versions") or {}).items()),
        "duration": duration(manifest["seconds"]) if manifest.get("seconds") is not None else "",
        "quoted": quoted,
    }


def licensed(facts: Facts) -> list[Source]:
    """
    What decides the licence: of a model the one below all its stages; of data what came from elsewhere, and the models
    that wrote them.
    """
    if kind_of(facts.directory) == MODEL:
        root = root_of(base_of(facts.recipe, facts.inputs))
        return [root] if root else []
    return list({source.label: source for source in leaves(facts.recipe, facts.inputs)}.values())


def licence_here(source: Source) -> Licence:
    """A licence as far as this disk knows it."""
    return read_licence(source.label, Path(source.name).expanduser() / CARD)


def languages_of(facts: Facts) -> list[str]:
    """Codes of the languages of an artifact's rows, or of the data that a model was made from."""
    found = set(languages(facts.directory))
    for source in data_of(facts.recipe, facts.inputs) if kind_of(facts.directory) == MODEL else []:
        found |= set(languages(Path(source.name))) if source.origin == ARTIFACT else set()
    entries = [entry for key in ("datasets", "add") for entry in facts.recipe.get(key) or []]
    found |= {str(entry["language"]) for entry in entries if isinstance(entry, Mapping) and entry.get("language")}
    return sorted(found)


def tags(facts: Facts) -> list[str]:
    """The stage, its command, and what trains it."""
    trained = ["trl"] if kind_of(facts.directory) == MODEL and facts.recipe.get("model_name_or_path") else []
    return list(dict.fromkeys(word for word in (facts.artifact.name, facts.manifest.get("command"), *trained) if word))


def shown_recipe(recipe: Recipe) -> str:
    """The recipe as YAML; places below the pipeline's root as recipes write them, wherever that is on this disk."""
    root = str(recipe.get("root") or "")

    def moved(value: Any) -> Any:
        if isinstance(value, Mapping):
            return {key: moved(item) for key, item in value.items()}
        if isinstance(value, list):
            return [moved(item) for item in value]
        inside = root and isinstance(value, str) and value.startswith(f"{root}/")
        return "${root}" + value[len(root) :] if inside else value

    found = moved(recipe)
    if root.startswith("/"):
        found["root"] = f"data/{Path(root).name}"
    return yaml.safe_dump(found, sort_keys=False, allow_unicode=True)


def shown(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def duration(seconds: float) -> str:
    """A time in the unit that fits it."""
    for size, unit in ((3600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.1f} seconds"


def template(name: str) -> str:
    return str(Path(__file__).with_name(f"{name}.md.jinja"))
