"""`open-r1 report`: of a folder as it lies, of a recipe, with published numbers, and what it refuses."""

import json
import shutil

import pytest
import yaml
from conftest import REPOSITORY
from made_evaluation import MODELS, write_evaluation, write_folder, write_model, write_training

from open_r1.core.inputs import read_manifest
from open_r1.metrics import published
from open_r1.report import looked_up, main


@pytest.fixture
def folder(tmp_path):
    return write_folder(tmp_path / "root")


def results(folder):
    return json.loads((folder / "report/results.json").read_text())


def test_a_folder_of_models_that_are_not_ours(folder, capsys):
    before = sorted(path for path in folder.rglob("*"))
    main([str(folder)])
    found = results(folder)
    assert list(found["stages"]) == list(MODELS) and list(found["curves"]) == ["student-small"] == list(
        found["rollouts"]
    )
    assert found["parameters"] == {"teacher": 32768, "student-large": 13824, "student-small": 1024}
    assert set(found) == {"stages", "benchmarks", "published", "parameters", "curves", "rollouts"} | {
        "seconds", "peak_rss_gb", "versions", "seed"
    }  # fmt: skip
    assert "teacher: instructions" in capsys.readouterr().out
    pictures = {path.stem for path in (folder / "report").glob("*.png")}
    assert pictures == {"training", "rollouts", "axes", "stages", "students"}
    assert sorted(path for path in folder.rglob("*") if folder / "report" not in (path, *path.parents)) == before
    assert read_manifest(folder / "report")["inputs"] == {str(folder / n): n for n in ("evaluate", "evaluate_general")}
    main([str(folder)])
    assert "is complete" in capsys.readouterr().out


@pytest.mark.parametrize("named", ["root", "root/evaluate"])
def test_an_evaluation_alone_with_one_model_and_no_weights(tmp_path, named):
    write_evaluation(tmp_path / "root/evaluate", ["teacher"], ["contest"], by_benchmark=True)
    main([str(tmp_path / named)])
    assert {path.stem for path in (tmp_path / named / "report").glob("*.png")} == {"stages"}
    page = (tmp_path / named / "report/index.html").read_text()
    assert 'id="axes"' not in page and 'id="students"' not in page and 'id="training"' not in page


def test_an_rl_run_that_nobody_evaluated(tmp_path):
    write_model(tmp_path / "root/zero", 2, 4)
    write_training(tmp_path / "root/zero")
    manifest = {"hash": "1", "command": "grpo", "recipe": {}, "seconds": 9.0}
    (tmp_path / "root/zero/manifest.json").write_text(json.dumps(manifest))
    main([str(tmp_path / "root")])
    page = (tmp_path / "root/report/index.html").read_text()
    assert 'id="training"' in page and 'id="summary"' not in page and results(tmp_path / "root")["stages"] == {}


def test_completions_that_are_gone_leave_the_numbers(folder):
    for path in folder.rglob("part-*.jsonl"):
        path.unlink()
    main([str(folder)])
    page = (folder / "report/index.html").read_text()
    assert 'id="completions"' not in page and 'id="benchmarks"' in page


def test_published_numbers_stand_beside_ours(folder, monkeypatch, tmp_path):
    known = tmp_path / "published.yaml"
    numbers = {"contest": {"pass@1": 90.0, "cons@64": 95}, "school math": {"pass@1": 96}, "other": {"cons@64": 1}}
    known.write_text(json.dumps({str(folder / "teacher"): {"source": "a page", "samples": 64, "numbers": numbers}}))
    monkeypatch.setattr(published, "FILE", known)
    published.read_file.cache_clear()
    main([str(folder)])
    assert results(folder)["published"] == {"teacher": {"contest": 0.9, "school math": 0.96}}
    page = (folder / "report/index.html").read_text()
    assert "published 0.900, outside" in page and "published 0.960, inside" in page
    published.read_file.cache_clear()


def test_cards_of_our_own_models_get_their_row_and_no_others(folder):
    manifest = {"hash": "1", "command": "sft", "recipe": {"output_dir": str(folder / "teacher")}, "inputs": {}}
    (folder / "teacher/manifest.json").write_text(json.dumps(manifest))
    main([str(folder)])
    card = (folder / "teacher/README.md").read_text()
    assert "| teacher: contest |" in card and "| teacher: instructions |" in card
    about = json.loads((folder / "teacher/evaluation.json").read_text())
    assert set(about["datasets"]) == {"contest", "school math", "science choice", "instructions"}
    assert not (folder / "student-large/README.md").exists()


def test_a_recipe_may_name_what_is_not_measured(folder, capsys):
    write_model(folder / "raw", 1, 2)
    (folder / "raw/manifest.json").write_text(json.dumps({"hash": "1", "recipe": {}}))
    words = ["--root", str(folder), "--output_dir", str(folder / "report"), "--title", "T"]
    main([*words, "--evaluations", f"[{folder / 'evaluate'}]", "--stages", f"{{raw: {folder / 'raw'}}}"])
    assert "notice: no evaluation has raw" in capsys.readouterr().out
    assert "No evaluation has raw." in (folder / "report/index.html").read_text()


def test_a_figure_leaves_out_what_no_run_logs(folder, capsys):
    figure = "{file: f, title: T, runs: [student-small, teacher], metrics: [style, acuracy]}"
    main([str(folder), "--figures", f"[{figure}]"])
    said = capsys.readouterr().out
    assert "notice: figure `f`: `acuracy` is in no log of student-small, teacher" in said
    assert (folder / "report/f.png").exists() and "<h3>T</h3>" in (folder / "report/index.html").read_text()


def test_a_folder_is_named_from_where_one_stands(folder, monkeypatch):
    (folder / "teacher/manifest.json").write_text('{"hash": "1", "command": "sft", "recipe": {}}')
    monkeypatch.chdir(folder.parent)
    words = looked_up(["root"])
    assert json.loads(words[words.index("--stages") + 1]) == {"teacher": "root/teacher"}


def test_the_command_line_wins_over_what_is_found(folder):
    words = looked_up([str(folder), "--title", "Mine", "--force"])
    assert words[-3:] == ["--title", "Mine", "--force"] and words[words.index("--root") + 1] == str(folder)
    main([*words[:-1], "--output_dir", str(folder / "elsewhere")])
    assert "<h1>Mine</h1>" in (folder / "elsewhere/index.html").read_text() and not (folder / "report").exists()


@pytest.mark.parametrize(
    ("words", "said", "fix"),
    [
        (["{root}/gone"], "{root}/gone is no directory", "name the folder"),
        (["{root}/empty"], "{root}/empty holds no evaluation and no RL run", "open-r1 evaluate"),
        (
            ["--config", str(REPOSITORY / "recipes/mini/report.yaml"), "--evaluation", "x"],
            "evaluation",
            "did you mean `evaluations`",
        ),
        (
            ["--output_dir", "{root}/o", "--evaluations", "[{root}/empty]"],
            "{root}/empty is not complete",
            "run the eval",
        ),
        (
            ["--output_dir", "{root}/o", "--evaluations", "[{root}/model]"],
            "{root}/model is no evaluation",
            "outputs of",
        ),
    ],
)
def test_what_it_refuses(tmp_path, capsys, words, said, fix):
    (tmp_path / "empty").mkdir()
    (tmp_path / "model").mkdir()
    (tmp_path / "model/manifest.json").write_text('{"hash": "1", "recipe": {}}')
    with pytest.raises(SystemExit) as ended:
        main([word.format(root=tmp_path) for word in words])
    found = capsys.readouterr().err
    assert ended.value.code == 2 and found.count("\n") == 2, found
    assert said.format(root=tmp_path) in found and fix in found


def test_a_finished_report_is_made_again_when_an_evaluation_changed(folder, capsys):
    main([str(folder)])
    shutil.rmtree(folder / "evaluate_general")
    with pytest.raises(SystemExit):
        main([str(folder)])
    assert "--force" in capsys.readouterr().err
    main([str(folder), "--force"])
    assert list(results(folder)["benchmarks"]) == ["contest", "school math", "science choice"]


def test_an_evaluation_that_is_not_complete_is_left_out_and_named(folder, capsys):
    evaluation = folder / "evaluate_general"
    (evaluation / "recipe.yaml").write_text(yaml.safe_dump(read_manifest(evaluation)["recipe"]))
    (evaluation / "manifest.json").unlink()
    main([str(folder)])
    assert f"notice: not complete, and left out: {evaluation}" in capsys.readouterr().out
