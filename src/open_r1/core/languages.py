r"""Which language a text is written in, counted in words (paper section 2.3.2, the language-consistency reward).

The paper does not say how it counts. Our rule is one of scripts: a Latin word of two letters or more is one word; of
CJK scripts each character counts. LaTeX, code, digits and single letters (variables, units) are no language. Languages
of one script are told apart by py3langid, a naive Bayes classifier of byte sequences, where a passage has enough
different words for it; what it is not sure of is left to the script. A language that is not in `WRITTEN_IN` is
unknown, never English.
"""

import functools
import re
from typing import Any

# No language: code, formulas, commands, tags. A stretch never crosses another delimiter of its kind, so that each
# character is looked at once per kind however many delimiters are left open.
IGNORED = re.compile(
    r"```(?:(?!```).){0,9999}```|`[^`]{0,999}`|\$\$?[^$]{0,999}\$\$?|\\\((?:(?!\\[()]).){0,999}\\\)"
    r"|\\\[(?:(?!\\[\[\]]).){0,999}\\\]|\\[a-zA-Z]+|</?\w+>",
    re.DOTALL,
)
SCRIPTS = {  # what counts as one word: a character of Han, kana or Thai; a run of letters of the others
    "han": re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]"),
    "kana": re.compile(r"[\u3040-\u30ff]"),
    "thai": re.compile(r"[\u0e00-\u0e7f]"),
    "lao": re.compile(r"[\u0e80-\u0eff]"),
    "khmer": re.compile(r"[\u1780-\u17ff]"),
    "myanmar": re.compile(r"[\u1000-\u109f]"),
    "hangul": re.compile(r"[\uac00-\ud7af]+"),
    "cyrillic": re.compile(r"[\u0400-\u052f]{2,}"),
    "arabic": re.compile(r"[\u0600-\u06ff\u0750-\u077f]{2,}"),
    "hebrew": re.compile(r"[\u0590-\u05ff]{2,}"),
    "greek": re.compile(r"[\u0370-\u03ff]{2,}"),
    "armenian": re.compile(r"[\u0530-\u058f]{2,}"),
    "georgian": re.compile(r"[\u10a0-\u10ff]{2,}"),
    "ethiopic": re.compile(r"[\u1200-\u137f]{2,}"),
    "devanagari": re.compile(r"[\u0900-\u097f]{2,}"),
    "bengali": re.compile(r"[\u0980-\u09ff]{2,}"),
    "gurmukhi": re.compile(r"[\u0a00-\u0a7f]{2,}"),
    "gujarati": re.compile(r"[\u0a80-\u0aff]{2,}"),
    "tamil": re.compile(r"[\u0b80-\u0bff]{2,}"),
    "telugu": re.compile(r"[\u0c00-\u0c7f]{2,}"),
    "kannada": re.compile(r"[\u0c80-\u0cff]{2,}"),
    "malayalam": re.compile(r"[\u0d00-\u0d7f]{2,}"),
    "sinhala": re.compile(r"[\u0d80-\u0dff]{2,}"),
    "latin": re.compile(r"[A-Za-zÀ-ɏḀ-ỿ]{2,}"),
}
NO_LETTER = re.compile(r"[\s!-@\[-`{-~]+")  # of ASCII: vowel signs of Indic scripts are no letters for `\W`
BEYOND_LATIN = re.compile(r"[\u0370-\u1dff\u3000-\ud7af]+")
LANGUAGES = {  # the main script of each language that we know
    "latin": "en de fr es it pt nl ca ro pl cs sk sl hr hu sv da no fi is et lv lt sq tr az vi id ms tl sw cy ga eu",
    "cyrillic": "ru uk bg be sr mk kk mn",
    "arabic": "ar fa ur", "devanagari": "hi mr ne", "hebrew": "he", "greek": "el", "armenian": "hy",
    "georgian": "ka", "ethiopic": "am", "bengali": "bn", "gurmukhi": "pa", "gujarati": "gu", "tamil": "ta",
    "telugu": "te", "kannada": "kn", "malayalam": "ml", "sinhala": "si", "thai": "th", "lao": "lo", "khmer": "km",
    "myanmar": "my", "hangul": "ko", "han": "zh ja", "kana": "ja",
}  # fmt: skip
WRITTEN_IN: dict[str, tuple[str, ...]] = {}  # language -> its scripts
for _script, _codes in LANGUAGES.items():
    for _code in _codes.split():
        WRITTEN_IN[_code] = (*WRITTEN_IN.get(_code, ()), _script)

WINDOW = 10_000  # characters of a text that are classified, as many as IF-Eval's authors take
TOLD = 0.4  # confidence of py3langid from which a text's language counts as told
# Languages of one script are told apart in up to 4 evenly spaced passages of 50 words with 20 different ones, if
# almost certain.
PASSAGES, PASSAGE, DIFFERENT, CERTAIN = 4, 50, 20, 0.9
# Frequent words that hardly stand in another language's texts. A passage with one in five of them is in theirs: to ask
# the classifier too would more than double the cost.
FREQUENT = {
    language: frozenset(words.split())
    for language, words in {
        "en": "the and of is that this with are which then we have has by from be so for to it if can would each not"
        " when there they at on as but was will you or any only other these their such into about must should how what"
        " where because than does more may in",
        "de": "der das und ist nicht ein eine auf für von zu auch wird dem den sich wir dann durch aber sind werden",
        "fr": "les des est une dans pas nous avec sur du il sont donc cette qui aux par pour ce être plus et",
        "es": "el los las y una por con su está son pero más hay cada del entonces es lo muy como tiene",
        "it": "il gli è di che non della sono questo nel anche più quindi dei delle per una ha",
        "pt": "não uma com do da em são mas mais está dos das pelo então você ao os que é também",
    }.items()
}
SHARE = 0.2
# The words by which a model reflects (paper, supplement C.2, and their counterparts in the corpus language).
REFLECTION = re.compile(
    r"\b(?:wait|mistake|however|but|retry|error|verify|wrong|evaluate|check)\b|等等|检查|错误|验证|但是|重新",
    re.IGNORECASE,
)


@functools.lru_cache(maxsize=1)  # its consistency and its mixture are asked for one after the other
def find_words(text: str) -> dict[str, list[str]]:
    """Words of a text by script."""
    text = IGNORED.sub(" ", text)
    rest = " ".join(BEYOND_LATIN.findall(text))  # empty for most texts
    return {script: pattern.findall(text if script == "latin" else rest) for script, pattern in SCRIPTS.items()}


def language_code(value: Any) -> str | None:
    """The two-letter code of a language that we know, also from "zh-CN" or "EN"; `None` for anything else."""
    code = re.split(r"[-_]", value.strip().casefold())[0] if isinstance(value, str) else None
    return code if code in WRITTEN_IN else None


@functools.cache
def classifier() -> Any:
    """py3langid's classifier, 5 MB that are read once, for the languages that we know and for what is none (`zxx`)."""
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    found = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    found.set_languages([*WRITTEN_IN, "zxx"])
    return found


def guess_language(text: str) -> tuple[str | None, float]:
    """The likeliest language of a text's words, and the classifier's confidence; `None` without words."""
    words = IGNORED.sub(" ", text[:WINDOW])
    if not any(pattern.search(words) for pattern in SCRIPTS.values()):
        return None, 0.0
    language, confidence = classifier().classify(NO_LETTER.sub(" ", words))
    return (language, confidence) if language in WRITTEN_IN else (None, 0.0)


def main_language(text: str) -> str | None:
    """The language of a text; `None` where it cannot be told, as in "Find x"."""
    language, confidence = guess_language(text)
    return language if confidence >= TOLD else None


def consistency(text: str, language: str | None) -> float | None:
    """
    Share of the words of `text` that are in `language`; `None` for a text without words or a language we do not know.
    """
    words = find_words(text)
    total = sum(map(len, words.values()))
    if language not in WRITTEN_IN or not total:
        return None
    own = [word for script in WRITTEN_IN[language] for word in words[script]]
    return len(own) * (1 - foreign_share(own, language)) / total


def foreign_share(words: list[str], language: str) -> float:
    """Share of the passages that tell their language, where it is another of the same script."""
    # the latter differ in kana, and their words are single characters
    if len(LANGUAGES[WRITTEN_IN[language][0]].split()) == 1 or language in ("zh", "ja"):
        return 0.0
    step = max(PASSAGE, -(-len(words) // PASSAGES))
    passages = [words[start : start + PASSAGE] for start in range(0, len(words), step)]
    told = [is_foreign(part, language) for part in passages if len(set(part)) >= DIFFERENT]
    return sum(told) / max(1, len(told))


def is_foreign(passage: list[str], language: str) -> bool:
    """Whether a passage is almost certainly in another language of the same script."""
    frequent = FREQUENT.get(language, ())
    if sum(word.lower() in frequent for word in passage) >= SHARE * len(passage):
        return False
    found, sure = classifier().classify(" ".join(word[:30] for word in passage))
    return found != language and sure >= CERTAIN and found in LANGUAGES[WRITTEN_IN[language][0]].split()


def is_mixed(text: str) -> bool:
    """Whether a text holds words of more than one script; Japanese has two of its own."""
    used = {script for script, words in find_words(text).items() if words}
    return len(used - {"han"} if "kana" in used else used) > 1


def reflections(text: str) -> int:
    """Number of reflection markers."""
    return len(REFLECTION.findall(text))


def ends_in_loop(text: str, times: int = 4) -> bool:
    """
    Whether the last 50 characters occur so often in the last 3,000: a model that can no longer stop, in any script.
    """
    text = text.rstrip()
    return len(text) >= 50 and text[-3000:].count(text[-50:]) >= times
