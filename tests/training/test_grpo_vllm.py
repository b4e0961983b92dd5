"""GRPO whose completions vLLM draws, in the training process and as a server, with the recipe keys of a GPU run.

TRL compares vLLM's log-probability of every sampled token with the trainer's: what vLLM draws with is the policy, at
every step and after a restart. The learning rate is so high that weights of one step before would be far off. About
half of the groups are drawn again (`dynamic_sampling`): their log-probabilities must come along.
"""

import json
import os
import signal
import subprocess
import time
from pathlib import Path

from conftest import REPOSITORY
from faulty import free_port, wait_for
from real_vllm import BIN, CONTEXT, ENVIRONMENT, NEEDED, tiny_model
from waiting import PATIENCE

pytestmark = NEEDED
OPTIONS = {"num_generations": 4, "prompts_per_step": 2, "per_device_train_batch_size": 8, "generation_batch_size": 8}
OPTIONS |= {"max_completion_length": 16, "max_steps": 8, "save_steps": 2, "logging_steps": 1, "learning_rate": 0.01}
OPTIONS |= {"use_vllm": "true", "vllm_max_model_length": CONTEXT, "vllm_gpu_memory_utilization": 0.3}
OPTIONS |= {"vllm_group_port": free_port()}  # the default one may be another test's
OPTIONS |= {"beta": 0.0, "sync_ref_model": "false"}  # one model less to load
OPTIONS |= {"rewards": "{random: {weight: 0}, tests.training.half_reward.half: {weight: 1}}"}
OPTIONS |= {"dynamic_sampling": "{rounds: 3}"}
GRPO = "recipes/mini/zero_random_reward.yaml"


def start(
    script: list[str], output: Path, environment: dict[str, str] | None = None, recipe: str = GRPO, **options: object
) -> subprocess.Popen:
    chosen = (OPTIONS if recipe == GRPO else {}) | {"output_dir": output} | options
    words = [word for key, value in chosen.items() for word in (f"--{key}", str(value))]
    command = [str(BIN / "python"), *script, "--config", recipe, *words]
    with output.with_suffix(".log").open("wb") as log:
        return subprocess.Popen(
            command,
            cwd=REPOSITORY,
            env=os.environ | ENVIRONMENT | (environment or {}),
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def end(process: subprocess.Popen) -> None:
    """SIGKILL to a training and what it started."""
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def train_with_a_kill(script: list[str], output: Path, **options: object) -> list[dict]:
    """Trains, is killed at the first checkpoint, and trains to the end; returns what was logged, step by step."""
    log, deadline = output.with_suffix(".log"), time.monotonic() + PATIENCE
    process = start(script, output, **options)
    while not (output / "checkpoint-2" / "complete").exists() and time.monotonic() < deadline:
        assert process.poll() is None, log.read_text()[-4000:]
        time.sleep(0.005)
    end(process)
    assert not (output / "manifest.json").exists()
    process = start(script, output, **options)
    try:
        assert process.wait(timeout=PATIENCE) == 0, log.read_text()[-4000:]
    finally:
        if process.poll() is None:
            end(process)
    assert "resuming" in log.read_text() and (output / "manifest.json").exists()
    return logged(output / "trainer_state.json")


def logged(file: Path) -> list[dict]:
    """What was logged of the steps."""
    return [row for row in json.loads(file.read_text())["log_history"] if "loss" in row]


def check(rows: list[dict], steps: int = 8) -> None:
    assert [row["step"] for row in rows] == list(range(1, steps + 1))
    assert all(row["sampling/sampling_logp_difference/max"] < 1e-3 for row in rows)
    moved = [row["grad_norm"] > 0 for row in rows]  # not where chance pays a whole group the same
    assert sum(moved) >= len(rows) // 2, "few weights have moved, so few had to be passed on"
    assert any(row["refill/left"] < row["refill/equal_groups"] for row in rows)


def test_vllm_in_the_training_process_draws_from_the_policy(tiny, tmp_path):
    options = {"model_name_or_path": tiny, "vllm_mode": "colocate"}
    check(train_with_a_kill(["-m", "open_r1.grpo"], tmp_path / "out", **options))


def test_a_vllm_server_draws_from_the_policy(tiny, vllm_server, tmp_path):
    options = {"model_name_or_path": tiny, "vllm_mode": "server", "vllm_server_base_url": vllm_server.root}
    try:
        check(train_with_a_kill(["tests/vllm_cpu/grpo_over_disk.py"], tmp_path / "out", **options))
    finally:
        vllm_server.reload()


def test_two_nodes_are_one_server(tiny, tmp_path):
    """As `srun` starts it where a model needs the GPUs of two: the weights reach both."""
    url = f"http://127.0.0.1:{free_port()}"
    options = {"model_name_or_path": tiny, "vllm_mode": "server", "vllm_server_base_url": url}
    step = {"SLURM_STEP_NUM_NODES": "2", "SLURM_JOB_ID": str(os.getpid()), "VLLM_CPU_OMP_THREADS_BIND": "nobind"}
    nodes = [
        start(["-m", "open_r1.serve"], tmp_path / f"node{n}", step | {"SLURM_PROCID": str(n)}, **options,
              vllm_tensor_parallel_size=2)
        for n in range(2)
    ]  # fmt: skip
    try:
        wait_for(f"{url}/health")
        output = tmp_path / "out"
        short = {"max_steps": 3, "max_completion_length": 4}  # each token is a step of both
        training = start(["tests/vllm_cpu/grpo_over_disk.py"], output, **options, **short)
        assert training.wait(timeout=PATIENCE) == 0, output.with_suffix(".log").read_text()[-4000:]
        check(logged(output / "trainer_state.json"), steps=3)
    finally:
        for node in nodes:
            end(node)


def test_old_weights_on_a_server_end_the_run_and_new_ones_continue_it(tiny, vllm_server, tmp_path):
    """The weights of steps 0, 1 and 2 arrive; then none do, until the run is started again."""
    options = {"model_name_or_path": tiny, "vllm_mode": "server", "vllm_server_base_url": vllm_server.root}
    script, output = ["tests/vllm_cpu/grpo_over_disk.py"], tmp_path / "out"
    log, stopped = output.with_suffix(".log"), output / "checkpoint-5/trainer_state.json"
    try:
        process = start(script, output, {"WEIGHTS_SENT": "3"}, **options)
        assert process.wait(timeout=PATIENCE) == 2, log.read_text()[-4000:]
        error = log.read_text()
        assert "error: vLLM's weights have not changed since step 2, and the training's have\n  fix: " in error
        assert "Traceback" not in error and not (output / "manifest.json").exists()
        gaps = [row["sampling/sampling_logp_difference/mean"] for row in logged(stopped)]
        assert max(gaps[:3]) < 1e-3 < 1e-2 < min(gaps[3:]) and len(gaps) == 5, gaps
        assert start(script, output, **options).wait(timeout=PATIENCE) == 0, log.read_text()[-4000:]
    finally:
        vllm_server.reload()
    assert "checkpoint-5" in log.read_text() and (output / "manifest.json").exists()
    assert [row["step"] for row in logged(output / "trainer_state.json")] == list(range(1, 9))


def test_an_adapter_is_merged_for_vllm(tiny, tmp_path):
    options = {"model_name_or_path": tiny, "vllm_mode": "colocate", "use_peft": "true", "lora_r": 8}
    options |= {"lora_dropout": 0.0}
    check(train_with_a_kill(["-m", "open_r1.grpo"], tmp_path / "out", **options))


def test_a_student_beside_its_teacher_draws_with_vllm(tiny, tmp_path):
    """Its loss reads no log-probabilities of vLLM, so it is the canary alone that would find old weights."""
    teacher = tiny_model(tmp_path / "teacher", hidden_size=96)
    options = {"model_name_or_path": tiny, "teacher_model_name_or_path": teacher, "rows_per_step": 8}
    options |= {"per_device_train_batch_size": 8, "chat_template": "recipes/mini/templates/zero.jinja"}
    options |= {key: OPTIONS[key] for key in OPTIONS if "vllm" in key or "steps" in key or key == "learning_rate"}
    options |= {"max_completion_length": 16, "vllm_mode": "colocate", "recipe": "recipes/mini/on_policy_distill.yaml"}
    rows = train_with_a_kill(["-m", "open_r1.on_policy_distill"], tmp_path / "out", **options)
    assert [row["step"] for row in rows] == list(range(1, 9)) and all(row["grad_norm"] > 0 for row in rows)
    assert rows[-1]["loss"] < rows[0]["loss"]


def test_a_server_that_is_away_ends_both_ranks_in_one_line(tiny, tmp_path):
    url = f"http://127.0.0.1:{free_port()}"
    options = {"model_name_or_path": tiny, "vllm_mode": "server", "vllm_server_base_url": url}
    options |= {"vllm_server_timeout": 1, "per_device_train_batch_size": 4}
    launch = ["-m", "accelerate.commands.launch", "--config_file", "recipes/accelerate_configs/ddp.yaml"]
    launch += ["--num_processes", "2", "--mixed_precision", "no", "--main_process_port", "0", "src/open_r1/grpo.py"]
    process = start(launch, tmp_path / "out", {"ACCELERATE_USE_CPU": "true", "OMP_NUM_THREADS": "1"}, **options)
    assert process.wait(timeout=PATIENCE) != 0
    log = (tmp_path / "out.log").read_text()
    assert log.count(f"error: no vLLM server at {url} after 1 s: nothing listens on port") == 1, log[-4000:]
    ours = log.partition("error: no vLLM server")[0]  # what follows is the launcher's
    assert "Traceback" not in ours and "GRPOTrainer" not in ours
