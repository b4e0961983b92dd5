"""What is special about a user's cluster: `slurm/site.env`, lines of `KEY=value` that bash can source.

The keys that start with `SBATCH_` are sbatch's own, such as `SBATCH_PARTITION`. The others are for the jobs, whose
scripts source the file; `slurm/site.env.example` explains them. Variables that are not ours, such as NCCL's, may stand
there too.
"""

import re
import shlex
from collections.abc import Mapping
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
        required(values, key, file)
    own = {key: value for key, value in values.items() if key.startswith("SBATCH_") and value}
    return Site(file, gpus_of(values, file), own)


def required(values: Mapping[str, str], key: str, file: Path) -> str:
    """The value of a key. Raises `SlurmError` where there is none."""
    if value := values.get(key):
        return value
    raise SlurmError(f"{file}: lacks `{key}`", f"add `{key}=...`; {file}.example explains it")


def gpus_of(values: Mapping[str, str], file: Path) -> int:
    """GPUs of a node, by the site."""
    text = required(values, "GPUS_PER_NODE", file)
    if not re.fullmatch(r"[0-9]+", text):
        raise SlurmError(f"{file}: `GPUS_PER_NODE={text}` is no number", "give the GPUs of one node")
    return int(text)


def gpus_of_job(environment: Mapping[str, str]) -> int:
    """GPUs of a node of this job: as many as Slurm gave it, or, where it counts none, the site's."""
    said, had = gpus_of(environment, SITE), environment.get("SLURM_GPUS_ON_NODE", "")
    return int(had) if had.isdigit() else said


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
