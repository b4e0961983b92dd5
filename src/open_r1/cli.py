"""`open-r1 COMMAND ...`: the pipeline and its stages from one command.

Help answers at once: nothing heavy is imported before a command runs.
"""

import dataclasses
import importlib
import sys

from open_r1.core.commands import COMMANDS


def usage() -> str:
    lines = ["usage: open-r1 COMMAND [--config RECIPE.yaml] [--key value ...]", ""]
    lines += [f"  {name:<14}{command.summary}" for name, command in COMMANDS.items()]
    lines += [
        "",
        "Every stage takes --config, --smoke, --force, --debug, and any key of its recipe. "
        "open-r1 COMMAND --help says more.",
    ]
    return "\n".join(lines)


def command_help(name: str) -> str:
    """Description of one command, without importing what it needs to run."""
    module = importlib.import_module(COMMANDS[name].module)
    lines = [
        f"usage: open-r1 {name} "
        + getattr(module, "USAGE", "--config RECIPE.yaml [--smoke] [--force] [--debug] [--key value ...]")
    ]
    lines += ["", (module.__doc__ or "").strip()]
    if hasattr(module, "ARGUMENTS"):
        keys = [field.name for field in dataclasses.fields(module.ARGUMENTS)]
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
    importlib.import_module(COMMANDS[name].module).main(rest)


if __name__ == "__main__":
    main()
