"""The tables of `docs/slurm.md`: figures are those that `open-r1 plan` prints, nodes those that a chain asks for."""

import re
import shlex

import pytest
from conftest import REPOSITORY

from open_r1 import plan
from open_r1.core.pipelines import read_pipeline

TEXT = (REPOSITORY / "docs/slurm.md").read_text(encoding="utf-8")
COMMAND = re.compile(r"^    open-r1 plan (\S+)/STAGE\.yaml --with (\S+) WORDS$", re.MULTILINE)


def read_tables():
    """The cells of each stage, with the folder and the overlay of its table."""
    _, *parts = COMMAND.split(TEXT)
    for folder, overlay, text in zip(parts[::3], parts[1::3], parts[2::3], strict=True):
        table = text.split("\n\n")[1]
        for line in table.splitlines()[2:]:
            yield folder, overlay, *(cell.strip(" `") for cell in line.strip("|").split("|"))


ROWS = list(read_tables())


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row[0]}/{row[2]}")
def test_nodes_are_those_of_the_chain(row, monkeypatch):
    monkeypatch.chdir(REPOSITORY)
    folder, overlay, stage, size, *_ = row
    stages, *_ = read_pipeline(REPOSITORY / folder / "pipeline.yaml", {"with": [overlay]})
    asked = next({"nodes": 1, "gpus": 0} | found.resources for found in stages if found.name == stage)
    assert size == f"{asked['nodes']} x {asked['gpus']}"


@pytest.mark.parametrize("row", [row for row in ROWS if row[7][0].isdigit()], ids=lambda row: f"{row[0]}/{row[2]}")
def test_figures_are_those_of_the_plan(row, monkeypatch, capsys):
    monkeypatch.chdir(REPOSITORY)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    folder, overlay, stage, size, words, memory, disk, hours, _ = row
    good = "does not fit" not in memory
    monkeypatch.setattr(plan, "nearest", lambda *_: [])  # what would fit takes its time, and is in no table
    try:
        plan.main([f"{folder}/{stage}.yaml", "--with", overlay, *shlex.split(words)])
        code = 0
    except SystemExit as ended:
        code = ended.code
    told = capsys.readouterr().out
    assert code == (0 if good else 1)
    assert re.search(rf"in all +{memory.split(':')[0]}  of 80: {'fits' if good else 'does not fit'}\n", told)
    assert f"disk: {disk} GB " in told and f"roughly {hours} hours" in told
