"""Rewards in TRL's signature, one small file per kind; a recipe's `rewards` mapping picks them and their settings:

    rewards:
      accuracy: {weight: 1.0}
      helpful: {weight: 1.0, model: "${root}/helpful_rm", domains: [general], from_step: 60}

`package.module.function` picks one of yours (`imported.py`). Every reward takes `weight`, `domains` (rows of other
domains get `None`, so one batch can mix them) and `from_step`.
"""

from typing import Any

from ..core.errors import RecipeError
from ..core.formats import ResponseFormat
from .accuracy import AccuracyReward, CodeReward, ConstraintsReward, JsonReward
from .base import Reward
from .control import RandomReward
from .format import FormatReward, TagCountReward
from .imported import imported
from .judge import HelpfulJudgeReward, JudgeReward
from .language import LanguageReward
from .preference import HelpfulReward, SafetyReward
from .shaping import CosineReward, RepetitionReward, SoftOverlongReward

REWARDS = {
    "accuracy": AccuracyReward,
    "format": FormatReward,
    "tag_count": TagCountReward,
    "language": LanguageReward,
    "helpful": HelpfulReward,
    "safety": SafetyReward,
    "code": CodeReward,
    "constraints": ConstraintsReward,
    "json": JsonReward,
    "judge": JudgeReward,
    "judge_helpful": HelpfulJudgeReward,
    "cosine": CosineReward,
    "repetition": RepetitionReward,
    "soft_overlong": SoftOverlongReward,
    "random": RandomReward,
}


def build_rewards(
    settings: dict[str, dict[str, Any] | None], response_format: ResponseFormat
) -> tuple[list[Reward], list[float]]:
    """
    Makes the rewards of a recipe.

    Args:
        settings (`dict`):
            The recipe's `rewards`: settings by name.
        response_format (`ResponseFormat`):
            How the policy writes.

    Returns:
        `tuple[list[Reward], list[float]]`: the rewards and their weights.
    """
    if not settings:
        raise RecipeError("the recipe lists no `rewards`", f"add `rewards:` with some of {', '.join(REWARDS)}")
    rewards, weights = [], []
    for name, values in settings.items():
        if not isinstance(values or {}, dict):
            raise RecipeError(f"reward `{name}`: {values!r} is no mapping", f"write `{name}: {{weight: 1.0}}`")
        values = dict(values or {})
        kind = REWARDS.get(name) or (imported(name) if "." in name else None)
        if kind is None:
            raise RecipeError(
                f"unknown reward `{name}`", f"use one of {', '.join(REWARDS)}, or `package.module.function` of yours"
            )
        try:
            weights.append(float(values.pop("weight", 1.0)))
            rewards.append(kind(response_format, name=name, **values))
        except (TypeError, ValueError) as error:
            raise RecipeError(f"reward `{name}`: {error}", "correct its settings in `rewards`") from None
    return rewards, weights
