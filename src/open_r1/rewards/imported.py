"""Rewards of users, by their import path: a subclass of `Reward`, or a function as TRL calls one.

    rewards:
      my_package.rewards.short_answer: {weight: 0.5, limit: 200}

A function gets `prompts`, `completions`, the columns of the dataset and TRL's own values, and its settings of the
recipe as keywords; it returns one number or `None` per completion, and may be a coroutine.
"""

import asyncio
import importlib
import inspect
import os
import sys
from collections.abc import Awaitable, Callable
from typing import Any

from ..core.errors import RecipeError
from ..core.formats import ResponseFormat
from .base import Reward


class FunctionReward(Reward):
    """
    A function of a user's.

    Args:
        response_format (`ResponseFormat`):
            How the policy writes; the function does not see it.
        function (`Callable`):
            As TRL calls a reward function.
        name (`str`):
            Its import path, the name in logs and curves.
        domains (`list[str]`, *optional*), from_step (`int`, *optional*):
            As of every reward.
        settings (`dict`):
            Further keywords of the function.
    """

    def __init__(
        self,
        response_format: ResponseFormat,
        function: Callable[..., list[float | None]],
        name: str,
        domains: list[str] | None = None,
        from_step: int = 0,
        **settings: Any,
    ):
        super().__init__(response_format, name, domains, from_step)
        self.function, self.settings = function, settings
        if unknown := [key for key in settings if key not in self.taken(settings)]:
            raise TypeError(f"{name} takes no `{unknown[0]}`")

    def taken(self, given: dict[str, Any]) -> dict[str, Any]:
        """Of some keywords those that the function takes."""
        parameters = inspect.signature(self.function).parameters
        if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values()):
            return given
        return {key: value for key, value in given.items() if key in parameters}

    def __call__(
        self, prompts: list, completions: list, trainer_state: Any = None, **columns: Any
    ) -> list[float | None]:
        step = trainer_state.global_step if trainer_state is not None else self.from_step
        domains = columns.get("domain") or [None] * len(prompts)
        chosen = [i for i, domain in enumerate(domains) if step >= self.from_step and self.applies({"domain": domain})]
        columns |= {"prompts": prompts, "completions": completions}
        given = {key: [v[i] for i in chosen] if isinstance(v, list) else v for key, v in columns.items()}
        given |= {"trainer_state": trainer_state, **self.settings}
        scores = self.function(**self.taken(given)) if chosen else []
        if inspect.isawaitable(scores):
            scores = asyncio.run(waited(scores))
        found = dict(zip(chosen, scores, strict=True))
        return [found.get(i) for i in range(len(prompts))]


async def waited(scores: Awaitable[list[float | None]]) -> list[float | None]:
    return await scores


def imported(path: str) -> Callable[..., Reward]:
    """What makes the reward that an import path names; raises `RecipeError` where it names none."""
    module, _, attribute = path.rpartition(".")
    if os.getcwd() not in sys.path:  # a script's own folder is there, and not always the one it is run from
        sys.path.append(os.getcwd())
    try:
        found = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise RecipeError(
            f"reward `{path}`: {error}", "write `package.module.function`; the package must be importable from here"
        ) from None
    if inspect.isclass(found) and issubclass(found, Reward):
        return found
    if not callable(found) or inspect.isclass(found):
        raise RecipeError(f"reward `{path}` is neither a function nor a `Reward`", "name one of your functions")
    return lambda response_format, **settings: FunctionReward(response_format, found, **settings)
