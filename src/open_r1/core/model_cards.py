"""The card of a model: its template's words, and the metadata by which the Hub finds it."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .card_facts import CURVES, RESULTS, Facts, languages_of, shared_words, tags, template
from .formats import ResponseFormat
from .inputs import ADAPTER, is_adapter, read_manifest
from .licences import joined
from .lineage import ARTIFACT, Source, base_of
from .tables import fenced, figures_table, markdown_table

SETTINGS = """learning_rate lr_scheduler_type warmup_steps weight_decay max_grad_norm optimizer optim rows_per_step
prompts_per_step num_generations generation_batch_size num_iterations num_train_epochs max_steps max_length packing
max_completion_length temperature top_p top_k loss_type beta epsilon epsilon_high scale_rewards
mask_truncated_completions sync_ref_model ref_model_sync_steps objective use_peft lora_r lora_alpha lora_target_modules
load_in_4bit dtype seed"""
SHOWN, LONGEST = 5, 2000  # completions in a card, and characters of one


def model_card(facts: Facts) -> Any:
    from huggingface_hub import ModelCard, ModelCardData

    config, sampling = facts.read("config.json"), facts.read("generation_config.json")
    place = facts.model or facts.directory
    adapter = is_adapter(place)
    settings = facts.read(ADAPTER) if adapter else {}
    scores = settings.get("task_type") == "SEQ_CLS" or any("SequenceC" in n for n in config.get("architectures") or [])
    base = base_of(facts.recipe, facts.inputs, facts.namespace)
    words = shared_words(facts) | {
        "base": base,
        "adapter": adapter,
        "lora_rank": settings.get("r"),
        "scores": scores,
        "format": None if scores else response_format(facts),
        "context": context_of(config or (base_config(base) if base else {})),
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
    place = facts.model or facts.directory
    if not (place / "tokenizer_config.json").is_file():
        return None
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(place, trust_remote_code=bool(facts.recipe.get("trust_remote_code")))
    if tokenizer.chat_template is None:
        return None
    return ResponseFormat.of(facts.recipe.get("response_format", "r1"), tokenizer)


def context_of(config: Mapping[str, Any]) -> int | None:
    """Tokens that a model can read, by its configuration."""
    return (config.get("text_config") or config).get("max_position_embeddings")


def base_config(base: Source) -> dict[str, Any]:
    """The configuration of an adapter's base, where it is on this disk."""
    file = Path(base.name).expanduser() / "config.json"
    return json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}


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
    return {"prompt": fenced(question), "text": fenced(cut), "note": f"{tokens} tokens, {end}"}


def shown(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
