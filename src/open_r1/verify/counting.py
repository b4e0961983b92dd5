"""What IF-Eval counts in a text: words, sentences, bullets, highlights, titles, capital words. By the authors' rules
(see `constraints.py`), except where the comment says otherwise.
"""

import re
from itertools import pairwise

FULL_STOPS, CLOSERS = ".?!。！？", ")]}\"'*:;”’」』"
# Not the authors': they count a text in Han or kana as one word and one sentence. There, each character is a word.
WORD = re.compile(r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff]|[^\W\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff]+")
# Words whose full stop ends no sentence unless one of `STARTERS` follows: NLTK's English model, which the authors use,
# for short.
ABBREVIATIONS, STARTERS = (
    frozenset(words.split())
    for words in (
        "adm ala ariz aug ave bros calif chg cie co col colo conn corp cos ct dec dr feb fla fri ft ga gen ill "
        "inc jan jr kan ky lt ltd maj messrs mg mich minn mr mrs ms nev nov oct ok okla ore pa ph.d prof rep reps "
        "sen sep sept sr st sw tenn tues u.k u.n u.s u.s.a u.s.s.r va vs vt w.va wash wed wis yr a.d a.m p.m "
        "p.a.m c.v d.c l.a m.b.a n.c n.d n.h n.j n.m n.v n.y r.i s.a s.c",
        "a an the this that these those he she it we you they i my his her its our your their in on at if so as "
        "and but or when while where what who how why there then thus however moreover instead indeed since some "
        "many most both each all for to by with from no not yes although though despite under among according "
        "meanwhile even nor yet similarly nevertheless let please is are do does can",
    )
)
# What NLTK's tokenizer parts words at, as far as capitals can tell: "DON'T" is "DO" and "N'T" to the authors.
PARTS = re.compile(
    r"[\s,;:@#$%&?!\"()\[\]{}<>“”]+|--|\.\.\.|(?=N'T\b)|(?<=\bCAN)(?=NOT\b)|(?='(?:S|M|D|LL|RE|VE)\b)", re.IGNORECASE
)


def holds_word(text: str, word: str) -> bool:
    """
    Whether a word occurs as a whole. Where it begins or ends in Han or kana, which no space parts, it need not be
    whole.
    """
    start, end = (r"(?<!\w)" if WORD.fullmatch(word[i]) and not is_cjk(word[i]) else "" for i in (0, -1))
    return bool(re.search(start + re.escape(word) + end.replace("<", ""), text))


def is_cjk(character: str) -> bool:
    return "\u3040" <= character <= "\u9fff"


def count_sentences(text: str) -> int:
    """Sentences: words that end in a full stop and have a word behind them, and the last."""
    tokens = re.sub(r"[。！？]+", r"\g<0> ", text).split()
    return sum(ends_sentence(*pair) for pair in pairwise(tokens)) + bool(tokens)


def ends_sentence(token: str, following: str) -> bool:
    """Whether a sentence ends between two neighbours."""
    token = token.rstrip(CLOSERS)
    if not token or token[-1] not in FULL_STOPS:
        return False
    if token[-1] != ".":
        return True
    following = following.lstrip("\"'([*“‘")
    word = token[:-1].lower().lstrip("\"'([*“‘").rpartition("-")[2]
    # an ellipsis, "Dr.", the "J." of a name
    if token.endswith("..") or word in ABBREVIATIONS or len(word) == 1 and word.isalpha():
        return following[:1].isupper() and re.split(r"[\W_]", following.lower())[0] in STARTERS
    return not (word.isdigit() and following[:1].islower())  # "1. an item"


def count_bullets(text: str) -> int:
    """Lines that begin with a dash, or with one asterisk and something after it."""
    lines = [line.lstrip() for line in text.split("\n")]
    return sum(line.startswith("-") or len(line) > 1 and line[0] == "*" != line[1] for line in lines)


def count_highlights(text: str) -> int:
    """Stretches between two asterisks, or two pairs of them, in one line."""
    found = re.findall(r"\*[^\n*]*\*", text) + re.findall(r"\*\*[^\n*]*\*\*", text)
    return sum(bool(stretch.strip("*").strip()) for stretch in found)


def has_title(text: str) -> bool:
    """Whether a line holds something between the first `<<` and the last `>>`."""
    for line in text.split("\n"):
        start, end = line.find("<<"), line.rfind(">>")
        if 0 <= start < end - 2 and line[start : end + 2].lstrip("<").rstrip(">").strip():
            return True
    return False


def count_capitals(text: str) -> int:
    return sum(part.isupper() for part in PARTS.split(text))
