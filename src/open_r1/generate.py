"""Draws k completions per problem into a sample store: the one thing that cold start, rejection sampling and
evaluation read.

    open-r1 generate --config RECIPE.yaml

A row per completion: problem id, sample index, prompt, text, tokens, finish reason, seed, model, and the verdict
(`sampling/store.py`). A killed run continues where it was. The engine is transformers in this process, servers, or
vLLM (`sampling/engines.py`), or many jobs (`sampling/at_scale.py`).
"""

from open_r1.core.errors import report_errors
from open_r1.core.stage import begin
from open_r1.sampling.arguments import GenerateArguments
from open_r1.sampling.draw import draw_samples

ARGUMENTS = GenerateArguments


@report_errors
def main(arguments: list[str] | None = None) -> None:
    """Runs one generation recipe from the command line."""
    stage = begin(GenerateArguments, arguments)
    if stage is None:
        return
    args, _, artifact = stage
    figures = draw_samples(args, artifact, artifact.path)
    if figures is not None:
        artifact.finish(**figures)


if __name__ == "__main__":
    main()
