r"""What a response looks like: the only place that knows the tags.

- `zero` (R1-Zero, paper section 2.2.3): `<think> reasoning </think> <answer> answer </answer>`
- `r1` (R1, section 2.3): `<think> reasoning </think>` and then a summary, in mathematics with the answer in `\boxed{}`

A chat template may end the prompt with `<think>` ("prefilled"), and then the sampled text starts inside the reasoning.
Rewards, curation and evaluation read responses through `ResponseFormat.read` and nothing else.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from .errors import RecipeError

OPEN, CLOSE = "<think>", "</think>"
SHAPES = {
    "zero": re.compile(r"\s*<think>(?P<reasoning>.*)</think>\s*<answer>(?P<final>.*)</answer>\s*", re.DOTALL),
    "r1": re.compile(r"\s*<think>(?P<reasoning>.*)</think>\s*(?P<final>\S.*)", re.DOTALL),
}
# Where short answers stand in a final part, and what may stand between the boxes of one answer.
ANSWER_WINDOW, MAX_BOXES = 20_000, 4
MARKER = re.compile(r"\banswers?\b\W{0,3}(?:(?:is|are)\b\s*:?|[:=])|答案\s*(?:是|为|[:：])|####", re.IGNORECASE)
# Where the statement of an answer ends: at the sentence's end, or at the reason that is given for it.
STATEMENT = re.compile(
    r"[ \t*:：]*(?P<answer>(?:\$\$[^$]{1,1000}\$\$|\$[^$\n]{1,1000}\$|\\\(.{1,1000}?\\\)|\\\[.{1,1000}?\\\]"
    r"|(?!\.(?:\s|$)|[,;]?\s+(?:because|since|as|so|which|where|but|wait)\b)[^\n。])+)", re.IGNORECASE | re.DOTALL
)  # fmt: skip
SUBJECT = re.compile(r"(?:the|it|so|thus|this|that|there)\b[^=]{0,80}?\b(?:is|are|equals)\b\s*:?\s*", re.IGNORECASE)
# A formula, or what is printed in bold, on the last line of a text that says nowhere where its answer is.
DISPLAYED = re.compile(r"(?:\$\$|\\\[)\s*([^$]{1,500}?)\s*(?:\$\$|\\\])\s*\.?\s*$")
FORMULA = re.compile(r"\$([^$\n]{1,500})\$|\\\((.{1,500}?)\\\)|\*\*([^*\n]{1,500})\*\*")
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
TAGS = {"zero": (OPEN, CLOSE, "<answer>", "</answer>"), "r1": (OPEN, CLOSE)}


@dataclass(frozen=True)
class Response:
    """
    A response in its parts.

    Attributes:
        text (`str`): The whole response, a prefilled `<think>` included.
        valid (`bool`): Whether it has exactly the shape of its format, with reasoning and an answer that are not
        empty.
        reasoning (`str`): What was thought, without tags; everything but the final part if the shape is not valid.
        final (`str` or `None`): What the user reads - content of `<answer>`, or the summary; `None` if it never comes.
        answer (`str` or `None`): The short answer to check: last `\\boxed{}` of the final part, else all of it in
        `zero`.
    """

    text: str
    valid: bool
    reasoning: str
    final: str | None
    answer: str | None


@dataclass(frozen=True)
class ResponseFormat:
    """
    How one model writes.

    Args:
        name (`str`):
            `zero` or `r1`.
        prefilled (`bool`, *optional*, defaults to `False`):
            Whether the prompt already ends with `<think>`.
    """

    name: Literal["zero", "r1"]
    prefilled: bool = False

    @classmethod
    def of(cls, name: Literal["zero", "r1"], tokenizer: Any) -> "ResponseFormat":
        """The format as this tokenizer's chat template prompts for it."""
        prompt = render_prompt(tokenizer, [{"role": "user", "content": "x"}])
        return cls(name, prompt.rstrip().endswith(OPEN))

    def read(self, completion: str) -> Response:
        """
        Takes a sampled completion apart. Answers are read after the reasoning only: unfinished reasoning has none.
        """
        text = OPEN + completion if self.prefilled else completion
        # first: with repeated tags the pattern takes quadratic time
        once = all(text.count(tag) == 1 for tag in TAGS[self.name])
        match = SHAPES[self.name].fullmatch(text) if once else None
        parts = {name: part.strip() for name, part in match.groupdict().items()} if match else {}
        valid = bool(match) and all(parts.values())
        reasoning, final = (parts["reasoning"], parts["final"]) if valid else self._salvage(text)
        return Response(text, valid, reasoning, final, short_answer(final, tagged=self.name == "zero"))

    def _salvage(self, text: str) -> tuple[str, str | None]:
        """
        Reasoning and final part of a response with another shape: wrong tags cost the format reward, not the answer.
        """
        before, closed, after = text.rpartition(CLOSE)
        if not closed and OPEN in text:
            return text.replace(OPEN, " ").strip(), None
        tail = after if closed else text
        if self.name == "zero":
            opened = tail[: max(tail.rfind("</answer>"), 0)].rpartition("<answer>")
            final = opened[2].strip() if opened[1] else None
        else:
            final = tail.strip() or None
        return (before if closed else tail).replace(OPEN, " ").strip(), final or None

    def write(self, reasoning: str, final: str) -> str:
        """A response of this format, as it stands in training data (a prefilled tag included)."""
        end = f"<answer> {final} </answer>" if self.name == "zero" else final
        return f"{OPEN} {reasoning} {CLOSE} {end}"


def read_response(text: Any) -> Response:
    """
    Reads a text of unknown format: `zero` if it has answer tags, else `r1`. What is no string is an empty response.
    """
    text = text if isinstance(text, str) else ""
    return ResponseFormat("zero" if "<answer>" in text else "r1").read(text)


def short_answer(final: str | None, tagged: bool = False) -> str | None:
    r"""
    The short answer that a final part states, for a verifier.

    Args:
        final (`str` or `None`):
            What follows the reasoning.
        tagged (`bool`, *optional*, defaults to `False`):
            Whether `final` stood in answer tags, and so is the answer where nothing is boxed.

    Returns:
        `str` or `None`: content of the last `\boxed{}`; else all of a tagged part; else what follows "the answer is",
        or a displayed formula at the end.
    """
    if not final:
        return None
    end = final[-ANSWER_WINDOW:]
    if "\\boxed" in end or "\\fbox" in end:
        return last_boxed(end)
    if tagged:
        return end
    return stated(end) or shown(end)


def stated(text: str) -> str | None:
    """What follows the last "the answer is", up to the end of the sentence or the reason for it."""
    for marker in reversed(list(MARKER.finditer(text))):
        match = STATEMENT.match(text, marker.end())
        if answer := match["answer"].strip().strip("*` ").rstrip(".").rstrip("*` ") if match else "":
            return answer[match.end() :] if (match := SUBJECT.match(answer)) else answer
    return None


def shown(text: str) -> str | None:
    """A displayed formula at the end of a text, else the last formula or bold words of its last line."""
    if found := DISPLAYED.search(text[-600:]):
        return found[1]
    lines = text.rstrip().rsplit("\n", 1)
    formulas = FORMULA.findall(lines[-1][-2000:])
    return next((part.strip() for part in formulas[-1] if part), None) if formulas else None


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
    boxes, opened = [], []  # `opened`: for each open brace where its box starts, or None
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


def completion_text(completion: Any) -> str:
    """Text of a TRL completion or prompt: a string, or the last of its messages."""
    return completion if isinstance(completion, str) else completion[-1]["content"]


def render_prompt(tokenizer: Any, messages: list[dict[str, str]]) -> str:
    """The prompt exactly as the model reads it."""
    return tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)


def check_rendering(tokenizer: Any, row: dict[str, Any]) -> None:
    """
    Raises `RecipeError` where the chat template swallows the reasoning or the end: the model would never learn them.
    """
    messages = [*row["prompt"], {"role": "assistant", "content": row["response"]}]
    text, prompt = tokenizer.apply_chat_template(messages, tokenize=False), render_prompt(tokenizer, row["prompt"])
    if CLOSE in row["response"] and row["response"].partition(CLOSE)[0].rpartition(OPEN)[2].strip() not in text:
        raise RecipeError(
            "the chat template removes the reasoning from the training text", "use recipes/templates/r1.jinja"
        )
    if not text.startswith(prompt):
        raise RecipeError(
            "the rendered prompt is no prefix of the rendered conversation", "make the chat template consistent"
        )
    if tokenizer.eos_token not in text[len(prompt) :]:
        raise RecipeError(
            f"the chat template never writes the end token {tokenizer.eos_token}",
            "set `eos_token`, or end turns with it",
        )


def read_template(file: str) -> str:
    """A chat template from a `.jinja` file."""
    if not Path(file).is_file():
        raise RecipeError(f"chat_template {file} does not exist", "give the path of a .jinja file")
    return Path(file).read_text(encoding="utf-8").rstrip("\n")
