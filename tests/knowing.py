"""
What a scripted endpoint says to a recipe that asks it: as the model that is sampled it solves the problems of
`hub_rows.py`, though not every time; as a judge it agrees, or prefers the text that sorts last; as a rewriter it
changes no fact.
"""

import json
import random
import re

from hub_rows import DATASETS

ASIDE = ("the first line", "the numbers given", "what is asked", "the units", "a simpler case", "the last step")
ASIDE += ("my sketch", "each term")


def golds() -> dict[str, str]:
    """The answers of all problems that have one, by question."""
    splits = [split for configs in DATASETS.values() for config in configs.values() for split in config.values()]
    rows = [row for split in splits for row in split]
    return {row["problem"]: row["answer"] for row in rows if row.get("problem") and row.get("answer")}


GOLDS = golds()


def answer_to(text: str) -> str:
    """The answer to the question that a prompt asks last."""
    asked = [question for question in GOLDS if question in text]
    return GOLDS[max(asked, key=text.rfind)] if asked else "7"


def solution(prompt: str, seed: int) -> str:
    """A response in the format that the prompt asks for, right two times of three."""
    luck = random.Random(seed)
    answer = answer_to(prompt) if luck.random() < 0.67 else str(luck.randrange(1000, 2000))
    closing = luck.choice(
        ("The steps above give", "From this it follows that it is", "Altogether this makes", "It is")
    )
    thoughts = (
        f"I look at {' and then at '.join(luck.sample(ASIDE, 4))}. This leads me to {answer}. So it is {answer}."
    )
    begins = "" if prompt.rstrip().endswith("<think>") else "<think> "
    end = f"<answer> {answer} </answer>" if "<answer>" in prompt else rf"{closing} \boxed{{{answer}}}."
    return f"{begins}{thoughts} </think> {end}"


def reply(path: str, prompt: str, seed: int) -> str:
    """What the endpoint says to a prompt."""
    if path.endswith("/completions") and not path.endswith("/chat/completions"):
        return solution(prompt, seed)
    if "Reply with JSON only" in prompt:
        return json.dumps({"analysis": "They agree.", "correct": True, "better": "A"})
    if "VERDICT" in prompt:
        first, second = re.search(r"(={3}\w{16}) A\n(.*)\n\1 B\n(.*)\n\1", prompt, re.DOTALL).groups()[1:]
        return f"I would say something else.\n\nVERDICT: {'A' if first > second else 'B'} much better"
    if "Reply with the rewritten reasoning" in prompt:
        return prompt.rpartition("Raw reasoning:\n")[2]
    if "Reply with the solution" in prompt:
        return rf"The reasoning gives the result. \boxed{{{answer_to(prompt)}}}"
    return solution(prompt, seed)


def know(handler) -> None:
    """Answers a request of any kind."""
    if handler.command == "GET":  # what it serves: it does not say
        return handler.answer(404)
    body = handler.body
    if "input" in body:
        return handler.answer(200, json.dumps({"data": [{"probs": [0.5]}]}).encode())
    prompt = body["prompt"] if "prompt" in body else body["messages"][-1]["content"]
    text = reply(handler.path, prompt, body.get("seed", 0))
    choice = {"finish_reason": "stop", "text": text, "message": {"role": "assistant", "content": text}}
    handler.answer(200, json.dumps({"choices": [choice]}).encode())
