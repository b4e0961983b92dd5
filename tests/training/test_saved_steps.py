"""Each saved step of a training is evaluated beside it, whoever is killed, and the training is the same."""

import json
import os
import signal
from pathlib import Path

import pytest
import yaml
from test_continue import PATIENCE, SFT, finished, killed_after, losses, start
from waiting import wait_for

from open_r1 import evaluate
from open_r1.core import saved_steps
from open_r1.core.errors import ArtifactError, RecipeError
from open_r1.training.arguments import RewardModelArguments, SFTArguments
from open_r1.training.checks import check_benchmarks

SHORT = {"max_steps": 4}
HOW = {"engine": "transformers", "num_samples": 1, "max_new_tokens": 4, "dtype": "float32", "seed": 3}
STEPS = ["step-000002", "step-000004"]


@pytest.fixture
def sums(tmp_path) -> Path:
    """A benchmark of one's own."""
    rows = [{"question": f"What is {n} + 2?", "answer": str(n + 2)} for n in range(3)]
    (tmp_path / "rows.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    entry = {"path": str(tmp_path / "rows.jsonl"), "prompt": "{question}", "verifier": "math"}
    (tmp_path / "sums.yaml").write_text(yaml.safe_dump(entry))
    return tmp_path / "sums.yaml"


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
    process = wait_for(lambda: running(lines[0]) or not saved_steps.pending(output), lines[0])
    if process is not True:
        os.kill(process, signal.SIGKILL)
    wait_for(lambda: not busy(output), "its end")
    evaluate.main(["--pending", str(output)])
    assert "nothing is pending" in capsys.readouterr().out and list(evaluated(output)) == STEPS


def running(words: str) -> int:
    """The process with these words in its command line; 0 for none."""
    for place in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if words in place.read_bytes().replace(b"\0", b" ").decode():
                return int(place.parent.name)
        except OSError:
            continue
    return 0


def test_an_unknown_benchmark_is_refused_before_anything_is_made(tmp_path):
    printed, _ = start(SFT, tmp_path / "out", benchmarks="[aime42]").communicate(timeout=PATIENCE)
    assert "'aime42' does not exist" in printed and "fix: " in printed and "Traceback" not in printed
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("kind", "values", "message"),
    [
        pytest.param(SFTArguments, {"benchmarks": "aime24"}, "no list of names", id="no-list"),
        pytest.param(SFTArguments, {"benchmarks": ["simpleqa"]}, "'simpleqa' needs a judge", id="judge"),
        pytest.param(SFTArguments, {"evaluation": 4}, "no mapping", id="no-mapping"),
        pytest.param(RewardModelArguments, {"benchmarks": ["aime24"]}, "answers nothing", id="reward-model"),
    ],
)
def test_what_could_not_be_evaluated_is_refused(kind, values, message):
    with pytest.raises(RecipeError, match=message):
        check_benchmarks("recipe.yaml", kind(**values))
