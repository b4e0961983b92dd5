"""
Sample stores: seeds per part, failures that are tried again, and a killed run that ends like one that was never
killed.
"""

import errno
import json
import random

import pytest
from sampling_engines import PROBLEMS, FakeEngine

from open_r1.core.artifacts import Artifact
from open_r1.core.errors import ArtifactError, DataError, RecipeError
from open_r1.core.keys import keys_of
from open_r1.sampling.arguments import GenerateArguments, Sampling, sampling_of
from open_r1.sampling.draw import check_store, make_engine
from open_r1.sampling.engines import Draw
from open_r1.sampling.prompts import conversation, cut_at, part_seed, read_examples, sample_seed
from open_r1.sampling.store import fill_store, identity_of, keep_matching, read_store

ALL = [(f"p{i}", j) for i in range(7) for j in range(2)]


def pairs(directory):
    return [(row["problem_id"], row["sample"]) for row in read_store(directory)]


def test_part_seeds_are_stable_and_all_different():
    seeds = [part_seed(seed, part) for seed in range(30) for part in range(30)]
    assert len(set(seeds)) == len(seeds) and seeds[0] == part_seed(0, 0) == random.Random("0/0").getrandbits(31)
    assert all(0 <= seed < 2**31 for seed in seeds)


def test_sample_seeds_do_not_depend_on_the_part():
    seeds = {
        sample_seed(seed, f"p{problem}", sample) for seed in range(5) for problem in range(20) for sample in range(20)
    }
    assert len(seeds) == 5 * 20 * 20 and all(0 <= seed < 2**31 for seed in seeds)


def test_store_holds_every_sample_of_every_problem_once(tmp_path):
    fill_store(FakeEngine(), PROBLEMS, tmp_path / "new" / "store")
    assert sorted(pairs(tmp_path / "new" / "store")) == ALL


@pytest.mark.parametrize(("batch_size", "parts"), [(4, 4), (5, 4), (1, 7), (100, 1)])
def test_part_holds_as_many_problems_as_fit_in_a_batch_but_one_at_least(tmp_path, batch_size, parts):
    fill_store(FakeEngine(batch_size=batch_size), PROBLEMS, tmp_path)
    assert len(list(tmp_path.glob("part-*.jsonl"))) == parts


@pytest.mark.parametrize("parts", range(4))
def test_killed_store_continues_and_equals_an_uninterrupted_one(tmp_path, parts):
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    fill_store(FakeEngine(), PROBLEMS, whole)
    first, second = FakeEngine(parts), FakeEngine()
    with pytest.raises(KeyboardInterrupt):
        fill_store(first, PROBLEMS, killed)
    fill_store(second, PROBLEMS, killed)
    assert sorted(first.drawn + second.drawn) == ALL  # nothing is drawn twice
    assert list(read_store(killed)) == list(read_store(whole))


@pytest.mark.parametrize("verifier", ["judge", "open"])
def test_no_rule_decides_about_samples_that_have_none(tmp_path, verifier):
    fill_store(FakeEngine(), [problem | {"verifier": verifier, "answer": ""} for problem in PROBLEMS], tmp_path)
    rows = list(read_store(tmp_path))
    assert {row["outcome"] for row in rows} == {"unjudged"} and all(row["final"] for row in rows)


def test_every_part_is_drawn_with_its_own_seed(tmp_path):
    engine = FakeEngine()
    fill_store(engine, PROBLEMS, tmp_path)
    assert engine.seeds == [part_seed(3, part) for part in range(4)]


def test_existing_part_is_left_as_it_is(tmp_path):
    (tmp_path / "part-00001.jsonl").write_text('{"problem_id": "mine", "sample": 0}\n')
    engine = FakeEngine()
    fill_store(engine, PROBLEMS, tmp_path)
    assert len(engine.drawn) == 10 and ("mine", 0) in pairs(tmp_path)


def test_order_of_the_problems_does_not_matter_where_their_lengths_differ(tmp_path):
    problems = [problem | {"difficulty": i} for i, problem in enumerate(PROBLEMS)]
    fill_store(FakeEngine(), problems, tmp_path / "a")
    fill_store(FakeEngine(), reversed(problems), tmp_path / "b")
    assert list(read_store(tmp_path / "a")) == list(read_store(tmp_path / "b"))


def test_progress_counts_what_was_there_before(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        fill_store(FakeEngine(2), PROBLEMS, tmp_path)
    calls = []
    fill_store(
        FakeEngine(), PROBLEMS, tmp_path, lambda done, total, **figures: calls.append((done, total, figures["failed"]))
    )
    assert calls == [(3, 4, 0), (4, 4, 0)]


def test_store_is_read_in_the_order_of_its_parts(tmp_path):
    for part in (10, 2, 0):
        (tmp_path / f"part-{part:05d}.jsonl").write_text(f'{{"part": {part}}}\n')
    (tmp_path / ".part-00011.jsonl.99").write_text("half a li")  # what a killed write leaves
    assert [row["part"] for row in read_store(tmp_path)] == [0, 2, 10]


def test_empty_directory_is_no_store(tmp_path):
    with pytest.raises(ArtifactError, match="no sample store"):
        next(read_store(tmp_path))


def test_failed_completions_are_kept_with_their_reason_and_tried_again_alone(tmp_path):
    fails = [("p0", 1), ("p5", 0)]
    fill_store(FakeEngine(fails=fails), PROBLEMS, tmp_path / "new")
    failed = [row for row in read_store(tmp_path / "new") if row["outcome"] == "failed"]
    assert sorted((row["problem_id"], row["sample"]) for row in failed) == fails and {
        row["error"] for row in failed
    } == {"status 500"}
    assert sorted(pairs(tmp_path / "new")) == ALL
    again, whole = FakeEngine(), FakeEngine()
    fill_store(again, PROBLEMS, tmp_path / "new")
    assert sorted(again.drawn) == fails
    fill_store(whole, PROBLEMS, tmp_path / "whole")
    assert list(read_store(tmp_path / "new")) == list(read_store(tmp_path / "whole"))


def test_one_failure_of_a_problem_that_occurs_twice_is_tried_again_alone(tmp_path, capsys):
    first, again, problems = FakeEngine(), FakeEngine(), [PROBLEMS[0], PROBLEMS[0]]
    draw, seen = first.draw, []

    def once(problem, sample, seed):
        first.fails = {(problem, sample)} if sample == 1 and not seen else set()
        seen.extend([sample] * sample)
        return draw(problem, sample, seed)

    first.draw = once
    fill_store(first, problems, tmp_path / "new")
    assert [row["outcome"] for row in read_store(tmp_path / "new")].count("failed") == 1
    fill_store(again, problems, tmp_path / "new")
    assert again.drawn == [("p0", 1)] and pairs(tmp_path / "new") == [("p0", 0), ("p0", 1)] * 2


def test_problems_of_one_name_are_refused(tmp_path):
    problems = [PROBLEMS[0], PROBLEMS[1] | {"problem_id": PROBLEMS[0]["problem_id"]}]
    with pytest.raises(DataError, match="`problem_id` p0 stands for different problems"):
        fill_store(FakeEngine(), problems, tmp_path)


def test_a_part_that_was_written_twice_counts_once(tmp_path):
    fill_store(FakeEngine(), PROBLEMS, tmp_path)
    part = tmp_path / "part-00000.jsonl"
    # a kill between writing the one and deleting the other
    part.with_name("part-00000.failed.jsonl").write_text(part.read_text())
    assert sorted(pairs(tmp_path)) == ALL


@pytest.mark.parametrize(("max_failed", "raises"), [(0.0, True), (0.1, True), (0.2, False)])
def test_failures_end_a_stage_unless_they_are_few(tmp_path, max_failed, raises):
    engine = FakeEngine(fails=[("p0", 1), ("p5", 0)])
    fill_store(engine, PROBLEMS, tmp_path)
    if raises:
        with pytest.raises(DataError, match=r"2 of 14 completions failed \(2 x status 500\)"):
            check_store(tmp_path, engine.sampling, max_failed)
    else:
        assert check_store(tmp_path, engine.sampling, max_failed)["failed"] == 2


def test_copies_at_a_temperature_are_noticed(tmp_path, capsys):
    engine = FakeEngine()
    engine.draw = lambda problem, sample, seed: Draw("?", "always this", 2, "stop", seed)
    fill_store(engine, PROBLEMS, tmp_path)
    assert check_store(tmp_path, engine.sampling)["copies"] == 7 and "copies of each other" in capsys.readouterr().err
    assert check_store(tmp_path, Sampling(num_samples=2, temperature=0.0))["copies"] == 0


def test_a_sharp_model_is_no_server_without_a_temperature(tmp_path, capsys):
    """Where the samples of even one problem in seven differ, the seeds are heeded."""
    engine = FakeEngine()
    engine.draw = lambda problem, sample, seed: Draw("?", f"this {sample if problem == 'p3' else 0}", 2, "stop", seed)
    fill_store(engine, PROBLEMS, tmp_path)
    assert check_store(tmp_path, engine.sampling)["copies"] == 6 and not capsys.readouterr().err


def test_scores_between_right_and_wrong_are_kept(tmp_path):
    gold = [{"id": "punctuation:no_comma"}, {"id": "keywords:existence", "keywords": ["zebra"]}]
    problem = PROBLEMS[0] | {"verifier": "constraints", "answer": json.dumps(gold), "dataset": "rules"}
    engine = FakeEngine()
    engine.draw = lambda problem, sample, seed: Draw("?", "<think>x</think>hello", 3, "stop", seed)
    fill_store(engine, [problem], tmp_path)
    assert {row["score"] for row in read_store(tmp_path)} == {0.5}
    assert {row["dataset"] for row in read_store(tmp_path)} == {"rules"}


def test_rows_that_no_rule_decides_wait_for_a_judge(tmp_path):
    fill_store(FakeEngine(), [problem | {"verifier": "judge"} for problem in PROBLEMS], tmp_path)
    assert {row["outcome"] for row in read_store(tmp_path)} == {"unjudged"}


def test_sampling_settings_are_found_among_a_stages_arguments():
    assert sampling_of(GenerateArguments(model="m", num_samples=3, top_p=1.0)) == Sampling(num_samples=3, top_p=1.0)


def test_a_stop_may_be_one_text():
    assert Sampling(stop="User:").stop == ["User:"] and Sampling(stop=None).stop == []


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"num_samples": 0}, "num_samples: 0"),
        ({"response_format": "R1"}, "response_format: R1"),
        ({"url": "localhost:8000"}, "is no URL"),
        ({"url": ["http://a/v1", 3]}, "is no URL"),
        ({"url": "https://me:secret@host/v1"}, "holds a password"),
    ],
)
def test_settings_that_cannot_work_are_refused_before_anything_is_drawn(values, message):
    with pytest.raises(RecipeError, match=message) as caught:
        GenerateArguments(model="m", **values)
    assert "secret" not in str(caught.value)


def test_unknown_engine_is_one_line():
    with pytest.raises(RecipeError, match="engine: magic"):
        make_engine("m", "r1", Sampling(engine="magic"))


@pytest.mark.parametrize(
    ("text", "stops", "cut"),
    [
        ("a b c", [], ("a b c", False)),
        ("a b c", ["c", "b"], ("a ", True)),
        ("a", ["b"], ("a", False)),
        ("ab", ["ab"], ("", True)),
    ],
)
def test_a_text_ends_at_its_first_stop(text, stops, cut):
    assert cut_at(text, stops) == cut


def test_examples_stand_between_the_system_message_and_the_question(tmp_path):
    file = tmp_path / "examples.yaml"
    file.write_text("- {prompt: '1 + 1?', response: '2'}\n- {prompt: '2 + 2?', response: '4'}\n")
    examples = read_examples(str(file))
    assert [message["content"] for message in examples] == ["1 + 1?", "2", "2 + 2?", "4"]
    system, user = {"role": "system", "content": "s"}, {"role": "user", "content": "u"}
    own = {"role": "system", "content": "own"}
    for row, asked, expected in (
        ([system, user], {}, [system, *examples, user]),
        ([user], {}, [*examples, user]),
        ([user], {"shots": 1}, [*examples[:2], user]),
        ([user], {"shots": 0}, [user]),
        ([user], {"system": "own"}, [own, *examples, user]),
        ([system, user], {"system": "own", "shots": 1}, [own, *examples[:2], user]),
    ):
        assert conversation(row, Sampling(few_shot=str(file), **asked)) == expected
    with pytest.raises(RecipeError, match="shots: 3"):
        conversation([user], Sampling(few_shot=str(file), shots=3))


@pytest.mark.parametrize("content", [None, "3", "- 3", "- {prompt: x}", "{"])
def test_bad_examples_are_one_line(tmp_path, content):
    file = tmp_path / "examples.yaml"
    if content:
        file.write_text(content)
    with pytest.raises(RecipeError, match="few_shot"):
        read_examples(str(file))


def test_a_full_disk_keeps_what_was_written(tmp_path, monkeypatch):
    from open_r1.sampling import store

    write, written = store.write_atomically, []

    def until_full(path, text):
        if len(written) == 2:
            raise OSError(errno.ENOSPC, "No space left on device", str(path))
        written.append(path)
        write(path, text)

    monkeypatch.setattr(store, "write_atomically", until_full)
    with pytest.raises(OSError, match="No space left"):
        fill_store(FakeEngine(), PROBLEMS, tmp_path / "full")
    monkeypatch.setattr(store, "write_atomically", write)
    again = FakeEngine()
    fill_store(again, PROBLEMS, tmp_path / "full")
    fill_store(FakeEngine(), PROBLEMS, tmp_path / "whole")
    assert len(again.drawn) == 6 and list(read_store(tmp_path / "full")) == list(read_store(tmp_path / "whole"))


def keep(root, values):
    """What a stage with this recipe does with the store that it finds."""
    recipe = {"output_dir": str(root / "out")} | values
    artifact = Artifact(recipe, keys_of(GenerateArguments))
    keep_matching(root / "samples", identity_of(GenerateArguments(**recipe), artifact))


@pytest.mark.parametrize(
    ("change", "kept"),
    [
        ({"url": "http://localhost:2/v1", "concurrency": 3, "timeout": 5.0, "retries": 1, "max_failed": 0.5}, True),
        ({"executor": {"kind": "local"}}, True),
        ({"output_dir": "elsewhere"}, True),
        ({"tokenizer": "namespace/other"}, False),
        ({"model": "namespace/other"}, False),
        ({"temperature": 0.9}, False),
        ({"datasets": [{"path": "mini:chain", "limit": 3}]}, False),
    ],
)
def test_a_store_is_drawn_again_only_if_the_samples_would_be_others(tmp_path, change, kept):
    values = {"model": "namespace/model", "tokenizer": "namespace/t", "engine": "server"}
    keep(tmp_path, values | {"url": "http://localhost:1/v1"})
    (tmp_path / "samples/part-00000.jsonl").write_text("{}")
    keep(tmp_path, values | {"url": "http://localhost:1/v1"} | change)
    assert (tmp_path / "samples/part-00000.jsonl").exists() == kept


@pytest.mark.parametrize("key", ["few_shot", "chat_template", "tokenizer", "model"])
def test_a_store_is_drawn_again_if_what_it_was_drawn_with_was_edited(tmp_path, key):
    named = tmp_path / "named"
    named.mkdir()
    (named / "file").write_text("one")
    value = str(named if key in ("tokenizer", "model") else named / "file")
    for text in ("one", "two"):
        (named / "file").write_text(text)
        keep(tmp_path, {key: value})
        assert not (tmp_path / "samples/part-00000.jsonl").exists()
        (tmp_path / "samples/part-00000.jsonl").write_text("{}")
        keep(tmp_path, {key: value})
        assert (tmp_path / "samples/part-00000.jsonl").exists()
