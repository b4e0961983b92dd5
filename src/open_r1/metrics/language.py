r"""Which language a text is written in, counted in words (paper section 2.3.2, the language-consistency reward).

The paper does not say how it counts. Our rule: a Latin word of two letters or more is one word; a run of CJK characters
counts one word per character. LaTeX, code, digits and single letters (variables, units) are no language.
"""

import re

IGNORED = re.compile(r"```.*?```|`[^`]*`|\$[^$]*\$|\\\(.*?\\\)|\\\[.*?\\\]|\\[a-zA-Z]+|</?\w+>", re.DOTALL)
SCRIPTS = {
    "zh": re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]"),
    "en": re.compile(r"[A-Za-zÀ-ɏ]{2,}"),
}
# The words by which a model reflects (paper, supplement C.2, and their counterparts in the corpus language).
REFLECTION = re.compile(
    r"\b(?:wait|mistake|however|but|retry|error|verify|wrong|evaluate|check)\b|等等|检查|错误|验证|但是|重新", re.IGNORECASE
)


def count_words(text: str) -> dict[str, int]:
    """Words of each language in a text."""
    text = IGNORED.sub(" ", text)
    return {language: len(pattern.findall(text)) for language, pattern in SCRIPTS.items()}


def consistency(text: str, language: str) -> float | None:
    """Share of the words of `text` that belong to `language`; `None` for a text without words."""
    counts = count_words(text)
    total = sum(counts.values())
    return counts[language] / total if total else None


def is_mixed(text: str) -> bool:
    """Whether a text holds words of more than one language."""
    return sum(count > 0 for count in count_words(text).values()) > 1


def reflections(text: str) -> int:
    """Number of reflection markers."""
    return len(REFLECTION.findall(text))
