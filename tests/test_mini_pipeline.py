"""Every stage of the mini pipeline, run for two steps through the command line."""

import json
import shutil

import pytest
from conftest import REPOSITORY, run_cli
from waiting import PATIENCE

from open_r1.core.artifacts import read_manifest
from open_r1.core.yaml_files import read_yaml
from open_r1.reporting.comparison import students

STAGES = [entry["name"] for entry in read_yaml(REPOSITORY / "recipes/mini/pipeline.yaml")["stages"]]
ARTIFACTS = {name: "r1" if name == "all_scenarios_rl" else name for name in STAGES}


@pytest.mark.parametrize("stage", STAGES)
def test_stage_leaves_a_complete_artifact(smoke_root, stage):
    manifest = read_manifest(smoke_root / ARTIFACTS[stage])
    assert manifest["hash"] and manifest["versions"]["trl"] and manifest["seconds"] >= 0
    assert not list((smoke_root / ARTIFACTS[stage]).glob("checkpoint-*"))


def test_results_have_the_published_shape(smoke_root):
    results = json.loads((smoke_root / "report/results.json").read_text())
    stages = {
        "base",
        "zero",
        "zero_random_reward",
        "zero_format_only",
        "cold_start",
        "reasoning_rl",
        "sft",
        "r1",
        "student_rl",
        "distill_small",
        "distill_tiny",
    }
    assert stages <= set(results["stages"])
    row = results["stages"]["zero"]
    keys = {
        "pass@1",
        "pass@1_ci",
        "drawing_error",
        "cons@2",
        "pass@2",
        "format",
        "truncated",
        "mean_tokens",
        "language_consistency",
        "mixed",
        "no_answer",
        "repetition",
        "seconds",
        "unjudged",
        "failed",
    }
    keys |= {
        "reflection_per_1k",
        "helpful",
        "refused_forbidden",
        "refused_allowed",
        "by_difficulty",
        "by_dataset",
        "problems",
        "samples",
    }
    assert set(row) == keys and row["samples"] == 2 and row["problems"] == 4
    assert {"step", "accuracy", "mean_tokens"} <= set(results["curves"]["zero"])
    assert {"seconds", "peak_rss_gb", "versions"} <= set(results)


def test_report_and_cards_show_the_results(smoke_root):
    results = json.loads((smoke_root / "report/results.json").read_text())
    page = (smoke_root / "report/index.html").read_text()
    assert {path.stem for path in (smoke_root / "report").glob("*.png")} == {
        "r1_zero", "language", "rollouts", "axes", "stages", "students"
    }  # fmt: skip
    assert all(
        f"<h3>{title}" in page for title in ("R1-Zero learns", "Language consistency", "Completions in training")
    )
    assert {"zero", "reasoning_rl"} <= set(results["rollouts"]) <= set(results["curves"])
    assert list(students(results["stages"], results["parameters"]))[:3] == [
        "distill_tiny",
        "student_rl",
        "distill_small",
    ]
    for name in results["stages"]:
        card = (smoke_root / ARTIFACTS.get(name, name) / "README.md").read_text()
        assert f"| {name} |" in card and "Not evaluated yet" not in card


def test_second_run_skips_everything(smoke_root):
    before = {path: path.stat().st_mtime_ns for path in smoke_root.glob("*/manifest.json")}
    output = run_cli("run", "recipes/mini/pipeline.yaml", "--smoke", "--root", smoke_root).stdout
    assert output.count("skipped") == len(STAGES)
    assert before == {path: path.stat().st_mtime_ns for path in smoke_root.glob("*/manifest.json")}


def test_changed_recipe_is_refused_with_the_difference(smoke_root):
    result = run_cli(
        "sft", "--config", "recipes/mini/base.yaml", "--smoke", "--root", smoke_root, "--max_steps", 3, check=False
    )
    assert result.returncode == 2 and "max_steps: 2 -> 3" in result.stderr and "--force" in result.stderr


def test_failed_stage_names_log_and_command(smoke_root, tmp_path):
    root = tmp_path / "mini"
    shutil.copytree(smoke_root, root)
    (root / "zero/manifest.json").unlink()
    (root / "base/tokenizer_config.json").unlink()
    arguments = ["run", "recipes/mini/pipeline.yaml", "--smoke", "--root", root, "--only", "zero"]
    result = run_cli(*arguments, check=False)
    assert result.returncode == 2 and "zero: failed" in result.stdout
    assert "logs/zero.log" in result.stderr and "-m open_r1.grpo" in result.stderr


def test_base_was_trained_by_accelerate_launch_too(tmp_path):
    """
    The way the README launches a stage by hand gives what the pipeline gives: nothing but values is special about
    mini.
    """
    import subprocess
    import sys

    command = [
        sys.executable,
        "-m",
        "accelerate.commands.launch",
        "--config_file",
        "recipes/accelerate_configs/cpu.yaml",
    ]
    command += ["src/open_r1/sft.py", "--config", "recipes/mini/base.yaml", "--smoke", "--root", str(tmp_path / "x")]
    result = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=PATIENCE)
    assert result.returncode == 0, result.stderr
    assert read_manifest(tmp_path / "x/base")["steps"] == 2
