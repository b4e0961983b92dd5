"""
Every benchmark of the repository as a user runs it, on rows of our own and against a server whose answers are known:
the table that is printed says how many were right. A new file in `recipes/benchmarks` is run like the others.
"""

import json
import re
from collections import Counter

import pytest
from benchmark_answers import ANSWERS, MODEL, PLAN, answering, judging, local_file, problems_of

from open_r1 import evaluate
from open_r1.core.benchmarks import benchmark_names
from open_r1.sampling.store import read_stores


def table(text):
    """The printed table: rows by name, values by column."""
    head, *rows = [re.split(r"\s{2,}", line.strip()) for line in text.strip().splitlines()]
    return {row[0]: dict(zip(head, row, strict=True)) for row in rows if len(row) == len(head)}


@pytest.mark.parametrize("name", benchmark_names())
def test_the_table_says_what_the_server_answered(tmp_path, pauses, capsys, name):
    file = local_file(tmp_path, name)
    kinds = {row["verifier"] for row in problems_of(file)}
    assert kinds <= set(ANSWERS), (
        f"a benchmark of another kind: add it to ANSWERS in tests/benchmark_answers.py, {kinds}"
    )
    with answering(file) as server, judging() as judge:
        words = [MODEL, "--benchmarks", str(file), "--url", server.url, "--output_dir", str(tmp_path / "out")]
        words += ["--judge.url", judge.url, "--judge.model", "judge"] if "judge" in kinds else []
        evaluate.main([*words, "--num_samples", str(len(PLAN))])
    row = next(iter(table(capsys.readouterr().out).values()))
    assert (row["pass@1"], row["pass@k"], row["cut"]) == ("0.400", "1.000", "0.200")
    rows = list(read_stores(tmp_path / "out" / MODEL))
    found = Counter((PLAN[row["sample"]], row["outcome"]) for row in rows)
    problems = len(problems_of(file))
    assert found["right", "correct"] == 2 * problems and found["wrong", "correct"] == 0
    nothing = "wrong" if "judge" in kinds else "no_answer"  # a judge is not asked about nothing
    assert found["unfinished", nothing] == found["unparsable", nothing] == problems
    assert sum(found.values()) == len(PLAN) * problems and {row["dataset"] for row in rows} == {name}
    manifest = json.loads((tmp_path / "out/manifest.json").read_text())
    assert manifest["recipe"]["datasets"][0]["benchmark"] == name
