"""`open-r1 COMMAND ...`: the pipeline and its stages from one command.

Help answers at once: nothing heavy is imported before a command runs.
"""

import dataclasses
import importlib
import re
import signal
import sys
import textwrap

from open_r1.core.commands import COMMANDS

DOCS = {
    "GRPOConfig": "https://huggingface.co/docs/trl/grpo_trainer#trl.GRPOConfig",
    "DistillationConfig": "https://huggingface.co/docs/trl/distillation_trainer#trl.DistillationConfig",
    "SFTConfig": "https://huggingface.co/docs/trl/sft_trainer#trl.SFTConfig",
    "RewardConfig": "https://huggingface.co/docs/trl/reward_trainer#trl.RewardConfig",
}


def usage() -> str:
    lines = ["usage: open-r1 COMMAND [--config RECIPE.yaml] [--key value ...]", ""]
    lines += [f"  {name:<19}{command.summary}" for name, command in COMMANDS.items()]
    lines += [
        "",
        "Every stage takes --config, --with, --smoke, --force, --debug, and any key of its recipe.",
        "open-r1 COMMAND --help says more.",
    ]
    return "\n".join(lines)


def command_help(name: str) -> str:
    """Description of one command, without importing what it needs to run."""
    module = importlib.import_module(COMMANDS[name].module)
    lines = [
        f"usage: open-r1 {name} "
        + getattr(
            module, "USAGE", "--config RECIPE.yaml [--with FILE] [--smoke] [--force] [--debug] [--key value ...]"
        )
    ]
    lines += ["", (module.__doc__ or "").strip()]
    if hasattr(module, "ARGUMENTS"):
        lines += ["", "keys of its recipe:", *described(module.ARGUMENTS)]
    if hasattr(module, "TRL"):
        lines += ["", f"and every key of TRL's {module.TRL} and ModelConfig: {DOCS[module.TRL]}"]
    return "\n".join(lines)


KEY = re.compile(r"^ {8}(\w+) \(.*\):\n((?: {12}.*\n)+)", re.MULTILINE)  # of a docstring's `Args:`


def described(arguments: type) -> list[str]:
    """The keys of a dataclass, with what its docstring and those of its parents say of them."""
    texts = [kind.__doc__ or "" for kind in reversed(arguments.__mro__)]
    meanings = {name: " ".join(text.split()) for doc in texts for name, text in KEY.findall(doc)}
    lines = []
    for field in dataclasses.fields(arguments):
        made = field.default_factory() if field.default_factory is not dataclasses.MISSING else field.default
        default = "" if made in (dataclasses.MISSING, None, "", [], {}) else f" (default {made})"
        words = f"{field.name:<19} {meanings.get(field.name, '')}{default}"
        lines += textwrap.wrap(words, 118, initial_indent="  ", subsequent_indent=" " * 22)
    return lines


def run(arguments: list[str]) -> None:
    """Runs a command, or prints its help."""
    if not arguments or arguments[0] in ("-h", "--help"):
        return print(usage())
    name, rest = arguments[0], arguments[1:]
    if name not in COMMANDS:
        sys.exit(f"error: unknown command {name!r}\n  fix: use one of {', '.join(COMMANDS)}")
    if "-h" in rest or "--help" in rest:
        return print(command_help(name))
    importlib.import_module(COMMANDS[name].module).main(rest)


def main() -> None:
    """Entry point of `open-r1`."""
    try:
        run(sys.argv[1:])
        sys.stdout.flush()
    except BrokenPipeError:
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
        print(flush=True)  # where `| head` had enough this ends the process, like any other command
        raise


if __name__ == "__main__":
    main()
