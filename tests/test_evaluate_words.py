"""Evaluations in words: what is drawn when a benchmark joins or changes, and what is refused."""

import json
import shutil
import subprocess
import sys
import types

import pytest
import yaml
from benchmark_answers import MODEL, answering, local_file, problems_of
from conftest import REPOSITORY

from open_r1 import evaluate
from open_r1.core.artifacts import read_manifest
from open_r1.core.recipes import read_command_line
from open_r1.sampling.store import read_stores, stores_of

KNOWN = "deepseek-ai/DeepSeek-R1-Distill-Qwen-7B"


@pytest.fixture
def files(tmp_path):
    return [local_file(tmp_path, name) for name in ("aime24", "math_500")]


def run(server, out, *files, **values):
    words = [MODEL, "--benchmarks", ",".join(map(str, files)), "--url", server.url, "--output_dir", str(out)]
    values = {"num_samples": 2} | values
    evaluate.main([*words, *(f"--{name}={json.dumps(value)}" for name, value in values.items() if value is not None)])
    return out


def drawn(server):
    """Problems and samples that were asked for since the last look."""
    found = server.asked
    server.requests.clear()
    return found


def expected(file, number):
    return sorted((row["problem_id"], sample) for row in problems_of(file) for sample in range(number))


def change(file, **values):
    file.write_text(yaml.safe_dump(yaml.safe_load(file.read_text()) | values))


def test_a_benchmark_that_joins_is_drawn_alone(tmp_path, pauses, capsys, files):
    one, two = files
    with answering(*files) as server:
        out = run(server, tmp_path / "out", one)
        assert sorted(drawn(server)) == expected(one, 2)
        run(server, out, two)  # and the first one stays
        assert sorted(drawn(server)) == expected(two, 2)
        capsys.readouterr()
        run(server, out, two)
        assert not drawn(server) and "fake: aime24" in capsys.readouterr().out
        run(server, out, one, two, force=True)
        assert not drawn(server)
    assert [store.name for store in stores_of(out / MODEL)] == ["aime24", "math_500"]
    assert list(read_manifest(out)["metrics"][MODEL]["by_dataset"]) == ["aime24", "math_500"]


def test_what_failed_before_it_drew_anything_may_be_asked_for_otherwise(tmp_path, pauses, capsys, files):
    with answering(*files) as server:
        words = [MODEL, "--benchmarks", str(files[0]), "--url", server.url, "--api=c", f"--output_dir={tmp_path}/out"]
        done = subprocess.run([sys.executable, "-m", "open_r1.evaluate", *words], capture_output=True, text=True)
        assert done.returncode == 2 and "is neither `chat` nor `text`" in done.stderr
        run(server, tmp_path / "out", files[0], temperature=0.5)
        assert sorted(drawn(server)) == expected(files[0], 2)


def test_what_only_counts_draws_nothing(tmp_path, pauses, capsys, files):
    one, _ = files
    with answering(*files) as server:
        out = run(server, tmp_path / "out", one)
        drawn(server)
        change(one, axis="general", contamination=["question"])
        run(server, out, one)
        assert not drawn(server) and read_manifest(out)["recipe"]["datasets"][0]["axis"] == "general"


def test_a_benchmark_that_changed_is_drawn_again_alone_and_only_with_force(tmp_path, pauses, capsys, files):
    one, two = files
    change(one, limit=2)
    with answering(*files) as server:
        out = run(server, tmp_path / "out", one, two)
        drawn(server)
        change(one, limit=1)
        with pytest.raises(SystemExit):
            run(server, out, one, two)
        assert "completions that this recipe would not draw: fake/aime24" in capsys.readouterr().err
        assert not drawn(server) and len(list(read_stores(out / MODEL / "aime24"))) == 4
        run(server, out, one, two, force=True)
        assert len(drawn(server)) == 2 and len(list(read_stores(out / MODEL / "aime24"))) == 2


def test_each_benchmark_has_its_own_k_unless_the_recipe_says_one(tmp_path, pauses, capsys, files):
    for file, number in zip(files, (3, 1), strict=True):
        change(file, num_samples=number)
    with answering(*files) as server:
        out = run(server, tmp_path / "out", *files, num_samples=None)
        assert sorted(drawn(server)) == sorted(expected(files[0], 3) + expected(files[1], 1))
        rows = read_manifest(out)["metrics"][MODEL]["by_dataset"]
        assert [row["samples"] for row in rows.values()] == [3, 1] and "cons@3" in rows["aime24"]
        run(server, tmp_path / "four", *files, num_samples=4)
        assert sorted(drawn(server)) == sorted(expected(files[0], 4) + expected(files[1], 4))
    assert "num_samples" not in (out / "README.md").read_text().split("**Sampling**")[1].splitlines()[0]


def test_the_protocol_is_the_papers(tmp_path, pauses, capsys, files, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with answering(*files) as server:
        evaluate.main([MODEL, "--benchmarks", str(files[0]), "--url", server.url, "--num_samples", "1"])
        body = server.requests[-1]["body"]
    assert (body["temperature"], body["top_p"], body["max_tokens"]) == (0.6, 0.95, 32768)
    assert [message["role"] for message in body["messages"]] == ["user"]
    recipe = yaml.safe_load((tmp_path / f"data/evaluations/{MODEL}/recipe.yaml").read_text())
    assert recipe["engine"] == "server" and recipe["models"] == [MODEL]


def test_two_models_in_words_have_a_directory_each(tmp_path, files):
    words = evaluate.in_words(["org/one", "two", "--benchmarks", str(files[0]), "--seed", "3"])
    assert [[word for word in line if word.startswith("--output_dir")] for line in words] == [
        ["--output_dir=data/evaluations/one"],
        ["--output_dir=data/evaluations/two"],
    ]
    (line,) = evaluate.in_words(["one", "two", "--benchmarks=aime24", "--output_dir", "x"])
    assert '--models=["one", "two"]' in line and line[-2:] == ["--output_dir", "x"]


def test_a_benchmark_that_is_named_twice_is_drawn_once(tmp_path, pauses, capsys, files):
    with answering(files[0]) as server:
        out = run(server, tmp_path / "out", files[0], files[0])
        assert sorted(drawn(server)) == expected(files[0], 2)
    assert list(read_manifest(out)["metrics"][MODEL]["by_dataset"]) == ["aime24"]


def test_what_failed_before_anything_was_drawn_is_in_nobodys_way(tmp_path, pauses, capsys, files, monkeypatch):
    monkeypatch.setitem(sys.modules, "vllm", None)  # not installed
    words = [MODEL, "--benchmarks", str(files[0]), "--output_dir", str(tmp_path / "out"), "--num_samples", "2"]
    with pytest.raises(SystemExit):
        evaluate.main(words)
    assert "`engine: vllm` needs vLLM" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        evaluate.main([*words, "--url", "http://127.0.0.1:9/v1"])
    assert "no server answers" in capsys.readouterr().err
    with answering(files[0]) as server:
        evaluate.main([*words, "--url", server.url])  # in the same process: it holds nothing any more
        assert sorted(drawn(server)) == expected(files[0], 2)


def test_an_evaluation_that_was_moved_goes_on_where_it_lies(tmp_path, pauses, capsys, files):
    one, two = files
    with answering(*files) as server:
        out = run(server, tmp_path / "out", one).rename(tmp_path / "moved")
        drawn(server)
        run(server, out, one)
        assert not drawn(server)
        run(server, out, two)
        assert sorted(drawn(server)) == expected(two, 2)


def test_a_directory_of_something_else_is_left_alone(tmp_path, pauses, capsys, files):
    (tmp_path / "out").mkdir()
    (tmp_path / "out/recipe.yaml").write_text("inputs: [a]\n")
    (tmp_path / "out/results.json").write_text("{}")
    with answering(files[0]) as server, pytest.raises(SystemExit):
        run(server, tmp_path / "out", files[0])
    assert "holds an unfinished run of another recipe" in capsys.readouterr().err


def test_the_remains_of_a_run_that_was_forced_go_on(tmp_path, pauses, capsys, files):
    one, two = files
    with answering(*files) as server:
        out = run(server, tmp_path / "out", *files)
        drawn(server)
        (out / "manifest.json").unlink()  # killed before the end, with one store half there
        shutil.rmtree(out / MODEL / "math_500")
        run(server, out, *files)
        assert sorted(drawn(server)) == expected(two, 2)


def test_a_model_that_is_replaced_is_refused_without_force(tmp_path, pauses, capsys, files):
    one, _ = files
    with answering(one) as server:
        out = run(server, tmp_path / "out", one)
        with pytest.raises(SystemExit):
            words = ["other", "--benchmarks", str(one), "--url", server.url, "--output_dir", str(out)]
            evaluate.main([*words, "--num_samples", "2"])
        assert "fake/aime24" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "benchmark", "key"),
    [
        ("TASK=aime24", "aime24", {}),
        ("TASK=lcb", "livecodebench", {}),
        ("TASK=gpqa:diamond PARALLEL=tensor NUM_GPUS=2", "gpqa_diamond", {"extra": {"tensor_parallel_size": 2}}),
        ("TASK=math_500 NUM_GPUS=4", "math_500", {"extra": {"tensor_parallel_size": 4}}),
        (
            "TASK=math_500 PARALLEL=data NUM_GPUS=8",
            "math_500",
            {"executor": {"kind": "local", "server": "vllm", "server_args": {"data-parallel-size": 8}}},
        ),
    ],
)
def test_make_evaluates_as_users_of_open_r1_write_it(words, benchmark, key):
    command = ["make", "--dry-run", "evaluate", "MODEL=org/m", *words.split()]
    said = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True).stdout
    (line,) = [line for line in said.replace("\\\n", " ").splitlines() if " evaluate org/m" in line]
    (written,) = evaluate.in_words(line.split()[2:])
    recipe, _, _ = read_command_line(written, "evaluate")
    assert recipe["models"] == ["org/m"] and [entry["benchmark"] for entry in recipe["datasets"]] == [benchmark]
    assert {name: recipe[name] for name in ("extra", "executor") if name in recipe} == key


def test_make_refuses_what_it_cannot_do():
    for words, message in (("TASK=aime24", "MODEL=..."), ("MODEL=m TASK=aime24 PARALLEL=fast", "PARALLEL=fast")):
        done = subprocess.run(
            ["make", "-n", "evaluate", *words.split()], cwd=REPOSITORY, capture_output=True, text=True
        )
        assert done.returncode == 2 and message in done.stderr


@pytest.mark.parametrize(
    ("words", "message", "fix"),
    [
        (["m", "--benchmarks", "aime_24"], "benchmark 'aime_24' does not exist", "did you mean `aime24`?"),
        (["m", "--benchmarks", "own.yaml"], "benchmark 'own.yaml' does not exist", "use one of"),
        (["m", "--benchmarks"], "`--benchmarks` without a value", "write `--benchmarks NAME,NAME`"),
        (["m", "--benchmarks", "aime24", "--benchmarks=drop"], "is given twice", "write `--benchmarks NAME,NAME`"),
        (["m", "--benchmarks", " , "], "`--benchmarks  , ` names none", "write `--benchmarks NAME,NAME`"),
        (["--benchmarks", "aime24"], "no model is named", "open-r1 evaluate MODEL --benchmarks"),
        (["a/m", "b/m", "--benchmarks", "aime24"], "would be called `m` (a/m, b/m)", "give them names"),
        (["m", "--benchmarks", "aime24", "--check"], "no published numbers of m", "published.yaml has"),
        ([KNOWN, "m", "--benchmarks", "aime24", "--check"], "no published numbers of m", "published.yaml has"),
        ([KNOWN, "--benchmarks", "drop", "--check"], f"of {KNOWN} nothing was published on drop", "evaluate on some"),
        (["--compare", "nowhere", "neither"], "not two folders of models", "give two"),
        (["--rejudge", "nowhere"], "no evaluation lies there", "`output_dir`"),
    ],
)
def test_words_that_mean_nothing_are_one_line(tmp_path, capsys, words, message, fix):
    with pytest.raises(SystemExit):
        evaluate.main(words)
    error, hint = capsys.readouterr().err.strip().splitlines()[-2:]
    assert message in error and fix in hint


@pytest.fixture
def others(monkeypatch):
    """The two modules that say how numbers compare, with functions that repeat what they are given."""
    for name, function in (
        ("open_r1.sampling.comparison", lambda one, other: f"{one.name} and {other.name}"),
        ("open_r1.metrics.published", lambda model, metrics: f"{model}: {metrics['pass@1']:.1f}"),
    ):
        module = types.ModuleType(name)
        module.compare_stores = module.check = function
        module.published_on = lambda model, names: {name: None for name in names}
        monkeypatch.setitem(sys.modules, name, module)


def test_comparisons_get_what_was_measured(tmp_path, pauses, capsys, files, others):
    with answering(*files) as server:
        words = [MODEL, "--benchmarks", str(files[0]), "--url", server.url, "--num_samples", "5", "--check"]
        for _ in range(2):  # also of what is complete
            evaluate.main([*words, "--output_dir", str(tmp_path / "out")])
            assert capsys.readouterr().out.splitlines()[-1] == "fake: 0.4"
    evaluate.main(["--compare", str(tmp_path / "out" / MODEL), str(tmp_path)])
    assert capsys.readouterr().out == f"{MODEL} and {tmp_path.name}\n"


@pytest.mark.parametrize("complete", [True, False])
def test_a_benchmark_that_cannot_be_had_is_in_nobodys_way(tmp_path, pauses, capsys, files, complete):
    one, two = files
    bad = tmp_path / "bad.yaml"
    bad.write_text(yaml.safe_dump({"path": str(tmp_path / "nowhere.jsonl"), "prompt": "{question}"}))
    with answering(*files) as server:
        if complete:
            run(server, tmp_path / "out", one)
        with pytest.raises(SystemExit):
            run(server, tmp_path / "out", bad)
        assert "nowhere.jsonl does not exist" in capsys.readouterr().err
        assert bool(read_manifest(tmp_path / "out")) == complete
        out = run(server, tmp_path / "out", two)  # what was asked for in vain is not asked for again
    assert list(read_manifest(out)["metrics"][MODEL]["by_dataset"]) == ["aime24"] * complete + ["math_500"]


def test_a_refused_recipe_leaves_a_complete_evaluation_complete(tmp_path, pauses, capsys, files):
    with answering(files[0]) as server:
        out = run(server, tmp_path / "out", files[0])
        before = (out / "recipe.yaml").read_text()
        change(files[0], limit=1)
        with pytest.raises(SystemExit):
            run(server, out, files[0])
    assert read_manifest(out) and (out / "recipe.yaml").read_text() == before
