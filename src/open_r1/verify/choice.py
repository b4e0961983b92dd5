"""Multiple choice, A to J (GPQA has 4 options, MMLU-Pro up to 10): which letter does an answer name?

A gold is a letter (MMLU-Pro, C-Eval), the text of an option (SciQ, GPQA), or an index from 0 (MMLU, MedMCQA,
HellaSwag). An integer is always an index. A text of digits is an option's text where one reads so, and an index where
none does. A lone letter is always a letter.

Without a box or tags, a letter is the answer that a sentence claims ("the answer is B", "I choose B", "B is correct",
故选B), the last claim before others, or that stands alone on the last line or at its head ("C) 18"). A claim that is
denied names none; "B or C", "A, B, C", "perhaps B", "B if x > 0" name none, and nor do two letters called correct.
"""

import re
from collections.abc import Iterator, Sequence

from ..core.formats import Response
from .latex import canonical

LETTERS, WINDOW = "ABCDEFGHIJ", 5000
WIDE = str.maketrans("（）【】［］：．。，＊ＡＢＣＤＥＦＧＨＩＪ", "()[][]:..,*ABCDEFGHIJ")
COLOR = re.compile(r"\\(?:text)?color(?:box)?\s*\{[^{}]*\}")
WRAPPER = re.compile(r"\\(?:text\w*|math\w+)\s*\{([^{}]*)\}")
# Repetitions are bounded where two neighbours may take the same characters: hostile texts cost no more than others.
LETTER = r"[(\[{\s*]{0,9}([A-J])[)\]}\s*]*"
NAMED = re.compile(
    r"(?:(?:option|choice|answer|选项|故选|应选|答案|选)(?:\s{1,9}is|是|为|选)?[\s:]{0,9})?"
    rf"{LETTER}(?:(?P<apart>[.:)\-–])\s*)?(?P<text>.*)",
    re.IGNORECASE | re.DOTALL,
)
# Reasons and refused letters beside the chosen one: "because A is too small", "not A", "A and C are wrong". In a
# list of them each character can be read in one way only: a thousand letters cost no more.
LIST = r"[A-J]\b(?:[\s()]{0,3}(?:or|and|nor|,|和|或)[\s()]{0,3}[A-J]\b){0,9}\)?"
ASIDE = re.compile(
    r"[,，]?\s{0,9}\b(?:because|since|as)\b[^.;。；\n]*|(?:因为|由于)[^。；\n]*"
    r"|(?:\b(?:not|non|nor|never|neither|cannot be|unlike|than|instead of)|n['’]t(?: be)?|不(?:是|选|能选))"
    rf"\W{{0,9}}(?:option\s)?{LIST}|\b{LIST}\s{{1,9}}(?:is|are)\s+"
    r"(?:wrong|incorrect|false|impossible|too\s\w+|(?:not|in)\s?(?:\w+\s)?(?:valid|correct|right|true))\b",
    re.IGNORECASE,
)
REASON = re.compile(
    r"(?<=[^.!?。\s])[,，]?\s+(?:because|since)\b[^.;。；\n]*?(?=[.;。；\n]|,?\s(?:therefore|so|thus|hence)\b|$)"
)
# A letter that is named as the answer. What stands before it is its claim: "the answer is", "I choose", "选".
NOUN = (
    r"(?:answer|option|choice|statement|pick|response|réponse|respuesta|opción|resposta|risposta|antwort|ответ"
    r"|вариант)"
)
IS = r"(?:is|are|be|was|est|es|ist|lautet|é|è|[:=：—–])"
SURE = (
    r"(?:(?:\w{3,12}ly|indeed|thus|hence|therefore|then|donc|for sure|option|choice|letter|statement|la(?: lettre)?"
    r"|l['’]option|opción)\W{1,9}){0,3}"
)
NO_ARTICLE = (  # words that follow an A that is no article, and an I that is no pronoun
    r"(?:because|since|as|is|are|not|here|for|so|but|and|or|rather|by|with|if|only|seems|must|has|too)\b"
)
TOKEN = (
    r"[(\[*\"'`$]{0,9}(?<![A-Za-z])(?:(?-i:[A-J])|(?<=\()[A-J](?=\)))(?![A-Za-z0-9'’])"
    rf"(?!(?<=[AI])\s+(?!{NO_ARTICLE})[a-z])[)\]*\"'`$]{{0,9}}"
)
BEFORE = re.compile(
    rf"(?:\b{NOUN}\b(?:[\s,]+(?!(?:not?|nicht|pas|não|non|не)\b)[^\W\d]+){{0,4}}?,?\W{{0,4}}{IS}(?!\w)"
    rf"\W{{0,9}}{SURE}"
    r"|\b(?:I|we|I['’](?:d|ll))\s+(?:(?:would|will|therefore|must|can)\s+)?"
    rf"(?:choose|pick|select|go with|say|answer)\s+{SURE}"
    rf"|\b(?:rather|finalize|choose|pick|select|go with|I think(?: that)?)\s+{SURE}"
    rf"|\b(?:I['’]m|I am) going with\s+|\b(?:matches|corresponds to|leaves)\s+{SURE}"
    r"|\b(?:therefore|thus|hence|so),?\s+(?:option\s+|choice\s+)?(?=\(?[A-J]\)?\W*$)"
    rf"|\bit(?:['’]s| is| must be| has to be)\s+{SURE}|\bnot\W+[A-J]\b\W{{0,3}}but\s+(?:rather\s+)?"
    r"|(?:故选|应选|我选|选择|选项(?:应该|应)?(?:是|为)|答案选|选|答案(?:是|为|应为)?)\s{0,9}[:：]?\s{0,9}"
    r"|(?:正解|答え|정답)\s*(?:は|은|:)\s{0,9}|(?:उत्तर|الإجابة الصحيحة|الجواب)\s*(?:هي|هو|:)?\s{0,9})"
    rf"(?P<letter>{TOKEN})",
    re.IGNORECASE,
)
# What stands behind it may be its claim too: "B is correct", "选项B是正确的".
BEHIND = re.compile(
    rf"(?P<letter>{TOKEN})(?:\s{{0,3}}\([^()\n]{{1,60}}\))?(?:(?:\s{{1,9}}(?:is|seems|must be)\s+"
    r"(?:(?:(?!part|hard|bare|near)\w+ly|thus|therefore|indeed)\s+)?(?:the\s+)?(?:(?:only|most|best|right|correct)\s+)?"
    r"(?:correct|right|best|valid|appropriate|answer|choice|option)\b)|\s{0,9}(?:选?项)?是?(?:正确|对)的)",
    re.IGNORECASE,
)
# What denies a claim, makes a letter one of several, or doubts what was claimed: before it in its clause, or after it.
CLAUSE = re.compile(
    r"[.,;!?。，；！？\n]|\b(?:therefore|so|thus|hence|but|rather|actually)\b|(?:因此|所以|故)", re.IGNORECASE
)
DENIED = re.compile(
    r"\b(?:not|neither|nor|never|none|except|wrong|incorrect|false|doubt\w*|pas|nicht)\b|n['’]t\b|不|错",
    re.IGNORECASE,
)
UNSURE = re.compile(
    r"\b(?:or|and|either|both|also|if|unless|whether|one of|any|all|maybe|perhaps|possibly|might|could|may)\b"
    r"|(?-i:\b[A-J])\W{0,3}$|或|和|如果|可能",
    re.IGNORECASE,
)
OTHER_TOO = re.compile(
    r"[^\w.;。；!\n]{0,3}(?:(?:or|and|/|,|;|或者?|和|与|、|ou|oder|y|e|и|или)\s{0,9}(?:also\s{1,9})?)?[(\[*\"'$]{0,9}[A-J]"
    r"(?![A-Za-z0-9'’])(?!\W{1,9}(?:is|are|be)\s{1,9}(?:wrong|inc|not|n)\b)"
    r"|\W{0,3}\?|\W{0,3}(?:or|/|(?:only )?if|unless|with prob\w+|at \d+%)\b"
)
DOUBTED = re.compile(
    r"(?<!['’]t be )(?<!not )\b(?:or|also|maybe|perhaps|possibly|alternatively|could be|might be)\b\W+(?:\w+\W+){0,2}?"
    r"\(?[A-J]\b(?!['’])|\b[A-J]\b\)?\s+(?:is|are|could|might|seems)\s+(?:just|also|equally|be|as)\b"
    r"|\bso (?:might|could|is) [A-J]\b"
)
ALONE = re.compile(r"\(?\b([A-J])\b\)?[.:)]?\s*$", re.IGNORECASE)
HEAD = re.compile(
    r"\s*(?:(?:option|choice|选项)\s*)?[(\[]?([A-J])(?:[)\].:。：,，]|\s(?:-|–|—|because|since)|\s?不是)",
    re.IGNORECASE,
)
OTHERS = re.compile(r"\b[B-J]\b|\b[A-J][.)]|(?:^|\s)\(?A\)?$|\b(?:or|and|或|和)\s+\(?A\b")


def cleaned(answer: str) -> str:
    """An answer without colour, fonts and marks around it."""
    answer = WRAPPER.sub(r"\1", COLOR.sub("", answer.translate(WIDE)))
    return answer.replace("$", "").strip().rstrip(".").strip("*` ")


def chosen(answer: str, options: Sequence[str] | None = None) -> str | None:
    """
    The letter an answer names.

    Args:
        answer (`str`):
            The answer, such as "B", "(B)", "B. mitochondria", "option B", or the text of an option.
        options (`Sequence[str]`, *optional*):
            Texts of the options, in order.

    Returns:
        `str` or `None`: the letter; `None` if it names none, or more than one.
    """
    answer = cleaned(answer)
    match = NAMED.fullmatch(answer)
    letter, text = (match[1].upper(), match["text"]) if match else (None, "")
    index = ord(letter) - ord("A") if letter else 0
    if letter and not text:
        return letter if not options or index < len(options) else None
    same = [place for place, option in enumerate(options or []) if words(option) == words(answer)]
    if same:
        return LETTERS[same[0]] if same[0] < len(LETTERS) else None
    if not letter:
        named = {claim for claim, _ in claims(answer[-WINDOW:])}
        letter = named.pop() if len(named) == 1 else None
        return letter if letter and LETTERS.index(letter) < len(options or LETTERS) else None
    if index >= len(options or LETTERS):
        return None
    if options and words(options[index]) == words(text):
        return letter
    rest = text if len(re.findall("because|since|因为", text)) > 1 else ASIDE.sub(" ", text)
    if re.fullmatch(r"[\W_]*", rest):  # nothing but a reason, or the refused ones
        return letter
    apart = match["apart"] or answer[: match.start("text")].rstrip().endswith((")", "]"))
    return letter if apart and not OTHERS.search(rest) and not names_another(rest, index, options or ()) else None


def names_another(text: str, index: int, options: Sequence[str]) -> bool:
    """
    Whether a text holds another option than the one with this index, which may itself hold others ("both of them").
    """
    own = f" {words(options[index])} " if options else ""
    return any(f" {words(option)} " in f" {words(text)} " and f" {words(option)} " not in own for option in options)


def words(text: str) -> str:
    return canonical(str(text)).casefold()


def judge(gold: str, answer: str, options: tuple[str, ...] | None = None) -> bool | None:
    """Whether an answer names the gold letter; `None` for a gold that names no option."""
    right = chosen(gold, options)
    if right is None and options and gold.isdecimal() and len(gold) < 3 and int(gold) < len(options):
        right = LETTERS[int(gold)]
    return None if right is None else chosen(answer, options) == right


def part(response: Response) -> str | None:
    """The answer to judge. Without a box it may be a letter in a sentence: "the answer is B because ..."."""
    answer, final = response.answer, response.final
    if not final or answer and ("boxed" in final or answer == final and chosen(answer)):
        return answer
    end = final[-WINDOW:].translate(WIDE)
    text = REASON.sub(" ", end)
    found = list(claims(text))
    if found:
        letter, place = found[-1]
        after = re.split(r"[.;\n]", ASIDE.sub(" ", text[place:]))
        return None if any(DOUBTED.search(said) and not DENIED.search(said) for said in after) else letter
    return alone(end) or (None if BEFORE.search(text) else answer)  # all that it claims is denied


def alone(text: str) -> str | None:
    """The letter that stands alone on the last line, or at its head where no other line begins with one: "C) 18"."""
    lines = [cleaned(line) for line in text.splitlines() if line.strip()]
    last = lines[-1] if lines else ""
    if match := ALONE.fullmatch(last):
        return match[1].upper()
    # where other lines begin with letters too, they list the options
    return chosen(last) if HEAD.match(last) and sum(bool(HEAD.match(line)) for line in lines) == 1 else None


def claims(text: str) -> Iterator[tuple[str | None, int]]:
    """The letters that a text claims to be the answer, and where; `None` for one in doubt or beside another."""
    matches = sorted([*BEFORE.finditer(text), *BEHIND.finditer(text)], key=lambda match: match.start("letter"))
    right = {bare(match["letter"]) for match in matches if match.re is BEHIND}
    for match in matches:
        start, end = match.start("letter"), match.end()
        head = re.sub(r"^.*\bbut\b", "", CLAUSE.split(text[max(0, start - 80) : start])[-1])
        if DENIED.search(head):
            continue
        several = UNSURE.search(head) or OTHER_TOO.match(text, end)
        if match.re is BEHIND:
            several = several or len(right) > 1 or re.search(r"\b[A-J]\b\W{0,3}$", text[max(0, start - 6) : start])
        yield None if several else bare(match["letter"]), end


def bare(letter: str) -> str:
    return letter.strip("()[]*\"'`$ ").upper()
