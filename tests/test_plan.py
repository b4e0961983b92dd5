"""`open-r1 plan` as a user runs it: the table, what does not fit and what would, the table of recipes, mistakes."""

import json
import re
import subprocess
import sys

import pytest
import yaml
from conftest import REPOSITORY
from tiny_models import save_tiny_base

from open_r1 import plan
from open_r1.cluster.job import GB
from open_r1.cluster.layout import Layout, header, read_layout
from open_r1.cluster.overview import BEGIN, END, overview
from open_r1.cluster.reading import make_job, read_overlaid, read_values
from open_r1.cluster.throughput import hours, length_of

SFT = {
    "model_name_or_path": "Qwen/Qwen2.5-7B", "output_dir": "data/out", "dtype": "bfloat16", "bf16": True,
    "activation_checkpointing": False, "max_length": 4096, "per_device_train_batch_size": 4,
    "gradient_accumulation_steps": 8, "max_steps": 100,
}  # fmt: skip
GRPO = {
    "model_name_or_path": "Qwen/Qwen2.5-7B", "output_dir": "data/out", "dtype": "bfloat16", "bf16": True,
    "rewards": {"accuracy": {"weight": 1.0}}, "beta": 0.001, "num_generations": 16, "prompts_per_step": 32,
    "per_device_train_batch_size": 8, "max_completion_length": 4096, "max_steps": 100,
}  # fmt: skip


@pytest.fixture(autouse=True)
def in_repository(monkeypatch):
    monkeypatch.chdir(REPOSITORY)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")


def write(path, recipe):
    path.write_text(yaml.safe_dump(recipe))
    return str(path)


def planned(capsys, *words):
    """What a plan prints, and the code with which it ends."""
    try:
        plan.main([str(word) for word in words])
        code = 0
    except SystemExit as ended:
        code = ended.code
    told = capsys.readouterr()
    return told.out + told.err, code


def rows_of(text):
    """The table: GB by part."""
    return {name.strip(): float(size) for name, size in re.findall(r"^    (\S.*?)\s{2,}([\d.]+)", text, re.MULTILINE)}


def test_a_recipe_that_fits(capsys):
    text, code = planned(capsys, "recipes/Qwen2.5-1.5B/distill_lora.yaml", "--rows", 100_000)
    rows = rows_of(text)
    assert code == 0 and "36.93M of 1.54B parameters, on 1 x 24 GB" in text and "of 24: fits" in text
    assert sum(rows.values()) - rows["in all"] == pytest.approx(rows["in all"], abs=0.3)
    assert rows["weights"] == pytest.approx((1.5437e9 * 2 + 36.93e6 * 4) / GB, abs=0.1)
    assert "12500 steps of 16 rows, at most 1.64B tokens" in text and "very roughly" in text


@pytest.mark.parametrize("recipe", [SFT, GRPO], ids=["sft", "grpo"])
def test_what_does_not_fit_is_told_with_changes_after_which_it_does(capsys, tmp_path, recipe):
    recipe = recipe | {"max_length": 16384, "max_completion_length": 16384}
    text, code = planned(capsys, write(tmp_path / "recipe.yaml", recipe))
    offers = re.findall(r"fits with (.*): ([\d.]+) GB", text)
    assert code == 1 and "does not fit" in text and len(offers) >= 3
    for offer, size in offers:
        keys = {key: yaml.safe_load(value) for key, value in re.findall(r"(\w+): ([\w.]+)", offer)}
        gpus = re.search(r"--gpus (\d+)", offer)
        changed = write(tmp_path / "changed.yaml", recipe | keys)
        after, code = planned(capsys, changed, *(["--gpus", gpus[1]] if gpus else []))
        assert code == 0 and rows_of(after)["in all"] == float(size), f"{offer}\n{after}"


def test_what_no_recipe_says_is_told_as_assumed(capsys, tmp_path):
    text, _ = planned(capsys, write(tmp_path / "a.yaml", SFT | {"max_length": None}))
    assert "assumed: rows of 1024 tokens" in text
    text, _ = planned(capsys, write(tmp_path / "b.yaml", GRPO))
    assert "assumed: prompts of 512 tokens" in text
    assert "assumed" not in planned(capsys, tmp_path / "b.yaml", "--prompt-tokens", 100)[0]


def test_a_change_keeps_the_rows_of_an_optimiser_step(capsys, tmp_path):
    text, _ = planned(capsys, write(tmp_path / "recipe.yaml", SFT | {"max_length": 32768}))
    assert "activation_checkpointing: true, per_device_train_batch_size: 2, " in text
    for offer in re.findall(r"fits with (.*): [\d.]+ GB", text):
        found = {key: int(value) for key, value in re.findall(r"(\w+): (\d+)", offer)}
        gpus = int((re.search(r"--gpus (\d+)", offer) or [0, 1])[1])
        rows, steps = found.get("per_device_train_batch_size", 4), found.get("gradient_accumulation_steps", 8)
        assert rows * steps * gpus == 32, offer


def test_overlays_and_their_launch_are_read(capsys):
    text, code = planned(capsys, "recipes/Qwen2.5-7B/zero.yaml", "--with", "recipes/hardware/8x80gb.yaml")
    assert code == 0 and "on 8 x 80 GB, FSDP2" in text
    assert (
        "use_vllm: true" in planned(capsys, "recipes/Qwen2.5-7B/zero.yaml")[0]
    )  # without it, generation fits nowhere
    text, _ = planned(capsys, "recipes/Qwen2.5-7B/zero.yaml", "--with", "recipes/hardware/24gb.yaml")
    assert "80.74M of 7.62B parameters, on 1 x 24 GB" in text


@pytest.mark.parametrize(
    ("words", "layout"),
    [
        ({}, Layout(1, False, False, 24 * GB)),
        ({"gpus": 4}, Layout(4, True, False, 24 * GB)),
        ({"memory": 48}, Layout(1, False, False, 48 * GB)),
        ({"accelerate": "recipes/accelerate_configs/ddp.yaml"}, Layout(8, False, False, 24 * GB)),
        ({"accelerate": "recipes/accelerate_configs/fsdp_offload.yaml"}, Layout(8, True, True, 24 * GB)),
        ({"accelerate": "recipes/accelerate_configs/ddp.yaml", "gpus": 2}, Layout(2, False, False, 24 * GB)),
    ],
)
def test_devices_follow_from_the_launch_command_and_the_options(words, layout):
    assert read_layout(["recipes/Qwen2.5-1.5B/distill_lora.yaml"], **words) == layout


def test_the_opening_comment_is_one_line():
    assert header("recipes/mini/zero.yaml").startswith(
        "R1-Zero: GRPO on the base model with accuracy and format rewards"
    )
    assert header("recipes/mini/zero.yaml").endswith("--config recipes/mini/zero.yaml")


@pytest.mark.parametrize(
    ("recipe", "parameters"),
    [
        ("recipes/mini/base.yaml", 656_000),  # `model_config`
        ("recipes/mini/all_scenarios_rl.yaml", 656_000),  # sft <- base
        ("recipes/mini/distill_tiny.yaml", None),  # student_base_tiny, smaller
        ("recipes/SmolLM2-135M/zero.yaml", 134_515_008),  # of its directory's name
        ("recipes/Qwen2.5-1.5B/reasoning_rl_lora.yaml", 1_543_714_304),  # distill_lora <- Qwen/Qwen2.5-1.5B
    ],
)
def test_a_model_that_is_not_made_yet_has_the_shape_of_what_it_is_made_from(recipe, parameters):
    found = make_job(read_overlaid(recipe, {})[0], recipe, Layout())
    assert found.parameters == parameters or (parameters is None and found.parameters < 656_000)


def test_a_directory_says_its_own_shape(tmp_path):
    from transformers import AutoModelForCausalLM

    model = save_tiny_base(tmp_path / "model", "chatml")
    job = make_job(SFT | {"model_name_or_path": model}, "x", Layout())
    assert job.parameters == AutoModelForCausalLM.from_pretrained(model).num_parameters()
    adapter = tmp_path / "adapter"
    adapter.mkdir()
    (adapter / "adapter_config.json").write_text(json.dumps({"base_model_name_or_path": model}))
    assert make_job(SFT | {"model_name_or_path": str(adapter)}, "x", Layout()).shape == job.shape


@pytest.mark.parametrize(
    ("recipe", "changes", "layout", "expected"),
    [
        (SFT, {}, Layout(), {"rows": 4, "tokens": 4096, "accumulation": 8, "bits": 16, "stage": "sft", "drawn": 0}),
        (SFT, {"rows_per_step": 128}, Layout(8, True), {"accumulation": 4, "sharded": True, "devices": 8}),
        (SFT, {"objective": "pairwise"}, Layout(), {"rows": 8, "stage": "reward-model", "scored": 0}),
        (SFT, {"objective": "pointwise"}, Layout(), {"rows": 4, "stage": "reward-model"}),
        (SFT, {"activation_checkpointing": None}, Layout(), {"checkpointing": True}),  # TRL's default
        (SFT, {"gradient_checkpointing": False, "activation_checkpointing": None}, Layout(), {"checkpointing": False}),
        (SFT, {"use_peft": True, "lora_r": 8, "load_in_4bit": True}, Layout(), {"rank": 8, "bits": 4}),
        (SFT, {"optim": "paged_adamw_8bit"}, Layout(), {"optimizer": "8bit", "kept_bytes": 2.0}),
        (SFT, {"label_smoothing_factor": 0.1}, Layout(), {"whole_logits": True}),
        (GRPO, {}, Layout(), {"tokens": 4608, "prompt": 512, "scored": 4096, "accumulation": 64, "drawn": 512}),
        (GRPO, {}, Layout(8, True), {"accumulation": 8, "drawn": 64, "reference": True, "trained_bytes": 4}),
        (GRPO, {"generation_batch_size": 8192}, Layout(8), {"drawn": 1024}),
        (GRPO, {"beta": 0.0}, Layout(), {"reference": False}),
        (GRPO, {"use_peft": True}, Layout(), {"reference": False}),
        (GRPO, {"use_vllm": True}, Layout(), {"vllm": 0.3, "drawn": 0}),
        (GRPO, {"use_vllm": True, "vllm_mode": "server"}, Layout(), {"vllm": 0.0, "drawn": 0}),
        (GRPO, {"use_cpu": True}, Layout(), {"cpu": True, "scored": 4608}),
        (GRPO, {"max_completion_length": 64}, Layout(), {"prompt": 64}),
    ],
    ids=str,
)  # fmt: skip
def test_each_key_is_read(recipe, changes, layout, expected):
    job = make_job(recipe | changes, "x", layout)
    assert {name: getattr(job, name) for name in expected} == expected


def test_reward_models_are_held_unless_they_are_served():
    rewards = {
        "helpful": {"model": "Qwen/Qwen2.5-1.5B"},
        "safety": {"model": "Qwen/Qwen2.5-1.5B", "url": "http://x/v1"},
    }
    (held,) = make_job(GRPO | {"rewards": rewards}, "x", Layout()).scorers
    assert held[1] == 32768 and held[0].hidden_size == 1536


@pytest.mark.parametrize(
    ("recipe", "rows", "steps", "batch", "tokens"),
    [
        (SFT, None, 100, 32, 100 * 32 * 4096),
        (SFT | {"max_steps": -1, "num_train_epochs": 2}, 1600, 100, 32, 100 * 32 * 4096),
        (SFT | {"max_steps": -1, "datasets": [{"path": "a", "limit": 320}]}, None, 30, 32, 30 * 32 * 4096),
        (GRPO, None, 100, 512, 100 * 512 * 4608),
        (GRPO | {"max_steps": -1, "num_train_epochs": 1}, 3200, 100, 512, 100 * 512 * 4608),
    ],
)
def test_steps_and_tokens(recipe, rows, steps, batch, tokens):
    values, job = read_values(recipe, "x"), make_job(recipe, "x", Layout())
    assert length_of(recipe, values, job, rows) == (steps, batch, tokens)
    assert length_of(SFT | {"datasets": [{"path": "a"}]}, read_values(SFT | {"max_steps": -1}, "x"), job) is None


def test_hours_follow_the_stated_formula():
    """6 operations a parameter and token, 8 when blocks are computed again, 40% of an H100; twice the GPUs, half."""
    recipe = SFT | {"max_length": 512}
    values, job = read_values(recipe, "x"), make_job(recipe, "x", Layout())
    length = length_of(recipe, values, job)
    plain = length.tokens * 6 * job.shape.active / (0.4 * 989e12) / 3600
    assert hours(job, length, values) == pytest.approx(plain, rel=0.03)  # attention is little at this length
    again = make_job(recipe | {"activation_checkpointing": True}, "x", Layout())
    assert hours(again, length, values) / hours(job, length, values) == pytest.approx(4 / 3)
    assert hours(make_job(recipe, "x", Layout(2)), length, values) * 2 == pytest.approx(hours(job, length, values))


def test_generation_costs_more_with_transformers_than_with_vllm():
    values = read_values(GRPO, "x"), read_values(GRPO | {"use_vllm": True}, "x")
    jobs = [make_job(GRPO | {"beta": 0.0} | one, "x", Layout(8, True)) for one in ({}, {"use_vllm": True})]
    length = length_of(GRPO, values[0], jobs[0])
    slow, fast = (hours(job, length, one) for job, one in zip(jobs, values, strict=True))
    assert slow > fast > 0


@pytest.mark.parametrize(
    ("words", "message", "fix"),
    [
        ([], "no recipe given", "open-r1 plan recipes/"),
        (["none.yaml"], "none.yaml: no such recipe", "give the path"),
        (["recipes/Qwen2.5-7B/rl_prompts.yaml"], "rl_prompts.yaml trains no model", "plan a recipe of `sft`"),
        (["recipes/mini/base.yaml", "--gpus", "0"], "--gpus 0", "at least 1"),
        (["recipes/mini/base.yaml", "--gpu-memory", "-1"], "--gpu-memory -1", "GB of one GPU"),
        (["recipes/Qwen2.5-7B/zero.yaml", "--gpus", "3"], "512 rows per step, which 3 device(s)", "divide 512"),
        (["recipes/mini/sft.yaml", "--model_name_or_path", "org/unknown"], "org/unknown is none of", "Qwen2.5"),
        (["recipes/mini/sft.yaml", "--model_name_or_path", "./no/where"], "./no/where does not exist", "run the"),
        (["recipes/mini/sft.yaml", "--dtype", "int3"], "`dtype: int3` is unknown", "float32"),
        (["recipes/mini/base.yaml", "--model_config.model_type", "mamba"], "no plan for `model_type: mamba`", "llama"),
        (["recipes/mini/sft.yaml", "--max_steps", "many"], "`max_steps: many` is no int", "number"),
        (["recipes/mini/sft.yaml", "--accelerate", "none.yaml"], "none.yaml: no such recipe", "path"),
    ],
)  # fmt: skip
def test_a_mistake_is_one_line_with_its_fix(capsys, words, message, fix):
    text, code = planned(capsys, *words)
    error, hint = text.strip().splitlines()
    assert code == 2 and error.startswith("error: ") and message in error
    assert hint.startswith("  fix: ") and fix in hint


def test_a_model_too_large_for_anything_says_so(capsys, tmp_path):
    recipe = SFT | {"model_name_or_path": "deepseek-ai/DeepSeek-V3-Base", "max_length": 32768}
    text, code = planned(capsys, write(tmp_path / "recipe.yaml", recipe))
    assert code == 1 and "nothing that was tried fits" in text


def test_nothing_heavy_is_imported():
    program = "import sys; from open_r1 import plan; plan.main(['recipes/Qwen2.5-7B/sft.yaml']); "
    program += "print({'torch', 'transformers', 'trl', 'datasets'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=REPOSITORY)
    assert done.stdout.endswith("set()\n"), done.stdout + done.stderr


def test_the_table_of_all_recipes_is_up_to_date():
    text = (REPOSITORY / "recipes/README.md").read_text()
    written = text.partition(BEGIN)[2].partition(END)[0].strip()
    assert written == overview(REPOSITORY / "recipes").strip(), "run `open-r1 plan --all --write`"


def test_the_table_is_written_between_its_marks(tmp_path, monkeypatch, capsys):
    folder = tmp_path / "recipes"
    (folder / "mine").mkdir(parents=True)
    text = "# Mine (paper section 2.4).\n# Hardware: one GPU with 24 GB. Time and metric: not measured.\n"
    (folder / "mine/sft.yaml").write_text(text + yaml.safe_dump(SFT | {"activation_checkpointing": True}))
    (folder / "README.md").write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    monkeypatch.chdir(tmp_path)
    assert planned(capsys, "--all", "--write") == ("recipes/README.md is up to date\n", 0)
    written = (folder / "README.md").read_text()
    assert (
        written.startswith(f"before\n{BEGIN}\n| recipe |")
        and written.endswith(f"{END}\nafter\n")
        and "old" not in written
    )
    row = next(line for line in written.splitlines() if "mine/sft" in line)
    assert "| `mine/sft` | 2.4 | Qwen2.5-7B (7.62B) | one GPU with 24 GB |" in row
    assert row.endswith(": does not fit | not measured |")
    (folder / "README.md").write_text("nothing\n")
    assert "has no place for the table" in planned(capsys, "--all", "--write")[0]
