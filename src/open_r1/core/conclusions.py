r"""The one value that a last sentence states: "Therefore, Tom has **7** apples.", "So the area is $6 \cdot 7 = 42$.",
"所以一共有 3 + 10 = 13 只".

The rule, for English, Chinese and ten other languages:

- The sentence is the last one, the clause what follows its last word of conclusion (so, in total, 所以, donc).
- A clause with a word of doubt, choice, negation, comparison or condition, or with a question mark, states nothing.
- Its formula or bold value is what it states, or several side by side. Else exactly one number stands right after its
  last "is", "=", "有" or the like, or, where there is a word of conclusion, anywhere behind that verb.
- A value is a formula, bold words, or a number; a formula without marks around it, where it is all that follows the
  verb. Of a chain of sums only the end is one ("3 + 4 = 7"); a sum that is not worked out is none, nor is a number
  that numbers something ("step 3", "case 1").
"""

import re
from itertools import pairwise
from typing import NamedTuple

WINDOW = 600  # characters of a text's end that are looked at
ENDINGS = re.compile(r"(?:\bI hope (?:it|this) (?:is correct|helps)\W*|[\s✓✔✅■□]+)$", re.IGNORECASE)
SENTENCE = re.compile(r"(?<=[.!?])\s+|(?<=[。！？।؟])|\n+")
LIST_MARK = re.compile(r"^\s*(?:#+|[-*•]|\d+[.)])\s+")
LABEL = re.compile(r"\*\*[^*\n]{0,60}?(?:[:：]\s*\*\*|\*\*(?=\s*[:：]))")  # bold words that head a line: "**Total:**"

CONCLUDES = re.compile(
    r"\b(?:so|thus|hence|therefore|consequently|accordingly|as a result|it follows that|conclu\w+|finally|overall"
    r"|(?:in|for an?|an?)(?: \w+)? total(?: of)?|altogether|in all"
    r"|donc|ainsi|par conséquent|au total|finalement|por (?:lo )?tanto|por consiguiente|así(?: que| pues)?|en total"
    r"|entonces|luego|also|daher|somit|folglich|insgesamt|portanto|logo|assim|no total|quindi|dunque|perciò|in totale"
    r"|следовательно|таким образом|итак|значит|поэтому|всего)\b"
    r"|因此|所以|综上(?:所述)?|总之|于是|结论|从而|故(?!意|事|障)|इसलिए|अतः|कुल|لذلك|إذن|إذا?ً|وبالتالي"
    r"|したがって|よって|ゆえに|だから|따라서|그러므로|그래서",
    re.IGNORECASE,
)
DOUBT = re.compile(
    r"[?？؟<>≤≥≠~]|!=|\\(?:neq?|not|leq?|geq?|lt|gt)\b|n['’]t\b"
    r"|\b(?:not?|never|none|cannot|unable|un(?:known|sure|clear|less)|nor|or|either|neither|any(?:thing)?|may|might|could"
    r"|maybe|perhaps|possibl[ey]|probably|guess\w*|if|suppos\w*|assum\w*|let|try|say|need to|wrong|incorrect|excluded"
    r"|impossible|contradict\w*|at (?:least|most)|between|half|(?:more|less|fewer|greater|larger|smaller|other) than"
    r"|exceeds?|above|below|near|(?:over|under)(?=\W+\d)|fails|rejected|too (?:small|large|big)|ruled out|another"
    r"|one (?:solution|option|candidate|possib\w+)|divides|divisible|divided|a multiple of|far|consider"
    r"|to (?:check|try|solve|find)|will be \w+ed)\b"
    r"|\b(?:ne|n['’]|pas|jamais|peut-être|ou|si|entre|moins de|plus de|au (?:moins|plus)|quizás?|tal vez|menos|más de"
    r"|nicht|keine?|vielleicht|oder|wenn|falls|zwischen|mindestens|höchstens|weiß|não|talvez|ou|non|forse|tra|meno)\b"
    r"|\b(?:не|нет|или|если|может|возможно|между|более|менее|больше|меньше)\b"
    r"|不(?![同重])|没|無|可能|也许|或|至少|至多|最多|如果|假设|若|之间|大于|小于|超过|多于|少于|整除|倍数|吗|错|未知"
    r"|नहीं|(?<!\w)या(?!\w)|शायद|यदि|(?<!\w)(?:لا|ليس|أو|ربما|إذا)(?!\w)|ない|ません|または|かも|もし|아니|않|또는|혹은|아마|만약",
    re.IGNORECASE,
)
STATES = re.compile(
    r"(?:\b(?:is|are|was|were|be|equals?|gives?|yields?|becomes?|remains?|totals|gets?|obtain|est|sont|égale?|vaut|es|son"
    r"|ist|sind|beträgt|são|sono|è|é)(?!\w)|равн\w+|составля\w+|=|≈|[是为為有得]|等于|等於"
    r"|\b(?:results?|totals?|solutions?|values?)\W{0,4}[:：]|(?:结果|总数)[:：])"
    r"(?:\s*(?:now|then|also|therefore|thus|hence|equal|to|simply|just|exactly|approximately|about|us"
    r"|an?(?: \w+)? (?:total|sum|value|result) of|de|à|a|:|：|了))*",
    re.IGNORECASE,
)
# Where what is said of the value ends.
REASON = re.compile(
    r"[,;，；]?\s+(?:because|since|as|where|which|when|while|but|given)\b|，(?:因为|其中|但)", re.IGNORECASE
)
# "we use rule 4", "the problem has 4 parts"
ACTS = re.compile(
    r"\b(?:we|I)\b(?!\s+(?:need|get|obtain|find|conclude)\b)|\b(?:problem|question|task)\s+\w+s\b", re.IGNORECASE
)

NUMBER = r"[-+−]?(?:(?:US)?\\?[$€£¥₹]\s?)?\d+(?:[.,]\d+)*(?:\s?/\s?\d+(?!\d|\.\d))?(?:\s?\\?%)?"
NUMBERED = (
    r"(?:\b(?:step|case|theorem|lemma|equation|rule|part|problem|question|exercise|figure|method|option|example|page|section|chapter|line|no\.)\s"
    r"|第\s?)"
)
VALUE = re.compile(
    rf"(?P<skip>{NUMBERED}\d+|\bin (?:19|20)\d\d\b)"
    r"|\*\*(?P<bold>[^*\n]{1,300})\*\*"
    r"|\$\$(?P<display>[^$]{1,500})\$\$|\$(?!\d[\d,.]*[\s.?!]*(?:$|[^\W\d]))(?P<formula>[^$\n]{1,500})\$"
    r"|\\\((?P<inline>.{1,500}?)\\\)|\\\[(?P<block>.{1,500}?)\\\]"
    rf"|(?<![A-Za-z0-9^_\\.√])(?<![a-zA-Z]\()(?P<number>{NUMBER})"
    r"(?![\d(^_!]|\s?[×x*·]?\s?[a-zA-Z]\b(?<![mglshL])|\s?(?:\\|[π√])|\s?[-+*×]\s?[^\W\d]|\s?[-+*×/]\s?[\\√π(])",
    re.DOTALL | re.IGNORECASE,
)
# A formula without marks around it, as in "the area is 5\\pi": no words, and more than a sum of numbers.
BARE = re.compile(
    r"(?=[^a-zA-Z\\√π]*[a-zA-Z\\√π])(?=\D*\d|.*[\\√π])"
    r"(?:\\[a-zA-Z]+|(?:sqrt|sin|cos|tan|log|ln|pi)(?![a-zA-Z])|(?<![a-zA-Z])[a-zA-Z](?![a-zA-Z])|[\d(){}^*/+\-−·√π ]"
    r"|[.,](?=\d))+"
)
PLAIN = re.compile(rf"{NUMBER}(?<!%)|-?\\[dt]?frac\{{\d+\}}\{{\d+\}}")
FORMULA = re.compile(r"\$\$[^$]+\$\$|\$[^$\n]+\$|\\\(.+?\\\)|\\\[.+?\\\]")
SIDE_BY_SIDE = re.compile(r"\s*(?:[,、，]\s*)?(?:(?:and|et|y|und|e|и|和)\s*)?")
JOINED = re.compile(r"\s*\)*\s*(?:[^\W\d_]{1,12}\s?)?(?P<sign>[-+−*×÷/·=])\s*\(?\s*")
ALGEBRA = re.compile(
    r"(?:[\w)]\s*[-+*/^]|\d\s?[a-zA-Z]|[-+*/^]\s*[\w()]*[a-zA-Z][\w()]*|[a-zA-Z)]\s?[-+*/^]\s*[\w()]+)\s*$"
)
# Formulas that name what has the value.
NAME = re.compile(r"\\?[a-zA-Z]+(?:_\{?\w+\}?)?|\\angle\s?[A-Z]+|[A-Z]{1,4}")
UNIT = re.compile(
    r"\s*((?:(?:square|cubic|sq\.?)\s)?[^\W\d_]{1,20}(?:[²³]|\^\{?[23]\}?)?(?:\s?/\s?[a-z]{1,10}|\sper\s[a-z]{1,12})?)"
)
# Words that follow a number and are no unit.
NO_UNIT = re.compile(
    r"(?:more|less|left|in|for|of|on|at|to|by|from|with|and|per|each|the|different|total|faster|slower|older|younger|times"
    r"|ways?|del?|en|d|à|pour|por|para|im|von|und|mit|и|в|на|より|です|である)",
    re.IGNORECASE,
)


class Value(NamedTuple):
    """A value in a clause: where it stands, and what it says; `None` for what is not worked out."""

    start: int
    end: int
    said: str | None
    shown: bool = False  # in a formula or bold


def concluded(text: str) -> str | None:
    """
    The value that the last sentence of a text states.

    Args:
        text (`str`):
            A final part without box and without "the answer is".

    Returns:
        `str` or `None`: the value, with its unit if one follows; `None` where the sentence states none, or several.
    """
    end = ENDINGS.sub("", text[-WINDOW:].partition("<|")[0])
    sentences = [part for part in SENTENCE.split(end) if re.search(r"\w", part)]
    if not sentences:
        return None
    sentence = LABEL.sub(lambda label: label[0].strip("*"), LIST_MARK.sub("", sentences[-1]))
    marks = list(CONCLUDES.finditer(sentence))
    clause = sentence[marks[-1].end() :] if marks else sentence
    if marks and not any(found.said for found in values(clause)):
        clause = sentence  # "she has 12 apples in total"
    return single_value(clause, bool(marks))


def single_value(clause: str, conclusion: bool = True) -> str | None:
    """The one value that a clause states, or `None`."""
    if DOUBT.search(FORMULA.sub(" ", clause)):
        return None
    found = values(clause)
    verbs = [verb for verb in STATES.finditer(clause) if not any(v.start < verb.start() < v.end for v in found)]
    bare = BARE.fullmatch(clause[verbs[-1].end() :].strip(" .。\t")) if verbs else None
    if bare and not ALGEBRA.search(clause[: verbs[-1].end()].rstrip(" =\t")[-40:]):
        return bare[0]
    after = max((verb.end() for verb in verbs if found and verb.end() <= found[-1].start), default=0)
    cut = REASON.search(clause, after)
    found = [value for value in found if not cut or value.start < cut.start()]
    shown = [one for one in found if one.shown and (one.start >= after > 0 or not NAME.fullmatch(one.said or ""))]
    if shown and all(SIDE_BY_SIDE.fullmatch(clause[one.end : two.start]) for one, two in pairwise(shown)):
        return ", ".join(value.said or "" for value in shown)
    found = [value for value in found if value.start >= after]
    if len(found) != 1 or not found[0].said or ALGEBRA.search(clause[: found[0].start].rstrip(" =\t")[-40:]):
        return None
    if not after and re.match(r"\s*is\b", clause[found[0].end :]):
        return None  # "9 is odd"
    direct = after and not clause[after : found[0].start].strip(" \t(（:：")
    return found[0].said if direct or conclusion and not ACTS.search(clause) else None


def values(clause: str) -> list[Value]:
    """The values of a clause in order: sums joined to one chain, names of quantities left out."""
    found: list[Value] = []
    for match in VALUE.finditer(clause):
        kind = match.lastgroup or ""
        content, rest = (match[kind] or "").strip(), clause[match.end() :]
        if kind == "skip" or content.startswith("^"):
            continue
        said = with_unit(bold_value(content) if kind == "bold" else content, rest)
        value = Value(match.start(), match.end(), said, kind != "number")
        joint = JOINED.fullmatch(clause[found[-1].end : match.start()]) if found and kind == "number" else None
        if joint:
            before = found.pop()
            worked_out = joint["sign"] == "=" and before.said != value.said
            value = Value(before.start, match.end(), value.said if worked_out else None)
        found.append(value)
    return found


def bold_value(content: str) -> str:
    """What bold words say: the number in "858颗", the value in "Total: 56", else all of it."""
    if STATES.search(content):
        return single_value(content) or content
    content = re.sub(r"^[^\W\d][^:：\d]{0,40}[:：]\s*(?=\S)", "", content)
    numbers = values(content)
    return numbers[0].said if len(numbers) == 1 and numbers[0].said and content[0].isdigit() else content


def with_unit(said: str, rest: str) -> str:
    """A number with the word that follows it, which may be its unit: 7 m is no 7 km."""
    unit = UNIT.match(rest)
    if not unit or not PLAIN.fullmatch(said) or NO_UNIT.fullmatch(unit[1]):
        return said
    return f"{said} {unit[1]}" if unit[1][0].isascii() else rf"{said}\text{{ {unit[1].rstrip('²³')}}}"
