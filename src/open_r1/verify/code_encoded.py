"""Tests as LiveCodeBench keeps them: a list of cases as JSON, in a pickle, compressed by zlib, in base64.

Some are larger than 100 MB, so they stay encoded until they are asked. A pickle can name any function to be called
when it is read: here it can hold a text and nothing else, and one that names a class or a function is refused before
anything is called.
"""

import base64
import io
import json
import pickle
import zlib
from typing import Any

from ..core.errors import DataError

LARGEST = 1 << 30  # bytes of the tests of one problem; more is a fault, or meant to fill the memory


class OnlyText(pickle.Unpickler):
    """Reads a pickle that needs no class and no function."""

    def find_class(self, module: str, name: str) -> Any:
        raise pickle.UnpicklingError(f"their pickle asks for {module}.{name}, and only a text is taken from it")


def decode(text: str) -> list[dict[str, Any]]:
    """The cases of encoded tests, which may also be plain JSON; raises `DataError` where there are none."""
    try:
        cases = json.loads(text if text.lstrip()[:1] == "[" else unpacked(text))
        if not isinstance(cases, list) or not all(isinstance(case, dict) for case in cases):
            raise ValueError("they are no list of cases")
        return cases
    except (
        ValueError, TypeError, AttributeError, LookupError, EOFError, OverflowError, MemoryError, RecursionError,
        zlib.error, pickle.UnpicklingError,
    ) as error:  # fmt: skip
        reason = f"{type(error).__name__}: {error}".splitlines()[0][:200]
        hint = "they are a JSON list of cases, or base64 of zlib of a pickle of its text"
        raise DataError(f"tests that cannot be decoded ({reason})", hint) from None


def unpacked(text: str) -> str:
    """The text in base64, zlib and a pickle."""
    unzip = zlib.decompressobj()
    data = unzip.decompress(base64.b64decode(text, validate=True), LARGEST)
    if unzip.unconsumed_tail:
        raise ValueError(f"they are larger than {LARGEST >> 20} MB")
    value = OnlyText(io.BytesIO(data)).load()
    if type(value) is not str:
        raise ValueError(f"their pickle holds a {type(value).__name__}, not a text")
    return value


def encode(cases: list[dict[str, Any]]) -> str:
    """Cases in this form."""
    return base64.b64encode(zlib.compress(pickle.dumps(json.dumps(cases)))).decode("ascii")
