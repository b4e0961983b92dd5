"""`open-r1 COMMAND ...`: the pipeline and its stages from one command.

Help answers at once: nothing heavy is imported before a command runs.
"""

import dataclasses
import importlib
import sys

# command -> (module with `main`, what it does)
COMMANDS = {
    "run": ("open_r1.pipeline", "run a pipeline: open-r1 run recipes/mini/pipeline.yaml"),
    "sft": ("open_r1.sft", "supervised fine-tuning: pretraining, cold start, SFT, distillation"),
    "grpo": ("open_r1.grpo", "reinforcement learning with GRPO"),
    "reward-model": ("open_r1.reward_model", "train a helpful (pairwise) or safety (point-wise) reward model"),
    "generate": ("open_r1.generate", "draw k completions per problem into a sample store"),
    "curate": ("open_r1.curate", "filter samples into training data, or into prompts for RL"),
    "mix": ("open_r1.mix", "mix datasets into one training set"),
    "decontaminate": ("open_r1.decontaminate", "remove training problems that the benchmarks know"),
    "evaluate": ("open_r1.evaluate", "pass@1, cons@k and more of some models"),
    "report": ("open_r1.report", "figures, tables and results.json of a pipeline"),
    "show-data": ("open_r1.show_data", "print what a recipe's model reads, and what it learns"),
    "audit-golds": ("open_r1.audit_golds", "find reference answers of a dataset that nothing could match"),
    "import-gguf": ("open_r1.import_gguf", "turn a GGUF file into a model directory"),
}
# Commands that read a recipe without TRL's classes, and the dataclass that documents its keys.
PLAIN = {
    "generate": "GenerateArguments",
    "curate": "CurateArguments",
    "mix": "MixArguments",
    "decontaminate": "DecontaminateArguments",
    "evaluate": "EvaluateArguments",
}


def usage() -> str:
    lines = ["usage: open-r1 COMMAND [--config RECIPE.yaml] [--key value ...]", ""]
    lines += [f"  {name:<14}{text}" for name, (_, text) in COMMANDS.items()]
    lines += [
        "",
        "Every stage takes --config, --smoke, --force, --debug, and any key of its recipe. "
        "open-r1 COMMAND --help says more.",
    ]
    return "\n".join(lines)


def command_help(name: str) -> str:
    """Description of one command, without importing what it needs to run."""
    module = importlib.import_module(COMMANDS[name][0])
    lines = [
        f"usage: open-r1 {name} "
        + getattr(module, "USAGE", "--config RECIPE.yaml [--smoke] [--force] [--debug] [--key value ...]")
    ]
    lines += ["", (module.__doc__ or "").strip()]
    if name in PLAIN:
        arguments = getattr(module, PLAIN[name])
        keys = [field.name for field in dataclasses.fields(arguments)]
        lines += ["", "keys: " + ", ".join(keys)]
    return "\n".join(lines)


def main() -> None:
    """Entry point of `open-r1`."""
    arguments = sys.argv[1:]
    if not arguments or arguments[0] in ("-h", "--help"):
        return print(usage())
    name, rest = arguments[0], arguments[1:]
    if name not in COMMANDS:
        sys.exit(f"error: unknown command {name!r}\n  fix: use one of {', '.join(COMMANDS)}")
    if "-h" in rest or "--help" in rest:
        return print(command_help(name))
    importlib.import_module(COMMANDS[name][0]).main(rest)


if __name__ == "__main__":
    main()
