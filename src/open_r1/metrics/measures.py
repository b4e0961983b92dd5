"""Further numbers of a benchmark beside its pass@1, named by `measures` of its file: from its samples, one list of them
for each problem, to numbers by name.
"""

from collections import Counter
from collections.abc import Callable, Iterable

from ..core.rows import Row
from ..verify.constraints import followed


def ifeval(groups: Iterable[list[Row]]) -> dict[str, float]:
    """
    The four numbers of IF-Eval (arXiv 2311.07911): the share of the prompts whose instructions are all followed, and
    the share of all instructions that are; each strictly, and loosely, where a frame around the response is forgiven.
    """
    found: Counter[str] = Counter()
    for row in (row for group in groups for row in group):
        for manner, loose in (("strict", False), ("loose", True)):
            flags = followed(row["answer"], row["final"] or "", loose) or []
            found.update({f"prompt_{manner}": bool(flags) and all(flags), f"instruction_{manner}": sum(flags)})
            found.update({f"prompts_{manner}": bool(flags), f"instructions_{manner}": len(flags)})
    return {
        f"{kind}_{manner}": found[f"{kind}_{manner}"] / found[f"{kind}s_{manner}"]
        for kind in ("prompt", "instruction")
        for manner in ("strict", "loose")
        if found[f"{kind}s_{manner}"]
    }


MEASURES: dict[str, Callable[[Iterable[list[Row]]], dict[str, float]]] = {"ifeval": ifeval}
