"""However `open-r1 run` ends, nothing below it lives on, and the next start continues."""

import os
import signal
import subprocess
import sys
import time
from itertools import takewhile
from pathlib import Path

import pytest
import yaml
from conftest import REPOSITORY
from stepping import ENOUGH
from waiting import PATIENCE

FOREVER = 100_000
SINGLE = ["accelerate", "launch", "--config_file", str(REPOSITORY / "recipes/accelerate_configs/cpu.yaml")]
RANKS = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2"]
LAUNCHES = {"fork": "fork", "plain": "python", "launcher": SINGLE, "two ranks": RANKS}


class Runner:
    """A pipeline of one stage that steps; `others` are more of them, by name: what they need, and how they behave."""

    def __init__(self, folder: Path, launch, behaviour: str = "saves", others=()):
        self.others = dict(others)
        self.folder, self.output, self.launch, self.behaviour = folder, folder / "stage", launch, behaviour
        self.ranks = 2 if launch == RANKS else 1
        self.process: subprocess.Popen | None = None

    def start(self, steps: int = FOREVER) -> None:
        recipe = {"output_dir": "${root}/stage", "max_steps": FOREVER, "behaviour": self.behaviour}
        if (self.output / "recipe.yaml").exists():  # how far it goes is no matter of this test
            kept = yaml.safe_load((self.output / "recipe.yaml").read_text()) | {"max_steps": steps}
            (self.output / "recipe.yaml").write_text(yaml.safe_dump(kept))
        (self.folder / "stage.yaml").write_text(yaml.safe_dump(recipe | {"max_steps": steps}))
        for name, (after, behaviour) in self.others.items():
            other = {"output_dir": f"${{root}}/{name}", "max_steps": steps, "behaviour": behaviour, "after": after}
            (self.folder / f"{name}.yaml").write_text(yaml.safe_dump({"root": str(self.folder)} | other))
        stages = [{"name": name, "run": "sft"} for name in ("stage", *self.others)]
        pipeline = {"root": str(self.folder), "launch": self.launch, "jobs": 2, "stages": stages}
        (self.folder / "pipeline.yaml").write_text(yaml.safe_dump(pipeline))
        path = os.pathsep.join([str(REPOSITORY / "tests"), os.environ.get("PYTHONPATH", "")])
        bins = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
        self.process = subprocess.Popen(
            [sys.executable, "-m", "stepping", "run", str(self.folder / "pipeline.yaml")],
            env=os.environ | {"PYTHONPATH": path, "PATH": bins},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def steps(self) -> int:
        """Of the rank that has stepped least."""
        files = [self.output / f"steps-{rank}" for rank in range(self.ranks)]
        return min(len(file.read_text()) if file.exists() else 0 for file in files)

    def wait_for_steps(self, number: int) -> None:
        until(lambda: self.steps() >= number or self.process.poll() is not None)
        assert self.process.poll() is None, self.process.stdout.read() + self.log()

    def log(self) -> str:
        return (self.folder / "logs/stage.log").read_text()

    def living(self) -> list[int]:
        """The stage's processes, and the keeper, that are still there."""
        pids = [int(pid) for pid in (self.output / "pids").read_text().split()]
        return [pid for pid in [*pids, *keepers(self.process.pid)] if alive(pid)]

    def end(self) -> tuple[int, str]:
        printed, _ = self.process.communicate(timeout=PATIENCE)
        return self.process.returncode, printed


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def keepers(runner: int) -> list[int]:
    """Processes whose parent is the runner."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            if stat.read_text().rpartition(")")[2].split()[1] == str(runner):
                found.append(int(stat.parent.name))
        except OSError:
            pass
    return found


def until(condition) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert condition()


@pytest.fixture
def runner(request, tmp_path):
    launch, *behaviour = request.param
    made = Runner(tmp_path, LAUNCHES[launch], *behaviour)
    yield made
    if made.process and made.process.poll() is None:
        made.process.kill()
        made.process.communicate()


def each(*launches: str, behaviour: str = "saves"):
    return pytest.mark.parametrize("runner", [(name, behaviour) for name in launches], indirect=True, ids=launches)


def continues(runner: Runner) -> None:
    """The next start goes on from the steps that are there, to the end."""
    before = runner.steps()
    runner.start(before + 5)
    code, printed = runner.end()
    assert code == 0 and "stage: done" in printed, printed + runner.log()
    assert runner.steps() == before + 5 or runner.ranks > 1
    assert (runner.output / "manifest.json").exists()


@each(*LAUNCHES)
def test_sigkill_of_the_runner_alone_ends_all_below_it(runner):
    runner.start()
    runner.wait_for_steps(5)
    assert len(runner.living()) == 2 * runner.ranks + 1
    runner.process.kill()
    runner.end()
    until(lambda: not runner.living())
    stood = runner.steps()
    time.sleep(0.3)
    assert runner.steps() == stood
    continues(runner)


@each(*LAUNCHES)
def test_first_sigterm_lets_every_rank_save(runner):
    runner.start()
    runner.wait_for_steps(5)
    runner.process.terminate()
    code, printed = runner.end()
    assert code == 75 and "stage: stopped" in printed and "to continue" in printed, printed + runner.log()
    assert all((runner.output / f"saved-{rank}").exists() for rank in range(runner.ranks))
    assert not (runner.output / "manifest.json").exists()
    until(lambda: not runner.living())
    continues(runner)


@each("fork", "two ranks", behaviour="deaf")
def test_second_sigterm_ends_all_at_once(runner):
    runner.start()
    runner.wait_for_steps(5)
    runner.process.terminate()
    stood = runner.steps()
    until(lambda: runner.steps() > stood + 10)  # the stage does not listen
    assert runner.process.poll() is None
    runner.process.send_signal(signal.SIGINT)  # Ctrl-C counts alike
    code, printed = runner.end()
    assert code == 143 and "stage: stopped" in printed, printed
    until(lambda: not runner.living())


@each("fork", "plain", behaviour="crashes")
def test_a_stage_that_fails_leaves_nothing_behind(runner):
    runner.start()
    code, printed = runner.end()
    assert code == 2 and "failed with exit code 1: RuntimeError: as it was told" in printed, printed
    assert not runner.living()


@each("fork")
def test_a_killed_keeper_is_a_failed_stage(runner):
    runner.start()
    runner.wait_for_steps(5)
    (keeper,) = keepers(runner.process.pid)
    os.kill(keeper, signal.SIGKILL)
    code, printed = runner.end()
    assert code == 2 and "exit code -9" in printed, printed


def test_two_stages_at_a_time_that_do_not_need_each_other(tmp_path):
    runner = Runner(tmp_path, "fork", others={"second": ("", "saves"), "third": ("${root}/stage", "saves")})
    runner.start(40)
    code, printed = runner.end()
    assert code == 0 and all((tmp_path / name / "manifest.json").exists() for name in ("stage", "second", "third"))
    lines = ["second: running", "stage: done", "third: running", "third: done"]
    assert lines == sorted(lines, key=printed.index), printed
    cores = [(tmp_path / name / "cores").read_text() for name in ("stage", "second")]
    assert cores[0] != cores[1] or len(os.sched_getaffinity(0)) == 1


def test_both_save_at_a_signal_and_continue(tmp_path):
    runner = Runner(tmp_path, "fork", others={"second": ("", "saves")})
    runner.start()
    until(lambda: (tmp_path / "second/steps-0").exists() and runner.steps() > 5)
    runner.process.terminate()
    code, printed = runner.end()
    assert code == 75 and printed.count(": stopped") >= 2, printed
    assert (tmp_path / "stage/saved-0").exists() and (tmp_path / "second/saved-0").exists()


def test_after_a_failure_the_others_end_and_none_starts(tmp_path):
    others = {"second": ("", "crashes"), "third": ("${root}/stage", "saves")}
    runner = Runner(tmp_path, "fork", others=others)
    runner.start()
    said = iter(runner.process.stdout.readline, "")
    before = list(takewhile(lambda line: not line.startswith("second: failed"), said))
    (tmp_path / "stage" / ENOUGH).touch()
    printed, code = "".join(said), runner.process.wait(PATIENCE)
    assert code == 2 and "stage: done" in printed, "".join(before) + printed
    assert not (tmp_path / "third").exists() and "RuntimeError: as it was told" in printed


def test_a_result_of_another_recipe_ends_none_of_those_that_run(tmp_path):
    runner = Runner(tmp_path, "fork", others={"second": ("", "saves")})
    (tmp_path / "second").mkdir()
    (tmp_path / "second/manifest.json").write_text('{"hash": "0", "recipe": {"max_steps": 1}, "devices": 1}')
    runner.start(40)
    code, printed = runner.end()
    assert code == 2 and "holds the result of another recipe" in printed, printed
    assert "second: failed" in printed and "stage: done" in printed, printed


def test_a_launcher_has_the_devices_to_itself(tmp_path):
    runner = Runner(tmp_path, [sys.executable], others={"second": ("", "saves")})
    runner.start(20)
    code, printed = runner.end()
    assert code == 0 and printed.index("stage: done") < printed.index("second: running"), printed
