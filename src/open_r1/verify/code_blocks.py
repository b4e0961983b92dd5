"""Which part of a response is its program: the code blocks of Markdown, and which of them is meant."""

import re
import textwrap
from itertools import islice

LANGUAGES = {
    "python": "python",
    "py": "python",
    "pypy": "python",
    "cpp": "cpp",
    "c++": "cpp",
    "cc": "cpp",
    "cxx": "cpp",
}
FENCE = re.compile(r"^(?:[^`\n]*[ \t:>*-])?(`{3,9})(?!`)[ \t]*([^\s`]*)[^`\n]*$", re.MULTILINE)
EXAMPLE = re.compile(
    r"\b(output|outputs|prints?|printed|results?|input|example|sample|run|usage)\b[^\n]*\n?\s*$", re.IGNORECASE
)


def extract_program(final: str | None) -> tuple[str, str] | None:
    """
    Language and source of the program in a final part: the last code block with its language beside it, else the last
    without one that no line before calls output or example; all of it, as Python, if it has no blocks.
    """
    if not final:
        return None
    final = final.replace("\r\n", "\n")
    found = blocks(final)
    if not found:
        return None if "```" in final else ("python", final)
    known = [(LANGUAGES[name], source) for name, source, _ in found if name in LANGUAGES]
    unnamed = [(source, before) for name, source, before in found if not name]
    likely = [source for source, before in unnamed if not EXAMPLE.search(before)] or [
        source for source, _ in unnamed[:1]
    ]
    return known[-1] if known else ("python", likely[-1]) if likely else None


def blocks(text: str) -> list[tuple[str, str, str]]:
    """
    Language, source and the line before of the code blocks of a text; a fence inside a string of a program ends none.
    """
    found, position = [], 0
    while opened := FENCE.search(text, position):
        start, ends = opened.end() + 1, []
        for closed in islice(
            re.compile(rf"^[ \t>]*{opened[1]}`*[ \t]*$|(?<=\S){opened[1]}[ \t]*$", re.MULTILINE).finditer(text, start),
            50,
        ):
            ends.append(closed)
            if all(text.count(quotes, start, closed.start()) % 2 == 0 for quotes in ('"""', "'''")):
                ends = [closed]
                break
        if not ends:
            break
        position, name = ends[0].end(), opened[2].casefold()
        before = text[: opened.start()].rstrip()[-200:].rpartition("\n")[2] + text[opened.start() : opened.start(1)]
        source = textwrap.dedent(text[start : ends[0].start()])
        found.append((name if name in LANGUAGES else name.rstrip("0123456789."), source, before))
    return found
