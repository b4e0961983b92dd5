"""Removes training problems that the benchmarks know (paper, supplement D.1); `data/contamination.py` says what counts
as known.

    open-r1 decontaminate --config RECIPE.yaml
"""

from dataclasses import dataclass

from open_r1.core.errors import DataError, report_errors
from open_r1.core.keys import COSMETIC, key
from open_r1.core.publishing import Publishing
from open_r1.core.stage import begin
from open_r1.data.contamination import AGAINST
from open_r1.data.sources import SOURCE


@dataclass
class DecontaminateArguments(Publishing):
    """
    A decontamination recipe.

    Args:
        datasets (`list[dict]`):
            What is checked, see `data/sources.py`.
        against (`list[dict]`, *optional*):
            The benchmarks; [`data.contamination.BENCHMARKS`] by default.
        size (`int`, *optional*, defaults to `10`):
            Consecutive words that count as known.
        output_dir (`str`):
            Where the clean rows go, with the removed ones beside.
        root (`str`, *optional*, defaults to `"data"`):
            Directory of the pipeline's artifacts.
        seed (`int`, *optional*, defaults to `0`):
            Decides nothing here; a pipeline gives it to every stage.
    """

    datasets: list = key([], inside=SOURCE)
    against: list | None = key(None, inside=AGAINST.inside, absent=AGAINST.default)
    size: int = 10
    output_dir: str = ""
    root: str = "data"
    seed: int = key(0, COSMETIC)


ARGUMENTS = DecontaminateArguments


@report_errors
def main(arguments: list[str] | None = None) -> None:
    """Runs one decontamination recipe from the command line."""
    from open_r1.core.tables import contamination_text
    from open_r1.data.contamination import Decontaminator
    from open_r1.data.sources import load_sources
    from open_r1.data.tables import write_table

    stage = begin(DecontaminateArguments, arguments)
    if stage is None:
        return
    args, _, artifact = stage
    cleaner = Decontaminator(args.against, args.size)
    rows = cleaner.rows(load_sources(args.datasets), artifact.path / "contaminated.jsonl")
    count = write_table(rows, artifact.path / "data.parquet")
    if not count:
        raise DataError("no row is left", f"look at {artifact.path / 'contaminated.jsonl'}")
    report = cleaner.report()
    print(contamination_text(report))
    artifact.finish(rows=count, contamination=report)


if __name__ == "__main__":
    main()
