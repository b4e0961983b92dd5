"""What happens to an entry of the queue before it is sent, once: tables, last check, card; and the scan, each time.

The files of an entry share their bytes with the artifact: what changes is written anew (`write_atomically`).
"""

from pathlib import Path

PREPARED = "prepared"


def prepare(output: Path, entry: Path, repository: str) -> None:
    """
    Makes an entry ready to be published.

    Args:
        output (`Path`):
            The artifact.
        entry (`Path`):
            Its place in the queue.
        repository (`str`):
            Where it goes, `NAMESPACE/NAME`.

    Raises `ArtifactError` where it is not fit to be published.
    """
