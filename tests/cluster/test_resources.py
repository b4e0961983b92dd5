"""What a stage asks sbatch for: the options, who must say something, and what no node has."""

from pathlib import Path

import pytest
import yaml
from conftest import REPOSITORY

from open_r1.cluster.resources import request
from open_r1.cluster.site import Site
from open_r1.core.errors import RecipeError
from open_r1.core.pipelines import read_pipeline

SITE = Site(Path("slurm/site.env"), 8, {})
RECIPES = {
    "grpo": {},
    "curate": {},
    "read": {"samples": "x"},
    "served": {"engine": "server"},
    "spread": {"engine": "vllm", "executor": {"kind": "slurm"}},
    "mix": {},
    "report": {},
}
COMMANDS = {"read": "curate", "served": "generate", "spread": "generate"}


@pytest.fixture
def stage(tmp_path):
    """A stage of a pipeline with this `slurm`."""

    def read(name, slurm, *overlays):
        for other, recipe in RECIPES.items():
            (tmp_path / f"{other}.yaml").write_text(yaml.safe_dump({"output_dir": f"${{root}}/{other}"} | recipe))
        stages = [{"name": other, "run": COMMANDS.get(other, other)} for other in RECIPES]
        (tmp_path / "p.yaml").write_text(yaml.safe_dump({"slurm": slurm, "stages": stages}, sort_keys=False))
        for number, overlay in enumerate(overlays):
            (tmp_path / f"{number}.yaml").write_text(yaml.safe_dump(overlay))
        files = [str(tmp_path / f"{number}.yaml") for number in range(len(overlays))]
        stages, *_ = read_pipeline(tmp_path / "p.yaml", {"with": files})
        return next(stage for stage in stages if stage.name == name)

    return read


@pytest.mark.parametrize(
    ("name", "slurm", "words"),
    [
        ("report", {}, ["--nodes=1"]),
        ("mix", None, ["--nodes=1"]),
        ("served", {}, ["--nodes=1"]),
        ("spread", {}, ["--nodes=1"]),
        ("read", {}, ["--nodes=1"]),
        ("grpo", {"grpo": {"gpus": 8, "nodes": 2}}, ["--nodes=2", "--gpus-per-node=8", "--exclusive", "--mem=0"]),
        ("grpo", {"grpo": {"gpus": 8, "mem": "9G", "exclusive": False}},
         ["--nodes=1", "--gpus-per-node=8", "--mem=9G"]),
        ("grpo", {"grpo": {"gpus": 0}}, ["--nodes=1"]),
        ("served", {"generate": {"mem": "1G", "gpus": 1}, "served": {"mem": "2G"}},
         ["--nodes=1", "--gpus-per-node=1", "--mem=2G"]),
        ("mix", {"mix": {"cpus_per_task": 4, "exclusive": True, "hold": False, "time": "1:00:00", "mem": 0}},
         ["--nodes=1", "--cpus-per-task=4", "--exclusive", "--time=1:00:00", "--mem=0"]),
    ],
)  # fmt: skip
def test_options_are_those_of_the_command_and_then_of_the_name(stage, name, slurm, words):
    assert request(stage(name, slurm), SITE, "p.yaml") == words


def test_overlays_lie_over_the_pipeline(stage):
    over = [{"slurm": {"grpo": {"nodes": 2}, "mix": {"mem": "1G"}}}, {"slurm": {"grpo": {"nodes": 3}}}]
    found = stage("grpo", {"grpo": {"gpus": 4, "nodes": 1}}, *over)
    assert request(found, SITE, "p.yaml") == ["--nodes=3", "--gpus-per-node=4"]


@pytest.mark.parametrize(
    ("name", "slurm", "message"),
    [
        ("grpo", {}, "on how many GPUs `grpo` runs is not said"),
        ("grpo", {"grpo": {"nodes": 1}}, "on how many GPUs `grpo` runs is not said"),
        ("curate", {}, "on how many GPUs `curate` runs is not said"),
        ("grpo", {"grpo": {"gpus": 9}}, "`gpus: 9`, and a node has 8 (GPUS_PER_NODE in slurm/site.env)"),
        ("grpo", {"grpo": {"gpus": "all"}}, "`gpus: all`"),
        ("grpo", {"grpo": {"gpus": 8, "nodes": 0}}, "`nodes: 0`"),
        ("mix", {"mix": {"nodes": 2}}, "`nodes: 2`, and `mix` runs on one"),
        ("mix", {"mix": {"time": 86400}}, "`time: 86400` is a number"),
        ("mix", {"mix": {"mem": [1]}}, "`mem: [1]`"),
        ("mix", {"mix": {"output": "x"}}, "`output` is not for a recipe"),
        ("mix", {"mixx": {}}, "p.yaml, `slurm`: unknown key `mixx`"),
        ("mix", {"mix": 8}, "p.yaml, `slurm`: `mix: 8` is no mapping"),
        ("mix", 8, "p.yaml: `slurm: 8` is no mapping"),
    ],
)
def test_what_cannot_be_had_is_one_line_with_its_fix(stage, name, slurm, message):
    with pytest.raises(RecipeError) as caught:
        request(stage(name, slurm), SITE, "p.yaml")
    assert message in str(caught.value) and "p.yaml" in str(caught.value) and caught.value.hint


@pytest.mark.parametrize("hardware", ["24gb", "80gb", "8x80gb", "multi_node"])
@pytest.mark.parametrize("folder", ["Qwen2.5-1.5B", "Qwen2.5-7B", "Qwen2.5-32B", "DeepSeek-V3-Base"])
def test_hardware_gives_every_stage_its_nodes(hardware, folder):
    over = str(REPOSITORY / f"recipes/hardware/{hardware}.yaml")
    stages, *_ = read_pipeline(REPOSITORY / "recipes" / folder / "pipeline.yaml", {"with": [over]})
    words = {stage.name: request(stage, SITE, "p.yaml") for stage in stages}
    gpus, nodes = {"24gb": (1, 1), "80gb": (1, 1), "8x80gb": (8, 1), "multi_node": (8, 5)}[hardware]
    whole, signal = (["--exclusive", "--mem=0"], ["--signal=B:USR1@36000"]) if gpus == 8 else ([], [])  # of hours
    assert words["zero"] == [f"--nodes={nodes}", f"--gpus-per-node={gpus}", *whole, "--time=24:00:00", *signal]


def test_mini_runs_on_nodes_without_gpus():
    stages, *_ = read_pipeline(REPOSITORY / "recipes/mini/pipeline.yaml", {})
    assert {word for stage in stages for word in request(stage, Site(Path(), 0, {}), "p.yaml")} == {"--nodes=1"}
