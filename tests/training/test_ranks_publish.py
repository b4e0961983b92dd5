"""
Two ranks publish and evaluate as one process does: asked once whether they may, one commit and one evaluation for each
saved step, also where a checkpoint is in pieces.
"""

import json
import shutil
from collections import Counter
from pathlib import Path

import pytest
import safetensors.torch
import torch
import yaml
from accelerate.utils import merge_fsdp_weights
from launched import Launched
from local_hub import LocalHub
from local_hub_store import Repository
from peft import PeftModel
from transformers import AutoModelForCausalLM
from waiting import wait_for

from open_r1.core import saved_steps
from open_r1.core.inputs import read_manifest
from open_r1.core.outbox import entries, pushed

STEPS = ["step-000002", "step-000004"]
COMMAND = ["sft", "--config", "recipes/mini/base.yaml", "--smoke", "--max_steps", 4, "--save_steps", 2]
COMMAND += ["--per_device_train_batch_size", 4, "--optimizer", "null", "--save_total_limit", 1]
COMMAND += ["--push_to_hub", "true", "--hub_namespace", "lab", "--hub_must_stop", 0]
LORA = ["--use_peft", "true", "--lora_r", 4, "--merge", "false", "--learning_rate", 0.02]
LORA += ["--model_config", "null", "--tokenizer", "null"]
HOW = {"engine": "transformers", "num_samples": 1, "max_new_tokens": 4, "dtype": "float32", "seed": 3}


def commits(found: Repository) -> Counter:
    """What was committed, by the names of the entries that are published; the Hub itself makes a first one."""
    return Counter(commit.title.partition(" ")[0] for commit in found.commits.values())


def weights(found: Repository, branch: str, name: str = "model.safetensors") -> dict[str, torch.Tensor]:
    return safetensors.torch.load(found.files(branch)[name])


def same(mine: dict[str, torch.Tensor], theirs: dict[str, torch.Tensor]) -> bool:
    return mine.keys() == theirs.keys() and all(torch.equal(mine[name], theirs[name]) for name in theirs)


def pulled(found: Repository, branch: str, folder: Path) -> Path:
    """What a branch holds, as files."""
    for name, data in found.files(branch).items():
        (folder / branch / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / branch / name).write_bytes(data)
    return folder / branch


def benchmark(folder: Path) -> list:
    """The words that have each saved step evaluated."""
    rows = [{"question": f"What is {n} + 2?", "answer": str(n + 2)} for n in range(2)]
    (folder / "rows.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    entry = {"path": str(folder / "rows.jsonl"), "prompt": "{question}", "verifier": "math"}
    (folder / "sums.yaml").write_text(yaml.safe_dump(entry))
    return ["--benchmarks", json.dumps([str(folder / "sums.yaml")]), "--evaluation", json.dumps(HOW)]


def require_evaluated(output: Path, steps: list[str]) -> None:
    """Each step once, with numbers."""
    wait_for(lambda: not saved_steps.pending(output), f"{list((output / 'evaluations').rglob('*.log'))}")
    log = output / "evaluations/log"
    wait_for(lambda: log.read_text().count("is evaluated") == len(steps), log)
    for step in steps:
        metrics = json.loads((output / "evaluations" / step / step / "metrics.json").read_text())
        assert metrics["by_dataset"]["sums"]["problems"] == 2 and f"{step} is evaluated" in log.read_text()


def all_sent(output: Path) -> bool:
    return [note["name"] for note in pushed(output)][-1:] == ["final"] and not entries(output)


def gathered(checkpoint: Path, place: Path, model: Path) -> dict[str, torch.Tensor]:
    """The weights of a checkpoint in pieces by accelerate's own means, with the names and precision of a model."""
    merge_fsdp_weights(str(checkpoint / "pytorch_model_fsdp_0"), str(place))
    found = safetensors.torch.load_file(place / "model.safetensors")
    return {name: found[name].to(weight.dtype) for name, weight in safetensors.torch.load_file(model).items()}


def require_steps_on_it(hub: LocalHub, ranks: Launched, base: Path, folder: Path, evaluated: list) -> None:
    """An adapter on the model that is published, its step in pieces too, and loaded upon it as others would."""
    output, steps = base.with_name("adapter"), STEPS[:1]
    command = [*COMMAND, "--max_steps", 2, *LORA, "--model_name_or_path", base, "--output_dir", output, *evaluated]
    ranks.run(command, environment=hub.environment)
    wait_for(lambda: all_sent(output), "what is published")
    found = list(hub.repositories.values())[1]
    assert [commits(found)[name] for name in (*steps, "final")] == [1, 1]
    last, result = (weights(found, branch, "adapter_model.safetensors") for branch in (*steps, "main"))
    step = pulled(found, *steps, folder / "pulled_adapter")
    settings, theirs = (json.loads((place / "adapter_config.json").read_text()) for place in (step, output))
    assert settings["base_model_name_or_path"] == pushed(base)[-1]["place"] and settings["r"] == theirs["r"] == 4
    adapter = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(base), step)
    held = {name.replace(".default", ""): weight for name, weight in adapter.state_dict().items()}
    assert same(last, result) and len(last) > 4 and same(last, {name: held[name] for name in last})
    assert any(weight.any() for name, weight in last.items() if "lora_B" in name)  # it has learned
    require_evaluated(output, steps)


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["ddp", "fsdp_sharded"])
def test_killed_between_two_steps_each_is_one_commit(tmp_path, mode):
    output, in_pieces = tmp_path / "mini" / "base", mode == "fsdp_sharded"
    evaluated = benchmark(tmp_path) if in_pieces else []
    command = [*COMMAND, "--root", tmp_path / "mini", *evaluated]
    with LocalHub(tmp_path / "hf") as hub:
        ranks, hub.delay = Launched(tmp_path / "ranks", mode), 0.05
        try:
            hold = {"event": "on_step_end", "step": 3, "ranks": ranks.every}
            ranks.start(command, hold=hold, environment=hub.environment)
            ranks.wait_until_held(ranks.every)
            assert len(hub.asked("whoami")) == ranks.output().count("publishing as tester") == 1
            ranks.kill()
            kept = shutil.copytree(output / "checkpoint-2", tmp_path / "kept")
            assert "resuming" in ranks.run(command, environment=hub.environment)
            assert len(hub.asked("whoami")) == ranks.output().count("publishing as tester") + 1 == 2
            wait_for(lambda: all_sent(output), "what is published")
            if in_pieces:
                require_steps_on_it(hub, ranks, output, tmp_path, evaluated)
        finally:
            ranks.close()
        found = next(iter(hub.repositories.values()))
        assert sorted(found.branches) == ["main", *STEPS]
        assert [note["name"] for note in pushed(output)] == [*STEPS, "final"]
        assert [commits(found)[name] for name in (*STEPS, "final")] == [1, 1, 1] and sum(commits(found).values()) == 4
        assert found.files("main")["model.safetensors"] == (output / "model.safetensors").read_bytes()
        first, last, result = (weights(found, branch) for branch in (*STEPS, "main"))
        assert same(last, result) and not same(first, result)
        assert list(found.tags) == [read_manifest(output)["hash"]]
        if in_pieces:
            assert same(first, gathered(kept, tmp_path / "gathered", output / "model.safetensors"))
            loaded = AutoModelForCausalLM.from_pretrained(pulled(found, STEPS[0], tmp_path / "pulled"))
            assert set(first) < set(loaded.state_dict())  # one is tied
            assert all(torch.equal(loaded.state_dict()[name], weight) for name, weight in first.items())
            assert not [name for name in found.files(STEPS[0]) if "fsdp" in name or name.startswith(".m")]
            require_evaluated(output, STEPS)
