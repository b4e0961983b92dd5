"""What a job runs on its nodes, whole, for some recipes; `open-r1 job --dry-run` prints it."""

import shlex
import sys
from pathlib import Path

import pytest
from conftest import REPOSITORY

from open_r1 import job
from open_r1.cluster import steps
from open_r1.cluster.shapes import table
from open_r1.cluster.steps import FIRST_PORT, LAST_PORT, Allocation, make_steps, ports, site_environment
from open_r1.core.errors import RecipeError

GOLDEN = Path(__file__).with_name("golden")
ONE, MANY = "recipes/hardware/8x80gb.yaml", "recipes/hardware/multi_node.yaml"
STUDENT = "recipes/Qwen2.5-Math-1.5B/on_policy_distill.yaml"
COMMANDS = {
    "sft": ["sft", "--config", "recipes/Qwen2.5-7B/sft.yaml", "--with", ONE],
    "grpo_colocated": ["grpo", "--config", "recipes/Qwen2.5-7B/zero.yaml", "--with", ONE],
    "grpo_server": ["grpo", "--config", "recipes/Qwen2.5-7B/zero.yaml", "--with", MANY],
}


@pytest.fixture(autouse=True)
def in_repository(monkeypatch):
    monkeypatch.chdir(REPOSITORY)
    monkeypatch.setenv("GPUS_PER_NODE", "8")
    for name in ("CONTAINER", "SCRATCH", "NETWORK_INTERFACE", "PROXY"):
        monkeypatch.delenv(name, raising=False)


def shown(capsys, *words):
    """What a dry run prints, whichever Python runs it."""
    job.main(["--dry-run", *map(str, words)])
    return capsys.readouterr().out.replace(sys.executable, "python")


def refusal(capsys, *words):
    with pytest.raises(SystemExit) as ended:
        job.main(list(words))
    error = capsys.readouterr().err
    assert ended.value.code == 2 and len(error.splitlines()) == 2, error
    return error


@pytest.mark.parametrize("nodes", [1, 2, 8])
@pytest.mark.parametrize("name", COMMANDS)
def test_a_dry_run_is_as_it_was(capsys, name, nodes):
    if (name, nodes) == ("grpo_server", 1):
        error = refusal(capsys, "--dry-run", *COMMANDS[name])
        assert "multi_node.yaml: `vllm_mode: server` on one node\n  fix: ask for 2 nodes or more" in error
    else:
        found = shown(capsys, "--nodes", nodes, *COMMANDS[name])
        assert found == (GOLDEN / f"{name}_{nodes}.txt").read_text(), found


def test_a_command_that_does_not_train_is_one_task_on_the_first_node(capsys):
    line = shown(capsys, "--nodes", 2, "evaluate", "--config", "recipes/mini/evaluate.yaml").splitlines()[-1]
    assert " --nodes=1 --ntasks=1 " in line and " --nodelist=node1 " in line
    assert line.endswith(" python -m open_r1.evaluate --config recipes/mini/evaluate.yaml")


def test_a_server_alone_is_one_that_other_nodes_reach(capsys):
    line = shown(capsys, "serve", *COMMANDS["grpo_server"][1:]).splitlines()[-1]
    assert " --nodelist=node1 " in line and line.endswith(
        " --vllm_server_base_url http://node1:10005 --vllm_tensor_parallel_size 4"
    )


def test_a_server_that_runs_elsewhere_takes_no_node(capsys):
    url = ("--vllm_server_base_url", "http://other:8000")
    found = shown(capsys, "--nodes", 2, *COMMANDS["grpo_server"], *url)
    assert "# server" not in found and " --num_processes 16 " in found and found.endswith(f"{shlex.join(url)}\n")


def test_a_model_that_one_node_cannot_hold_is_served_by_several(capsys):
    words = (*COMMANDS["grpo_server"], "--vllm_tensor_parallel_size", 16)
    found = shown(capsys, "--nodes", 4, *words)
    assert "# trainer on node1, node2\n" in found and "# server on node3, node4\n" in found
    assert " --num_processes 16 " in found and found.count(" --vllm_server_base_url http://node3:10005") == 2
    assert "# server on node1, node2\n" in shown(capsys, "--nodes", 2, "serve", *words[1:])
    error = refusal(capsys, "--dry-run", "--nodes", "2", *map(str, words))
    assert "`vllm_mode: server` on 2 nodes\n  fix: ask for 3 nodes or more" in error
    error = refusal(capsys, "--dry-run", "--nodes", "4", *COMMANDS["grpo_server"], "--vllm_tensor_parallel_size", "12")
    assert "`vllm_tensor_parallel_size: 12` is for no whole number of nodes\n" in error


def test_a_recipe_says_how_its_server_is_divided(capsys):
    last = shown(capsys, "--nodes", 2, *COMMANDS["grpo_server"], "--vllm_tensor_parallel_size", 2).splitlines()[-1]
    assert last.count("--vllm_tensor_parallel_size") == 1 and "--vllm_tensor_parallel_size 2 " in last


@pytest.mark.parametrize(
    ("model", "gpus", "parallel"),
    [
        ("Qwen/Qwen2.5-7B", 8, 4),  # 28 heads, which 7 divides, but not the layers' width
        ("Qwen/Qwen2.5-32B", 8, 8),
        ("Qwen/Qwen2.5-1.5B", 8, 4),
        ("Qwen/Qwen2.5-7B", 2, 2),
        ("Qwen/Qwen2.5-7B", 1, 1),
        ("Qwen/Qwen2.5-7B", 0, 1),
    ],
)
def test_a_server_takes_as_many_gpus_as_divide_its_model(model, gpus, parallel):
    assert steps.tensor_parallel(table()[model], gpus) == parallel


def test_jobs_beside_each_other_have_other_ports():
    taken = [port for number in range(5000, 10000) for port in ports(number)]
    assert len(set(taken)) == len(taken) and min(taken) >= FIRST_PORT and max(taken) < LAST_PORT + 4


def test_the_site_says_what_its_programs_use():
    given = Allocation(7, ("a1", "a2"), ("10.0.0.1", "10.0.0.2"), 4)
    site = {"SCRATCH": "/local", "NETWORK_INTERFACE": "ib0", "PROXY": "http://p:3128", "SLURM_GPUS_ON_NODE": "4"}
    found = site_environment(site, given)
    assert found["HF_DATASETS_CACHE"] == "/local/datasets" and found["NCCL_SOCKET_IFNAME"] == "ib0"
    assert found["no_proxy"] == found["NO_PROXY"] == "localhost,127.0.0.1,a1,a2,10.0.0.1,10.0.0.2"
    assert found["https_proxy"] == "http://p:3128" and found["SLURM_GPUS_PER_NODE"] == "4"
    assert site_environment({}, given) == {}


def test_as_many_ranks_as_slurm_gave_gpus(capsys, monkeypatch):
    monkeypatch.setenv("SLURM_GPUS_ON_NODE", "4")
    assert " --num_processes 8 " in shown(capsys, "--nodes", 2, *COMMANDS["sft"])


def test_a_container_has_its_own_python():
    given = Allocation(7, ("a1",), ("a1",), 4)
    site = {"CONTAINER": "apptainer exec --nv image.sif"}
    (step,) = make_steps("evaluate", [], {}, ["r.yaml"], given, site)
    assert step.words == ("apptainer", "exec", "--nv", "image.sif", "python", "-m", "open_r1.evaluate")
    (step,) = make_steps("sft", [], {}, [ONE], given, site)
    assert step.words[2].startswith("exec apptainer exec --nv image.sif python -m accelerate.commands.launch ")


def test_one_process_has_no_use_for_two_nodes():
    given = Allocation(7, ("a1", "a2"), ("a1", "a2"), 4)
    with pytest.raises(RecipeError, match="gpu.yaml: starts one process, and the job has 2 nodes"):
        make_steps("sft", [], {}, ["recipes/hardware/80gb.yaml"], given, {})


@pytest.mark.parametrize(
    ("environment", "words", "message"),
    [
        ({}, ["sft", "--config", "recipes/mini/sft.yaml"], "this is no Slurm job\n  fix: submit slurm/train.slurm"),
        ({"GPUS_PER_NODE": ""}, ["--dry-run", *COMMANDS["sft"]], "slurm/site.env: lacks `GPUS_PER_NODE`\n"),
        ({"GPUS_PER_NODE": "x"}, ["--dry-run", *COMMANDS["sft"]], "site.env: `GPUS_PER_NODE=x` is no number\n"),
        ({}, ["--dry-run", "--nodes", "0", *COMMANDS["sft"]], "--nodes 0\n"),
        ({}, ["--dry-run", "--node", "2", *COMMANDS["sft"]], "--node before the command\n"),
        (
            {},
            ["--dry-run", "on-policy-distill", "--config", STUDENT, "--with", MANY],
            "a job of on-policy-distill starts no server\n  fix: start a server, and add --vllm_server_base_url http",
        ),
        ({}, ["--dry-run"], "no command in '--dry-run'\n"),
        ({}, ["--dry-run", "sft", "--config", "no.yaml"], "no.yaml: no such recipe\n"),
    ],
)
def test_a_mistake_is_one_line_and_its_fix(capsys, monkeypatch, environment, words, message):
    for name in ("SLURM_JOB_ID", "SLURM_GPUS_ON_NODE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert message in refusal(capsys, *words)
