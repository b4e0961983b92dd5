r"""Names that may be chosen freely: of a constant (`+C`), an index (`a_n`), a variable (`f(t)`), an integer."""

import re

BOUND = re.compile(r"[A-Za-z](?:_\{([a-z])\}|\(([a-z])\))=")
WITH_CONSTANT = re.compile(r".+\+[CcKk]|[a-zA-Z](?:\([a-z]\))?=.*[CcKk].*")
TITLE = re.compile(r"[A-Za-z](?:\([a-z]\))?=")  # what is equal to the formula
ANTIDERIVATIVE = re.compile(r"(.+)\+C")  # by its constant; another letter may be the problem's own


def letters(text: str) -> set[str]:
    """The letters of a formula that belong to no command."""
    return set(re.findall("[A-Za-z]", re.sub(r"\\[A-Za-z]+", " ", text)))


def renamed(gold: str, answer: str) -> str:
    """The answer with the gold's names for what any name would do; as it is where it has none."""
    bound = [BOUND.match(text) for text in (gold, answer)]
    if bound[0] and bound[1]:
        wanted, given = (match[1] or match[2] for match in bound if match)
        answer = replaced(answer, given, wanted) if wanted not in letters(answer) else answer
    ours, theirs = (letters(TITLE.sub("", text)) for text in (gold, answer))
    missing, extra = ours - theirs, theirs - ours
    if len(missing) != 1 or len(extra) != 1:
        return answer
    (wanted,), (given,) = missing, extra
    declared = [re.search(rf"{name}\\in ?\\mathbb\{{[ZN]", text) for name, text in ((wanted, gold), (given, answer))]
    arbitrary = WITH_CONSTANT.fullmatch(gold) and wanted in "CcKk" and given in "CcKkA"
    return replaced(answer, given, wanted) if all(declared) or arbitrary else answer


def replaced(text: str, old: str, new: str) -> str:
    return re.sub(rf"\\[A-Za-z]+|{old}", lambda match: new if match[0] == old else match[0], text)
