"""Two models on the same problems: known differences, and what cannot be compared."""

import json

import pytest
from samples import sample, write_store

from open_r1.core.errors import ArtifactError, DataError
from open_r1.sampling.comparison import compare_stores


def evaluated(folder, flags, benchmark="sums", **values):
    """The folder of a model with a store of one benchmark: `flags` says of each problem which samples are right."""
    rows = [
        sample(problem_id=f"p{n}", sample=k, question=f"{n} + 1?", outcome=("wrong", "correct")[right], **values)
        for n, samples in enumerate(flags)
        for k, right in enumerate(samples)
    ]
    write_store(folder / benchmark, rows[: len(rows) // 2], rows[len(rows) // 2 :])
    return folder


def test_difference_is_that_of_the_same_problems(tmp_path):
    one = evaluated(tmp_path / "one", [[1, 1]] * 30 + [[1, 0]] * 10)
    other = evaluated(tmp_path / "other", [[1, 1]] * 20 + [[0, 0]] * 15 + [[1, 1]] * 5)
    head, line = compare_stores(one, other).splitlines()
    assert head == f"{one} less {other}"
    assert line.startswith("sums: 0.875 - 0.625 = +0.250 [+0.")
    assert line.endswith("better; better on 15 and worse on 5 of 40 problems (2 and 2 samples)")


def test_equal_models_show_no_difference_and_both_orders_say_the_same(tmp_path):
    one = evaluated(tmp_path / "one", [[1, 0]] * 20)
    other = evaluated(tmp_path / "other", [[0, 1], [1, 0]] * 10)
    text = compare_stores(one, other)
    assert "+0.000 [-0." in text and "no difference shown; better on 0 and worse on 0 of 20" in text
    worse = evaluated(tmp_path / "worse", [[0, 0]] * 20)
    assert ", better; " in compare_stores(one, worse) and ", worse; " in compare_stores(worse, one)


def test_scores_count_where_the_summary_says_so(tmp_path):
    one, other = (
        evaluated(tmp_path / "one", [[0]] * 9, score=0.75, dataset="all sums"),
        evaluated(tmp_path / "other", [[0]] * 9, score=0.5, dataset="all sums"),
    )
    for folder in (one, other):
        (folder / "metrics.json").write_text(json.dumps({"by_dataset": {"all sums": {"metric": "score"}}}))
    assert "sums: 0.750 - 0.500 = +0.250" in compare_stores(one, other)


def test_samples_without_a_verdict_are_told(tmp_path):
    one, other = (evaluated(tmp_path / name, [[True], [False]]) for name in ("one", "other"))
    assert "want of" not in compare_stores(one, other)
    (part,) = (one / "sums").glob("part-00001*")
    part.write_text(part.read_text().replace('"wrong"', '"failed"'))
    assert "(1 and 1 samples; wrong, for want of a verdict: 1 and 0)" in compare_stores(one, other)


def test_a_summary_that_is_cut_off_is_one_line(tmp_path):
    one, other = (evaluated(tmp_path / name, [[True], [False]]) for name in ("one", "other"))
    (one / "metrics.json").write_text('{"by_dataset": {"su')
    with pytest.raises(ArtifactError, match="metrics.json is broken"):
        compare_stores(one, other)


def test_what_only_one_has_is_said(tmp_path):
    one, other = evaluated(tmp_path / "one", [[1]] * 3), evaluated(tmp_path / "other", [[1]] * 3)
    evaluated(one, [[1]], "logic"), evaluated(other, [[1]], "code")
    assert compare_stores(one, other).splitlines()[2:] == [f"only {one} has logic", f"only {other} has code"]


def test_few_shots_of_the_same_problem_are_other_words(tmp_path):
    one = evaluated(tmp_path / "one", [[1]] * 3)
    other = evaluated(tmp_path / "other", [[1]] * 3, messages=[{"role": "system", "content": "Be brief."}])
    with pytest.raises(DataError, match="sums: 3 of 3 problems were asked in other words"):
        compare_stores(one, other)


def test_other_problems_are_refused(tmp_path):
    one, other = evaluated(tmp_path / "one", [[1]] * 3), evaluated(tmp_path / "other", [[1]] * 5)
    with pytest.raises(DataError, match="sums: different problems: 0 only in the first, 2 only in the second"):
        compare_stores(one, other)
    elsewhere = evaluated(tmp_path / "elsewhere", [[1]], "logic")
    with pytest.raises(DataError, match="no benchmark in common: .*one has sums and .*elsewhere has logic"):
        compare_stores(one, elsewhere)
    with pytest.raises(ArtifactError, match="nowhere holds no samples of benchmarks"):
        compare_stores(one, tmp_path / "nowhere")
