"""The table of TRL's and transformers' keys names keys that exist, with their defaults."""

from dataclasses import fields

import pytest
import trl

from open_r1.core.keys import BATCH, COSMETIC, RESULT, RUN, keys_of
from open_r1.training.arguments import GRPOArguments, OnPolicyDistillArguments, RewardModelArguments, SFTArguments
from open_r1.training.theirs import THEIRS

CONFIGS = (trl.SFTConfig, trl.GRPOConfig, trl.DistillationConfig, trl.RewardConfig, trl.ModelConfig)
BY_ROWS = (SFTArguments, OnPolicyDistillArguments, RewardModelArguments)


def test_every_key_of_the_table_is_one_of_theirs():
    assert set(THEIRS) - {field.name for config in CONFIGS for field in fields(config)} == set()


def test_what_stands_for_a_batch_left_out_is_their_default():
    defaults = {field.name: field.default for field in fields(trl.SFTConfig)}
    sizes = {name: declared.default for name, declared in THEIRS.items() if declared.decides == BATCH}
    assert sizes == {name: defaults[name] for name in ("per_device_train_batch_size", "gradient_accumulation_steps")}


@pytest.mark.parametrize(
    ("name", "decides"),
    [
        ("learning_rate", RESULT),
        ("max_steps", RESULT),
        ("num_generations", RESULT),
        ("prompts_per_step", RESULT),
        ("dtype", RESULT),
        ("logging_steps", RUN),
        ("save_total_limit", RUN),
        ("save_steps", RUN),
        ("dataloader_num_workers", RUN),
        ("gradient_checkpointing", RUN),
        ("report_to", COSMETIC),
        ("hub_model_id", COSMETIC),
    ],
)
def test_what_a_key_decides(name, decides):
    for arguments in (*BY_ROWS, GRPOArguments):
        declared = keys_of(arguments).get(name)
        assert ((declared and declared.decides) or RESULT) == decides


def test_the_batch_of_one_device_decides_only_with_the_others():
    sizes = ("per_device_train_batch_size", "gradient_accumulation_steps")
    for arguments, decides in (*((rows, BATCH) for rows in BY_ROWS), (GRPOArguments, RUN)):
        assert {keys_of(arguments)[name].decides for name in sizes} == {decides}
