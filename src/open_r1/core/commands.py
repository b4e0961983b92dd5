"""The commands of `open-r1`: a line here is all that a new one needs beside its module. Only names, so that help
answers at once.
"""

import importlib
from typing import Any, NamedTuple


class Command(NamedTuple):
    """
    One command.

    Attributes:
        module (`str`): Where its `main` is; `ARGUMENTS` there, if any, documents its keys, and `USAGE` its options.
        summary (`str`): What it does.
        trains (`bool`): Whether it may use several devices, so that a pipeline's `launch` starts it.
    """

    module: str
    summary: str
    trains: bool = False

    @property
    def arguments(self) -> Any:
        """The dataclass with the keys of its recipe, `None` for a command without; imports its module."""
        return getattr(importlib.import_module(self.module), "ARGUMENTS", None)


COMMANDS = {
    "run": Command("open_r1.pipeline", "run a pipeline: open-r1 run recipes/mini/pipeline.yaml"),
    "pull": Command("open_r1.pull", "fetch from the Hub all that a pipeline or recipe needs, or one artifact"),
    "status": Command("open_r1.status", "how far the stages of a pipeline are, here or with Slurm"),
    "cancel": Command("open_r1.cancel", "cancel the Slurm jobs of a pipeline, or of one stage"),
    "sft": Command("open_r1.sft", "supervised fine-tuning: pretraining, cold start, SFT, distillation", trains=True),
    "grpo": Command("open_r1.grpo", "reinforcement learning with GRPO", trains=True),
    "on-policy-distill": Command(
        "open_r1.on_policy_distill", "distillation on the student's own completions, beside a teacher", trains=True
    ),
    "serve": Command("open_r1.serve", "start the vLLM server of a GRPO recipe"),
    "reward-model": Command(
        "open_r1.reward_model", "train a helpful (pairwise) or safety (point-wise) reward model", trains=True
    ),
    "generate": Command("open_r1.generate", "draw k completions per problem into a sample store"),
    "curate": Command("open_r1.curate", "filter samples into training data, or into prompts for RL"),
    "prefer": Command("open_r1.prefer", "have a judge compare samples: pairs for the helpful reward model"),
    "mix": Command("open_r1.mix", "mix datasets into one training set"),
    "decontaminate": Command("open_r1.decontaminate", "remove training problems that the benchmarks know"),
    "evaluate": Command("open_r1.evaluate", "pass@1, cons@k and more of some models"),
    "report": Command("open_r1.report", "a page, figures and results.json of any folder of models and evaluations"),
    "rollouts": Command("open_r1.rollouts", "read, filter and count the completions that a GRPO run kept"),
    "show-data": Command("open_r1.show_data", "print what a recipe's model reads, and what it learns"),
    "job": Command("open_r1.job", "run a command on the nodes of a Slurm job, as slurm/*.slurm do"),
    "push": Command("open_r1.push", "publish artifacts on the Hub, or send what is pending"),
    "plan": Command("open_r1.plan", "memory, disk, steps and rough hours of a training recipe, before anything loads"),
    "doctor": Command("open_r1.doctor", "check this machine, and what a recipe wants from it"),
    "audit-golds": Command("open_r1.audit_golds", "find reference answers of a dataset that nothing could match"),
    "import-gguf": Command("open_r1.import_gguf", "turn a GGUF file into a model directory"),
}
