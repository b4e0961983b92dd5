"""What is special about a user's cluster: `slurm/site.env`, lines of `KEY=value` that bash can source.

The keys that start with `SBATCH_` are sbatch's own, such as `SBATCH_PARTITION`. The others are for the jobs, whose
scripts source the file; `slurm/site.env.example` explains them. Variables that are not ours, such as NCCL's, may stand
there too.
"""

import re
import shlex
from dataclasses import dataclass
from pathlib import Path

from ..core.errors import SlurmError

SITE = Path("slurm/site.env")
REQUIRED = ("SBATCH_PARTITION", "GPUS_PER_NODE")
LINE = re.compile(r"([A-Za-z_]\w*)=(.*)")


@dataclass(frozen=True)
class Site:
    """
    A cluster, as its users see it.

    Attributes:
        file (`Path`): Where it is described.
        gpus (`int`): GPUs of a node.
        sbatch (`dict[str, str]`): sbatch's own variables.
    """

    file: Path
    gpus: int
    sbatch: dict[str, str]


def read_site(file: Path = SITE) -> Site:
    """Reads the file of a site. Raises `SlurmError` where it is missing or does not say what every job needs."""
    values = read_values(file)
    for key in REQUIRED:
        if not values.get(key):
            raise SlurmError(f"{file}: lacks `{key}`", f"add `{key}=...`; {file}.example explains it")
    gpus = values["GPUS_PER_NODE"]
    if not re.fullmatch(r"[0-9]+", gpus):
        raise SlurmError(f"{file}: `GPUS_PER_NODE={gpus}` is no number", "give the GPUs of one node")
    own = {key: value for key, value in values.items() if key.startswith("SBATCH_") and value}
    return Site(file, int(gpus), own)


def read_values(file: Path) -> dict[str, str]:
    """The values of a file of `KEY=value` lines."""
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        hint = f"start in the folder that holds {file.parent}/, copy {file}.example to {file}, and fill it in"
        raise SlurmError(f"{file}: no such file", hint) from None
    return dict(read_line(line, f"{file}, line {number}") for number, line in enumerate(lines, 1) if is_said(line))


def is_said(line: str) -> bool:
    """Whether a line says something: it is neither empty nor a comment."""
    return bool(line.strip()) and not line.lstrip().startswith("#")


def read_line(line: str, where: str) -> tuple[str, str]:
    """Key and value of a line. Raises `SlurmError` for one that bash would read as something else."""
    found = LINE.fullmatch(line.strip())
    try:
        words = shlex.split(found[2], comments=True) if found else []
    except ValueError:  # a quote that nothing closes
        words = ["", ""]
    if not found or len(words) > 1 or found[2][:1].isspace():
        raise SlurmError(f"{where}: {line.strip()!r} is no `KEY=value`", 'write it without spaces, or KEY="a value"')
    return found[1], "".join(words)
