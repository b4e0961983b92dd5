"""Each saved step of a training is evaluated beside it, whoever is killed, and the training is the same."""

import json
import os
import signal
from contextlib import nullcontext, suppress
from pathlib import Path

import pytest
import yaml
from benchmark_answers import write_sums
from conftest import REPOSITORY
from launched import Launched
from servers import body, running
from test_continue import PATIENCE, SFT, finished, killed_after, losses, start
from tiny_models import TURN_END, save_rows, save_tiny_base
from waiting import wait_for

from open_r1 import evaluate
from open_r1.core import saved_steps
from open_r1.core.errors import ArtifactError, RecipeError
from open_r1.training.arguments import RewardModelArguments, SFTArguments
from open_r1.training.benchmarks import check_benchmarks

SHORT = {"max_steps": 4}
HOW = {"engine": "transformers", "num_samples": 1, "max_new_tokens": 4, "dtype": "float32", "seed": 3}
STEPS = ["step-000002", "step-000004"]


@pytest.fixture
def sums(tmp_path) -> Path:
    return write_sums(tmp_path)


def keys(sums: Path, **more: object) -> dict:
    return {**SHORT, "benchmarks": json.dumps([str(sums)]), "evaluation": json.dumps(HOW | more)}


def evaluated(output: Path) -> dict[str, dict]:
    """The metrics of each step, once nothing is pending."""
    folder = output / "evaluations"
    wait_for(lambda: folder.is_dir() and not saved_steps.pending(output), f"{folder}, {list(folder.rglob('*.log'))}")
    return {path.parent.name: json.loads(path.read_text()) for path in sorted(folder.glob("*/*/metrics.json"))}


def test_each_saved_step_is_evaluated_and_the_training_is_the_same(tmp_path, sums):
    with_them, without = tmp_path / "with", tmp_path / "without"
    finished(SFT, without, **SHORT)
    finished(SFT, with_them, **keys(sums), save_total_limit=1)
    assert losses(with_them) == losses(without) and len(losses(without)) == 4
    found = evaluated(with_them)
    assert list(found) == STEPS
    assert {name: list(row["by_dataset"]) for name, row in found.items()} == dict.fromkeys(STEPS, ["sums"])
    assert all(row["by_dataset"]["sums"]["problems"] == 3 for row in found.values())
    # a result that was made without them is evaluated when they are switched on
    printed, _ = start(SFT, without, **keys(sums)).communicate(timeout=PATIENCE)
    assert "is complete" in printed and "not evaluated yet: step-000004" in printed
    assert list(evaluated(without)) == STEPS[1:]


def test_a_training_that_was_killed_goes_on_and_no_step_is_evaluated_twice(tmp_path, sums):
    output = tmp_path / "out"
    killed_after(output / "checkpoint-2", start(SFT, output, **keys(sums)))
    finished(SFT, output, **keys(sums))
    assert list(evaluated(output)) == STEPS
    log = output / "evaluations/log"
    wait_for(lambda: "step-000004 is evaluated" in log.read_text(), log)
    assert log.read_text().count("is evaluated") == 2 and "is not" not in log.read_text()


def test_what_failed_is_a_line_and_a_command_does_it_again(tmp_path, sums, capsys):
    output, file = tmp_path / "out", sums.read_text()
    assert "manifest" not in finished(SFT, output, **keys(sums, engine="none"))
    log = output / "evaluations/log"
    wait_for(lambda: log.read_text().count("is not evaluated: see") == 2, log)
    assert "engine" in (output / "evaluations/step-000002.log").read_text()
    assert [step.name for step in saved_steps.pending(output)] == STEPS and sums.read_text() == file
    wait_for(lambda: not busy(output), "its end")
    evaluate.main(["--pending", str(output), "--engine", "transformers", "--force"])
    assert capsys.readouterr().out.count("is evaluated") == 2 and list(evaluated(output)) == STEPS


def busy(output: Path) -> bool:
    try:
        saved_steps.require_idle(output)
    except ArtifactError:
        return True
    return False


def test_an_evaluation_that_was_killed_goes_on(tmp_path, sums, capsys):
    output = tmp_path / "out"
    finished(SFT, output, **keys(sums))
    lines = [f"open_r1.core.saved_steps {output}"]
    process = wait_for(lambda: pid_of(lines[0]) or not saved_steps.pending(output), lines[0])
    if process is not True:
        with suppress(ProcessLookupError):  # it has just ended
            os.kill(process, signal.SIGKILL)
    wait_for(lambda: not busy(output), "its end")
    evaluate.main(["--pending", str(output)])
    assert "nothing is pending" in capsys.readouterr().out and list(evaluated(output)) == STEPS


def pid_of(words: str) -> int:
    """The process with these words in its command line; 0 for none."""
    for place in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if words in place.read_bytes().replace(b"\0", b" ").decode():
                return int(place.parent.name)
        except OSError:
            continue
    return 0


def test_of_two_ranks_one_has_each_step_evaluated_once(tmp_path, sums):
    ranks, output = Launched(tmp_path / "ranks", "ddp"), tmp_path / "mini/base"
    options = keys(sums) | {"save_steps": 2, "per_device_train_batch_size": 4, "optimizer": "null"}
    words = [word for key, value in options.items() for word in (f"--{key}", value)]
    command = ["sft", "--config", "recipes/mini/base.yaml", "--smoke", "--root", tmp_path / "mini", *words]
    try:
        ranks.start(command, hold={"event": "on_step_end", "step": 3, "ranks": ranks.every})
        ranks.wait_until_held(ranks.every)
        ranks.kill()
        assert "resuming" in ranks.run(command)
        assert list(evaluated(output)) == STEPS
    finally:
        ranks.close()
    log = output / "evaluations/log"
    wait_for(lambda: "step-000004 is evaluated" in log.read_text(), log)
    assert log.read_text().count("is evaluated") == 2 and "is not" not in log.read_text()


@pytest.mark.parametrize(("merge", "save"), [(True, "steps"), (False, "no")], ids=["a step", "the result"])
def test_an_adapter_is_evaluated_on_its_base(tmp_path, sums, merge, save):
    save_tiny_base(tmp_path / "base", "chatml")
    save_rows(tmp_path / "texts.jsonl", 8)
    recipe = {"model_name_or_path": str(tmp_path / "base"), "max_length": 128, "use_peft": True, "merge": merge}
    recipe |= {"use_cpu": True, "bf16": False}
    recipe |= {"datasets": [{"path": str(tmp_path / "texts.jsonl")}], "eos_token": TURN_END["chatml"]}
    recipe |= {"chat_template": str(REPOSITORY / "recipes/templates/chatml/r1.jinja")}
    (tmp_path / "lora.yaml").write_text(yaml.safe_dump(recipe))
    lora, output = ["sft", "--config", str(tmp_path / "lora.yaml")], tmp_path / "out"
    finished(lora, output, **keys(sums) | {"save_strategy": json.dumps(save), "max_steps": 2})
    assert [row["by_dataset"]["sums"]["problems"] for row in evaluated(output).values()] == [3]


def test_a_server_that_serves_one_model_is_refused_and_one_that_is_away_is_not():
    values = {"benchmarks": ["aime24"], "evaluation": {"url": ""}}
    for owner, refused in (("vllm", True), ("org", False)):
        with running() as server:
            server.otherwise = body(json.dumps({"data": [{"id": "m", "owned_by": owner}]}).encode())
            values["evaluation"]["url"] = server.url
            with pytest.raises(RecipeError, match="none of the saved steps") if refused else nullcontext():
                check_benchmarks("recipe.yaml", SFTArguments(**values))
    check_benchmarks("recipe.yaml", SFTArguments(**values))


def test_an_unknown_benchmark_is_refused_before_anything_is_made(tmp_path):
    printed, _ = start(SFT, tmp_path / "out", benchmarks="[aime42]").communicate(timeout=PATIENCE)
    assert "'aime42' does not exist" in printed and "fix: " in printed and "Traceback" not in printed
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("kind", "values", "message"),
    [
        pytest.param(SFTArguments, {"benchmarks": "aime24"}, "no list of names", id="no-list"),
        pytest.param(SFTArguments, {"benchmarks": ["simpleqa"]}, "'simpleqa' needs a judge", id="judge"),
        pytest.param(SFTArguments, {"benchmarks": ["aime24"]}, "adapters, which no server loads", id="adapter"),
        pytest.param(
            SFTArguments,
            {"benchmarks": ["aime24"], "evaluation": {"num_sample": 4}},
            "`evaluation`: unknown key `num_sample`",
            id="typo",
        ),
        pytest.param(
            SFTArguments,
            {"benchmarks": ["aime24"], "evaluation": {"executor": {"kind": "slurm", "server": "vllm"}}},
            "names no partition",
            id="partition",
        ),
        pytest.param(RewardModelArguments, {"benchmarks": ["aime24"]}, "answers nothing", id="reward-model"),
    ],
)
def test_what_could_not_be_evaluated_is_refused(kind, values, message):
    with pytest.raises(RecipeError, match=message):
        check_benchmarks("recipe.yaml", kind(**values), adapter=True)
