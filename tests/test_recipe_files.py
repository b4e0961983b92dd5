"""
Every recipe in the repository is read by the code that will run it, says what it costs, and states what TRL's defaults
hide.
"""

import pytest
from conftest import REPOSITORY

from open_r1.core.recipes import fill, fill_all, inherited, load_recipe
from open_r1.curate import CurateArguments
from open_r1.decontaminate import DecontaminateArguments
from open_r1.evaluate import EvaluateArguments
from open_r1.mix import MixArguments
from open_r1.prefer import PreferArguments
from open_r1.report import ReportArguments
from open_r1.sampling.arguments import GenerateArguments
from open_r1.training.arguments import GRPOArguments, RewardModelArguments, SFTArguments, grpo_sizes

SHARED = ("base", "hardware", "objectives", "accelerate_configs")  # what recipes inherit, or what is laid over them
RECIPES = [
    path
    for path in sorted((REPOSITORY / "recipes").glob("*/*.yaml"))
    if not path.stem.endswith("_examples") and path.parent.name not in SHARED
]
PIPELINES = [path for path in RECIPES if isinstance(inherited(path).get("stages"), list)]
STAGES = [(pipeline, entry) for pipeline in PIPELINES for entry in inherited(pipeline)["stages"]]
FILES = {
    (entry["run"], (pipeline.parent / entry.get("recipe", f"{entry['name']}.yaml")).resolve())
    for pipeline, entry in STAGES
}
FILES |= {
    ("grpo", REPOSITORY / "recipes/SmolLM2-135M/zero.yaml"),
    ("evaluate", REPOSITORY / "recipes/SmolLM2-135M/evaluate.yaml"),
}
FILES |= {("sft", REPOSITORY / f"recipes/Qwen2.5-1.5B/{name}.yaml") for name in ("distill_lora", "distill_qlora")}
FILES |= {("grpo", REPOSITORY / "recipes/Qwen2.5-1.5B/reasoning_rl_lora.yaml")}
DATA = ("rl_prompts", "cold_start_data", "rejection_sampling")
FILES |= {
    ("curate", REPOSITORY / f"recipes/{size}/{name}.yaml") for size in ("Qwen2.5-7B", "Qwen2.5-32B") for name in DATA
}
SIZES = ("Qwen2.5-1.5B", "Qwen2.5-7B", "Qwen2.5-32B")
FILES |= {("mix", REPOSITORY / f"recipes/{size}/distill_mixture.yaml") for size in SIZES}
FILES |= {("sft", path) for path in RECIPES if path.stem == "distill"}
FILES |= {("grpo", path) for path in RECIPES if path.stem in ("zero_dr_grpo", "zero_dapo", "zero_gspo", "zero_cispo")}
ALIGNMENT = {"general_prompts": "decontaminate", "preference_pairs": "prefer", "safety_labels": "decontaminate"}
FILES |= {(run, REPOSITORY / f"recipes/Qwen2.5-7B/{name}.yaml") for name, run in ALIGNMENT.items()}
PLAIN = {
    "curate": CurateArguments,
    "decontaminate": DecontaminateArguments,
    "prefer": PreferArguments,
    "evaluate": EvaluateArguments,
    "generate": GenerateArguments,
    "report": ReportArguments,
    "mix": MixArguments,
}
STATED = (
    "loss_type",
    "beta",
    "epsilon",
    "scale_rewards",
    "generation_batch_size",
    "temperature",
    "max_completion_length",
)
STATED += (
    "mask_truncated_completions",
    "use_bias_correction_kl",
    "sync_ref_model",
    "ref_model_mixup_alpha",
    "ref_model_sync_steps",
    "dtype",
)


def each(*commands: str) -> list:
    chosen = sorted((command, path) for command, path in FILES if command in commands)
    return [pytest.param(command, path, id=f"{path.parent.name}/{path.stem}") for command, path in chosen]


def test_pipelines_are_found():
    assert {"mini", "SmolLM2-135M", "Qwen2.5-7B", "DeepSeek-V3-Base"} <= {path.parent.name for path in PIPELINES}


@pytest.mark.parametrize(("command", "path"), each("sft", "grpo", "reward-model"))
@pytest.mark.parametrize("smoke", [False, True])
def test_training_recipe_is_parsed_by_trl(command, path, smoke, monkeypatch):
    from trl import GRPOConfig, ModelConfig, RewardConfig, SFTConfig

    ours, theirs = {
        "sft": (SFTArguments, SFTConfig),
        "grpo": (GRPOArguments, GRPOConfig),
        "reward-model": (RewardModelArguments, RewardConfig),
    }[command]
    recipe = load_recipe(path, {"use_cpu": True, "bf16": False}, smoke)
    full = grpo_sizes(recipe, str(path)) if command == "grpo" else recipe
    args, config, model = fill_all((ours, theirs, ModelConfig), full, str(path))
    assert (
        args.datasets and config.output_dir.startswith(args.root) and (model.model_name_or_path or args.model_config)
    )


@pytest.mark.parametrize(("command", "path"), each(*PLAIN))
@pytest.mark.parametrize("smoke", [False, True])
def test_plain_recipe_is_parsed(command, path, smoke):
    assert fill(PLAIN[command], load_recipe(path, {}, smoke), str(path)).output_dir


@pytest.mark.parametrize(("command", "path"), each("sft", "grpo", "reward-model", *PLAIN))
def test_recipe_opens_with_purpose_hardware_and_command(command, path):
    head = [line for line in path.read_text().splitlines() if line.startswith("#")]
    text = "\n".join(head)
    assert head[0].startswith("# ") and "Hardware:" in text and f"--config {path.relative_to(REPOSITORY)}" in text
    assert "Time" in text or "seconds" in text


@pytest.mark.parametrize(("command", "path"), each("grpo"))
def test_grpo_recipe_states_what_trl_would_decide_otherwise(command, path):
    assert not set(STATED) - set(load_recipe(path))


@pytest.mark.parametrize(("command", "path"), each("sft"))
def test_sft_recipe_states_length_packing_and_mask(command, path):
    assert not {"max_length", "packing", "completion_only_loss", "dtype"} - set(load_recipe(path))


def test_real_model_recipe_runs_two_steps_with_a_tiny_model(smoke_root, tmp_path, monkeypatch):
    from open_r1 import grpo
    from open_r1.core.artifacts import read_manifest

    pytest.importorskip("reasoning_gym")
    monkeypatch.chdir(REPOSITORY)
    options = [
        "--model_name_or_path",
        str(smoke_root / "base"),
        "--output_dir",
        str(tmp_path / "out"),
        "--use_cpu",
        "true",
        "--bf16",
        "false",
    ]
    grpo.main(["--config", "recipes/SmolLM2-135M/zero.yaml", "--smoke", *options])
    assert read_manifest(tmp_path / "out")["steps"] == 2


@pytest.mark.parametrize("size", ["Qwen2.5-7B", "Qwen2.5-32B"])
@pytest.mark.parametrize(
    ("name", "model"), [("rl_prompts", "zero"), ("cold_start_data", "zero"), ("rejection_sampling", "reasoning_rl")]
)
def test_data_recipe_runs_with_a_tiny_model(smoke_root, tmp_path, monkeypatch, size, name, model):
    from open_r1 import curate
    from open_r1.core.artifacts import read_manifest

    monkeypatch.chdir(REPOSITORY)
    options = ["--model", str(smoke_root / model), "--output_dir", str(tmp_path / "out")]
    curate.main(["--config", f"recipes/{size}/{name}.yaml", "--smoke", *options])
    manifest = read_manifest(tmp_path / "out")
    assert manifest["rows"] == (12 if name == "rejection_sampling" else 4) and manifest["contamination"] is None


@pytest.mark.parametrize(("name", "domains"), [("general_prompts", {"general", "harm"}), ("safety_labels", {"harm"})])
def test_prompts_and_labels_are_made_without_a_model(tmp_path, monkeypatch, name, domains):
    import pyarrow.parquet as pq

    from open_r1 import decontaminate

    monkeypatch.chdir(REPOSITORY)
    words = ["--config", f"recipes/Qwen2.5-7B/{name}.yaml", "--smoke", "--output_dir", str(tmp_path / "out")]
    decontaminate.main(words)
    rows = pq.read_table(tmp_path / "out/data.parquet").to_pylist()
    assert len(rows) in (8, 16) and {row["domain"] for row in rows} <= domains | {"reasoning"}
    if name == "safety_labels":
        assert {row["label"] for row in rows} == {0.0, 1.0} and all("<think>" in row["completion"] for row in rows)


def test_preference_recipe_runs_with_a_tiny_model_and_a_judge(tmp_path, server, monkeypatch):
    from test_prefer import says
    from tiny_models import save_tiny_base

    from open_r1 import prefer
    from open_r1.core.artifacts import read_manifest

    server.otherwise = says(lambda a, b: f"{'AB'[a < b]} much better")
    monkeypatch.chdir(REPOSITORY)
    words = ["--config", "recipes/Qwen2.5-7B/preference_pairs.yaml", "--smoke", "--output_dir", str(tmp_path / "out")]
    model = save_tiny_base(tmp_path / "model", "chatml")
    prefer.main([*words, "--model", model, "--judge.url", server.url])
    manifest = read_manifest(tmp_path / "out")
    assert manifest["funnel"][0]["before"] == 32 and manifest["figures"]["votes"] == 4 * 16


def test_the_general_set_names_its_domains_and_says_who_the_model_is():
    from open_r1.data.sources import check_source, load_source

    sources = load_recipe(REPOSITORY / "recipes/Qwen2.5-7B/rejection_sampling.yaml")["add"]
    for source in sources:
        check_source(source)
    domains = [source["domain"] for source in sources]
    assert domains == ["general", "writing", "role_play", "translation", "factual", "about_itself"]
    rows = load_source(sources[-1] | {"path": str(REPOSITORY / sources[-1]["path"])})
    assert set(rows["language"]) == {"en", "zh"} and set(rows["domain"]) == {"about_itself"} and all(rows["response"])


def test_examples_of_the_rewriter_are_read_and_right():
    from open_r1.data.rewriting import read_examples
    from open_r1.verify import verify

    for example in read_examples(str(REPOSITORY / "recipes/Qwen2.5-7B/rewrite_examples.yaml")):
        answer = verify("math", "0", f"<think> {example['rewritten']} </think> {example['summary']}").answer
        assert answer and answer in example["reasoning"] and answer in example["rewritten"]
