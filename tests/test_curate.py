"""
Curation from the command line: which samples of a store become training data, and a funnel that says why the others do
not.
"""

import json
import random

import pytest
from samples import adds_up, curated, refused, run, sample, write_store
from servers import of_prompt, status

from open_r1.core.errors import ArtifactError
from open_r1.core.formats import ResponseFormat
from open_r1.curate import CurateArguments, training_row
from open_r1.sampling.selection import pass_rates

RIGHT, WRONG = '{"analysis": "the same", "correct": true}', '{"analysis": "another", "correct": false}'


def named(problem="p", number=0, **values):
    """A sample whose reasoning says which it is."""
    return sample(problem_id=problem, sample=number, **({"reasoning": f"thought {problem}/{number}"} | values))


def names(rows):
    """Which samples the responses are of, sorted."""
    return sorted(row["response"].split()[2] for row in rows)


@pytest.fixture
def rows():
    """Two problems with three samples: the last is the shortest and wrong."""
    return [named(p, n, tokens=5 - n, outcome="wrong" if n == 2 else "correct") for p in "ab" for n in range(3)]


# --------------------------------------------------------------------------------------------------- one training row


@pytest.mark.parametrize(
    ("summary", "values", "final"),
    [
        (None, {}, "the answer is 7"),
        (None, {"final": None}, ""),
        ({"en": r"it is \boxed{{answer}} ."}, {}, r"it is \boxed{7} ."),
        ({"en": r"it is \boxed{{answer}} ."}, {"extracted": None}, r"it is \boxed{} ."),
        (
            {"en": "x", "zh": r"是 \boxed{{answer}}"},
            {"language": "zh", "extracted": r"\frac{1}{2}"},
            r"是 \boxed{\frac{1}{2}}",
        ),
    ],
)
def test_training_row_keeps_the_reasoning_and_writes_the_summary(summary, values, final):
    row = training_row(sample(**values), CurateArguments(summary=summary))
    assert row["response"] == ResponseFormat("r1").write("so seven", final)
    assert row["prompt"] == [{"role": "user", "content": "What is 3 + 4 ?"}]
    assert (row["answer"], row["domain"], row["problem_id"]) == ("7", "reasoning", "p") and "tokens" not in row


def test_a_problem_for_rl_has_its_pass_rate_and_no_response():
    row = training_row(sample(pass_rate=0.25), CurateArguments(output="problems"))
    assert row["pass_rate"] == 0.25 and row["prompt"][0]["content"] == "What is 3 + 4 ?" and "response" not in row


def test_a_language_without_summary_is_one_line(tmp_path, capsys):
    assert "zh" in refused(
        capsys, tmp_path, [named(language="zh", reasoning="所以")], summary={"en": "it is {answer}"}
    )


# ---------------------------------------------------------------------------------------------------- which are kept


def test_data_card_and_manifest_hold_the_best_and_the_whole_funnel(tmp_path, rows):
    found, manifest = curated(tmp_path, rows, filters=["correct"])
    assert names(found) == ["a/1", "b/1"] and manifest["rows"] == 2 and manifest["domains"] == {"reasoning": 2}
    steps = [(step["filter"], step["before"], step["removed"]) for step in manifest["funnel"]]
    assert steps == [("correct", 6, 2), ("shortest 1 per problem", 4, 2)]
    card = (tmp_path / "out/README.md").read_text()
    assert (
        "| correct | 6 | 2 | `<think> thought a/2 </think> the answer is 7` |" in card
        and "Not checked against any benchmark." in card
    )


WORDS = [
    "so it is seven",
    "so it is really seven",
    "three four five six seven",
    "three four five six",
    "I count on my fingers",
]


@pytest.mark.parametrize(
    ("settings", "kept"),
    [
        ({}, [0]),
        ({"per_problem": 3}, [0, 1, 2]),
        ({"per_problem": 9}, [0, 1, 2, 3, 4]),
        ({"per_problem": 0}, [0, 1, 2, 3, 4]),
        ({"per_problem": 1, "pick": "diverse"}, [0]),
        ({"per_problem": 2, "pick": "diverse"}, [0, 3]),
        ({"per_problem": 3, "pick": "diverse"}, [0, 3, 4]),
        ({"per_problem": 0, "pick": "diverse"}, [0, 1, 2, 3, 4]),
        ({"per_problem": 9, "pick": "random"}, [0, 1, 2, 3, 4]),
    ],
)
def test_samples_of_a_problem_are_picked(tmp_path, settings, kept):
    rows = [named(number=n, tokens=n, text=text) for n, text in enumerate(WORDS)]
    found, manifest = curated(tmp_path, rows[::-1], **settings)
    assert names(found) == [f"p/{n}" for n in kept] and adds_up(manifest["funnel"], 5, len(kept))


def test_among_equally_short_samples_the_first_wins(tmp_path):
    found, _ = curated(tmp_path, [named(number=n, tokens=3) for n in (4, 2, 3)], per_problem=2)
    assert names(found) == ["p/2", "p/3"]


def test_a_random_pick_depends_on_the_seed_alone(tmp_path):
    rows = [named(f"p{p}", n) for p in range(12) for n in range(6)]
    found = [
        names(curated(tmp_path, rows, f"out{n}", pick="random", seed=seed)[0]) for n, seed in enumerate((1, 1, 2))
    ]
    assert found[0] == found[1] != found[2] and all(
        len({name.split("/")[0] for name in names}) == 12 for names in found
    )


def test_samples_that_failed_are_never_used(tmp_path):
    failed = {
        "outcome": "failed",
        "finish_reason": "failed",
        "text": "",
        "reasoning": "",
        "final": None,
        "tokens": 0,
        "error": "status 500",
    }
    store = write_store(tmp_path / "store", [named("a", 0), named("a", 1, **failed)], [named("b", 0, **failed)])
    (store / "part-00001.jsonl").rename(store / "part-00001.failed.jsonl")
    found, manifest = curated(tmp_path, store, per_problem=0)
    assert names(found) == ["a/0"] and manifest["funnel"][0]["before"] == 1
    problems, _ = curated(tmp_path, store, "problems", output="problems")
    assert [(row["problem_id"], row["pass_rate"]) for row in problems] == [("a", 1.0)]


def test_a_store_of_failures_alone_is_one_line(tmp_path, capsys):
    assert "is left" in refused(capsys, tmp_path, [named(outcome="failed", text="", tokens=0)])


@pytest.mark.parametrize("pick", ["shortest", "random", "diverse"])
def test_the_result_does_not_depend_on_the_parts(tmp_path, pick):
    chance = random.Random(0)
    texts = [" ".join(chance.choices("abcdefgh", k=9)) for _ in range(40)]
    rows = [named(f"p{n // 5}", n % 5, tokens=chance.randrange(9), text=text) for n, text in enumerate(texts)]
    settings = {"pick": pick, "per_problem": 2, "filters": [{"max_tokens": 7}]}
    whole, _ = curated(tmp_path, rows, "whole", **settings)
    cuts = write_store(tmp_path / "cuts", rows[:3], rows[3:4], rows[4:31], rows[31:])
    assert curated(tmp_path, cuts, "from cuts", **settings)[0] == whole
    chance.shuffle(rows)
    mixed = write_store(tmp_path / "mixed", rows[:13], rows[13:])
    assert names(curated(tmp_path, mixed, "from mixed", **settings)[0]) == names(whole)


# --------------------------------------------------------------------------------------------------------- pass rates


def outcomes(**right):
    """Four samples of each problem, of which so many are right."""
    return [named(p, n, outcome="correct" if n < count else "wrong") for p, count in right.items() for n in range(4)]


@pytest.mark.parametrize(
    ("filters", "kept"),
    [
        ([], {"a": 0.0, "b": 0.25, "c": 0.75, "d": 1.0}),
        (["pass_rate"], {"b": 0.25, "c": 0.75}),
        ([{"pass_rate": [0.25, 0.5]}], {"b": 0.25}),
        ([{"pass_rate": [0.75, 1]}], {"c": 0.75, "d": 1.0}),
        ([{"pass_rate": [0, 0]}], {"a": 0.0}),
        (["correct", {"pass_rate": [0.0, 0.5]}], {"b": 0.25}),
    ],
)
def test_problems_for_rl_are_chosen_by_pass_rate_each_once(tmp_path, filters, kept):
    found, manifest = curated(
        tmp_path, outcomes(a=0, b=1, c=3, d=4), output="problems", per_problem=3, filters=filters
    )
    assert len(found) == len(kept) and {row["problem_id"]: row["pass_rate"] for row in found} == kept
    assert all("response" not in row for row in found) and adds_up(manifest["funnel"], 16, len(kept))


def test_pass_rate_counts_all_samples_also_for_responses(tmp_path):
    found, _ = curated(tmp_path, outcomes(a=1, b=2), filters=["correct", {"pass_rate": [0.5, 0.5]}], per_problem=0)
    assert names(found) == ["b/0", "b/1"]


def test_pass_rates_are_shares_of_right_samples(tmp_path):
    assert pass_rates(write_store(tmp_path, outcomes(a=1), outcomes(b=3), outcomes(b=1))) == {"a": 0.25, "b": 0.5}


# ---------------------------------------------------------------------------------------------------------- the judge


def unruled(number, quality, **values):
    """A row that waits for the judge."""
    final = f"a {quality} reply {number}"
    return named(number=number, verifier="judge", outcome="unjudged", final=final, extracted=final, **values)


@pytest.fixture
def judge(server):
    server.otherwise = of_prompt(lambda prompt: RIGHT if "good" in prompt else "hm" if "odd" in prompt else WRONG)
    return {"url": server.url, "model": "some-judge", "retries": 0, "concurrency": 1}


def test_the_judge_decides_where_no_rule_does(tmp_path, server, judge):
    rows = [unruled(0, "good"), unruled(1, "poor"), unruled(2, "odd"), named("q", 0), named("q", 1, outcome="wrong")]
    found, manifest = curated(tmp_path, rows, judge=judge, filters=["correct"], per_problem=0)
    assert names(found) == ["p/0", "q/0"] and adds_up(manifest["funnel"], 5, 2)
    assert len(server.requests) == 3 and "thought" not in "".join(server.prompts)
    assert len((tmp_path / "out/judge.jsonl").read_text().splitlines()) == 2


def test_the_judge_must_agree_with_the_rule_where_the_recipe_says_so(tmp_path, server, judge):
    rows = [named(number=n, final=f"a {quality} reply {n}", outcome=outcome) for n, (quality, outcome) in enumerate(
        [("good", "correct"), ("poor", "correct"), ("good", "wrong"), ("poor", "wrong"), ("odd", "correct")]
    )]  # fmt: skip
    found, _ = curated(tmp_path, [*rows, unruled(5, "poor")], judge=judge, filters=["judge_agrees"], per_problem=0)
    assert names(found) == ["p/0", "p/3", "p/5"] and len(server.requests) == 6


def test_pass_rates_count_what_the_judge_found_right(tmp_path, judge):
    rows = [unruled(n, quality) for n, quality in enumerate(["good", "poor", "good", "poor"])]
    (row,), _ = curated(tmp_path, rows, judge=judge, output="problems")
    assert row["pass_rate"] == 0.5


@pytest.mark.parametrize(
    ("settings", "reply", "message"),
    [
        (None, RIGHT, "has no `judge`"),
        ({"temprature": 1}, RIGHT, "temprature"),
        ({}, status(500), "gives no verdict"),
        ({}, status(401), "gives no verdict"),
        ({}, "hm", "gives no verdict"),
    ],
)
def test_a_judge_that_is_missing_or_mute_is_one_line(tmp_path, capsys, server, judge, settings, reply, message):
    server.otherwise = reply
    given = {} if settings is None else {"judge": judge | settings}
    assert message in refused(capsys, tmp_path, [unruled(0, "good")], filters=["correct"], **given)
    assert not (tmp_path / "out/manifest.json").exists()


def test_a_row_without_verdict_is_lost_alone_wherever_it_stands(tmp_path, judge):
    rows = [unruled(n, "odd" if n == 256 else "good") for n in range(257)]  # the judge reads 256 at a time
    found, _ = curated(tmp_path, rows, judge=judge | {"concurrency": 16}, filters=["correct"], per_problem=0)
    assert names(found) == sorted(f"p/{n}" for n in range(256))


# ----------------------------------------------------------------------------------------------------- further sources


def test_added_sources_join_unfiltered(tmp_path, rows):
    general = [{"prompt": f"Say {n}", "response": f"I say {n}", "domain": "general"} for n in range(3)]
    (tmp_path / "general.jsonl").write_text("".join(json.dumps(row) + "\n" for row in general))
    add = [{"path": str(tmp_path / "general.jsonl")}, {"path": "mini:harm", "limit": 2}]
    found, manifest = curated(tmp_path, rows, filters=["correct"], add=add)
    assert len(found) == 7 and adds_up(manifest["funnel"], 6, 2) and manifest["domains"]["general"] == 3
    said = {row["prompt"][0]["content"]: row["response"] for row in found if row["domain"] == "general"}
    assert said == {f"Say {n}": f"I say {n}" for n in range(3)}
    assert names(row for row in found if "thought" in row["response"]) == ["a/1", "b/1"]


def test_an_added_source_without_responses_is_one_line(tmp_path, capsys, rows):
    (tmp_path / "general.jsonl").write_text('{"prompt": "Say it"}\n')
    assert "no column `response`" in refused(capsys, tmp_path, rows, add=[{"path": str(tmp_path / "general.jsonl")}])


# ----------------------------------------------------------------------------------------------- mistakes and restarts


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"filters": ["correct", {"max_tokens": 1}]}, "is left (correct -2, max_tokens: 1 -4)"),
        ({"filters": [{"pass_rate": [0.9, 1.0]}]}, "is left (pass_rate: [0.9, 1.0] -6)"),
        ({"pick": "longest"}, "`pick: longest` is unknown"),
        ({"output": "prompts"}, "`output: prompts` is unknown"),
        ({"filters": ["corect"]}, "unknown filter `corect`"),
        ({"filters": [{"max_tokens": "many"}]}, "`max_tokens: many`"),
        ({"filter": []}, "unknown key `filter`"),
    ],
)
def test_a_mistake_is_one_line_and_leaves_nothing_that_looks_complete(tmp_path, capsys, rows, settings, message):
    assert message in refused(capsys, tmp_path, rows, **settings)
    assert not (tmp_path / "out/manifest.json").exists() and not (tmp_path / "out/data.parquet").exists()


def test_directory_without_samples_is_no_store(tmp_path, capsys):
    assert "no sample store" in refused(capsys, tmp_path, tmp_path / "nowhere")
    with pytest.raises(ArtifactError, match="no sample store"):
        pass_rates(tmp_path)


@pytest.mark.parametrize("store", ["drawn", "curated/samples"])
def test_a_store_that_another_stage_of_this_pipeline_drew_can_be_read(tmp_path, rows, store):
    """Below the pipeline's root, where every stage writes: of `generate`, or what `curate` has drawn itself."""
    write_store(tmp_path / store, rows)
    (tmp_path / store.split("/")[0] / "manifest.json").write_text('{"hash": "0"}')
    assert len(curated(tmp_path, tmp_path / store, root=str(tmp_path))[0]) == 2


def test_a_second_run_changes_nothing_and_says_complete(tmp_path, capsys, rows):
    data = run(tmp_path, rows) / "data.parquet"
    before, written = data.read_bytes(), data.stat().st_mtime_ns
    assert "complete" not in capsys.readouterr().out
    run(tmp_path, rows)
    assert capsys.readouterr().out == f"{tmp_path / 'out'} is complete\n"
    assert data.read_bytes() == before and data.stat().st_mtime_ns == written
    assert (run(tmp_path, rows, "another") / "data.parquet").read_bytes() == before


def test_a_run_that_broke_off_ends_like_one_that_did_not(tmp_path, capsys, server, judge):
    rows = [unruled(n, "good") for n in range(6)]
    settings = {
        "judge": judge,
        "filters": ["correct"],
        "per_problem": 0,
        "add": [{"path": str(tmp_path / "late.jsonl")}],
    }
    assert "late.jsonl does not exist" in refused(capsys, tmp_path, rows, **settings)
    assert not (tmp_path / "out/manifest.json").exists() and len(server.requests) == 6
    (tmp_path / "late.jsonl").write_text(
        '{"prompt": "Say it", "response": "I say thought late", "domain": "general"}\n'
    )
    found, _ = curated(tmp_path, rows, **settings)
    assert len(server.requests) == 6
    assert found == curated(tmp_path, rows, "unbroken", **settings)[0] and len(found) == 7
