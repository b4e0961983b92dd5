"""Every fault at every step of a push, and kills at any moment: in the end all is on the Hub, once and whole."""

import contextlib
import random
import subprocess
import sys
import time

import pytest
from conftest import run_cli
from pushing import STOPPED, Trial, push_command, variables
from waiting import wait_for

from open_r1.core.inputs import read_manifest
from open_r1.core.outbox import FOLDER, PUSHED, pushed

WHAT = ("final", "step", "dataset")
STATUSES = (401, 403, 404, 429, 500, 503)
REFUSALS = (401, 403, 404)
STEPS = ("create", "read", "branch", "validate", "preupload", "lfs-batch", "upload", "commit", "tag")
ONLY = {"branch": ("step",), "validate": ("final", "dataset"), "tag": ("final", "dataset")}
WAIT = 7  # seconds that a 429 asks for
CASES = [(what, step, kind) for step in STEPS for what in ONLY.get(step, WHAT) for kind in (*STATUSES, "cut", "half")]
CASES += [(what, "commit", kind) for what in WHAT for kind in (409, 412)]


@pytest.mark.parametrize("what, step, kind", [pytest.param(*case, id="-".join(map(str, case))) for case in CASES])
def test_after_a_fault_everything_is_there_once(fresh, pusher, tmp_path, what, step, kind):
    trial = Trial(tmp_path / "mini", what)
    fresh.fail(step, kind, times=None, retry_after=WAIT if kind == 429 else None)
    first = pusher(trial.output)
    refused = kind in REFUSALS and step != "upload"  # the store of large files is asked again: its addresses expire
    assert "Traceback" not in first["said"]
    assert fresh.asked(step), "the step was not reached"
    if kind == "half":
        pass  # what was done counts, where it can be seen
    else:
        assert first["code"] == STOPPED, first
        assert ("not published: " in first["said"]) == refused and ("pending: 1" in first["said"]) != refused, first
    if refused:
        assert not first["slept"] and first["said"].count("\n") == 4, first["said"]  # when, that, and what to do
        assert str(kind) in first["said"].splitlines()[0], first["said"]
    if kind == 429:
        assert first["slept"] and min(first["slept"]) >= WAIT, first
    fresh.faults.clear()
    last = pusher(trial.output)
    assert last["code"] == 0 and "nothing is pending" in last["said"] or kind == "half", last
    trial.check(fresh)


PASSING = [(step, kind) for step in STEPS for kind in (429, 500, 503, "cut", "half") if step != "validate"]


@pytest.mark.parametrize("step, kind", [pytest.param(*case, id="-".join(map(str, case))) for case in PASSING])
def test_what_passes_is_not_noticed(fresh, pusher, tmp_path, step, kind):
    """One fault, and the same process goes on."""
    trial = Trial(tmp_path / "mini", "step" if step == "branch" else "final")
    fault = fresh.fail(step, kind, retry_after=0)
    done = pusher(trial.output)
    assert done["code"] == 0 and fault.times == 0, done
    trial.check(fresh)


@pytest.mark.parametrize("step", ["create", "upload", "commit"])
def test_a_connection_that_is_dead(fresh, pusher, tmp_path, step):
    trial = Trial(tmp_path / "mini", "final")
    fresh.fail(step, "hang")
    assert pusher(trial.output, silence=2.0)["code"] == 0
    trial.check(fresh)


@pytest.mark.parametrize("what", WHAT)
def test_somebody_else_commits_before(fresh, pusher, tmp_path, what):
    trial = Trial(tmp_path / "mini", what)
    fresh.fail("commit", "overtaken")
    assert pusher(trial.output)["code"] == 0
    trial.check(fresh)
    assert "by somebody" in [commit.title for commit in trial.repository(fresh).history(trial.branch)]


def test_the_hub_is_away(fresh, pusher, tmp_path):
    trial = Trial(tmp_path / "mini", "final")
    with fresh.away():
        first = pusher(trial.output)
    assert first["code"] == STOPPED and f"open-r1 push --resume {trial.output}" in first["said"], first
    assert pusher(trial.output)["code"] == 0
    trial.check(fresh)


KILLS, REQUESTS = 20, 32  # as many as these three pushes make


def kills():
    """After how many requests a push is killed, and how long after the last of them."""
    rng = random.Random(13)
    return [(rng.randrange(REQUESTS), round(rng.uniform(0, 0.05), 3)) for _ in range(KILLS)]


@pytest.mark.parametrize("kill", range(KILLS))
def test_a_push_that_is_killed_goes_on(fresh, pusher, tmp_path, kill):
    """At any moment: a slow Hub spreads the requests, and many files make the steps between them long."""
    trials = [Trial(tmp_path / "mini", what, seed=kill) for what in WHAT]
    after, pause = kills()[kill]
    fresh.delay = 0.02
    process = subprocess.Popen(push_command(tmp_path / "mini"), env=variables(fresh), stdout=subprocess.DEVNULL)
    wait_for(lambda: len(fresh.log) >= after or process.poll() is not None, "the moment of the kill")
    time.sleep(pause)
    process.kill()
    process.wait()
    fresh.delay = 0.0
    done = pusher(tmp_path / "mini")
    assert done["code"] == 0, done
    for trial in trials:
        trial.check(fresh)


@pytest.mark.slow
def test_a_push_that_is_killed_while_it_checks_and_draws(fresh, tmp_path):
    """A trained model with two steps, by the command itself: again and again, and nothing is begun twice."""
    base = ("sft", "--config", "recipes/mini/base.yaml", "--smoke", "--save_steps", "1", "--root", tmp_path / "mini")
    run_cli(*base, "--push_to_hub", "--hub_namespace", "lab")
    output, rng, fresh.delay = tmp_path / "mini" / "base", random.Random(13), 0.02
    weights = (output / "model.safetensors").read_bytes()
    command = [sys.executable, "-m", "open_r1.cli", "push", "--resume", str(output)]
    for _ in range(6):
        process = subprocess.Popen(command, env=variables(fresh), stdout=subprocess.DEVNULL)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(rng.uniform(0, 10))
        process.kill()
        process.wait()
    done = subprocess.run(command, env=variables(fresh), capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    repository = fresh.repositories["model", "lab/mini-base"]
    made = read_manifest(output)["hash"]
    for branch, name in {"main": "final", "step-000001": "step-000001", "step-000002": "step-000002"}.items():
        assert [commit.title for commit in repository.history(branch)] == [f"{name} {made}", "initial commit"]
    assert repository.files("main")["model.safetensors"] == weights
    assert {path.name for path in (output / FOLDER).iterdir()} == {PUSHED, ".lock", "samples.json"}
    assert [note["name"] for note in pushed(output)] == ["step-000001", "step-000002", "final"]
