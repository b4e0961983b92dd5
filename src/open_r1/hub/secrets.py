"""Nothing secret goes up: every file that would be pushed is searched for tokens, keys and passwords.

Files are read as streams, so that their size does not matter: texts as they are, compressed ones unpacked, the rows of
a parquet file as JSON, of weights the header only, and of what torch has pickled the texts: `training_args.bin` holds
a recipe's token. What counts is in `secret_rules.py`; and the values of this process's own secrets are looked for as
they are, since these are what a log or a recipe would give away.

The library detect-secrets knows most of these kinds too. It does not replace the rules: it is made for the lines of a
source tree and runs each of its plugins on each of them (0.25 MB/s where these rules take 24), has no rule for the
keys of Hugging Face, Anthropic and Google, reads no parquet, and counts `https://username:password@` and `npm_xxxxx`
as secrets, which would refuse nearly every data set of code. Its published cases are among the tests.
"""

import fnmatch
import json
import os
import pickletools
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from ..core.errors import ArtifactError
from .secret_rules import ASSIGNMENT, NAMES, RULES, named_secret

FILES: tuple[str, ...] = (
    ".env",
    ".env.*",
    "id_rsa",
    "id_dsa",
    "id_ecdsa",
    "id_ed25519",
    ".netrc",
    "_netrc",
    "*.pem",
    "*.ppk",
    "*.pfx",
)
FILES += (".git-credentials", ".pgpass", ".pypirc", ".npmrc", "credentials", "token", "stored_tokens")
HARMLESS_FILES = ("*.example", "*.sample", "*.template")
VARIABLES = ("TOKEN", "KEY", "SECRET", "PASSWORD")  # words in the names of variables that hold secrets
SHORTEST = 12  # characters of a variable's value that is looked for
BLOCK, BEFORE, AFTER = 4 << 20, 256, 8 << 10  # bytes searched at once, and those around them that a find may need
SHOWN = 20  # places in an error
ESCAPES = ((b"\\n", b" \n"), (b"\\r", b"  "), (b"\\t", b"  "), (b'\\"', b' "'), (b"\\/", b" /"))


class Secret(NamedTuple):
    """
    Attributes:
        file (`str`): Path below the directory that was searched.
        line (`int`): Its line, or its row in a parquet file; 0 where the file is the secret by its name.
        kind (`str`): What it is.
    """

    file: str
    line: int
    kind: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line} ({self.kind})" if self.line else f"{self.file} ({self.kind})"


def refuse_secrets(directory: Path) -> None:
    """Raises `ArtifactError` if a file of a directory holds what looks like a secret: where, never what."""
    found = find_secrets(directory)
    if found:
        shown = ", ".join(map(str, found[:SHOWN])) + (f" and {len(found) - SHOWN} more" if len(found) > SHOWN else "")
        hint = (
            "remove them from these lines, where they come from too, and revoke each that was ever readable to others"
        )
        raise ArtifactError(f"{directory} is not published, it holds what looks secret: {shown}", hint)


def find_secrets(directory: Path) -> list[Secret]:
    """
    The secrets in all files below a directory, in order.

    Args:
        directory (`Path`):
            What would be published.

    Returns:
        `list[Secret]`: where they are, and of what kind.
    """
    own, found = own_secrets(), []
    for file in sorted(path for path in directory.rglob("*") if path.is_file()):
        name = str(file.relative_to(directory))
        if secret_name(file.name):
            found.append(Secret(name, 0, "a file that by its name holds secrets"))
        places = {(line, kind) for line, kind in search(pieces(file), own)}
        found += [Secret(name, line, kind) for line, kind in sorted(places)]
    return found


def secret_name(name: str) -> bool:
    return any(fnmatch.fnmatch(name, known) for known in FILES) and not any(
        fnmatch.fnmatch(name, known) for known in HARMLESS_FILES
    )


def own_secrets() -> dict[bytes, str]:
    """What this process knows that nobody else may: values of its variables, and the token it is logged in with."""
    from huggingface_hub import get_token

    found = {
        value: f"the value of ${name}"
        for name, value in ((name, value.strip()) for name, value in os.environ.items())
        if any(word in name.upper() for word in VARIABLES) and not value.startswith(("/", "~", "."))
    }
    found |= {token: "the token of `hf auth login`"} if (token := get_token()) and token not in found else {}
    return {value.encode(errors="surrogateescape"): kind for value, kind in found.items() if len(value) >= SHORTEST}


# --------------------------------------------------------------------------------------------------- files as bytes


def pieces(file: Path) -> Iterator[bytes]:
    """What a file holds, piece by piece; raises `ArtifactError` for one that is not what it claims to be."""
    read = {".parquet": parquet_rows, ".safetensors": weights_header}.get(file.suffix, unpacked)
    if zipfile.is_zipfile(file):
        read = pickled
    try:
        yield from read(file)
    except (OSError, ValueError, zipfile.BadZipFile) as error:  # pyarrow's errors are of these
        reason = str(error).splitlines()[0] if str(error) else "it is cut short"
        raise ArtifactError(
            f"{file} cannot be searched for secrets: {reason}", "delete it, or make it again"
        ) from None


def unpacked(file: Path) -> Iterator[bytes]:
    """Any file; one that is compressed, by its ending, as what it was before."""
    import pyarrow

    if not file.stat().st_size:
        return
    with pyarrow.input_stream(str(file), compression="detect") as stream:
        while piece := stream.read(BLOCK):
            yield piece


def weights_header(file: Path) -> Iterator[bytes]:
    """The header of weights: names, shapes and what was noted about them."""
    with file.open("rb") as stream:
        yield stream.read(int.from_bytes(stream.read(8), "little"))


def pickled(file: Path) -> Iterator[bytes]:
    """The members of an archive, and of pickles in it the texts, which bytes that look like letters follow there."""
    with zipfile.ZipFile(file) as archive:
        for name in archive.namelist():
            if name.endswith(".pkl"):
                yield from (f"{found} ".encode(errors="replace") for found in texts_of(archive.read(name)))
            else:
                with archive.open(name) as member:
                    yield from iter(lambda: member.read(BLOCK), b"")


def texts_of(pickle: bytes) -> Iterator[str]:
    return (value for _, value, _ in pickletools.genops(pickle) if isinstance(value, str))


def parquet_rows(file: Path) -> Iterator[bytes]:
    """The rows of a table, each a line of JSON: so that names of columns count as they do there."""
    import pyarrow.parquet

    with pyarrow.parquet.ParquetFile(file) as table:
        for batch in table.iter_batches(batch_size=256):
            for row in batch.to_pylist():
                yield json.dumps(row, ensure_ascii=False, default=repr).encode(errors="replace") + b"\n"


# ----------------------------------------------------------------------------------------------------------- search


def windows(stream: Iterator[bytes]) -> Iterator[tuple[bytes, int, int]]:
    """
    A stream in overlapping texts, with the bounds between which a find must begin to be of this text and no other.
    """
    held, size, begin = [], 0, 0
    for piece in stream:
        held.append(piece)
        size += len(piece)
        if size >= BLOCK + BEFORE + AFTER:
            text = b"".join(held)
            yield text, begin, size - AFTER
            begin, held = BEFORE, [text[size - AFTER - BEFORE :]]
            size = len(held[0])
    yield b"".join(held), begin, size


def search(stream: Iterator[bytes], own: dict[bytes, str]) -> Iterator[tuple[int, str]]:
    """Line and kind of each secret in a stream."""
    lines = 1
    for raw, begin, end in windows(stream):
        text = raw
        for escape, meant in ESCAPES if b"\\" in raw else ():
            text = text.replace(escape, meant)  # of the same length
        for at, kind in (*tokens(text, begin, end), *assignments(text, begin, end), *values(text, begin, end, own)):
            yield lines + raw.count(b"\n", begin, at), kind
        lines += raw.count(b"\n", begin, end)


def places(text: bytes, literal: bytes, begin: int, end: int) -> Iterator[int]:
    """Where a literal begins between two bounds."""
    at = text.find(literal, begin)
    while 0 <= at < end:
        yield at
        at = text.find(literal, at + 1)


def tokens(text: bytes, begin: int, end: int) -> Iterator[tuple[int, str]]:
    """What a prefix, a length and an alphabet give away."""
    for kind, literals, pattern, holds in RULES:
        for literal in literals:
            for at in places(text, literal, begin, end):
                if (match := pattern.match(text, at)) and holds(match[match.lastindex or 0]):
                    yield match.start(match.lastindex or 0), kind


def assignments(text: bytes, begin: int, end: int) -> Iterator[tuple[int, str]]:
    """`PASSWORD=...`, `api_key: "..."` and the like, where the value looks random."""
    lower = text.lower()
    for name in NAMES:
        for at in places(lower, name.encode(), begin, end):
            match = ASSIGNMENT.match(text, at)
            if match and named_secret(match[1], text[at : at + len(name)], before(text, at)):
                yield match.start(1), "a value that looks like a secret, by its name"


def before(text: bytes, at: int) -> bytes:
    """The beginning of the name in whose middle a place is."""
    start = at
    while start > max(0, at - 40) and (text[start - 1 : start].isalnum() or text[start - 1] in b"_-"):
        start -= 1
    return text[start:at]


def values(text: bytes, begin: int, end: int, own: dict[bytes, str]) -> Iterator[tuple[int, str]]:
    """Secrets that this process knows."""
    for value, kind in own.items():
        for at in places(text, value, begin, end):
            yield at, kind
