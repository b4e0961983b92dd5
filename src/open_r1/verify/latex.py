r"""One spelling for every answer: `\dfrac12`, `\frac{1}{2}` and `$\tfrac 12$` become the same string.

Everything here is plain string work of some microseconds, so that most verdicts never need a computer algebra system.
In our spelling `;` separates the parts of an answer and `∨` alternatives. A comma stays between two digits only, where
it may group the digits of one number: `2, 100` is a list, `2,100` may be a list or 2100 (see `numerals.readings`).
"""

import functools
import re
from collections.abc import Callable

from .numerals import one_spelling

SYMBOLS = str.maketrans(
    {"−": "-", "–": "-", "—": "-", "×": r"\times ", "·": r"\cdot ", "⋅": r"\cdot ", "∙": r"\cdot ", "÷": "/", "⁄": "/",
     "∞": r"\infty ", "≤": r"\le ", "≥": r"\ge ", "⩽": r"\le ", "⩾": r"\ge ", "≠": r"\ne ", "≈": r"\approx ",
     "°": r"^\circ ", "º": r"^\circ ", "℃": r"^\circ C", "℉": r"^\circ F", "∪": r"\cup ", "∩": r"\cap ",
     "∖": r"\setminus ", "∈": r"\in ", "∅": r"\emptyset ", "ℝ": r"\mathbb{R}",
     "ℤ": r"\mathbb{Z}", "±": r"\pm ", "∓": r"\mp ", "√": r"\sqrt ", "⟨": "(", "⟩": ")", "，": ",", "；": ";",
     "：": ":", "（": "(", "）": ")", "｛": r"\{", "｝": r"\}", "∛": r"\sqrt[3]",
     "［": "[", "］": "]", "％": "%", "＝": "=", "＋": "+", "．": ".", "’": "'", "…": r"\ldots ",
     "¼": r"\frac{1}{4}", "½": r"\frac{1}{2}", "¾": r"\frac{3}{4}", "⅓": r"\frac{1}{3}", "⅔": r"\frac{2}{3}",
     "⅛": r"\frac{1}{8}", "π": r"\pi ", "θ": r"\theta ", "α": r"\alpha ", "β": r"\beta ", "γ": r"\gamma ",
     "δ": r"\delta ", "λ": r"\lambda ", "μ": r"\mu ", "σ": r"\sigma ", "φ": r"\varphi ", "ϕ": r"\phi ",
     "ω": r"\omega ",
     "~": " ", "\u00a0": " ", "\u2009": " ", "\u202f": " ", "\u2061": "", "\u200b": "", "\ufeff": ""}
)  # fmt: skip
END = r"(?![a-zA-Z])"  # of a command
FUNCTIONS = "cis|(?:arc|a)?(?:sin|cos|tan|cot|sec|csc)h?|ln|log|lg|exp|gcd|lcm"
UNIT_LETTERS = "mgslhLNJWVAKCFT"
Spelling = str | Callable[[re.Match], str]


def joint(match: re.Match) -> str:
    """ "or" keeps its meaning, since `x<1 or x>2` is a union; "and" is a comma."""
    return "∨" if re.search(r"or|或|vee", match[0]) else ";"


def chosen(match: re.Match) -> str:
    """Combinations and permutations in the notation of schools, such as `{}_5C_2`."""
    n, k = match["n1"] or match["n2"], match["k1"] or match["k2"]
    return rf"\binom{{{n}}}{{{k}}}" if match["kind"] == "C" else rf"\frac{{{n}!}}{{({n}-{k})!}}"


# Applied in this order. What never changes the value goes away; what has several spellings gets one.
LAYOUT: list[tuple[str, Spelling]] = [
    (r"\\text\s*\{\s*\$([^${}]*(?:\{[^${}]*\}[^${}]*)*)\$\s*\}", r"\1"),  # a formula in a text in a formula
    (
        rf"(?<!\\)\$\$?|(?<!\\)\\[()\[\]]|\\(?:left|right|middle|[bB]igg?[lrm]?|displaystyle|textstyle|limits){END}\.?",
        "",
    ),
    (r"\\(?:textcolor|color)\s*\{\w*\}|\\color\s+\w+|\\hspace\*?\s*\{[^{}]*\}|\\[hv]?phantom\s*\{[^{}]*\}", ""),
    (r"\^\s*\{?(\d+)\}?\s*/\s*_\s*\{?(\d+)\}?", r"\\frac{\1}{\2}"),
    (r"\{:\}", ":"),
    (r"^\s*\\(?:text|mbox|mathrm)\s*\{[^{}]*\b(?:is|are|equals)\s*:?\s*\}(?=\s*\S)", ""),  # "The minimum value is"
    (r"\s*\(\s*(?:which|since|because|as|that is|i\.e\.)\b[^()]*\)\s*$", ""),  # 13 (which is prime)
    (r",(?:\s|\\[,;: ])*\\!\s*(?=\d{3}(?!\d))", ""),  # 5,\!525 is one number
    (rf"\\(?:bf|it|sf|tt|bfseries|boldmath|mathstrut|strut|normalsize){END}", " "),
    (r"\\(?:boldsymbol|bm|pmb|ensuremath)\s*(?=\{)", ""),
    (r"\s*(?:입니다|이다|です)[.。]?$", ""),  # "it is", behind a number
    (r"\\!|^`+|`+$", ""),
    (r"\\tag\*?\{[^{}]*\}", ""),
    (r"(?<!\\)\\[,;:> ]|~|\\q?quad" + END + rf"|\\(?:en|thin|med)space{END}|\\hfill?{END}", " "),
    (r" {2,}", " "),
]
COMMANDS: list[tuple[str, Spelling]] = [
    (rf"\\[lr]?vert{END}|\\mid{END}", "|"),
    (rf"\\lbrace{END}", r"\\{"),
    (rf"\\rbrace{END}", r"\\}"),
    (rf"\\langle{END}", "("),
    (rf"\\rangle{END}", ")"),
    (rf"\\lbrack{END}", "["),
    (rf"\\rbrack{END}", "]"),
    (rf"\\[dtc]frac{END}", r"\\frac"),
    (rf"\\[dt]binom{END}", r"\\binom"),
    (rf"\{{([^{{}}]*)\\over{END}([^{{}}]*)\}}", r"\\frac{\1}{\2}"),
    (rf"\{{([^{{}}]*)\\choose{END}([^{{}}]*)\}}|(?<![\w}}])(\w+)\s*\\choose\s*(\w+)", r"\\binom{\1\3}{\2\4}"),
    (rf"(?<=[\d}} ])\\(?:mathrm|text)\s*\{{\s*([{UNIT_LETTERS}])\s*\}}", r"\\text{ \1}"),
    (r"\\mathbf\s*\{\s*([RZNQC])\s*\}", r"\\mathbb{\1}"),
    (r"\\math(?:bf|rm|it|sf|tt)\s*\{(?=\s*[\\\d-])", "{"),
    (r"\\(?:mathrm|mathit|mathbf|mathsf|operatorname|rm|boldsymbol|bm|vec|hat)\s*\{\s*([A-Za-z])\s*\}", r"\1"),
    (rf"\\(?:rm|mathrm|text|operatorname\*?)\s*\{{\s*({FUNCTIONS})\s*\}}", r"\\\1 "),
    (rf"(?<![\\a-zA-Z{{])({FUNCTIONS}|sqrt)(?=[({{\d])|(?<![\\a-zA-Z])(pi)(?![a-zA-Z])", r"\\\1\2 "),
    (r"(?<=\d)\s*(?:\\text\{\s*to\s*\}|\bto\b)\s*(?=\d)", ":"),
    (r"(?<=\))\s*\^\s*\{?\s*(?:T|\\top|\\intercal|\\text\{T\})\s*\}?", ""),  # a column is written as a tuple
    (r"(?<=[)\]}\d])\s*(?:or|and)\s*(?=[(\[\\\d-])", joint),
    (r"\\(?:text|text(?:rm|bf|it|up|sf|tt|normal)|math(?:rm|bf|it|sf|tt)|mbox|operatorname\*?|rm)\s*\{", r"\\text{"),
    (r"\\text\{\s*\}", " "),
    (r"\s*\\text\{\s*,?\s*(?:and|or)\s*\}|,?\s+(?:and|or)\s+|[和或、]|\\(?:lor|vee|land|wedge)" + END, joint),
    (rf"\\leq(?:slant)?{END}|\\le{END}|=<|<=", r"\\le "),
    (rf"\\geq(?:slant)?{END}|\\ge{END}|>=", r"\\ge "),
    (rf"\\neq{END}|\\not\s*=|(?<=\s)!=", r"\\ne "),
    (rf"\\lt{END}", "<"),
    (rf"\\gt{END}", ">"),
    (rf"\\(?:approx|simeq|doteq|thickapprox){END}", r"\\approx "),
    (rf"\\(?:backslash|smallsetminus){END}|(?<=\}})\s*\\\\?\s*(?=\\\{{)", r"\\setminus "),
    (rf"\\(?:R|reals|Reals){END}|\\text\{{R\}}", r"\\mathbb{R}"),
    (r"(?<![\w\\])infinity(?![\w])", r"\\infty"),
    (rf"(?<![\w)}}\]])\+\s*\\infty|\\infin{END}", r"\\infty"),
    (r"(?<=\d)\s*\\mathbb\{C\}", r"\\text{ C}"),  # Celsius, where a number stands before it
    (rf"\\varnothing{END}|\\\{{\s*\\\}}", r"\\emptyset"),
    (r"\\begin\{(?:[bBp]?matrix|smallmatrix|array)\}(?:\s*\{[lcr|\s]*\})?", r"\\begin{pmatrix}"),
    (r"\\end\{(?:[bBp]?matrix|smallmatrix|array)\}", r"\\end{pmatrix}"),
    (
        r"(?:\{\}|(?<![\w)}]))\s*[_^]\s*(?:\{(?P<n1>\w+)\}|(?P<n2>\w))\s*(?P<kind>[CP])\s*_\s*(?:\{(?P<k1>\w+)\}|(?P<k2>\w))",
        chosen,
    ),
    (r"(?<![\w\\])(?P<kind>C)\((?P<n1>\d+)(?P<n2>)[,;]\s*(?P<k1>\d+)(?P<k2>)\)", chosen),
    (r"(?<![\w\\])(?P<kind>[CP])_\{?(?P<n1>\d+)(?P<n2>)\}?\s*\^\s*\{?(?P<k1>\d+)(?P<k2>)\}?", chosen),
    (r"(?<=\d) ?[xX] ?(?=10\s*\^)", r"\\times "),
    (r"\^\s*\{?\s*\\(?:circ|degree)\s*\}?|\\(?:degree|deg)" + END, r"\\degree "),
    (r"\^\s*\{?\s*\\prime\s*\}?", "'"),
    (r"([_^])\s*([0-9]+|[a-zA-Z])", r"\1{\2}"),
    (r"[(\[]\s*(\\begin\{pmatrix\}(?:(?!\\begin|\\end).)*\\end\{pmatrix\})\s*[)\]]", r"\1"),
]
LISTS: list[tuple[str, Spelling]] = [
    (r",(?!\d)|(?<!\d),", ";"),
    (r";\s*(?=∨)|(?<=∨)\s*;|\\text\{\s*[,;]\s*\}", ""),
]
LAYOUT, COMMANDS, LISTS = (
    [(re.compile(pattern), spelling) for pattern, spelling in rules] for rules in (LAYOUT, COMMANDS, LISTS)
)
RAISED = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺ⁿ", "0123456789-+n")
LOWERED = str.maketrans("₀₁₂₃₄₅₆₇₈₉", "0123456789")
SPACE = re.compile(
    r"\s*([^\w\s\\]|\\(?:le|ge|ne|cup|cap|setminus|pm|times|cdot|in|approx|degree|emptyset|infty|pi)(?![a-zA-Z]))\s*|\s+"
)
DOUBLED, SINGLE = re.compile(r"(?<!\\)\\\\[a-zA-Z]{2,}"), re.compile(r"(?<!\\)\\(?!\\)|\\{3}")
ENDS = re.compile(r"^(?:=|\\approx )\s*|[.;]+$|\\\\$")


@functools.lru_cache(maxsize=4096)
def canonical(text: str) -> str:
    """An answer in our one spelling, without outer spaces, brackets that only group, and final full stop."""
    if not text.isascii():
        text = re.sub("[⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺ⁿ]+", lambda match: f"^{{{match[0].translate(RAISED)}}}", text)
        text = re.sub("[₀₁₂₃₄₅₆₇₈₉]+", lambda match: f"_{{{match[0].translate(LOWERED)}}}", text)
        text = text.translate(SYMBOLS)
    if DOUBLED.search(text) and not SINGLE.search(text):  # by JSON
        text = text.replace("\\\\", "\\")
    text = applied(LAYOUT, " ".join(text.split()))
    text = applied(LISTS, with_braces(applied(COMMANDS, one_spelling(text))))
    return outermost(ENDS.sub("", SPACE.sub(closed_up, text).strip()).strip())


def applied(rules: list[tuple[re.Pattern, Spelling]], text: str) -> str:
    for pattern, spelling in rules:
        text = pattern.sub(spelling, text)
    return text


def closed_up(match: re.Match) -> str:
    """No space around operators, but one between a command and a letter."""
    if match[1] and match[1].startswith("\\") and match.string[match.end() : match.end() + 1].isalpha():
        return match[1] + " "
    return match[1] or " "


def outermost(text: str) -> str:
    """Without braces around everything."""
    while len(text) > 1 and text[0] == "{" and closing(text, 0) == len(text) - 1:
        text = text[1:-1].strip()
        if re.search(r"[,;|]", text) and closing("{" + text + "}", 0) == len(text) + 1 and "{" not in text:
            return rf"\{{{text}\}}"  # a set, as people type it
    return text


ARGUMENTS = {r"\frac": 2, r"\binom": 2, r"\sqrt": 1}
TOKEN = re.compile(r"\\(?:frac|binom|sqrt)(?![a-zA-Z])")


def with_braces(text: str) -> str:
    r"""
    Braces around the arguments of fractions, binomials and roots, where TeX lets them be left out: `\frac\pi2`,
    `\sqrt2`.
    """
    parts, start = [], 0
    for match in TOKEN.finditer(text):
        if match.start() < start:
            continue  # already taken as an argument
        at, arguments = match.end(), ""
        if match[0] != r"\sqrt" and text[at:].lstrip().startswith("("):
            continue
        if match[0] == r"\sqrt" and (root := re.match(r"\s*\[[^\[\]]*\]", text[at:])):
            arguments, at = root[0].strip(), at + root.end()
        for _ in range(ARGUMENTS[match[0]]):
            argument, at = argument_at(text, at)
            arguments += argument
        parts += [text[start : match.start()], match[0], arguments]
        start = at
    return "".join([*parts, text[start:]])


def argument_at(text: str, at: int) -> tuple[str, int]:
    """
    The argument of a command that begins at a place, in braces, and where it ends: a group, a digit or letter, or a
    command.
    """
    while text[at : at + 1] == " ":
        at += 1
    if text[at : at + 1] in ("{", "("):
        end = closing(text, at) + 1
        return ("{" + with_braces(text[at + 1 : end - 1]) + "}", end) if end else (text[at:], len(text))
    if match := re.match(r"\\[a-zA-Z]+|[0-9a-zA-Z]", text[at:]):
        count = ARGUMENTS.get(match[0], 1 if text[at + match.end() :].startswith("{") and len(match[0]) > 1 else 0)
        inner, end = match[0], at + match.end()
        for _ in range(count):
            argument, end = argument_at(text, end)
            inner += argument
        return "{" + inner + "}", end
    return "", at


def closing(text: str, start: int) -> int:
    """
    Index of the bracket that closes the one at `start`, -1 if none does. Half-open intervals close with another kind.
    """
    depth = 0
    for at in range(start, len(text)):
        depth += (text[at] in "([{") - (text[at] in ")]}")
        if depth == 0:
            return at
    return -1


@functools.lru_cache(maxsize=16384)
def cut(text: str, separator: str) -> tuple[str, ...]:
    """Parts between the separators that stand in no bracket; brackets of intervals may close with another kind."""
    if separator not in text:
        return (text.strip(),)
    parts, depth, start = [], 0, 0
    for at, character in enumerate(text):
        depth += (character in "([{") - (character in ")]}")
        if depth == 0 and text.startswith(separator, at) and at >= start and not (separator == "-" and at == 0):
            parts.append(text[start:at])
            start = at + len(separator)
    return tuple(part.strip() for part in [*parts, text[start:]])
