"""Two ranks publish as one process does: asked once whether they may, and one commit for each saved step."""

from collections import Counter
from pathlib import Path

import pytest
import safetensors.torch
import torch
from launched import Launched
from local_hub import LocalHub
from local_hub_store import Repository
from waiting import wait_for

from open_r1.core.inputs import read_manifest
from open_r1.core.outbox import entries, pushed

STEPS = ["step-000002", "step-000004"]
COMMAND = ["sft", "--config", "recipes/mini/base.yaml", "--smoke", "--max_steps", 4, "--save_steps", 2]
COMMAND += ["--per_device_train_batch_size", 4, "--optimizer", "null", "--save_total_limit", 1]
COMMAND += ["--push_to_hub", "true", "--hub_namespace", "lab", "--hub_must_stop", 0]


def commits(hub: LocalHub) -> Counter:
    """What was committed, by the names of the entries that are published; the Hub itself makes a first one."""
    (found,) = hub.repositories.values()
    return Counter(commit.title.partition(" ")[0] for commit in found.commits.values())


def weights(found: Repository, branch: str) -> dict[str, torch.Tensor]:
    return safetensors.torch.load(found.files(branch)["model.safetensors"])


def all_sent(output: Path) -> bool:
    return len(pushed(output)) == 3 and not entries(output)


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["ddp", "fsdp_full"])
def test_killed_between_two_steps_each_is_one_commit(tmp_path, mode):
    output = tmp_path / "mini" / "base"
    command = [*COMMAND, "--root", tmp_path / "mini"]
    with LocalHub(tmp_path / "hf") as hub:
        ranks, hub.delay = Launched(tmp_path / "ranks", mode), 0.05
        try:
            hold = {"event": "on_step_end", "step": 3, "ranks": ranks.every}
            ranks.start(command, hold=hold, environment=hub.environment)
            ranks.wait_until_held(ranks.every)
            assert len(hub.asked("whoami")) == ranks.output().count("publishing as tester") == 1
            ranks.kill()
            assert "resuming" in ranks.run(command, environment=hub.environment)
            assert len(hub.asked("whoami")) == ranks.output().count("publishing as tester") + 1 == 2
            wait_for(lambda: all_sent(output), "what is published")
        finally:
            ranks.close()
        (found,) = hub.repositories.values()
        assert sorted(found.branches) == ["main", *STEPS]
        assert [note["name"] for note in pushed(output)] == [*STEPS, "final"]
        assert [commits(hub)[name] for name in (*STEPS, "final")] == [1, 1, 1] and sum(commits(hub).values()) == 4
        assert found.files("main")["model.safetensors"] == (output / "model.safetensors").read_bytes()
        first, last, result = (weights(found, branch) for branch in (*STEPS, "main"))
        assert all(torch.equal(last[name], tensor) for name, tensor in result.items())
        assert not all(torch.equal(first[name], tensor) for name, tensor in result.items())
        assert list(found.tags) == [read_manifest(output)["hash"]]
