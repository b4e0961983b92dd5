"""The card of whatever else a stage makes: data, sample stores, evaluations, reports."""

from typing import Any

from .card_facts import Facts, languages_of, sampling_of, shared_words, tags, template
from .card_tables import row_tables
from .licences import joined
from .tables import contamination_text, figures_table, funnel_table, markdown_table, statistics_table

DRAWN = ("samples", "correct", "failed", "tokens", "copies")  # figures of a sample store
SIZES = ((10**3, "n<1K"), (10**4, "1K<n<10K"), (10**5, "10K<n<100K"), (10**6, "100K<n<1M"), (10**7, "1M<n<10M"))


def dataset_card(facts: Facts) -> Any:
    from huggingface_hub import DatasetCard, DatasetCardData

    manifest, tables = facts.manifest, row_tables(facts.directory, facts.configs)
    rows = manifest.get("rows") or manifest.get("samples") or 0
    pictures = sorted(path.name for path in facts.directory.glob("*.png"))
    told = {name: manifest[name] for name in DRAWN if name in manifest} | (manifest.get("figures") or {})
    results = manifest.get("metrics") or facts.read("results.json").get("stages") or {}
    words = shared_words(facts) | {
        "sampling": ", ".join(f"`{name}` {value}" for name, value in sampling_of(manifest).items()),
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
