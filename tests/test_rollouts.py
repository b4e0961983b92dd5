"""`open-r1 rollouts`: the filters, the table, and errors that say what to do."""

import subprocess
import sys

import pytest
from conftest import REPOSITORY

from open_r1.metrics.kept_rollouts import file_of, read_rollout, write_rollout
from open_r1.rollouts import main

RIGHT, WRONG, JUDGED = "two is right", "wait , it is three", "nobody knows"


@pytest.fixture
def directory(tmp_path):
    for step in (1, 11):
        rows = [
            {"completion": RIGHT, "right": True, "tokens": 40, "clipped": False, "reward": 2.0},
            {"completion": WRONG, "right": False, "tokens": 20, "clipped": False, "reward": 1.0},
            {"completion": f"{JUDGED} [", "right": None, "tokens": 60, "clipped": True, "reward": None},
        ]
        shared = {"step": step, "prompt": [{"role": "user", "content": "1 + 1 ?"}], "advantage": 0.5}
        shared |= {"rewards": {"accuracy": None, "format": 1.0}}
        write_rollout(file_of(tmp_path, step), [row | shared for row in rows])
    return tmp_path


@pytest.mark.parametrize(
    ("options", "completions"),
    [
        ([], [RIGHT, WRONG, JUDGED] * 2),
        (["--step", "11"], [RIGHT, WRONG, JUDGED]),
        (["--right"], [RIGHT] * 2),
        (["--wrong"], [WRONG] * 2),
        (["--clipped"], [JUDGED] * 2),
        (["--contains", "wait"], [WRONG] * 2),
        (["--contains", "["], [JUDGED] * 2),
        (["--wrong", "--contains", "two"], []),
        (["--limit", "4"], [RIGHT, WRONG, JUDGED, RIGHT]),
        (["--right", "--limit", "1"], [RIGHT]),
    ],
)
def test_prints_what_passes_all_filters(directory, capsys, options, completions):
    main([str(directory), *options])
    printed = capsys.readouterr().out
    found = [line[2:].removesuffix(" [") for line in printed.splitlines() if line.startswith("⟶")]
    assert found == completions
    assert printed.count("1 + 1 ?") == printed.count("advantage 0.500") == len(completions)
    assert printed.count("(format 1)") == len(completions) and printed.count(", clipped\n") == found.count(JUDGED)


@pytest.mark.parametrize(
    ("options", "rows"),
    [
        ([], ["1 3 1.500 0.500 40.0 20.0 0.333 8.33", "11 3 1.500 0.500 40.0 20.0 0.333 8.33"]),
        (["--step", "1", "--right"], ["1 1 2.000 1.000 40.0 - 0.000 0.00"]),
        (["--contains", "wait", "--step", "11"], ["11 1 1.000 0.000 - 20.0 0.000 50.00"]),
        (["--limit", "1"], ["1 1 2.000 1.000 40.0 - 0.000 0.00", "11 1 2.000 1.000 40.0 - 0.000 0.00"]),
        (["--contains", "none of them"], []),
    ],
)
def test_counts_what_passes_step_by_step(directory, capsys, options, rows):
    main([str(directory), "--count", *options])
    head, *table = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert head[:3] == ["step", "completions", "reward"] and head[-1] == "reflection_per_1k"
    assert [" ".join(line) for line in table] == rows


def test_a_reader_that_has_seen_enough_ends_it_quietly(directory):
    write_rollout(file_of(directory, 21), list(read_rollout(file_of(directory, 11))) * 5000)
    command = f"{sys.executable} -m open_r1.cli rollouts {directory} --limit 99999 | head -1"
    done = subprocess.run(command, shell=True, capture_output=True, text=True, cwd=REPOSITORY)
    assert done.stdout.startswith("# step 1: right") and not done.stderr


@pytest.mark.parametrize(
    ("step", "message", "fix"),
    [
        ("5", "no rollout was kept at step 5", "choose one of 1, 11"),
        (None, "holds no rollouts", "keep_rollouts: true"),
    ],
)
def test_says_what_is_missing(directory, capsys, step, message, fix):
    with pytest.raises(SystemExit):
        main([str(directory), "--step", step] if step else [str(directory / "elsewhere")])
    printed = capsys.readouterr().err
    assert message in printed and fix in printed and "Traceback" not in printed
