"""Tries the rewards of a recipe on made-up responses before training, because a reward that can never be paid looks
like a hard task.

For the first prompts it writes a response with the right answer, one with a wrong answer and one without any form, as
this model's template and tokenizer would give them to the trainer, and stops the run if the right one is not paid. It
finds: tags that the tokenizer swallows as special tokens, a template that already wrote `<think>`, golds that do not
verify, limits that kill everything.
"""

import asyncio
import inspect
from typing import Any

from ..core.errors import RecipeError
from ..core.formats import Response, ResponseFormat, completion_text, render_prompt
from ..verify import gold_text
from ..verify.text import BETWEEN
from .base import Reward

WRONG = {"math": "123454321", "choice": "A", "exact": "none of these words"}
WORDS = {
    "en": "let us think step by step", "zh": "我们 一步 一步 想", "ja": "これは かんたん です",
    "ko": "하나씩 생각해 보자", "ru": "подумаем шаг за шагом",
}  # fmt: skip


def probe(
    rewards: list[Reward], rows: list[dict[str, Any]], tokenizer: Any, response_format: ResponseFormat
) -> list[str]:
    """
    Tries the rewards on known responses.

    Args:
        rewards (`list[Reward]`):
            The rewards of the run.
        rows (`list[dict]`):
            Some rows of its dataset.
        tokenizer (`PreTrainedTokenizer`):
            The policy's.
        response_format (`ResponseFormat`):
            How it writes.

    Returns:
        `list[str]`: one line per reward that was checked. Raises `RecipeError` where a right response is not paid, or
        a malformed one is.
    """
    lines = []
    for reward in rewards:
        if missing := [column for column in reward.columns if rows and column not in rows[0]]:
            raise RecipeError(
                f"reward `{reward.__name__}` needs the column `{missing[0]}`, which the dataset lacks",
                "map or add that column",
            )
        if reward.pays_less_for is None:
            continue
        for row in rows:
            if not probed(row, reward) or not reward.applies(row):
                continue
            texts = responses(row, response_format)
            paid = {
                name: pay(reward, row, as_trained(text, tokenizer), reward.from_step) for name, text in texts.items()
            }
            if paid["right"] is None or paid["right"] < 1.0:
                message = f"reward `{reward.__name__}` pays {paid['right']} for a right response to {shown(row)}"
                raise RecipeError(message, why(row, tokenizer, response_format))
            for name in reward.pays_less_for:
                if paid[name] is not None and paid[name] >= 1.0:
                    message = f"reward `{reward.__name__}` pays {paid[name]} for a {name} response to {shown(row)}"
                    raise RecipeError(message, "it would teach nothing: correct or remove it")
        others = " or ".join(reward.pays_less_for)
        lines.append(f"{reward.__name__} pays a right response" + (f", and less for a {others} one" if others else ""))
    return lines


def probed(row: dict[str, Any], reward: Reward) -> bool:
    """
    Whether a right response to a row can be made up: its answer written as it is, its language one we have words of.
    """
    if "language" in reward.columns and row["language"] not in WORDS:
        return False
    return (
        row["verifier"] in ("math", "exact")
        or row["verifier"] == "choice"
        and str(row["answer"]) in tuple("ABCDEFGHIJ")
    )


def responses(row: dict[str, Any], response_format: ResponseFormat) -> dict[str, str]:
    """A right, a wrong and a malformed response, as sampled: a prefilled tag is not part of the completion."""
    gold, kind = gold_text(row["verifier"], row["answer"]).split(BETWEEN)[0], row["verifier"]
    wrong = WRONG[kind] if gold != WRONG[kind] else "B"
    thoughts, found = WORDS.get(row.get("language"), WORDS["en"]), {"malformed": "?"}
    for name, answer in (("right", gold), ("wrong", wrong)):
        final = answer if response_format.name == "zero" or kind == "exact" else rf"\boxed{{{answer}}}"
        text = response_format.write(thoughts, final)
        found[name] = text.removeprefix("<think>") if response_format.prefilled else text
    return found


def as_trained(text: str, tokenizer: Any) -> str:
    """The text after the tokenizer's round trip, without special tokens: what TRL hands to the rewards."""
    return tokenizer.decode(tokenizer(text, add_special_tokens=False)["input_ids"], skip_special_tokens=True)


def pay(reward: Reward, row: dict[str, Any], completion: str, step: int) -> float | None:
    """What a reward pays for one completion, at a step at which it applies."""
    state = type("State", (), {"global_step": step})
    columns = {key: [value] for key, value in row.items() if key != "prompt"}
    score = reward(
        prompts=[row["prompt"]], completions=[completion], completion_ids=[[0]], trainer_state=state, **columns
    )
    return (asyncio.run(score) if inspect.iscoroutine(score) else score)[0]


def why(row: dict[str, Any], tokenizer: Any, response_format: ResponseFormat) -> str:
    """The likely reason, as a hint."""
    if not gold_text(row["verifier"], row["answer"]).strip():
        return "its gold is empty; `open-r1 audit-golds` lists such rows"
    right = responses(row, response_format)["right"]
    seen: Response = response_format.read(as_trained(right, tokenizer))
    prompt_end = render_prompt(tokenizer, row["prompt"])[-30:]
    if not seen.valid:
        back = as_trained(right, tokenizer)[:80]
        return (
            f"after the prompt's end {prompt_end!r} the tokenizer gives {back!r} back: "
            "change the chat template or the special tokens"
        )
    return f"the gold {row['answer']!r} does not verify against itself; `open-r1 audit-golds` lists such rows"


def shown(row: dict[str, Any]) -> str:
    return repr(completion_text(row["prompt"])[:60])
