"""Further numbers of a benchmark beside its pass@1, which its file names as `measures`: from its samples, a list for
each problem, to numbers by name.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from itertools import chain
from typing import Any

from ..core.rows import Row
from ..verify.constraints import followed
from .preferences import arena, length_controlled, simpleqa
from .rating import rating


def ifeval(groups: Iterable[list[Row]]) -> dict[str, float]:
    """
    The four numbers of IF-Eval (arXiv 2311.07911): the share of the prompts whose instructions are all followed, and
    the share of all instructions that are; each strictly, and loosely, where a frame around the response is forgiven.
    """
    found, prompts, instructions = Counter[str](), 0, 0
    for row in chain.from_iterable(groups):
        strict, loose = (followed(row["answer"], row["final"] or "", loose) for loose in (False, True))
        if strict is None or loose is None:  # the verdict says `bad_gold`
            continue
        prompts, instructions = prompts + 1, instructions + len(strict)
        found.update(prompt_strict=all(strict), prompt_loose=all(loose))
        found.update(instruction_strict=sum(strict), instruction_loose=sum(loose))
    return {name: count / (prompts if name.startswith("prompt") else instructions) for name, count in found.items()}


MEASURES: dict[str, Callable[[Iterable[list[Row]]], dict[str, Any]]] = {
    "ifeval": ifeval,
    "rating": rating,
    "simpleqa": simpleqa,
    "length_controlled": length_controlled,
    "arena": arena,
}
DECIDED = dict.fromkeys(("simpleqa", "length_controlled", "arena"), "judge") | {"ifeval": "constraints"}  # by whom
