r"""Other ways to write an answer: `rewrites(gold)` mean the same as the gold (what means something else is in
`faults.py`).

A rule is a function of the gold that yields answers where it applies and nothing elsewhere. It looks at the form of
the gold as text and never asks a verifier, so that its labels are facts about notation. Golds that a rule cannot tell
for certain (is `(2, 3)` a point or an interval? is `2; 3` in order?) are left alone.
"""

import re
from collections.abc import Callable, Iterator
from fractions import Fraction

Rule = Callable[[str], Iterator[str]]
SAME: dict[str, Rule] = {}
FRAC = r"\\[dt]?frac\s*\{\s*(\d+)\s*\}\s*\{\s*(\d+)\s*\}"
NUMBER = re.compile(rf"(-?)\s*(?:(\d+(?:\.\d+)?)|{FRAC})")
WORDS = re.compile(
    r"\\(?:text|mbox|mathrm|textbf)\b|(?<![\\A-Za-z])(?:[A-Za-z]{3,}|(?:or|at|is|if|by|of|to)(?![A-Za-z]))"
)
RELATION = re.compile(r"\\(?:leq?|geq?|leqslant|geqslant|lt|gt|neq?|in|approx|to|equiv|pm|mid)\b|[<>=:|]")
STRUCTURE = re.compile(
    r"[,;$%']|\\(?:mp|circ|begin|cup|cap|infty|sum|int|lim|quad|cdots|ldots|prime)\b|\d_|\de[-+]?\d"
)
NAMED = re.compile(r"([A-Za-z](?:_\{?\w+\}?)?(?:\([a-z]\))?)\s*=\s*([^=]+)")
ORDER = re.compile(r"([a-z]) (>|<|\\geq?|\\leq?|\\geqslant|\\leqslant|\\neq?) (-?\s?\d+)")
INTERVAL = re.compile(r"(?:\\left)?([(\[])([^,;()\[\]]+),([^,;()\[\]]+?)(?:\\right)?([)\]])")
UNIT = re.compile(
    r"(?P<amount>-?[\d.]+|-?\\[dt]?frac\{\d+\}\{\d+\})\s*"
    r"\\(?:text|mbox|mathrm)\s*\{[\s~]*(?P<unit>(?!i\b|e\b)[A-Za-z][A-Za-z ]*?)\s*\}(?:\^\{?(?P<power>\d)\}?)?"
)
PERCENT, DEGREES, MONEY = (
    re.compile(form)
    for form in (r"(-?\d+(?:\.\d+)?)\s*\\?%", r"(-?\d+(?:\.\d+)?)\s*\^\s*\{?\\circ\}?", r"\\\$\s*(\d[\d.]*)")
)
BASE, RATIO, TEXT = (
    re.compile(form) for form in (r"(-?\d\w+)_\{?(\d+)\}?", r"(\d+) ?: ?(\d+)", r"\\(?:text|mbox)\{([A-Za-z ]{3,})\}")
)
SPELLED = {
    "cm": "centimeters",
    "m": "meters",
    "km": "kilometers",
    "ft": "feet",
    "mph": "miles per hour",
    "min": "minutes",
    "hr": "hours",
}
FLIPPED = {">": "<", "<": ">", r"\le": r"\ge", r"\ge": r"\le"}
FRAMES = (
    r"Final Answer: The final answer is ${}$. I hope it is correct.",
    "We check the steps again.\n\n**Final Answer**\n\\[\n\\boxed{{{}}}\n\\]",
    r"Therefore, the answer is $\boxed{{{}.}}$",
    r"<think>Let me see.</think>Hence the answer is \(\boxed{{{}}}\), as claimed.",
)


def rewrites(gold: str) -> Iterator[tuple[str, str]]:
    """Name of a rule and an answer that is as right as the gold; answers of `frame` are whole responses."""
    yield "itself", gold
    frames = FRAMES[1:] if WORDS.search(gold) else FRAMES
    yield "frame", frames[sum(map(ord, gold)) % len(frames)].format(gold)
    yield from apply(SAME, gold)


def apply(rules: dict[str, Rule], gold: str) -> Iterator[tuple[str, str]]:
    for name, rule in rules.items():
        yield from ((name, answer) for answer in dict.fromkeys(rule(gold)) if answer != gold)


def same(rule: Rule) -> Rule:
    return SAME.setdefault(rule.__name__, rule)


def number(text: str) -> Fraction | None:
    """The value of an integer, a decimal or a simple fraction."""
    if not (match := NUMBER.fullmatch(text.strip())):
        return None
    return Fraction(match[2] or f"{match[3]}/{match[4]}") * (-1 if match[1] else 1)


def value(gold: str) -> bool:
    """Whether a gold is a single expression, without words, units, relations and structure."""
    return not (WORDS.search(gold) or RELATION.search(gold) or STRUCTURE.search(gold))


def split(text: str, separators: str) -> list[str]:
    """The parts at separators outside of all brackets; a sign stays with what follows it."""
    parts, depth = [""], 0
    for char in text:
        depth += (char in "([{") - (char in ")]}")
        cut = char in separators and not depth and parts[-1].strip()
        parts = [*parts, char if char in "+-" else ""] if cut else [*parts[:-1], parts[-1] + char]
    return [part.strip() for part in parts]


def grouped(gold: str) -> bool:
    return bool(re.search(r"\d(?:,|\{,\})(?:\\!)?\s*\d{3}(?!\d)", gold))


def listed(gold: str) -> tuple[str, list[str], str] | None:
    """An opening, the members and an end of a list or set of different members."""
    match = re.fullmatch(r"((?:\\left)?\\\{)?(.*?)((?:\\right)?\\\})?", gold)
    if not match or bool(match[1]) != bool(match[3]) or WORDS.search(gold) or RELATION.search(gold):
        return None
    items = split(match[2].replace(r"\quad", " "), ",")
    sound = (
        len(items) > 1
        and all(items)
        and len(set(items)) == len(items)
        and all(item.count("(") == item.count(")") for item in items)
    )
    return (
        (match[1] or "", items, match[3] or "")
        if sound and not grouped(gold) and not re.search(r"ldots|\\\$|;", gold)
        else None
    )


def ends(gold: str) -> tuple[str, str, str, str] | None:
    """Bracket, end, end, bracket of what is surely an interval: an infinite end or two different brackets."""
    match = INTERVAL.fullmatch(gold.strip())
    sure = match and ("infty" in gold or (match[1] == "(") != (match[4] == ")"))
    return (match[1], match[2].strip(), match[3].strip(), match[4]) if match and sure else None


def inequality(gold: str) -> str | None:
    """An interval as an inequality of x."""
    if not (found := ends(gold)) or "infty" in found[1] and "infty" in found[2]:
        return None
    opening, low, high, end = found
    below, above = "<" if opening == "(" else r"\le", "<" if end == ")" else r"\le"
    if "infty" in high:
        return f"{low} {below} x"
    return f"x {above} {high}" if "infty" in low else f"{low} {below} x {above} {high}"


# Rules that keep the meaning.


@same
def fraction_commands(gold: str) -> Iterator[str]:
    if "frac" in gold:
        yield from (
            re.sub(r"\\[dt]?frac", lambda _, c=command: c, gold) for command in (r"\dfrac", r"\tfrac", r"\frac")
        )
        yield re.sub(r"\\frac\{(\d)\}\{(\d)\}", r"\\frac\1\2", gold)
        yield re.sub(r"\\frac(\d)(\d)", r"\\frac{\1}{\2}", gold)


@same
def brackets(gold: str) -> Iterator[str]:
    if r"\left" in gold and not re.search(r"\\(?:left|right)\.", gold):
        yield re.sub(r"\\(?:left|right)(?![a-z])", "", gold)
    elif re.search(r"[(\[]", gold) and not re.search(r"\\[a-z]+\[", gold):
        yield re.sub(r"([)\]])", r"\\right\1", re.sub(r"([(\[])", r"\\left\1", gold))


@same
def spaces(gold: str) -> Iterator[str]:
    if not WORDS.search(gold) and not re.search(r"\d \d|\\ ", gold):
        yield re.sub(r"(?<![A-Za-z\\]) +| +(?![A-Za-z])", "", gold)
        yield re.sub(r"\s*(?<![\^{(\[,=&])([+=])\s*", r" \1 ", gold).strip()
        if "," in gold and not grouped(gold):
            yield from (re.sub(r",\s*", lambda _, s=separator: s, gold) for separator in (",", r",\,", r",\ "))


@same
def fraction_values(gold: str) -> Iterator[str]:
    exact = number(gold)
    if exact is None or exact.denominator == 1 or exact.denominator > 1000:
        return
    over, under, sign = abs(exact.numerator), exact.denominator, "-" * (exact < 0)
    yield from (
        f"{sign}{over}/{under}",
        rf"{sign}\frac{{{over}}}{{{under}}}",
        rf"{sign}\frac{{{2 * over}}}{{{2 * under}}}",
    )
    if 1000 % under == 0:
        yield f"{float(exact):.10f}".rstrip("0")
    if over > under and under < 100:
        yield from (
            rf"{sign}{over // under}\frac{{{over % under}}}{{{under}}}",
            f"{sign}{over // under} {over % under}/{under}",
        )


@same
def integers(gold: str) -> Iterator[str]:
    if re.fullmatch(r"-?[1-9]\d*", gold):
        yield from (f"{gold}.0", f"x = {gold}", f"{gold}.")
        yield from (f"{int(gold):,}".replace(",", comma) for comma in (",", "{,}", r"\,", r",\!"))


@same
def names(gold: str) -> Iterator[str]:
    match = NAMED.fullmatch(gold)
    if match and not RELATION.search(match[2]) and not re.search("[,;]", gold):
        yield from (match[2].strip(), f"{match[2].strip()} = {match[1]}")
    elif value(gold) and not re.search("[a-zA-Z]", re.sub(r"\\[a-z]+", "", gold)):
        yield f"x = {gold}"
    point = re.fullmatch(r"\((-?\d+), ?(-?\d+)\)", gold)
    if point and int(point[1]) >= int(point[2]):  # else it may be an interval
        yield from (f"(x, y) = {gold}", f"x = {point[1]}, y = {point[2]}")


@same
def sides(gold: str) -> Iterator[str]:
    left, equals, right = gold.partition("=")
    if (
        equals
        and left.count("{") == left.count("}")
        and not RELATION.search(left + right)
        and not WORDS.search(gold)
        and not re.search("[,;]", gold)
    ):
        yield f"{right.strip()} = {left.strip()}"
        if not NAMED.fullmatch(gold):
            yield rf"{left.strip()} - \left({right.strip()}\right) = 0"


@same
def sums(gold: str) -> Iterator[str]:
    if value(gold) and len(terms := split(gold, "+-")) > 1 and all(term.strip("+- ") for term in terms):
        last, *rest = (term if term[0] in "+-" else f"+{term}" for term in terms[::-1])
        yield " ".join([last.removeprefix("+").strip(), *rest])


@same
def products(gold: str) -> Iterator[str]:
    if re.search(r"\\(?:cdot|times)\b", gold) and not WORDS.search(gold):
        yield from (
            re.sub(r"\s*\\(?:cdot|times)\b\s*", lambda _, s=sign: s, gold) for sign in (r" \cdot ", r" \times ", "*")
        )
    elif value(gold):
        yield re.sub(r"(?<![\d_^.])(\d+)\s*(?=\\(?:sqrt|pi)\b)", r"\1 \\cdot ", gold)
        yield gold.replace(r"\pi", "π")


@same
def roots(gold: str) -> Iterator[str]:
    if match := re.fullmatch(r"(-?)(\d+)\s*\\sqrt\{(\d+)\}", gold):
        yield rf"{match[1]}\sqrt{{{int(match[2]) ** 2 * int(match[3])}}}"
    if value(gold):
        yield re.sub(r"\\sqrt\{(\d+)\}", r"\\left(\1\\right)^{1/2}", gold)
        yield re.sub(r"\\sqrt\{(\d)\}", r"\\sqrt\1", gold)


@same
def order(gold: str) -> Iterator[str]:
    if found := listed(gold):
        opening, items, end = found
        yield from (opening + ", ".join(turned) + end for turned in (items[::-1], [*items[1:], items[0]]))
        if not opening:
            yield from (
                r"\{" + ", ".join(items) + r"\}",
                ", ".join(items[:-1]) + r" \text{ and } " + items[-1],
                "; ".join(items),
            )
        if not opening and len(items) == 2 and items[1] == f"-{items[0]}" and len(split(items[0], "+-")) == 1:
            yield rf"\pm {items[0]}"
    if gold.count(r"\pm") == 1 and value(gold.replace(r"\pm", "+")):
        yield ", ".join(gold.replace(r"\pm", sign).strip().removeprefix("+").strip() for sign in "+-")


@same
def intervals(gold: str) -> Iterator[str]:
    if all(parts := [inequality(part) for part in gold.split(r"\cup")]):
        yield from (
            r" \text{ or } ".join(parts),
            rf"x \in {gold}",
            r" \cup ".join(part.strip() for part in gold.split(r"\cup")[::-1]),
        )
        yield re.sub(r"([,\s])\\infty", r"\1+\\infty", gold)
    if match := ORDER.fullmatch(gold):
        bound, relation = match[3].replace(" ", ""), match[2].replace("slant", "").removesuffix("q")
        opening, end = ("[", "]") if relation in (r"\le", r"\ge") else ("(", ")")
        if relation == r"\ne":
            yield from (rf"(-\infty, {bound}) \cup ({bound}, \infty)", rf"\mathbb{{R}} \setminus \{{{bound}\}}")
        else:
            yield rf"{opening}{bound}, \infty)" if relation in (">", r"\ge") else rf"(-\infty, {bound}{end}"
            yield f"{bound} {FLIPPED[relation]} {match[1]}"


@same
def units(gold: str) -> Iterator[str]:
    if match := PERCENT.fullmatch(gold):
        yield from (
            rf"{match[1]}\%",
            match[1],
            rf"{match[1]}\text{{ percent}}",
            f"{float(Fraction(match[1]) / 100):.8f}".rstrip("0"),
        )
    elif match := DEGREES.fullmatch(gold):
        yield from (match[1] + sign for sign in ("", "°", r"^{\circ}", r"^\circ", r"\text{ degrees}"))
    elif match := MONEY.fullmatch(gold):
        yield from (match[1], rf"\${match[1]}", rf"{match[1]}\text{{ dollars}}")
    elif match := UNIT.fullmatch(gold):
        amount, unit, power = match["amount"], match["unit"], f"^{match['power']}" if match["power"] else ""
        yield from (amount, rf"{amount} \text{{ {unit}}}{power}", rf"{amount}\mbox{{ {unit}}}{power}")
        if unit in SPELLED and not power:
            yield rf"{amount} \text{{ {SPELLED[unit]}}}"


@same
def notations(gold: str) -> Iterator[str]:
    if match := BASE.fullmatch(gold):
        yield from (f"{match[1]}_{{{match[2]}}}", f"({match[1]})_{{{match[2]}}}")
    if match := re.fullmatch(r"(-?\d(?:\.\d+)?) \\times 10\^\{?(-?\d+)\}?", gold):
        yield from (rf"{match[1]} \cdot 10^{{{match[2]}}}", f"{match[1]}e{match[2]}")
    if match := RATIO.fullmatch(gold):
        yield from (
            f"{match[1]}:{match[2]}",
            rf"\frac{{{match[1]}}}{{{match[2]}}}",
            rf"{match[1]} \text{{ to }} {match[2]}",
        )
    if match := TEXT.fullmatch(gold):
        word = match[1].strip()
        yield from (word, word.lower(), rf"\textbf{{{word}}}", rf"\mathrm{{{word}}}", rf"\text{{{word}.}}")
    if match := re.fullmatch(r"\\text\{\(?([A-E])\)?\}", gold):
        yield from (match[1], f"({match[1]})", rf"\textbf{{({match[1]})}}")


@same
def matrices(gold: str) -> Iterator[str]:
    match = re.fullmatch(r"\\begin\{([pb])matrix\}(.*)\\end\{\1matrix\}", gold, re.DOTALL)
    if match and "begin" not in match[2]:
        columns = "c" * (match[2].split(r"\\")[0].count("&") + 1)
        yield from (rf"\begin{{{kind}matrix}}{match[2]}\end{{{kind}matrix}}" for kind in "pb")
        yield from (rf"\left{a}\begin{{array}}{{{columns}}}{match[2]}\end{{array}}\right{b}" for a, b in ("[]", "()"))
