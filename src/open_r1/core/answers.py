r"""Where a final part states its short answer: in a box, after "the answer is", or in its conclusion.

- The last `\boxed{}`, with the boxes that "and", "or" or a comma join to it.
- Else what follows the last "the answer is" (`Answer:`, 答案, réponse, ...), up to the sentence's end or the reason;
  also a value alone on the line below.
- Else a displayed formula at the end.
- Else all of it, where it is nothing but a value, "42"; or the end of an equation, where that is all: "9 * 9 = 81".
- Else the one value that the last sentence states (`conclusions.py`). The last number of a text is no answer: where a
  text says that it cannot solve the problem, or names several values, it has none.
"""

import re

from .conclusions import BARE, NUMBER, PLAIN, WINDOW, concluded, single_value

# Where short answers stand in a final part, and what may stand between the boxes of one answer.
ANSWER_WINDOW, MAX_BOXES = 20_000, 4
LONGEST = 80  # characters of a value that stands alone
EQUATION = re.compile(
    rf"[\d\s+\-−*/×·÷().]{{1,60}}(?:=[\d\s+\-−*/×·÷().]{{1,60}}){{0,5}}=\s*(?P<value>{PLAIN.pattern})"
)
MARKER = re.compile(
    r"\banswers?\b\W{0,3}(?:(?:is|are)\b\s*:?|[:=：])|(?m:^[#* \t]{0,9}(?:final )?answer[* \t]*$)"
    r"|答案\s*(?:是|为|[:：])|[故应]选\s*[:：]|####"
    r"|\b(?P<foreign>"
    r"(?:réponse|respuesta|resposta|risposta|antwort|ответ)\b\W{0,3}(?:(?:est|es|ist|é|è)(?!\w)\s*:?|[:：=—–])"
    r"|(?:答え|正解|정답|답)\s*(?:は|은|는|[:：])|(?:उत्तर|الجواب|الإجابة)\s*(?:هو|هي|[:：]))",
    re.IGNORECASE,
)
BELOW = re.compile(r"[ \t*_:：]*\n\s*(?P<line>[^\n]+)")  # the line below "Answer:"
# Where the statement of an answer ends: at the sentence's end, or at the reason that is given for it.
STATEMENT = re.compile(
    r"[ \t*:：]*(?P<answer>(?:\$\$[^$]{1,1000}\$\$|\$[^$\n]{1,1000}\$|\\\(.{1,1000}?\\\)|\\\[.{1,1000}?\\\]"
    r"|(?!\.(?:\s|$)|[,;]?\s+(?:because|since|as|so|which|where|but|wait)\b|,\s+not\b)"
    r"[^\n。])+)",
    re.IGNORECASE | re.DOTALL,
)
SUBJECT = re.compile(r"(?:the|it|so|thus|this|that|there)\b[^=]{0,80}?\b(?:is|are|equals)\b\s*:?\s*", re.IGNORECASE)
PROSE = re.compile(r"[\u0400-\u04ff\u0590-\u0fff\u3040-\u30ff\u4e00-\u9fff\uac00-\ud7af]")
WORDS = re.compile(r"(?<![\\{a-z])[a-z]{2,}\s+[a-z]{2,}\b|[\u3040-\u30ff\u4e00-\u9fff]{2}", re.IGNORECASE)
DISPLAYED = re.compile(r"(?:\$\$|\\\[)\s*([^$]{1,500}?)\s*(?:\$\$|\\\])\s*\.?\s*$")
# What may stand between the boxes of one answer: "and", "or" or a comma, formula marks, and the name of the next
# value.
WORDING = re.compile(r"(?:\s|\$|\\[()\[\],;:!]|\\q?quad\b)+")
JOINT = re.compile(
    r" ?(?:|(?:\w{1,20} ?)?(?:[,;，、和或]|\b(?:and|or)\b|\\text ?\{[^{}]{0,40}?\b(?:and|or) ?\})) ?(?:and|or)? ?"
    r"(?P<name>\\?[A-Za-z][\w{}]{0,11} ?=)? ?"
)
NAME = re.compile(r"(\\?[A-Za-z](?:_\{?\w+\}?)?\s*=)[\s$]*$")
BRACES = re.compile(r"\\+(?:boxed|fbox)\s*\{|\\[{}\\]|[{}]")
BARE_BOX = re.compile(r"(\\boxed)\s*(-?\d[\d.,/]*\d|-?\d|[A-Za-z]|\\[a-zA-Z]+(?:\{[^{}]*\})*)")


def short_answer(final: str | None, tagged: bool = False) -> str | None:
    r"""
    The short answer that a final part states, for a verifier.

    Args:
        final (`str` or `None`):
            What follows the reasoning.
        tagged (`bool`, *optional*, defaults to `False`):
            Whether `final` stood in answer tags, and so is the answer where nothing is boxed.

    Returns:
        `str` or `None`: content of the last `\boxed{}`; else all of a tagged part; else what follows "the answer is";
        else a displayed formula at the end; else all of it where that is a value; else the one value that the last
        sentence states.
    """
    if not final:
        return None
    end = final[-ANSWER_WINDOW:]
    if "\\boxed" in end or "\\fbox" in end:
        return last_boxed(end)
    if tagged:
        return end
    displayed = DISPLAYED.search(end[-600:])
    return stated(end) or (displayed[1] if displayed else alone(end) or concluded(end)) or None


def alone(text: str) -> str | None:
    """
    A text that is nothing but a value, a number or a short formula with a full stop at most; or nothing but an
    equation of numbers, "9 * 9 = 81".
    """
    value = text.strip().removesuffix(".")
    if equation := EQUATION.fullmatch(value):
        return equation["value"]
    found = len(value) <= LONGEST and (re.fullmatch(NUMBER, value) or BARE.fullmatch(value) or PLAIN.fullmatch(value))
    return value if found else None


def in_prose(answer: str) -> str:
    """What a sentence in answer tags states, else all of it: "The total is 7." says 7."""
    return (stated(answer) or concluded(answer) or answer) if WORDS.search(answer) else answer


def stated(text: str) -> str | None:
    """What follows the last "the answer is", up to the end of the sentence or the reason for it."""
    for marker in reversed(list(MARKER.finditer(text))):
        match = STATEMENT.match(text, marker.end())
        answer = match["answer"].strip().strip("*` ").rstrip(".").rstrip("*` ") if match else ""
        if not answer and (below := BELOW.match(text, marker.end())):
            answer = alone(below["line"].strip("*` ")) or ""
        if answer:
            if len(answer) <= WINDOW and (marker["foreign"] or PROSE.search(answer)):
                return single_value(answer) or answer
            return answer[match.end() :] if (match := SUBJECT.match(answer)) else answer
    return None


def last_boxed(text: str) -> str | None:
    r"""
    Content of the last complete `\boxed{...}`, braces balanced; `None` if there is none, or so many different ones
    that they are a list of guesses. Boxes joined by a comma, "and" or "or" are one answer: "\boxed{1} and \boxed{2}"
    says "1, 2".
    """
    text = BARE_BOX.sub(r"\1{\2}", text)
    boxes = find_boxes(text)
    if not boxes or len({content for _, _, content in boxes}) > MAX_BOXES:
        return None
    answer, start, name = [boxes[-1][2]], boxes[-1][0], ""
    for before, end, content in reversed(boxes[:-1]):
        joint = JOINT.fullmatch(WORDING.sub(" ", text[end:start][:80]))
        if not joint or "\n" in text[end:start] and not joint[0].strip():
            break  # boxes below each other are steps
        name = (joint["name"] or "").strip()
        answer[0] = name + answer[0]
        answer.insert(0, content)
        start = before
    if name and (first := NAME.search(text[max(0, start - 40) : start])):
        answer[0] = first[1] + answer[0]
    return ", ".join(dict.fromkeys(answer))


def find_boxes(text: str) -> list[tuple[int, int, str]]:
    """Start, end and content of every outermost complete box, in one pass over the braces."""
    boxes: list[tuple[int, int, str]] = []
    opened: list[tuple[int, int] | None] = []  # for each open brace where its box and its content start, if one does
    for token in BRACES.finditer(text):
        if token[0].startswith("\\") and len(token[0]) > 2:
            opened.append((token.start(), token.end()))
        elif token[0] == "{":
            opened.append(None)
        elif token[0] == "}" and opened:
            box = opened.pop()
            if box:
                while boxes and boxes[-1][0] > box[0]:  # they stand inside this one
                    boxes.pop()
                boxes.append((box[0], token.end(), text[box[1] : token.start()].strip()))
    return boxes
