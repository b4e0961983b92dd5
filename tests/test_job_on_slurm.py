"""Jobs on a real cluster of two nodes on this machine, submitted with the scripts of `slurm/`, that train on the CPU:
whatever interrupts them, they end with the losses and weights of a run without Slurm that nothing interrupts.
"""

import json
import os
import re
import signal
import subprocess
import sys

import pytest
import safetensors.torch
from benchmark_answers import write_sums
from conftest import REPOSITORY
from faulty import FAULTY
from slurm_cluster import Cluster, free_ports, missing
from slurm_site import ENVIRONMENT, Site
from waiting import wait_for

from open_r1.core.artifacts import read_manifest

pytestmark = [pytest.mark.slow, pytest.mark.skipif(bool(missing()), reason=missing())]
MODEL = {"model_type": "llama", "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2}
MODEL |= {"num_attention_heads": 2, "num_key_value_heads": 2, "max_position_embeddings": 512}
STEPS = 8
SHORT = ["--max_steps", STEPS, "--save_steps", 2, "--save_total_limit", 1, "--logging_steps", 1]
SHORT += ["--per_device_train_batch_size", 4]
SFT = ["sft", "--config", "recipes/mini/base.yaml", "--model_config", "null", "--tokenizer", "null"]
SFT += ["--rows_per_step", 8, "--optimizer", "null", "--datasets", "[{path: 'mini:corpus', limit: 40, raw: true}]"]
GRPO = ["grpo", "--config", "recipes/mini/zero.yaml", "--num_generations", 4, "--prompts_per_step", 2]
GRPO += ["--generation_batch_size", 16, "--max_completion_length", 8, "--ref_model_sync_steps", 3]
GRPO += ["--learning_rate", 0.01, "--beta", 0.1, "--rewards", "{random: {weight: 1.0}}"]
GRPO += ["--datasets", "[{path: 'mini:chain', limit: 12, min_terms: 3, max_terms: 5}]"]


SERVED = ["--use_vllm", "true", "--vllm_mode", "server", "--vllm_max_model_length", 256, "--vllm_canary_rollouts", 0]
SERVED += ["--per_device_train_batch_size", 8]


@pytest.fixture
def site(tmp_path):
    cluster = Cluster(tmp_path / "cluster", gpus=1)
    cluster.start()
    yield Site(tmp_path / "site", cluster)
    cluster.stop()


@pytest.fixture(scope="module")
def start_model(tmp_path_factory):
    output = tmp_path_factory.mktemp("start") / "base"
    words = ["--config", "recipes/mini/base.yaml", "--smoke", "--output_dir", output, "--model_config"]
    run("-m", "open_r1.sft", *words, json.dumps(MODEL))
    return output


def run(*words, folder=REPOSITORY, **environment):
    command, environment = [sys.executable, *map(str, words)], os.environ | ENVIRONMENT | environment
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]


def without_slurm(site, command, mode):
    """The same run by a launcher on this machine alone."""
    module, *words = command
    launch = ["-m", "accelerate.commands.launch", "--config_file", f"{mode}.yaml", "--num_processes", 2]
    words = [*words, "--output_dir", site.root / "alone"]
    run(*launch, "--main_process_port", 0, "-m", f"open_r1.{module}", *words, folder=site.root)
    return site.root / "alone"


def history(output):
    rows = json.loads((output / "trainer_state.json").read_text())["log_history"]
    names = ("step", "loss", "grad_norm", "kl", "reward")
    return [{name: row[name] for name in names if name in row} for row in rows if "loss" in row]


def weights(output):
    """Of a model, bit by bit."""
    found = safetensors.torch.load_file(output / "model.safetensors")
    return {name: weight.numpy().tobytes() for name, weight in found.items()}


def require_same(output, other):
    assert history(output) == history(other) and len(history(output)) == STEPS
    assert weights(output) == weights(other)


def ask_to_stop(site, job, step, *command):
    """Interrupts a job whose ranks wait at a step, and lets them go on once both have heard of it."""
    site.wait_until_held(job, step)
    before = site.log(job).count(": stops where it can continue")
    site.cluster.run(*command, job)
    wait_for(lambda: site.log(job).count(": stops where it can continue") == before + 2, "both ranks to be told")
    site.go(step)


def kill_second_node(site, job, step):
    site.wait_until_held(job, step)
    site.cluster.kill_node("n2")
    site.cluster.wait(lambda: "n2 down" in site.cluster.run("sinfo", "-N", "-h", "-o", "%N %T"))
    site.go(step)
    site.cluster.start_node("n2")


def test_two_nodes_train_as_one_machine_does(site, start_model):
    command = [*SFT, *SHORT, "--model_name_or_path", start_model]
    job = site.submit(*command, "--with", "with_ddp.yaml", "--output_dir", "out")
    assert site.finish(job) == "COMPLETED 0:0", site.log(job)[-4000:]
    assert read_manifest(site.root / "out")["devices"] == 2
    require_same(site.root / "out", without_slurm(site, command, "ddp"))


def test_sharded_sft_outlives_a_time_limit_and_a_node(site, start_model):
    command = [*SFT, *SHORT, "--model_name_or_path", start_model]
    job = site.submit(*command, "--with", "with_fsdp.yaml", "--output_dir", "out", HOLD_STEPS="3,5")
    ask_to_stop(site, job, 3, "scancel", "--batch", "--signal=USR1")
    kill_second_node(site, job, 5)
    assert site.finish(job) == "COMPLETED 0:0", site.log(job)[-4000:]
    log = site.log(job)
    assert "stopped: sft by a signal at step 3 of 8" in log and f"job: {job} is queued again" in log
    assert "resuming out/checkpoint-3" in log and "resuming out/checkpoint-4" in log
    require_same(site.root / "out", without_slurm(site, command, "fsdp"))


def ask_to_end(site, job, step):
    """A second signal ends the ranks before they have saved."""
    site.wait_until_held(job, step)
    queued = site.log(job).count("is queued again")
    for line in ("the ranks are told to save and stop", "the ranks are told to end"):
        count = site.log(job).count(line)
        site.cluster.run("scancel", "--batch", "--signal=USR1", job)
        wait_for(lambda line=line, count=count: site.log(job).count(line) > count, line)
    wait_for(lambda: site.log(job).count("is queued again") > queued, "the end of the ranks, which hold until then")
    site.go(step)


def test_grpo_outlives_a_time_limit_a_requeue_and_an_end_at_once(site, start_model):
    """It stops where a rollout has been used up, with the reference model that it had."""
    command = [*GRPO, *SHORT, "--model_name_or_path", start_model]
    job = site.submit(*command, "--with", "with_ddp.yaml", "--output_dir", "out", HOLD_STEPS="3,5,7")
    ask_to_stop(site, job, 3, "scancel", "--batch", "--signal=USR1")
    ask_to_stop(site, job, 5, "scontrol", "requeue")
    ask_to_end(site, job, 7)
    assert site.finish(job) == "COMPLETED 0:0", site.log(job)[-4000:]
    log = site.log(job)
    assert "resuming out/checkpoint-4" in log and "resuming out/checkpoint-6" in log
    assert log.count("is queued again") == 2
    require_same(site.root / "out", without_slurm(site, command, "ddp"))


def test_grpo_beside_its_server_on_another_node(site, start_model):
    """The weights of each step reach the server; once the server is killed, the job ends."""
    environment = site.add_vllm()
    command = [*GRPO, *SHORT, *SERVED, "--model_name_or_path", start_model]
    job = site.submit(*command, "--with", "with_ddp.yaml", "--output_dir", "out")
    assert site.finish(job) == "COMPLETED 0:0", site.log(job)[-4000:]
    assert "server: serves " in site.log(job) and "trainer: vLLM: vLLM 0.30.0 at " in site.log(job)
    with_server_alone(site, command, environment)
    require_same(site.root / "out", site.root / "alone")
    rows = json.loads((site.root / "out/trainer_state.json").read_text())["log_history"]
    gaps = [row[gap] for row in rows if (gap := "sampling/sampling_logp_difference/max") in row]
    assert len(gaps) == STEPS // 2 and max(gaps) < 1e-3
    job = site.submit(*command, "--with", "with_ddp.yaml", "--output_dir", "cut", HOLD_STEPS="1")
    site.wait_until_held(job, 1, ranks=1)
    os.kill(int((site.root / "server.pid").read_text()), signal.SIGKILL)
    assert site.finish(job) == "FAILED 2:0"
    assert "error: the server on n2 ended with exit code 137: a process was killed (SIGKILL)" in site.log(job)


def with_server_alone(site, command, environment):
    """The same run with a server that was started by hand."""
    module, *words = command
    port, group = free_ports(2)
    words += ["--vllm_group_port", group]  # the default one may be another test's
    words += ["--vllm_server_base_url", f"http://127.0.0.1:{port}", "--output_dir", site.root / "alone"]
    served = [sys.executable, "-m", "open_r1.serve", *map(str, words)]
    server = subprocess.Popen(served, cwd=site.root, env=os.environ | ENVIRONMENT | environment)
    try:
        run("-m", f"open_r1.{module}", *words, folder=site.root, **environment, RANK="0", WORLD_SIZE="1")
    finally:
        server.kill()
        server.wait()


def test_saved_steps_become_jobs_that_outlive_the_training(site, start_model):
    """Its two ranks hold both nodes; a node is lost between two steps, and nothing is evaluated twice."""
    pytest.importorskip("datatrove")
    slurm = {"time": "00:20:00", "partition": "main", "cpus_per_task": 1, "mem_per_cpu_gb": 2}
    own = {"server": "custom", "server_args": {"server_script": str(FAULTY)}, "context": 4096}
    evaluation = {"engine": "server", "num_samples": 2, "executor": {"kind": "slurm", "slurm": slurm, **own}}
    more = ["--max_steps", 4, "--benchmarks", json.dumps([str(write_sums(site.root))])]
    more += ["--evaluation", json.dumps(evaluation), "--output_dir", "out", "--with", "with_ddp.yaml"]
    job = site.submit(*SFT, *SHORT, *more, "--model_name_or_path", start_model, HOLD_STEPS="3")
    folder = site.root / "out/evaluations"
    wait_for(lambda: "step-000002 is with Slurm" in text_of(folder / "log"), "the jobs of the first step")
    kill_second_node(site, job, 3)
    assert site.finish(job) == "COMPLETED 0:0", site.log(job)[-4000:]
    assert "resuming out/checkpoint-2" in site.log(job)
    assert "step-000004 (with Slurm)" in site.log(job) and "open-r1 evaluate --pending out" in site.log(job)
    site.cluster.wait(lambda: not site.cluster.run("squeue", "-h"))
    assert list((folder / ".models").iterdir()) == []
    for step in ("step-000002", "step-000004"):
        found = json.loads((folder / step / step / "metrics.json").read_text())["by_dataset"]["sums"]
        assert (found["problems"], found["samples"]) == (3, 2)
        assert len(list(folder.glob(f"{step}/tasks/{step}/*/logs/slurm_logs/*.out"))) == 1  # its only task, once


def text_of(file):
    return file.read_text() if file.exists() else ""


def test_a_stage_that_does_not_train_has_one_node(site, start_model):
    words = ["generate", "--model", start_model, "--response_format", "zero", "--num_samples", 1]
    words += ["--max_new_tokens", 4, "--datasets", "[{path: 'mini:chain', limit: 4}]"]
    job = site.submit(*words, "--output_dir", "out", script="evaluate", nodes=1)
    assert site.finish(job) == "COMPLETED 0:0", site.log(job)[-4000:]
    assert read_manifest(site.root / "out")


@pytest.mark.parametrize("without", ["", "1"], ids=["flock", "a file system without locks"])
def test_of_two_nodes_that_claim_an_artifact_one_wins(site, start_model, without):
    command = [*SFT, *SHORT, "--model_name_or_path", start_model, "--with", "with_ddp.yaml", "--output_dir", "out"]
    first = site.submit(*command, nodes=1, HOLD_STEPS="1", NO_FLOCK=without)
    site.wait_until_held(first, 1, ranks=1)
    second = site.submit(*command, nodes=1, NO_FLOCK=without)
    assert site.finish(second) == "FAILED 2:0"
    assert "out is being written by " in site.log(second).splitlines()[-1]
    site.go(1)
    assert site.finish(first) == "COMPLETED 0:0", site.log(first)[-4000:]
    assert len(history(site.root / "out")) == STEPS
    hosts = [
        re.search(r"BatchHost=(\w+)", site.cluster.run("scontrol", "show", "job", job))[1] for job in (first, second)
    ]
    assert sorted(hosts) == ["n1", "n2"]


def test_a_stage_that_fails_or_stands_still_ends_its_job_with_the_reason(site, start_model):
    command = [*SFT, *SHORT, "--model_name_or_path", start_model, "--with", "with_ddp.yaml", "--output_dir", "out"]
    job = site.submit(*command, "--learning_rate", "much")
    assert site.finish(job) == "FAILED 2:0"
    assert site.log(job).splitlines()[-1].startswith("error: sft failed with exit code 2: recipes/mini/base.yaml with")
    job = site.submit(*command, HOLD_STEPS="1")
    site.wait_until_held(job, 1)
    (site.root / "stalled").touch()
    assert site.finish(job) == "FAILED 2:0"
    log = site.log(job)
    assert len(re.findall(r"sitecustomize.py\", line \d+ in on_step_end", log)) == 2  # where the ranks stand
    assert "error: no progress for 180 minutes" in log
