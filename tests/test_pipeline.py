"""Pipelines: which stages there are, which are chosen, and what depends on what."""

import importlib
import sys
from pathlib import Path

import pytest

from open_r1 import pipeline
from open_r1.core import pipelines, runner
from open_r1.core.artifacts import Artifact
from open_r1.core.commands import COMMANDS
from open_r1.core.errors import ArtifactError, Halted, RecipeError, Stopped
from open_r1.core.fields import fill
from open_r1.core.inputs import local_inputs
from open_r1.core.pipeline_stage import stage_command

REPOSITORY = Path(__file__).resolve().parents[1]
MINI = REPOSITORY / "recipes" / "mini" / "pipeline.yaml"
NAMES = [
    "base", "zero", "zero_random_reward", "zero_format_only", "cold_start_data", "cold_start", "reasoning_rl",
    "rejection_sampling", "sft", "helpful_rm", "safety_rm", "all_scenarios_rl", "student_base_small",
    "student_base_tiny", "distill_small", "distill_tiny", "student_rl", "evaluate", "report",
]  # fmt: skip


@pytest.fixture(scope="module")
def stages():
    return pipelines.read_pipeline(MINI, {"root": "/r", "seed": 5})[0]


def names(stages):
    return [stage.name for stage in stages]


def test_mini_pipeline_has_the_stages_of_the_paper_in_order(stages):
    assert names(stages) == NAMES


def test_root_and_seed_reach_every_recipe_and_command_line(stages):
    for stage in stages:
        assert stage.recipe["root"] == "/r" and stage.output.parent == Path("/r")
        assert stage.arguments[:1] == ["--config"] and stage.arguments[2:] == ["--root", "/r", "--seed", "5"]
        assert stage.log == Path(f"/r/logs/{stage.name}.log")
        if COMMANDS[stage.command].trains:
            assert stage.recipe["seed"] == 5


def test_every_input_is_made_by_an_earlier_stage(stages):
    made = set()
    for stage in stages:
        inputs = {path for path in local_inputs(stage.recipe, stage.keys) if path.startswith("/r/")}
        assert inputs <= made, stage.name
        made.add(str(stage.output))


def texts(value):
    """All texts in a recipe."""
    if isinstance(value, (dict, list)):
        return [text for item in (value.values() if isinstance(value, dict) else value) for text in texts(item)]
    return [value] if isinstance(value, str) else []


def test_whatever_a_recipe_names_on_the_disk_is_declared(stages):
    """A key that loads something and does not say so would leave stale results behind."""
    for stage in stages:
        named = {text for text in texts(stage.recipe) if text.startswith("/r/") or (REPOSITORY / text).is_file()}
        assert named - {stage.recipe["output_dir"]} <= set(local_inputs(stage.recipe, stage.keys)), stage.name


@pytest.mark.parametrize(
    ("pipe", "options", "shared"),
    [
        ({}, {}, {"root": "data", "seed": 0}),
        ({"root": "d", "seed": 3}, {}, {"root": "d", "seed": 3}),
        ({"root": "d", "seed": 3}, {"seed": 3}, {"root": "d", "seed": 3}),
        ({"root": "d"}, {"seed": 1}, {"root": "d-seed1", "seed": 1}),
        ({"root": "d"}, {"smoke": True}, {"root": "d-smoke", "seed": 0}),
        ({"root": "d"}, {"seed": 1, "smoke": True}, {"root": "d-seed1-smoke", "seed": 1}),
        ({"root": "d"}, {"root": "e", "seed": 1, "smoke": True}, {"root": "e", "seed": 1}),
        ({"root": "d"}, {"root": 7}, {"root": "7", "seed": 0}),
    ],
)
def test_other_seeds_and_smoke_runs_get_a_root_of_their_own(pipe, options, shared):
    assert pipelines.shared_values(pipe, options) == shared


PIPELINES = sorted((REPOSITORY / "recipes").glob("*/pipeline.yaml"))


@pytest.mark.parametrize(
    "path", [path for path in PIPELINES if path.parent.name != "base"], ids=lambda p: p.parent.name
)
def test_stages_that_do_not_train_know_what_a_pipeline_gives_them(path):
    for stage in pipelines.read_pipeline(path, {"root": "/r", "seed": 5})[0]:
        command = COMMANDS[stage.command]
        if not command.trains:
            assert fill(importlib.import_module(command.module).ARGUMENTS, stage.recipe, stage.name).root == "/r"


@pytest.fixture
def overlay(tmp_path):
    """A file for `--with`."""

    def write(text: str) -> str:
        path = tmp_path / f"{len(list(tmp_path.iterdir()))}.yaml"
        path.write_text(text)
        return str(path)

    return write


def test_overlay_reaches_the_stages_of_its_commands_and_the_launch(overlay, stages):
    over = overlay("launch: [go, 8]\ngrpo: {temperature: 0.5}\ncurate: {num_samples: 9}\n")
    more = overlay("grpo: {top_p: 0.5}\n")
    found, launch, _ = pipelines.read_pipeline(MINI, {"root": "/r", "seed": 5, "with": [over, more]})
    assert launch == ["go", "8"]  # words, as a command has them
    for options in ({"with": [more]}, {"with": [over], "smoke": True}):
        assert pipelines.read_pipeline(MINI, options)[1] == "fork"
    for stage, plain in zip(found, stages, strict=True):
        changed = {"grpo": {"temperature": 0.5, "top_p": 0.5}, "curate": {"num_samples": 9}}.get(stage.command, {})
        files = {"grpo": [over, more], "curate": [over]}.get(stage.command, [])
        assert stage.recipe == plain.recipe | changed
        assert stage.arguments[2:] == [word for file in files for word in ("--with", file)] + plain.arguments[2:]


def test_overlay_of_plain_keys_is_refused_before_any_stage_runs(overlay):
    file = overlay("temperature: 0.5\n")
    with pytest.raises(RecipeError, match=f"{file}: keys without a command") as caught:
        pipelines.read_pipeline(MINI, {"with": [file]})
    assert "grpo: ..." in caught.value.hint


@pytest.mark.parametrize(
    "words",
    [
        ["p.yaml", "--with", "a.yaml", "--seed", "1", "--with=b.yaml"],
        ["--with", "a.yaml", "--with", "b.yaml", "p.yaml", "--seed", "1"],
        ["--seed", "1", "--with", "a.yaml", "p.yaml", "--with", "b.yaml"],
    ],
)
def test_pipeline_is_told_from_its_overlays(words):
    options, file = pipelines.read_options(words, pipeline.KNOWN, "usage")
    assert (options, file) == ({"with": ["a.yaml", "b.yaml"], "seed": 1}, Path("p.yaml"))


def test_pipeline_may_inherit_its_stages(tmp_path):
    (tmp_path / "base.yaml").write_text("seed: 2\nstages: [{name: a, run: sft}]\n")
    (tmp_path / "size").mkdir()
    (tmp_path / "size/a.yaml").write_text("output_dir: ${root}/a\n")
    (tmp_path / "size/pipeline.yaml").write_text("inherit: ../base.yaml\nroot: r\n")
    (stage,), launch, _ = pipelines.read_pipeline(tmp_path / "size/pipeline.yaml", {})
    assert stage.recipe == {"output_dir": "r/a", "root": "r", "seed": 2} and launch == "fork"


@pytest.mark.parametrize(
    ("options", "chosen"),
    [
        ({}, NAMES),
        ({"only": "sft"}, ["sft"]),
        ({"from": "student_rl"}, ["student_rl", "evaluate", "report"]),
        ({"to": "zero"}, ["base", "zero"]),
        ({"from": "zero", "to": "zero"}, ["zero"]),
        ({"force": "sft"}, NAMES),
    ],
)
def test_selection_keeps_what_was_asked_for(stages, options, chosen):
    assert names(pipelines.select(stages, options)) == chosen


@pytest.mark.parametrize("key", ["from", "to", "only", "force"])
def test_unknown_stage_is_a_recipe_error_that_lists_the_known(stages, key):
    with pytest.raises(RecipeError, match=f"--{key} zeroo") as caught:
        pipelines.select(stages, {key: "zeroo"})
    assert "zero_random_reward" in caught.value.hint


def test_empty_range_of_stages_is_a_recipe_error(stages):
    with pytest.raises(RecipeError):
        pipelines.select(stages, {"from": "sft", "to": "base"})


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("report", {"report"}),
        ("student_base_small", {"student_base_small", "distill_small", "evaluate", "report"}),
        ("helpful_rm", {"helpful_rm", "all_scenarios_rl", "evaluate", "report"}),
        ("cold_start_data", set(NAMES[4:12]) | {"distill_small", "distill_tiny", "evaluate", "report"}),
    ],
)
def test_downstream_is_the_stage_and_all_that_need_it(stages, name, found):
    assert set(names(pipelines.downstream(stages, name))) == found


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a\nerror: bad\n  fix: it\n", "error: bad"),
        ("error: one\nerror: two\n\n", "error: two"),
        ("a\n  last  \n\n", "last"),
        ("", "no output"),
        ("error: old\n" + "x\n" * 30, "x"),
    ],
)
def test_last_words_are_the_error_or_the_last_line(tmp_path, text, words):
    (tmp_path / "log").write_text(text)
    assert runner.last_words(tmp_path / "log") == words


@pytest.mark.parametrize(
    "text",
    [
        "root: d",
        "stages: []",
        "stages: [{name: a}]",
        "stages: [{name: a, run: fly}]",
        "stages: [a]",
        "stages: [{name: a, run: sft, wait: 1}]",
        "stages: [{name: missing, run: sft}]",
        "stagess: []",
        "jobs: 0\nstages: [{name: base, run: sft, recipe: %s}]" % (MINI.parent / "base.yaml"),
        "jobs: many\nstages: [{name: base, run: sft, recipe: %s}]" % (MINI.parent / "base.yaml"),
        "launch: accelerate launch\nstages: [{name: base, run: sft, recipe: %s}]" % (MINI.parent / "base.yaml"),
    ],
)
def test_broken_pipeline_is_a_recipe_error(tmp_path, text):
    (tmp_path / "p.yaml").write_text(text)
    with pytest.raises(RecipeError):
        pipelines.read_pipeline(tmp_path / "p.yaml", {})


@pytest.mark.parametrize(
    ("stages", "message"),
    [
        ("{name: a, run: sft}, {name: a, run: grpo, recipe: b.yaml}", "the name a stands for two"),
        ("{name: a, run: sft}, {name: c, run: sft, recipe: a.yaml}", "the output r/a stands for two"),
        ("{name: d, run: sft}, {name: e, run: sft}", "the model lab/x@main on the Hub stands for two"),
        ("{name: a, run: sft}, {name: none, run: sft}", "stage none: its recipe names no `output_dir`"),
    ],
)
def test_stages_with_one_name_output_or_repository_are_a_recipe_error(tmp_path, stages, message):
    """Side by side they would write the same place, and one of them is not waited for."""
    hub = "inherit: b.yaml\npush_to_hub: true\nhub_model_id: lab/x\noutput_dir: "
    texts = {"a": "output_dir: r/a", "b": "output_dir: r/b", "none": "max_steps: 1", "d": f"{hub}d", "e": f"{hub}e"}
    for name, text in texts.items():
        (tmp_path / f"{name}.yaml").write_text(text)
    (tmp_path / "p.yaml").write_text(f"stages: [{stages}]")
    with pytest.raises(RecipeError, match=message):
        pipelines.read_pipeline(tmp_path / "p.yaml", {})


@pytest.mark.parametrize(
    ("launch", "command", "start"),
    [
        (["accelerate", "launch"], "sft", ["accelerate", "launch"]),
        (["accelerate", "launch"], "curate", None),
        ("fork", "sft", None),
    ],
)
def test_launcher_starts_the_training_stages_only(stages, launch, command, start):
    stage = next(stage for stage in stages if stage.command == command)
    expected = (start or [sys.executable]) + ["-m", f"open_r1.{command}", *stage.arguments]
    assert stage_command(stage, launch) == expected


def test_stage_is_complete_when_its_artifact_is(tmp_path, capsys):
    (tmp_path / "a.yaml").write_text("output_dir: ${root}/a\nmax_steps: 1\n")
    (tmp_path / "p.yaml").write_text("stages: [{name: a, run: sft}]\n")
    (stage,), launch, jobs = pipelines.read_pipeline(tmp_path / "p.yaml", {"root": str(tmp_path)})
    assert launch == "fork" and jobs == 1 and not stage.complete()
    artifact = Artifact(stage.recipe, stage.keys)
    artifact.claim()
    assert not stage.complete()
    artifact.finish()
    assert stage.complete()
    stage.recipe["logging_steps"] = 3
    assert stage.complete() and "logging_steps: None -> 3" in capsys.readouterr().out
    stage.recipe["max_steps"] = 2
    with pytest.raises(ArtifactError, match="max_steps: 1 -> 2"):
        stage.complete()


@pytest.mark.parametrize("smoke", [[], ["--smoke"]])
def test_dry_run_lists_every_stage_and_makes_nothing(tmp_path, capsys, monkeypatch, smoke):
    monkeypatch.chdir(REPOSITORY)
    root = tmp_path / "root"
    pipeline.main([str(MINI), "--root", str(root), "--dry-run", *smoke])
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == NAMES
    assert all(" to do " in line and f"--root {root}" in line and ("--smoke" in line) == bool(smoke) for line in lines)
    assert not root.exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "no pipeline"),
        ([str(MINI), "--onyl", "sft"], "onyl"),
        ([str(MINI), "--only", "nothing"], "no such stage"),
        (["no.yaml"], "no such"),
    ],
)
def test_mistake_on_the_command_line_ends_with_code_2(words, message, capsys):
    with pytest.raises(SystemExit) as caught:
        pipeline.main(words)
    assert caught.value.code == 2 and message in capsys.readouterr().err


def test_a_stage_that_waits_for_jobs_or_a_review_has_not_failed(tmp_path):
    (tmp_path / "log.txt").write_text("4 tasks are with Slurm\n")
    stage = runner.Stage("samples", "generate", [], {"output_dir": str(tmp_path / "samples")}, tmp_path / "log.txt")
    with pytest.raises(runner.Waiting, match="not complete yet.*4 tasks are with Slurm"):
        runner.check(stage, 0, runner.notes(stage.output), "fork", False)


@pytest.mark.parametrize("stale", [False, True])
def test_a_stage_that_a_signal_stopped_has_not_failed(tmp_path, stale):
    (tmp_path / "log.txt").write_text("error: no space left\n")
    stage = runner.Stage("zero", "grpo", [], {"output_dir": str(tmp_path / "zero")}, tmp_path / "log.txt")
    artifact = Artifact(stage.recipe)
    artifact.path.mkdir()
    artifact.progress(2, 8, stopped=stale)
    before = runner.notes(artifact.path)
    if not stale:
        artifact.progress(4, 8, stopped=True)
    error, message = (ArtifactError, "exit code 1: error: no space") if stale else (Stopped, "zero .* at step 4 of 8")
    with pytest.raises(error, match=message):
        runner.check(stage, 1, before, "fork", False)


@pytest.mark.parametrize(
    ("code", "asked", "error"),
    [
        (1, True, Stopped),
        (-15, True, Stopped),
        (75, False, Stopped),
        (2, True, ArtifactError),
        (1, False, ArtifactError),
    ],
)
def test_a_stage_that_fails_while_it_is_to_stop_has_failed(tmp_path, code, asked, error):
    """By the exit code of a mistake, or of a full disk; a launcher, and a stage that cannot save, have others."""
    stage = runner.Stage("mix", "mix", [], {"output_dir": str(tmp_path / "mix")}, tmp_path / "log.txt")
    with pytest.raises(error):
        runner.check(stage, code, ({}, {}), "fork", asked)


def test_stages_need_what_they_load_and_what_that_needs(stages):
    needs = {stage.name: stage.needs for stage in stages}
    assert not needs["base"] | needs["student_base_small"]
    assert needs["cold_start"] == {"base", "zero", "cold_start_data"} and needs["student_rl"] == {"student_base_tiny"}
    assert needs["report"] == set(NAMES) - {"report"}


@pytest.mark.parametrize(
    ("name", "place", "jobs", "cores"),
    [
        ("base", 0, 2, [0, 1]),
        ("student_rl", 1, 2, [2, 3]),
        ("student_rl", 0, 1, []),
        ("evaluate", 1, 2, []),  # nothing can run beside it
        ("student_rl", 1, 5, []),
        ("base", 0, 3, [0]),  # at every place as many, though four do not divide
        ("student_rl", 2, 3, [2]),
    ],
)
def test_each_stage_gets_its_share_of_the_cores(stages, monkeypatch, name, place, jobs, cores):
    monkeypatch.setattr(runner.os, "sched_getaffinity", lambda _: {0, 1, 2, 3})
    stage = next(stage for stage in stages if stage.name == name)
    assert runner.cores_of(stage, stages, place, jobs) == cores


@pytest.mark.parametrize("stale", [False, True])
def test_a_stage_that_a_guard_ended_says_why(tmp_path, stale):
    """By the note that it leaves, not its exit code, which a launcher replaces; not by that of an earlier life."""
    (tmp_path / "log.txt").write_text("error: no space left\n")
    stage = runner.Stage("zero", "grpo", [], {"output_dir": str(tmp_path / "zero")}, tmp_path / "log.txt")
    artifact = Artifact(stage.recipe)
    artifact.path.mkdir()
    artifact.halt(Halted("at step 4: it was worth nothing", "another reward"), 4)
    before = runner.notes(artifact.path)
    if not stale:
        with pytest.raises(Halted):
            artifact.halted_step()  # the same recipe says it again
    error, message = (ArtifactError, "code 1: error: no space") if stale else (Halted, "stage zero: at step 4: it was")
    with pytest.raises(error, match=message) as caught:
        runner.check(stage, 1, before, "fork", False)
    assert stale or caught.value.hint == "another reward"
